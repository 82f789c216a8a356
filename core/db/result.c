#include "base/arena.h"
#include "db/blocking.h"
#include "private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- errors */

/* In order; the first whose prefix fits counts. https://www.postgresql.org/docs/15/errcodes-appendix.html */
static const struct {
	const char *sqlstate;
	int code;
} codes[] = {
    {"55P03", CP_E_LIMIT},       /* lock_not_available: lock_timeout passed */
    {"23", CP_E_CONFLICT},       /* integrity constraint violation */
    {"40003", CP_E_TIMEOUT},     /* statement_completion_unknown */
    {"40", CP_E_CONFLICT},       /* serialization failure, deadlock */
    {"57014", CP_E_LIMIT},       /* query_canceled: statement_timeout passed */
    {"57P05", CP_E_UNAVAILABLE}, /* idle_session_timeout: nothing was under way */
    {"57", CP_E_TIMEOUT},        /* the server goes down; whether it committed before is not known */
    {"08007", CP_E_TIMEOUT},     /* transaction_resolution_unknown */
    {"08", CP_E_UNAVAILABLE},    /* connection exception, as a pooler reports it */
    {"25006", CP_E_UNAVAILABLE}, /* read_only_sql_transaction: this server is a standby just now */
    {"53", CP_E_UNAVAILABLE},    /* insufficient resources: disk, memory, connections */
    {"58", CP_E_UNAVAILABLE},    /* the server's system fails */
};

static int code_of(const char *sqlstate)
{
	for (size_t i = 0; i < CP_COUNT(codes); ++i)
		if (strncmp(sqlstate, codes[i].sqlstate, strlen(codes[i].sqlstate)) == 0)
			return codes[i].code;
	return CP_E_BUG;
}

bool cp_db_result_is_stale(const PGresult *result)
{
	/* 0A000 has other causes; PostgreSQL's drivers tell this one by the function that raises it, as its sentence is
	 * translated. */
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
	return sqlstate != NULL && function != NULL && strcmp(sqlstate, "0A000") == 0 &&
	       strcmp(function, "RevalidateCachedQuery") == 0;
}

int cp_db_result_error(const PGresult *result, const char *what)
{
	switch (PQresultStatus(result)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		return 0;
	case PGRES_FATAL_ERROR:
		break;
	case PGRES_PIPELINE_ABORTED:
		return cp_fail(CP_E_BUG, "%s: not run, as what stands before it in its segment failed", what);
	default:
		return cp_fail(CP_E_BUG, "%s: %s is no result that a statement may have here", what,
		               PQresStatus(PQresultStatus(result)));
	}
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (sqlstate == NULL) /* libpq made it: the connection broke */
		return cp_fail(CP_E_TIMEOUT, "%s: the connection to PostgreSQL broke before the answer", what);
	const char *sentence = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	int code = cp_db_result_is_stale(result) ? CP_E_UNAVAILABLE : code_of(sqlstate);
	return cp_fail(code, "%s: %s (SQLSTATE %s)", what, sentence == NULL ? "no reason given" : sentence, sqlstate);
}

/* ---- values */

static _Noreturn void misused(const char *what, int row, int column)
{
	fprintf(stderr, "a database result is misused: %s (row %d, column %d)\n", what, row, column);
	abort();
}

int cp_db_rows(const struct cp_db_result *result)
{
	return PQntuples(result->pg);
}

int cp_db_affected(const struct cp_db_result *result)
{
	return atoi(PQcmdTuples(result->pg));
}

struct cp_str cp_db_value(const struct cp_db_result *result, int row, int column)
{
	if (row < 0 || row >= PQntuples(result->pg) || column < 0 || column >= PQnfields(result->pg))
		misused("there is no such value", row, column);
	if (PQgetisnull(result->pg, row, column))
		return CP_STR_NULL;
	return cp_str_n(PQgetvalue(result->pg, row, column), (size_t)PQgetlength(result->pg, row, column));
}

int64_t cp_db_integer(const struct cp_db_result *result, int row, int column)
{
	struct cp_str text = cp_db_value(result, row, column);
	if (text.ptr == NULL)
		return 0;
	char *end;
	errno = 0;
	long long value = strtoll(text.ptr, &end, 10); /* libpq ends every value with NUL */
	if (errno != 0 || end != text.ptr + text.len || text.len == 0)
		misused("the value is no integer", row, column);
	return value;
}

bool cp_db_boolean(const struct cp_db_result *result, int row, int column)
{
	struct cp_str text = cp_db_value(result, row, column);
	if (text.ptr == NULL)
		return false;
	if (text.len != 1 || (text.ptr[0] != 't' && text.ptr[0] != 'f'))
		misused("the value is no boolean", row, column);
	return text.ptr[0] == 't';
}

struct cp_str cp_db_bytes(const struct cp_db_result *result, int row, int column, struct cp_arena *arena)
{
	struct cp_str text = cp_db_value(result, row, column);
	if (text.ptr == NULL)
		return CP_STR_NULL;
	if (!cp_str_starts(text, CP_STR("\\x")) || text.len % 2 != 0)
		misused("the value is no bytea in hexadecimal form", row, column);
	size_t n = (text.len - 2) / 2;
	unsigned char *bytes = cp_arena_alloc(arena, n + 1);
	if (cp_unhex(cp_str_n(text.ptr + 2, text.len - 2), bytes, n) != 0)
		misused("the value is no bytea in hexadecimal form", row, column);
	return cp_str_n((const char *)bytes, n);
}

struct cp_str cp_db_bytea(struct cp_arena *arena, struct cp_str bytes)
{
	char *text = cp_arena_alloc(arena, 2 * bytes.len + 3);
	memcpy(text, "\\x", 2);
	cp_hex(bytes.ptr, bytes.len, text + 2);
	return cp_str_n(text, 2 * bytes.len + 2);
}

struct cp_db_result *cp_db_result_free(struct cp_db_result *result)
{
	if (result != NULL)
		PQclear(result->pg);
	free(result);
	return NULL;
}

void cp_db_result_free_ptr(struct cp_db_result **result)
{
	*result = cp_db_result_free(*result);
}
