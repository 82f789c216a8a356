/*
 * Closing a TCP connection while bytes of the peer are unread resets it, and a reset throws away the answer that the peer has not
 * read yet: whoever uploads too much would see a broken connection instead of "413". So a duplicate of the descriptor outlives
 * libh2o's, tells the peer that we have finished, and reads what still comes into nothing for a limited time and size.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct leaving {
	struct cp_list link;
	struct cp_http_server *server;
	struct cp_watch *watch;
	struct cp_timer timer;
	int fd;
	size_t left; /* bytes */
};

static void finish(struct leaving *leaving)
{
	cp_list_remove(&leaving->link);
	--leaving->server->lingering_count;
	cp_timer_stop(&leaving->timer);
	cp_watch_free(leaving->watch);
	close(leaving->fd);
	cp_loop_free_later(leaving->server->loop, leaving);
}

static void on_timer(void *data)
{
	finish(data);
}

static void on_readable(void *data, unsigned events)
{
	struct leaving *leaving = data;
	char nowhere[64 * 1024];
	(void)events;
	ssize_t count = recv(leaving->fd, nowhere, sizeof(nowhere), MSG_DONTWAIT);
	if (count == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count <= 0 || (size_t)count >= leaving->left)
		finish(leaving);
	else
		leaving->left -= (size_t)count;
}

void cp_http_linger(struct cp_http_server *server, int fd)
{
	if (server->lingering_count == CP_HTTP_LINGER_SOCKETS)
		return;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy == -1)
		return;
	struct leaving *leaving = cp_alloc(sizeof(*leaving));
	*leaving = (struct leaving){.server = server, .fd = copy, .left = CP_HTTP_LINGER_BYTES};
	if (cp_watch_new(server->loop, copy, CP_WATCH_READ, on_readable, leaving, &leaving->watch) != 0) {
		close(copy);
		free(leaving);
		return;
	}
	shutdown(copy, SHUT_WR);
	cp_timer_init(&leaving->timer, server->loop, on_timer, leaving);
	cp_timer_start(&leaving->timer, CP_HTTP_LINGER_MS);
	cp_list_push(&server->lingering, &leaving->link);
	++server->lingering_count;
}

void cp_http_linger_stop_all(struct cp_http_server *server)
{
	for (struct leaving *leaving; (leaving = CP_LIST_FIRST(&server->lingering, struct leaving, link)) != NULL;)
		finish(leaving);
}
