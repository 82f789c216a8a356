/* PostgreSQL crashes and comes back. On a cluster of its own, as nobody else's must be killed. */
#include "base/clock.h"
#include "db/blocking.h"
#include "db/exclusive.h"
#include "driver.h"

#include "base/memory.h"

#include <stdlib.h>
#include <unistd.h>

static const struct cp_db_statement table[] = {
    {"add", CP_DB_TENANT, 1, "insert into noted values ($1::integer) returning n"},
    {"nap", CP_DB_TENANT, 1, "select pg_sleep($1::float8)"},
    {0},
};
static const struct cp_db_statement *const tables[] = {table};
static const struct cp_tenant_id one = {1};

static char folder[64], app[256], superuser[256];
static struct cp_loop *loop;

/* Runs the script's verb; what it prints goes into the strings above. False where it fails. */
static bool postgres(const char *verb)
{
	char command[128], line[512];
	setenv("POSTGRES_SCRIPT", POSTGRES_SCRIPT, true); /* a path may hold anything */
	snprintf(command, sizeof(command), "\"$POSTGRES_SCRIPT\" %s %s", verb, folder);
	FILE *output = popen(command, "r");
	assert_non_null(output);
	while (fgets(line, sizeof(line), output) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "CALLPOWER_DATABASE_APP=", 23) == 0)
			snprintf(app, sizeof(app), "%s", line + 23);
		if (strncmp(line, "CP_TEST_DATABASE=", 17) == 0)
			snprintf(superuser, sizeof(superuser), "%s", line + 17);
	}
	return pclose(output) == 0;
}

static void script(const char *sql)
{
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *connection = NULL;
	assert_ok(cp_db_blocking_open(superuser, &connection));
	assert_ok(cp_db_blocking_script(connection, sql));
}

static int connections_told;

static void on_notify(void *data, struct cp_str channel, struct cp_str payload)
{
	(void)data;
	(void)payload;
	connections_told += channel.ptr == NULL;
}

static void on_begun(void *data, int error, struct cp_db_session *session)
{
	struct cp_db_session **ret_session = data;
	assert_int_equal(error, 0);
	*ret_session = session;
}

static int ended, end_error;

static void on_ended(void *data, int error)
{
	(void)data;
	++ended;
	end_error = error;
}

enum { SENT = 40, QUEUED = 20 };

/* Every answer came once; what was acknowledged is there, and nothing is there twice. */
static void check_answers(const struct answer *answers, int count)
{
	char sql[128];
	int acknowledged = 0;
	for (int i = 0; i < count; ++i) {
		assert_int_equal(answers[i].calls, 1);
		if (answers[i].error == 0)
			++acknowledged;
		else
			assert_true(answers[i].error == CP_E_TIMEOUT || answers[i].error == CP_E_UNAVAILABLE);
	}
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *connection = NULL;
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	assert_ok(cp_db_blocking_open(superuser, &connection));
	snprintf(sql, sizeof(sql), "select n from noted order by n");
	assert_ok(cp_db_blocking_run(connection, sql, NULL, 0, &result));
	assert_true(cp_db_rows(result) >= acknowledged);
	for (int i = 0; i < count; ++i) {
		bool there = false;
		for (int row = 0; row < cp_db_rows(result); ++row)
			there = there || cp_db_integer(result, row, 0) == i;
		if (answers[i].error == 0)
			assert_true(there);
		if (answers[i].error == CP_E_UNAVAILABLE)
			assert_false(there);
	}
}

static void submit(struct cp_db *db, int i, struct answer *answer)
{
	char text[16];
	snprintf(text, sizeof(text), "%d", i);
	struct cp_str value = cp_str(text);
	assert_ok(cp_db_submit(db, &table[0], &one, &value, on_answer, answer));
}

static void test_crash_in_mid_flight(void **state)
{
	(void)state;
	struct cp_db *db = NULL;
	struct cp_db_exclusive *pool = NULL;
	struct cp_db_session *session = NULL;
	struct cp_db_listener *listener = NULL;
	struct answer answers[SENT + QUEUED] = {0}, slow[2] = {0}, after = {0};
	static const char *const channels[] = {"changed"};
	struct cp_db_options options = {
	    .conninfo = app,
	    .scope = CP_DB_TENANT,
	    .connections = 2,
	    .max_in_flight = SENT / 2 + 1,
	    .max_waiting = 1000,
	    .deadline_ms = 9000,
	    .max_backoff_ms = 200,
	    .statements = tables,
	    .statement_tables = 1,
	};
	struct cp_db_exclusive_options exclusive = {
	    .conninfo = app,
	    .scope = CP_DB_TENANT,
	    .connections = 1,
	    .max_waiting = 1,
	    .deadline_ms = 9000,
	    .max_backoff_ms = 200,
	};
	assert_ok(cp_db_new(loop, &options, &db));
	assert_ok(cp_db_exclusive_new(loop, &exclusive, &pool));
	assert_ok(cp_db_listen(loop, app, channels, 1, on_notify, NULL, &listener));
	turn_until_all_up(loop, db);
	turn_until(loop, &connections_told, 1);
	assert_ok(cp_db_begin(pool, &one, on_begun, &session));
	while (session == NULL)
		cp_loop_turn(loop, 10);

	/* One that blocks each connection, then what stands behind it on the wire, then what waits. */
	struct cp_str naptime = CP_STR("5");
	for (int i = 0; i < 2; ++i)
		assert_ok(cp_db_submit(db, &table[1], &one, &naptime, on_answer, &slow[i]));
	for (int i = 0; i < SENT + QUEUED; ++i)
		submit(db, i, &answers[i]);
	turn_for(loop, 50);
	assert_int_equal(cp_db_pending(db), 2 + SENT + QUEUED);
	assert_true(postgres("kill"));
	turn_until_up(loop, db, false);
	turn_until(loop, &slow[0].calls, 1);
	turn_until(loop, &slow[1].calls, 1);
	assert_int_equal(slow[0].error, CP_E_TIMEOUT);
	assert_int_equal(cp_db_pending(db), QUEUED);
	turn_for(loop, 300); /* attempts to connect fail meanwhile */
	assert_non_null(strstr(cp_db_problem(db), "connect"));

	assert_true(postgres("start"));
	for (int i = 0; i < SENT + QUEUED; ++i)
		turn_until(loop, &answers[i].calls, 1);
	for (int i = SENT; i < SENT + QUEUED; ++i)
		assert_int_equal(answers[i].error, 0); /* they waited for the server */
	check_answers(answers, SENT + QUEUED);
	turn_until(loop, &connections_told, 2);
	submit(db, 1000, &after);
	turn_until(loop, &after.calls, 1);
	assert_int_equal(after.error, 0);
	cp_db_commit(session, on_ended, NULL);
	turn_until(loop, &ended, 1);
	assert_int_equal(end_error, CP_E_UNAVAILABLE);
	cp_db_listener_free(listener);
	cp_db_exclusive_free(pool);
	cp_db_free(db);
	turn_for(loop, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_crash_in_mid_flight)};
	snprintf(folder, sizeof(folder), "/tmp/cp-crash.XXXXXX");
	if (mkdtemp(folder) == NULL || !postgres("start")) {
		postgres("remove");
		rmdir(folder);
		/* tests/run has started a cluster already, so that this one starts, too */
		bool wanted = getenv("CP_TEST_DATABASE") != NULL;
		printf(wanted ? "1..1\nnot ok 1 - %s cannot start a cluster\n" : "1..0 # SKIP %s cannot start a PostgreSQL cluster here\n",
		       POSTGRES_SCRIPT);
		return wanted;
	}
	script("create table noted (n integer primary key); grant insert, select on noted to callpower_app");
	if (cp_loop_new(&loop) != 0)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	cp_loop_free(loop);
	postgres("remove");
	return failed;
}
