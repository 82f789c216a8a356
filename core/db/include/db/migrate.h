/*
 * Forward-only migrations, NNNN_name.sql, compiled into the program: schema and program cannot be of different versions.
 * Applied by the role that owns the tables, each in one transaction, under an advisory lock, with its SHA-256 remembered: a file
 * that was changed after it was applied is an error.
 */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "db/blocking.h"

struct cp_migration {
	int number;
	const char *name; /* file name without ".sql" */
	const char *sql;
};

/* The program's own, made at build time from migrations/NNNN_name.sql; link migrations_dep. */
extern const struct cp_migration cp_migrations[];
extern const size_t cp_migrations_count;

/*
 * Applies what is missing, in order. applied (may be NULL) is called before each. *ret_count: how many were applied. What was
 * applied before a failure stays; the one that failed leaves nothing. Runs at the same time take turns.
 *
 * CP_E_CONFLICT, with nothing applied, where the database has a migration that is not the same here, has one that is not here, or
 * has a later one than one that is missing. Else the error of the statement that failed; the message names file and line.
 */
int cp_migrate(struct cp_db_blocking *connection, const struct cp_migration *migrations, size_t count,
               void (*applied)(void *data, const struct cp_migration *migration), void *data, int *ret_count);
/*
 * CP_E_CONFLICT with a sentence that says what to run where the database is behind or ahead of the program. Any role that may
 * connect can ask.
 */
int cp_migrate_check(struct cp_db_blocking *connection, const struct cp_migration *migrations, size_t count);

#endif
