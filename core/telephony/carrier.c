#include "telephony/carrier.h"

#include "base/arena.h"
#include "base/memory.h"
#include "text/form.h"
#include "text/json.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct request {
	cp_carrier_fn *fn;
	void *data;
	bool creates;
};

/* Twilio's error codes (its error dictionary), as far as they ask for different things to be done. */
static const struct {
	int code;
	enum cp_carrier_problem problem;
} problems[] = {
	{20003, CP_CARRIER_CREDENTIALS}, {20005, CP_CARRIER_CREDENTIALS}, {20404, CP_CARRIER_NOT_FOUND}, {20429, CP_CARRIER_BUSY},
	{21201, CP_CARRIER_BAD_NUMBER},  {21210, CP_CARRIER_BAD_FROM},    {21211, CP_CARRIER_BAD_NUMBER}, {21212, CP_CARRIER_BAD_FROM},
	{21214, CP_CARRIER_BAD_NUMBER},  {21215, CP_CARRIER_REGION},      {21216, CP_CARRIER_BLOCKED_NUMBER}, {21217, CP_CARRIER_BAD_NUMBER},
	{21219, CP_CARRIER_REFUSED},     {22005, CP_CARRIER_BUSY},
};

static const struct {
	const char *word, *sentence;
} words[] = {
	[CP_CARRIER_OK] = {"ok", "The call is on its way."},
	[CP_CARRIER_BAD_NUMBER] = {"phone_unreachable", "This phone number cannot be called. Please check it."},
	[CP_CARRIER_BLOCKED_NUMBER] = {"phone_blocked", "This phone number cannot be called by us."},
	[CP_CARRIER_REGION] = {"phone_region", "We cannot call phones in this country."},
	[CP_CARRIER_BAD_FROM] = {"carrier_number", "We cannot place calls at the moment. The organization has been told."},
	[CP_CARRIER_CREDENTIALS] = {"carrier_credentials", "We cannot place calls at the moment. The organization has been told."},
	[CP_CARRIER_BUSY] = {"carrier_busy", "Many people are calling right now. Please try again in a minute."},
	[CP_CARRIER_AWAY] = {"carrier_away", "The phone company does not answer. Please try again in a minute."},
	[CP_CARRIER_REFUSED] = {"carrier_refused", "The phone company refused this call."},
	[CP_CARRIER_NOT_FOUND] = {"carrier_refused", "The phone company refused this call."},
};

static enum cp_carrier_problem problem_of(int status, int code)
{
	for (size_t i = 0; i < CP_COUNT(problems); ++i)
		if (problems[i].code == code)
			return problems[i].problem;
	if (status == 401 || status == 403)
		return CP_CARRIER_CREDENTIALS;
	if (status == 404)
		return CP_CARRIER_NOT_FOUND;
	if (status == 429)
		return CP_CARRIER_BUSY;
	return status >= 500 ? CP_CARRIER_AWAY : CP_CARRIER_REFUSED;
}

/* Numbers come as JSON numbers, as strings, or as null; 0 for what is none from 0 to INT_MAX. */
static int number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	uint64_t number = 0;
	if (json_is_integer(value) && json_integer_value(value) > 0 && json_integer_value(value) <= INT_MAX)
		return (int)json_integer_value(value);
	return json_is_string(value) && cp_str_to_u64(cp_json_str(object, key), INT_MAX, &number) == 0 ? (int)number : 0;
}

static void read_answer(const struct request *request, const struct cp_fetch_answer *fetched, const json_t *json, struct cp_carrier_answer *answer)
{
	bool success = fetched->status == 200 || fetched->status == 201;
	answer->carrier_code = success ? 0 : number_of(json, "code");
	answer->message = cp_json_str(json, "message");
	if (!success) {
		answer->problem = problem_of(fetched->status, answer->carrier_code);
		/* a refusal in the carrier's own shape means that no call was made; a 5xx says nothing */
		answer->certainly_not_placed = request->creates && fetched->status >= 400 && fetched->status < 500;
		return;
	}
	answer->sid = cp_json_str(json, "sid");
	answer->status = cp_call_status_parse(cp_json_str(json, "status"));
	answer->duration_s = number_of(json, "duration");
	answer->queue_ms = number_of(json, "queue_time");
	if (!cp_call_sid_is_valid(answer->sid)) {
		answer->sid = CP_STR_NULL;
		answer->problem = CP_CARRIER_AWAY;
		answer->message = CP_STR("the carrier's answer has no call sid");
	}
}

static void on_fetched(void *data, int error, const struct cp_fetch_answer *fetched)
{
	CP_CLEANUP(cp_free_ptr) struct request *request = data;
	CP_CLEANUP(cp_json_free_ptr) json_t *json = NULL;
	struct cp_carrier_answer answer = {.problem = CP_CARRIER_OK};
	if (error != 0) {
		answer.problem = CP_CARRIER_AWAY;
		answer.certainly_not_placed = request->creates && fetched != NULL && fetched->never_sent;
		answer.message = cp_str(cp_error_message());
	} else {
		if (cp_json_parse(fetched->body, &json) != 0)
			json = NULL;
		read_answer(request, fetched, json, &answer);
	}
	request->fn(request->data, &answer);
}

/* The loop ends: whoever waits is told, so that nothing of theirs is left behind. */
static void on_dropped(void *data)
{
	CP_CLEANUP(cp_free_ptr) struct request *request = data;
	struct cp_carrier_answer answer = {.problem = CP_CARRIER_AWAY, .message = CP_STR("the server is stopping")};
	request->fn(request->data, &answer);
}

static int start(struct cp_fetcher *fetcher, const struct cp_carrier_account *account, const char *method, const char *path, struct cp_str body,
                 bool creates, cp_carrier_fn *fn, void *data)
{
	char url[512];
	if (snprintf(url, sizeof(url), "%s/2010-04-01/Accounts/%s/%s", account->base_url, account->account_sid, path) >= (int)sizeof(url))
		return cp_fail(CP_E_INPUT, "the carrier's address is too long");
	struct cp_fetch_request fetch = {
		.method = method,
		.url = url,
		.body = body,
		.content_type = body.len == 0 ? NULL : "application/x-www-form-urlencoded",
		.user = account->user,
		.secret = account->secret,
		.timeout_ms = account->timeout_ms,
		.operator_destination = account->operator_destination,
		.dropped = on_dropped,
	};
	struct request *request = cp_alloc(sizeof(*request));
	*request = (struct request){fn, data, creates};
	int error = cp_fetch_start(fetcher, &fetch, on_fetched, request, NULL);
	if (error != 0)
		free(request);
	return error;
}

static void add_number(struct cp_buf *form, const char *name, unsigned value)
{
	char text[16];
	snprintf(text, sizeof(text), "%u", value);
	cp_form_add(form, name, cp_str(text));
}

int cp_carrier_create_call(struct cp_fetcher *fetcher, const struct cp_carrier_account *account, const struct cp_carrier_call *call,
                           cp_carrier_fn *fn, void *data)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf form = {0};
	cp_form_add(&form, "To", call->to);
	cp_form_add(&form, "From", call->from);
	cp_form_add(&form, "Url", call->url);
	cp_form_add(&form, "Method", CP_STR("POST"));
	cp_form_add(&form, "FallbackUrl", call->fallback_url);
	cp_form_add(&form, "FallbackMethod", CP_STR("POST"));
	cp_form_add(&form, "StatusCallback", call->status_url);
	cp_form_add(&form, "StatusCallbackMethod", CP_STR("POST"));
	cp_form_add(&form, "StatusCallbackEvent", CP_STR("ringing"));
	cp_form_add(&form, "StatusCallbackEvent", CP_STR("completed"));
	add_number(&form, "Timeout", call->ring_timeout_s);
	add_number(&form, "TimeLimit", call->time_limit_s);
	return start(fetcher, account, "POST", "Calls.json", cp_buf_str(&form), true, fn, data);
}

int cp_carrier_get_call(struct cp_fetcher *fetcher, const struct cp_carrier_account *account, struct cp_str sid, cp_carrier_fn *fn, void *data)
{
	char path[64];
	if (!cp_call_sid_is_valid(sid))
		return cp_fail(CP_E_INPUT, "not a call sid");
	snprintf(path, sizeof(path), "Calls/%.*s.json", CP_STR_ARG(sid));
	return start(fetcher, account, "GET", path, CP_STR_NULL, false, fn, data);
}

const char *cp_carrier_problem_word(enum cp_carrier_problem problem)
{
	return words[problem].word;
}

const char *cp_carrier_problem_sentence(enum cp_carrier_problem problem)
{
	return words[problem].sentence;
}
