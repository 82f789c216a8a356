/*
 * A database of its own for each test program, in the cluster that CP_TEST_DATABASE (the keyword form of a superuser's connection
 * string, see tests/harness/postgres) leads to; dropped at the end.
 */
#ifndef TESTS_DB_SCRATCH_H
#define TESTS_DB_SCRATCH_H

#include "db/blocking.h"

/* False where there is no cluster: says so as TAP's skip of the whole program. Else the roles are there, and the database is
 * made. */
bool scratch_open(void);
void scratch_close(void);

/* The connection string for a role ("callpower_app"; NULL: superuser) in the scratch database. Static memory, per role. */
const char *scratch_conninfo(const char *role);
/* A connection as the role, for what a test needs to do beside the code under test; ends the program where that fails. */
struct cp_db_blocking *scratch_connect(const char *role);
/* Runs a script as the role; ends the program with its message where it fails. */
void scratch_script(const char *role, const char *sql);
/* The first value of a query as superuser, printed into static memory; "" for NULL or no row. */
const char *scratch_value(const char *sql);

#endif
