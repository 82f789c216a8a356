/* Downloads block, so that the server they come from runs on a thread of its own. */
#include "base/memory.h"
#include "check.h"
#include "fetch/download.h"
#include "fetch/fetch.h"
#include "http/http.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
	pthread_t thread;
	pthread_barrier_t ready;
	struct cp_loop *loop;
	struct cp_http_server *server;
	uint16_t port;
	struct cp_http_request *held; /* the thread's */
} remote;

static char folder[] = "/tmp/cp_test_download_XXXXXX";
static char path[128];

static void document(struct cp_http_request *request, void *data)
{
	(void)data;
	if (cp_str_eq(cp_http_header(request, "if-none-match"), CP_STR("\"v1\""))) {
		cp_http_reply(request, 304, NULL, CP_STR(""));
		return;
	}
	cp_http_add_header(request, "ETag", CP_STR("\"v1\""));
	cp_http_reply(request, 200, "text/plain", CP_STR("the document\n"));
}

static void redirect(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_http_add_header(request, "ETag", CP_STR("\"of the redirect\""));
	cp_http_add_header(request, "Location", CP_STR("/document"));
	cp_http_reply(request, 302, NULL, CP_STR(""));
}

static void again(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_http_add_header(request, "Location", CP_STR("/again"));
	cp_http_reply(request, 302, NULL, CP_STR(""));
}

static void to_a_file(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_http_add_header(request, "Location", CP_STR("file:///etc/passwd"));
	cp_http_reply(request, 302, NULL, CP_STR(""));
}

static void broken(struct cp_http_request *request, void *data)
{
	(void)data;
	cp_http_reply(request, 500, "text/plain", CP_STR("no"));
}

static void stall(struct cp_http_request *request, void *data)
{
	(void)data;
	remote.held = request;
}

static const struct cp_http_route routes[] = {
    {CP_HTTP_GET, "/document", document, 0}, {CP_HTTP_GET, "/redirect", redirect, 0},   {CP_HTTP_GET, "/again", again, 0},
    {CP_HTTP_GET, "/broken", broken, 0},     {CP_HTTP_GET, "/to-a-file", to_a_file, 0}, {CP_HTTP_GET, "/stall", stall, 0},
};

static void on_shut_down(void *data)
{
	(void)data;
	cp_loop_stop(remote.loop);
}

static void shut_down(void *data)
{
	(void)data;
	cp_http_shutdown(remote.server, 100, on_shut_down, NULL);
}

static void *serve(void *data)
{
	const struct cp_http_options options = {.routes = routes, .route_count = CP_COUNT(routes)};
	if (cp_loop_new(&remote.loop) != 0 || cp_http_server_new(remote.loop, &options, &remote.server) != 0 ||
	    cp_http_listen(remote.server, "127.0.0.1:0", &remote.port) != 0)
		abort();
	pthread_barrier_wait(&remote.ready);
	cp_loop_run(remote.loop);
	cp_http_server_free(remote.server);
	if (remote.held != NULL)
		cp_http_reply(remote.held, 200, NULL, CP_STR(""));
	cp_loop_free(remote.loop);
	return data;
}

static int start_all(void **state)
{
	(void)state;
	static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	for (size_t i = 0; i < CP_COUNT(proxies); ++i)
		unsetenv(proxies[i]);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	assert_ok(cp_fetch_global_start());
	pthread_barrier_init(&remote.ready, NULL, 2);
	assert_int_equal(pthread_create(&remote.thread, NULL, serve, NULL), 0);
	pthread_barrier_wait(&remote.ready);
	return 0;
}

static int stop_all(void **state)
{
	(void)state;
	cp_loop_post(remote.loop, shut_down, NULL);
	pthread_join(remote.thread, NULL);
	pthread_barrier_destroy(&remote.ready);
	cp_fetch_global_stop();
	rmdir(folder);
	return 0;
}

/* Only what a test expects may be in the folder: no part of a file is left behind. */
static int files_in_folder(void)
{
	DIR *dir = opendir(folder);
	int count = 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	assert_int_equal(files_in_folder(), 0);
	return 0;
}

static struct cp_download to(const char *target)
{
	static char url[128];
	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", remote.port, target);
	return (struct cp_download){.url = url, .path = path, .max_size = 1000, .stall_timeout_ms = 5000, .allow_http = true};
}

static void assert_content(const char *expected)
{
	char content[128] = "";
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	content[fread(content, 1, sizeof(content) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(content, expected);
	assert_int_equal(files_in_folder(), 1);
}

static int count_progress(void *data, uint64_t received, uint64_t total)
{
	uint64_t *seen = data;
	seen[0] = received;
	seen[1] = total;
	return 0;
}

static int give_up(void *data, uint64_t received, uint64_t total)
{
	(void)data;
	(void)received;
	(void)total;
	return 1;
}

static void a_document_arrives_whole(void **state)
{
	(void)state;
	uint64_t seen[2] = {0};
	struct cp_download download = to("/document");
	download.progress = count_progress;
	download.data = seen;
	assert_ok(cp_download(&download));
	assert_content("the document\n");
	assert_string_equal(download.ret_etag, "\"v1\"");
	assert_int_equal(seen[0], 13);
	assert_int_equal(seen[1], 13);
}

static void an_unchanged_document_is_a_conflict(void **state)
{
	(void)state;
	struct cp_download download = to("/document");
	assert_ok(cp_download(&download));
	download.etag = "\"v1\"";
	assert_int_equal(cp_download(&download), CP_E_CONFLICT);
	assert_content("the document\n");
	download.etag = "\"v0\"";
	assert_ok(cp_download(&download));
}

static void redirects_are_followed_where_allowed(void **state)
{
	(void)state;
	struct cp_download download = to("/redirect");
	assert_ok(cp_download(&download));
	assert_content("the document\n");
	assert_string_equal(download.ret_etag, "\"v1\"");
}

static void failures_leave_the_old_file_alone(void **state)
{
	(void)state;
	static const struct {
		const char *target;
		int error;
	} failures[] = {
	    {"/nowhere", CP_E_NOTFOUND}, {"/broken", CP_E_UNAVAILABLE}, {"/again", CP_E_UNAVAILABLE}, {"/to-a-file", CP_E_INPUT}};
	struct cp_download good = to("/document");
	assert_ok(cp_download(&good));
	for (size_t i = 0; i < CP_COUNT(failures); ++i) {
		struct cp_download download = to(failures[i].target);
		int error = cp_download(&download);
		if (error != failures[i].error)
			fail_msg("%s: %s (%s)", failures[i].target, cp_error_word(error), cp_error_message());
		assert_string_equal(download.ret_etag, "");
		assert_content("the document\n");
	}
}

static void a_document_above_the_limit_is_refused(void **state)
{
	(void)state;
	struct cp_download download = to("/document");
	download.max_size = 12;
	assert_int_equal(cp_download(&download), CP_E_LIMIT);
	download.max_size = 13;
	assert_ok(cp_download(&download));
}

static void a_stalled_server_is_given_up(void **state)
{
	(void)state;
	struct cp_download download = to("/stall");
	download.stall_timeout_ms = 1000;
	assert_int_equal(cp_download(&download), CP_E_UNAVAILABLE);
}

static void progress_may_give_up(void **state)
{
	(void)state;
	struct cp_download download = to("/document");
	download.progress = give_up;
	assert_int_equal(cp_download(&download), CP_E_UNAVAILABLE);
}

static void without_leave_neither_http_nor_inside_is_reached(void **state)
{
	(void)state;
	struct cp_download download = to("/document");
	download.allow_http = false;
	assert_int_equal(cp_download(&download), CP_E_INPUT);
	download.url = "https://127.0.0.1/document";
	assert_int_equal(cp_download(&download), CP_E_DENIED);
	download.url = "https://localhost/document";
	assert_int_equal(cp_download(&download), CP_E_DENIED);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	struct cp_download download = to("/document");
	download.path = "/nonexistent/folder/file";
	assert_int_equal(cp_download(&download), CP_E_SYSTEM);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_teardown(fn, remove_file)
	const struct CMUnitTest tests[] = {
	    TEST(a_document_arrives_whole),
	    TEST(an_unchanged_document_is_a_conflict),
	    TEST(redirects_are_followed_where_allowed),
	    TEST(failures_leave_the_old_file_alone),
	    TEST(a_document_above_the_limit_is_refused),
	    TEST(a_stalled_server_is_given_up),
	    TEST(progress_may_give_up),
	    TEST(without_leave_neither_http_nor_inside_is_reached),
	    TEST(a_folder_that_is_not_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
