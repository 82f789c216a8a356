/*
 * The end of a server, in the order that loses nothing: no more listening (after the accept queue was emptied), idle connections
 * closed, the rest closed as they are answered. libh2o's context may only be disposed of when no connection is left.
 */
#include "internal.h"

#include <sys/socket.h>

static void tell_done(void *data)
{
	struct cp_http_server *server = data;
	void (*done)(void *) = server->shutdown.done;
	server->shutdown.done = NULL;
	if (done != NULL)
		done(server->shutdown.data);
}

void cp_http_shutdown_check(struct cp_http_server *server)
{
	if (!server->closing || server->connection_count != 0)
		return;
	cp_timer_stop(&server->shutdown.patience);
	/* Not from here: libh2o is in the middle of closing the last connection, and done may free the server. */
	cp_task_start(&server->shutdown.task);
}

static int connection_fd(const struct cp_http_connection *connection)
{
	return h2o_socket_get_fd(connection->socket);
}

/* libh2o leaves idle connections open until their time is up; the end of their input makes it close them now. */
static void close_idle(struct cp_http_server *server)
{
	for (struct cp_list *link = server->connections.next; link != &server->connections; link = link->next) {
		struct cp_http_connection *connection = CP_CONTAINER_OF(link, struct cp_http_connection, link);
		if (connection->exchange == NULL && connection->socket->input->size == 0)
			shutdown(connection_fd(connection), SHUT_RD);
	}
}

static void end_streams(struct cp_http_server *server)
{
	for (struct cp_list *link = server->live.next, *next; link != &server->live; link = next) {
		struct cp_http_request *request = CP_CONTAINER_OF(link, struct cp_http_request, link);
		next = link->next;
		if (request->stream.started)
			cp_http_stream_drop(request);
	}
}

static void on_out_of_patience(void *data)
{
	struct cp_http_server *server = data;
	for (struct cp_exchange *exchange; (exchange = CP_LIST_FIRST(&server->answering.list, struct cp_exchange, link)) != NULL;)
		cp_exchange_answer_on_behalf(exchange); /* moves it to the other list */
	for (struct cp_list *link = server->connections.next; link != &server->connections; link = link->next)
		shutdown(connection_fd(CP_CONTAINER_OF(link, struct cp_http_connection, link)), SHUT_RDWR);
}

void cp_http_shutdown_init(struct cp_http_server *server)
{
	cp_task_init(&server->shutdown.task, server->loop, tell_done, server);
	cp_timer_init(&server->shutdown.patience, server->loop, on_out_of_patience, server);
}

void cp_http_shutdown(struct cp_http_server *server, unsigned patience_ms, void (*done)(void *data), void *data)
{
	if (server->closing)
		return;
	server->closing = true;
	server->shutdown.done = done;
	server->shutdown.data = data;
	cp_timer_stop(&server->accept_timer);
	h2o_context_request_shutdown(&server->context);
	/* Before the accept queue is emptied: who has only just connected is about to ask something. */
	close_idle(server);
	cp_http_listeners_close(server, true);
	end_streams(server);
	cp_timer_start(&server->shutdown.patience, patience_ms);
	cp_http_shutdown_check(server);
}
