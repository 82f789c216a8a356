/* Drives a loop in tests, and notes what callbacks are told. */
#ifndef TESTS_DB_DRIVER_H
#define TESTS_DB_DRIVER_H

#include "check.h"
#include "db/db.h"

struct answer {
	int calls, error, rows, affected;
	char text[128];    /* the first value, "" where there is none */
	char message[256]; /* of an error */
	int *order, place; /* where not NULL: *order is counted up, place is its value at the call */
};

/*
 * Set by a teardown: the answers lie on the stack of a test, and are gone where it failed half-way. A setup clears it.
 */
extern bool answers_are_gone;

void on_answer(void *data, int error, const struct cp_db_result *result);

/* Turns until *calls reaches count; fails the test after ten seconds. */
void turn_until(struct cp_loop *loop, const int *calls, int count);
/* Turns until the pool is up or down; fails the test after ten seconds. */
void turn_until_up(struct cp_loop *loop, const struct cp_db *db, bool up);
/* Turns until each of its connections is ready; fails the test after ten seconds. */
void turn_until_all_up(struct cp_loop *loop, const struct cp_db *db);
/* Turns for a while. */
void turn_for(struct cp_loop *loop, unsigned ms);

#endif
