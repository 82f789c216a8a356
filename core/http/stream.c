/*
 * Answers in parts. Parts wait in `queued` while libh2o writes `sent`, since it takes one write at a time and borrows its bytes.
 *
 * The end of a stream comes from one of three sides: the handler ends it (the request is released when the last part is written),
 * the connection breaks, or the server shuts down. The latter two tell the handler, from a task of the loop so that it is never
 * called from inside its own call, and the request is released after that.
 */
#include "internal.h"

#include <strings.h>

static void pump(struct cp_http_request *request);

static void tell_gone(void *data)
{
	struct cp_http_request *request = data;
	void (*gone)(void *) = request->stream.gone;
	cp_http_request_report(request, 200, request->stream.total);
	if (gone != NULL)
		gone(request->stream.data);
	cp_http_request_release(request);
}

static void detach(struct cp_http_request *request)
{
	if (request->exchange != NULL)
		request->exchange->request = NULL;
	request->exchange = NULL;
}

void cp_http_stream_lost(struct cp_http_request *request)
{
	if (request->stream.ending)
		cp_http_request_release(request);
	else
		cp_task_start(&request->stream.gone_task);
}

/* Ends the answer as well as it can be, without the handler. */
void cp_http_stream_drop(struct cp_http_request *request)
{
	struct cp_exchange *exchange = request->exchange;
	if (exchange == NULL || request->stream.ending)
		return;
	if (request->stream.sending) {
		/* The bytes being written are the request's: libh2o must let go of them first, with an error or because they are
		 * out. */
		request->stream.dropped = true;
		cp_exchange_break(exchange);
		return;
	}
	detach(request);
	cp_task_start(&request->stream.gone_task);
	exchange->h2o->http1_is_persistent = 0;
	h2o_send(exchange->h2o, NULL, 0, H2O_SEND_STATE_FINAL);
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *h2o)
{
	struct cp_exchange *exchange = CP_CONTAINER_OF(generator, struct cp_exchange, generator);
	struct cp_http_request *request = exchange->request;
	(void)h2o;
	cp_list_remove(&exchange->link);
	if (request == NULL)
		return;
	request->stream.sending = false;
	request->stream.sent.len = 0;
	if (request->stream.dropped)
		cp_http_stream_drop(request);
	else
		pump(request);
}

static void pump(struct cp_http_request *request)
{
	struct cp_http_stream *stream = &request->stream;
	struct cp_exchange *exchange = request->exchange;
	if (exchange == NULL || stream->sending || (stream->queued.len == 0 && !stream->ending))
		return;
	struct cp_buf empty = stream->sent;
	stream->sent = stream->queued;
	stream->queued = empty;
	stream->sending = true;
	cp_due_list_push(&exchange->server->writing, exchange);
	h2o_iovec_t bytes = h2o_iovec_init(stream->sent.ptr, stream->sent.len);
	/* After the last part the request may be gone when this returns. */
	h2o_send(exchange->h2o, &bytes, bytes.len == 0 ? 0 : 1,
	         stream->ending ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

/* libh2o does not read while it answers, so that a client which goes away would be noticed at the next part only. */
static void on_client_input(h2o_socket_t *socket, const char *error)
{
	struct cp_http_connection *connection = socket->on_close.data;
	struct cp_exchange *exchange = connection->exchange;
	h2o_socket_read_stop(socket);
	if (error != NULL && exchange != NULL && exchange->request != NULL)
		cp_http_stream_drop(exchange->request);
}

void cp_http_stream_start(struct cp_http_request *request, int status, const char *content_type, void (*gone)(void *data),
                          void *data)
{
	struct cp_exchange *exchange = request->exchange;
	struct cp_http_stream *stream = &request->stream;
	stream->started = true;
	stream->gone = gone;
	stream->data = data;
	cp_task_init(&stream->gone_task, request->loop, tell_gone, request);
	if (exchange == NULL) {
		cp_task_start(&stream->gone_task);
		return;
	}
	cp_list_remove(&exchange->link);
	cp_http_reply_start(exchange, request, status, content_type);
	exchange->generator = (h2o_generator_t){.proceed = on_proceed};
	h2o_start_response(exchange->h2o, &exchange->generator);
	if (request->method == CP_HTTP_HEAD || exchange->server->closing) {
		cp_http_stream_drop(request);
		return;
	}
	h2o_socket_read_start(exchange->connection->socket, on_client_input);
	/* libh2o sends the head with the first part, and an EventSource is open when it has the head: an empty comment brings it.
	 */
	if (content_type != NULL && strncasecmp(content_type, "text/event-stream", 17) == 0)
		cp_http_stream_send(request, CP_STR(":\n\n"));
}

void cp_http_stream_send(struct cp_http_request *request, struct cp_str part)
{
	struct cp_http_stream *stream = &request->stream;
	if (request->exchange == NULL || stream->ending || part.len == 0)
		return;
	if (part.len > CP_HTTP_STREAM_QUEUE - stream->queued.len) {
		cp_http_stream_drop(request);
		return;
	}
	stream->total += part.len;
	cp_buf_add(&stream->queued, part);
	pump(request);
}

void cp_http_stream_end(struct cp_http_request *request)
{
	struct cp_http_stream *stream = &request->stream;
	cp_http_request_report(request, 200, stream->total);
	stream->gone = NULL;
	stream->ending = true;
	if (request->exchange == NULL)
		cp_http_request_release(request);
	else
		pump(request);
}
