/* What comes from outside the loop's thread: posts of other threads, and signals. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct cp_post {
	struct cp_post *next;
	void (*fn)(void *data);
	void *data;
};

static struct cp_post *take_all(struct cp_loop_posts *posts)
{
	pthread_mutex_lock(&posts->lock);
	struct cp_post *first = posts->first;
	posts->first = NULL;
	posts->last = &posts->first;
	pthread_mutex_unlock(&posts->lock);
	return first;
}

static void on_wake(void *data, unsigned events)
{
	struct cp_loop *loop = data;
	uint64_t count;
	(void)events;
	/* Emptied before the queue is: a post that comes between the two wakes us once more, and none is missed. */
	if (read(loop->posts.wake_fd, &count, sizeof(count)) == -1 && errno != EAGAIN && errno != EINTR) {
		perror("event loop: eventfd");
		abort();
	}
	for (struct cp_post *post = take_all(&loop->posts), *next; post != NULL; post = next) {
		next = post->next;
		post->fn(post->data);
		free(post);
	}
}

int cp_posts_start(struct cp_loop *loop)
{
	struct cp_loop_posts *posts = &loop->posts;
	pthread_mutex_init(&posts->lock, NULL);
	posts->last = &posts->first;
	posts->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (posts->wake_fd == -1)
		return cp_fail_errno("event loop: eventfd");
	return cp_watch_new(loop, posts->wake_fd, CP_WATCH_READ, on_wake, loop, &posts->watch);
}

void cp_posts_stop(struct cp_loop *loop)
{
	struct cp_loop_posts *posts = &loop->posts;
	posts->watch = cp_watch_free(posts->watch);
	if (posts->wake_fd != -1)
		close(posts->wake_fd);
	for (struct cp_post *post = take_all(posts), *next; post != NULL; post = next) {
		next = post->next;
		free(post);
	}
	pthread_mutex_destroy(&posts->lock);
}

void cp_loop_post(struct cp_loop *loop, void (*fn)(void *data), void *data)
{
	struct cp_loop_posts *posts = &loop->posts;
	struct cp_post *post = cp_alloc(sizeof(*post));
	*post = (struct cp_post){.fn = fn, .data = data};
	pthread_mutex_lock(&posts->lock);
	bool was_empty = posts->first == NULL;
	*posts->last = post;
	posts->last = &post->next;
	/* Inside the lock: once it is released the loop may run the post, and its owner may then free the loop. */
	uint64_t one = 1;
	while (was_empty && write(posts->wake_fd, &one, sizeof(one)) == -1 && errno == EINTR)
		;
	pthread_mutex_unlock(&posts->lock);
}

static void on_signals_ready(void *data, unsigned events)
{
	struct cp_loop *loop = data;
	struct signalfd_siginfo info;
	(void)events;
	while (loop->signals.fd != -1 && read(loop->signals.fd, &info, sizeof(info)) == sizeof(info))
		loop->signals.fn(loop->signals.data, (int)info.ssi_signo);
}

int cp_loop_on_signals(struct cp_loop *loop, const int *signals, size_t count, void (*fn)(void *data, int signal), void *data)
{
	if (loop->signals.fd != -1)
		return cp_fail(CP_E_BUG, "signals: asked for twice on one loop");
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < count; ++i)
		sigaddset(&set, signals[i]);
	int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (error != 0)
		return cp_fail(CP_E_SYSTEM, "signals: pthread_sigmask: errno %d", error);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd == -1)
		return cp_fail_errno("signals: signalfd");
	error = cp_watch_new(loop, fd, CP_WATCH_READ, on_signals_ready, loop, &loop->signals.watch);
	if (error != 0) {
		close(fd);
		return error;
	}
	loop->signals.fd = fd;
	loop->signals.fn = fn;
	loop->signals.data = data;
	return 0;
}

void cp_signals_stop(struct cp_loop *loop)
{
	loop->signals.watch = cp_watch_free(loop->signals.watch);
	if (loop->signals.fd != -1)
		close(loop->signals.fd);
	loop->signals.fd = -1;
}
