#include "base/clock.h"
#include "base/memory.h"
#include "db/exclusive.h"
#include "driver.h"
#include "scratch.h"
#include "session.h"

static const char schema[] =
    "create function app_tenant() returns bigint language sql stable return nullif(current_setting('app.tenant_id', true), "
    "'')::bigint;"
    "create table item (tenant_id bigint not null, id integer not null, parent integer, primary key (tenant_id, id),"
    " foreign key (tenant_id, parent) references item deferrable initially deferred);"
    "alter table item enable row level security;"
    "alter table item force row level security;"
    "create policy item_app on item to callpower_app using (tenant_id = app_tenant()) with check (tenant_id = app_tenant());"
    "create policy item_operator on item to callpower_operator using (true);"
    "grant select, insert, update, delete on item to callpower_app, callpower_operator;"
    "grant usage on schema public to callpower_app, callpower_operator";

static const struct cp_tenant_id one = {1};
static struct cp_loop *loop;
static struct cp_db_exclusive *pool;
static struct cp_db_exclusive_options options;

/* What a transaction's callbacks were told. */
struct work {
	int begun, begin_error, ended, end_error;
	struct cp_db_session *session;
	char message[256];
};

static void on_begun(void *data, int error, struct cp_db_session *session)
{
	struct work *work = data;
	if (answers_are_gone)
		return;
	++work->begun;
	work->begin_error = error;
	work->session = session;
	assert_true((error == 0) == (session != NULL));
	if (error != 0)
		snprintf(work->message, sizeof(work->message), "%s", cp_error_message());
}

static void on_ended(void *data, int error)
{
	struct work *work = data;
	if (answers_are_gone)
		return;
	++work->ended;
	work->end_error = error;
}

static void begin(struct work *work)
{
	assert_ok(cp_db_begin(pool, options.scope == CP_DB_TENANT ? &one : NULL, on_begun, work));
	turn_until(loop, &work->begun, 1);
	assert_int_equal(work->begin_error, 0);
}

static struct answer run(struct work *work, const char *sql)
{
	struct answer answer = {0};
	assert_ok(cp_db_run(work->session, sql, NULL, 0, on_answer, &answer));
	turn_until(loop, &answer.calls, 1);
	return answer;
}

static int commit(struct work *work)
{
	cp_db_commit(work->session, on_ended, work);
	assert_int_equal(work->ended, 0); /* from the loop, never at once */
	turn_until(loop, &work->ended, 1);
	return work->end_error;
}

static void open_pool(void)
{
	assert_ok(cp_db_exclusive_new(loop, &options, &pool));
}

static int setup(void **state)
{
	(void)state;
	options = (struct cp_db_exclusive_options){
	    .conninfo = scratch_conninfo("callpower_app"),
	    .scope = CP_DB_TENANT,
	    .connections = 1,
	    .max_waiting = 3,
	    .deadline_ms = 2000,
	    .max_backoff_ms = 200,
	};
	scratch_script("callpower_owner", "truncate item");
	answers_are_gone = false;
	return cp_loop_new(&loop);
}

static int teardown(void **state)
{
	(void)state;
	answers_are_gone = true;
	pool = cp_db_exclusive_free(pool);
	loop = cp_loop_free(loop);
	return 0;
}

static void test_commit_and_rollback(void **state)
{
	(void)state;
	open_pool();
	assert_string_equal(
	    scratch_value(
	        "select count(*) from pg_stat_activity where usename = 'callpower_app' and datname = current_database()"),
	    "0"); /* opened on demand */
	struct work work = {0};
	begin(&work);
	assert_string_equal(run(&work, "select app_tenant()").text, "1");
	assert_int_equal(run(&work, "insert into item values (1, 1), (1, 2)").affected, 2);
	assert_string_equal(scratch_value("select count(*) from item"), "0");
	assert_ok(commit(&work));
	assert_string_equal(scratch_value("select count(*) from item"), "2");

	struct work undone = {0};
	begin(&undone);
	assert_int_equal(run(&undone, "delete from item").affected, 2);
	cp_db_rollback(undone.session);
	struct work after = {0};
	begin(&after); /* the one connection was given back */
	assert_string_equal(run(&after, "select count(*) from item").text, "2");
	cp_db_rollback(after.session);
}

static void test_values(void **state)
{
	(void)state;
	open_pool();
	struct work work = {0};
	struct answer answer = {0};
	begin(&work);
	struct cp_str values[] = {CP_STR_NULL, cp_str_n("Zoë!", 4)}, nul = cp_str_n("\0", 1);
	assert_ok(cp_db_run(work.session, "select coalesce($1::text, 'absent') || $2", values, 2, on_answer, &answer));
	assert_int_equal(cp_db_run(work.session, "select 1", NULL, 0, on_answer, &answer), CP_E_BUG); /* one at a time */
	turn_until(loop, &answer.calls, 1);
	assert_string_equal(answer.text, "absentZoë");
	assert_int_equal(cp_db_run(work.session, "select $1::text", &nul, 1, on_answer, &answer), CP_E_BUG);
	assert_string_equal(run(&work, "select count(*) from generate_series(1, 3)").text, "3");
	assert_int_equal(run(&work, "select repeat('x', 100) from generate_series(1, 50000)").rows, 50000);
	assert_ok(commit(&work));
}

static void test_failed_statement(void **state)
{
	(void)state;
	open_pool();
	struct work work = {0}, deferred = {0}, after = {0};
	begin(&work);
	run(&work, "insert into item values (1, 1)");
	assert_int_equal(run(&work, "insert into item values (1, 1)").error, CP_E_CONFLICT);
	assert_int_equal(run(&work, "select 1").error, CP_E_BUG); /* "current transaction is aborted" */
	assert_int_equal(commit(&work), CP_E_CONFLICT);
	begin(&deferred);
	assert_int_equal(run(&deferred, "insert into item values (1, 2, 77)").error, 0);
	assert_int_equal(commit(&deferred), CP_E_CONFLICT);
	begin(&after);
	assert_string_equal(run(&after, "select count(*) from item").text, "0");
	assert_int_equal(run(&after, "copy item to stdout").error,
	                 CP_E_UNAVAILABLE); /* refused, at the price of the connection */
	assert_int_equal(commit(&after), CP_E_UNAVAILABLE);
}

static void test_scope(void **state)
{
	(void)state;
	struct work work = {0};
	open_pool();
	assert_int_equal(cp_db_begin(pool, NULL, on_begun, &work), CP_E_BUG);
	assert_int_equal(cp_db_begin(pool, &(struct cp_tenant_id){-1}, on_begun, &work), CP_E_BUG);
	pool = cp_db_exclusive_free(pool);
	options.scope = CP_DB_OPERATOR;
	options.conninfo = scratch_conninfo("callpower_operator");
	open_pool();
	assert_int_equal(cp_db_begin(pool, &one, on_begun, &work), CP_E_BUG);
	begin(&work);
	assert_string_equal(run(&work, "select app_tenant() is null").text, "t");
	assert_ok(commit(&work));
	pool = cp_db_exclusive_free(pool);
	options.conninfo = "host=localhost";
	assert_int_equal(cp_db_exclusive_new(loop, &options, &pool), CP_E_INPUT);
}

static void test_waiting(void **state)
{
	(void)state;
	options.deadline_ms = 1000;
	open_pool();
	struct work work = {0}, waiting[3] = {0}, refused = {0}, next = {0};
	begin(&work);
	for (int i = 0; i < 3; ++i)
		assert_ok(cp_db_begin(pool, &one, on_begun, &waiting[i]));
	assert_int_equal(cp_db_begin(pool, &one, on_begun, &refused), CP_E_LIMIT);
	turn_until(loop, &waiting[2].begun, 1);
	for (int i = 0; i < 3; ++i) {
		assert_int_equal(waiting[i].begun, 1);
		assert_int_equal(waiting[i].begin_error, CP_E_UNAVAILABLE);
	}
	assert_non_null(strstr(waiting[0].message, "lent for too long"));
	assert_int_equal(refused.begun, 0);
	assert_ok(cp_db_begin(pool, &one, on_begun, &next));
	cp_db_rollback(work.session);
	turn_until(loop, &next.begun, 1);
	assert_int_equal(next.begin_error, 0);
	cp_db_rollback(next.session);
}

static void test_several_connections(void **state)
{
	(void)state;
	options.connections = 2;
	open_pool();
	struct work a = {0}, b = {0};
	begin(&a);
	begin(&b);
	char first[64];
	snprintf(first, sizeof(first), "%s", run(&a, "select pg_backend_pid()").text);
	assert_string_not_equal(run(&b, "select pg_backend_pid()").text, first);
	assert_ok(commit(&a));
	assert_ok(commit(&b));
}

static void kill_sessions(void)
{
	scratch_value("select count(pg_terminate_backend(pid)) from pg_stat_activity "
	              "where datname = current_database() and usename in ('callpower_app', 'callpower_operator')");
}

static void test_lost_while_lent(void **state)
{
	(void)state;
	open_pool();
	struct work work = {0}, after = {0};
	begin(&work);
	run(&work, "insert into item values (1, 1)");
	kill_sessions();
	turn_for(loop, 50);
	struct answer answer = {0};
	assert_int_equal(cp_db_run(work.session, "select 1", NULL, 0, on_answer, &answer), CP_E_UNAVAILABLE);
	assert_int_equal(commit(&work), CP_E_UNAVAILABLE);
	assert_int_equal(answer.calls, 0);
	begin(&after);
	assert_string_equal(run(&after, "select count(*) from item").text, "0");
	assert_ok(commit(&after));
}

static void test_lost_while_running_and_idle(void **state)
{
	(void)state;
	open_pool();
	struct work work = {0}, after = {0};
	struct answer slow = {0};
	begin(&work);
	assert_ok(cp_db_run(work.session, "select pg_sleep(5)", NULL, 0, on_answer, &slow));
	turn_for(loop, 50);
	kill_sessions();
	turn_until(loop, &slow.calls, 1);
	assert_int_equal(slow.error, CP_E_UNAVAILABLE); /* not a timeout: nothing was committed */
	turn_for(loop, 20);
	cp_db_rollback(work.session);
	begin(&after);
	assert_ok(commit(&after));
	kill_sessions(); /* the idle one; nobody has told the pool yet when the next begins */
	struct work next = {0};
	begin(&next);
	assert_ok(commit(&next));
}

static void test_deadlines(void **state)
{
	(void)state;
	char conninfo[600];
	options.deadline_ms = 1200;
	open_pool();
	struct work work = {0}, hung = {0}, after = {0};
	begin(&work);
	assert_int_equal(run(&work, "select pg_sleep(5)").error, CP_E_LIMIT); /* the server gives up first */
	cp_db_rollback(work.session);
	turn_for(loop, 20);
	pool = cp_db_exclusive_free(pool);
	snprintf(conninfo, sizeof(conninfo), "%s options='-c statement_timeout=0'", scratch_conninfo("callpower_app"));
	options.conninfo = conninfo;
	open_pool();
	begin(&hung);
	assert_int_equal(run(&hung, "select pg_sleep(5)").error, CP_E_UNAVAILABLE); /* we do */
	assert_int_equal(commit(&hung), CP_E_UNAVAILABLE);
	begin(&after);
	assert_ok(commit(&after));
}

static void test_commit_while_running(void **state)
{
	(void)state;
	open_pool();
	struct work work = {0}, after = {0};
	struct answer abandoned = {0};
	begin(&work);
	run(&work, "insert into item values (1, 1)");
	assert_ok(cp_db_run(work.session, "select pg_sleep(0.2)", NULL, 0, on_answer, &abandoned));
	assert_int_equal(commit(&work), CP_E_BUG);
	begin(&after);
	assert_ok(cp_db_run(after.session, "select pg_sleep(0.2)", NULL, 0, on_answer, &abandoned));
	cp_db_rollback(after.session);
	turn_for(loop, 300);
	assert_int_equal(abandoned.calls, 0);
	assert_string_equal(scratch_value("select count(*) from item"), "0");
}

static void test_clock(void **state)
{
	(void)state;
	open_pool();
	struct work work = {0};
	cp_clock_set_offset_us(3000000);
	begin(&work);
	assert_string_equal(run(&work, "select current_setting('app.clock_offset_us')").text, "3000000");
	cp_clock_set_offset_us(0);
	assert_ok(commit(&work));
}

static void test_idle_session_is_closed(void **state)
{
	(void)state;
	open_pool();
	pool->idle_ms = 50;
	struct work work = {0}, again = {0};
	begin(&work);
	turn_for(loop, 150); /* lent is not idle */
	assert_ok(commit(&work));
	assert_int_equal(pool->sessions[0].state, CP_DB_SESSION_IDLE);
	turn_for(loop, 150);
	assert_int_equal(pool->sessions[0].state, CP_DB_SESSION_CLOSED);
	assert_null(pool->sessions[0].link.pg);
	begin(&again);
	assert_ok(commit(&again));
}

/* Ends its session in the callback, as one does on an error. */
struct leaver {
	struct cp_db_session *session;
	int calls, error;
	bool commits, frees;
	struct work work;
};

static void on_leaver(void *data, int error, const struct cp_db_result *result)
{
	struct leaver *leaver = data;
	if (answers_are_gone)
		return;
	(void)result;
	++leaver->calls;
	leaver->error = error;
	if (leaver->frees)
		pool = cp_db_exclusive_free(pool);
	else if (leaver->commits)
		cp_db_commit(leaver->session, on_ended, &leaver->work);
	else
		cp_db_rollback(leaver->session);
}

static void test_free_ends_everything(void **state)
{
	(void)state;
	options.connections = 3;
	open_pool();
	struct leaver leavers[2] = {{.commits = true}, {.commits = false}};
	struct work lent = {0}, waiting = {0}, works[2] = {0};
	for (int i = 0; i < 2; ++i) {
		begin(&works[i]);
		leavers[i].session = works[i].session;
		assert_ok(cp_db_run(leavers[i].session, "select pg_sleep(5)", NULL, 0, on_leaver, &leavers[i]));
	}
	begin(&lent);
	assert_ok(cp_db_begin(pool, &one, on_begun, &waiting));
	turn_for(loop, 20);
	pool = cp_db_exclusive_free(pool);
	for (int i = 0; i < 2; ++i) {
		assert_int_equal(leavers[i].calls, 1);
		assert_int_equal(leavers[i].error, CP_E_UNAVAILABLE);
	}
	assert_int_equal(leavers[0].work.ended, 1);
	assert_int_equal(leavers[0].work.end_error, CP_E_UNAVAILABLE);
	assert_int_equal(waiting.begun, 1);
	assert_int_equal(waiting.begin_error, CP_E_UNAVAILABLE);
	turn_for(loop, 20);
}

static void test_callbacks_may_end_and_free(void **state)
{
	(void)state;
	open_pool();
	struct leaver leaver = {0}, last = {.frees = true};
	struct work work = {0}, again = {0};
	begin(&work);
	leaver.session = work.session;
	assert_ok(cp_db_run(work.session, "select 1/0", NULL, 0, on_leaver, &leaver));
	turn_until(loop, &leaver.calls, 1);
	begin(&again);
	assert_ok(cp_db_run(again.session, "select 1", NULL, 0, on_leaver, &last));
	turn_until(loop, &last.calls, 1);
	assert_null(pool);
	turn_for(loop, 20);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_commit_and_rollback),
	    TEST(test_values),
	    TEST(test_failed_statement),
	    TEST(test_scope),
	    TEST(test_waiting),
	    TEST(test_several_connections),
	    TEST(test_lost_while_lent),
	    TEST(test_lost_while_running_and_idle),
	    TEST(test_deadlines),
	    TEST(test_commit_while_running),
	    TEST(test_clock),
	    TEST(test_free_ends_everything),
	    TEST(test_callbacks_may_end_and_free),
	    TEST(test_idle_session_is_closed),
	};
	if (!scratch_open())
		return 0;
	scratch_script("callpower_owner", schema);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_close();
	return failed;
}
