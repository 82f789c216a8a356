/* What the files of db/ share. libpq-fe.h is included by these and nowhere else. */
#ifndef DB_PRIVATE_H
#define DB_PRIVATE_H

#include "db/db.h"

#include <libpq-fe.h>

struct cp_db_result {
	PGresult *pg;
};

/*
 * The error code for a result that is not a success (the table stands in result.c), 0 for one that is. what names the statement
 * in the message. The message is PostgreSQL's primary sentence and its SQLSTATE: DETAIL and CONTEXT quote rows, and stay out of
 * logs.
 */
int cp_db_result_error(const PGresult *result, const char *what);

/* A prepared statement's result would have other columns than when it was prepared: the connection must prepare again. */
bool cp_db_result_is_stale(const PGresult *result);

/* How many bytes the values take as libpq wants them, each ended by NUL. CP_E_BUG where one holds NUL, or there are too many. */
int cp_db_values_measure(const struct cp_str *values, int count, size_t *ret_size);
/* Copies them so into out; texts gets count pointers, NULL for an absent value. */
void cp_db_values_copy(const struct cp_str *values, int count, char *out, const char **texts);

/* How long things may take on a connection: sent to the server at connect. 0: no limit. */
struct cp_db_limits {
	unsigned statement_ms, lock_ms, idle_in_transaction_ms;
};

/* Arguments of PQconnectdbParams and PQconnectStartParams. Zero it to start; cp_db_target_done() frees what it owns. */
struct cp_db_target {
	const char *keywords[6], *values[6]; /* ended by NULL; PostgreSQL expands values[0], the connection string */
	char *options;
	int64_t clock_offset_us; /* what app.clock_offset_us is at the start of a session */
};

/*
 * limits NULL: no session settings at all, as a transaction pooler needs it (it hands the session on). The operator's own
 * "options" in the connection string come last, and win.
 */
int cp_db_target_init(const char *conninfo, const struct cp_db_limits *limits, struct cp_db_target *ret_target);
void cp_db_target_done(struct cp_db_target *target);

/* Notices go to the debug log: libpq would print them to standard error. */
void cp_db_quiet(PGconn *connection);

/* libpq's latest sentence without its line breaks; valid until the next call on this thread. */
const char *cp_db_sentence(const PGconn *connection);

#endif
