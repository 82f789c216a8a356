/*
 * The clock of one call: virtual time, and what waits for it.
 *
 * It starts at the wall clock, runs at a multiple of real time while people talk, press keys or wait, and at real speed while a
 * webhook is under way (network time-outs stay real). It never passes what waits: a wait that is served late by the loop still
 * ends at exactly its virtual moment, so that a talk of 20 seconds is 20 seconds long at any speed. One thread.
 */
#ifndef CARRIER_LINE_CLOCK_H
#define CARRIER_LINE_CLOCK_H

#include "base/list.h"
#include "loop/loop.h"

struct cp_line_clock {
	struct cp_timer timer;
	struct cp_list waits; /* by due time, then by order of starting */
	double speed;
	int64_t virtual_us, real_us; /* a pair of moments that belong together */
	unsigned network;            /* webhooks under way */
	bool in_wait;                /* a wait's function runs: no virtual time passes */
};

struct cp_wait {
	struct cp_list link; /* private to line_clock.c */
	struct cp_line_clock *clock;
	int64_t due_us;
	void (*fn)(void *data);
	void *data;
};

void cp_line_clock_init(struct cp_line_clock *clock, struct cp_loop *loop, double speed);
/* Before the memory around it is given back, which cp_loop_free_later() must do; waits are forgotten. */
void cp_line_clock_stop(struct cp_line_clock *clock);
/* Virtual microseconds since 1970. */
int64_t cp_line_clock_now(struct cp_line_clock *clock);
/* Between them the clock runs at real speed; they nest. */
void cp_line_clock_network_begin(struct cp_line_clock *clock);
void cp_line_clock_network_end(struct cp_line_clock *clock);

void cp_wait_init(struct cp_wait *wait, struct cp_line_clock *clock, void (*fn)(void *data), void *data);
/* (Re)starts it: fn runs once, on a later turn of the loop, when seconds of virtual time have passed. */
void cp_wait_start(struct cp_wait *wait, double seconds);
void cp_wait_stop(struct cp_wait *wait);
bool cp_wait_is_started(const struct cp_wait *wait);

#endif
