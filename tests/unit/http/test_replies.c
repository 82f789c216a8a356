/* What a handler may answer, when, and to whom that still matters. */
#include "client.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>

static struct cp_http_request *held[8]; /* requests that a test answers itself */
static int held_count;
static int add_header_error;
static struct {
	int count, status;
	size_t body_size;
	char path[64], id[80];
} done;

static void hold(struct cp_http_request *request, void *data)
{
	(void)data;
	held[held_count++] = request;
}

static void set_headers(struct cp_http_request *request, void *data)
{
	(void)data;
	char value[] = "copied";
	assert_ok(cp_http_add_header(request, "X-One", CP_STR("1")));
	assert_ok(cp_http_add_header(request, "Set-Cookie", CP_STR("a=1")));
	assert_ok(cp_http_add_header(request, "Set-Cookie", CP_STR("b=2")));
	assert_ok(cp_http_add_header(request, "X-Copied", cp_str(value)));
	memset(value, 'z', sizeof(value) - 1);
	cp_http_reply(request, 201, "text/plain", CP_STR("made"));
}

static void set_bad_header(struct cp_http_request *request, void *data)
{
	(void)data;
	add_header_error = cp_http_add_header(request, "X-Bad", CP_STR("1\r\nX-Injected: 2"));
	assert_int_equal(add_header_error, CP_E_BUG);
	assert_int_equal(cp_http_add_header(request, "X-Bad", CP_STR("1\n2")), CP_E_BUG);
	assert_int_equal(cp_http_add_header(request, "X-Bad",
	                                    CP_STR("1\0"
	                                           "2")),
	                 CP_E_BUG);
	assert_int_equal(cp_http_add_header(request, "X Bad", CP_STR("1")), CP_E_BUG);
	assert_int_equal(cp_http_add_header(request, "X-Bad:", CP_STR("1")), CP_E_BUG);
	assert_int_equal(cp_http_add_header(request, "", CP_STR("1")), CP_E_BUG);
	assert_int_equal(cp_http_add_header(request, "content-LENGTH", CP_STR("1")), CP_E_BUG);
	assert_int_equal(cp_http_add_header(request, "Transfer-Encoding", CP_STR("chunked")), CP_E_BUG);
	assert_int_equal(cp_http_add_header(request, "Connection", CP_STR("close")), CP_E_BUG);
	cp_http_reply(request, 200, "text/plain", CP_STR("ok"));
}

static void status(struct cp_http_request *request, void *data)
{
	(void)data;
	uint64_t number;
	assert_ok(cp_str_to_u64(cp_http_param(request, "status"), 999, &number));
	cp_http_reply(request, (int)number, "text/plain", CP_STR("body"));
}

static void error(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_http_reply_error(request, 422, "odd", "A \"quoted\" \\ sentence\nof two lines.");
}

static void large(struct cp_http_request *request, void *data)
{
	(void)data;
	size_t len = 3 * 1024 * 1024;
	char *body = cp_arena_alloc(cp_http_arena(request), len);
	for (size_t i = 0; i < len; ++i)
		body[i] = (char)('a' + i % 26);
	cp_http_reply(request, 200, "text/plain", cp_str_n(body, len));
}

static void reply_later(void *data)
{
	cp_http_reply(data, 200, "text/plain", CP_STR("later"));
}

static struct cp_timer later_timer;
static struct cp_task later_task;

static void from_timer(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_timer_init(&later_timer, cp_http_loop(request), reply_later, request);
	cp_timer_start(&later_timer, 1);
}

static void from_task(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_task_init(&later_task, cp_http_loop(request), reply_later, request);
	cp_task_start(&later_task);
}

static void on_done(const struct cp_http_request *request, int code, size_t body_size, uint64_t micros, void *data)
{
	(void)data;
	assert_true(micros < 60000000);
	++done.count;
	done.status = code;
	done.body_size = body_size;
	snprintf(done.path, sizeof(done.path), "%.*s", CP_STR_ARG(cp_http_path(request)));
}

static const struct cp_http_route routes[] = {
    {CP_HTTP_GET | CP_HTTP_POST, "/hold", hold, 0},
    {CP_HTTP_GET, "/headers", set_headers, 0},
    {CP_HTTP_GET, "/bad", set_bad_header, 0},
    {CP_HTTP_GET, "/status/{status}", status, 0},
    {CP_HTTP_GET, "/error", error, 0},
    {CP_HTTP_GET, "/large", large, 0},
    {CP_HTTP_GET, "/timer", from_timer, 0},
    {CP_HTTP_GET, "/task", from_task, 0},
};

static struct cp_http_options options(void)
{
	return (struct cp_http_options){.routes = routes,
	                                .route_count = sizeof(routes) / sizeof(routes[0]),
	                                .deadline_ms = 20000,
	                                .server_name = "test",
	                                .on_done = on_done};
}

static int setup(void **state)
{
	(void)state;
	held_count = 0;
	memset(&done, 0, sizeof(done));
	const struct cp_http_options chosen = options();
	fixture_start(&chosen);
	return 0;
}

static int setup_short(void **state)
{
	setup(state);
	fixture_stop();
	struct cp_http_options chosen = options();
	chosen.deadline_ms = 100;
	fixture_start(&chosen);
	return 0;
}

static struct answer get(const char *target)
{
	char request[256];
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
	return ask(request);
}

static void headers_go_out_as_set(void **state)
{
	(void)state;
	struct answer answer = get("/headers");
	assert_int_equal(answer.status, 201);
	assert_true(contains(answer.head, "HTTP/1.1 201 Created\r\n"));
	assert_str(answer_header(&answer, "x-one"), "1");
	assert_str(answer_header(&answer, "x-copied"), "copied");
	assert_true(contains(answer.head, "Set-Cookie: a=1\r\n") && contains(answer.head, "Set-Cookie: b=2\r\n"));
	assert_str(answer_header(&answer, "content-type"), "text/plain");
	assert_str(answer_header(&answer, "server"), "test");
	assert_true(answer_header(&answer, "date").len != 0);
	assert_str(answer.body, "made");
}

static void headers_that_would_break_the_answer_are_refused(void **state)
{
	(void)state;
	add_header_error = 0;
	struct answer answer = get("/bad");
	assert_int_equal(add_header_error, CP_E_BUG);
	assert_int_equal(answer.status, 200);
	assert_null(answer_header(&answer, "x-bad").ptr);
	assert_null(answer_header(&answer, "x-injected").ptr);
}

static void an_error_is_json(void **state)
{
	(void)state;
	struct answer answer = get("/error");
	assert_int_equal(answer.status, 422);
	assert_str(answer.body,
	           "{\"status\":422,\"error\":\"odd\",\"description\":\"A \\\"quoted\\\" \\\\ sentence\\u000aof two lines.\"}");
}

static void own_page(struct cp_http_request *request, int code, const char *word, const char *sentence)
{
	(void)sentence;
	cp_http_reply(request, code, "text/html", cp_str(word));
}

static void error_pages_can_be_ones_own(void **state)
{
	(void)state;
	fixture_stop();
	struct cp_http_options chosen = options();
	chosen.error_page = own_page;
	chosen.deadline_ms = 100;
	fixture_start(&chosen);
	assert_str(get("/nowhere").body, "not_found");
	struct answer answer = get("/error");
	assert_int_equal(answer.status, 422);
	assert_str(answer_header(&answer, "content-type"), "text/html");
	answer = get("/hold"); /* the deadline's 503 goes through it as well */
	assert_int_equal(answer.status, 503);
	assert_str(answer.body, "deadline_exceeded");
	cp_http_reply(held[0], 200, NULL, CP_STR(""));
}

static void a_status_without_body_has_none(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "GET /status/204 HTTP/1.1\r\nHost: x\r\n\r\nGET /status/304 HTTP/1.1\r\nHost: x\r\n\r\n"
	                     "GET /status/200 HTTP/1.1\r\nHost: x\r\n\r\n");
	struct answer answer = client_answer(&client);
	assert_int_equal(answer.status, 204);
	assert_null(answer_header(&answer, "content-length").ptr);
	assert_null(answer_header(&answer, "transfer-encoding").ptr);
	assert_int_equal(client_answer(&client).status, 304);
	assert_str(client_answer(&client).body, "body");
	client_close(&client);
}

/* ---- ids and the access log */

static void a_request_id_is_on_every_reply(void **state)
{
	(void)state;
	static const char *const targets[] = {"/headers", "/nowhere", "/error", "/status/204", "/hold"};
	char before[80] = "";
	for (size_t i = 0; i < 5; ++i) {
		struct answer answer = get(targets[i]);
		struct cp_str id = answer_header(&answer, "x-request-id");
		assert_true(id.len >= 14 && id.len < sizeof(before));
		assert_false(cp_str_eq(id, cp_str(before)));
		snprintf(before, sizeof(before), "%.*s", CP_STR_ARG(id));
	}
	cp_http_reply(held[0], 200, NULL, CP_STR(""));
}

static void a_well_formed_id_is_taken_over(void **state)
{
	(void)state;
	struct answer answer = ask("GET /headers HTTP/1.1\r\nHost: x\r\nX-Request-Id: Front_1.a-9\r\n\r\n");
	assert_str(answer_header(&answer, "x-request-id"), "Front_1.a-9");
	static const char *const bad[] = {"",    "a b",      "a\"b",
	                                  "a/b", "\xc3\xa4", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
		char request[256];
		snprintf(request, sizeof(request), "GET /headers HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\n\r\n", bad[i]);
		answer = ask(request);
		struct cp_str id = answer_header(&answer, "x-request-id");
		assert_true(id.len != 0 && !cp_str_eq(id, cp_str(bad[i])));
	}
}

static void the_log_names_the_request(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "GET /hold HTTP/1.1\r\nHost: x\r\nX-Request-Id: abc\r\n\r\n");
	turn_until(&held_count, 1);
	assert_str(cp_http_log(held[0])->request, "abc");
	cp_http_reply(held[0], 200, NULL, CP_STR(""));
	client_close(&client);
}

static void each_request_is_reported_once(void **state)
{
	(void)state;
	get("/headers");
	assert_int_equal(done.count, 1);
	assert_int_equal(done.status, 201);
	assert_int_equal(done.body_size, 4);
	assert_string_equal(done.path, "/headers");
	get("/hold"); /* answered by the deadline, and by the handler when it is too late */
	assert_int_equal(done.count, 2);
	assert_int_equal(done.status, 503);
	cp_http_reply(held[0], 200, NULL, CP_STR(""));
	assert_int_equal(done.count, 2);
	get("/nowhere");
	assert_int_equal(done.count, 3);
}

/* ---- answers that come later */

static void an_answer_may_come_later(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nkept");
	turn_until(&held_count, 1);
	cp_loop_turn(test_loop, 1);
	assert_str(cp_http_body(held[0]), "kept");
	cp_http_reply(held[0], 200, "text/plain", CP_STR("at last"));
	assert_str(client_answer(&client).body, "at last");
	client_close(&client);
}

/*
 * What a timer or a task writes is finished by libh2o only in the next turn, and it must not wait for something else to happen
 * before: the next request of the connection stands behind it.
 */
static void an_answer_from_a_timer_or_task_delays_nothing(void **state)
{
	(void)state;
	static const char *const targets[] = {"/timer", "/task"};
	struct cp_http_options chosen = options();
	chosen.deadline_ms = 60000; /* else its timer would be what happens */
	fixture_stop();
	fixture_start(&chosen);
	for (size_t i = 0; i < 2; ++i) {
		struct client client;
		char requests[128];
		client_open(&client);
		snprintf(requests, sizeof(requests), "GET %s HTTP/1.1\r\nHost: x\r\n\r\nGET /headers HTTP/1.1\r\nHost: x\r\n\r\n",
		         targets[i]);
		client_send(&client, requests);
		uint64_t start = cp_clock_monotonic_ms();
		int turns = 0, before = done.count;
		while (done.count < before + 2 && ++turns < 20)
			cp_loop_turn(test_loop, 2000);
		assert_int_equal(done.count, before + 2);
		assert_true(cp_clock_monotonic_ms() - start < 1500);
		assert_str(client_answer(&client).body, "later");
		assert_str(client_answer(&client).body, "made");
		client_close(&client);
	}
}

static void a_late_answer_is_503_and_the_handlers_own_is_dropped(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "POST /hold?q HTTP/1.1\r\nHost: Name\r\nX-Thing: 1\r\nContent-Length: 4\r\n\r\nkept");
	turn_until(&held_count, 1);
	assert_ok(cp_http_add_header(held[0], "X-Half", CP_STR("done")));
	uint64_t start = cp_clock_monotonic_ms();
	struct answer answer = client_answer(&client);
	assert_int_equal(answer.status, 503);
	assert_true(cp_clock_monotonic_ms() - start <= 100 + 5000);
	assert_true(contains(answer.body, "\"error\":\"deadline_exceeded\""));
	assert_null(answer_header(&answer, "x-half").ptr);
	/* the connection goes on while the request is still the handler's, all of it */
	client_send(&client, "GET /headers HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(client_answer(&client).status, 201);
	assert_str(cp_http_body(held[0]), "kept");
	assert_str(cp_http_header(held[0], "x-thing"), "1");
	assert_str(cp_http_host(held[0]), "name");
	assert_str(cp_http_query(held[0]), "q");
	assert_str(cp_http_peer(held[0]), "127.0.0.1");
	assert_non_null(cp_arena_alloc(cp_http_arena(held[0]), 10000));
	assert_ok(cp_http_add_header(held[0], "X-Too", CP_STR("late")));
	cp_http_reply(held[0], 200, "text/plain", CP_STR("too late"));
	client_send(&client, "GET /headers HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_str(client_answer(&client).body, "made");
	client_close(&client);
}

static void every_request_has_a_deadline_of_its_own(void **state)
{
	(void)state;
	struct cp_http_options chosen = options();
	chosen.deadline_ms = 1000;
	fixture_stop();
	fixture_start(&chosen);
	struct client clients[4];
	for (int i = 0; i < 4; ++i) {
		client_open(&clients[i]);
		client_send(&clients[i], "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
		turn_until(&held_count, i + 1);
		uint64_t until = cp_clock_monotonic_ms() + 15;
		while (cp_clock_monotonic_ms() < until)
			cp_loop_turn(test_loop, 5);
	}
	cp_http_reply(held[1], 200, "text/plain", CP_STR("in time"));
	assert_int_equal(client_answer(&clients[0]).status, 503);
	assert_int_equal(client_answer(&clients[1]).status, 200);
	assert_int_equal(client_answer(&clients[2]).status, 503);
	assert_int_equal(client_answer(&clients[3]).status, 503);
	for (int i = 0; i < 4; ++i) {
		if (i != 1)
			cp_http_reply(held[i], 200, NULL, CP_STR(""));
		client_close(&clients[i]);
	}
}

static void a_client_that_has_gone_is_no_concern_of_the_handler(void **state)
{
	(void)state;
	for (int i = 0; i < 4; ++i) {
		struct client client;
		client_open(&client);
		client_send(&client, "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nkept");
		turn_until(&held_count, i + 1);
		if (i % 2 == 0)
			client_abort(&client);
		else
			client_close(&client);
		cp_loop_turn(test_loop, 1);
		assert_str(cp_http_body(held[i]), "kept");
	}
	for (int i = 0; i < 4; ++i)
		cp_http_reply(held[i], 200, "text/plain", CP_STR("nobody listens"));
	assert_int_equal(get("/headers").status, 201);
}

static void an_http_1_0_client_is_served_and_disconnected(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "GET /headers HTTP/1.0\r\n\r\n");
	struct answer answer = client_answer(&client);
	assert_str(answer.body, "made");
	assert_str(answer_header(&answer, "connection"), "close");
	client_until_closed(&client);
	assert_false(client.reset);
	client_close(&client);
}

static void connection_close_is_obeyed(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "GET /headers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_str(client_answer(&client).body, "made");
	client_until_closed(&client);
	client_close(&client);
}

static void a_large_answer_arrives_whole(void **state)
{
	(void)state;
	struct answer answer = get("/large");
	assert_int_equal(answer.body.len, 3 * 1024 * 1024);
	for (size_t i = 0; i < answer.body.len; ++i)
		if (answer.body.ptr[i] != (char)('a' + i % 26))
			fail_msg("byte %zu is wrong", i);
}

static void reasons_are_the_standards(void **state)
{
	(void)state;
	assert_string_equal(cp_http_reason(200), "OK");
	assert_string_equal(cp_http_reason(404), "Not Found");
	assert_string_equal(cp_http_reason(503), "Service Unavailable");
	assert_string_equal(cp_http_reason(599), "Unknown");
	assert_true(contains(get("/status/418").head, "HTTP/1.1 418 Unknown\r\n"));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, fixture_teardown)
#define SHORT(fn) cmocka_unit_test_setup_teardown(fn, setup_short, fixture_teardown) /* a deadline of 100 ms */
	const struct CMUnitTest tests[] = {
	    TEST(headers_go_out_as_set),
	    TEST(headers_that_would_break_the_answer_are_refused),
	    TEST(an_error_is_json),
	    TEST(error_pages_can_be_ones_own),
	    TEST(a_status_without_body_has_none),
	    SHORT(a_request_id_is_on_every_reply),
	    TEST(a_well_formed_id_is_taken_over),
	    TEST(the_log_names_the_request),
	    SHORT(each_request_is_reported_once),
	    TEST(an_answer_may_come_later),
	    TEST(an_answer_from_a_timer_or_task_delays_nothing),
	    SHORT(a_late_answer_is_503_and_the_handlers_own_is_dropped),
	    TEST(every_request_has_a_deadline_of_its_own),
	    TEST(a_client_that_has_gone_is_no_concern_of_the_handler),
	    TEST(an_http_1_0_client_is_served_and_disconnected),
	    TEST(connection_close_is_obeyed),
	    TEST(a_large_answer_arrives_whole),
	    TEST(reasons_are_the_standards),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
