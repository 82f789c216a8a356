/* POST Calls, and what can be done to one call. */
#include "base/clock.h"
#include "base/memory.h"
#include "present.h"
#include "rest.h"
#include "text/phone.h"
#include "url.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_TWIML = 4000, MAX_ACTIVE = 10000, QUEUE_LIMIT_S = 86400 };

/* ---- creating */

/* Accepted because they change nothing that the sandbox shows: CallReason, CallToken. */
static const char *const create_names[] = {"To",
                                           "From",
                                           "Url",
                                           "Method",
                                           "Twiml",
                                           "FallbackUrl",
                                           "FallbackMethod",
                                           "StatusCallback",
                                           "StatusCallbackMethod",
                                           "StatusCallbackEvent",
                                           "Timeout",
                                           "TimeLimit",
                                           "CallReason",
                                           "CallToken",
                                           NULL};

/* Twilio's code for a To that its scenario makes unreachable; 0 where it can be rung. */
static int refusal_of(enum cp_outcome outcome, const char **ret_text)
{
	switch (outcome) {
	case CP_OUTCOME_INVALID:
		*ret_text = "Phone number does not appear to be valid";
		return 21217;
	case CP_OUTCOME_UNREACHABLE:
		*ret_text = "To number cannot be reached";
		return 21214;
	case CP_OUTCOME_REGION:
		*ret_text = "Account not authorized to call this number: geographic permission is not enabled";
		return 21215;
	case CP_OUTCOME_BLOCKED:
		*ret_text = "Account not allowed to call this number";
		return 21216;
	default:
		return 0;
	}
}

static bool check_numbers(struct cp_rest *rest, const char *to, const char *from)
{
	struct cp_phone_script phone;
	const char *text;
	if (to == NULL) {
		cp_rest_error(rest, 400, 21201, "No 'To' number is specified");
		return false;
	}
	if (from == NULL) {
		cp_rest_error(rest, 400, 21213, "No 'From' number is specified");
		return false;
	}
	if (!cp_phone_is_e164(cp_str(to))) {
		cp_rest_error(rest, 400, 21211, "The phone number you are attempting to call, %s, is not valid.", to);
		return false;
	}
	if (!cp_phone_is_e164(cp_str(from))) {
		cp_rest_error(rest, 400, 21212, "The 'From' number %s is not a valid phone number.", from);
		return false;
	}
	if (!cp_account_has_number(rest->account, cp_str(from))) {
		cp_rest_error(rest, 400, 21210, "The source phone number provided, %s, is not yet verified for your account.",
		              from);
		return false;
	}
	cp_scenario_phone(rest->service->board->scenario, to, false, &phone);
	int code = refusal_of(phone.outcome, &text);
	if (code != 0) {
		cp_rest_error(rest, 400, code, "%s: %s", text, to);
		return false;
	}
	return true;
}

/* What both creating and updating take. */
struct settings {
	const char *method, *fallback_method, *callback_method;
	unsigned timeout, time_limit, events;
};

static bool read_events(struct cp_rest *rest, unsigned *ret_events)
{
	unsigned events = 0;
	for (size_t i = 0; i < rest->form.count; ++i) {
		const struct cp_form_field *field = &rest->form.fields[i];
		if (!cp_str_eq(field->name, CP_STR("StatusCallbackEvent")))
			continue;
		unsigned event = cp_event_of(field->value);
		if (event == 0) {
			cp_rest_error(rest, 400, 21626, "Invalid status callback event: %.*s",
			              (int)(field->value.len < 100 ? field->value.len : 100), field->value.ptr);
			return false;
		}
		events |= event;
	}
	*ret_events = events != 0 ? events : CP_EVENT_COMPLETED;
	return true;
}

static bool read_settings(struct cp_rest *rest, struct settings *settings)
{
	if (!cp_rest_check_url(rest, "Url", 21205) || !cp_rest_check_url(rest, "FallbackUrl", 21205) ||
	    !cp_rest_check_url(rest, "StatusCallback", 21609))
		return false;
	settings->method = cp_rest_method(rest, "Method");
	if (settings->method == NULL)
		return false;
	settings->fallback_method = cp_rest_method(rest, "FallbackMethod");
	if (settings->fallback_method == NULL)
		return false;
	settings->callback_method = cp_rest_method(rest, "StatusCallbackMethod");
	if (settings->callback_method == NULL)
		return false;
	if (cp_form_get(&rest->form, "Twiml").len > MAX_TWIML) {
		cp_rest_error(rest, 400, 20001, "Twiml is longer than %d characters", MAX_TWIML);
		return false;
	}
	return read_events(rest, &settings->events) && cp_rest_number(rest, "Timeout", 1, 600, 60, &settings->timeout) &&
	       cp_rest_number(rest, "TimeLimit", 1, 86400, 14400, &settings->time_limit);
}

/* Virtual seconds that the account's next call waits for its turn; takes the turn. */
static double take_turn(struct cp_switchboard *board, struct cp_account *account)
{
	double pace = board->options.calls_per_second;
	if (pace <= 0)
		return 0;
	int64_t now = (int64_t)cp_clock_monotonic_ms() * 1000,
	        start = account->next_start_us > now ? account->next_start_us : now;
	double seconds = (double)(start - now) * board->options.speed / 1000000;
	if (seconds > QUEUE_LIMIT_S)
		return seconds;
	account->next_start_us = start + (int64_t)(1000000 / (pace * board->options.speed));
	return seconds;
}

static void take_settings(struct cp_rest *rest, struct cp_leg *leg, const struct settings *settings)
{
	leg->timeout = settings->timeout;
	leg->time_limit = settings->time_limit;
	leg->run.url = cp_rest_copy(rest, "Url");
	leg->run.twiml = leg->run.url == NULL ? cp_rest_copy(rest, "Twiml") : NULL; /* Url wins */
	leg->run.method = settings->method;
	leg->run.fallback_url = cp_rest_copy(rest, "FallbackUrl");
	leg->run.fallback_method = settings->fallback_method;
	leg->callbacks.url = cp_rest_copy(rest, "StatusCallback");
	leg->callbacks.method = settings->callback_method;
	leg->callbacks.events = settings->events;
}

/* False where the board takes no call now: answered. */
static bool check_capacity(struct cp_rest *rest)
{
	struct cp_switchboard *board = rest->service->board;
	struct cp_rest_failure failure;
	if (cp_scenario_take_failure(board->scenario, &failure)) {
		cp_rest_error(rest, failure.status, failure.code, "%s", failure.message);
		return false;
	}
	if (board->active >= MAX_ACTIVE) {
		cp_rest_error(rest, 429, 20429, "Too Many Requests: %d calls are running", MAX_ACTIVE);
		return false;
	}
	return true;
}

void cp_rest_create_call(struct cp_rest *rest)
{
	struct cp_switchboard *board = rest->service->board;
	struct settings settings;
	CP_CLEANUP(cp_free_ptr) char *to = cp_rest_copy(rest, "To");
	CP_CLEANUP(cp_free_ptr) char *from = cp_rest_copy(rest, "From");
	if (!check_capacity(rest) || !cp_rest_known(rest, create_names) || !check_numbers(rest, to, from))
		return;
	if (cp_form_get(&rest->form, "Url").len == 0 && cp_form_get(&rest->form, "Twiml").len == 0) {
		cp_rest_error(rest, 400, 21205, "Url parameter is required.");
		return;
	}
	if (!read_settings(rest, &settings))
		return;
	double queue_seconds = take_turn(board, rest->account);
	if (queue_seconds > QUEUE_LIMIT_S) {
		cp_rest_error(rest, 429, 22005, "More than 24 hours of calls are queued");
		return;
	}
	struct cp_leg *leg = cp_leg_new(board, rest->account, NULL, to, from);
	take_settings(rest, leg, &settings);
	cp_leg_start(leg, queue_seconds);
	cp_rest_reply(rest, 201, cp_present_resource(leg));
}

/* ---- changing */

static const char *const update_names[] = {
    "Url",    "Method",    "Twiml", "FallbackUrl", "FallbackMethod", "StatusCallback", "StatusCallbackMethod",
    "Status", "TimeLimit", NULL};

static void replace(struct cp_rest *rest, const char *name, char **text)
{
	char *copy = cp_rest_copy(rest, name);
	if (copy == NULL)
		return;
	free(*text);
	*text = copy;
}

/* canceled leaves a call in progress alone; completed ends it whatever it does. */
static void end_call(struct cp_leg *leg, bool also_in_progress)
{
	if (leg->status < CP_LEG_IN_PROGRESS)
		cp_leg_end(leg, CP_LEG_CANCELED, "api");
	else if (also_in_progress)
		cp_leg_end(leg, CP_LEG_COMPLETED, "api");
}

static void redirect_call(struct cp_rest *rest, struct cp_leg *leg, const struct settings *settings)
{
	bool has_url = cp_form_get(&rest->form, "Url").len > 0;
	free(leg->run.twiml);
	leg->run.twiml = NULL;
	if (has_url) {
		replace(rest, "Url", &leg->run.url);
		leg->run.method = settings->method;
	} else {
		leg->run.twiml = cp_rest_copy(rest, "Twiml");
	}
	cp_run_again(leg);
}

static void change_settings(struct cp_rest *rest, struct cp_leg *leg, const struct settings *settings)
{
	replace(rest, "FallbackUrl", &leg->run.fallback_url);
	if (cp_form_get(&rest->form, "FallbackMethod").len > 0)
		leg->run.fallback_method = settings->fallback_method;
	replace(rest, "StatusCallback", &leg->callbacks.url);
	if (leg->callbacks.url != NULL && leg->callbacks.events == 0)
		leg->callbacks.events = CP_EVENT_COMPLETED;
	if (cp_form_get(&rest->form, "StatusCallbackMethod").len > 0)
		leg->callbacks.method = settings->callback_method;
	if (cp_form_get(&rest->form, "TimeLimit").len == 0)
		return;
	leg->time_limit = settings->time_limit;
	if (leg->status == CP_LEG_IN_PROGRESS)
		cp_wait_start(&leg->limit,
		              settings->time_limit -
		                  (settings->time_limit > cp_leg_duration(leg) ? cp_leg_duration(leg) : settings->time_limit));
}

void cp_rest_update_call(struct cp_rest *rest, struct cp_leg *leg)
{
	struct settings settings;
	struct cp_str status = cp_form_get(&rest->form, "Status");
	bool redirects = cp_form_get(&rest->form, "Url").len > 0 || cp_form_get(&rest->form, "Twiml").len > 0;
	bool completes = cp_str_eq(status, CP_STR("completed"));
	if (!cp_rest_known(rest, update_names) || !read_settings(rest, &settings))
		return;
	if (status.len > 0 && !completes && !cp_str_eq(status, CP_STR("canceled"))) {
		cp_rest_error(rest, 400, 20001, "Status must be canceled or completed");
		return;
	}
	if (redirects && leg->status != CP_LEG_IN_PROGRESS) {
		cp_rest_error(rest, 400, 21220, "Invalid call state: Call is not in-progress. Cannot redirect.");
		return;
	}
	if (!cp_leg_has_ended(leg))
		change_settings(rest, leg, &settings);
	if (status.len > 0)
		end_call(leg, completes);
	else if (redirects)
		redirect_call(rest, leg, &settings);
	cp_rest_reply(rest, 200, cp_present_resource(leg));
}

void cp_rest_delete_call(struct cp_rest *rest, struct cp_leg *leg)
{
	if (!cp_leg_root(leg)->settled) {
		cp_rest_error(rest, 409, 20409, "The call is still in progress; only a completed call can be deleted");
		return;
	}
	cp_switchboard_forget(rest->service->board, leg);
	cp_rest_reply(rest, 204, NULL);
}
