#include "client.h"

#include "base/clock.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct cp_loop *test_loop;
struct cp_http_server *test_server;
uint16_t test_port;
static struct cp_buf taken; /* the latest answer */
static int is_done;

void turn_until(const int *condition, int wanted)
{
	uint64_t end = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (*condition < wanted) {
		if (cp_clock_monotonic_ms() > end)
			fail_msg("waited in vain");
		cp_loop_turn(test_loop, 50);
	}
}

void fixture_start(const struct cp_http_options *options)
{
	is_done = 0;
	assert_ok(cp_loop_new(&test_loop));
	assert_ok(cp_http_server_new(test_loop, options, &test_server));
	assert_ok(cp_http_listen(test_server, "127.0.0.1:0", &test_port));
}

static void on_done(void *data)
{
	++*(int *)data;
}

void fixture_stop(void)
{
	if (test_server != NULL) {
		cp_http_shutdown(test_server, 100, on_done, &is_done);
		turn_until(&is_done, 1);
	}
	test_server = cp_http_server_free(test_server);
	test_loop = cp_loop_free(test_loop);
	cp_buf_free(&taken);
}

int fixture_teardown(void **state)
{
	(void)state;
	if (test_loop != NULL)
		fixture_stop();
	return 0;
}

static void open_to(struct client *client, int family, const void *address, socklen_t len)
{
	*client = (struct client){.fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_int_equal(connect(client->fd, address, len), 0);
}

void client_open(struct client *client)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(test_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	open_to(client, AF_INET, &address, sizeof(address));
}

void client_open_unix(struct client *client, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	open_to(client, AF_UNIX, &address, sizeof(address));
}

void client_close(struct client *client)
{
	close(client->fd);
	client->fd = -1;
	cp_buf_free(&client->in);
}

void client_abort(struct client *client)
{
	struct linger now = {.l_onoff = 1};
	setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	client_close(client);
}

static void read_available(struct client *client)
{
	char bytes[64 * 1024];
	ssize_t count;
	while (!client->closed && !client->reset && (count = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) != -1) {
		if (count == 0)
			client->closed = true;
		else
			cp_buf_add(&client->in, cp_str_n(bytes, (size_t)count));
	}
	if (!client->closed && !client->reset && errno != EAGAIN)
		client->reset = true;
}

void client_turn(struct client *client)
{
	read_available(client);
	cp_loop_turn(test_loop, 5);
	read_available(client);
}

bool client_write(struct client *client, const char *bytes, size_t len)
{
	uint64_t end = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (len != 0) {
		ssize_t count = send(client->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (count == -1 && errno != EAGAIN)
			return false;
		if (count > 0) {
			bytes += count;
			len -= (size_t)count;
		}
		if (cp_clock_monotonic_ms() > end)
			fail_msg("the server does not read");
		cp_loop_turn(test_loop, 0);
	}
	return true;
}

void client_send(struct client *client, const char *text)
{
	assert_true(client_write(client, text, strlen(text)));
}

void client_until_closed(struct client *client)
{
	uint64_t end = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (!client->closed && !client->reset) {
		if (cp_clock_monotonic_ms() > end)
			fail_msg("the connection stays open");
		client_turn(client);
	}
}

bool contains(struct cp_str text, const char *part)
{
	return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

struct cp_str answer_header(const struct answer *answer, const char *name)
{
	struct cp_str rest = answer->head;
	while (rest.ptr != NULL) {
		struct cp_str line = cp_str_trim(cp_str_split(rest, '\n', &rest)), value;
		struct cp_str key = cp_str_split(line, ':', &value);
		if (value.ptr != NULL && cp_str_eq_ignore_case(key, cp_str(name)))
			return cp_str_trim(value);
	}
	return CP_STR_NULL;
}

/* Length of the answer at the start of the buffer, 0 while it is incomplete. */
static size_t complete_length(const struct client *client, bool head_only, size_t *ret_head)
{
	struct cp_str in = cp_buf_str(&client->in);
	const char *blank = in.len == 0 ? NULL : memmem(in.ptr, in.len, "\r\n\r\n", 4);
	if (blank == NULL)
		return 0;
	size_t head = (size_t)(blank - in.ptr) + 4;
	*ret_head = head;
	struct answer answer = {.head = cp_str_n(in.ptr, head)};
	struct cp_str length = answer_header(&answer, "content-length");
	uint64_t size = 0;
	if (length.ptr != NULL)
		assert_ok(cp_str_to_u64(length, 1 << 30, &size));
	else if (cp_str_eq(answer_header(&answer, "transfer-encoding"), CP_STR("chunked")))
		return cp_str_ends(in, CP_STR("\r\n0\r\n\r\n")) ? in.len : 0;
	if (head_only)
		size = 0;
	return in.len >= head + size ? head + size : 0;
}

static struct answer wait_for_answer(struct client *client, bool head_only)
{
	uint64_t end = cp_clock_monotonic_ms() + PATIENCE_MS;
	size_t len, head = 0;
	read_available(client);
	while ((len = complete_length(client, head_only, &head)) == 0 && !client->closed && !client->reset) {
		if (cp_clock_monotonic_ms() > end)
			fail_msg("no answer");
		client_turn(client);
	}
	taken.len = 0;
	if (len == 0)
		return (struct answer){0};
	cp_buf_add(&taken, cp_str_n(client->in.ptr, len));
	memmove(client->in.ptr, client->in.ptr + len, client->in.len - len);
	client->in.len -= len;
	struct answer answer = {.head = cp_str_n(taken.ptr, head), .body = cp_str_n(taken.ptr + head, len - head)};
	assert_true(cp_str_starts(answer.head, CP_STR("HTTP/1.1 ")));
	answer.status = atoi(answer.head.ptr + 9);
	return answer;
}

struct answer client_answer(struct client *client)
{
	return wait_for_answer(client, false);
}

struct answer client_answer_to_head(struct client *client)
{
	return wait_for_answer(client, true);
}

struct answer ask(const char *request)
{
	struct client client;
	client_open(&client);
	client_send(&client, request);
	struct answer answer = client_answer(&client);
	client_close(&client);
	return answer;
}
