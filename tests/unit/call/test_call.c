#include "check.h"

#include "base/memory.h"
#include "call/machine.h"
#include "call/plan.h"
#include "call/render.h"

#include <stdlib.h>

static int setup(void **state)
{
	*state = cp_arena_new();
	return 0;
}

static int teardown(void **state)
{
	cp_arena_free(*state);
	return 0;
}

/* ---- the machine */

/* "step event" to the position it leads to, "-" where the table has no such transition. */
static void check_next(const char *step_name, enum cp_call_event event, const char *expected)
{
	struct cp_call_step step;
	struct cp_call_position next;
	char name[CP_CALL_POSITION_SIZE] = "-";
	assert_ok(cp_call_step_parse(cp_str(step_name), &step));
	if (cp_call_next(step, event, &next) == 0)
		cp_call_position_write(next, name);
	if (strcmp(name, expected) != 0)
		fail_msg("%s with event %d leads to %s where %s is expected", step_name, (int)event, name, expected);
}

static void test_machine__every_transition(void **state)
{
	(void)state;
	check_next("answer", CP_EVENT_ANSWERED, "human-try-1");
	check_next("answer", CP_EVENT_KEY, "-");
	check_next("answer", CP_EVENT_TARGET_DONE, "-");
	check_next("human-try-1", CP_EVENT_KEY, "target-1-try-1");
	check_next("human-try-1", CP_EVENT_NO_KEY, "human-try-2");
	check_next("human-try-2", CP_EVENT_NO_KEY, "human-try-3");
	check_next("human-try-3", CP_EVENT_NO_KEY, "goodbye");
	check_next("human-try-3", CP_EVENT_KEY, "target-1-try-1");
	check_next("human-try-1", CP_EVENT_TARGET_DONE, "-");
	check_next("dial-1-of-3-try-1", CP_EVENT_TARGET_DONE, "target-2-try-1");
	check_next("dial-3-of-3-try-1", CP_EVENT_TARGET_DONE, "thanks");
	check_next("dial-1-of-1-try-1", CP_EVENT_TARGET_DONE, "thanks");
	check_next("skip-1-of-2", CP_EVENT_TARGET_DONE, "target-2-try-1");
	check_next("skip-2-of-2", CP_EVENT_TARGET_DONE, "thanks");
	check_next("dial-1-of-3-try-1", CP_EVENT_KEY, "-");
	static const struct {
		const char *step;
		unsigned next;
	} leads_to[] = {{"answer", 0}, {"human-try-2", 1}, {"dial-1-of-3-try-1", 2}, {"skip-2-of-3", 3}, {"dial-3-of-3-try-1", 0}};
	for (size_t i = 0; i < CP_COUNT(leads_to); ++i) {
		struct cp_call_step step;
		assert_ok(cp_call_step_parse(cp_str(leads_to[i].step), &step));
		assert_int_equal(cp_call_step_next_target(step), leads_to[i].next);
	}
	assert_true(cp_call_is_final(CP_STATE_THANKS));
	assert_true(cp_call_is_final(CP_STATE_GOODBYE));
	assert_false(cp_call_is_final(CP_STATE_HUMAN));
}

static void test_machine__names_have_one_form(void **state)
{
	(void)state;
	static const char *const good[] = {"answer", "human-try-1", "human-try-3", "dial-1-of-3-try-1", "dial-99-of-99-try-9", "skip-2-of-2"};
	static const char *const bad[] = {"",          "Answer",           "answer ",           "human-try-0",      "human-try-4",       "human-try-01",
	                                  "human-try-", "dial-4-of-3-try-1", "dial-0-of-3-try-1", "dial-1-of-3",      "dial-1-of-100-try-1", "skip-3-of-2",
	                                  "skip-1-of-", "status",           "dial-1-of-3-try-1x", "dial--1-of-3-try-1", "skip-1-of-99999999999999999999"};
	for (size_t i = 0; i < CP_COUNT(good); ++i) {
		struct cp_call_step step;
		char again[CP_CALL_STEP_SIZE];
		assert_ok(cp_call_step_parse(cp_str(good[i]), &step));
		cp_call_step_write(step, again);
		assert_string_equal(again, good[i]);
	}
	for (size_t i = 0; i < CP_COUNT(bad); ++i) {
		struct cp_call_step step;
		if (cp_call_step_parse(cp_str(bad[i]), &step) == 0)
			fail_msg("\"%s\" is taken for a step", bad[i]);
	}
	static const char *const positions[] = {"created", "human-try-2", "target-3-try-1", "thanks", "goodbye"};
	for (size_t i = 0; i < CP_COUNT(positions); ++i) {
		struct cp_call_position position;
		char again[CP_CALL_POSITION_SIZE];
		assert_ok(cp_call_position_parse(cp_str(positions[i]), &position));
		cp_call_position_write(position, again);
		assert_string_equal(again, positions[i]);
	}
}

/* However requests come, a call to n targets ends after at most so many steps. */
static void test_machine__every_walk_ends(void **state)
{
	(void)state;
	for (unsigned walk = 0; walk < 200; ++walk) {
		unsigned count = 1 + walk % 5, steps = 0;
		struct cp_call_step step = {.kind = CP_STEP_ANSWER};
		struct cp_call_position position = cp_call_step_position(step);
		srand(walk);
		while (!cp_call_is_final(position.state)) {
			enum cp_call_event event = step.kind == CP_STEP_ANSWER  ? CP_EVENT_ANSWERED
						   : step.kind == CP_STEP_HUMAN ? (rand() % 2 == 0 ? CP_EVENT_KEY : CP_EVENT_NO_KEY)
			                                                        : CP_EVENT_TARGET_DONE;
			assert_ok(cp_call_next(step, event, &position));
			assert_true(++steps <= 1 + CP_CALL_HUMAN_TRIES + count);
			if (position.state == CP_STATE_HUMAN)
				step = (struct cp_call_step){.kind = CP_STEP_HUMAN, .attempt = position.attempt};
			else if (position.state == CP_STATE_TARGET)
				step = (struct cp_call_step){rand() % 3 == 0 ? CP_STEP_SKIP : CP_STEP_DIAL, position.target, count, position.attempt};
		}
	}
}

/* ---- plans */

static const struct cp_plan_target targets[] = {
	{CP_STR("us:bioguide:A000001"), CP_STR("Senator"), CP_STR("Ana O'Rourke"), CP_STR("XX"), CP_STR("DC"), CP_STR("+12025550101")},
	{CP_STR("us:bioguide:B000002"), CP_STR("Representative"), CP_STR("Ben \"B\" Núñez"), CP_STR("XX-1"), CP_STR(""), {NULL, 0}},
};
static const struct cp_plan two = {targets, 2};

/* What PostgreSQL makes of it: the members in another order, and spaces between them. */
static void test_plan__targets_are_read_back(void **state)
{
	struct cp_plan_target target;
	assert_str(cp_plan_write(&two, *state),
	           "{\"targets\":[{\"key\":\"us:bioguide:A000001\",\"title\":\"Senator\",\"name\":\"Ana O'Rourke\",\"district\":\"XX\",\"location\":\"DC\","
	           "\"phone\":\"+12025550101\"},{\"key\":\"us:bioguide:B000002\",\"title\":\"Representative\",\"name\":\"Ben \\\"B\\\" Núñez\","
	           "\"district\":\"XX-1\",\"location\":\"\",\"phone\":null}]}");
	assert_ok(cp_plan_target_parse(CP_STR("{\"key\": \"k\", \"name\": \"Ben \\\"B\\\" N\\u00fa\u00f1ez\", \"phone\": \"+12025550101\", \"later\": {}}"), *state, &target));
	assert_str(target.key, "k");
	assert_str(target.name, "Ben \"B\" Núñez");
	assert_str(target.phone, "+12025550101");
	assert_null(target.title.ptr);
	assert_ok(cp_plan_target_parse(CP_STR("{\"key\": \"k\", \"name\": \"n\", \"phone\": null}"), *state, &target));
	assert_null(target.phone.ptr);
}

static void test_plan__damaged(void **state)
{
	static const char *const damaged[] = {"", "null", "[]", "{", "{}", "{\"key\": 1, \"name\": \"n\"}", "{\"key\": \"k\"}"};
	for (size_t i = 0; i < CP_COUNT(damaged); ++i) {
		struct cp_plan_target target = {.key = CP_STR("untouched")};
		assert_int_equal(cp_plan_target_parse(cp_str(damaged[i]), *state, &target), CP_E_BUG);
		assert_str(target.key, "untouched");
	}
}

/* ---- what is said */

static void render(const char *settings_json, const struct cp_plan *plan, const char *position_name, const char *outcome, struct cp_buf *out)
{
	struct cp_campaign_settings *settings;
	struct cp_call_position position;
	assert_ok(cp_campaign_settings_parse(cp_str(settings_json), &settings));
	assert_ok(cp_call_position_parse(cp_str(position_name), &position));
	const struct cp_plan_target *next = position.state == CP_STATE_TARGET ? &plan->targets[position.target - 1] : NULL;
	const struct cp_plan_target *done = position.state == CP_STATE_THANKS ? &plan->targets[plan->count - 1]
	                                    : position.target > 1             ? &plan->targets[position.target - 2]
	                                                                      : NULL;
	struct cp_call_scene scene = {.settings = settings, .organization = CP_STR("Ring & Tell"), .target_count = (unsigned)plan->count, .next = next, .done = done, .caller_id = CP_STR("+14155550123"),
	                              .session_url = CP_STR("https://x/voice/t/s"), .ring_timeout_s = 60, .talk_limit_s = 3600};
	out->len = 0;
	assert_ok(cp_call_render(&scene, position, cp_str(outcome), out));
	cp_campaign_settings_unref(settings);
}

#define SETTINGS "{\"country\":\"us\",\"type\":\"congress\",\"language\":\"en-US\",\"numbers\":[\"+15005550006\"]}"

static void assert_has(const struct cp_buf *document, const char *part)
{
	if (strstr(document->ptr, part) == NULL)
		fail_msg("\"%s\" is not in %s", part, document->ptr);
}

static void test_render__human_check(void **state)
{
	(void)state;
	struct cp_buf out = {0};
	render(SETTINGS, &two, "human-try-1", "", &out);
	assert_has(&out, "this is Ring &amp; Tell");
	assert_has(&out, "action=\"https://x/voice/t/s/human-try-1#rc=2&amp;rp=ct,rt,5xx\"");
	assert_has(&out, "</Gather></Response>");
	render(SETTINGS, &two, "human-try-2", "", &out);
	assert_null(strstr(out.ptr, "Ring"));
	assert_has(&out, "action=\"https://x/voice/t/s/human-try-2#rc=2&amp;rp=ct,rt,5xx\"");
	render(SETTINGS, &two, "goodbye", "", &out);
	assert_has(&out, "<Hangup/></Response>");
	cp_buf_free(&out);
}

static void test_render__targets(void **state)
{
	(void)state;
	struct cp_buf out = {0};
	render(SETTINGS, &two, "target-1-try-1", "", &out);
	assert_has(&out, "connect you to 2 offices");
	assert_has(&out, "Now calling Senator Ana O'Rourke, DC office.");
	assert_has(&out, "action=\"https://x/voice/t/s/dial-1-of-2-try-1#rc=2&amp;rp=ct,rt,5xx\"");
	assert_has(&out, "callerId=\"+14155550123\"");
	assert_has(&out, "<Number>+12025550101</Number></Dial></Response>");
	/* the second has no number: that is explained, and the next step asked for at once */
	render(SETTINGS, &two, "target-2-try-1", "busy", &out);
	assert_has(&out, "The line of Senator Ana O'Rourke is busy.");
	assert_has(&out, "On to the last call.");
	assert_has(&out, "We do not have a phone number for Representative Ben &quot;B&quot; Núñez");
	assert_has(&out, "<Redirect method=\"POST\">https://x/voice/t/s/skip-2-of-2#rc=2&amp;rp=ct,rt,5xx</Redirect></Response>");
	assert_null(strstr(out.ptr, "<Dial"));
	render(SETTINGS, &two, "target-2-try-1", "completed", &out);
	assert_null(strstr(out.ptr, "busy"));
	render(SETTINGS, &two, "thanks", "no-answer", &out);
	assert_has(&out, "<Hangup/></Response>");
	cp_buf_free(&out);
}

static void test_render__own_prompts_and_language(void **state)
{
	(void)state;
	struct cp_buf out = {0};
	render("{\"country\":\"us\",\"type\":\"congress\",\"language\":\"es-US\",\"voice\":\"Polly.Lupe-Neural\",\"numbers\":[\"+15005550006\"],"
	       "\"prompts\":{\"msg_target_intro\":\"{{title}} {{name}} ({{district}})\"}}",
	       &two, "target-1-try-1", "", &out);
	assert_has(&out, "<Say voice=\"Polly.Lupe-Neural\" language=\"es-US\">Senator Ana O'Rourke (XX)</Say>");
	assert_has(&out, "Le vamos a comunicar con 2 oficinas");
	cp_buf_free(&out);
}

static void test_render__a_position_beyond_the_plan_is_a_bug(void **state)
{
	(void)state;
	struct cp_campaign_settings *settings;
	struct cp_buf out = {0};
	assert_ok(cp_campaign_settings_parse(CP_STR(SETTINGS), &settings));
	struct cp_call_scene scene = {.settings = settings, .target_count = 2, .next = &targets[1]};
	assert_int_equal(cp_call_render(&scene, (struct cp_call_position){CP_STATE_TARGET, 3, 1}, CP_STR(""), &out), CP_E_BUG);
	assert_int_equal(out.len, 0);
	cp_campaign_settings_unref(settings);
}

static void test_settings__problems_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *json, *sentence;
	} cases[] = {
		{"[]", "JSON object"},
		{"{\"type\":\"congress\",\"language\":\"en\",\"numbers\":[\"+15005550006\"]}", "country is missing"},
		{"{\"country\":\"US!\",\"type\":\"congress\",\"language\":\"en\",\"numbers\":[\"+15005550006\"]}", "country must be"},
		{"{\"country\":\"us\",\"type\":\"congress\",\"language\":\"en\",\"numbers\":[]}", "numbers must list"},
		{"{\"country\":\"us\",\"type\":\"congress\",\"language\":\"en\",\"numbers\":[\"5005550006\"]}", "numbers must be in the form"},
		{"{\"country\":\"us\",\"type\":\"congress\",\"language\":\"en\",\"numbers\":[\"+15005550006\"],\"x\":1}", "no member \"x\""},
		{"{\"country\":\"us\",\"type\":\"congress\",\"language\":\"en\",\"numbers\":[\"+15005550006\"],\"call_maximum\":-1}", "call_maximum"},
		{"{\"country\":\"us\",\"type\":\"congress\",\"language\":\"en\",\"numbers\":[\"+15005550006\"],\"caller_id\":\"mine\"}", "caller_id"},
		{"{\"country\":\"us\",\"type\":\"congress\",\"language\":\"en\",\"numbers\":[\"+15005550006\"],\"redirect\":\"javascript:alert(1)\"}", "redirect"},
		{"{\"country\":\"us\",\"type\":\"congress\",\"language\":\"en\",\"numbers\":[\"+15005550006\"],\"prompts\":{\"msg_x\":\"\"}}", "no message msg_x"},
		{"{\"country\":\"us\",\"type\":\"congress\",\"language\":\"en\",\"numbers\":[\"+15005550006\"],\"prompts\":{\"msg_intro\":\"{{name}}\"}}",
	     "msg_intro: this text cannot use {{name}}"},
	};
	for (size_t i = 0; i < CP_COUNT(cases); ++i) {
		struct cp_campaign_settings *settings = NULL;
		assert_int_equal(cp_campaign_settings_parse(cp_str(cases[i].json), &settings), CP_E_INPUT);
		if (strstr(cp_error_message(), cases[i].sentence) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", cp_error_message(), cases[i].sentence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machine__every_transition),
		cmocka_unit_test(test_machine__names_have_one_form),
		cmocka_unit_test(test_machine__every_walk_ends),
		cmocka_unit_test_setup_teardown(test_plan__targets_are_read_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plan__damaged, setup, teardown),
		cmocka_unit_test(test_render__human_check),
		cmocka_unit_test(test_render__targets),
		cmocka_unit_test(test_render__own_prompts_and_language),
		cmocka_unit_test(test_render__a_position_beyond_the_plan_is_a_bug),
		cmocka_unit_test(test_settings__problems_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
