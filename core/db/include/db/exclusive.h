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
	const char *conninfo;
	enum cp_db_scope scope;
	unsigned connections;   /* opened on demand, closed after a minute of idleness */
	unsigned max_waiting;   /* for a connection; more is CP_E_LIMIT */
	unsigned deadline_ms;   /* for each statement */
	unsigned max_backoff_ms;
};

int cp_db_exclusive_new(struct cp_loop *loop, const struct cp_db_exclusive_options *options, struct cp_db_exclusive **ret_pool);
struct cp_db_exclusive *cp_db_exclusive_free(struct cp_db_exclusive *pool);

/*
 * Borrows a connection inside a transaction that is bound to tenant (NULL on an operator's pool): BEGIN and the binding are done.
 * fn is called exactly once from the loop; error as in cp_db_fn, session NULL unless it is 0.
 */
int cp_db_begin(struct cp_db_exclusive *pool, const struct cp_tenant_id *tenant,
                void (*fn)(void *data, int error, struct cp_db_session *session), void *data) CP_MUST_CHECK;
/* One statement; one at a time. statement need not be prepared. Large results are the point of it. */
int cp_db_run(struct cp_db_session *session, const char *sql, const struct cp_str *values, int count, cp_db_fn *fn, void *data) CP_MUST_CHECK;
/* Ends the transaction and gives the connection back; fn learns whether the commit took place (TIMEOUT: unknown). */
void cp_db_commit(struct cp_db_session *session, void (*fn)(void *data, int error), void *data);
void cp_db_rollback(struct cp_db_session *session);

#endif
