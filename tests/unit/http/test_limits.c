/* What clients may not do: send too much, send too slowly, read too slowly, come in too large numbers. */
#include "client.h"

#include "base/clock.h"
#include "base/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KIB = 1024, MIB = 1024 * 1024 };

static int seen;
static int done_count;

static void size(struct cp_http_request *request, void *data)
{
	(void)data;
	char text[32];
	++seen;
	snprintf(text, sizeof(text), "%zu", cp_http_body(request).len);
	cp_http_reply(request, 200, "text/plain", cp_str(text));
}

static void large(struct cp_http_request *request, void *data)
{
	(void)data;
	++seen;
	char *body = cp_arena_alloc(cp_http_arena(request), 16 * MIB);
	cp_http_reply(request, 200, "text/plain", cp_str_n(body, 16 * MIB));
}

static void on_done(const struct cp_http_request *request, int status, size_t body_size, uint64_t micros, void *data)
{
	(void)request;
	(void)status;
	(void)body_size;
	(void)micros;
	(void)data;
	++done_count;
}

static const struct cp_http_route routes[] = {
    {CP_HTTP_POST, "/small", size, 10},
    {CP_HTTP_POST, "/normal", size, 0},
    {CP_HTTP_POST, "/big", size, 2 * MIB},
    {CP_HTTP_GET, "/large", large, 0},
};

static void start(unsigned idle_ms, unsigned write_ms, unsigned max_connections)
{
	const struct cp_http_options options = {.routes = routes,
	                                        .route_count = sizeof(routes) / sizeof(routes[0]),
	                                        .max_body = 64 * KIB,
	                                        .idle_ms = idle_ms,
	                                        .write_ms = write_ms,
	                                        .max_connections = max_connections,
	                                        .on_done = on_done};
	seen = done_count = 0;
	fixture_start(&options);
}

static int setup(void **state)
{
	(void)state;
	start(20000, 20000, 0);
	return 0;
}

/* POSTs len bytes, by length or in chunks, and gives what comes back, however the connection ends. */
static struct answer post(struct client *client, const char *target, size_t len, bool chunked)
{
	struct cp_buf request = {0};
	client_open(client);
	cp_buf_printf(&request, "POST %s HTTP/1.1\r\nHost: x\r\n", target);
	if (chunked)
		cp_buf_printf(&request, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", len);
	else
		cp_buf_printf(&request, "Content-Length: %zu\r\n\r\n", len);
	size_t head = request.len;
	cp_buf_reserve(&request, len + 16);
	memset(request.ptr + head, 'b', len);
	request.len += len;
	request.ptr[request.len] = '\0';
	if (chunked)
		cp_buf_add_cstr(&request, "\r\n0\r\n\r\n");
	assert_true(client_write(client, request.ptr, request.len)); /* all of it: no reset in the middle */
	cp_buf_free(&request);
	return client_answer(client);
}

static void expect(const char *target, size_t len, bool chunked, int status)
{
	struct client client;
	struct answer answer = post(&client, target, len, chunked);
	if (answer.status != status)
		fail_msg("%s with %zu bytes%s: %d, not %d", target, len, chunked ? " in chunks" : "", answer.status, status);
	if (status == 413) {
		assert_true(contains(answer.body, "{\"status\":413,\"error\":\"body_too_large\",\"description\":\""));
		assert_str(answer_header(&answer, "content-type"), "application/json");
		assert_true(answer_header(&answer, "x-request-id").len != 0);
	} else {
		char text[32];
		snprintf(text, sizeof(text), "%zu", len);
		assert_str(answer.body, text);
	}
	client_close(&client);
}

static void bodies_up_to_the_limit_pass(void **state)
{
	(void)state;
	for (int chunked = 0; chunked < 2; ++chunked) {
		expect("/small", 10, chunked, 200);
		expect("/small", 11, chunked, 413);
		expect("/normal", 64 * KIB, chunked, 200);
		expect("/normal", 64 * KIB + 1, chunked, 413);
		expect("/normal", MIB, chunked, 413);
		expect("/big", MIB, chunked, 200);
		expect("/big", 2 * MIB, chunked, 200);
	}
}

/* Above every route's limit libh2o refuses by itself, before the body is read; the client must see the answer all the same. */
static void bodies_above_all_limits_get_an_answer_too(void **state)
{
	(void)state;
	for (int chunked = 0; chunked < 2; ++chunked) {
		expect("/big", 2 * MIB + 1, chunked, 413);
		expect("/small", 3 * MIB, chunked, 413);
		expect("/nowhere", 8 * MIB, chunked, 413);
	}
	assert_int_equal(seen, 0);
}

static int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;
	while (readdir(dir) != NULL)
		++count;
	closedir(dir);
	return count;
}

static void refused_uploads_leave_no_descriptor(void **state)
{
	(void)state;
	expect("/big", 3 * MIB, false, 413);
	int before = open_files();
	for (int i = 0; i < 20; ++i)
		expect("/big", 3 * MIB, i % 2, 413);
	uint64_t end = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (open_files() > before && cp_clock_monotonic_ms() < end)
		cp_loop_turn(test_loop, 10);
	assert_true(open_files() <= before);
}

static void a_refused_upload_that_never_ends_is_cut_off(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "POST /big HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n");
	assert_int_equal(client_answer(&client).status, 413);
	size_t sent = 0;
	char *bytes = cp_alloc(MIB);
	while (sent < 64 * MIB && client_write(&client, bytes, MIB))
		sent += MIB;
	assert_true(sent < 40 * MIB); /* 16 are read, and some are in the kernel's buffers */
	free(bytes);
	client_close(&client);
}

static void descriptors_are_given_back(void **state)
{
	(void)state;
	int before = open_files();
	for (int i = 0; i < 50; ++i) {
		struct client client;
		client_open(&client);
		client_send(&client, i % 3 == 0   ? "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
		                     : i % 3 == 1 ? "nonsense\r\n\r\n"
		                                  : "GET / HT");
		client_turn(&client);
		if (i % 2)
			client_abort(&client);
		else
			client_close(&client);
	}
	uint64_t end = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (open_files() > before && cp_clock_monotonic_ms() < end)
		cp_loop_turn(test_loop, 10);
	assert_int_equal(open_files(), before);
}

static void a_slow_sender_is_cut_off(void **state)
{
	(void)state;
	start(100, 20000, 0);
	struct client client;
	client_open(&client);
	uint64_t begin = cp_clock_monotonic_ms();
	static const char request[] = "POST /normal HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
	/* a byte each turn: time goes on for the whole request, not since the latest byte */
	for (size_t i = 0; !client.closed && !client.reset && cp_clock_monotonic_ms() - begin < PATIENCE_MS; ++i) {
		char byte = i < sizeof(request) - 1 ? request[i] : 'b';
		if (!client_write(&client, &byte, 1))
			break;
		for (int turns = 0; turns < 4; ++turns)
			client_turn(&client);
	}
	client_until_closed(&client);
	assert_true(cp_clock_monotonic_ms() - begin < PATIENCE_MS);
	assert_int_equal(seen, 0);
	client_close(&client);
}

static void an_idle_connection_is_closed(void **state)
{
	(void)state;
	start(100, 20000, 0);
	struct client silent, kept;
	client_open(&silent);
	client_open(&kept);
	client_send(&kept, "POST /normal HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
	assert_int_equal(client_answer(&kept).status, 200);
	client_until_closed(&silent);
	client_until_closed(&kept);
	client_close(&silent);
	client_close(&kept);
}

/* The answer is far larger than the kernel's buffers, and nobody reads it. */
static void expect_cut_off(struct client *client)
{
	static const char request[] = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
	int wanted = done_count + 1;
	assert_int_equal(send(client->fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	turn_until(&done_count, wanted);
	int before = open_files();
	uint64_t end = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (open_files() >= before && cp_clock_monotonic_ms() < end)
		cp_loop_turn(test_loop, 10);
	assert_true(open_files() < before);
	client_until_closed(client);
	assert_true(client->in.len < 16 * MIB);
	client_close(client);
}

static void a_client_that_does_not_read_is_cut_off(void **state)
{
	(void)state;
	start(20000, 100, 0);
	struct client client;
	client_open(&client);
	expect_cut_off(&client);
	/* where the kernel has no time-out of its own */
	char path[] = "/tmp/cp_test_limits_XXXXXX", address[64];
	close(mkstemp(path));
	unlink(path);
	snprintf(address, sizeof(address), "unix:%s", path);
	assert_ok(cp_http_listen(test_server, address, NULL));
	client_open_unix(&client, path);
	expect_cut_off(&client);
}

static void more_connections_than_allowed_wait(void **state)
{
	(void)state;
	start(20000, 20000, 3);
	static const char request[] = "POST /normal HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx";
	struct client clients[6];
	for (int i = 0; i < 6; ++i) {
		client_open(&clients[i]);
		client_send(&clients[i], request);
	}
	for (int i = 0; i < 3; ++i)
		assert_int_equal(client_answer(&clients[i]).status, 200);
	for (int i = 0; i < 10; ++i)
		cp_loop_turn(test_loop, 1);
	assert_int_equal(seen, 3);
	for (int i = 0; i < 3; ++i)
		client_close(&clients[i]);
	for (int i = 3; i < 6; ++i) {
		assert_int_equal(client_answer(&clients[i]).status, 200);
		client_close(&clients[i]);
	}
}

static void running_out_of_descriptors_is_survived(void **state)
{
	(void)state;
	struct rlimit before, low;
	getrlimit(RLIMIT_NOFILE, &before);
	struct client client;
	client_open(&client);
	low = before;
	low.rlim_cur = (rlim_t)client.fd + 1; /* not one more */
	for (int fd = 0; fd < client.fd; ++fd)
		if (fcntl(fd, F_GETFD) == -1)
			assert_true(dup2(2, fd) == fd);
	setrlimit(RLIMIT_NOFILE, &low);
	static const char request[] = "POST /normal HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx";
	assert_int_equal(send(client.fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	/* Must not spin: few turns pass while nothing can be accepted. */
	uint64_t begin = cp_clock_monotonic_ms();
	int turns = 0;
	while (cp_clock_monotonic_ms() - begin < 60) {
		cp_loop_turn(test_loop, 20);
		++turns;
	}
	assert_true(turns < 20);
	assert_int_equal(seen, 0);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(client_answer(&client).status, 200);
	client_close(&client);
}

static void a_head_without_end_is_refused(void **state)
{
	(void)state;
	struct client client;
	client_open(&client);
	client_send(&client, "GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Long: ");
	char *bytes = cp_alloc(MIB);
	memset(bytes, 'x', MIB);
	client_write(&client, bytes, MIB); /* may end early with a reset, which is as good */
	client_until_closed(&client);
	assert_int_equal(seen, 0);
	free(bytes);
	client_close(&client);
	assert_int_equal(ask("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n").status, 404);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, fixture_teardown)
#define OWN(fn) cmocka_unit_test_teardown(fn, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(bodies_up_to_the_limit_pass),
	    TEST(bodies_above_all_limits_get_an_answer_too),
	    TEST(refused_uploads_leave_no_descriptor),
	    TEST(a_refused_upload_that_never_ends_is_cut_off),
	    TEST(descriptors_are_given_back),
	    OWN(a_slow_sender_is_cut_off),
	    OWN(an_idle_connection_is_closed),
	    OWN(a_client_that_does_not_read_is_cut_off),
	    OWN(more_connections_than_allowed_wait),
	    TEST(a_head_without_end_is_refused),
	    TEST(running_out_of_descriptors_is_survived), /* last: it leaves descriptors open */
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
