#include "call/machine.h"

#include "base/memory.h"

#include <stdio.h>

/* ---- the table */

enum condition { ALWAYS, MORE /* tries, or targets */, LAST };

static const struct transition {
	enum cp_call_state from;
	enum cp_call_event event;
	enum condition condition;
	enum cp_call_state to;
} transitions[] = {
	{CP_STATE_CREATED, CP_EVENT_ANSWERED, ALWAYS, CP_STATE_HUMAN},
	{CP_STATE_HUMAN, CP_EVENT_KEY, ALWAYS, CP_STATE_TARGET},
	{CP_STATE_HUMAN, CP_EVENT_NO_KEY, MORE, CP_STATE_HUMAN},
	{CP_STATE_HUMAN, CP_EVENT_NO_KEY, LAST, CP_STATE_GOODBYE},
	{CP_STATE_TARGET, CP_EVENT_TARGET_DONE, MORE, CP_STATE_TARGET},
	{CP_STATE_TARGET, CP_EVENT_TARGET_DONE, LAST, CP_STATE_THANKS},
};

static bool holds(enum condition condition, struct cp_call_step step)
{
	bool more = step.kind == CP_STEP_HUMAN ? step.attempt < CP_CALL_HUMAN_TRIES : step.target < step.count;
	return condition == ALWAYS || (condition == MORE) == more;
}

/* Where in the state: the next try of the same question, or the first try of the next target. */
static struct cp_call_position enter(enum cp_call_state to, struct cp_call_position from)
{
	switch (to) {
	case CP_STATE_HUMAN:
		return (struct cp_call_position){to, 0, from.attempt + 1};
	case CP_STATE_TARGET:
		return (struct cp_call_position){to, from.target + 1, 1};
	default:
		return (struct cp_call_position){to, 0, 0};
	}
}

int cp_call_next(struct cp_call_step step, enum cp_call_event event, struct cp_call_position *ret_next)
{
	struct cp_call_position from = cp_call_step_position(step);
	for (size_t i = 0; i < CP_COUNT(transitions); ++i) {
		const struct transition *t = &transitions[i];
		if (t->from == from.state && t->event == event && holds(t->condition, step)) {
			*ret_next = enter(t->to, from);
			return 0;
		}
	}
	return cp_fail(CP_E_INPUT, "this request does not fit the step of the call it is for");
}

unsigned cp_call_step_next_target(struct cp_call_step step)
{
	switch (step.kind) {
	case CP_STEP_ANSWER:
		return 0;
	case CP_STEP_HUMAN:
		return 1;
	default:
		return step.target < step.count ? step.target + 1 : 0;
	}
}

bool cp_call_is_final(enum cp_call_state state)
{
	for (size_t i = 0; i < CP_COUNT(transitions); ++i)
		if (transitions[i].from == state)
			return false;
	return true;
}

struct cp_call_position cp_call_step_position(struct cp_call_step step)
{
	switch (step.kind) {
	case CP_STEP_ANSWER:
		return (struct cp_call_position){CP_STATE_CREATED, 0, 0};
	case CP_STEP_HUMAN:
		return (struct cp_call_position){CP_STATE_HUMAN, 0, step.attempt};
	case CP_STEP_DIAL:
		return (struct cp_call_position){CP_STATE_TARGET, step.target, step.attempt};
	case CP_STEP_SKIP:
		break;
	}
	return (struct cp_call_position){CP_STATE_TARGET, step.target, 1};
}

/* ---- names */

void cp_call_position_write(struct cp_call_position position, char out[CP_CALL_POSITION_SIZE])
{
	switch (position.state) {
	case CP_STATE_HUMAN:
		snprintf(out, CP_CALL_POSITION_SIZE, "human-try-%u", position.attempt);
		break;
	case CP_STATE_TARGET:
		snprintf(out, CP_CALL_POSITION_SIZE, "target-%u-try-%u", position.target, position.attempt);
		break;
	default:
		snprintf(out, CP_CALL_POSITION_SIZE, "%s",
		         position.state == CP_STATE_CREATED ? "created" : position.state == CP_STATE_THANKS ? "thanks" : "goodbye");
	}
}

void cp_call_step_write(struct cp_call_step step, char out[CP_CALL_STEP_SIZE])
{
	switch (step.kind) {
	case CP_STEP_ANSWER:
		snprintf(out, CP_CALL_STEP_SIZE, "answer");
		break;
	case CP_STEP_HUMAN:
		snprintf(out, CP_CALL_STEP_SIZE, "human-try-%u", step.attempt);
		break;
	case CP_STEP_DIAL:
		snprintf(out, CP_CALL_STEP_SIZE, "dial-%u-of-%u-try-%u", step.target, step.count, step.attempt);
		break;
	case CP_STEP_SKIP:
		snprintf(out, CP_CALL_STEP_SIZE, "skip-%u-of-%u", step.target, step.count);
		break;
	}
}

/* Takes word from the front of *text. */
static bool take(struct cp_str *text, const char *word)
{
	struct cp_str prefix = cp_str(word);
	if (!cp_str_starts(*text, prefix))
		return false;
	*text = cp_str_n(text->ptr + prefix.len, text->len - prefix.len);
	return true;
}

/* Takes a number from 1 to CP_CALL_MAX_TARGETS, written without leading zeros. */
static bool take_number(struct cp_str *text, unsigned *number)
{
	size_t len = 0;
	uint64_t value;
	while (len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9')
		++len;
	if (len == 0 || text->ptr[0] == '0' || cp_str_to_u64(cp_str_n(text->ptr, len), CP_CALL_MAX_TARGETS, &value) != 0)
		return false;
	*number = (unsigned)value;
	*text = cp_str_n(text->ptr + len, text->len - len);
	return true;
}

int cp_call_step_parse(struct cp_str text, struct cp_call_step *ret_step)
{
	struct cp_call_step step = {.kind = CP_STEP_ANSWER};
	bool fits;
	if (take(&text, "human-try-")) {
		step.kind = CP_STEP_HUMAN;
		fits = take_number(&text, &step.attempt) && step.attempt <= CP_CALL_HUMAN_TRIES;
	} else if (take(&text, "dial-")) {
		step.kind = CP_STEP_DIAL;
		fits = take_number(&text, &step.target) && take(&text, "-of-") && take_number(&text, &step.count) &&
		       step.target <= step.count && take(&text, "-try-") && take_number(&text, &step.attempt);
	} else if (take(&text, "skip-")) {
		step.kind = CP_STEP_SKIP;
		fits = take_number(&text, &step.target) && take(&text, "-of-") && take_number(&text, &step.count) && step.target <= step.count;
	} else {
		fits = take(&text, "answer");
	}
	if (!fits || text.len != 0)
		return cp_fail(CP_E_INPUT, "no step of a call has this name");
	*ret_step = step;
	return 0;
}

int cp_call_position_parse(struct cp_str text, struct cp_call_position *ret_position)
{
	struct cp_call_position position = {.state = CP_STATE_CREATED};
	bool fits = true;
	if (take(&text, "human-try-")) {
		position.state = CP_STATE_HUMAN;
		fits = take_number(&text, &position.attempt);
	} else if (take(&text, "target-")) {
		position.state = CP_STATE_TARGET;
		fits = take_number(&text, &position.target) && take(&text, "-try-") && take_number(&text, &position.attempt);
	} else if (take(&text, "thanks")) {
		position.state = CP_STATE_THANKS;
	} else if (take(&text, "goodbye")) {
		position.state = CP_STATE_GOODBYE;
	} else {
		fits = take(&text, "created");
	}
	if (!fits || text.len != 0)
		return cp_fail(CP_E_BUG, "no position of a call has this name");
	*ret_position = position;
	return 0;
}
