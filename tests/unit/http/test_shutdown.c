/* The end of a server: nothing that was asked is lost, and it does come to an end. */
#include "client.h"

#include "base/clock.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static struct cp_http_request *held;
static int held_count, gone_count, done_count;

static void hold(struct cp_http_request *request, void *data)
{
	(void)data;
	held = request;
	++held_count;
}

static void hello(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_http_reply(request, 200, "text/plain", CP_STR("hello"));
}

static void on_gone(void *data)
{
	(void)data;
	++gone_count;
}

static void events(struct cp_http_request *request, void *data)
{
	(void)data;
	held = request;
	++held_count;
	cp_http_stream_start(request, 200, "text/event-stream", on_gone, NULL);
}

static const struct cp_http_route routes[] = {
    {CP_HTTP_GET, "/", hello, 0}, {CP_HTTP_GET, "/hold", hold, 0}, {CP_HTTP_GET, "/events", events, 0}};

static int setup(void **state)
{
	(void)state;
	const struct cp_http_options options = {
	    .routes = routes, .route_count = CP_COUNT(routes), .deadline_ms = 60000, .idle_ms = 60000};
	held = NULL;
	held_count = gone_count = done_count = 0;
	fixture_start(&options);
	return 0;
}

static void on_done(void *data)
{
	++*(int *)data;
}

/* The fixture's own shutdown comes after ours: give it nothing to do. */
static void finish(void)
{
	turn_until(&done_count, 1);
	test_server = cp_http_server_free(test_server);
}

static void an_idle_server_stops_at_once(void **state)
{
	(void)state;
	uint64_t begin = cp_clock_monotonic_ms();
	cp_http_shutdown(test_server, 60000, on_done, &done_count);
	assert_int_equal(done_count, 0); /* never from inside the call */
	finish();
	assert_true(cp_clock_monotonic_ms() - begin < 900); /* libh2o alone would take a second */
}

static void idle_connections_are_closed(void **state)
{
	(void)state;
	struct client used, fresh;
	client_open(&used);
	client_send(&used, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(client_answer(&used).status, 200);
	client_open(&fresh);
	client_turn(&fresh);
	uint64_t begin = cp_clock_monotonic_ms();
	cp_http_shutdown(test_server, 60000, on_done, &done_count);
	finish();
	assert_true(cp_clock_monotonic_ms() - begin < 5000);
	client_until_closed(&used);
	assert_false(used.reset);
	client_close(&used);
	client_close(&fresh);
}

static void a_request_under_way_is_answered(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_until(&held_count, 1);
	cp_http_shutdown(test_server, 60000, on_done, &done_count);
	for (int i = 0; i < 5; ++i)
		cp_loop_turn(test_loop, 1);
	assert_int_equal(done_count, 0);
	cp_http_reply(held, 200, "text/plain", CP_STR("finished"));
	struct answer answer = client_answer(&client);
	assert_str(answer.body, "finished");
	assert_str(answer_header(&answer, "connection"), "close");
	finish();
	client_close(&client);
}

static void a_request_half_sent_is_answered(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "GET / HTTP/1.1\r\nHo");
	client_turn(&client);
	cp_http_shutdown(test_server, 60000, on_done, &done_count);
	cp_loop_turn(test_loop, 1);
	assert_int_equal(done_count, 0);
	client_send(&client, "st: x\r\n\r\n");
	assert_str(client_answer(&client).body, "hello");
	finish();
	client_close(&client);
}

/* Connected, and perhaps asked, but not yet accepted when the listener closes: such a connection must not be reset. */
static void connections_in_the_accept_queue_are_served(void **state)
{
	(void)state;
	enum { COUNT = 100 };
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct client clients[COUNT];
	for (int i = 0; i < COUNT; ++i) {
		client_open(&clients[i]);
		assert_int_equal(send(clients[i].fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	}
	cp_http_shutdown(test_server, 60000, on_done, &done_count);
	for (int i = 0; i < COUNT; ++i) {
		assert_str(client_answer(&clients[i]).body, "hello");
		client_close(&clients[i]);
	}
	finish();
}

static void nobody_is_accepted_any_more(void **state)
{
	(void)state;
	cp_http_shutdown(test_server, 60000, on_done, &done_count);
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(test_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	finish();
}

static void streams_are_ended(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_until(&held_count, 1);
	client_turn(&client);
	cp_http_shutdown(test_server, 60000, on_done, &done_count);
	turn_until(&gone_count, 1);
	finish();
	client_until_closed(&client);
	assert_false(client.reset);
	assert_true(
	    cp_str_ends(cp_buf_str(&client.in), CP_STR("0\r\n\r\n"))); /* a whole answer, so that a browser connects again */
	client_close(&client);
}

static void patience_has_an_end(void **state)
{
	(void)state;
	struct client waiting, halfway;
	client_open(&waiting);
	client_send(&waiting, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_until(&held_count, 1);
	client_open(&halfway);
	client_send(&halfway, "GET / HTTP/1.1\r\nHo");
	client_turn(&halfway);
	cp_http_shutdown(test_server, 50, on_done, &done_count);
	struct answer answer = client_answer(&waiting);
	assert_int_equal(answer.status, 503);
	finish();
	client_until_closed(&halfway);
	/* the handler's request outlives the server */
	assert_str(cp_http_path(held), "/hold");
	assert_ok(cp_http_add_header(held, "X-Late", CP_STR("1")));
	cp_http_reply(held, 200, "text/plain", CP_STR("late"));
	client_close(&waiting);
	client_close(&halfway);
}

static void a_server_that_never_listened_can_be_freed(void **state)
{
	(void)state;
	const struct cp_http_options options = {.routes = routes, .route_count = CP_COUNT(routes)};
	struct cp_http_server *server;
	assert_ok(cp_http_server_new(test_loop, &options, &server));
	assert_null(cp_http_server_free(server));
	assert_null(cp_http_server_free(NULL));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(an_idle_server_stops_at_once),
	    TEST(idle_connections_are_closed),
	    TEST(a_request_under_way_is_answered),
	    TEST(a_request_half_sent_is_answered),
	    TEST(connections_in_the_accept_queue_are_served),
	    TEST(nobody_is_accepted_any_more),
	    TEST(streams_are_ended),
	    TEST(patience_has_an_end),
	    TEST(a_server_that_never_listened_can_be_freed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
