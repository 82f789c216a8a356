/* <Dial>: the dialled legs, who answers first, the whisper, the talk, and what the action is told. */
#include "base/memory.h"
#include "params.h"
#include "switchboard.h"
#include "text/phone.h"
#include "url.h"
#include "verbs.h"

#include <stdio.h>

static void dial_more(struct cp_leg *leg);

/* ---- the end of it */

static const char *status_word(const struct cp_dial *dial)
{
	if (dial->winner != NULL)
		return "completed";
	return dial->last != NULL ? cp_leg_status_word(dial->last->status) : "failed";
}

/* Leaves the Dial; what it was is in *dial from here on, element excepted, which is returned. */
static const struct cp_twiml_element *leave(struct cp_leg *leg)
{
	struct cp_dial *dial = &leg->run.dial;
	const struct cp_twiml_element *element = dial->element;
	dial->element = NULL;
	cp_wait_stop(&dial->send_digits);
	cp_wait_stop(&dial->limit);
	cp_wait_stop(&leg->star);
	return element;
}

/* Tells the story and asks the action, if there is one; else false. */
static bool report(struct cp_leg *leg, const struct cp_twiml_element *element)
{
	struct cp_dial *dial = &leg->run.dial;
	struct cp_leg *about = dial->winner != NULL ? dial->winner : dial->last;
	const char *status = status_word(dial);
	unsigned duration = dial->winner != NULL ? cp_leg_duration(dial->winner) : 0;
	cp_story_add(leg, "dial-end", "{s:s,s:s,s:i,s:b}", "leg", about != NULL ? about->sid : "", "status", status, "duration",
	             (int)duration, "bridged", dial->bridged);
	struct cp_str action = cp_twiml_attribute(element, "action");
	if (action.ptr == NULL)
		return false;
	CP_CLEANUP(cp_params_free) struct cp_params params = {0};
	cp_params_add(&params, "DialCallStatus", cp_str(status));
	if (about != NULL)
		cp_params_add(&params, "DialCallSid", cp_str(about->sid));
	if (dial->winner != NULL)
		cp_params_add_number(&params, "DialCallDuration", duration);
	cp_params_add(&params, "DialBridged", dial->bridged ? CP_STR("true") : CP_STR("false"));
	cp_run_fetch(leg, action, cp_verb_method(element, "method"), &params);
	return true;
}

static void finish(struct cp_leg *leg)
{
	if (!report(leg, leave(leg)))
		cp_run_next(leg);
}

/* Ends all dialled legs but one. The Dial must have been left, or must have a winner: else their ends would finish it. */
static void end_legs(struct cp_leg *leg, const struct cp_leg *except, const char *by)
{
	struct cp_dial *dial = &leg->run.dial;
	for (size_t i = 0; i < dial->count; ++i) {
		struct cp_leg *dialled = dial->legs[i];
		if (dialled != NULL && dialled != except)
			cp_leg_end(dialled, dialled->status == CP_LEG_IN_PROGRESS ? CP_LEG_COMPLETED : CP_LEG_CANCELED, by);
	}
}

static bool all_ended(const struct cp_dial *dial)
{
	for (size_t i = 0; i < dial->count; ++i)
		if (dial->legs[i] != NULL && !cp_leg_has_ended(dial->legs[i]))
			return false;
	return true;
}

void cp_dial_ended(struct cp_leg *dialled)
{
	struct cp_leg *leg = dialled->parent;
	struct cp_dial *dial = &leg->run.dial;
	dial->last = dialled;
	if (dial->element == NULL || cp_leg_has_ended(leg))
		return;
	if (dialled == dial->winner)
		finish(leg);
	else if (dial->winner == NULL && all_ended(dial))
		dial_more(leg);
}

/* ---- answered: digits, whisper, talk */

static void join(struct cp_leg *dialled)
{
	struct cp_leg *leg = dialled->parent;
	struct cp_dial *dial = &leg->run.dial;
	if (dial->element == NULL || dial->winner != dialled)
		return;
	dialled->run.finished = NULL;
	dial->bridged = true;
	cp_story_add(leg, "connected", "{s:s,s:s}", "leg", dialled->sid, "number", dialled->to);
	cp_wait_start(&dial->limit, cp_verb_number(dial->element, "timeLimit", 14400));
	cp_phone_connected(leg);
	cp_phone_connected(dialled);
}

static const struct cp_twiml_element *number_of(const struct cp_dial *dial, const struct cp_leg *dialled)
{
	for (size_t i = 0; i < dial->count; ++i)
		if (dial->legs[i] == dialled)
			return dial->numbers[i];
	return NULL;
}

static void whisper_or_join(struct cp_leg *dialled)
{
	struct cp_leg *leg = dialled->parent;
	const struct cp_twiml_element *number = number_of(&leg->run.dial, dialled);
	struct cp_str url = cp_twiml_attribute(number, "url");
	if (url.ptr == NULL) {
		join(dialled);
		return;
	}
	struct cp_arena *arena = cp_arena_new();
	struct cp_str target;
	if (cp_url_resolve(leg->run.document_url, url, arena, &target) == 0) {
		dialled->run.url = cp_strndup(target.ptr, target.len);
		dialled->run.method = cp_verb_method(number, "method");
		dialled->run.finished = join;
		cp_run_begin(dialled);
	} else {
		cp_story_error(dialled, CP_TWILIO_URL_FORMAT, "the whisper's URL cannot be called", url);
		cp_leg_end(dialled, CP_LEG_COMPLETED, "error");
	}
	cp_arena_free(arena);
}

static void on_digits_sent(void *data)
{
	struct cp_leg *leg = data;
	if (leg->run.dial.winner != NULL)
		whisper_or_join(leg->run.dial.winner);
}

void cp_dial_answered(struct cp_leg *dialled)
{
	struct cp_leg *leg = dialled->parent;
	struct cp_dial *dial = &leg->run.dial;
	if (dial->element == NULL || dial->winner != NULL)
		return;
	dial->winner = dialled;
	cp_story_add(leg, "dial-answer", "{s:s}", "leg", dialled->sid);
	end_legs(leg, dialled, NULL);
	struct cp_str digits = cp_twiml_attribute(number_of(dial, dialled), "sendDigits");
	if (digits.len == 0) {
		whisper_or_join(dialled);
		return;
	}
	cp_story_add(leg, "send-digits", "{s:s,s:s%}", "leg", dialled->sid, "digits", digits.ptr, digits.len);
	double seconds = 0;
	for (size_t i = 0; i < digits.len; ++i)
		seconds += digits.ptr[i] == 'w' ? 0.5 : digits.ptr[i] == 'W' ? 1 : 0.25;
	cp_wait_start(&dial->send_digits, seconds);
}

static void on_limit(void *data)
{
	struct cp_leg *leg = data;
	if (leg->run.dial.winner != NULL)
		cp_leg_end(leg->run.dial.winner, CP_LEG_COMPLETED, "limit");
}

void cp_dial_init(struct cp_leg *leg)
{
	struct cp_dial *dial = &leg->run.dial;
	cp_wait_init(&dial->send_digits, cp_leg_clock(leg), on_digits_sent, leg);
	cp_wait_init(&dial->limit, cp_leg_clock(leg), on_limit, leg);
}

/* ---- the beginning */

/* Twilio's rule: a number of the account's, or one that takes part in the call. */
static bool may_show(const struct cp_leg *leg, struct cp_str caller_id)
{
	return cp_account_has_number(leg->account, caller_id) || cp_str_eq(caller_id, cp_str(leg->to)) ||
	       cp_str_eq(caller_id, cp_str(leg->from));
}

static void set_callbacks(struct cp_leg *dialled, const struct cp_twiml_element *number, struct cp_str base)
{
	struct cp_str reference = cp_twiml_attribute(number, "statusCallback"), url;
	struct cp_str events = cp_twiml_attribute(number, "statusCallbackEvent");
	struct cp_arena *arena = cp_arena_new();
	if (reference.ptr != NULL && cp_url_resolve(base, reference, arena, &url) == 0) {
		dialled->callbacks.url = cp_strndup(url.ptr, url.len);
		dialled->callbacks.method = cp_verb_method(number, "statusCallbackMethod");
		dialled->callbacks.events = events.ptr == NULL ? CP_EVENT_COMPLETED : 0;
		while (events.ptr != NULL)
			dialled->callbacks.events |= cp_event_of(cp_str_split(events, ' ', &events));
	}
	cp_arena_free(arena);
}

/* Asks for the number with this index; one that is none gets no leg. */
static void dial_number(struct cp_leg *leg, size_t index)
{
	struct cp_dial *dial = &leg->run.dial;
	const struct cp_twiml_element *number = dial->numbers[index];
	struct cp_str to = number->text, caller_id = cp_twiml_attribute(dial->element, "callerId"), step = cp_run_step(leg);
	if (!cp_phone_is_e164(to)) {
		cp_story_error(leg, CP_TWILIO_DIAL_NUMBER_FORMAT, "a number to dial is not in E.164 form", to);
		return;
	}
	char to_text[CP_NUMBER_SIZE], from[CP_NUMBER_SIZE];
	snprintf(to_text, sizeof(to_text), "%.*s", CP_STR_ARG(to));
	snprintf(from, sizeof(from), "%.*s", CP_STR_ARG(caller_id.len > 0 ? caller_id : cp_str(leg->from)));
	struct cp_leg *dialled = cp_leg_new(leg->board, leg->account, leg, to_text, from);
	dial->legs[index] = dialled;
	dialled->timeout = cp_verb_number(dial->element, "timeout", 30);
	set_callbacks(dialled, number, leg->run.document_url);
	cp_story_add(leg, "dial", "{s:s,s:s,s:s,s:s%}", "number", to_text, "leg", dialled->sid, "caller_id", from, "step",
	             step.ptr, step.len);
	if (dialled->phone.outcome >= CP_OUTCOME_INVALID) {
		dialled->phone.answer_after = 0;
		cp_story_error(leg, CP_TWILIO_DIAL_NUMBER, "the number dialled is invalid, or cannot be called", to);
	}
	cp_leg_start(dialled, 0);
}

/* All numbers at once, or the next one where they are to be tried in turn; ends the Dial where none is left. */
static void dial_more(struct cp_leg *leg)
{
	struct cp_dial *dial = &leg->run.dial;
	bool in_turn = cp_verb_bool(dial->element, "sequential", false), ringing = false;
	while (dial->dialled < dial->count && !(in_turn && ringing)) {
		size_t index = dial->dialled++;
		dial_number(leg, index);
		ringing = ringing || dial->legs[index] != NULL;
	}
	if (!ringing)
		finish(leg);
}

void cp_dial_begin(struct cp_leg *leg, const struct cp_twiml_element *element)
{
	struct cp_dial *dial = &leg->run.dial;
	struct cp_str caller_id = cp_twiml_attribute(element, "callerId");
	dial->element = element;
	dial->count = dial->dialled = 0;
	dial->winner = dial->last = NULL;
	dial->bridged = false;
	memset(dial->legs, 0, sizeof(dial->legs));
	for (const struct cp_twiml_element *child = element->first_child; child != NULL && dial->count < CP_DIAL_MAX_NUMBERS;
	     child = child->next)
		dial->numbers[dial->count++] = child;
	if (element->first_child == NULL)
		dial->numbers[dial->count++] = element;
	if (caller_id.len > 0 && !may_show(leg, caller_id)) {
		cp_story_error(leg, CP_TWILIO_DIAL_CALLER_ID,
		               "callerId is neither a number of the account's nor one of this call", caller_id);
		finish(leg);
		return;
	}
	cp_phone_reached(leg, CP_WHERE_DIAL, CP_STR(""));
	dial_more(leg);
}

/* ---- leaving it early */

void cp_dial_key(struct cp_leg *leg, char key)
{
	struct cp_dial *dial = &leg->run.dial;
	if (key != '*' || !cp_verb_bool(dial->element, "hangupOnStar", false))
		return;
	if (dial->winner != NULL) {
		cp_leg_end(dial->winner, CP_LEG_COMPLETED, "caller");
		return;
	}
	const struct cp_twiml_element *element = leave(leg);
	end_legs(leg, NULL, "caller");
	if (!report(leg, element))
		cp_run_next(leg);
}

void cp_dial_abandon(struct cp_leg *leg)
{
	if (leg->run.dial.element == NULL)
		return;
	leave(leg);
	end_legs(leg, NULL, "api");
}

bool cp_dial_hung_up(struct cp_leg *leg)
{
	if (leg->run.dial.element == NULL)
		return false;
	const struct cp_twiml_element *element = leave(leg);
	end_legs(leg, NULL, NULL);
	return report(leg, element);
}
