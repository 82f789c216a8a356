/* Scenarios: presets, numbers and prefixes, and refusals that name what is wrong. */
#include "check.h"

#include "base/memory.h"
#include "scenario.h"

static int apply(struct cp_scenario *scenario, const char *text)
{
	json_t *json;
	assert_ok(cp_json_parse(cp_str(text), &json));
	int r = cp_scenario_apply(scenario, json);
	json_decref(json);
	return r;
}

static void test_presets(void **state)
{
	(void)state;
	struct cp_scenario *scenario = cp_scenario_new();
	struct cp_phone_script phone;
	cp_scenario_phone(scenario, "+14155550123", false, &phone);
	assert_int_equal(phone.outcome, CP_OUTCOME_ANSWER);
	assert_true(phone.answer_after == 2 && phone.key_after == 1 && phone.same_keys);
	assert_string_equal(phone.keys[0], "1");
	cp_scenario_phone(scenario, "+14155550123", true, &phone);
	assert_true(phone.answer_after == 3 && phone.talk == 20);
	assert_string_equal(phone.keys[0], "");
	cp_scenario_free(scenario);
}

static void test_the_longest_match_wins(void **state)
{
	(void)state;
	struct cp_scenario *scenario = cp_scenario_new();
	struct cp_phone_script phone;
	assert_ok(apply(
	    scenario, "{\"target\":{\"answer_after\":9},\"phones\":{\"+1202*\":{\"outcome\":\"busy\"},\"+1202555*\":{\"talk\":7},"
	              "\"+12025550101\":{\"outcome\":\"no-answer\"}}}"));
	cp_scenario_phone(scenario, "+12025550101", true, &phone);
	assert_int_equal(phone.outcome, CP_OUTCOME_NO_ANSWER);
	cp_scenario_phone(scenario, "+12025550102", true, &phone);
	assert_int_equal(phone.outcome, CP_OUTCOME_ANSWER);
	assert_true(phone.talk == 7 && phone.answer_after == 9);
	cp_scenario_phone(scenario, "+12024440102", true, &phone);
	assert_int_equal(phone.outcome, CP_OUTCOME_BUSY);
	cp_scenario_phone(scenario, "+14155550102", true, &phone);
	assert_int_equal(phone.outcome, CP_OUTCOME_ANSWER);
	cp_scenario_free(scenario);
}

static void test_reads_everything(void **state)
{
	(void)state;
	struct cp_scenario *scenario = cp_scenario_new();
	struct cp_phone_script phone;
	assert_ok(
	    apply(scenario,
	          "{\"supporter\":{\"keys\":[\"\",\"12#\",null],\"hang_up\":{\"at\":\"step:dial-2*\",\"nth\":2,\"after\":1.5},"
	          "\"star\":{\"nth\":0,\"after\":4},\"callbacks\":{\"delay_ms\":7,\"drop\":true}},"
	          "\"callbacks\":{\"reorder\":true},\"webhooks\":{\"duplicate\":true},\"rest\":{\"fail_next\":1,\"status\":503,"
	          "\"code\":20500}}"));
	cp_scenario_phone(scenario, "+14155550102", false, &phone);
	assert_int_equal(phone.key_count, 3);
	assert_string_equal(phone.keys[1], "12#");
	assert_int_equal(phone.hang_up_at, CP_WHERE_STEP);
	assert_string_equal(phone.hang_up_step, "dial-2*");
	assert_int_equal(phone.hang_up_nth, 2);
	assert_true(phone.star && phone.star_nth == 0 && phone.star_after == 4);
	assert_true(phone.has_disorder && phone.disorder.drop && phone.disorder.delay_ms == 7 && !phone.disorder.reorder);
	assert_true(cp_scenario_callbacks(scenario).reorder);
	assert_true(cp_scenario_duplicates_webhooks(scenario));
	struct cp_rest_failure failure;
	assert_true(cp_scenario_take_failure(scenario, &failure));
	assert_int_equal(failure.status, 503);
	assert_int_equal(failure.code, 20500);
	assert_false(cp_scenario_take_failure(scenario, &failure));
	cp_scenario_free(scenario);
}

static void test_refuses_and_changes_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *text, *word;
	} cases[] = {
	    {"[]", "object"},
	    {"{\"supporters\":{}}", "supporters"},
	    {"{\"target\":{\"talk\":1},\"supporter\":{\"tlak\":1}}", "tlak"},
	    {"{\"supporter\":{\"answer_after\":-1}}", "answer_after"},
	    {"{\"supporter\":{\"keys\":\"12x\"}}", "keys"},
	    {"{\"supporter\":{\"outcome\":\"maybe\"}}", "outcome"},
	    {"{\"supporter\":{\"hang_up\":{\"at\":\"never\"}}}", "at"},
	    {"{\"phones\":{\"4155550101\":{}}}", "4155550101"},
	    {"{\"phones\":{\"+1*55\":{}}}", "+1*55"},
	    {"{\"phones\":{\"+14155550101\":{\"talk\":\"long\"}}}", "+14155550101"},
	    {"{\"callbacks\":{\"duplicate\":1}}", "duplicate"},
	    {"{\"rest\":{\"status\":200}}", "status"},
	    {"{\"webhooks\":{\"drop\":true}}", "drop"},
	};
	struct cp_scenario *scenario = cp_scenario_new();
	json_t *before = cp_scenario_json(scenario);
	for (size_t i = 0; i < CP_COUNT(cases); ++i) {
		assert_int_equal(apply(scenario, cases[i].text), CP_E_INPUT);
		if (strstr(cp_error_message(), cases[i].word) == NULL)
			fail_msg("%s: %s", cases[i].text, cp_error_message());
	}
	json_t *after = cp_scenario_json(scenario);
	assert_true(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	cp_scenario_free(scenario);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_presets),
	    cmocka_unit_test(test_the_longest_match_wins),
	    cmocka_unit_test(test_reads_everything),
	    cmocka_unit_test(test_refuses_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
