/*
 * The handler's half of a request. Its text is copied out of libh2o's buffers in one go, since those die with the exchange while
 * the handler may hold the request for longer.
 */
#include "internal.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__)
#define REUSE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REUSE 0
#endif
#endif
#ifndef REUSE
#define REUSE 1 /* not under the address sanitizer, which would not see a request used after its reply */
#endif

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct cp_http_request *cp_http_request_take(struct cp_http_server *server)
{
	struct cp_http_request *request = CP_LIST_FIRST(&server->spare, struct cp_http_request, link);
	if (request != NULL) {
		cp_list_remove(&request->link);
		--server->spare_count;
	} else {
		request = cp_alloc(sizeof(*request));
		request->arena = cp_arena_new();
	}
	request->server = server;
	request->loop = server->loop;
	request->reply_headers_end = &request->reply_headers;
	request->started_ns = now_ns();
	cp_list_push(&server->live, &request->link);
	return request;
}

void cp_http_request_free(struct cp_http_request *request)
{
	cp_arena_free(request->arena);
	cp_buf_free(&request->text);
	cp_buf_free(&request->stream.queued);
	cp_buf_free(&request->stream.sent);
	free(request);
}

void cp_http_request_release(struct cp_http_request *request)
{
	struct cp_http_server *server = request->server;
	cp_list_remove(&request->link);
	if (request->stream.started) {
		cp_task_stop(&request->stream.gone_task);
		cp_buf_free(&request->stream.queued);
		cp_buf_free(&request->stream.sent);
	}
	if (!REUSE || server == NULL || server->spare_count == CP_HTTP_SPARE_REQUESTS) {
		cp_http_request_free(request);
		return;
	}
	struct cp_buf text = request->text;
	if (text.cap > CP_HTTP_SPARE_TEXT)
		cp_buf_free(&text);
	cp_arena_reset(request->arena);
	/* id and peer are left: they are filled before anybody can look */
	struct cp_arena *arena = request->arena;
	memset(request, 0, offsetof(struct cp_http_request, id));
	request->arena = arena;
	request->text = text;
	cp_list_push_front(&server->spare, &request->link);
	++server->spare_count;
}

void cp_http_request_report(struct cp_http_request *request, int status, size_t body_size)
{
	struct cp_http_server *server = request->server;
	if (request->reported || server == NULL || server->options.on_done == NULL)
		return;
	request->reported = true;
	server->options.on_done(request, status, body_size, (now_ns() - request->started_ns) / 1000, server->options.data);
}

/* ---- filling */

void cp_http_request_new_id(struct cp_http_server *server, char out[CP_HTTP_ID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char reversed[16];
	size_t count = 0;
	uint64_t number = ++server->id_counter;
	do
		reversed[count++] = digits[number & 15];
	while ((number >>= 4) != 0);
	memcpy(out, server->id_prefix, 13);
	for (size_t i = 0; i < count; ++i)
		out[13 + i] = reversed[count - 1 - i];
	out[13 + count] = '\0';
}

/* Somebody in front has given the request an id: kept where it cannot do harm in a log or a header. */
static bool take_id(struct cp_http_request *request)
{
	struct cp_str id = cp_http_header(request, "x-request-id");
	if (id.len == 0 || id.len >= CP_HTTP_ID_SIZE)
		return false;
	for (size_t i = 0; i < id.len; ++i) {
		char c = id.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		      c == '.'))
			return false;
	}
	memcpy(request->id, id.ptr, id.len);
	request->id[id.len] = '\0';
	return true;
}

static enum cp_http_method method_of(h2o_iovec_t name)
{
	static const struct {
		const char *name;
		enum cp_http_method method;
	} methods[] = {{"GET", CP_HTTP_GET},       {"POST", CP_HTTP_POST},       {"PUT", CP_HTTP_PUT},
	               {"DELETE", CP_HTTP_DELETE}, {"OPTIONS", CP_HTTP_OPTIONS}, {"HEAD", CP_HTTP_HEAD}};
	for (size_t i = 0; i < CP_COUNT(methods); ++i)
		if (strlen(methods[i].name) == name.len && memcmp(methods[i].name, name.base, name.len) == 0)
			return methods[i].method;
	return 0;
}

/* Appends to text, which is large enough, and returns the copy. */
static struct cp_str copy(char **text, const char *ptr, size_t len)
{
	struct cp_str result = {*text, len};
	if (len != 0)
		memcpy(*text, ptr, len);
	*text += len;
	return result;
}

static bool has_host(const h2o_req_t *h2o)
{
	/* libh2o puts the configured name where there was no Host */
	return h2o->input.authority.base != NULL && h2o->input.authority.base != h2o->hostconf->authority.hostport.base;
}

void cp_http_request_fill(struct cp_http_request *request, const h2o_req_t *h2o, const struct cp_http_connection *connection)
{
	size_t size = (h2o->headers.size + 1) * sizeof(*request->headers) + 2 * h2o->input.authority.len + h2o->path.len +
	              h2o->path_normalized.len + h2o->entity.len;
	for (size_t i = 0; i < h2o->headers.size; ++i)
		size += h2o->headers.entries[i].name->len + h2o->headers.entries[i].value.len;
	request->text.len = 0;
	cp_buf_reserve(&request->text, size);
	request->headers = (struct cp_http_header *)(void *)request->text.ptr;
	char *text = request->text.ptr + (h2o->headers.size + 1) * sizeof(*request->headers);

	request->method = method_of(h2o->input.method);
	request->target = copy(&text, h2o->path.base, h2o->path.len);
	if (h2o->query_at != SIZE_MAX)
		request->query = cp_str_n(request->target.ptr + h2o->query_at + 1, request->target.len - h2o->query_at - 1);
	request->path = copy(&text, h2o->path_normalized.base, h2o->path_normalized.len);
	if (has_host(h2o)) {
		struct cp_str host = copy(&text, h2o->input.authority.base, h2o->input.authority.len);
		request->headers[request->header_count++] = (struct cp_http_header){CP_STR("host"), host};
		request->host = copy(&text, host.ptr, host.len);
		h2o_strtolower(text - host.len, host.len);
	}
	for (size_t i = 0; i < h2o->headers.size; ++i) {
		const h2o_header_t *header = &h2o->headers.entries[i];
		struct cp_http_header *slot = &request->headers[request->header_count++];
		slot->name = copy(&text, header->name->base, header->name->len);
		slot->value = copy(&text, header->value.base, header->value.len);
	}
	request->body = copy(&text, h2o->entity.base, h2o->entity.len);
	memcpy(request->peer, connection->peer, sizeof(request->peer));
	if (!take_id(request))
		cp_http_request_new_id(request->server, request->id);
	request->log = (struct cp_log_context){.request = cp_str(request->id)};
}

/* ---- what the handler sees */

enum cp_http_method cp_http_method(const struct cp_http_request *request)
{
	return request->method;
}

struct cp_str cp_http_path(const struct cp_http_request *request)
{
	return request->path;
}

struct cp_str cp_http_target(const struct cp_http_request *request)
{
	return request->target;
}

struct cp_str cp_http_query(const struct cp_http_request *request)
{
	return request->query;
}

struct cp_str cp_http_header(const struct cp_http_request *request, const char *name)
{
	struct cp_str wanted = cp_str(name);
	for (size_t i = 0; i < request->header_count; ++i)
		if (request->headers[i].name.len == wanted.len && cp_str_eq_ignore_case(request->headers[i].name, wanted))
			return request->headers[i].value;
	return CP_STR_NULL;
}

void cp_http_each_header(const struct cp_http_request *request, void (*fn)(void *data, struct cp_str name, struct cp_str value),
                         void *data)
{
	for (size_t i = 0; i < request->header_count; ++i)
		fn(data, request->headers[i].name, request->headers[i].value);
}

struct cp_str cp_http_body(const struct cp_http_request *request)
{
	return request->body;
}

struct cp_str cp_http_host(const struct cp_http_request *request)
{
	return request->host;
}

struct cp_str cp_http_peer(const struct cp_http_request *request)
{
	return cp_str(request->peer);
}

struct cp_arena *cp_http_arena(struct cp_http_request *request)
{
	return request->arena;
}

struct cp_loop *cp_http_loop(struct cp_http_request *request)
{
	return request->loop;
}

struct cp_log_context *cp_http_log(struct cp_http_request *request)
{
	return &request->log;
}
