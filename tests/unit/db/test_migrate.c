#include "check.h"

#include "base/memory.h"
#include "db/migrate.h"
#include "scratch.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct cp_migration good[] = {
    {1, "0001_one", "create table one (n integer);\ncreate table one_b (n integer);\n"},
    {2, "0002_two", "create table two (n integer);"},
    {4, "0004_four", "insert into two values (4);"},
};

static struct cp_db_blocking *owner;

static int fresh(void **state)
{
	(void)state;
	scratch_script(NULL, "drop schema public cascade; create schema public authorization pg_database_owner; "
	                     "grant usage on schema public to public");
	owner = scratch_connect("callpower_owner");
	return 0;
}

static int done(void **state)
{
	(void)state;
	owner = cp_db_blocking_close(owner);
	return 0;
}

static void note(void *data, const struct cp_migration *migration)
{
	strcat(data, migration->name);
	strcat(data, " ");
}

static void test_fresh_and_again(void **state)
{
	(void)state;
	char names[128] = "";
	int applied = -1;
	assert_int_equal(cp_migrate_check(owner, good, 3), CP_E_CONFLICT);
	assert_non_null(strstr(cp_error_message(), "callpower migrate"));
	assert_ok(cp_migrate(owner, good, 2, note, names, &applied));
	assert_int_equal(applied, 2);
	assert_string_equal(names, "0001_one 0002_two ");
	assert_ok(cp_migrate(owner, good, 2, note, names, &applied));
	assert_int_equal(applied, 0);
	assert_int_equal(cp_migrate_check(owner, good, 3), CP_E_CONFLICT);
	assert_ok(cp_migrate(owner, good, 3, note, names, &applied));
	assert_int_equal(applied, 1);
	assert_string_equal(names, "0001_one 0002_two 0004_four ");
	assert_ok(cp_migrate_check(owner, good, 3));
	assert_string_equal(scratch_value("select string_agg(number || name, ',' order by number) from schema_migration"),
	                    "10001_one,20002_two,40004_four");
	assert_string_equal(scratch_value("select tableowner from pg_tables where tablename = 'one'"), "callpower_owner");
}

static void test_check_as_app(void **state)
{
	(void)state;
	int applied;
	assert_ok(cp_migrate(owner, good, 3, NULL, NULL, &applied));
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *app = scratch_connect("callpower_app");
	assert_ok(cp_migrate_check(app, good, 3));
	assert_int_equal(cp_db_blocking_script(app, "delete from schema_migration"), CP_E_BUG);
}

static void test_changed(void **state)
{
	(void)state;
	int applied = -1;
	struct cp_migration changed[3];
	memcpy(changed, good, sizeof(good));
	assert_ok(cp_migrate(owner, good, 2, NULL, NULL, &applied));
	changed[0].sql = "create table one (n bigint);";
	assert_int_equal(cp_migrate(owner, changed, 3, NULL, NULL, &applied), CP_E_CONFLICT);
	assert_non_null(strstr(cp_error_message(), "0001_one"));
	assert_int_equal(cp_migrate_check(owner, changed, 2), CP_E_CONFLICT);
	changed[0] = (struct cp_migration){1, "0001_renamed", good[0].sql};
	assert_int_equal(cp_migrate(owner, changed, 3, NULL, NULL, &applied), CP_E_CONFLICT);
	assert_string_equal(scratch_value("select count(*) from schema_migration"), "2");
}

static void test_failing(void **state)
{
	(void)state;
	int applied = -1;
	const struct cp_migration failing[] = {
	    good[0],
	    {2, "0002_fails", "create table partly (n integer);\n\ninsert into nowhere values (1);"},
	    {3, "0003_never", "create table never (n integer)"},
	};
	assert_int_equal(cp_migrate(owner, failing, 3, NULL, NULL, &applied), CP_E_BUG);
	assert_int_equal(applied, -1);
	assert_non_null(strstr(cp_error_message(), "0002_fails.sql: line 3: "));
	assert_non_null(strstr(cp_error_message(), "nowhere"));
	assert_string_equal(
	    scratch_value("select string_agg(tablename, ',' order by tablename) from pg_tables where schemaname = 'public'"),
	    "one,one_b,schema_migration");
	/* The connection is usable, and a mended file goes on where it stopped. */
	assert_ok(cp_migrate(owner, good, 3, NULL, NULL, &applied));
	assert_int_equal(applied, 2);
}

static void test_own_transaction(void **state)
{
	(void)state;
	int applied = -1;
	const struct cp_migration cheating[] = {
	    {1, "0001_commits", "create table x (n integer); commit; begin; create table y (n integer)"}};
	assert_int_equal(cp_migrate(owner, cheating, 1, NULL, NULL, &applied), CP_E_BUG);
	assert_non_null(strstr(cp_error_message(), "transaction"));
	assert_string_equal(scratch_value("select to_regclass('public.y') is null"), "t");
}

static void test_ahead_and_between(void **state)
{
	(void)state;
	int applied = -1;
	assert_ok(cp_migrate(owner, good, 3, NULL, NULL, &applied));
	assert_int_equal(cp_migrate(owner, good, 2, NULL, NULL, &applied), CP_E_CONFLICT);
	assert_non_null(strstr(cp_error_message(), "0004_four"));
	assert_non_null(strstr(cp_error_message(), "newer"));
	assert_int_equal(cp_migrate_check(owner, good, 2), CP_E_CONFLICT);
	const struct cp_migration between[] = {good[0], good[1], {3, "0003_late", "create table late (n integer)"}, good[2]};
	assert_int_equal(cp_migrate(owner, between, 4, NULL, NULL, &applied), CP_E_CONFLICT);
	assert_non_null(strstr(cp_error_message(), "0003_late"));
	assert_string_equal(scratch_value("select to_regclass('public.late') is null"), "t");
	const struct cp_migration disordered[] = {good[1], good[0]};
	assert_int_equal(cp_migrate(owner, disordered, 2, NULL, NULL, &applied), CP_E_BUG);
}

static const struct cp_migration slow[] = {
    {1, "0001_slow", "create table a (n integer); select pg_sleep(0.1)"},
    {2, "0002_slow", "create table b (n integer); select pg_sleep(0.1)"},
    {3, "0003_slow", "create table c (n integer); select pg_sleep(0.1)"},
};

static void *migrate_beside(void *data)
{
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *connection = NULL;
	int *ret = data;
	if (cp_db_blocking_open(scratch_conninfo("callpower_owner"), &connection) != 0 ||
	    cp_migrate(connection, slow, CP_COUNT(slow), NULL, NULL, ret) != 0) {
		fprintf(stderr, "# %s\n", cp_error_message());
		*ret = -1000;
	}
	return NULL;
}

static void test_concurrent(void **state)
{
	(void)state;
	pthread_t threads[3];
	int applied[3] = {0};
	scratch_conninfo("callpower_owner"); /* filled before threads share it */
	for (int i = 0; i < 3; ++i)
		assert_int_equal(pthread_create(&threads[i], NULL, migrate_beside, &applied[i]), 0);
	for (int i = 0; i < 3; ++i)
		pthread_join(threads[i], NULL);
	assert_int_equal(applied[0] + applied[1] + applied[2], 3);
	assert_string_equal(scratch_value("select count(*) from schema_migration"), "3");
}

static void test_program_migrations(void **state)
{
	(void)state;
	int applied = -1;
	size_t files = 0;
	if (cp_migrate(owner, cp_migrations, cp_migrations_count, NULL, NULL, &applied) != 0)
		fail_msg("%s", cp_error_message());
	assert_int_equal(applied, cp_migrations_count);
	assert_ok(cp_migrate_check(owner, cp_migrations, cp_migrations_count));
	DIR *folder = opendir(MIGRATIONS_FOLDER);
	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		files += cp_str_ends(cp_str(entry->d_name), CP_STR(".sql"));
	closedir(folder);
	assert_int_equal(cp_migrations_count, files); /* none is left out of the program */
	/* The embedded text is the file's, byte for byte. */
	for (size_t i = 0; i < cp_migrations_count; ++i) {
		char path[512];
		snprintf(path, sizeof(path), "%s/%s.sql", MIGRATIONS_FOLDER, cp_migrations[i].name);
		FILE *file = fopen(path, "r");
		assert_non_null(file);
		size_t size = strlen(cp_migrations[i].sql);
		CP_CLEANUP(cp_free_ptr) char *text = cp_alloc(size + 2);
		assert_int_equal(fread(text, 1, size + 1, file), size);
		fclose(file);
		assert_memory_equal(text, cp_migrations[i].sql, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_fresh_and_again, fresh, done),
	    cmocka_unit_test_setup_teardown(test_check_as_app, fresh, done),
	    cmocka_unit_test_setup_teardown(test_changed, fresh, done),
	    cmocka_unit_test_setup_teardown(test_failing, fresh, done),
	    cmocka_unit_test_setup_teardown(test_own_transaction, fresh, done),
	    cmocka_unit_test_setup_teardown(test_ahead_and_between, fresh, done),
	    cmocka_unit_test_setup_teardown(test_concurrent, fresh, done),
	    cmocka_unit_test_setup_teardown(test_program_migrations, fresh, done),
	};
	if (!scratch_open())
		return 0;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_close();
	return failed;
}
