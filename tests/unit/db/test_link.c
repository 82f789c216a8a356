/* A link against a made-up server that lets nobody in: attempts, their pauses, and patience. */
#include "base/clock.h"
#include "driver.h"
#include "link.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_ATTEMPTS = 64 };

static struct cp_loop *loop;
static char folder[64], path[96], conninfo[96];
static int server, attempts, failures;
static uint64_t attempt_ms[MAX_ATTEMPTS];
static char reason[256];
static bool hang; /* accept, and say nothing */
static int kept[MAX_ATTEMPTS], kept_count;

static void on_attempt(void *data, unsigned events)
{
	(void)data;
	(void)events;
	int client = accept(server, NULL, NULL);
	if (client < 0 || attempts == MAX_ATTEMPTS)
		return;
	attempt_ms[attempts++] = cp_clock_monotonic_ms();
	if (hang)
		kept[kept_count++] = client;
	else
		close(client);
}

static int on_connected(struct cp_db_link *link)
{
	(void)link;
	fail_msg("nobody is there to connect to");
	return 0;
}

static void on_input(struct cp_db_link *link)
{
	(void)link;
}

static void on_failed(struct cp_db_link *link)
{
	assert_null(link->pg);
	assert_int_equal(link->state, CP_DB_LINK_WAITING);
	++failures;
	snprintf(reason, sizeof(reason), "%s", cp_error_message());
}

static const struct cp_db_link_events events = {on_connected, on_input, on_failed};
static struct cp_watch *watch;

static int setup(void **state)
{
	(void)state;
	attempts = failures = kept_count = 0;
	snprintf(folder, sizeof(folder), "/tmp/cp-link.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", folder);
	snprintf(conninfo, sizeof(conninfo), "host=%s port=5432 user=x", folder);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	server = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(server, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(server, 16) != 0 || cp_loop_new(&loop) != 0)
		return -1;
	return cp_watch_new(loop, server, CP_WATCH_READ, on_attempt, NULL, &watch);
}

static int teardown(void **state)
{
	(void)state;
	watch = cp_watch_free(watch);
	loop = cp_loop_free(loop);
	close(server);
	for (int i = 0; i < kept_count; ++i)
		close(kept[i]);
	unlink(path);
	return rmdir(folder);
}

static void test_pauses_grow_to_their_limit(void **state)
{
	(void)state;
	struct cp_db_link link = {0};
	hang = false;
	assert_ok(cp_db_link_init(&link, loop, conninfo, NULL, 400, &events));
	assert_int_equal(link.state, CP_DB_LINK_OFF);
	cp_db_link_start(&link);
	assert_int_equal(failures, 0); /* never from inside the call */
	turn_until(loop, &attempts, 8);
	cp_db_link_done(&link);
	turn_for(loop, 50);
	assert_int_equal(attempts, 8); /* stopped is stopped */
	/* 50 ms doubled each time up to 400, and of that at least a half: 25 50 100 200 200 ... */
	static const uint64_t least[] = {25, 50, 100, 200, 200, 200, 200};
	uint64_t whole = 0;
	for (int i = 0; i < 7; ++i) {
		uint64_t pause = attempt_ms[i + 1] - attempt_ms[i];
		assert_true(pause + 2 >= least[i]); /* the server's clock is read a little later than the link's */
		whole += pause;
	}
	assert_in_range(whole, 950, 6000);
}

static void test_patience(void **state)
{
	(void)state;
	struct cp_db_link link = {0};
	hang = true;
	assert_ok(cp_db_link_init(&link, loop, conninfo, NULL, 100, &events));
	link.patience_ms = 150;
	cp_db_link_start(&link);
	turn_until(loop, &failures, 2);
	assert_non_null(strstr(reason, "within 150 ms"));
	assert_true(attempt_ms[1] - attempt_ms[0] >= 150);
	cp_db_link_done(&link);
}

static void test_done_twice_and_unmade(void **state)
{
	(void)state;
	struct cp_db_link link = {0};
	cp_db_link_done(&link);
	assert_ok(cp_db_link_init(&link, loop, conninfo, NULL, 100, &events));
	cp_db_link_done(&link);
	cp_db_link_done(&link);
	assert_int_equal(link.state, CP_DB_LINK_OFF);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_pauses_grow_to_their_limit),
	    TEST(test_patience),
	    TEST(test_done_twice_and_unmade),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
