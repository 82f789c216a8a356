/*
 * Connections lent to one piece of work at a time: transactions of several statements, and slow or large reads, which must not
 * stand in the way of pipelined segments. A small pool per role and loop.
 */
#ifndef DB_EXCLUSIVE_H
#define DB_EXCLUSIVE_H

#include "db/db.h"

struct cp_db_exclusive; /* the pool */
struct cp_db_session;   /* one connection, lent */

struct cp_db_exclusive_options {
	const char *conninfo; /* as in struct cp_db_options; it may lead to a transaction pooler */
	enum cp_db_scope scope;
	unsigned connections;    /* opened on demand, closed after a minute of idleness */
	unsigned max_waiting;    /* for a connection; more is CP_E_LIMIT */
	unsigned deadline_ms;    /* for a connection, and for each statement; statement_timeout is three quarters of it */
	unsigned max_backoff_ms; /* as in struct cp_db_options */
	bool transaction_pooler; /* as in struct cp_db_options */
};

/* options is copied, conninfo borrowed. Errors as cp_db_new(). */
int cp_db_exclusive_new(struct cp_loop *loop, const struct cp_db_exclusive_options *options, struct cp_db_exclusive **ret_pool);
/*
 * Who waits, for a connection or a statement, gets CP_E_UNAVAILABLE (a commit under way: CP_E_TIMEOUT) first; lent sessions are
 * gone then, and must not be used again. May be called from a callback. Accepts NULL; returns NULL.
 */
struct cp_db_exclusive *cp_db_exclusive_free(struct cp_db_exclusive *pool);

typedef void cp_db_session_fn(void *data, int error, struct cp_db_session *session);
/*
 * Borrows a connection inside a transaction that is bound to tenant (NULL on an operator's pool): BEGIN and the binding are done.
 * CP_E_LIMIT (too many wait) and CP_E_BUG (tenant and scope do not fit) are returned at once, without a callback; else fn is
 * called exactly once, from the loop, with a session, or with CP_E_UNAVAILABLE and NULL. A session is ended by one cp_db_commit()
 * or cp_db_rollback(), whatever has failed in it.
 */
int cp_db_begin(struct cp_db_exclusive *pool, const struct cp_tenant_id *tenant, cp_db_session_fn *fn, void *data) CP_MUST_CHECK;
/*
 * One statement with count values ($1 ...), not prepared; one at a time (else CP_E_BUG, without a callback). fn is called exactly
 * once, from the loop, with the errors of cp_db_fn, but CP_E_UNAVAILABLE in place of CP_E_TIMEOUT: until the commit nothing has
 * happened. After an error the transaction can only be rolled back.
 */
int cp_db_run(struct cp_db_session *session, const char *sql, const struct cp_str *values, int count, cp_db_fn *fn,
              void *data) CP_MUST_CHECK;
/*
 * Ends the transaction and gives the connection back; session must not be used again. fn (may be NULL) is called exactly once,
 * from the loop: 0; CP_E_CONFLICT where it was rolled back (a statement had failed, or a deferred constraint does);
 * CP_E_UNAVAILABLE where the connection was lost before; CP_E_TIMEOUT where nobody knows. Not while a statement is under way:
 * that ends with CP_E_BUG.
 */
void cp_db_commit(struct cp_db_session *session, void (*fn)(void *data, int error), void *data);
/*
 * Undoes the transaction and gives the connection back; session must not be used again. A statement under way is abandoned: its
 * callback is not called.
 */
void cp_db_rollback(struct cp_db_session *session);

#endif
