/*
 * Descriptors, in the nested epoll set.
 *
 * A batch of events may hold one for a watch that an earlier callback of the batch has freed. Its memory is therefore parked
 * until the turn is over, and its fn is gone: that is how the batch knows.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

struct cp_watch {
	struct cp_loop *loop;
	int fd;
	unsigned events; /* what is waited for; 0: not in the set, which would report errors and hang-ups even so */
	cp_watch_fn *fn; /* NULL once freed */
	void *data;
};

static int control(struct cp_watch *watch, int operation, unsigned events)
{
	struct epoll_event event = {.data.ptr = watch};
	event.events = (events & CP_WATCH_READ ? EPOLLIN : 0u) | (events & CP_WATCH_WRITE ? EPOLLOUT : 0u);
	return epoll_ctl(watch->loop->epoll_fd, operation, watch->fd, &event);
}

int cp_watch_new(struct cp_loop *loop, int fd, unsigned events, cp_watch_fn *fn, void *data, struct cp_watch **ret_watch)
{
	struct cp_watch *watch = cp_alloc(sizeof(*watch));
	*watch = (struct cp_watch){.loop = loop, .fd = fd, .events = events, .fn = fn, .data = data};
	if (events != 0 && control(watch, EPOLL_CTL_ADD, events) != 0) {
		int error = cp_fail_errno("cannot watch descriptor %d", fd);
		free(watch);
		return error;
	}
	*ret_watch = watch;
	return 0;
}

void cp_watch_set(struct cp_watch *watch, unsigned events)
{
	if (watch->events == events)
		return;
	int operation = watch->events == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
	if (control(watch, operation, events) != 0) {
		/* The kernel is out of memory, or the descriptor was closed before its watch: either way it would never be heard
		 * of. */
		fprintf(stderr, "event loop: descriptor %d: epoll_ctl: errno %d\n", watch->fd, errno);
		abort();
	}
	watch->events = events;
}

struct cp_watch *cp_watch_free(struct cp_watch *watch)
{
	if (watch == NULL)
		return NULL;
	if (watch->events != 0)
		control(watch, EPOLL_CTL_DEL, 0);
	watch->fn = NULL;
	cp_loop_free_later(watch->loop, watch);
	return NULL;
}

static unsigned ready_events(uint32_t reported)
{
	if (reported & (EPOLLERR | EPOLLHUP))
		return CP_WATCH_READ | CP_WATCH_WRITE;
	return (reported & EPOLLIN ? CP_WATCH_READ : 0u) | (reported & EPOLLOUT ? CP_WATCH_WRITE : 0u);
}

void cp_loop_dispatch_watches(struct cp_loop *loop)
{
	struct epoll_event batch[CP_LOOP_EVENT_BATCH];
	int count = epoll_wait(loop->epoll_fd, batch, CP_LOOP_EVENT_BATCH, 0);
	/* What does not fit is reported again on the next turn, and so is everything where the call was interrupted. */
	for (int i = 0; i < count; ++i) {
		struct cp_watch *watch = batch[i].data.ptr;
		/* Only what it still waits for: an earlier callback of the batch may have changed that. */
		unsigned events = ready_events(batch[i].events) & watch->events;
		if (watch->fn != NULL && events != 0)
			watch->fn(watch->data, events);
	}
}
