#include "scratch.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char name[64];
static struct cp_db_blocking *superuser;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "scratch database: %s: %s\n", what, cp_error_message());
	exit(1);
}

static void in_cluster(const char *fmt)
{
	char sql[256];
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *connection = NULL;
	snprintf(sql, sizeof(sql), fmt, name);
	if (cp_db_blocking_open(getenv("CP_TEST_DATABASE"), &connection) != 0 || cp_db_blocking_script(connection, sql) != 0)
		give_up(sql);
}

bool scratch_open(void)
{
	if (getenv("CP_TEST_DATABASE") == NULL) {
		puts("1..0 # SKIP CP_TEST_DATABASE names no PostgreSQL cluster (tests/harness/postgres starts one)");
		return false;
	}
	snprintf(name, sizeof(name), "cp_scratch_%d", (int)getpid());
	in_cluster("drop database if exists %s with (force)");
	in_cluster("create database %s owner callpower_owner");
	superuser = scratch_connect(NULL);
	return true;
}

void scratch_close(void)
{
	superuser = cp_db_blocking_close(superuser);
	in_cluster("drop database %s with (force)");
}

const char *scratch_conninfo(const char *role)
{
	static char texts[4][512], roles[4][32];
	const char *wanted = role == NULL ? "" : role;
	for (size_t i = 0; i < CP_COUNT(texts); ++i) {
		if (texts[i][0] != '\0' && strcmp(roles[i], wanted) == 0)
			return texts[i];
		if (texts[i][0] != '\0')
			continue;
		snprintf(roles[i], sizeof(roles[i]), "%s", wanted);
		snprintf(texts[i], sizeof(texts[i]), "%s dbname=%s %s%s", getenv("CP_TEST_DATABASE"), name,
		         role == NULL ? "" : "user=", wanted);
		return texts[i];
	}
	abort();
}

struct cp_db_blocking *scratch_connect(const char *role)
{
	struct cp_db_blocking *connection;
	if (cp_db_blocking_open(scratch_conninfo(role), &connection) != 0)
		give_up(role == NULL ? "superuser" : role);
	return connection;
}

void scratch_script(const char *role, const char *sql)
{
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *connection = scratch_connect(role);
	if (cp_db_blocking_script(connection, sql) != 0)
		give_up(sql);
}

const char *scratch_value(const char *sql)
{
	static char text[256];
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	if (cp_db_blocking_run(superuser, sql, NULL, 0, &result) != 0)
		give_up(sql);
	struct cp_str value = cp_db_rows(result) == 0 ? CP_STR_NULL : cp_db_value(result, 0, 0);
	snprintf(text, sizeof(text), "%.*s", CP_STR_ARG(value));
	return text;
}
