/* Answers that are errors: our own, and those that libh2o gives before a request reaches us. */
#include "internal.h"

#include <stdlib.h>

static void add_json_text(struct cp_buf *buf, const char *text)
{
	cp_buf_add_char(buf, '"');
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; ++p) {
		if (*p == '"' || *p == '\\') {
			cp_buf_add_char(buf, '\\');
			cp_buf_add_char(buf, (char)*p);
		} else if (*p < 0x20) {
			cp_buf_printf(buf, "\\u%04x", *p);
		} else {
			cp_buf_add_char(buf, (char)*p);
		}
	}
	cp_buf_add_char(buf, '"');
}

void cp_http_error_json(struct cp_buf *buf, int status, const char *code, const char *sentence)
{
	cp_buf_printf(buf, "{\"status\":%d,\"error\":", status);
	add_json_text(buf, code);
	cp_buf_add_cstr(buf, ",\"description\":");
	add_json_text(buf, sentence);
	cp_buf_add_char(buf, '}');
}

void cp_http_reply_error(struct cp_http_request *request, int status, const char *code, const char *sentence)
{
	if (request->server != NULL && request->server->options.error_page != NULL) {
		request->server->options.error_page(request, status, code, sentence);
		return;
	}
	CP_CLEANUP(cp_buf_free) struct cp_buf body = {0};
	cp_http_error_json(&body, status, code, sentence);
	cp_http_reply(request, status, "application/json", cp_buf_str(&body));
}

void cp_http_reply_method_not_allowed(struct cp_http_request *request, unsigned allowed)
{
	static const struct {
		enum cp_http_method method;
		const char *name;
	} methods[] = {{CP_HTTP_GET, "GET"}, {CP_HTTP_HEAD, "HEAD"},     {CP_HTTP_POST, "POST"},
	               {CP_HTTP_PUT, "PUT"}, {CP_HTTP_DELETE, "DELETE"}, {CP_HTTP_OPTIONS, "OPTIONS"}};
	CP_CLEANUP(cp_buf_free) struct cp_buf allow = {0};
	if (allowed & CP_HTTP_GET)
		allowed |= CP_HTTP_HEAD;
	for (size_t i = 0; i < CP_COUNT(methods); ++i)
		if (allowed & methods[i].method)
			cp_buf_printf(&allow, "%s%s", allow.len == 0 ? "" : ", ", methods[i].name);
	cp_http_add_header(request, "Allow", cp_buf_str(&allow));
	cp_http_reply_error(request, 405, "method_not_allowed", "This address does not take requests of this method.");
}

/* ---- libh2o's own: 400 of a broken body, 413, 417. They come through the filters of the path that no request of ours takes. */

struct own_errors {
	h2o_filter_t super;
	struct cp_http_server *server;
};

struct own_error_stream {
	h2o_ostream_t super;
	h2o_iovec_t body;
};

static void send_own_body(h2o_ostream_t *stream, h2o_req_t *h2o, h2o_iovec_t *buffers, size_t count, h2o_send_state_t state)
{
	struct own_error_stream *self = (struct own_error_stream *)stream;
	(void)buffers;
	/* no buffer where the request was HEAD */
	h2o_ostream_send_next(stream, h2o, &self->body, count == 0 ? 0 : 1, state);
}

static const char *own_error_code(int status, const char **ret_sentence)
{
	switch (status) {
	case 413:
		*ret_sentence = "The body of the request is larger than is allowed here.";
		return "body_too_large";
	case 417:
		*ret_sentence = "The Expect header asks for something else than 100-continue.";
		return "expectation_failed";
	default:
		*ret_sentence = "The body of the request is malformed.";
		return "bad_request";
	}
}

static void on_own_error(h2o_filter_t *filter, h2o_req_t *h2o, h2o_ostream_t **slot)
{
	struct cp_http_server *server = ((struct own_errors *)filter)->server;
	const char *sentence, *code = own_error_code(h2o->res.status, &sentence);
	CP_CLEANUP(cp_buf_free) struct cp_buf json = {0};
	cp_http_error_json(&json, h2o->res.status, code, sentence);
	char *id = h2o_mem_alloc_pool(&h2o->pool, CP_HTTP_ID_SIZE);
	cp_http_request_new_id(server, id);

	h2o->res.reason = cp_http_reason(h2o->res.status);
	h2o->res.headers = (h2o_headers_t){NULL};
	h2o->res.content_length = json.len;
	h2o_add_header(&h2o->pool, &h2o->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT("application/json"));
	h2o_add_header_by_str(&h2o->pool, &h2o->res.headers, H2O_STRLIT("X-Request-Id"), 0, NULL, id, strlen(id));
	struct own_error_stream *stream = (struct own_error_stream *)h2o_add_ostream(h2o, sizeof(*stream), slot);
	stream->super.do_send = send_own_body;
	stream->body = h2o_strdup(&h2o->pool, json.ptr, json.len);

	/* The body was not read to its end, and what is closed with bytes unread is reset: the client might never see the answer.
	 */
	struct cp_exchange *exchange = cp_exchange_new(server, h2o);
	exchange->linger = true;
	cp_due_list_push(&server->writing, exchange);
	h2o_setup_next_ostream(h2o, &stream->super.next);
}

void cp_http_own_errors_register(struct cp_http_server *server, h2o_pathconf_t *path)
{
	struct own_errors *filter = (struct own_errors *)h2o_create_filter(path, sizeof(*filter));
	filter->super.on_setup_ostream = on_own_error;
	filter->server = server;
}
