/* What goes wrong between carrier and server: tries, fallback, the application error, redirects of HTTP. */
#include "base/memory.h"
#include "fake_server.h"

#include <stdlib.h>

static struct cp_leg *run(struct fake_server *server, const char *url, const char *fallback, const struct fake_answer *answers)
{
	server->answers = answers;
	struct cp_leg *leg = fake_call_new(server);
	leg->callbacks.events = CP_EVENT_COMPLETED;
	if (url != NULL) {
		free(leg->run.url);
		leg->run.url = cp_strdup(url);
	}
	if (fallback != NULL)
		leg->run.fallback_url = cp_strdup(fallback);
	fake_call_run(server, leg);
	return leg;
}

#define BASE "http://127.0.0.1:9/v/"

static void test_a_failed_connect_is_tried_once_more(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {
	    {"answer", .failure = FAKE_NO_CONNECTION, .times = 1}, {"answer", "<Say>back</Say>"}, {0}};
	struct cp_leg *leg = run(server, NULL, NULL, answers);
	assert_string_equal(fake_steps(server), "answer answer status:completed");
	assert_string_equal(server->requests[0].idempotency, server->requests[1].idempotency);
	assert_string_equal(fake_story_member(leg, "say", 0, "text"), "back");
}

static void test_without_fallback_an_apology_ends_the_call(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", .failure = FAKE_NO_CONNECTION}, {0}};
	struct cp_leg *leg = run(server, NULL, NULL, answers);
	assert_string_equal(fake_steps(server), "answer answer status:completed");
	assert_string_equal(fake_story_member(leg, "error", 0, "code"), "11205");
	assert_non_null(strstr(fake_story_member(leg, "say", 0, "text"), "application error"));
	assert_string_equal(fake_story_member(leg, "hangup", 0, "by"), "error");
	assert_int_equal(leg->status, CP_LEG_COMPLETED);
}

static void test_a_server_error_is_not_tried_again(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", "oops", .status = 500}, {0}};
	struct cp_leg *leg = run(server, NULL, NULL, answers);
	assert_string_equal(fake_steps(server), "answer status:completed");
	assert_string_equal(fake_story_member(leg, "error", 0, "code"), "11200");
	(void)leg;
}

static void test_unless_the_fragment_asks(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", .status = 503, .times = 2},
	                                             {"answer", .failure = FAKE_READ_TIMEOUT, .times = 1},
	                                             {"answer", "<Say>at last</Say>"},
	                                             {0}};
	struct cp_leg *leg = run(server, BASE "answer#rc=5&rp=ct,rt,5xx", NULL, answers);
	assert_string_equal(fake_steps(server), "answer answer answer answer status:completed");
	assert_string_equal(server->requests[0].url, BASE "answer"); /* the fragment is not sent */
	assert_string_equal(fake_story_member(leg, "say", 0, "text"), "at last");
}

static void test_rc_bounds_the_tries(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", .status = 503}, {0}};
	run(server, BASE "answer#rc=2&rp=5xx", NULL, answers);
	assert_string_equal(fake_steps(server), "answer answer answer status:completed");
}

static void test_a_read_timeout_is_not_tried_again(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", .failure = FAKE_READ_TIMEOUT}, {0}};
	run(server, NULL, NULL, answers);
	assert_string_equal(fake_steps(server), "answer status:completed");
	assert_int_equal(server->requests[0].connect_timeout_ms, 5000);
	assert_in_range(server->requests[0].timeout_ms, 14000, 15000);
}

static void test_overridden_timeouts_reach_the_wire(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", ""}, {0}};
	run(server, BASE "answer#ct=300&rt=700", NULL, answers);
	assert_int_equal(server->requests[0].connect_timeout_ms, 300);
	assert_int_equal(server->requests[0].timeout_ms, 1000);
}

static void test_the_fallback_gets_the_error(void **state)
{
	struct fake_server *server = *state;
	static const struct {
		struct fake_answer answer;
		const char *code;
	} cases[] = {
	    {{"answer", "x", .status = 404}, "11200"},
	    {{"answer", .failure = FAKE_NO_CONNECTION}, "11205"},
	    {{"answer", .failure = FAKE_TOO_LARGE}, "11750"},
	    {{"answer", "<Say>unclosed", .raw = true}, "12100"},
	    {{"answer", "", .raw = true}, "12100"},
	    {{"answer", "<Speak>x</Speak>"}, "12200"},
	    {{"answer", "<Gather timeout=\"soon\"/>"}, "13313"},
	    {{"answer", "{}", .raw = true, .content_type = "application/json"}, "12300"},
	    {{"answer", "<Redirect>ftp://x/y</Redirect>"}, "11100"},
	    {{"answer", "<Redirect>http://192.0.2.1/y</Redirect>"}, "11205"},
	    {{"answer", .status = 302}, "11220"},
	};
	for (unsigned i = 0; i < CP_COUNT(cases); ++i) {
		struct fake_answer answers[] = {cases[i].answer, {"fallback", "<Say>switchboard</Say>"}, {0}};
		struct cp_leg *leg = run(server, NULL, BASE "fallback", answers);
		if (strcmp(fake_field(server, "fallback", i, "ErrorCode"), cases[i].code) != 0)
			fail_msg("case %u: %s where %s is expected", i, fake_field(server, "fallback", i, "ErrorCode"),
			         cases[i].code);
		assert_string_equal(fake_story_member(leg, "say", 0, "text"), "switchboard");
	}
	assert_string_equal(fake_field(server, "fallback", 0, "ErrorUrl"), "http://127.0.0.1:9/voice/token/session/answer");
}

static void test_a_fallback_that_fails_too_ends_the_call(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", .status = 500}, {"fallback", .status = 500}, {0}};
	struct cp_leg *leg = run(server, NULL, BASE "fallback", answers);
	assert_string_equal(fake_steps(server), "answer fallback status:completed");
	assert_string_equal(fake_story_member(leg, "hangup", 0, "by"), "error");
}

static void test_the_fallback_serves_later_documents_too(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", "<Gather numDigits=\"1\" action=\"go\"/>"},
	                                             {"go", .status = 500},
	                                             {"fallback", "<Redirect>again</Redirect>", .times = 2},
	                                             {"again", .status = 500},
	                                             {"fallback", "<Hangup/>"},
	                                             {0}};
	run(server, NULL, BASE "fallback", answers);
	assert_string_equal(fake_steps(server), "answer go fallback again fallback again fallback status:completed");
}

static void test_redirects_of_http_are_followed_on_loopback(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", .status = 307, .location = "/v/moved?x=1"},
	                                             {"moved", .status = 302, .location = "again"},
	                                             {"again", "<Say>found</Say><Redirect>far</Redirect>"},
	                                             {"far", .status = 301, .location = "http://192.0.2.1/"},
	                                             {0}};
	struct cp_leg *leg = run(server, NULL, NULL, answers);
	assert_string_equal(fake_steps(server), "answer moved again far status:completed");
	assert_string_equal(server->requests[1].method, "POST");
	assert_string_equal(server->requests[1].body, server->requests[0].body);
	assert_string_not_equal(server->requests[1].signature, server->requests[0].signature);
	assert_string_equal(server->requests[2].method, "GET");
	assert_string_equal(server->requests[2].body, "");
	assert_string_equal(fake_story_member(leg, "say", 0, "text"), "found");
	assert_string_equal(fake_story_member(leg, "error", 0, "code"), "11205");
}

static void test_redirects_in_a_circle_end(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", .status = 302, .location = "answer"}, {0}};
	struct cp_leg *leg = run(server, NULL, NULL, answers);
	assert_string_equal(fake_story_member(leg, "error", 0, "code"), "11215");
	assert_int_equal(server->request_count, 1 + 10 + 1);
}

static void test_other_content_types(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", "Plain <words> & all", .raw = true, .content_type = "text/plain"},
	                                             {0}};
	struct cp_leg *leg = run(server, NULL, NULL, answers);
	assert_string_equal(fake_story_member(leg, "say", 0, "text"), "Plain <words> & all");
}

static void test_routes_lead_to_loopback(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", ""}, {0}};
	assert_int_equal(cp_switchboard_add_route(server->board, CP_STR("https://call.example.org"), CP_STR("http://192.0.2.1")),
	                 CP_E_INPUT);
	assert_int_equal(
	    cp_switchboard_add_route(server->board, CP_STR("https://call.example.org/x"), CP_STR("http://127.0.0.1:9")),
	    CP_E_INPUT);
	assert_ok(cp_switchboard_add_route(server->board, CP_STR("https://call.example.org"), CP_STR("http://127.0.0.1:9")));
	run(server, "https://call.example.org/v/answer?x#rc=0", NULL, answers);
	assert_string_equal(server->requests[0].url, "http://127.0.0.1:9/v/answer?x");
}

static void test_a_reset_drops_everything(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", "<Dial>+12025550101</Dial>"}, {0}};
	server->answers = answers;
	fake_server_scenario(server, "{\"callbacks\":{\"reorder\":true},\"webhooks\":{\"duplicate\":true}}");
	for (int turns = 0; turns < 12; ++turns) {
		cp_leg_start(fake_call_new(server), 0);
		for (int i = 0; i < turns; ++i)
			cp_loop_turn(server->loop, 1);
	}
	cp_switchboard_reset(server->board);
	assert_int_equal(server->board->active, 0);
	assert_int_equal(cp_map_count(server->board->legs), 0);
	assert_false(cp_scenario_duplicates_webhooks(server->board->scenario));
	for (int i = 0; i < 5; ++i)
		cp_loop_turn(server->loop, 1);
}

static void test_old_calls_are_forgotten(void **state)
{
	struct fake_server *server = *state;
	static const struct fake_answer answers[] = {{"answer", "<Dial timeout=\"5\">+12025550101</Dial>"}, {0}};
	server->board->options.keep = 3;
	struct cp_leg *last = NULL;
	for (int i = 0; i < 6; ++i)
		last = run(server, NULL, NULL, answers);
	assert_int_equal(server->board->root_count, 3);
	assert_ptr_equal(cp_switchboard_leg(server->board, cp_str(last->sid)), last);
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, fake_server_setup, fake_server_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CALL_TEST(test_a_failed_connect_is_tried_once_more),
	    CALL_TEST(test_without_fallback_an_apology_ends_the_call),
	    CALL_TEST(test_a_server_error_is_not_tried_again),
	    CALL_TEST(test_unless_the_fragment_asks),
	    CALL_TEST(test_rc_bounds_the_tries),
	    CALL_TEST(test_a_read_timeout_is_not_tried_again),
	    CALL_TEST(test_overridden_timeouts_reach_the_wire),
	    CALL_TEST(test_the_fallback_gets_the_error),
	    CALL_TEST(test_a_fallback_that_fails_too_ends_the_call),
	    CALL_TEST(test_the_fallback_serves_later_documents_too),
	    CALL_TEST(test_redirects_of_http_are_followed_on_loopback),
	    CALL_TEST(test_redirects_in_a_circle_end),
	    CALL_TEST(test_other_content_types),
	    CALL_TEST(test_routes_lead_to_loopback),
	    CALL_TEST(test_a_reset_drops_everything),
	    CALL_TEST(test_old_calls_are_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
