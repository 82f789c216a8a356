/* Requests against a server of our own on the same loop, and against a raw one that misbehaves on its own thread. */
#include "base/clock.h"
#include "check.h"
#include "http/http.h"
#include "internal.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

static struct cp_loop *loop;
static struct cp_http_server *server;
static struct cp_fetcher *fetcher;
static uint16_t port;
static int requests_seen;
static struct cp_http_request *held; /* a request that the test answers itself */

/* What the latest callback was told. */
static struct {
	int count, error, status;
	bool never_sent;
	char body[4096], content_type[128], header[128], message[512];
} result;

static void turn_until(const int *condition, int wanted)
{
	uint64_t end = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (*condition < wanted) {
		if (cp_clock_monotonic_ms() > end)
			fail_msg("waited in vain");
		cp_loop_turn(loop, 50);
	}
}

/* ---- the server */

static void add_header(void *data, struct cp_str name, struct cp_str value)
{
	cp_buf_printf(data, "%.*s=%.*s;", CP_STR_ARG(name), CP_STR_ARG(value));
}

static void echo(struct cp_http_request *request, void *data)
{
	(void)data;
	struct cp_buf text = {0};
	++requests_seen;
	cp_buf_printf(&text, "%d %.*s|%.*s|", cp_http_method(request), CP_STR_ARG(cp_http_target(request)),
	              CP_STR_ARG(cp_http_body(request)));
	cp_http_each_header(request, add_header, &text);
	cp_http_add_header(request, "X-Thing", CP_STR(" spaced "));
	cp_http_reply(request, 200, "text/plain; charset=utf-8", cp_buf_str(&text));
	cp_buf_free(&text);
}

static void hold(struct cp_http_request *request, void *data)
{
	(void)data;
	++requests_seen;
	held = request;
}

static void redirect(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_http_add_header(request, "Location", CP_STR("http://127.0.0.1/elsewhere"));
	cp_http_reply(request, 302, NULL, CP_STR(""));
}

static void large(struct cp_http_request *request, void *data)
{
	(void)data;
	char *body = cp_arena_alloc(cp_http_arena(request), 10000);
	memset(body, 'x', 10000);
	cp_http_reply(request, 200, "text/plain", cp_str_n(body, 10000));
}

static const struct cp_http_route routes[] = {
    {CP_HTTP_GET | CP_HTTP_POST | CP_HTTP_PUT | CP_HTTP_DELETE, "/echo", echo, 0},
    {CP_HTTP_GET | CP_HTTP_POST, "/hold", hold, 0},
    {CP_HTTP_GET, "/redirect", redirect, 0},
    {CP_HTTP_GET, "/large", large, 0},
};

static const char *url(const char *path)
{
	static char text[256];
	snprintf(text, sizeof(text), "http://127.0.0.1:%u%s", port, path);
	return text;
}

/* ---- fixture */

static void stop_counting(void *data)
{
	++*(int *)data;
}

static int setup(void **state)
{
	(void)state;
	const struct cp_http_options options = {
	    .routes = routes, .route_count = CP_COUNT(routes), .deadline_ms = 60000, .idle_ms = 60000};
	requests_seen = 0;
	held = NULL;
	memset(&result, 0, sizeof(result));
	cp_resolve_getaddrinfo = getaddrinfo;
	assert_ok(cp_loop_new(&loop));
	assert_ok(cp_http_server_new(loop, &options, &server));
	assert_ok(cp_http_listen(server, "127.0.0.1:0", &port));
	assert_ok(cp_fetcher_new(loop, 8, &fetcher));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	int done = 0;
	fetcher = cp_fetcher_free(fetcher);
	if (held != NULL)
		cp_http_reply(held, 200, NULL, CP_STR(""));
	cp_http_shutdown(server, 1000, stop_counting, &done);
	turn_until(&done, 1);
	server = cp_http_server_free(server);
	loop = cp_loop_free(loop);
	return 0;
}

static void on_answer(void *data, int error, const struct cp_fetch_answer *answer)
{
	(void)data;
	++result.count;
	result.error = error;
	result.status = answer->status;
	result.never_sent = answer->never_sent;
	snprintf(result.message, sizeof(result.message), "%s", error == 0 ? "" : cp_error_message());
	snprintf(result.body, sizeof(result.body), "%.*s", CP_STR_ARG(answer->body));
	snprintf(result.content_type, sizeof(result.content_type), "%.*s", CP_STR_ARG(answer->content_type));
	struct cp_str header = answer->header(answer, "x-thing");
	snprintf(result.header, sizeof(result.header), "%.*s", CP_STR_ARG(header));
}

static struct cp_fetch *start(struct cp_fetch_request request)
{
	struct cp_fetch *fetch = NULL;
	if (request.method == NULL)
		request.method = "GET";
	assert_ok(cp_fetch_start(fetcher, &request, on_answer, NULL, &fetch));
	return fetch;
}

static void fetch_it(struct cp_fetch_request request)
{
	int before = result.count;
	start(request);
	assert_int_equal(result.count, before); /* never from inside the call */
	turn_until(&result.count, before + 1);
}

static void assert_failed(int error, bool never_sent)
{
	if (result.error != error)
		fail_msg("%s (%s), status %d", cp_error_word(result.error), result.message, result.status);
	assert_int_equal(result.never_sent, never_sent);
	assert_int_equal(result.status, 0);
	assert_true(result.message[0] != '\0');
}

/* ---- a server that does what it is told on each connection, in order, on a thread */

struct raw_server {
	pthread_t thread;
	int fd;
	uint16_t port;
	_Atomic int connections, requests;
	const char *const *script; /* of each request: an answer, or NULL to close without one; ends with "end" */
};

/* Reads one request with its body; false at the end of the connection. */
static bool read_request(int fd)
{
	char bytes[8192];
	size_t len = 0;
	while (len < sizeof(bytes) - 1) {
		ssize_t count = recv(fd, bytes + len, sizeof(bytes) - 1 - len, 0);
		if (count <= 0)
			return false;
		len += (size_t)count;
		bytes[len] = '\0';
		const char *end = strstr(bytes, "\r\n\r\n"), *length = strstr(bytes, "Content-Length: ");
		if (end != NULL && len >= (size_t)(end - bytes) + 4 + (size_t)(length == NULL ? 0 : atoi(length + 16)))
			return true;
	}
	return false;
}

static void *raw_main(void *data)
{
	struct raw_server *raw = data;
	const char *const *step = raw->script;
	while (*step == NULL || strcmp(*step, "end") != 0) {
		int fd = accept(raw->fd, NULL, NULL);
		if (fd == -1)
			break;
		++raw->connections;
		while ((*step == NULL || strcmp(*step, "end") != 0) && read_request(fd)) {
			++raw->requests;
			const char *answer = *step++;
			if (answer == NULL)
				break;
			if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) == -1)
				break;
		}
		close(fd);
	}
	return NULL;
}

static void raw_start(struct raw_server *raw, const char *const *script)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	*raw = (struct raw_server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .script = script};
	assert_int_equal(bind(raw->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(raw->fd, 16), 0);
	getsockname(raw->fd, (struct sockaddr *)&address, &len);
	raw->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&raw->thread, NULL, raw_main, raw), 0);
}

static void raw_stop(struct raw_server *raw)
{
	shutdown(raw->fd, SHUT_RDWR);
	pthread_join(raw->thread, NULL);
	close(raw->fd);
}

static const char *raw_url(const struct raw_server *raw)
{
	static char text[64];
	snprintf(text, sizeof(text), "http://127.0.0.1:%u/", raw->port);
	return text;
}

static const char ok_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* ---- what goes out and comes back */

static void an_answer_comes_back_whole(void **state)
{
	(void)state;
	fetch_it((struct cp_fetch_request){.url = url("/echo?a=1"), .operator_destination = true});
	assert_int_equal(result.error, 0);
	assert_int_equal(result.status, 200);
	assert_true(strncmp(result.body, "1 /echo?a=1||", 13) == 0);
	assert_string_equal(result.content_type, "text/plain; charset=utf-8");
	assert_string_equal(result.header, "spaced");
	assert_false(result.never_sent);
	assert_null(strstr(result.body, "content-type=")); /* and no invented header */
	assert_null(strstr(result.body, "authorization="));
}

static void a_post_carries_everything(void **state)
{
	(void)state;
	const struct cp_fetch_header headers[] = {{"X-One", "1"}, {"X-Empty", ""}};
	fetch_it((struct cp_fetch_request){.method = "POST",
	                                   .url = url("/echo"),
	                                   .body = CP_STR("To=%2B14155550123&From=x"),
	                                   .content_type = "application/x-www-form-urlencoded",
	                                   .user = "AC0001",
	                                   .secret = "s3cret:with:colons",
	                                   .headers = headers,
	                                   .header_count = 2,
	                                   .operator_destination = true});
	assert_int_equal(result.status, 200);
	assert_true(strncmp(result.body, "2 /echo|To=%2B14155550123&From=x|", 33) == 0);
	assert_non_null(strstr(result.body, "content-type=application/x-www-form-urlencoded;"));
	assert_non_null(strstr(result.body, "authorization=Basic QUMwMDAxOnMzY3JldDp3aXRoOmNvbG9ucw==;"));
	assert_non_null(strstr(result.body, "x-one=1;"));
	assert_non_null(strstr(result.body, "x-empty=;"));
	assert_null(strstr(result.body, "expect="));
}

static void every_method_goes_out_as_given(void **state)
{
	(void)state;
	fetch_it((struct cp_fetch_request){.method = "DELETE", .url = url("/echo"), .operator_destination = true});
	assert_true(strncmp(result.body, "8 /echo||", 9) == 0);
	fetch_it(
	    (struct cp_fetch_request){.method = "PUT", .url = url("/echo"), .body = CP_STR("x"), .operator_destination = true});
	assert_true(strncmp(result.body, "4 /echo|x|", 10) == 0);
	fetch_it((struct cp_fetch_request){.method = "POST", .url = url("/echo"), .operator_destination = true});
	assert_true(strncmp(result.body, "2 /echo||", 9) == 0);
}

static void a_body_of_a_mebibyte_arrives(void **state)
{
	(void)state;
	size_t len = 1000 * 1000;
	char *body = cp_alloc(len);
	memset(body, 'y', len);
	fetch_it((struct cp_fetch_request){.method = "POST",
	                                   .url = url("/echo"),
	                                   .body = cp_str_n(body, len),
	                                   .max_body = 2000000,
	                                   .operator_destination = true});
	assert_int_equal(result.status, 200);
	free(body);
}

static void an_error_status_is_an_answer(void **state)
{
	(void)state;
	fetch_it((struct cp_fetch_request){.url = url("/nowhere"), .operator_destination = true});
	assert_int_equal(result.error, 0);
	assert_int_equal(result.status, 404);
	assert_false(result.never_sent);
}

static void redirects_are_not_followed(void **state)
{
	(void)state;
	fetch_it((struct cp_fetch_request){.url = url("/redirect"), .operator_destination = true});
	assert_int_equal(result.error, 0);
	assert_int_equal(result.status, 302);
}

static void a_header_with_a_line_break_is_refused(void **state)
{
	(void)state;
	const struct cp_fetch_header header = {"X-One", "1\r\nX-Two: 2"};
	fetch_it(
	    (struct cp_fetch_request){.url = url("/echo"), .headers = &header, .header_count = 1, .operator_destination = true});
	assert_failed(CP_E_INPUT, true);
	assert_int_equal(requests_seen, 0);
}

/* ---- the guard */

static void a_tenants_url_must_be_https(void **state)
{
	(void)state;
	static const char *const bad[] = {"http://example.org/",
	                                  "ftp://example.org/",
	                                  "file:///etc/passwd",
	                                  "https://user@example.org/",
	                                  "https://user:pw@example.org/",
	                                  "nonsense",
	                                  "",
	                                  "https://",
	                                  "https://ex\xc3\xa4mple.org/",
	                                  "https://example.org:0/",
	                                  "https://example.org:99999/",
	                                  "gopher://example.org/"};
	for (size_t i = 0; i < CP_COUNT(bad); ++i) {
		fetch_it((struct cp_fetch_request){.url = bad[i]});
		if (result.error != CP_E_INPUT)
			fail_msg("%s: %s (%s)", bad[i], cp_error_word(result.error), result.message);
		assert_true(result.never_sent);
	}
}

static void a_tenants_url_cannot_reach_inside(void **state)
{
	(void)state;
	static const char *const inside[] = {"127.0.0.1",          "localhost",       "LOCALHOST",  "[::1]",
	                                     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "2130706433", "0x7f000001",
	                                     "0177.0.0.1",         "127.1",           "0",          "10.0.0.1",
	                                     "169.254.169.254",    "[fe80::1]",       "[fd00::1]",  "%31%32%37.0.0.1"};
	for (size_t i = 0; i < CP_COUNT(inside); ++i) {
		char text[128];
		snprintf(text, sizeof(text), "https://%s:%u/echo", inside[i], port);
		fetch_it((struct cp_fetch_request){.url = text});
		/* a form that is not understood at all is as good */
		if (result.error != CP_E_DENIED && result.error != CP_E_INPUT)
			fail_msg("%s: %s (%s)", text, cp_error_word(result.error), result.message);
		assert_true(result.never_sent);
	}
	assert_int_equal(requests_seen, 0);
}

/* ---- names. The tests' look-up knows names under .test; it runs on the pool's threads. */

static _Atomic int lookups;
static _Atomic bool names_fail;
static sem_t may_go; /* "slow.test" waits for it */

static int fake_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
	++lookups;
	if (names_fail)
		return EAI_AGAIN;
	if (strcmp(host, "slow.test") == 0)
		while (sem_wait(&may_go) != 0)
			;
	if (strcmp(host, "missing.test") == 0)
		return EAI_NONAME;
	return getaddrinfo("127.0.0.1", service, hints, list);
}

static const char *named_url(const char *name)
{
	static char text[256];
	snprintf(text, sizeof(text), "http://%s:%u/echo", name, port);
	return text;
}

static int setup_names(void **state)
{
	setup(state);
	lookups = 0;
	names_fail = false;
	sem_init(&may_go, 0, 0);
	cp_resolve_getaddrinfo = fake_getaddrinfo;
	return 0;
}

static void a_name_is_looked_up_once(void **state)
{
	(void)state;
	start((struct cp_fetch_request){.url = named_url("one.test"), .operator_destination = true});
	start((struct cp_fetch_request){.url = named_url("ONE.test"), .operator_destination = true});
	turn_until(&result.count, 2);
	fetch_it((struct cp_fetch_request){.url = named_url("one.test"), .operator_destination = true});
	assert_int_equal(result.status, 200);
	assert_int_equal(lookups, 1);
}

static void a_name_that_leads_inside_is_denied(void **state)
{
	(void)state;
	fetch_it((struct cp_fetch_request){.url = "https://rebound.test/"});
	assert_failed(CP_E_DENIED, true);
	assert_int_equal(requests_seen, 0);
}

static void a_missing_name_is_unavailable_and_remembered_shortly(void **state)
{
	(void)state;
	fetch_it((struct cp_fetch_request){.url = "https://missing.test/"});
	assert_failed(CP_E_UNAVAILABLE, true);
	assert_non_null(strstr(result.message, "missing.test: there is no such name"));
	fetch_it((struct cp_fetch_request){.url = "https://missing.test/"});
	assert_failed(CP_E_UNAVAILABLE, true);
	assert_int_equal(lookups, 1);
}

static void a_slow_name_stops_nobody_else(void **state)
{
	(void)state;
	start((struct cp_fetch_request){.url = named_url("slow.test"), .operator_destination = true});
	fetch_it((struct cp_fetch_request){.url = named_url("quick.test"), .operator_destination = true});
	assert_int_equal(result.status, 200);
	assert_int_equal(result.count, 1);
	sem_post(&may_go);
	turn_until(&result.count, 2);
	assert_int_equal(result.status, 200);
}

static void a_slow_name_is_given_up(void **state)
{
	(void)state;
	fetch_it((struct cp_fetch_request){.url = named_url("slow.test"), .timeout_ms = 50, .operator_destination = true});
	assert_failed(CP_E_UNAVAILABLE, true);
	sem_post(&may_go);
}

static void cancelling_a_slow_name_does_not_block(void **state)
{
	(void)state;
	struct cp_fetch *fetch = start((struct cp_fetch_request){.url = named_url("slow.test"), .operator_destination = true});
	cp_fetch_cancel(fetch); /* would hang here: nobody has posted yet */
	fetch_it((struct cp_fetch_request){.url = url("/echo"), .operator_destination = true});
	sem_post(&may_go);
	assert_int_equal(result.count, 1);
}

static void a_fetcher_may_go_while_a_name_is_looked_up(void **state)
{
	(void)state;
	start((struct cp_fetch_request){.url = named_url("slow.test"), .operator_destination = true});
	int wait = 1;
	while (lookups < 1)
		cp_loop_turn(loop, wait);
	fetcher = cp_fetcher_free(fetcher);
	sem_post(&may_go);
	assert_ok(cp_fetcher_new(loop, 8, &fetcher));
	fetch_it((struct cp_fetch_request){.url = named_url("quick.test"), .operator_destination = true});
	assert_int_equal(result.count, 1);
}

/* ---- connections */

static void connections_are_kept_and_used_again(void **state)
{
	(void)state;
	static const char *const script[] = {ok_answer, ok_answer, ok_answer, "end"};
	struct raw_server raw;
	raw_start(&raw, script);
	for (int i = 0; i < 3; ++i) {
		fetch_it((struct cp_fetch_request){
		    .method = "POST", .url = raw_url(&raw), .body = CP_STR("x"), .operator_destination = true});
		assert_string_equal(result.body, "ok");
	}
	assert_int_equal(raw.connections, 1);
	raw_stop(&raw);
}

/* A kept connection breaks after the request went out: a GET may be repeated, what may have rung a phone must not be. */
static void a_post_is_never_sent_twice(void **state)
{
	(void)state;
	static const char *const script[] = {ok_answer, NULL, ok_answer, "end"};
	struct raw_server raw;
	raw_start(&raw, script);
	fetch_it((struct cp_fetch_request){
	    .method = "POST", .url = raw_url(&raw), .body = CP_STR("first"), .operator_destination = true});
	assert_int_equal(result.status, 200);
	fetch_it((struct cp_fetch_request){
	    .method = "POST", .url = raw_url(&raw), .body = CP_STR("second"), .operator_destination = true});
	assert_failed(CP_E_TIMEOUT, false);
	assert_int_equal(raw.requests, 2);
	fetch_it((struct cp_fetch_request){.url = raw_url(&raw), .operator_destination = true});
	assert_int_equal(result.status, 200);
	raw_stop(&raw);
}

static void a_refused_connection_was_never_sent(void **state)
{
	(void)state;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound but not listening: nobody else gets the port */
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	getsockname(fd, (struct sockaddr *)&address, &len);
	char text[64];
	snprintf(text, sizeof(text), "http://127.0.0.1:%u/", ntohs(address.sin_port));
	fetch_it((struct cp_fetch_request){.url = text, .operator_destination = true});
	assert_failed(CP_E_UNAVAILABLE, true);
	close(fd);
}

static void a_broken_answer_was_sent(void **state)
{
	(void)state;
	static const char *const script[] = {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", NULL,
	                                     "not http at all\r\n\r\n", "end"};
	struct raw_server raw;
	raw_start(&raw, script);
	start((struct cp_fetch_request){.url = raw_url(&raw), .timeout_ms = 200, .operator_destination = true});
	turn_until(&result.count, 1);
	assert_failed(CP_E_TIMEOUT, false);
	raw_stop(&raw);
}

static void no_answer_in_time_is_a_timeout(void **state)
{
	(void)state;
	uint64_t before = cp_clock_monotonic_ms();
	fetch_it((struct cp_fetch_request){.url = url("/hold"), .timeout_ms = 100, .operator_destination = true});
	assert_failed(CP_E_TIMEOUT, false);
	assert_true(cp_clock_monotonic_ms() - before >= 100);
	assert_int_equal(requests_seen, 1);
}

static void count_dropped(void *data)
{
	++*(int *)data;
}

static void count_answer(void *data, int error, const struct cp_fetch_answer *answer)
{
	(void)error;
	(void)answer;
	*(int *)data += 100;
}

static void what_a_freed_fetcher_drops_is_told(void **state)
{
	(void)state;
	int dropped = 0;
	struct cp_fetch *cancelled;
	const struct cp_fetch_request hold = {.method = "GET", .url = url("/hold"), .operator_destination = true, .dropped = count_dropped};
	const struct cp_fetch_request bad = {.method = "GET", .url = "nonsense", .dropped = count_dropped};
	assert_ok(cp_fetch_start(fetcher, &hold, count_answer, &dropped, NULL));
	assert_ok(cp_fetch_start(fetcher, &bad, count_answer, &dropped, NULL));
	assert_ok(cp_fetch_start(fetcher, &hold, count_answer, &dropped, &cancelled));
	cp_fetch_cancel(cancelled);
	fetcher = cp_fetcher_free(fetcher);
	assert_int_equal(dropped, 2);
	assert_ok(cp_fetcher_new(loop, 8, &fetcher));
}

static void an_answer_that_is_too_large_is_an_error(void **state)
{
	(void)state;
	fetch_it((struct cp_fetch_request){.url = url("/large"), .max_body = 10000, .operator_destination = true});
	assert_int_equal(result.error, 0);
	fetch_it((struct cp_fetch_request){.url = url("/large"), .max_body = 9999, .operator_destination = true});
	assert_failed(CP_E_LIMIT, false);
}

static void requests_wait_for_a_free_connection_inside_their_timeout(void **state)
{
	(void)state;
	cp_fetcher_free(fetcher);
	assert_ok(cp_fetcher_new(loop, 1, &fetcher));
	start((struct cp_fetch_request){.url = url("/hold"), .operator_destination = true});
	turn_until(&requests_seen, 1);
	fetch_it((struct cp_fetch_request){.url = url("/echo"), .timeout_ms = 50, .operator_destination = true});
	assert_failed(CP_E_UNAVAILABLE, true);
	start((struct cp_fetch_request){.url = url("/echo"), .operator_destination = true});
	cp_loop_turn(loop, 0);
	assert_int_equal(requests_seen, 1);
	cp_http_reply(held, 200, NULL, CP_STR(""));
	held = NULL;
	turn_until(&result.count, 3);
	assert_int_equal(requests_seen, 2);
	assert_int_equal(result.status, 200);
}

static void many_requests_at_once_are_all_answered(void **state)
{
	(void)state;
	enum { COUNT = 500 };
	for (int i = 0; i < COUNT; ++i)
		start((struct cp_fetch_request){.url = url("/echo"), .operator_destination = true});
	turn_until(&result.count, COUNT);
	assert_int_equal(requests_seen, COUNT);
	assert_int_equal(result.error, 0);
}

/* ---- the caller's freedom */

static void a_cancelled_request_calls_nobody(void **state)
{
	(void)state;
	struct cp_fetch *active = start((struct cp_fetch_request){.url = url("/hold"), .operator_destination = true});
	turn_until(&requests_seen, 1);
	cp_fetch_cancel(active);
	struct cp_fetch *early = start((struct cp_fetch_request){.url = url("/echo"), .operator_destination = true});
	cp_fetch_cancel(early);
	struct cp_fetch *failed = start((struct cp_fetch_request){.url = "nonsense"});
	cp_fetch_cancel(failed);
	fetch_it((struct cp_fetch_request){.url = url("/echo"), .operator_destination = true});
	assert_int_equal(result.count, 1);
}

static void free_the_fetcher(void *data, int error, const struct cp_fetch_answer *answer)
{
	on_answer(data, error, answer);
	fetcher = cp_fetcher_free(fetcher);
}

static void a_callback_may_free_the_fetcher(void **state)
{
	(void)state;
	const struct cp_fetch_request bad = {.method = "GET", .url = "nonsense"};
	const struct cp_fetch_request good = {.method = "GET", .url = url("/hold"), .operator_destination = true};
	assert_ok(cp_fetch_start(fetcher, &good, on_answer, NULL, NULL));
	assert_ok(cp_fetch_start(fetcher, &bad, free_the_fetcher, NULL, NULL));
	assert_ok(cp_fetch_start(fetcher, &bad, on_answer, NULL, NULL));
	turn_until(&result.count, 1);
	cp_loop_turn(loop, 0);
	assert_int_equal(result.count, 1);
}

static void start_another(void *data, int error, const struct cp_fetch_answer *answer)
{
	on_answer(data, error, answer);
	start((struct cp_fetch_request){.url = url("/echo"), .operator_destination = true});
}

static void a_callback_may_start_another(void **state)
{
	(void)state;
	const struct cp_fetch_request request = {.method = "GET", .url = url("/echo"), .operator_destination = true};
	assert_ok(cp_fetch_start(fetcher, &request, start_another, NULL, NULL));
	turn_until(&result.count, 2);
	assert_int_equal(requests_seen, 2);
}

/*
 * ---- secrets: looked for in all of a process's memory after its request is done. In a child, with the server in the parent. Not
 * with sanitizers, which keep freed memory elsewhere, and lots of it.
 */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#ifndef HAS_SANITIZER

static bool memory_holds(const char *needle, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512];
	bool found = false;
	static char block[1 << 20];
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;
		char mode[8];
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[0] != 'r' || mode[1] != 'w')
			continue;
		for (; from < to; from += sizeof(block) - 256) {
			size_t want = to - from < sizeof(block) ? to - from : sizeof(block);
			ssize_t count = pread(memory, block, want, (off_t)from);
			if (count <= 0)
				break;
			/* the block's own memory, and the needle itself, are skipped by their addresses */
			for (char *p = block; (p = memmem(p, (size_t)(block + count - p), needle, len)) != NULL; ++p) {
				unsigned long at = from + (unsigned long)(p - block);
				if (at != (unsigned long)needle &&
				    !(at >= (unsigned long)block && at < (unsigned long)block + sizeof(block)))
					found = true;
			}
		}
	}
	fclose(maps);
	close(memory);
	return found;
}

static int run_child(const char *target)
{
	char user[] = "AC00", secret[] = "xq7-zw9-kv3-bn5-jd1", body[] = "Body=hq5-mm2-tt8-ss4";
	/* base64 of the secret but for its first letter, which shares a group with the user's name */
	static char needle_secret[] = "cTctenc5LWt2My1ibjUtamQx", needle_body[] = "hq5-mm2-tt8";
	const struct cp_fetch_request request = {
	    .method = "POST", .url = target, .body = cp_str(body), .user = user, .secret = secret, .operator_destination = true};
	assert_ok(cp_loop_new(&loop));
	assert_ok(cp_fetcher_new(loop, 2, &fetcher));
	assert_ok(cp_fetch_start(fetcher, &request, on_answer, NULL, NULL));
	bool before = memory_holds(needle_secret, 24) && memory_holds(needle_body, 11);
	turn_until(&result.count, 1);
	cp_loop_turn(loop, 0);
	explicit_bzero(body, sizeof(body));
	explicit_bzero(result.body, sizeof(result.body)); /* the server's echo */
	bool answered = result.status == 200;
	bool after = memory_holds(needle_secret, 24) || memory_holds(needle_body, 11);
	return (before ? 0 : 1) + (answered ? 0 : 2) + (after ? 4 : 0);
}

static void secrets_are_wiped_after_use(void **state)
{
	(void)state;
	char target[256];
	snprintf(target, sizeof(target), "%s", url("/echo"));
	pid_t child = fork();
	if (child == 0)
		_exit(run_child(target));
	int status = 0, done = 0;
	uint64_t end = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (!done && cp_clock_monotonic_ms() < end) {
		cp_loop_turn(loop, 10);
		done = waitpid(child, &status, WNOHANG) == child;
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

static int start_all(void **state)
{
	(void)state;
	return cp_fetch_global_start();
}

static int stop_all(void **state)
{
	(void)state;
	cp_fetch_global_stop();
	return 0;
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define NAMES(fn) cmocka_unit_test_setup_teardown(fn, setup_names, teardown)
	const struct CMUnitTest tests[] = {
#ifndef HAS_SANITIZER
	    TEST(secrets_are_wiped_after_use), /* first: it forks, and there are no threads yet */
#endif
	    TEST(an_answer_comes_back_whole),
	    TEST(a_post_carries_everything),
	    TEST(every_method_goes_out_as_given),
	    TEST(a_body_of_a_mebibyte_arrives),
	    TEST(an_error_status_is_an_answer),
	    TEST(redirects_are_not_followed),
	    TEST(a_header_with_a_line_break_is_refused),
	    TEST(a_tenants_url_must_be_https),
	    TEST(a_tenants_url_cannot_reach_inside),
	    NAMES(a_name_is_looked_up_once),
	    NAMES(a_name_that_leads_inside_is_denied),
	    NAMES(a_missing_name_is_unavailable_and_remembered_shortly),
	    NAMES(a_slow_name_stops_nobody_else),
	    NAMES(a_slow_name_is_given_up),
	    NAMES(cancelling_a_slow_name_does_not_block),
	    NAMES(a_fetcher_may_go_while_a_name_is_looked_up),
	    NAMES(what_a_freed_fetcher_drops_is_told),
	    TEST(connections_are_kept_and_used_again),
	    TEST(a_post_is_never_sent_twice),
	    TEST(a_refused_connection_was_never_sent),
	    TEST(a_broken_answer_was_sent),
	    TEST(no_answer_in_time_is_a_timeout),
	    TEST(an_answer_that_is_too_large_is_an_error),
	    TEST(requests_wait_for_a_free_connection_inside_their_timeout),
	    TEST(many_requests_at_once_are_all_answered),
	    TEST(a_cancelled_request_calls_nobody),
	    TEST(a_callback_may_free_the_fetcher),
	    TEST(a_callback_may_start_another),
	};
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
