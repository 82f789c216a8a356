#include "driver.h"
#include "listener.h"
#include "scratch.h"

#include <stdlib.h>

static struct cp_loop *loop;
static struct cp_db_listener *listener;

struct heard {
	int calls, connections;
	char channel[64], payload[64];
	bool frees;
};

static void on_notify(void *data, struct cp_str channel, struct cp_str payload)
{
	struct heard *heard = data;
	if (channel.ptr == NULL) {
		assert_null(payload.ptr);
		++heard->connections;
		return;
	}
	++heard->calls;
	snprintf(heard->channel, sizeof(heard->channel), "%.*s", CP_STR_ARG(channel));
	snprintf(heard->payload, sizeof(heard->payload), "%.*s", CP_STR_ARG(payload));
	if (heard->frees)
		listener = cp_db_listener_free(listener);
}

static int setup(void **state)
{
	(void)state;
	answers_are_gone = false;
	return cp_loop_new(&loop);
}

static int teardown(void **state)
{
	(void)state;
	answers_are_gone = true;
	listener = cp_db_listener_free(listener);
	loop = cp_loop_free(loop);
	return 0;
}

static const char *const channels[] = {"campaign_changed", "Odd \"name"};

static void test_notifications(void **state)
{
	(void)state;
	struct heard heard = {0};
	assert_ok(cp_db_listen(loop, scratch_conninfo("callpower_operator"), channels, 2, on_notify, &heard, &listener));
	turn_until(loop, &heard.connections, 1);
	scratch_script(NULL, "notify campaign_changed, '1 7'");
	turn_until(loop, &heard.calls, 1);
	assert_string_equal(heard.channel, "campaign_changed");
	assert_string_equal(heard.payload, "1 7");
	scratch_script(NULL, "notify \"Odd \"\"name\"; notify elsewhere");
	turn_until(loop, &heard.calls, 2);
	assert_string_equal(heard.channel, "Odd \"name");
	assert_string_equal(heard.payload, "");
	turn_for(loop, 50);
	assert_int_equal(heard.calls, 2);
	assert_int_equal(heard.connections, 1);
}

static void test_reconnects(void **state)
{
	(void)state;
	struct heard heard = {0};
	assert_ok(cp_db_listen(loop, scratch_conninfo("callpower_operator"), channels, 2, on_notify, &heard, &listener));
	turn_until(loop, &heard.connections, 1);
	scratch_script(NULL, "notify campaign_changed, 'before'; select pg_terminate_backend(pid) from pg_stat_activity "
	                     "where usename = 'callpower_operator' and datname = current_database()");
	turn_until(loop, &heard.connections, 2);
	scratch_script(NULL, "notify campaign_changed, 'after'");
	while (strcmp(heard.payload, "after") != 0) {
		int calls = heard.calls;
		turn_until(loop, &heard.calls, calls + 1);
	}
}

/* A server that neither answers nor hangs up, as behind a broken network. */
static void test_silence_is_noticed(void **state)
{
	(void)state;
	struct heard heard = {0};
	assert_ok(cp_db_listen(loop, scratch_conninfo("callpower_operator"), channels, 2, on_notify, &heard, &listener));
	listener->question_every_ms = 50;
	listener->answer_within_ms = 200;
	turn_until(loop, &heard.connections, 1);
	turn_for(loop, 400); /* several questions, all answered */
	assert_int_equal(heard.connections, 1);
	int backend = atoi(scratch_value(
	    "select pid from pg_stat_activity where usename = 'callpower_operator' and datname = current_database()"));
	if (kill(backend, SIGSTOP) != 0) {
		print_message("skipped: the database server runs on another machine, or as somebody else\n");
		skip();
	}
	turn_until(loop, &heard.connections, 2);
	kill(backend, SIGCONT);
}

static void test_callback_frees(void **state)
{
	(void)state;
	struct heard heard = {.frees = true};
	assert_ok(cp_db_listen(loop, scratch_conninfo("callpower_operator"), channels, 2, on_notify, &heard, &listener));
	turn_until(loop, &heard.connections, 1);
	scratch_script(NULL, "notify campaign_changed, '1'; notify campaign_changed, '2'");
	turn_until(loop, &heard.calls, 1);
	assert_null(listener);
	turn_for(loop, 50);
	assert_int_equal(heard.calls, 1);
}

static void test_no_server(void **state)
{
	(void)state;
	struct heard heard = {0};
	assert_int_equal(cp_db_listen(loop, "host=db.example.org", channels, 2, on_notify, &heard, &listener), CP_E_INPUT);
	assert_ok(cp_db_listen(loop, "host=/nonexistent", channels, 2, on_notify, &heard, &listener));
	turn_for(loop, 200);
	assert_int_equal(heard.connections, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_notifications),  TEST(test_reconnects), TEST(test_silence_is_noticed),
	    TEST(test_callback_frees), TEST(test_no_server),
	};
	if (!scratch_open())
		return 0;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_close();
	return failed;
}
