/*
 * The inside of a loop, shared by the files of this folder.
 *
 * libh2o watches one descriptor of ours, an epoll set; every descriptor that we watch is in that set. Timers need no descriptor:
 * the heap's first due time bounds how long libh2o may wait, and that wait is measured by epoll_wait, on the monotonic clock.
 */
#ifndef CORE_LOOP_INTERNAL_H
#define CORE_LOOP_INTERNAL_H

#include "loop/loop.h"

#include <h2o.h>
#include <pthread.h>

enum { CP_LOOP_EVENT_BATCH = 64 };

struct cp_loop_posts {
	pthread_mutex_t lock; /* guards first and last: the only thing of a loop that other threads touch */
	struct cp_post *first, **last;
	int wake_fd; /* eventfd, written when the queue stops being empty */
	struct cp_watch *watch;
};

struct cp_loop_signals {
	int fd; /* -1 until cp_loop_on_signals() */
	struct cp_watch *watch;
	void (*fn)(void *data, int signal);
	void *data;
};

struct cp_loop_parked { /* what is freed when the turn is over */
	void **items;
	size_t count, capacity;
};

struct cp_loop {
	h2o_loop_t *h2o;
	h2o_socket_t *nested; /* libh2o's watch on epoll_fd, and the owner of it */
	int epoll_fd;
	struct {
		struct cp_timer **heap; /* heap[0] is due first */
		size_t count, capacity;
	} timers;
	struct cp_list tasks; /* struct cp_task.link, waiting for the end of the turn */
	struct cp_loop_parked parked;
	struct cp_loop_posts posts;
	struct cp_loop_signals signals;
	bool in_turn;
	bool stopped;
};

/* watch.c: calls back for everything ready in the nested set, without waiting. */
void cp_loop_dispatch_watches(struct cp_loop *loop);

/* timer.c */
uint64_t cp_loop_clock_ns(void);
/* Milliseconds until the first timer is due, rounded up, at most max_ms. */
int cp_timers_wait_ms(const struct cp_loop *loop, int max_ms);
/* Runs what was due at the time of the call; timers started meanwhile wait for the next turn. */
void cp_timers_run(struct cp_loop *loop);

/* post.c */
int cp_posts_start(struct cp_loop *loop);
void cp_posts_stop(struct cp_loop *loop); /* posts that have not run are dropped */
void cp_signals_stop(struct cp_loop *loop);

#endif
