/* Addresses, Unix sockets, and several threads on one port. */
#include "client.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void hello(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_http_reply(request, 200, "text/plain", cp_http_peer(request));
}

static const struct cp_http_route routes[] = {{CP_HTTP_GET, "/", hello, 0}};
static const struct cp_http_options options = {.routes = routes, .route_count = 1};
static char folder[] = "/tmp/cp_test_listen_XXXXXX";
static char path[128], address[160];

static int setup(void **state)
{
	(void)state;
	fixture_start(&options);
	return 0;
}

static int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	assert_int_equal(rmdir(folder), 0); /* nothing is left behind in it */
	return 0;
}

static void addresses_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
	                                  ":",
	                                  "127.0.0.1",
	                                  "127.0.0.1:",
	                                  "127.0.0.1:x",
	                                  "127.0.0.1:70000",
	                                  "127.0.0.1:-1",
	                                  "localhost:80",
	                                  "[::1]",
	                                  "::1:80",
	                                  "[127.0.0.1]:80",
	                                  "[]:80",
	                                  "example.org:80",
	                                  ":80"};
	for (size_t i = 0; i < CP_COUNT(bad); ++i)
		if (cp_http_listen(test_server, bad[i], NULL) != CP_E_INPUT)
			fail_msg("\"%s\" passes", bad[i]);
	char long_path[200];
	memset(long_path, 'x', sizeof(long_path));
	memcpy(long_path, "unix:/tmp/", 10);
	long_path[5 + 108] = '\0';
	assert_int_equal(cp_http_listen(test_server, long_path, NULL), CP_E_INPUT);
	assert_int_equal(cp_http_listen(test_server, "192.0.2.1:0", NULL), CP_E_SYSTEM); /* not an address of this machine */
	assert_int_equal(cp_http_listen(test_server, "unix:/nonexistent/folder/socket", NULL), CP_E_SYSTEM);
}

static void a_unix_socket_serves(void **state)
{
	(void)state;
	uint16_t port = 7;
	assert_ok(cp_http_listen(test_server, address, &port));
	assert_int_equal(port, 0);
	struct client client;
	client_open_unix(&client, path);
	client_send(&client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_str(client_answer(&client).body, "unix");
	client_close(&client);
}

static void servers_of_one_process_share_a_unix_socket(void **state)
{
	(void)state;
	struct cp_http_server *second = NULL;
	struct stat file;
	assert_ok(cp_http_listen(test_server, address, NULL));
	assert_ok(cp_http_server_new(test_loop, &options, &second));
	assert_ok(cp_http_listen(second, address, NULL));
	second = cp_http_server_free(second);
	assert_int_equal(stat(path, &file), 0); /* the first still uses it */
	struct client client;
	client_open_unix(&client, path);
	client_send(&client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(client_answer(&client).status, 200);
	client_close(&client);
}

static int bind_unix(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	memcpy(name.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void what_a_killed_process_left_behind_is_taken_over(void **state)
{
	(void)state;
	close(bind_unix());
	assert_ok(cp_http_listen(test_server, address, NULL));
}

static void the_socket_of_a_living_process_is_not(void **state)
{
	(void)state;
	int fd = bind_unix();
	assert_int_equal(cp_http_listen(test_server, address, NULL), CP_E_SYSTEM);
	close(fd);
	unlink(path);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	(void)state;
	FILE *file = fopen(path, "w");
	fclose(file);
	assert_int_equal(cp_http_listen(test_server, address, NULL), CP_E_SYSTEM);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
}

static void ipv6_works_where_there_is_any(void **state)
{
	(void)state;
	uint16_t port = 0;
	if (cp_http_listen(test_server, "[::1]:0", &port) != 0)
		return; /* a machine without IPv6 */
	assert_true(port != 0);
	struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
	struct client client = {.fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_int_equal(connect(client.fd, (struct sockaddr *)&name, sizeof(name)), 0);
	client_send(&client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_str(client_answer(&client).body, "::1");
	client_close(&client);
}

/* ---- several loops */

struct worker {
	pthread_t thread;
	pthread_barrier_t *ready;
	struct cp_loop *loop;
	struct cp_http_server *server;
	const char *tcp;
	int served;
};

static void count(struct cp_http_request *request, void *data)
{
	++((struct worker *)data)->served;
	cp_http_reply(request, 200, "text/plain", CP_STR("counted"));
}

static const struct cp_http_route count_routes[] = {{CP_HTTP_GET, "/", count, 0}};

static void stop_worker(void *data)
{
	struct worker *worker = data;
	cp_loop_stop(worker->loop);
}

static void shut_worker_down(void *data)
{
	struct worker *worker = data;
	cp_http_shutdown(worker->server, 1000, stop_worker, worker);
}

static void *run_worker(void *data)
{
	struct worker *worker = data;
	const struct cp_http_options own = {.routes = count_routes, .route_count = 1, .data = worker};
	if (cp_loop_new(&worker->loop) != 0 || cp_http_server_new(worker->loop, &own, &worker->server) != 0 ||
	    cp_http_listen(worker->server, worker->tcp, NULL) != 0 || cp_http_listen(worker->server, address, NULL) != 0)
		abort();
	pthread_barrier_wait(worker->ready);
	cp_loop_run(worker->loop);
	worker->server = cp_http_server_free(worker->server);
	worker->loop = cp_loop_free(worker->loop);
	return NULL;
}

static void threads_share_a_port_and_a_path(void **state)
{
	(void)state;
	enum { WORKERS = 3, REQUESTS = 200 };
	struct worker workers[WORKERS];
	pthread_barrier_t ready;
	char tcp[32];
	pthread_barrier_init(&ready, NULL, WORKERS + 1);
	fixture_stop(); /* its port is free now, and known */
	snprintf(tcp, sizeof(tcp), "127.0.0.1:%u", test_port);
	for (int i = 0; i < WORKERS; ++i) {
		workers[i] = (struct worker){.ready = &ready, .tcp = tcp};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]), 0);
	}
	pthread_barrier_wait(&ready);
	for (int i = 0; i < REQUESTS; ++i) {
		struct client client;
		char bytes[512];
		if (i % 2)
			client_open(&client);
		else
			client_open_unix(&client, path);
		static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
		assert_int_equal(send(client.fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
		assert_true(recv(client.fd, bytes, sizeof(bytes), 0) > 12);
		assert_memory_equal(bytes, "HTTP/1.1 200", 12);
		client_close(&client);
	}
	int served = 0;
	for (int i = 0; i < WORKERS; ++i)
		cp_loop_post(workers[i].loop, shut_worker_down, &workers[i]);
	for (int i = 0; i < WORKERS; ++i) {
		pthread_join(workers[i].thread, NULL);
		served += workers[i].served;
	}
	assert_int_equal(served, REQUESTS);
	pthread_barrier_destroy(&ready);
}

static void a_port_of_another_process_is_refused(void **state)
{
	(void)state;
	/* A socket that we do not know of is as good as another process's: it, too, allows others beside it. */
	struct sockaddr_in other = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(other);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&other, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&other, &len), 0);
	char text[32];
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(other.sin_port));
	assert_true(cp_http_listen(test_server, text, NULL) < 0);
	assert_non_null(strstr(cp_error_message(), "in use"));
	close(fd);
	assert_int_equal(cp_http_listen(test_server, text, NULL), 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(addresses_that_make_no_sense_are_refused),
	    TEST(a_unix_socket_serves),
	    TEST(servers_of_one_process_share_a_unix_socket),
	    TEST(what_a_killed_process_left_behind_is_taken_over),
	    TEST(the_socket_of_a_living_process_is_not),
	    TEST(a_file_that_is_no_socket_is_left_alone),
	    TEST(ipv6_works_where_there_is_any),
	    TEST(threads_share_a_port_and_a_path),
	    TEST(a_port_of_another_process_is_refused),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
