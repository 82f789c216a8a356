#include "db/migrate.h"

#include <stdio.h>
#include <stdlib.h>

/* Any constant that no other program uses on this database: one run at a time. ("callpowr" in ASCII.) */
#define LOCK "select pg_advisory_xact_lock(x'63616c6c706f7772'::bit(64)::bigint)"

/* Everybody may read it: the serving roles check at start that database and program belong together. */
static const char table_sql[] = "create table if not exists schema_migration ("
                                "number integer primary key, name text not null, sha256 bytea not null, "
                                "applied_at timestamptz not null default clock_timestamp());"
                                "grant select on schema_migration to public";

/* A table that waits for its lock stops whoever comes after it; better to give up and be run again. */
static const char limits_sql[] = "set local lock_timeout = '10s'";

static void rollback(struct cp_db_blocking *connection)
{
	CP_CLEANUP(cp_free_ptr) char *reason = cp_strdup(cp_error_message());
	(void)cp_db_blocking_script(connection, "rollback");
	cp_fail(CP_E_BUG, "%s", reason); /* the message of what failed first is the one to keep */
}

static int check_table(const struct cp_migration *migrations, size_t count)
{
	for (size_t i = 1; i < count; ++i)
		if (migrations[i].number <= migrations[i - 1].number)
			return cp_fail(CP_E_BUG, "migration %s stands behind %s", migrations[i].name, migrations[i - 1].name);
	return 0;
}

static int has_table(struct cp_db_blocking *connection, bool *ret_has)
{
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	int error = cp_db_blocking_run(connection, "select to_regclass('public.schema_migration') is not null", NULL, 0, &result);
	if (error == 0)
		*ret_has = cp_db_boolean(result, 0, 0);
	return error;
}

/* Compares the applied row with the migration of the same place. The server computes the digest, of both with the same function.
 */
static int check_applied(struct cp_db_blocking *connection, const struct cp_db_result *applied, int row,
                         const struct cp_migration *migration)
{
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *same = NULL;
	struct cp_str values[] = {cp_str(migration->sql), cp_db_value(applied, row, 2)};
	int error = cp_db_blocking_run(connection, "select sha256(convert_to($1::text, 'UTF8')) = $2::bytea", values, 2, &same);
	if (error != 0)
		return error;
	if (cp_str_eq(cp_db_value(applied, row, 1), cp_str(migration->name)) && cp_db_boolean(same, 0, 0))
		return 0;
	return cp_fail(
	    CP_E_CONFLICT,
	    "%s.sql is not what was applied to this database as %.*s; a migration must never be changed once it was applied",
	    migration->name, CP_STR_ARG(cp_db_value(applied, row, 1)));
}

/* How many of the migrations, from the first on, the database has. CP_E_CONFLICT where it has anything else. */
static int count_applied(struct cp_db_blocking *connection, const struct cp_migration *migrations, size_t count,
                         size_t *ret_applied)
{
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *applied = NULL;
	bool has;
	int error = has_table(connection, &has);
	if (error == 0 && !has)
		*ret_applied = 0;
	if (error != 0 || !has)
		return error;
	error = cp_db_blocking_run(connection, "select number, name, sha256 from public.schema_migration order by number", NULL,
	                           0, &applied);
	if (error != 0)
		return error;
	size_t rows = (size_t)cp_db_rows(applied);
	for (size_t i = 0; i < rows; ++i) {
		if (i >= count || cp_db_integer(applied, (int)i, 0) < migrations[i].number)
			return cp_fail(CP_E_CONFLICT,
			               "the database has migration %.*s, which this program does not know: run a newer callpower",
			               CP_STR_ARG(cp_db_value(applied, (int)i, 1)));
		if (cp_db_integer(applied, (int)i, 0) > migrations[i].number)
			return cp_fail(CP_E_CONFLICT,
			               "%s.sql was added before %.*s, which this database has already: give it a higher number",
			               migrations[i].name, CP_STR_ARG(cp_db_value(applied, (int)i, 1)));
		error = check_applied(connection, applied, (int)i, &migrations[i]);
		if (error != 0)
			return error;
	}
	*ret_applied = rows;
	return 0;
}

/* The transaction's id; a migration that commits or begins by itself changes it. */
static int transaction_id(struct cp_db_blocking *connection, char out[24])
{
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	int error = cp_db_blocking_run(connection, "select pg_current_xact_id()", NULL, 0, &result);
	if (error == 0)
		snprintf(out, 24, "%.*s", CP_STR_ARG(cp_db_value(result, 0, 0)));
	return error;
}

static int apply(struct cp_db_blocking *connection, const struct cp_migration *migration)
{
	char before[24], after[24], number[16];
	int error = cp_db_blocking_script(connection, limits_sql);
	if (error == 0)
		error = transaction_id(connection, before);
	if (error != 0)
		return error;
	error = cp_db_blocking_script(connection, migration->sql);
	if (error == 0)
		error = transaction_id(connection, after);
	if (error == 0 && strcmp(before, after) != 0)
		error = cp_fail(CP_E_BUG, "it begins or ends a transaction, which is not a migration's to do");
	if (error != 0)
		return cp_fail_in(error, "%s.sql", migration->name);
	snprintf(number, sizeof(number), "%d", migration->number);
	struct cp_str values[] = {cp_str(number), cp_str(migration->name), cp_str(migration->sql)};
	return cp_db_blocking_run(connection,
	                          "insert into public.schema_migration (number, name, sha256) "
	                          "values ($1::integer, $2, sha256(convert_to($3::text, 'UTF8')))",
	                          values, 3, NULL);
}

/* Inside a transaction: under the lock, applies the first that is missing. *ret_done: there was none. */
static int apply_next(struct cp_db_blocking *connection, const struct cp_migration *migrations, size_t count,
                      void (*applied)(void *data, const struct cp_migration *migration), void *data, bool *ret_done)
{
	size_t have;
	bool has;
	int error = cp_db_blocking_script(connection, LOCK);
	if (error == 0)
		error = has_table(connection, &has);
	if (error == 0 && !has)
		error = cp_db_blocking_script(connection, table_sql);
	if (error == 0)
		error = count_applied(connection, migrations, count, &have);
	if (error != 0)
		return error;
	*ret_done = have == count;
	if (have == count)
		return 0;
	if (applied != NULL)
		applied(data, &migrations[have]);
	return apply(connection, &migrations[have]);
}

/*
 * The lock is the transaction's and the list is read again under each, so that runs take turns migration by migration whatever
 * happens to one of them.
 */
int cp_migrate(struct cp_db_blocking *connection, const struct cp_migration *migrations, size_t count,
               void (*applied)(void *data, const struct cp_migration *migration), void *data, int *ret_count)
{
	bool done = false;
	int error = check_table(migrations, count), n = 0;
	while (error == 0 && !done) {
		error = cp_db_blocking_script(connection, "begin");
		if (error != 0)
			break;
		error = apply_next(connection, migrations, count, applied, data, &done);
		if (error == 0)
			error = cp_db_blocking_script(connection, "commit");
		else
			rollback(connection);
		n += error == 0 && !done;
	}
	if (error == 0)
		*ret_count = n;
	return error;
}

int cp_migrate_check(struct cp_db_blocking *connection, const struct cp_migration *migrations, size_t count)
{
	size_t have;
	int error = check_table(migrations, count);
	if (error == 0)
		error = count_applied(connection, migrations, count, &have);
	if (error == 0 && have < count)
		error = cp_fail(CP_E_CONFLICT, "the database lacks migration %s: run `callpower migrate`", migrations[have].name);
	return error;
}
