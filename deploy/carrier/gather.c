/* <Gather>: prompts, keys, time-out, and whether the action is asked. */
#include "base/memory.h"
#include "params.h"
#include "switchboard.h"
#include "verbs.h"

#include <stdio.h>

static const double SECONDS_BETWEEN_KEYS = 0.3;

static bool is_complete(const struct cp_gather *gather)
{
	return gather->digit_count == gather->digit_max;
}

static void stop(struct cp_leg *leg)
{
	struct cp_gather *gather = &leg->run.gather;
	cp_wait_stop(&leg->run.verb);
	cp_wait_stop(&gather->key);
	gather->element = gather->prompt = NULL;
	gather->keys = gather->complete = NULL;
}

static void end(struct cp_leg *leg, const char *reason)
{
	struct cp_gather *gather = &leg->run.gather;
	const struct cp_twiml_element *element = gather->element;
	char finish[2] = {strcmp(reason, "finish-key") == 0 ? gather->finish_key : '\0', '\0'};
	stop(leg);
	cp_story_add(leg, "gather-end", "{s:s,s:s}", "digits", gather->digits, "reason", reason);
	if (gather->digit_count == 0 && !cp_verb_bool(element, "actionOnEmptyResult", false)) {
		cp_run_next(leg);
		return;
	}
	CP_CLEANUP(cp_params_free) struct cp_params params = {0};
	cp_params_add(&params, "Digits", cp_str(gather->digits));
	cp_params_add(&params, "FinishedOnKey", cp_str(finish));
	cp_params_add(&params, "msg", CP_STR("Gather End"));
	cp_run_fetch(leg, cp_twiml_attribute(element, "action"), cp_verb_method(element, "method"), &params);
}

static void wait_for_keys(struct cp_leg *leg)
{
	cp_wait_start(&leg->run.verb, cp_verb_number(leg->run.gather.element, "timeout", 5));
}

static void play_prompt(struct cp_leg *leg)
{
	struct cp_gather *gather = &leg->run.gather;
	if (gather->prompt != NULL) {
		cp_wait_start(&leg->run.verb, cp_run_prompt(leg, gather->prompt));
		return;
	}
	if (gather->complete != NULL) {
		end(leg, gather->complete);
		return;
	}
	wait_for_keys(leg);
	if (gather->keys != NULL && gather->keys[0] != '\0' && !cp_wait_is_started(&gather->key))
		cp_wait_start(&gather->key, leg->phone.key_after);
}

void cp_gather_prompt_done(struct cp_leg *leg)
{
	struct cp_gather *gather = &leg->run.gather;
	if (gather->prompt == NULL) {
		end(leg, "timeout");
		return;
	}
	gather->prompt = gather->prompt->next;
	play_prompt(leg);
}

static void on_key(void *data)
{
	struct cp_leg *leg = data;
	struct cp_gather *gather = &leg->run.gather;
	if (gather->keys == NULL || gather->keys[0] == '\0')
		return;
	char key[2] = {*gather->keys++, '\0'};
	if (gather->keys[0] != '\0')
		cp_wait_start(&gather->key, SECONDS_BETWEEN_KEYS);
	cp_leg_press(leg, key);
}

void cp_gather_init(struct cp_leg *leg)
{
	cp_wait_init(&leg->run.gather.key, cp_leg_clock(leg), on_key, leg);
}

static bool takes_keys(const struct cp_twiml_element *element)
{
	struct cp_str input = cp_twiml_attribute(element, "input");
	return input.ptr == NULL || memmem(input.ptr, input.len, "dtmf", 4) != NULL;
}

void cp_gather_begin(struct cp_leg *leg, const struct cp_twiml_element *element)
{
	struct cp_gather *gather = &leg->run.gather;
	struct cp_str finish = cp_twiml_attribute(element, "finishOnKey"), step = cp_run_step(leg);
	gather->element = element;
	gather->prompt = element->first_child;
	gather->complete = NULL;
	gather->digit_count = 0;
	gather->digits[0] = '\0';
	gather->digit_max = cp_verb_number(element, "numDigits", CP_GATHER_MAX_DIGITS);
	gather->finish_key = finish.ptr == NULL ? '#' : finish.len == 0 ? '\0' : finish.ptr[0];
	cp_story_add(leg, "gather", "{s:s%,s:i,s:i}", "step", step.ptr, step.len, "num_digits",
	             (int)cp_verb_number(element, "numDigits", 0), "timeout", (int)cp_verb_number(element, "timeout", 5));
	cp_phone_reached(leg, CP_WHERE_GATHER, CP_STR(""));
	gather->keys = cp_phone_gather_keys(leg);
	if (leg->phone.barge_in && gather->keys[0] != '\0')
		cp_wait_start(&gather->key, leg->phone.key_after);
	play_prompt(leg);
}

/* Takes the key up; returns why the Gather is complete with it, or NULL. */
static const char *take(struct cp_gather *gather, char key)
{
	if (gather->complete != NULL)
		return gather->complete;
	if (gather->finish_key != '\0' && key == gather->finish_key)
		return "finish-key";
	gather->digits[gather->digit_count++] = key;
	gather->digits[gather->digit_count] = '\0';
	return is_complete(gather) ? "digits" : NULL;
}

void cp_gather_key(struct cp_leg *leg, char key)
{
	struct cp_gather *gather = &leg->run.gather;
	bool in_prompts = gather->prompt != NULL;
	if (!takes_keys(gather->element))
		return;
	gather->complete = take(gather, key);
	if (in_prompts && !cp_verb_bool(gather->element, "bargeIn", true))
		return; /* the prompts are played to their end first */
	gather->prompt = NULL;
	if (gather->complete != NULL)
		end(leg, gather->complete);
	else
		wait_for_keys(leg);
}

void cp_gather_abandon(struct cp_leg *leg)
{
	if (leg->run.gather.element != NULL)
		stop(leg);
}
