/*
 * One event loop per thread: descriptors, monotonic timers, tasks for the next turn, and messages from other threads.
 *
 * It runs on libh2o's evloop (so that HTTP shares it) without showing it. Everything of a loop is created, used and freed on
 * the thread that runs it, cp_loop_post() alone excepted. A callback may remove or free anything, itself included: what was
 * removed gets no further callback, and its memory is parked until the turn is over.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/error.h"
#include "base/list.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct cp_loop;

/* Also makes the process ignore SIGPIPE: a peer that goes away is an error of a write, not the end of the process. */
int cp_loop_new(struct cp_loop **ret_loop);
/*
 * Everything on it must have been removed before; posts that have not run are dropped. Signals stay blocked. One descriptor a loop
 * is not given back (libh2o never closes its epoll descriptor). Accepts NULL; returns NULL.
 */
struct cp_loop *cp_loop_free(struct cp_loop *loop);
/* Turns until cp_loop_stop(). */
void cp_loop_run(struct cp_loop *loop);
void cp_loop_stop(struct cp_loop *loop);
/*
 * One turn: waits at most max_wait_ms for something to do, does it: descriptors and posts, then timers, then tasks. For tests, and
 * for draining at the end; never from a callback.
 */
void cp_loop_turn(struct cp_loop *loop, int max_wait_ms);

/* ---- descriptors: level-triggered; the descriptor stays the caller's and must outlive the watch */

enum { CP_WATCH_READ = 1, CP_WATCH_WRITE = 2 };
struct cp_watch;
/* events: what is ready, of what is waited for (errors and hang-ups count as both). */
typedef void cp_watch_fn(void *data, unsigned events);

/* One watch a descriptor. CP_E_SYSTEM where the descriptor cannot be watched (a plain file, a second watch). */
int cp_watch_new(struct cp_loop *loop, int fd, unsigned events, cp_watch_fn *fn, void *data, struct cp_watch **ret_watch);
/* Changes what is waited for; 0 waits for nothing. */
void cp_watch_set(struct cp_watch *watch, unsigned events);
/* To be called before the descriptor is closed. Accepts NULL; returns NULL. */
struct cp_watch *cp_watch_free(struct cp_watch *watch);

/* ---- timers: one shot, embedded in what they belong to, exact to a millisecond, not moved by changes of wall time */

typedef void cp_timer_fn(void *data);
struct cp_timer {
	/* private to core/loop */
	struct cp_loop *loop;
	uint64_t due_ns;
	size_t heap_index; /* SIZE_MAX while not started */
	cp_timer_fn *fn;
	void *data;
};

void cp_timer_init(struct cp_timer *timer, struct cp_loop *loop, cp_timer_fn *fn, void *data);
/* (Re)starts it; fn runs once, on a later turn, after at least delay_ms. */
void cp_timer_start(struct cp_timer *timer, uint64_t delay_ms);
/* Does nothing where it is not started. To be called before the memory around it is freed. */
void cp_timer_stop(struct cp_timer *timer);
bool cp_timer_is_started(const struct cp_timer *timer);

/* ---- tasks: run once at the end of the current turn (work that a burst of events shares, e.g. one flush) */

typedef void cp_task_fn(void *data);
struct cp_task {
	struct cp_list link; /* all private to core/loop */
	struct cp_loop *loop;
	cp_task_fn *fn;
	void *data;
};

void cp_task_init(struct cp_task *task, struct cp_loop *loop, cp_task_fn *fn, void *data);
/* Does nothing where it is waiting already. Where a task starts one, that runs at the end of the next turn, which comes at once. */
void cp_task_start(struct cp_task *task);
void cp_task_stop(struct cp_task *task);

/* Frees memory (with free()) once the current turn is over: for an object whose callback is running. */
void cp_loop_free_later(struct cp_loop *loop, void *memory);

/* ---- from other threads */

/* Any thread: fn(data) runs on the loop's thread. The order of one sender's posts is kept. The loop must outlive the call. */
void cp_loop_post(struct cp_loop *loop, void (*fn)(void *data), void *data);

/* ---- signals */

/* Blocks the signals in this thread (start it before others are made) and delivers them as callbacks. One call per loop. */
int cp_loop_on_signals(struct cp_loop *loop, const int *signals, size_t count, void (*fn)(void *data, int signal), void *data);

#endif
