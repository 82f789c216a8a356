/* Answers in parts: server-sent events. */
#include "client.h"

#include "base/memory.h"

#include <stdlib.h>
#include <sys/socket.h>

static struct cp_http_request *stream;
static int started, gone_count, done_count;
static size_t done_size;

static void on_gone(void *data)
{
	assert_ptr_equal(data, &gone_count);
	++gone_count;
	stream = NULL;
}

static void events(struct cp_http_request *request, void *data)
{
	(void)data;
	++started;
	stream = request;
	cp_http_add_header(request, "Cache-Control", CP_STR("no-store"));
	cp_http_stream_start(request, 200, "text/event-stream", on_gone, &gone_count);
}

static void plain(struct cp_http_request *request, void *data)
{
	(void)data;
	++started;
	stream = request;
	cp_http_stream_start(request, 200, "text/plain", on_gone, &gone_count);
}

static void at_once(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_http_stream_start(request, 200, "text/plain", on_gone, &gone_count);
	cp_http_stream_send(request, CP_STR("one "));
	cp_http_stream_send(request, CP_STR("two "));
	cp_http_stream_send(request, CP_STR(""));
	cp_http_stream_send(request, CP_STR("three"));
	cp_http_stream_end(request);
}

static void empty(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_http_stream_start(request, 200, "text/plain", on_gone, &gone_count);
	cp_http_stream_end(request);
}

static void hold(struct cp_http_request *request, void *data)
{
	(void)data;
	++started;
	stream = request;
}

static void on_done(const struct cp_http_request *request, int status, size_t body_size, uint64_t micros, void *data)
{
	(void)request;
	(void)status;
	(void)micros;
	(void)data;
	++done_count;
	done_size = body_size;
}

static const struct cp_http_route routes[] = {
    {CP_HTTP_GET, "/events", events, 0}, {CP_HTTP_GET, "/plain", plain, 0}, {CP_HTTP_GET, "/at-once", at_once, 0},
    {CP_HTTP_GET, "/empty", empty, 0},   {CP_HTTP_GET, "/hold", hold, 0},
};

static int setup(void **state)
{
	(void)state;
	const struct cp_http_options options = {.routes = routes,
	                                        .route_count = sizeof(routes) / sizeof(routes[0]),
	                                        .deadline_ms = 100,
	                                        .idle_ms = 20000,
	                                        .write_ms = 150,
	                                        .on_done = on_done};
	stream = NULL;
	started = gone_count = done_count = 0;
	fixture_start(&options);
	return 0;
}

static void open_stream(struct client *client, const char *target)
{
	char request[128];
	int before = started;
	client_open(client);
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
	client_send(client, request);
	turn_until(&started, before + 1);
}

static void until_received(struct client *client, const char *text)
{
	for (int i = 0; i < 4000 && !contains(cp_buf_str(&client->in), text); ++i)
		client_turn(client);
	if (!contains(cp_buf_str(&client->in), text))
		fail_msg("\"%s\" did not come", text);
}

static void parts_arrive_one_by_one(void **state)
{
	(void)state;
	struct client client;
	open_stream(&client, "/events");
	until_received(&client, "\r\n\r\n"); /* the head comes before the first event */
	assert_true(contains(cp_buf_str(&client.in), "HTTP/1.1 200 OK"));
	assert_true(contains(cp_buf_str(&client.in), "Cache-Control: no-store\r\n"));
	cp_http_stream_send(stream, CP_STR("data: 1\n\n"));
	until_received(&client, "data: 1\n\n");
	cp_http_stream_send(stream, CP_STR("data: 2\n\n"));
	until_received(&client, "data: 2\n\n");
	assert_int_equal(done_count, 0);
	cp_http_stream_end(stream);
	until_received(&client, "\r\n0\r\n\r\n");
	assert_int_equal(done_count, 1);
	assert_int_equal(gone_count, 0);
	client_close(&client);
}

static void the_deadline_does_not_apply_to_a_stream(void **state)
{
	(void)state;
	struct client client;
	open_stream(&client, "/events");
	for (int i = 0; i < 60; ++i)
		client_turn(&client); /* 5 ms each */
	assert_int_equal(gone_count, 0);
	cp_http_stream_send(stream, CP_STR("data: late\n\n"));
	until_received(&client, "data: late\n\n");
	cp_http_stream_end(stream);
	client_close(&client);
}

static void a_stream_may_be_written_at_once(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "GET /at-once HTTP/1.1\r\nHost: x\r\n\r\n");
	struct answer answer = client_answer(&client);
	assert_int_equal(answer.status, 200);
	assert_str(answer_header(&answer, "transfer-encoding"), "chunked");
	assert_str(answer.body, "4\r\none \r\n9\r\ntwo three\r\n0\r\n\r\n");
	assert_int_equal(done_size, 13);
	client_send(&client, "GET /empty HTTP/1.1\r\nHost: x\r\n\r\n"); /* the connection goes on */
	for (int i = 0; i < 4000 && !contains(cp_buf_str(&client.in), "\r\n\r\n0\r\n\r\n"); ++i)
		client_turn(&client);
	assert_true(contains(cp_buf_str(&client.in), "\r\n\r\n0\r\n\r\n"));
	assert_int_equal(gone_count, 0);
	client_close(&client);
}

static void an_http_1_0_client_gets_the_parts_and_the_end(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "GET /at-once HTTP/1.0\r\n\r\n");
	client_until_closed(&client);
	assert_false(client.reset);
	assert_true(cp_str_ends(cp_buf_str(&client.in), CP_STR("\r\n\r\none two three")));
	client_close(&client);
}

static void a_client_that_leaves_is_noticed_without_sending(void **state)
{
	(void)state;
	for (int i = 0; i < 4; ++i) {
		struct client client;
		open_stream(&client, i < 2 ? "/events" : "/plain");
		if (i % 2 == 0)
			client_close(&client);
		else
			client_abort(&client);
		turn_until(&gone_count, i + 1);
		assert_int_equal(done_count, i + 1);
	}
}

static void a_client_that_leaves_amid_a_part_is_noticed(void **state)
{
	(void)state;
	char *part = cp_alloc(500000);
	struct client client;
	open_stream(&client, "/plain");
	for (int i = 0; i < 40 && stream != NULL; ++i) /* until more is queued than the kernel takes */
		cp_http_stream_send(stream, cp_str_n(part, 20000));
	client_abort(&client);
	turn_until(&gone_count, 1);
	assert_int_equal(gone_count, 1);
	free(part);
}

static void a_client_that_does_not_read_is_given_up(void **state)
{
	(void)state;
	char *part = cp_alloc(600000);
	struct client client;
	open_stream(&client, "/plain");
	for (int i = 0; i < 100 && gone_count == 0 && stream != NULL; ++i) {
		cp_http_stream_send(stream, cp_str_n(part, 600000)); /* soon above what may wait */
		cp_loop_turn(test_loop, 0);
	}
	turn_until(&gone_count, 1);
	client_close(&client);
	free(part);
}

static void a_client_that_stops_reading_is_given_up_in_time(void **state)
{
	(void)state;
	char *part = cp_alloc(900000);
	struct client client;
	open_stream(&client, "/plain");
	int small = 4096;
	setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 0; i < 8 && stream != NULL && gone_count == 0; ++i) {
		cp_http_stream_send(stream, cp_str_n(part, 500000)); /* the queue has room for it, the kernel at last has not */
		cp_loop_turn(test_loop, 0);
	}
	turn_until(&gone_count, 1); /* after write_ms at the latest */
	client_close(&client);
	free(part);
}

static void the_handler_may_end_after_the_client_left(void **state)
{
	(void)state;
	struct client client;
	open_stream(&client, "/plain");
	client_abort(&client);
	cp_http_stream_send(stream, CP_STR("x"));
	cp_http_stream_send(stream, CP_STR("y"));
	cp_http_stream_end(stream); /* perhaps before, perhaps after libh2o has noticed */
	for (int i = 0; i < 5; ++i)
		cp_loop_turn(test_loop, 1);
	assert_int_equal(gone_count, 0);
	assert_int_equal(done_count, 1);
}

static void a_stream_started_after_the_deadline_is_gone_at_once(void **state)
{
	(void)state;
	struct client client;
	open_stream(&client, "/hold");
	assert_int_equal(client_answer(&client).status, 503);
	cp_http_stream_start(stream, 200, "text/event-stream", on_gone, &gone_count);
	assert_int_equal(gone_count, 0);
	cp_http_stream_send(stream, CP_STR("data: nobody\n\n"));
	turn_until(&gone_count, 1);
	assert_int_equal(done_count, 1);
	client_close(&client);
}

static void head_of_a_stream_has_no_body(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_until(&gone_count, 1);
	client_until_closed(&client);
	assert_true(cp_str_ends(cp_buf_str(&client.in), CP_STR("\r\n\r\n")));
	client_close(&client);
}

static void a_request_sent_during_a_stream_is_answered_after_it(void **state)
{
	(void)state;
	struct client client;
	open_stream(&client, "/plain");
	client_send(&client, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
	cp_loop_turn(test_loop, 1);
	cp_http_stream_send(stream, CP_STR("part"));
	cp_http_stream_end(stream);
	until_received(&client, "HTTP/1.1 404 Not Found");
	assert_int_equal(gone_count, 0);
	client_close(&client);
}

static void many_streams_at_once(void **state)
{
	(void)state;
	enum { COUNT = 50 };
	struct client clients[COUNT];
	struct cp_http_request *streams[COUNT];
	for (int i = 0; i < COUNT; ++i) {
		open_stream(&clients[i], "/events");
		streams[i] = stream;
	}
	for (int round = 0; round < 5; ++round)
		for (int i = 0; i < COUNT; ++i)
			cp_http_stream_send(streams[i], CP_STR("data: x\n\n"));
	for (int i = 0; i < COUNT; ++i) {
		cp_http_stream_end(streams[i]);
		until_received(&clients[i], "\r\n0\r\n\r\n");
		client_close(&clients[i]);
	}
	assert_int_equal(gone_count, 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(parts_arrive_one_by_one),
	    TEST(the_deadline_does_not_apply_to_a_stream),
	    TEST(a_stream_may_be_written_at_once),
	    TEST(an_http_1_0_client_gets_the_parts_and_the_end),
	    TEST(a_client_that_leaves_is_noticed_without_sending),
	    TEST(a_client_that_leaves_amid_a_part_is_noticed),
	    TEST(a_client_that_does_not_read_is_given_up),
	    TEST(a_client_that_stops_reading_is_given_up_in_time),
	    TEST(the_handler_may_end_after_the_client_left),
	    TEST(a_stream_started_after_the_deadline_is_gone_at_once),
	    TEST(head_of_a_stream_has_no_body),
	    TEST(a_request_sent_during_a_stream_is_answered_after_it),
	    TEST(many_streams_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
