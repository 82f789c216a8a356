#include "internal.h"
#include "loop/h2o_loop.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static void on_nested_ready(h2o_socket_t *socket, const char *error)
{
	(void)error; /* the set is not read from, so nothing can fail */
	cp_loop_dispatch_watches(socket->data);
}

int cp_loop_new(struct cp_loop **ret_loop)
{
	/* libh2o writes with writev(2), which has no MSG_NOSIGNAL */
	signal(SIGPIPE, SIG_IGN);

	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd == -1)
		return cp_fail_errno("event loop: epoll_create1");
	struct cp_loop *loop = cp_alloc(sizeof(*loop));
	loop->epoll_fd = epoll_fd;
	loop->signals.fd = -1;
	cp_list_init(&loop->tasks);
	loop->h2o = h2o_evloop_create();
	loop->nested = h2o_evloop_socket_create(loop->h2o, epoll_fd, H2O_SOCKET_FLAG_DONT_READ);
	loop->nested->data = loop;
	h2o_socket_read_start(loop->nested, on_nested_ready);
	int error = cp_posts_start(loop);
	if (error != 0) {
		cp_loop_free(loop);
		return error;
	}
	*ret_loop = loop;
	return 0;
}

static void free_parked(struct cp_loop *loop)
{
	for (size_t i = 0; i < loop->parked.count; ++i)
		free(loop->parked.items[i]);
	loop->parked.count = 0;
}

struct cp_loop *cp_loop_free(struct cp_loop *loop)
{
	if (loop == NULL)
		return NULL;
	cp_signals_stop(loop);
	cp_posts_stop(loop);
	h2o_socket_close(loop->nested); /* closes epoll_fd */
	h2o_evloop_run(loop->h2o, 0);   /* frees the sockets that are closed but not yet freed */
	h2o_evloop_destroy(loop->h2o);
	free_parked(loop);
	free(loop->parked.items);
	free(loop->timers.heap);
	free(loop);
	return NULL;
}

h2o_loop_t *cp_loop_h2o(struct cp_loop *loop)
{
	return loop->h2o;
}

static void run_tasks(struct cp_loop *loop)
{
	if (cp_list_is_empty(&loop->tasks))
		return;
	/* A list of its own: a task started by a task belongs to the next turn, else two could keep this one from ending. */
	struct cp_list now;
	now = loop->tasks;
	now.next->prev = now.prev->next = &now;
	cp_list_init(&loop->tasks);
	for (struct cp_task *task; (task = CP_LIST_FIRST(&now, struct cp_task, link)) != NULL;) {
		cp_list_remove(&task->link);
		task->fn(task->data);
	}
}

/*
 * libh2o waits first and runs the callbacks of finished writes afterwards. Such a callback may be outstanding from what a timer
 * or a task of ours has written since libh2o's part of the turn, and nothing in epoll would tell of it: then it must not wait.
 */
static bool has_work(const struct cp_loop *loop)
{
	return !cp_list_is_empty(&loop->tasks) || loop->h2o->_pending_as_client != NULL || loop->h2o->_pending_as_server != NULL;
}

void cp_loop_turn(struct cp_loop *loop, int max_wait_ms)
{
	if (loop->in_turn) {
		fprintf(stderr, "event loop: a turn inside a turn\n");
		abort();
	}
	loop->in_turn = true;
	int wait_ms = has_work(loop) || max_wait_ms < 0 ? 0 : cp_timers_wait_ms(loop, max_wait_ms);
	/* A signal handler may interrupt the wait; the turn then goes on with timers and tasks. */
	if (h2o_evloop_run(loop->h2o, wait_ms) != 0 && errno != EINTR) {
		perror("event loop: epoll");
		abort(); /* a descriptor was closed while watched: nothing can be relied on any more */
	}
	cp_timers_run(loop);
	run_tasks(loop);
	free_parked(loop);
	loop->in_turn = false;
}

void cp_loop_run(struct cp_loop *loop)
{
	loop->stopped = false;
	while (!loop->stopped)
		cp_loop_turn(loop, INT_MAX);
}

void cp_loop_stop(struct cp_loop *loop)
{
	loop->stopped = true;
}

void cp_loop_free_later(struct cp_loop *loop, void *memory)
{
	if (memory == NULL)
		return;
	if (!loop->in_turn) {
		free(memory);
		return;
	}
	struct cp_loop_parked *parked = &loop->parked;
	if (parked->count == parked->capacity) {
		parked->capacity = parked->capacity == 0 ? 16 : parked->capacity * 2;
		parked->items = cp_realloc(parked->items, parked->capacity * sizeof(*parked->items));
	}
	parked->items[parked->count++] = memory;
}

void cp_task_init(struct cp_task *task, struct cp_loop *loop, cp_task_fn *fn, void *data)
{
	*task = (struct cp_task){.loop = loop, .fn = fn, .data = data};
}

void cp_task_start(struct cp_task *task)
{
	if (!cp_list_is_linked(&task->link))
		cp_list_push(&task->loop->tasks, &task->link);
}

void cp_task_stop(struct cp_task *task)
{
	cp_list_remove(&task->link);
}
