/* The last part of a webhook's address: each step and position has one name, and the table leads from a step to where its target is. */
#include "fuzz.h"

#include "call/machine.h"

static void check_step(struct cp_str text)
{
	struct cp_call_step step;
	struct cp_call_position next;
	char again[CP_CALL_STEP_SIZE];
	if (cp_call_step_parse(text, &step) != 0)
		return;
	cp_call_step_write(step, again);
	MUST_HOLD(cp_str_eq(cp_str(again), text));
	for (int event = 0; event < CP_EVENT_COUNT; ++event) {
		char position[CP_CALL_POSITION_SIZE];
		if (cp_call_next(step, (enum cp_call_event)event, &next) != 0)
			continue;
		cp_call_position_write(next, position);
		MUST_HOLD(next.state != CP_STATE_TARGET || (next.target >= 1 && next.target <= CP_CALL_MAX_TARGETS && next.attempt >= 1));
		/* nothing leads back to where it came from but a second try */
		struct cp_call_position from = cp_call_step_position(step);
		MUST_HOLD(next.state > from.state || next.target > from.target || next.attempt > from.attempt);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cp_str text = cp_str_n((const char *)data, size);
	struct cp_call_position position;
	char again[CP_CALL_POSITION_SIZE];
	if (cp_call_position_parse(text, &position) == 0) {
		cp_call_position_write(position, again);
		MUST_HOLD(cp_str_eq(cp_str(again), text));
	}
	check_step(text);
	return 0;
}
