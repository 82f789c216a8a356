#include "base/clock.h"
#include "internal.h"

#include <sys/socket.h>
#include <time.h>

static void on_due(void *data)
{
	struct cp_due_list *due = data;
	uint64_t now = cp_clock_monotonic_ms();
	for (struct cp_exchange *exchange; (exchange = CP_LIST_FIRST(&due->list, struct cp_exchange, link)) != NULL;) {
		if (exchange->due_ms > now) {
			cp_timer_start(&due->timer, exchange->due_ms - now);
			return;
		}
		cp_list_remove(&exchange->link);
		due->expired(exchange);
	}
}

void cp_due_list_init(struct cp_due_list *due, struct cp_loop *loop, uint64_t delay_ms,
                      void (*expired)(struct cp_exchange *exchange))
{
	cp_list_init(&due->list);
	cp_timer_init(&due->timer, loop, on_due, due);
	due->delay_ms = delay_ms;
	due->expired = expired;
}

void cp_due_list_push(struct cp_due_list *due, struct cp_exchange *exchange)
{
	cp_list_remove(&exchange->link);
	exchange->due_ms = cp_clock_monotonic_ms() + due->delay_ms;
	cp_list_push(&due->list, &exchange->link);
	/* One timer for all: it is left running when its exchange is answered, and finds the next one when it fires. */
	if (!cp_timer_is_started(&due->timer))
		cp_timer_start(&due->timer, due->delay_ms);
}

/* libh2o is done with the request: the answer is written, or the connection broken. */
static void exchange_gone(void *memory)
{
	struct cp_exchange *exchange = memory;
	struct cp_http_request *request = exchange->request;
	cp_list_remove(&exchange->link);
	exchange->connection->exchange = NULL;
	if (request != NULL) {
		request->exchange = NULL;
		exchange->request = NULL;
		if (request->stream.started)
			cp_http_stream_lost(request);
	}
	if (exchange->linger)
		cp_http_linger(exchange->server, h2o_socket_get_fd(exchange->connection->socket));
}

struct cp_exchange *cp_exchange_new(struct cp_http_server *server, h2o_req_t *h2o)
{
	h2o_socket_t *socket = h2o->conn->callbacks->get_socket(h2o->conn);
	struct cp_exchange *exchange = h2o_mem_alloc_shared(&h2o->pool, sizeof(*exchange), exchange_gone);
	*exchange = (struct cp_exchange){.server = server, .connection = socket->on_close.data, .h2o = h2o};
	exchange->connection->exchange = exchange;
	return exchange;
}

void cp_exchange_break(struct cp_exchange *exchange)
{
	shutdown(h2o_socket_get_fd(exchange->connection->socket), SHUT_RDWR);
}

static void dispatch(struct cp_http_request *request)
{
	const struct cp_http_options *options = &request->server->options;
	unsigned allowed;
	if (!cp_http_route_find(request, &allowed)) {
		if (allowed != 0)
			cp_http_reply_method_not_allowed(request, allowed);
		else
			cp_http_reply_error(request, 404, "not_found", "There is nothing at this address.");
		return;
	}
	const struct cp_http_route *route = request->route->route;
	if (request->body.len > (route->max_body != 0 ? route->max_body : options->max_body)) {
		cp_http_reply_error(request, 413, "body_too_large", "The body of the request is larger than is allowed here.");
		return;
	}
	route->handler(request, options->data);
}

int cp_http_on_request(h2o_handler_t *handler, h2o_req_t *h2o)
{
	struct cp_http_server *server = ((struct cp_http_entry *)handler)->server;
	struct cp_exchange *exchange = cp_exchange_new(server, h2o);
	struct cp_http_request *request = cp_http_request_take(server);
	exchange->request = request;
	request->exchange = exchange;
	cp_http_request_fill(request, h2o, exchange->connection);
	cp_due_list_push(&server->answering, exchange);
	const char *problem = cp_http_strict_problem(request, h2o, exchange->connection->socket);
	if (problem != NULL) {
		/* What follows on the connection may not be what the sender takes it for. */
		h2o->http1_is_persistent = 0;
		cp_http_reply_error(request, 400, "bad_request", problem);
	} else {
		dispatch(request);
	}
	return 0;
}

void cp_exchange_answer_on_behalf(struct cp_exchange *exchange)
{
	struct cp_http_request *request = exchange->request;
	request->on_behalf = true;
	request->reply_headers = NULL;
	request->reply_headers_end = &request->reply_headers;
	cp_http_reply_error(request, 503, "deadline_exceeded", "The answer took too long. Please try again.");
	request->on_behalf = false;
}
