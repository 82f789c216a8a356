/* One blocking connection, for command-line programs and migrations. Results are those of db.h. */
#ifndef DB_BLOCKING_H
#define DB_BLOCKING_H

#include "db/db.h"

/* Errors are those of cp_db_fn. One thread at a time. */
struct cp_db_blocking;

/* CP_E_UNAVAILABLE with libpq's sentence where it cannot connect; CP_E_INPUT where conninfo is malformed. No time-out is set. */
int cp_db_blocking_open(const char *conninfo, struct cp_db_blocking **ret_connection);
struct cp_db_blocking *cp_db_blocking_close(struct cp_db_blocking *connection);
void cp_db_blocking_close_ptr(struct cp_db_blocking **connection); /* for CP_CLEANUP */

/* Binds what follows to a tenant until the transaction ends; NULL unbinds. CP_E_BUG outside a transaction. */
int cp_db_blocking_bind(struct cp_db_blocking *connection, const struct cp_tenant_id *tenant);
/* One statement with parameters (as in cp_db_submit); ret_result (may be NULL) gets a result that is the caller's to free. */
int cp_db_blocking_run(struct cp_db_blocking *connection, const char *sql, const struct cp_str *values, int count,
                       struct cp_db_result **ret_result);
/* Several statements without parameters, as a script: one transaction, unless it says otherwise. Errors name the line. */
int cp_db_blocking_script(struct cp_db_blocking *connection, const char *sql);
struct cp_db_result *cp_db_result_free(struct cp_db_result *result);
void cp_db_result_free_ptr(struct cp_db_result **result); /* for CP_CLEANUP */

#endif
