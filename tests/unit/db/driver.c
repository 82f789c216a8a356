#include "driver.h"

#include "base/clock.h"
#include "pool.h"

enum { PATIENCE_MS = 10000 };

bool answers_are_gone;

void on_answer(void *data, int error, const struct cp_db_result *result)
{
	struct answer *answer = data;
	if (answers_are_gone)
		return;
	++answer->calls;
	answer->error = error;
	if (answer->order != NULL)
		answer->place = ++*answer->order;
	if (error != 0) {
		assert_null(result);
		snprintf(answer->message, sizeof(answer->message), "%s", cp_error_message());
		return;
	}
	answer->rows = cp_db_rows(result);
	answer->affected = cp_db_affected(result);
	if (answer->rows > 0)
		snprintf(answer->text, sizeof(answer->text), "%.*s", CP_STR_ARG(cp_db_value(result, 0, 0)));
}

void turn_until(struct cp_loop *loop, const int *calls, int count)
{
	uint64_t start_ms = cp_clock_monotonic_ms();
	while (*calls < count) {
		if (cp_clock_monotonic_ms() - start_ms > PATIENCE_MS)
			fail_msg("%d of %d callbacks after %d ms", *calls, count, PATIENCE_MS);
		cp_loop_turn(loop, 20);
	}
}

void turn_until_up(struct cp_loop *loop, const struct cp_db *db, bool up)
{
	uint64_t start_ms = cp_clock_monotonic_ms();
	while (cp_db_is_up(db) != up) {
		if (cp_clock_monotonic_ms() - start_ms > PATIENCE_MS)
			fail_msg("still %s after %d ms: %s", up ? "down" : "up", PATIENCE_MS, cp_db_problem(db));
		cp_loop_turn(loop, 20);
	}
}

void turn_until_all_up(struct cp_loop *loop, const struct cp_db *db)
{
	uint64_t start_ms = cp_clock_monotonic_ms();
	for (unsigned i = 0; i < db->options.connections;) {
		if (cp_clock_monotonic_ms() - start_ms > PATIENCE_MS)
			fail_msg("connection %u is still down: %s", i, db->problem);
		if (db->connections[i].link.state == CP_DB_LINK_READY)
			++i;
		else
			cp_loop_turn(loop, 20);
	}
}

void turn_for(struct cp_loop *loop, unsigned ms)
{
	uint64_t start_ms = cp_clock_monotonic_ms();
	while (cp_clock_monotonic_ms() - start_ms < ms)
		cp_loop_turn(loop, 5);
}
