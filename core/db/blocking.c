#include "db/blocking.h"
#include "private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct cp_db_blocking {
	PGconn *pg;
};

int cp_db_blocking_open(const char *conninfo, struct cp_db_blocking **ret_connection)
{
	/* A person waits for the command, and may interrupt it: no limit of ours. */
	struct cp_db_limits limits = {0};
	struct cp_db_target target;
	int error = cp_db_target_init(conninfo, &limits, &target);
	if (error != 0)
		return error;
	PGconn *pg = PQconnectdbParams(target.keywords, target.values, 1);
	cp_db_target_done(&target);
	if (PQstatus(pg) != CONNECTION_OK) {
		error = cp_fail(CP_E_UNAVAILABLE, "%s", pg == NULL ? "out of memory" : cp_db_sentence(pg));
		PQfinish(pg);
		return error;
	}
	cp_db_quiet(pg);
	struct cp_db_blocking *connection = cp_alloc(sizeof(*connection));
	connection->pg = pg;
	*ret_connection = connection;
	return 0;
}

struct cp_db_blocking *cp_db_blocking_close(struct cp_db_blocking *connection)
{
	if (connection != NULL)
		PQfinish(connection->pg);
	free(connection);
	return NULL;
}

void cp_db_blocking_close_ptr(struct cp_db_blocking **connection)
{
	*connection = cp_db_blocking_close(*connection);
}

int cp_db_blocking_bind(struct cp_db_blocking *connection, const struct cp_tenant_id *tenant)
{
	if (PQtransactionStatus(connection->pg) != PQTRANS_INTRANS)
		return cp_fail(CP_E_BUG, "a tenant is bound for a transaction, and none has begun");
	char text[24] = "";
	if (tenant != NULL) {
		if (tenant->value <= 0)
			return cp_fail(CP_E_BUG, "%" PRId64 " is no tenant's id", tenant->value);
		snprintf(text, sizeof(text), "%" PRId64, tenant->value);
	}
	struct cp_str value = cp_str(text);
	return cp_db_blocking_run(connection, "select set_config('app.tenant_id', $1, true)", &value, 1, NULL);
}

/* Takes over pg. */
static int finish(struct cp_db_blocking *connection, PGresult *pg, const char *what, struct cp_db_result **ret_result)
{
	if (pg == NULL)
		return cp_fail(CP_E_UNAVAILABLE, "%s", cp_db_sentence(connection->pg));
	int error = cp_db_result_error(pg, what);
	if (error != 0 || ret_result == NULL) {
		PQclear(pg);
		return error;
	}
	struct cp_db_result *result = cp_alloc(sizeof(*result));
	result->pg = pg;
	*ret_result = result;
	return 0;
}

int cp_db_blocking_run(struct cp_db_blocking *connection, const char *sql, const struct cp_str *values, int count,
                       struct cp_db_result **ret_result)
{
	const char *texts[CP_DB_MAX_PARAMS];
	size_t size;
	int error = cp_db_values_measure(values, count, &size);
	if (error != 0)
		return error;
	CP_CLEANUP(cp_free_ptr) char *block = cp_alloc(size);
	cp_db_values_copy(values, count, block, texts);
	return finish(connection, PQexecParams(connection->pg, sql, count, NULL, texts, NULL, NULL, 0), "statement", ret_result);
}

/* Of a script, the line that PostgreSQL's error position (counted in characters from 1) is on; 0 where it gives none. */
static int error_line(const PGresult *result, const char *sql)
{
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	int line = 1;
	if (position == NULL)
		return 0;
	for (long left = atol(position); left > 1 && *sql != '\0'; ++sql) {
		line += *sql == '\n';
		left -= ((unsigned char)sql[1] & 0xc0) != 0x80; /* the next byte begins a character */
	}
	return line;
}

int cp_db_blocking_script(struct cp_db_blocking *connection, const char *sql)
{
	PGresult *pg = PQexec(connection->pg, sql);
	char what[32] = "script";
	int line = pg == NULL ? 0 : error_line(pg, sql);
	if (line != 0)
		snprintf(what, sizeof(what), "line %d", line);
	if (PQresultStatus(pg) == PGRES_EMPTY_QUERY) { /* comments only */
		PQclear(pg);
		return 0;
	}
	return finish(connection, pg, what, NULL);
}
