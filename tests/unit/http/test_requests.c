/* What a handler sees of a request, and which handler sees it. */
#include "client.h"

static char seen[8192]; /* what the echo handler saw, as text */

static void add_header(void *data, struct cp_str name, struct cp_str value)
{
	cp_buf_printf(data, "%.*s=%.*s;", CP_STR_ARG(name), CP_STR_ARG(value));
}

/* Tells everything it sees of the request. */
static void echo(struct cp_http_request *request, void *data)
{
	(void)data;
	struct cp_buf text = {0};
	cp_buf_printf(&text, "method=%d\npath=%.*s\ntarget=%.*s\nquery=%.*s%s\nhost=%.*s%s\npeer=%.*s\nbody=%.*s\n",
	              cp_http_method(request), CP_STR_ARG(cp_http_path(request)), CP_STR_ARG(cp_http_target(request)),
	              CP_STR_ARG(cp_http_query(request)), cp_http_query(request).ptr == NULL ? "(absent)" : "",
	              CP_STR_ARG(cp_http_host(request)), cp_http_host(request).ptr == NULL ? "(absent)" : "",
	              CP_STR_ARG(cp_http_peer(request)), CP_STR_ARG(cp_http_body(request)));
	cp_buf_printf(&text, "a=%.*s\nb=%.*s\n", CP_STR_ARG(cp_http_param(request, "a")),
	              CP_STR_ARG(cp_http_param(request, "b")));
	cp_buf_add_cstr(&text, "headers=");
	cp_http_each_header(request, add_header, &text);
	snprintf(seen, sizeof(seen), "%s", text.ptr);
	cp_http_reply(request, 200, "text/plain", cp_buf_str(&text));
	cp_buf_free(&text);
}

static void first(struct cp_http_request *request, void *data)
{
	cp_http_reply(request, 200, "text/plain", cp_str(data));
}

static void one_header(struct cp_http_request *request, void *data)
{
	(void)data;
	struct cp_str value = cp_http_header(request, "X-Thing");
	cp_http_reply(request, 200, "text/plain", value.ptr == NULL ? CP_STR("(absent)") : value);
}

static const struct cp_http_route routes[] = {
    {CP_HTTP_GET, "/", first, 0},
    {CP_HTTP_GET, "/plain", first, 0},
    {CP_HTTP_GET, "/header", one_header, 0},
    {CP_HTTP_GET | CP_HTTP_POST | CP_HTTP_PUT | CP_HTTP_DELETE | CP_HTTP_OPTIONS, "/echo", echo, 0},
    {CP_HTTP_POST, "/only/post", first, 0},
    {CP_HTTP_PUT, "/only/post", first, 0},
    {CP_HTTP_GET, "/only/get", first, 0},
    {CP_HTTP_GET, "/items/new", first, 0},
    {CP_HTTP_GET, "/items/{a}", echo, 0},
    {CP_HTTP_GET, "/items/{a}/parts/{b}", echo, 0},
    {CP_HTTP_GET, "/files/{a...}", echo, 0},
    {CP_HTTP_GET, "/trailing/", first, 0},
};

static int setup(void **state)
{
	(void)state;
	static char data[] = "first";
	const struct cp_http_options options = {
	    .routes = routes, .route_count = sizeof(routes) / sizeof(routes[0]), .data = data, .server_name = "test"};
	fixture_start(&options);
	return 0;
}

static void assert_seen(const char *line)
{
	if (strstr(seen, line) == NULL)
		fail_msg("\"%s\" is not in:\n%s", line, seen);
}

static struct answer get(const char *target)
{
	char request[4096];
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
	return ask(request);
}

static void a_handler_sees_the_whole_request(void **state)
{
	(void)state;
	struct answer answer =
	    ask("POST /echo?x=1&y=%20 HTTP/1.1\r\nHOST: Example.ORG:8080\r\nX-Thing: Some Value\r\nContent-Length: "
	        "5\r\n\r\nhello");
	assert_int_equal(answer.status, 200);
	assert_seen("method=2\n");
	assert_seen("path=/echo\n");
	assert_seen("target=/echo?x=1&y=%20\n");
	assert_seen("query=x=1&y=%20\n");
	assert_seen("host=example.org:8080\n");
	assert_seen("peer=127.0.0.1\n");
	assert_seen("body=hello\n");
	assert_seen("headers=host=Example.ORG:8080;x-thing=Some Value;");
}

static void what_is_not_there_is_absent(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /echo HTTP/1.0\r\n\r\n").status, 200);
	assert_seen("query=(absent)\n");
	assert_seen("host=(absent)\n");
	assert_seen("body=\n");
	get("/echo?");
	assert_seen("query=\n");
	assert_str(get("/header").body, "(absent)");
}

static void header_names_match_in_any_case(void **state)
{
	(void)state;
	assert_str(ask("GET /header HTTP/1.1\r\nHost: x\r\nx-tHING: 1\r\nX-Thing: 2\r\n\r\n").body, "1");
}

static void every_method_reaches_its_handler(void **state)
{
	(void)state;
	static const char *const names[] = {"GET", "POST", "PUT", "DELETE", "OPTIONS"};
	static const int methods[] = {CP_HTTP_GET, CP_HTTP_POST, CP_HTTP_PUT, CP_HTTP_DELETE, CP_HTTP_OPTIONS};
	for (size_t i = 0; i < 5; ++i) {
		char request[128], line[32];
		snprintf(request, sizeof(request), "%s /echo HTTP/1.1\r\nHost: x\r\n\r\n", names[i]);
		snprintf(line, sizeof(line), "method=%d\n", methods[i]);
		assert_int_equal(ask(request).status, 200);
		assert_seen(line);
	}
}

static void a_chunked_body_is_put_together(void **state)
{
	(void)state;
	assert_int_equal(
	    ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n")
	        .status,
	    200);
	assert_seen("body=abcdefg\n");
}

static void a_body_may_arrive_byte_by_byte(void **state)
{
	(void)state;
	static const char request[] = "POST /echo HTTP/1.1\r\nHost: x\r\nX-Thing: slow\r\nContent-Length: 4\r\n\r\nslow";
	struct client client;
	client_open(&client);
	for (size_t i = 0; i < sizeof(request) - 1; ++i)
		assert_true(client_write(&client, request + i, 1));
	assert_int_equal(client_answer(&client).status, 200);
	assert_seen("body=slow\n");
	assert_seen("x-thing=slow;");
	client_close(&client);
}

static void an_expected_continue_is_sent(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	assert_int_equal(client_answer(&client).status, 100);
	client_send(&client, "ok");
	assert_int_equal(client_answer(&client).status, 200);
	assert_seen("body=ok\n");
	client_close(&client);
}

static void parameters_match_segments(void **state)
{
	(void)state;
	assert_int_equal(get("/items/42").status, 200);
	assert_seen("a=42\nb=\n");
	assert_int_equal(get("/items/42/parts/x%20y").status, 200);
	assert_seen("a=42\nb=x y\n");
	assert_str(get("/items/new").body, "first");  /* the first route wins */
	assert_int_equal(get("/items/").status, 404); /* a parameter is not empty */
	assert_int_equal(get("/items").status, 404);
	assert_int_equal(get("/items/42/").status, 404);
	assert_int_equal(get("/items/42/parts").status, 404);
	assert_int_equal(get("/items//parts/1").status, 404);
	assert_int_equal(get("/items/42/parts/1/2").status, 404);
}

static void a_rest_parameter_takes_slashes(void **state)
{
	(void)state;
	assert_int_equal(get("/files/a/b/c.js").status, 200);
	assert_seen("a=a/b/c.js\n");
	assert_int_equal(get("/files/a/").status, 200);
	assert_seen("a=a/\n");
	assert_int_equal(get("/files/").status, 404);
	assert_int_equal(get("/files").status, 404);
}

static void dot_segments_cannot_climb(void **state)
{
	(void)state;
	assert_int_equal(get("/files/a/../b").status, 200);
	assert_seen("path=/files/b\n");
	assert_int_equal(get("/files/%2e%2e/plain").status, 200);
	assert_str(get("/../../plain").body, "first");
	assert_seen("path=/files/b\n");
}

static void literal_paths_match_exactly(void **state)
{
	(void)state;
	assert_int_equal(get("/").status, 200);
	assert_int_equal(get("/plain").status, 200);
	assert_int_equal(get("/plain/").status, 404);
	assert_int_equal(get("/plainer").status, 404);
	assert_int_equal(get("/Plain").status, 404);
	assert_int_equal(get("/trailing/").status, 200);
	assert_int_equal(get("/trailing").status, 404);
}

static void an_unknown_path_is_404_in_json(void **state)
{
	(void)state;
	struct answer answer = get("/nowhere");
	assert_int_equal(answer.status, 404);
	assert_str(answer_header(&answer, "content-type"), "application/json");
	assert_str(answer.body, "{\"status\":404,\"error\":\"not_found\",\"description\":\"There is nothing at this address.\"}");
}

static void a_wrong_method_is_405_with_allow(void **state)
{
	(void)state;
	struct answer answer = get("/only/post");
	assert_int_equal(answer.status, 405);
	assert_str(answer_header(&answer, "allow"), "POST, PUT");
	assert_true(contains(answer.body, "\"error\":\"method_not_allowed\""));
	answer = ask("DELETE /only/get HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(answer.status, 405);
	assert_str(answer_header(&answer, "allow"), "GET, HEAD");
	answer = ask("PROPFIND /only/get HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(answer.status, 405);
	assert_int_equal(ask("PROPFIND /nowhere HTTP/1.1\r\nHost: x\r\n\r\n").status, 404);
}

static void head_is_get_without_the_body(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "HEAD /plain HTTP/1.1\r\nHost: x\r\n\r\n");
	struct answer answer = client_answer_to_head(&client);
	assert_int_equal(answer.status, 200);
	assert_str(answer_header(&answer, "content-length"), "5");
	client_send(&client, "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_str(client_answer(&client).body, "first"); /* nothing stands between the two */
	client_close(&client);
}

static void what_two_readers_could_understand_differently_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nhello",
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
	    "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
	    "GET /echo HTTP/1.1\r\n\r\n",
	    "GET /echo HTTP/1.1\r\nHost: x\r\nX-Thing: 1\r\n folded\r\n\r\n",
	    "GET echo HTTP/1.1\r\nHost: x\r\n\r\n",
	    "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
	    "GET http://x/echo HTTP/1.1\r\nHost: x\r\n\r\n",
	    "GET /items/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
	    "GET /items/a%0ab HTTP/1.1\r\nHost: x\r\n\r\n",
	    "GET /items/%ff HTTP/1.1\r\nHost: x\r\n\r\n",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
		struct client client;
		client_open(&client);
		client_send(&client, bad[i]);
		struct answer answer = client_answer(&client);
		if (answer.status != 400)
			fail_msg("%d for %s", answer.status, bad[i]);
		assert_true(contains(answer.body, "\"error\":\"bad_request\""));
		assert_true(answer_header(&answer, "x-request-id").len != 0);
		client_until_closed(&client); /* what follows cannot be trusted */
		client_close(&client);
	}
}

static void a_length_in_the_body_is_not_a_header(void **state)
{
	(void)state;
	assert_int_equal(
	    ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\na\r\nhost: x\r\ncontent-length: 5\r\n").status, 200);
}

static void broken_requests_get_400_and_harm_nobody(void **state)
{
	(void)state;
	static const char *const broken[] = {
	    "nonsense\r\n\r\n",
	    "GET\r\n\r\n",
	    "GET /\r\n\r\n",
	    "GET / HTTP/9.9\r\n\r\n",
	    "GET / HTTP/1.1\r\nno colon\r\n\r\n",
	    "GET / HTTP/1.1\r\nName : x\r\n\r\n",
	    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
	    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
	    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	};
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); ++i) {
		struct answer answer = ask(broken[i]);
		if (answer.status != 400)
			fail_msg("%d for %s", answer.status, broken[i]);
	}
	assert_int_equal(get("/plain").status, 200);
}

static void an_unknown_expectation_is_417(void **state)
{
	(void)state;
	struct answer answer = ask("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nContent-Length: 2\r\n\r\nab");
	assert_int_equal(answer.status, 417);
	assert_true(contains(answer.body, "\"error\":\"expectation_failed\""));
}

/* Both ways in to libh2o's HTTP/2 must be shut. */
static void neither_h2c_nor_the_preface_reaches_http2(void **state)
{
	(void)state;
	struct answer answer = ask("GET /plain HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	                           "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n");
	assert_int_equal(answer.status, 200);
	assert_str(answer.body, "first");
	assert_null(answer_header(&answer, "upgrade").ptr);

	struct client client;
	client_open(&client);
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	client_write(&client, preface, sizeof(preface) - 1);
	answer = client_answer(&client);
	assert_int_equal(answer.status, 400); /* in HTTP/1.1; an HTTP/2 server would send a SETTINGS frame */
	client_until_closed(&client);
	assert_int_equal(client.in.len, 0);
	client_close(&client);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	(void)state;
	enum { COUNT = 500 };
	struct client client;
	struct cp_buf requests = {0};
	client_open(&client);
	for (int i = 0; i < COUNT; ++i)
		cp_buf_printf(&requests, "POST /echo?%d HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody", i);
	assert_true(client_write(&client, requests.ptr, requests.len));
	for (int i = 0; i < COUNT; ++i) {
		char line[32];
		snprintf(line, sizeof(line), "query=%d\n", i);
		struct answer answer = client_answer(&client);
		assert_int_equal(answer.status, 200);
		assert_true(contains(answer.body, line));
	}
	cp_buf_free(&requests);
	client_close(&client);
}

static void ten_thousand_requests_fit_one_connection(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	for (int i = 0; i < 10000; ++i) {
		client_send(&client, "GET /items/7/parts/8 HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_int_equal(client_answer(&client).status, 200);
	}
	client_close(&client);
}

static void routes_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	static const struct cp_http_route bad[] = {
	    {CP_HTTP_GET, "no-slash", first, 0},
	    {CP_HTTP_GET, "/{rest...}/more", first, 0},
	    {CP_HTTP_GET, "/{open", first, 0},
	    {CP_HTTP_GET, "/x", NULL, 0},
	    {0, "/x", first, 0},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
		struct cp_http_server *server = NULL;
		const struct cp_http_options options = {.routes = &bad[i], .route_count = 1};
		assert_int_equal(cp_http_server_new(test_loop, &options, &server), CP_E_BUG);
		assert_null(server);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_handler_sees_the_whole_request),
	    TEST(what_is_not_there_is_absent),
	    TEST(header_names_match_in_any_case),
	    TEST(every_method_reaches_its_handler),
	    TEST(a_chunked_body_is_put_together),
	    TEST(a_body_may_arrive_byte_by_byte),
	    TEST(an_expected_continue_is_sent),
	    TEST(parameters_match_segments),
	    TEST(a_rest_parameter_takes_slashes),
	    TEST(dot_segments_cannot_climb),
	    TEST(literal_paths_match_exactly),
	    TEST(an_unknown_path_is_404_in_json),
	    TEST(a_wrong_method_is_405_with_allow),
	    TEST(head_is_get_without_the_body),
	    TEST(what_two_readers_could_understand_differently_is_refused),
	    TEST(a_length_in_the_body_is_not_a_header),
	    TEST(broken_requests_get_400_and_harm_nobody),
	    TEST(an_unknown_expectation_is_417),
	    TEST(neither_h2c_nor_the_preface_reaches_http2),
	    TEST(pipelined_requests_are_answered_in_order),
	    TEST(ten_thousand_requests_fit_one_connection),
	    TEST(routes_that_make_no_sense_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
