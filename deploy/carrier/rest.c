#include "rest.h"

#include "base/memory.h"
#include "crypto/base64.h"
#include "present.h"
#include "url.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- answers, and the transcript */

enum { MAX_HEADERS = 64 };

struct header_list {
	struct cp_arena *arena;
	struct cp_transcript_header headers[MAX_HEADERS];
	size_t count;
};

/* The seam hands names over in lower case; "Content-Type" is how they were sent. */
static void add_header(void *data, struct cp_str name, struct cp_str value)
{
	struct header_list *list = data;
	char *copy = cp_arena_cstr(list->arena, name);
	if (list->count == MAX_HEADERS)
		return;
	for (size_t i = 0; i < name.len; ++i)
		if (i == 0 || copy[i - 1] == '-')
			copy[i] = (char)toupper((unsigned char)copy[i]);
	list->headers[list->count++] = (struct cp_transcript_header){cp_str_n(copy, name.len), value};
}

static const char *method_word(enum cp_http_method method)
{
	switch (method) {
	case CP_HTTP_GET:
	case CP_HTTP_HEAD:
		return "GET";
	case CP_HTTP_POST:
		return "POST";
	case CP_HTTP_PUT:
		return "PUT";
	case CP_HTTP_DELETE:
		return "DELETE";
	default:
		return "OPTIONS";
	}
}

static void write_transcript(struct cp_rest *rest, int status, struct cp_str body)
{
	struct header_list list = {.arena = cp_http_arena(rest->request)};
	struct cp_transcript_header answer_header = {CP_STR("Content-Type"), CP_STR("application/json")};
	struct cp_transcript_message message = {
	    .method = method_word(cp_http_method(rest->request)),
	    .url = cp_arena_printf(list.arena, "%s%.*s", rest->service->url, CP_STR_ARG(cp_http_target(rest->request))),
	    .body = cp_http_body(rest->request),
	};
	if (rest->service->transcript == NULL)
		return;
	cp_http_each_header(rest->request, add_header, &list);
	message.headers = list.headers;
	message.header_count = list.count;
	cp_transcript_write(rest->service->transcript, &message);
	message.from_carrier = message.is_answer = true;
	message.headers = &answer_header;
	message.header_count = body.len > 0 ? 1 : 0;
	message.status = status;
	message.body = body;
	cp_transcript_write(rest->service->transcript, &message);
}

void cp_rest_reply(struct cp_rest *rest, int status, json_t *json)
{
	struct cp_str body = json != NULL ? cp_json_text(json, cp_http_arena(rest->request)) : CP_STR("");
	json_decref(json);
	write_transcript(rest, status, body);
	cp_http_reply(rest->request, status, body.len > 0 ? "application/json" : NULL, body);
}

void cp_rest_error(struct cp_rest *rest, int status, int code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	struct cp_str message = cp_arena_vprintf(cp_http_arena(rest->request), fmt, args);
	va_end(args);
	cp_rest_reply(rest, status,
	              json_pack("{s:i,s:s%,s:o,s:i}", "code", code, "message", message.ptr, message.len, "more_info",
	                        json_sprintf("https://www.twilio.com/docs/errors/%d", code), "status", status));
}

/* ---- parameters */

bool cp_rest_check_url(struct cp_rest *rest, const char *name, int code)
{
	struct cp_str value = cp_form_get(&rest->form, name);
	struct cp_url url;
	if (value.len == 0)
		return true;
	if (cp_url_parse(value, &url) == 0 && (code == 21205 || memchr(url.host.ptr, '_', url.host.len) == NULL))
		return true;
	cp_rest_error(rest, 400, code, "%s is not a valid URL: %.*s", name, CP_STR_ARG(value));
	return false;
}

const char *cp_rest_method(struct cp_rest *rest, const char *name)
{
	struct cp_str value = cp_form_get(&rest->form, name);
	if (value.len == 0 || cp_str_eq_ignore_case(value, CP_STR("POST")))
		return "POST";
	if (cp_str_eq_ignore_case(value, CP_STR("GET")))
		return "GET";
	cp_rest_error(rest, 400, 21206, "%s must be GET or POST", name);
	return NULL;
}

bool cp_rest_number(struct cp_rest *rest, const char *name, unsigned min, unsigned max, unsigned preset, unsigned *ret_number)
{
	struct cp_str value = cp_form_get(&rest->form, name);
	uint64_t number = preset;
	if (value.len > 0 && (cp_str_to_u64(value, max, &number) < 0 || number < min)) {
		cp_rest_error(rest, 400, 20001, "%s must be a whole number from %u to %u", name, min, max);
		return false;
	}
	*ret_number = (unsigned)number;
	return true;
}

bool cp_rest_known(struct cp_rest *rest, const char *const *names)
{
	for (size_t i = 0; i < rest->form.count; ++i) {
		struct cp_str name = rest->form.fields[i].name;
		const char *const *known = names;
		while (*known != NULL && !cp_str_eq(name, cp_str(*known)))
			++known;
		if (*known != NULL)
			continue;
		cp_rest_error(rest, 400, 20001, "The parameter %.*s does not exist here, or the sandbox does not perform it",
		              (int)(name.len < 100 ? name.len : 100), name.ptr);
		return false;
	}
	return true;
}

char *cp_rest_copy(struct cp_rest *rest, const char *name)
{
	struct cp_str value = cp_form_get(&rest->form, name);
	return value.len > 0 ? cp_strndup(value.ptr, value.len) : NULL;
}

/* ---- who asks, and for what */

/* The account that the Authorization header proves; NULL where it proves none. */
static struct cp_account *authenticate(struct cp_rest *rest)
{
	unsigned char plain[256];
	size_t len;
	struct cp_str header = cp_http_header(rest->request, "authorization"), token;
	if (header.len < 6 || !cp_str_eq_ignore_case(cp_str_n(header.ptr, 6), CP_STR("Basic ")))
		return NULL;
	header = cp_str_trim(cp_str_n(header.ptr + 6, header.len - 6));
	if (cp_base64_decode(CP_BASE64_STANDARD, header, plain, sizeof(plain), &len) < 0)
		return NULL;
	struct cp_str sid = cp_str_split(cp_str_n((const char *)plain, len), ':', &token);
	struct cp_account *account = cp_switchboard_account(rest->service->board, sid);
	return account != NULL && token.ptr != NULL && cp_str_eq(token, cp_str(account->token)) ? account : NULL;
}

static void not_found(struct cp_rest *rest)
{
	struct cp_str path = cp_http_path(rest->request);
	cp_rest_error(rest, 404, 20404, "The requested resource %.*s was not found", (int)(path.len < 300 ? path.len : 300),
	              path.ptr);
}

static void wrong_method(struct cp_rest *rest)
{
	cp_rest_error(rest, 405, 20004, "Method not allowed");
}

/* "NAME.json" without its ending; absent where it has none. */
static struct cp_str without_json(struct cp_str segment)
{
	if (!cp_str_ends(segment, CP_STR(".json")))
		return CP_STR_NULL;
	return cp_str_n(segment.ptr, segment.len - 5);
}

static void handle_call(struct cp_rest *rest, struct cp_str sid)
{
	struct cp_leg *leg = sid.ptr != NULL ? cp_switchboard_leg(rest->service->board, sid) : NULL;
	if (leg == NULL || leg->account != rest->account) {
		not_found(rest);
		return;
	}
	switch (cp_http_method(rest->request)) {
	case CP_HTTP_GET:
	case CP_HTTP_HEAD:
		cp_rest_reply(rest, 200, cp_present_resource(leg));
		return;
	case CP_HTTP_POST:
		cp_rest_update_call(rest, leg);
		return;
	case CP_HTTP_DELETE:
		cp_rest_delete_call(rest, leg);
		return;
	default:
		wrong_method(rest);
	}
}

static void handle_collection(struct cp_rest *rest, struct cp_str name)
{
	enum cp_http_method method = cp_http_method(rest->request);
	bool is_get = method == CP_HTTP_GET || method == CP_HTTP_HEAD;
	if (cp_str_eq(name, CP_STR("Calls")) && (is_get || method == CP_HTTP_POST)) {
		if (is_get)
			cp_rest_list_calls(rest);
		else
			cp_rest_create_call(rest);
	} else if (cp_str_eq(name, CP_STR("IncomingPhoneNumbers")) && is_get) {
		cp_rest_list_numbers(rest);
	} else if (cp_str_eq(name, CP_STR("Calls")) || cp_str_eq(name, CP_STR("IncomingPhoneNumbers"))) {
		wrong_method(rest);
	} else {
		not_found(rest);
	}
}

/* rest of the path: "Accounts/AC….json", "Accounts/AC…/Calls.json", "Accounts/AC…/Calls/CA….json". */
static void dispatch(struct cp_rest *rest, struct cp_str path)
{
	struct cp_str tail, sid, name;
	struct cp_str accounts = cp_str_split(path, '/', &tail);
	sid = cp_str_split(tail, '/', &tail);
	bool only_account = tail.ptr == NULL;
	rest->account = authenticate(rest);
	if (rest->account == NULL || !cp_str_eq(only_account ? without_json(sid) : sid, cp_str(rest->account->sid))) {
		if (cp_http_add_header(rest->request, "WWW-Authenticate", CP_STR("Basic realm=\"Twilio API\"")) == 0)
			cp_rest_error(rest, 401, 20003, "Authenticate");
		return;
	}
	if (!cp_str_eq(accounts, CP_STR("Accounts"))) {
		not_found(rest);
	} else if (only_account) {
		cp_rest_reply(rest, 200, cp_present_account(rest->account));
	} else {
		name = cp_str_split(tail, '/', &tail);
		if (tail.ptr == NULL)
			handle_collection(rest, without_json(name));
		else if (cp_str_eq(name, CP_STR("Calls")))
			handle_call(rest, without_json(tail));
		else
			not_found(rest);
	}
}

void cp_rest_handle(struct cp_http_request *request, void *data)
{
	struct cp_rest rest = {.request = request, .service = data};
	bool has_body = cp_http_method(request) == CP_HTTP_POST;
	struct cp_str content_type = cp_http_header(request, "content-type"),
	              encoded = has_body ? cp_http_body(request) : cp_http_query(request);
	if (has_body && encoded.len > 0 && !cp_str_starts(content_type, CP_STR("application/x-www-form-urlencoded"))) {
		cp_rest_error(&rest, 415, 20009, "The body must be application/x-www-form-urlencoded");
		return;
	}
	if (cp_form_parse(encoded, cp_http_arena(request), &rest.form) < 0) {
		cp_rest_error(&rest, 400, 20001, "The form cannot be read: %s", cp_error_message());
		return;
	}
	dispatch(&rest, cp_http_param(request, "rest"));
}
