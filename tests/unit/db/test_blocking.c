#include "check.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/memory.h"
#include "scratch.h"

static struct cp_db_blocking *app;

static void test_values(void **state)
{
	(void)state;
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	struct cp_str values[] = {CP_STR_NULL, CP_STR(""), cp_str_n("-42 and more", 3),
	                          cp_db_bytea(arena, cp_str_n("\0\xff\x10", 3)), CP_STR("Zoë")};
	assert_ok(cp_db_blocking_run(app,
	                             "select $1::text, $2::text, $3::bigint, $4::bytea, $5::text, $3::int < 0, null::boolean",
	                             values, CP_COUNT(values), &result));
	assert_int_equal(cp_db_rows(result), 1);
	assert_null(cp_db_value(result, 0, 0).ptr);
	assert_non_null(cp_db_value(result, 0, 1).ptr);
	assert_int_equal(cp_db_value(result, 0, 1).len, 0);
	assert_int_equal(cp_db_integer(result, 0, 2), -42);
	assert_int_equal(cp_db_integer(result, 0, 0), 0);
	assert_true(cp_str_eq(cp_db_bytes(result, 0, 3, arena), cp_str_n("\0\xff\x10", 3)));
	assert_null(cp_db_bytes(result, 0, 0, arena).ptr);
	assert_true(cp_str_eq(cp_db_value(result, 0, 4), CP_STR("Zoë")));
	assert_true(cp_db_boolean(result, 0, 5));
	assert_false(cp_db_boolean(result, 0, 6));
}

static void test_affected(void **state)
{
	(void)state;
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	assert_int_equal(cp_db_blocking_script(app, "create temporary table t (n integer); insert into t values (1), (2), (3)"),
	                 0);
	assert_ok(cp_db_blocking_run(app, "update t set n = n + 1 where n > 1", NULL, 0, &result));
	assert_int_equal(cp_db_affected(result), 2);
}

static int run_error(const char *sql)
{
	return cp_db_blocking_run(app, sql, NULL, 0, NULL);
}

static void test_errors(void **state)
{
	(void)state;
	assert_int_equal(cp_db_blocking_script(app, "create temporary table u (n integer primary key); insert into u values (1)"),
	                 0);
	assert_int_equal(run_error("insert into u values (1)"), CP_E_CONFLICT);
	assert_non_null(strstr(cp_error_message(), "u_pkey"));
	assert_non_null(strstr(cp_error_message(), "23505"));
	assert_null(strstr(cp_error_message(), "(n)=(1)")); /* DETAIL quotes rows */
	assert_int_equal(run_error("select 1/0"), CP_E_BUG);
	assert_int_equal(run_error("selec"), CP_E_BUG);
	assert_int_equal(run_error("do $$ begin raise sqlstate '40001'; end $$"), CP_E_CONFLICT);
	assert_int_equal(run_error("do $$ begin raise sqlstate '40003'; end $$"), CP_E_TIMEOUT);
	assert_int_equal(run_error("do $$ begin raise sqlstate '55P03'; end $$"), CP_E_LIMIT);
	assert_int_equal(run_error("do $$ begin raise sqlstate '53100'; end $$"), CP_E_UNAVAILABLE);
	assert_int_equal(run_error("do $$ begin raise sqlstate '25006'; end $$"), CP_E_UNAVAILABLE);
	assert_int_equal(run_error("set statement_timeout = 20"), 0);
	assert_int_equal(run_error("select pg_sleep(5)"), CP_E_LIMIT);
	assert_int_equal(run_error("reset statement_timeout"), 0);
	struct cp_str nul = cp_str_n("a\0b", 3);
	assert_int_equal(cp_db_blocking_run(app, "select $1", &nul, 1, NULL), CP_E_BUG);
	assert_int_equal(cp_db_blocking_script(app, "select 1;\n-- é\nselect\n 1/0 + nowhere;"), CP_E_BUG);
	assert_non_null(strstr(cp_error_message(), "line 4"));
	assert_ok(cp_db_blocking_script(app, "-- nothing to do"));
}

static void test_lost_connection(void **state)
{
	(void)state;
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *doomed = scratch_connect(NULL);
	assert_int_equal(cp_db_blocking_run(doomed, "select pg_terminate_backend(pg_backend_pid())", NULL, 0, NULL),
	                 CP_E_TIMEOUT);
	assert_true(cp_db_blocking_run(doomed, "select 1", NULL, 0, NULL) != 0);
}

static void test_bind(void **state)
{
	(void)state;
	struct cp_tenant_id tenant = {7}, none = {0};
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *inside = NULL, *outside = NULL;
	assert_int_equal(cp_db_blocking_bind(app, &tenant), CP_E_BUG); /* it would hold for the session, not for a transaction */
	assert_ok(cp_db_blocking_script(app, "begin"));
	assert_int_equal(cp_db_blocking_bind(app, &none), CP_E_BUG);
	assert_ok(cp_db_blocking_bind(app, &tenant));
	assert_ok(cp_db_blocking_run(app, "select current_setting('app.tenant_id')", NULL, 0, &inside));
	assert_int_equal(cp_db_integer(inside, 0, 0), 7);
	assert_ok(cp_db_blocking_script(app, "commit"));
	assert_ok(
	    cp_db_blocking_run(app, "select nullif(current_setting('app.tenant_id', true), '') is null", NULL, 0, &outside));
	assert_true(cp_db_boolean(outside, 0, 0));
}

static void test_conninfo(void **state)
{
	(void)state;
	struct cp_db_blocking *connection = NULL;
	assert_int_equal(cp_db_blocking_open("host=/tmp password='secret", &connection), CP_E_INPUT);
	assert_null(strstr(cp_error_message(), "secret"));
	assert_int_equal(cp_db_blocking_open("host=/nonexistent user=x", &connection), CP_E_UNAVAILABLE);
	assert_null(strchr(cp_error_message(), '\n'));
	assert_null(connection);
}

static void test_settings(void **state)
{
	(void)state;
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *connection = NULL;
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	char conninfo[600];
	cp_clock_set_offset_us(3600000000);
	snprintf(conninfo, sizeof(conninfo), "%s options='-c bytea_output=escape -c work_mem=1MB'",
	         scratch_conninfo("callpower_app"));
	assert_ok(cp_db_blocking_open(conninfo, &connection));
	cp_clock_set_offset_us(0);
	assert_ok(cp_db_blocking_run(connection,
	                             "select current_setting('app.clock_offset_us'), current_setting('bytea_output'), "
	                             "current_setting('work_mem'), current_setting('synchronous_commit')",
	                             NULL, 0, &result));
	assert_int_equal(cp_db_integer(result, 0, 0), 3600000000);
	assert_true(cp_str_eq(cp_db_value(result, 0, 1), CP_STR("escape"))); /* the operator's word is the last */
	assert_true(cp_str_eq(cp_db_value(result, 0, 2), CP_STR("1MB")));
	assert_true(cp_str_eq(cp_db_value(result, 0, 3), CP_STR("on")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),          cmocka_unit_test(test_affected), cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_lost_connection), cmocka_unit_test(test_bind),     cmocka_unit_test(test_conninfo),
	    cmocka_unit_test(test_settings),
	};
	if (!scratch_open())
		return 0;
	app = scratch_connect("callpower_app");
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	app = cp_db_blocking_close(app);
	scratch_close();
	return failed;
}
