#include "internal.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
    {200, "OK"},
    {100, "Continue"},
    {101, "Switching Protocols"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *cp_http_reason(int status)
{
	for (size_t i = 0; i < CP_COUNT(reasons); ++i)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

static bool is_token(struct cp_str name)
{
	for (size_t i = 0; i < name.len; ++i) {
		char c = name.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return name.len != 0;
}

/* What decides where an answer ends is the server's to say. */
static bool is_framing(struct cp_str name)
{
	return cp_str_eq_ignore_case(name, CP_STR("content-length")) ||
	       cp_str_eq_ignore_case(name, CP_STR("transfer-encoding")) || cp_str_eq_ignore_case(name, CP_STR("connection"));
}

int cp_http_add_header(struct cp_http_request *request, const char *name, struct cp_str value)
{
	if (!is_token(cp_str(name)) || is_framing(cp_str(name)))
		return cp_fail(CP_E_BUG, "header %s: not one that a handler may set", name);
	for (size_t i = 0; i < value.len; ++i)
		if (value.ptr[i] == '\r' || value.ptr[i] == '\n' || value.ptr[i] == '\0')
			return cp_fail(CP_E_BUG, "header %s: a line break or NUL in its value", name);
	struct cp_reply_header *header = cp_arena_alloc(request->arena, sizeof(*header));
	header->name = cp_arena_str(request->arena, cp_str(name));
	header->value = cp_arena_str(request->arena, value);
	*request->reply_headers_end = header;
	request->reply_headers_end = &header->next;
	return 0;
}

static h2o_iovec_t iovec(struct cp_str text)
{
	return h2o_iovec_init(text.ptr, text.len);
}

/* The head of an answer. Its text is borrowed: libh2o writes the head into a buffer of its own before the first h2o_send returns.
 */
void cp_http_reply_start(struct cp_exchange *exchange, struct cp_http_request *request, int status, const char *content_type)
{
	h2o_req_t *h2o = exchange->h2o;
	h2o->res.status = status >= 100 && status <= 999 ? status : 500;
	h2o->res.reason = cp_http_reason(h2o->res.status);
	if (exchange->server->closing)
		h2o->http1_is_persistent = 0;
	h2o_headers_t *headers = &h2o->res.headers;
	if (content_type != NULL)
		h2o_add_header(&h2o->pool, headers, H2O_TOKEN_CONTENT_TYPE, NULL, content_type, strlen(content_type));
	h2o_add_header_by_str(&h2o->pool, headers, H2O_STRLIT("X-Request-Id"), 0, NULL, request->id, strlen(request->id));
	for (const struct cp_reply_header *header = request->reply_headers; header != NULL; header = header->next) {
		h2o_iovec_t name = iovec(header->name), value = iovec(header->value);
		h2o_add_header_by_str(&h2o->pool, headers, name.base, name.len, 0, NULL, value.base, value.len);
	}
}

static bool has_no_body(int status)
{
	return status < 200 || status == 204 || status == 304; /* RFC 9110 section 6.4.1 */
}

void cp_http_reply(struct cp_http_request *request, int status, const char *content_type, struct cp_str body)
{
	struct cp_exchange *exchange = request->exchange;
	bool on_behalf = request->on_behalf;
	cp_http_request_report(request, status, body.len);
	if (exchange != NULL) {
		exchange->request = NULL;
		request->exchange = NULL;
		cp_http_reply_start(exchange, request, status, content_type);
		cp_due_list_push(&exchange->server->writing, exchange);
		if (has_no_body(status))
			body.len = 0;
		else
			exchange->h2o->res.content_length = body.len;
		h2o_send_inline(exchange->h2o, body.len == 0 ? "" : body.ptr, body.len);
	}
	if (!on_behalf)
		cp_http_request_release(request);
}
