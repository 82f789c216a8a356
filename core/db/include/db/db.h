/*
 * PostgreSQL on a loop: pipelined connections of one role, shared by all requests of the thread.
 *
 * A segment is one tenant binding, one statement and one Sync: one implicit transaction and one round trip. Several segments are
 * under way on a connection at once; each fails or succeeds alone. No BEGIN ever runs here (see exclusive.h for transactions).
 *
 * A statement is declared once, with its scope. A tenant statement runs only with a tenant (row-level security sees it as
 * app.tenant_id); an operator statement runs only on the pool of the operator's role. Anything else is CP_E_BUG.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/str.h"
#include "loop/loop.h"

struct cp_db;
struct cp_db_result;

/* Which tenant a piece of work is for. Only tenants/registry makes one from outside input. */
struct cp_tenant_id {
	int64_t value; /* > 0 */
};

enum cp_db_scope { CP_DB_TENANT = 1, CP_DB_OPERATOR = 2 };

enum { CP_DB_MAX_PARAMS = 32 };

/*
 * A statement of the program: static, one line per module in a table given to cp_db_new(). Parameters and results are text (as
 * PostgreSQL prints and reads its types); write casts in the SQL ($1::bigint).
 */
struct cp_db_statement {
	const char *name; /* unique: the prepared statement's name, and what logs say */
	enum cp_db_scope scope;
	int params;
	const char *sql;
};

struct cp_db_options {
	const char *conninfo;    /* host as socket folder or numeric address: a name is CP_E_INPUT, as resolving it would block */
	enum cp_db_scope scope;  /* what this pool may run */
	unsigned connections;    /* pipelined connections */
	unsigned max_in_flight;  /* segments sent and unanswered, per connection */
	unsigned max_waiting;    /* segments queued; more is CP_E_LIMIT */
	unsigned deadline_ms;    /* for a segment, from submit to answer; statement_timeout is three quarters of it */
	unsigned max_backoff_ms; /* between attempts to connect; they start at 50 ms and double, with jitter */
	/* Behind PgBouncer in transaction mode: unnamed statements, and no session settings (ALTER ROLE gives the limits there).
	 */
	bool transaction_pooler;
	const struct cp_db_statement *const *statements; /* tables of statements, each ended by one with name == NULL */
	size_t statement_tables;
};

/*
 * Starts connecting; never waits for it. Statements of other scopes are left out. options is copied, what it points to borrowed.
 * CP_E_INPUT where conninfo cannot be used. A connection on which one statement cannot be prepared does not become ready
 * (cp_db_problem() names the statement): run cp_migrate_check() first.
 */
int cp_db_new(struct cp_loop *loop, const struct cp_db_options *options, struct cp_db **ret_db);
/*
 * Segments under way end first: those that wait with CP_E_UNAVAILABLE, those that were sent with CP_E_TIMEOUT. To keep outcomes,
 * let the loop turn until cp_db_pending() is 0. May be called from a callback. Accepts NULL; returns NULL.
 */
struct cp_db *cp_db_free(struct cp_db *db);
/* True while at least one connection is ready. */
bool cp_db_is_up(const struct cp_db *db);
/* While none is: why the latest attempt to connect or to prepare failed. Else "". Valid until the next turn. */
const char *cp_db_problem(const struct cp_db *db);
/* Segments waiting and in flight, for metrics and shutdown. */
size_t cp_db_pending(const struct cp_db *db);

/*
 * error: 0, or
 *   CP_E_UNAVAILABLE  not sent, or refused as a whole (SQLSTATE classes 08 53 58, 25006): nothing happened, repeating is safe
 *   CP_E_TIMEOUT      sent, and the outcome is unknown (no answer in time, the connection broke, class 57)
 *   CP_E_CONFLICT     classes 23 and 40
 *   CP_E_LIMIT        57014 (statement_timeout), 55P03 (lock_timeout): nothing happened, repeating is safe
 *   CP_E_BUG          any other SQLSTATE
 * cp_error_message() has PostgreSQL's sentence and SQLSTATE. result is valid during the call and NULL unless error is 0.
 */
typedef void cp_db_fn(void *data, int error, const struct cp_db_result *result);

/*
 * Submits a segment. tenant: required for tenant statements, must be NULL for operator statements. values: statement->params of
 * them, copied; one with ptr == NULL is SQL's NULL; they must hold no NUL byte.
 * CP_E_LIMIT (queue full) and CP_E_BUG are returned at once, without a callback; else fn is called exactly once, from the loop.
 */
int cp_db_submit(struct cp_db *db, const struct cp_db_statement *statement, const struct cp_tenant_id *tenant,
                 const struct cp_str *values, cp_db_fn *fn, void *data) CP_MUST_CHECK;

/* ---- results: text is borrowed, columns are counted from 0; a bad row or column is a bug and ends the process */

int cp_db_rows(const struct cp_db_result *result);
int cp_db_affected(const struct cp_db_result *result); /* of INSERT, UPDATE, DELETE, MERGE; of SELECT its rows */
struct cp_str cp_db_value(const struct cp_db_result *result, int row, int column); /* absent for NULL */
int64_t cp_db_integer(const struct cp_db_result *result, int row, int column);     /* 0 for NULL */
bool cp_db_boolean(const struct cp_db_result *result, int row, int column);        /* false for NULL */
struct cp_arena;
/* Bytes of a bytea column, decoded into memory of the caller's arena; absent for NULL. */
struct cp_str cp_db_bytes(const struct cp_db_result *result, int row, int column, struct cp_arena *arena);
/* The text form of a bytea parameter, "\x..." */
struct cp_str cp_db_bytea(struct cp_arena *arena, struct cp_str bytes);

/* ---- notifications */

struct cp_db_listener;
/*
 * Keeps one direct connection (no transaction pooler) that listens on the channels. on_notify is called for each notification,
 * and once with channel and payload absent after each (re)connection: whatever was cached may be stale then. A connection that
 * has gone silent is noticed within half a minute. conninfo is borrowed, channels are copied; other errors as cp_db_new().
 */
int cp_db_listen(struct cp_loop *loop, const char *conninfo, const char *const *channels, size_t channel_count,
                 void (*on_notify)(void *data, struct cp_str channel, struct cp_str payload), void *data,
                 struct cp_db_listener **ret_listener);
/* May be called from on_notify. Accepts NULL; returns NULL. */
struct cp_db_listener *cp_db_listener_free(struct cp_db_listener *listener);

#endif
