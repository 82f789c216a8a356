/* Calls from queued to ended: ringing, Gather, Redirect, hanging up, status callbacks and their disorder. */
#include "base/memory.h"
#include "fake_server.h"
#include "sign.h"

#define RUN(server, leg, ...)                                                                                                    \
	static const struct fake_answer answers[] = {__VA_ARGS__, {0}};                                                          \
	(server)->answers = answers;                                                                                             \
	fake_call_run(server, leg)

static void test_a_call_says_its_document_and_ends(void **state)
{
	struct fake_server *server = *state;
	struct cp_leg *leg = fake_call_new(server);
	RUN(server, leg,
	    {"answer", "<Say language=\"en-US\">Hello,\n  you.</Say><Pause length=\"3\"/><Play>http://a/b.mp3</Play>"});
	/* the document is asked for beside the callbacks, which come in order among themselves */
	static const char *const statuses[] = {"initiated", "ringing", "in-progress", "completed"};
	for (unsigned i = 0; i < CP_COUNT(statuses); ++i)
		assert_string_equal(fake_field(server, "status", i, "CallStatus"), statuses[i]);
	assert_string_equal(fake_field(server, "answer", 1, "CallSid"), "(none)");
	assert_string_equal(fake_story(leg, "ring answer say pause play hangup end"), "ring answer say pause play hangup end");
	assert_string_equal(fake_story_member(leg, "say", 0, "text"), "Hello, you.");
	assert_string_equal(fake_story_member(leg, "hangup", 0, "by"), "document");
	assert_int_equal(leg->status, CP_LEG_COMPLETED);
	/* 2 words at 2.5 a second and half a second, 3 of pause, 3 of play */
	assert_int_equal(cp_leg_duration(leg), 7);
}

static void test_webhooks_carry_what_twilio_sends(void **state)
{
	struct fake_server *server = *state;
	struct cp_leg *leg = fake_call_new(server);
	RUN(server, leg, {"answer", ""});
	assert_string_equal(fake_field(server, "answer", 0, "CallSid"), leg->sid);
	assert_string_equal(fake_field(server, "answer", 0, "AccountSid"), server->account->sid);
	assert_string_equal(fake_field(server, "answer", 0, "From"), "+15005550006");
	assert_string_equal(fake_field(server, "answer", 0, "Caller"), "+15005550006");
	assert_string_equal(fake_field(server, "answer", 0, "To"), "+14155550123");
	assert_string_equal(fake_field(server, "answer", 0, "Called"), "+14155550123");
	assert_string_equal(fake_field(server, "answer", 0, "CallStatus"), "in-progress");
	assert_string_equal(fake_field(server, "answer", 0, "Direction"), "outbound-api");
	assert_string_equal(fake_field(server, "answer", 0, "ApiVersion"), "2010-04-01");
	assert_string_equal(fake_field(server, "answer", 0, "FromCity"), "");
	assert_string_equal(fake_field(server, "answer", 0, "ToCountry"), "US");
	assert_string_equal(fake_field(server, "answer", 0, "CallDuration"), "(none)");
	assert_string_equal(fake_field(server, "status", 0, "SequenceNumber"), "0");
	assert_string_equal(fake_field(server, "status", 0, "CallbackSource"), "call-progress-events");
	assert_string_equal(fake_field(server, "status", 3, "SequenceNumber"), "3");
	assert_string_equal(fake_field(server, "status", 3, "CallDuration"), "0");
	assert_string_equal(fake_field(server, "status", 2, "CallDuration"), "(none)");
	assert_int_equal(strlen(server->requests[0].signature), 28);
	assert_int_equal(strlen(server->requests[0].idempotency), 36);
	assert_string_not_equal(server->requests[0].idempotency, server->requests[1].idempotency);
}

static void test_gather_takes_the_key(void **state)
{
	struct fake_server *server = *state;
	struct cp_leg *leg = fake_call_new(server);
	RUN(server, leg, {"answer", "<Gather numDigits=\"1\" action=\"go?x=1\"><Say>Press one.</Say></Gather><Say>Nobody</Say>"},
	    {"go", "<Say>Thanks</Say>"});
	assert_string_equal(fake_field(server, "go", 0, "Digits"), "1");
	assert_string_equal(fake_field(server, "go", 0, "FinishedOnKey"), "");
	assert_string_equal(fake_story(leg, "say gather keys gather-end"), "gather say keys gather-end say");
	assert_string_equal(fake_story_member(leg, "document", 1, "url"), "http://127.0.0.1:9/voice/token/session/go?x=1");
}

static void test_gather_falls_through_without_keys(void **state)
{
	struct fake_server *server = *state;
	fake_server_scenario(server, "{\"supporter\":{\"keys\":[]}}");
	struct cp_leg *leg = fake_call_new(server);
	RUN(server, leg, {"answer", "<Gather timeout=\"7\" action=\"go\"/><Say>Nobody</Say>"});
	assert_string_equal(fake_field(server, "go", 0, "Digits"), "(none)");
	assert_string_equal(fake_story_member(leg, "gather-end", 0, "reason"), "timeout");
	assert_string_equal(fake_story_member(leg, "say", 0, "text"), "Nobody");
	assert_int_equal(cp_leg_duration(leg), 7);
}

static void test_gather_asks_its_action_for_nothing_if_told(void **state)
{
	struct fake_server *server = *state;
	fake_server_scenario(server, "{\"supporter\":{\"keys\":[\"\",\"1\"]}}");
	struct cp_leg *leg = fake_call_new(server);
	RUN(server, leg, {"answer", "<Gather actionOnEmptyResult=\"true\" action=\"go\" numDigits=\"1\"/>"},
	    {"go", "<Gather actionOnEmptyResult=\"true\" action=\"more\" numDigits=\"1\"/>"}, {"more", "<Hangup/>"});
	assert_string_equal(fake_field(server, "go", 0, "Digits"), "");
	assert_string_equal(fake_field(server, "more", 0, "Digits"), "1");
}

static void test_gather_without_action_asks_the_same_document(void **state)
{
	struct fake_server *server = *state;
	fake_server_scenario(server, "{\"supporter\":{\"keys\":[\"42\"]}}");
	struct cp_leg *leg = fake_call_new(server);
	RUN(server, leg, {"answer", "<Gather numDigits=\"2\" method=\"GET\"/>", .times = 1}, {"answer", "<Hangup/>"});
	assert_string_equal(fake_field(server, "answer", 1, "Digits"), "(none)"); /* GET: it stands in the URL */
	const struct fake_request *second = NULL;
	for (size_t i = 0; i < server->request_count; ++i)
		if (strcmp(server->requests[i].method, "GET") == 0)
			second = &server->requests[i];
	assert_non_null(second);
	assert_non_null(strstr(second->url, "Digits=42"));
	assert_string_equal(second->body, "");
}

static void test_finish_key_ends_a_gather(void **state)
{
	struct fake_server *server = *state;
	fake_server_scenario(server, "{\"supporter\":{\"keys\":[\"94110#77\",\"5*\",\"#\"]}}");
	struct cp_leg *leg = fake_call_new(server);
	RUN(server, leg, {"answer", "<Gather action=\"one\"/>"}, {"one", "<Gather action=\"two\" finishOnKey=\"*\"/>"},
	    {"two", "<Gather action=\"three\" finishOnKey=\"\" timeout=\"2\"/>"}, {"three", ""});
	assert_string_equal(fake_field(server, "one", 0, "Digits"), "94110");
	assert_string_equal(fake_field(server, "one", 0, "FinishedOnKey"), "#");
	assert_string_equal(fake_field(server, "two", 0, "Digits"), "5");
	assert_string_equal(fake_field(server, "two", 0, "FinishedOnKey"), "*");
	assert_string_equal(fake_field(server, "three", 0, "Digits"), "#");
}

static void test_barge_in_cuts_prompts_short(void **state)
{
	struct fake_server *server = *state;
	fake_server_scenario(server, "{\"supporter\":{\"keys\":\"1\",\"barge_in\":true,\"key_after\":2}}");
	struct cp_leg *leg = fake_call_new(server);
	RUN(server, leg, {"answer", "<Gather numDigits=\"1\" action=\"a\"><Pause length=\"30\"/><Say>late</Say></Gather>"},
	    {"a", "<Gather numDigits=\"1\" action=\"b\" bargeIn=\"false\"><Pause length=\"30\"/><Say>late</Say></Gather>"},
	    {"b", ""});
	assert_string_equal(fake_story(leg, "say"), "say"); /* the second Gather's only */
	assert_string_equal(fake_field(server, "b", 0, "Digits"), "1");
	assert_int_equal(cp_leg_duration(leg), 2 + 30); /* and 0.9 s of "late" */
}

static void test_redirect_goes_on_elsewhere(void **state)
{
	struct fake_server *server = *state;
	struct cp_leg *leg = fake_call_new(server);
	RUN(server, leg, {"answer", "<Redirect>../other/next?a=b&amp;c=d#rc=2</Redirect><Say>never</Say>"},
	    {"next", "<Say>here</Say>"});
	assert_string_equal(fake_story_member(leg, "say", 0, "text"), "here");
	assert_string_equal(fake_story_member(leg, "document", 1, "url"), "http://127.0.0.1:9/voice/token/other/next?a=b&c=d");
}

static void test_a_redirect_for_ever_is_ended(void **state)
{
	struct fake_server *server = *state;
	struct cp_leg *leg = fake_call_new(server);
	leg->callbacks.events = 0;
	leg->run.documents = CP_MAX_DOCUMENTS - 20;
	RUN(server, leg, {"answer", "<Redirect>answer</Redirect>"});
	assert_string_equal(fake_story_member(leg, "hangup", 0, "by"), "error");
	assert_int_equal(server->request_count, 20);
}

static void test_telephones_that_are_not_answered(void **state)
{
	struct fake_server *server = *state;
	static const struct {
		const char *scenario, *steps;
		enum cp_leg_status status;
	} cases[] = {
	    {"{\"supporter\":{\"outcome\":\"busy\"}}", "status:initiated status:busy", CP_LEG_BUSY},
	    {"{\"supporter\":{\"outcome\":\"no-answer\"}}", "status:initiated status:ringing status:no-answer", CP_LEG_NO_ANSWER},
	    {"{\"supporter\":{\"outcome\":\"reject\"}}", "status:initiated status:ringing status:busy", CP_LEG_BUSY},
	    {"{\"supporter\":{\"outcome\":\"failed\"}}", "status:initiated status:failed", CP_LEG_FAILED},
	    {"{\"supporter\":{\"answer_after\":61}}", "status:initiated status:ringing status:no-answer", CP_LEG_NO_ANSWER},
	};
	size_t seen = 0;
	for (size_t i = 0; i < CP_COUNT(cases); ++i) {
		fake_server_scenario(server, cases[i].scenario);
		struct cp_leg *leg = fake_call_new(server);
		fake_call_run(server, leg);
		assert_int_equal(leg->status, cases[i].status);
		assert_int_equal(cp_leg_duration(leg), 0);
		assert_string_equal(fake_steps(server) + seen, cases[i].steps);
		seen = strlen(fake_steps(server)) + 1;
	}
}

static void test_the_caller_hangs_up_where_told(void **state)
{
	struct fake_server *server = *state;
	static const struct {
		const char *scenario;
		unsigned duration;
	} cases[] = {
	    {"{\"supporter\":{\"hang_up\":{\"after\":4}}}", 4},
	    {"{\"supporter\":{\"keys\":[],\"hang_up\":{\"at\":\"gather\",\"nth\":2,\"after\":3}}}", 5 + 5 + 3},
	    {"{\"supporter\":{\"keys\":[],\"hang_up\":{\"at\":\"step:next*\",\"after\":2}}}", 5 + 5 + 5 + 2},
	};
	static const struct fake_answer answers[] = {
	    {"answer", "<Pause length=\"5\"/><Gather/><Gather/><Redirect>next-1</Redirect>"},
	    {"next-1", "<Pause length=\"60\"/>"},
	    {0}};
	server->answers = answers;
	for (size_t i = 0; i < CP_COUNT(cases); ++i) {
		fake_server_scenario(server, cases[i].scenario);
		struct cp_leg *leg = fake_call_new(server);
		fake_call_run(server, leg);
		assert_string_equal(fake_story_member(leg, "hangup", 0, "by"), "caller");
		assert_int_equal(leg->status, CP_LEG_COMPLETED);
		assert_int_equal(cp_leg_duration(leg), cases[i].duration);
	}
}

static void test_time_limit_ends_a_call(void **state)
{
	struct fake_server *server = *state;
	struct cp_leg *leg = fake_call_new(server);
	leg->time_limit = 90;
	RUN(server, leg, {"answer", "<Say loop=\"0\">on and on</Say>"});
	assert_string_equal(fake_story_member(leg, "hangup", 0, "by"), "limit");
	assert_int_equal(cp_leg_duration(leg), 90);
}

static void test_a_person_takes_over(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {
	    {"answer", "<Gather numDigits=\"2\" timeout=\"600\" action=\"go\"/>"}, {"go", "<Pause length=\"600\"/>"}, {0}};
	server->answers = answers;
	fake_server_scenario(server, "{\"supporter\":{\"outcome\":\"interactive\"}}");
	struct cp_leg *leg = fake_call_new(server);
	cp_leg_start(leg, 0);
	fake_call_until(server, leg, CP_LEG_RINGING);
	cp_leg_answer(leg);
	while (leg->run.gather.element == NULL)
		cp_loop_turn(server->loop, 10);
	cp_leg_press(leg, "42");
	while (strstr(fake_steps(server), "go") == NULL)
		cp_loop_turn(server->loop, 10);
	cp_leg_hang_up(leg);
	fake_call_run(server, leg);
	assert_string_equal(fake_field(server, "go", 0, "Digits"), "42");
	assert_string_equal(fake_story_member(leg, "hangup", 0, "by"), "caller");
}

static void test_callbacks_twice_and_exchanged(void **state)
{
	struct fake_server *server = *state;
	fake_server_scenario(server, "{\"callbacks\":{\"duplicate\":true}}");
	struct cp_leg *leg = fake_call_new(server);
	leg->callbacks.events = CP_EVENT_RINGING | CP_EVENT_COMPLETED;
	RUN(server, leg, {"answer", "<Pause/>"});
	assert_non_null(strstr(fake_steps(server), "status:ringing"));
	assert_string_equal(fake_field(server, "status", 1, "SequenceNumber"), "0");
	assert_string_equal(fake_field(server, "status", 3, "SequenceNumber"), "1");
	assert_string_equal(fake_field(server, "status", 4, "SequenceNumber"), "(none)");

	size_t seen = strlen(fake_steps(server)) + 1;
	fake_server_scenario(server, "{\"callbacks\":{\"reorder\":true}}");
	leg = fake_call_new(server);
	leg->callbacks.events = CP_EVENT_RINGING | CP_EVENT_COMPLETED;
	fake_call_run(server, leg);
	assert_string_equal(fake_steps(server) + seen, "answer status:completed status:ringing");

	seen = strlen(fake_steps(server)) + 1;
	leg = fake_call_new(server);
	leg->callbacks.events = CP_EVENT_RINGING; /* nothing to board it with: it comes all the same */
	fake_call_run(server, leg);
	assert_string_equal(fake_steps(server) + seen, "answer status:ringing");

	seen = strlen(fake_steps(server)) + 1;
	fake_server_scenario(server,
	                     "{\"callbacks\":{\"reorder\":true},\"phones\":{\"+14155550123\":{\"callbacks\":{\"drop\":true}}}}");
	leg = fake_call_new(server);
	fake_call_run(server, leg);
	assert_string_equal(fake_steps(server) + seen, "answer");
}

static void test_duplicated_webhooks_move_nothing(void **state)
{
	struct fake_server *server = *state;
	fake_server_scenario(server, "{\"webhooks\":{\"duplicate\":true}}");
	struct cp_leg *leg = fake_call_new(server);
	leg->callbacks.events = 0;
	RUN(server, leg, {"answer", "<Redirect>next</Redirect>"}, {"next", "<Say>x</Say>"});
	assert_string_equal(fake_steps(server), "answer answer next next");
	assert_string_equal(server->requests[0].idempotency, server->requests[1].idempotency);
	assert_string_equal(server->requests[0].body, server->requests[1].body);
	assert_string_equal(fake_story(leg, "document say"), "document document say");
}

/* The vectors 1, 10 and 15 of the reference; Twilio's SDK judges the rest in tests/integration. */
static void test_signs_as_twilio_does(void **state)
{
	(void)state;
	char signature[CP_SIGNATURE_SIZE];
	struct cp_arena *arena = cp_arena_new();
	struct cp_form form;
	assert_ok(cp_form_parse(
	    CP_STR("CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"), arena,
	    &form));
	cp_sign_webhook(CP_STR("12345"), CP_STR("https://mycompany.com/myapp.php?foo=1&bar=2"), &form, signature);
	assert_string_equal(signature, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
	assert_ok(cp_form_parse(CP_STR("Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"), arena, &form));
	cp_sign_webhook(CP_STR("12345"), CP_STR("https://mycompany.com/myapp.php?foo=1&bar=2"), &form, signature);
	assert_string_equal(signature, "IK+Dwps556ElfBT0I3Rgjkr1wJU=");
	assert_ok(cp_form_parse(CP_STR("a=1&_z=%25%32%36%26%3D&B=x+y&A="), arena, &form));
	cp_sign_webhook(CP_STR("12345"), CP_STR("https://mycompany.com/myapp.php"), &form, signature);
	assert_string_equal(signature, "bR4JzlMNaBy2L8lDH5xYtLfMaNA=");
	cp_arena_free(arena);
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, fake_server_setup, fake_server_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CALL_TEST(test_a_call_says_its_document_and_ends),
	    CALL_TEST(test_webhooks_carry_what_twilio_sends),
	    CALL_TEST(test_gather_takes_the_key),
	    CALL_TEST(test_gather_falls_through_without_keys),
	    CALL_TEST(test_gather_asks_its_action_for_nothing_if_told),
	    CALL_TEST(test_gather_without_action_asks_the_same_document),
	    CALL_TEST(test_finish_key_ends_a_gather),
	    CALL_TEST(test_barge_in_cuts_prompts_short),
	    CALL_TEST(test_redirect_goes_on_elsewhere),
	    CALL_TEST(test_a_redirect_for_ever_is_ended),
	    CALL_TEST(test_telephones_that_are_not_answered),
	    CALL_TEST(test_the_caller_hangs_up_where_told),
	    CALL_TEST(test_time_limit_ends_a_call),
	    CALL_TEST(test_a_person_takes_over),
	    CALL_TEST(test_callbacks_twice_and_exchanged),
	    CALL_TEST(test_duplicated_webhooks_move_nothing),
	    cmocka_unit_test(test_signs_as_twilio_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
