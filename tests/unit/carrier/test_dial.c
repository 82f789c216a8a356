/* Dial: outcomes, durations, star, limits, whisper, several numbers, and the caller who hangs up in it. */
#include "base/memory.h"
#include "fake_server.h"

#define TO "+12025550101"

static struct cp_leg *run(struct fake_server *server, const char *scenario, const struct fake_answer *answers)
{
	if (scenario != NULL)
		fake_server_scenario(server, scenario);
	server->answers = answers;
	struct cp_leg *leg = fake_call_new(server);
	leg->callbacks.events = CP_EVENT_COMPLETED;
	fake_call_run(server, leg);
	return leg;
}

static void test_a_talk_lasts_as_long_as_the_target_talks(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {
	    {"answer", "<Dial action=\"dial-1\" callerId=\"+14155550123\"><Number>" TO "</Number></Dial><Say>never</Say>"},
	    {"dial-1", "<Say>Bye</Say>"},
	    {0}};
	struct cp_leg *leg = run(server, NULL, answers);
	assert_string_equal(fake_steps(server), "answer dial-1 status:completed");
	assert_string_equal(fake_field(server, "dial-1", 0, "DialCallStatus"), "completed");
	assert_string_equal(fake_field(server, "dial-1", 0, "DialCallDuration"), "20");
	assert_string_equal(fake_field(server, "dial-1", 0, "DialBridged"), "true");
	assert_string_equal(fake_field(server, "dial-1", 0, "DialCallSid"), fake_story_member(leg, "dial", 0, "leg"));
	assert_string_equal(fake_field(server, "dial-1", 0, "CallStatus"), "in-progress");
	assert_string_equal(fake_story_member(leg, "dial", 0, "caller_id"), "+14155550123");
	assert_string_equal(fake_story(leg, "dial dial-answer connected dial-end say"),
	                    "dial dial-answer connected dial-end say");
	const struct cp_leg *dialled = CP_LIST_FIRST(&leg->children, struct cp_leg, link);
	assert_string_equal(dialled->from, "+14155550123");
	assert_int_equal(dialled->answered_us - dialled->started_us, 3000000);
}

static void test_outcomes_of_a_dial(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {
	    {"answer", "<Dial action=\"done\" timeout=\"20\">" TO "</Dial>"}, {"done", ""}, {0}};
	static const struct {
		const char *scenario, *status;
		unsigned duration; /* of the whole call */
	} cases[] = {
	    {"{\"target\":{\"outcome\":\"busy\",\"answer_after\":2}}", "busy", 2},
	    {"{\"target\":{\"outcome\":\"no-answer\"}}", "no-answer", 20},
	    {"{\"target\":{\"outcome\":\"reject\",\"answer_after\":4}}", "busy", 4},
	    {"{\"target\":{\"outcome\":\"failed\",\"answer_after\":1}}", "failed", 1},
	    {"{\"target\":{\"outcome\":\"invalid\"}}", "failed", 0},
	    {"{\"target\":{\"answer_after\":21}}", "no-answer", 20},
	};
	for (unsigned i = 0; i < CP_COUNT(cases); ++i) {
		struct cp_leg *leg = run(server, cases[i].scenario, answers);
		assert_string_equal(fake_field(server, "done", i, "DialCallStatus"), cases[i].status);
		assert_string_equal(fake_field(server, "done", i, "DialBridged"), "false");
		assert_string_equal(fake_field(server, "done", i, "DialCallDuration"), "(none)");
		assert_int_equal(cp_leg_duration(leg), cases[i].duration);
	}
}

static void test_numbers_that_cannot_be_dialled(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", "<Dial action=\"a\">555-0101</Dial>"},
	                                             {"a", "<Dial action=\"b\" callerId=\"+19995550100\">" TO "</Dial>"},
	                                             {"b", "<Dial callerId=\"+15005550006\">" TO "</Dial><Say>after</Say>"},
	                                             {0}};
	struct cp_leg *leg = run(server, NULL, answers);
	assert_string_equal(fake_story_member(leg, "error", 0, "code"), "13223");
	assert_string_equal(fake_field(server, "a", 0, "DialCallStatus"), "failed");
	assert_string_equal(fake_field(server, "a", 0, "DialCallSid"), "(none)");
	assert_string_equal(fake_story_member(leg, "error", 1, "code"), "13214");
	assert_string_equal(fake_field(server, "b", 0, "DialCallStatus"), "failed");
	assert_string_equal(fake_story_member(leg, "say", 0, "text"), "after"); /* a Dial without action goes on */
}

static void test_star_skips_a_target(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", "<Dial action=\"a\" hangupOnStar=\"true\">" TO "</Dial>"},
	                                             {"a", "<Dial action=\"b\" hangupOnStar=\"true\">" TO "</Dial>"},
	                                             {"b", ""},
	                                             {0}};
	struct cp_leg *leg = run(server, "{\"supporter\":{\"star\":{\"nth\":2,\"after\":6}}}", answers);
	assert_string_equal(fake_field(server, "a", 0, "DialCallDuration"), "20");
	assert_string_equal(fake_field(server, "b", 0, "DialCallDuration"), "6");
	assert_string_equal(fake_field(server, "b", 0, "DialCallStatus"), "completed");
	assert_string_equal(fake_story_member(leg, "keys", 0, "keys"), "*");
}

static void test_star_without_leave_does_nothing(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", "<Dial action=\"a\">" TO "</Dial>"}, {"a", ""}, {0}};
	run(server, "{\"supporter\":{\"star\":{\"nth\":0,\"after\":6}}}", answers);
	assert_string_equal(fake_field(server, "a", 0, "DialCallDuration"), "20");
}

static void test_time_limit_of_a_dial(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {
	    {"answer", "<Dial action=\"a\" timeLimit=\"12\">" TO "</Dial>"}, {"a", "<Say>x</Say>"}, {0}};
	struct cp_leg *leg = run(server, NULL, answers);
	assert_string_equal(fake_field(server, "a", 0, "DialCallDuration"), "12");
	assert_string_equal(fake_story(leg, "say"), "say");
}

static void test_the_caller_hangs_up_while_talking(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {
	    {"answer", "<Dial action=\"a\">" TO "</Dial>"}, {"a", "<Say>nobody hears this</Say>"}, {0}};
	struct cp_leg *leg = run(server, "{\"supporter\":{\"hang_up\":{\"at\":\"talk\",\"after\":8}}}", answers);
	assert_string_equal(fake_steps(server), "answer a status:completed");
	assert_string_equal(fake_field(server, "a", 0, "CallStatus"), "completed");
	assert_string_equal(fake_field(server, "a", 0, "DialCallStatus"), "completed");
	assert_string_equal(fake_field(server, "a", 0, "DialCallDuration"), "8");
	assert_string_equal(fake_field(server, "status", 0, "CallDuration"), "11");
	assert_string_equal(fake_story(leg, "say"), "");
}

static void test_the_caller_hangs_up_while_it_rings(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", "<Dial action=\"a\">" TO "</Dial>"}, {"a", ""}, {0}};
	struct cp_leg *leg = run(server, "{\"supporter\":{\"hang_up\":{\"at\":\"dial\",\"after\":1}}}", answers);
	assert_string_equal(fake_steps(server), "answer a status:completed");
	assert_string_equal(fake_field(server, "a", 0, "DialCallStatus"), "canceled");
	assert_string_equal(fake_field(server, "a", 0, "DialBridged"), "false");
	assert_int_equal(CP_LIST_FIRST(&leg->children, struct cp_leg, link)->status, CP_LEG_CANCELED);
}

static void test_hanging_up_where_no_action_can_be_asked(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", "<Dial action=\"javascript:x\">" TO "</Dial>"}, {0}};
	run(server, "{\"supporter\":{\"hang_up\":{\"at\":\"talk\",\"after\":8}}}", answers);
	assert_string_equal(fake_steps(server), "answer status:completed");
}

static void test_whisper_is_heard_before_the_talk(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {
	    {"answer", "<Dial action=\"a\"><Number url=\"whisper\" sendDigits=\"wW12\">" TO "</Number></Dial>"},
	    {"whisper", "<Say>a call for you</Say><Pause length=\"2\"/>"},
	    {"a", ""},
	    {0}};
	struct cp_leg *leg = run(server, NULL, answers);
	assert_string_equal(fake_steps(server), "answer whisper a status:completed");
	assert_string_equal(fake_field(server, "whisper", 0, "CallSid"), fake_story_member(leg, "dial", 0, "leg"));
	assert_string_equal(fake_field(server, "whisper", 0, "ParentCallSid"), leg->sid);
	assert_string_equal(fake_field(server, "whisper", 0, "Direction"), "outbound-dial");
	assert_string_equal(fake_field(server, "a", 0, "DialBridged"), "true");
	/* 2 s of digits, 2.1 s of words, 2 s of pause, 20 s of talk */
	assert_string_equal(fake_field(server, "a", 0, "DialCallDuration"), "26");
	assert_string_equal(fake_story(leg, "send-digits say connected"), "send-digits say connected");
}

static void test_hanging_up_in_the_whisper_is_no_bridge(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {
	    {"answer", "<Dial action=\"a\"><Number url=\"whisper\">" TO "</Number></Dial>"},
	    {"whisper", "<Pause length=\"60\"/>"},
	    {"a", ""},
	    {0}};
	run(server, "{\"target\":{\"hang_up\":{\"after\":5}}}", answers);
	assert_string_equal(fake_field(server, "a", 0, "DialCallStatus"), "completed");
	assert_string_equal(fake_field(server, "a", 0, "DialBridged"), "false");
	assert_string_equal(fake_field(server, "a", 0, "DialCallDuration"), "5");
}

static void test_the_first_of_several_wins(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {
	    {"answer",
	     "<Dial action=\"a\"><Number>+12025550101</Number><Number>+12025550102</Number><Number>+12025550103</Number></Dial>"},
	    {"a", ""},
	    {0}};
	struct cp_leg *leg = run(server,
	                         "{\"phones\":{\"+12025550101\":{\"outcome\":\"busy\"},\"+12025550102\":{\"answer_after\":9},"
	                         "\"+12025550103\":{\"answer_after\":5,\"talk\":4}}}",
	                         answers);
	enum cp_leg_status statuses[3], *status = statuses;
	for (struct cp_list *link = leg->children.next; link != &leg->children; link = link->next)
		*status++ = CP_CONTAINER_OF(link, struct cp_leg, link)->status;
	assert_int_equal(statuses[0], CP_LEG_BUSY);
	assert_int_equal(statuses[1], CP_LEG_CANCELED);
	assert_int_equal(statuses[2], CP_LEG_COMPLETED);
	assert_string_equal(fake_field(server, "a", 0, "DialCallDuration"), "4");
}

static void test_several_in_turn(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {
	    {"answer",
	     "<Dial action=\"a\" sequential=\"true\"><Number>+12025550101</Number><Number>+12025550102</Number></Dial>"},
	    {"a", ""},
	    {0}};
	struct cp_leg *leg = run(server, "{\"phones\":{\"+12025550101\":{\"outcome\":\"no-answer\"}}}", answers);
	assert_string_equal(fake_story(leg, "dial connected"), "dial dial connected");
	assert_int_equal(cp_leg_duration(leg), 30 + 3 + 20);
}

static void test_callbacks_of_a_number(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {
	    {"answer",
	     "<Dial><Number statusCallback=\"leg\" statusCallbackEvent=\"ringing answered completed\">" TO "</Number></Dial>"},
	    {"leg", ""},
	    {0}};
	struct cp_leg *leg = run(server, NULL, answers);
	assert_string_equal(fake_field(server, "leg", 0, "CallStatus"), "ringing");
	assert_string_equal(fake_field(server, "leg", 1, "CallStatus"), "in-progress");
	assert_string_equal(fake_field(server, "leg", 2, "CallStatus"), "completed");
	assert_string_equal(fake_field(server, "leg", 2, "CallDuration"), "20");
	assert_string_equal(fake_field(server, "leg", 2, "ParentCallSid"), leg->sid);
	assert_string_equal(fake_field(server, "leg", 3, "CallStatus"), "(none)");
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, fake_server_setup, fake_server_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CALL_TEST(test_a_talk_lasts_as_long_as_the_target_talks),
	    CALL_TEST(test_outcomes_of_a_dial),
	    CALL_TEST(test_numbers_that_cannot_be_dialled),
	    CALL_TEST(test_star_skips_a_target),
	    CALL_TEST(test_star_without_leave_does_nothing),
	    CALL_TEST(test_time_limit_of_a_dial),
	    CALL_TEST(test_the_caller_hangs_up_while_talking),
	    CALL_TEST(test_the_caller_hangs_up_while_it_rings),
	    CALL_TEST(test_hanging_up_where_no_action_can_be_asked),
	    CALL_TEST(test_whisper_is_heard_before_the_talk),
	    CALL_TEST(test_hanging_up_in_the_whisper_is_no_bridge),
	    CALL_TEST(test_the_first_of_several_wins),
	    CALL_TEST(test_several_in_turn),
	    CALL_TEST(test_callbacks_of_a_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
