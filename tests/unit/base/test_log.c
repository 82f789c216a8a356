#include "check.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <unistd.h>

/* What one call of write_line puts on standard error. */
static void capture(void (*write_line)(void), char *out, size_t size)
{
	int pipes[2], saved = dup(STDERR_FILENO);
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	close(pipes[1]);
	write_line();
	dup2(saved, STDERR_FILENO);
	close(saved);
	ssize_t n = read(pipes[0], out, size - 1);
	out[n < 0 ? 0 : n] = '\0';
	close(pipes[0]);
}

static void write_tricky(void)
{
	struct cp_log_context about = {.tenant = CP_STR("one"), .session = CP_STR("s\"1")};
	cp_log(CP_LOG_INFO, &about, "call.created", "to +14155550123 and +441134960000,\n\"x\" 14155550123 CA0000014155550123 took 123456 us");
}

static void write_nothing(void)
{
	cp_log(CP_LOG_DEBUG, NULL, "x", "y");
}

static void test_log__json_escapes_and_masks(void **state)
{
	(void)state;
	char line[4096];
	cp_log_setup("test", CP_LOG_JSON, CP_LOG_INFO);
	capture(write_tricky, line, sizeof(line));
	assert_non_null(strstr(line, "\"level\":\"info\",\"program\":\"test\",\"event\":\"call.created\",\"tenant\":\"one\",\"session\":\"s\\\"1\""));
	assert_non_null(strstr(line, "to +1415*****23 and +4411******00,\\u000a\\\"x\\\" 14155****23 CA0000014155550123 took 123456 us\"}\n"));
	assert_null(strstr(line, "+14155550123"));
}

static void test_log__text_stays_one_line(void **state)
{
	(void)state;
	char line[4096];
	cp_log_setup("test", CP_LOG_TEXT, CP_LOG_INFO);
	capture(write_tricky, line, sizeof(line));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_non_null(strstr(line, "test info call.created tenant=one session=s\"1: to +1415*****23"));
}

static void test_log__less_important_levels_are_dropped(void **state)
{
	(void)state;
	char line[64];
	cp_log_setup("test", CP_LOG_TEXT, CP_LOG_INFO);
	assert_false(cp_log_enabled(CP_LOG_DEBUG));
	capture(write_nothing, line, sizeof(line));
	assert_string_equal(line, "");
}

static void test_mask__shows_country_and_end(void **state)
{
	(void)state;
	char masked[CP_MASKED_PHONE_SIZE];
	cp_mask_phone(CP_STR("+14155550123"), masked);
	assert_string_equal(masked, "+1415*****23");
	cp_mask_phone(CP_STR("+123456"), masked);
	assert_string_equal(masked, "*******");
}

static void test_budget__lines_of_a_second_are_counted(void **state)
{
	(void)state;
	struct cp_log_budget budget = {0};
	unsigned taken = 0, told = 0, dropped = 0;
	uint64_t start = cp_clock_monotonic_ms() / 1000;
	for (int i = 0; i < 1000; ++i) {
		if (cp_log_budget_take(&budget, 3, &dropped)) {
			++taken;
			told += dropped;
		}
	}
	uint64_t seconds = cp_clock_monotonic_ms() / 1000 - start + 1;
	assert_in_range(taken, 3, 3 * seconds);
	assert_int_equal(taken + told + budget.dropped, 1000);
	while (cp_clock_monotonic_ms() / 1000 == budget.second)
		; /* the next second begins */
	assert_true(cp_log_budget_take(&budget, 3, &dropped));
	assert_int_equal(taken + told + dropped, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log__json_escapes_and_masks),
		cmocka_unit_test(test_log__text_stays_one_line),
		cmocka_unit_test(test_log__less_important_levels_are_dropped),
		cmocka_unit_test(test_mask__shows_country_and_end),
		cmocka_unit_test(test_budget__lines_of_a_second_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
