#include "webhook.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "sign.h"
#include "url.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_REDIRECTS = 10, FIRST_BACKOFF_MS = 100, MAX_ANSWER = 64 * 1024 };

static const char FORM_TYPE[] = "application/x-www-form-urlencoded; charset=UTF-8";

struct cp_webhook {
	struct cp_webhook_service *service;
	struct cp_arena *arena;
	struct cp_str url; /* of this try, without fragment, before the form is put into it */
	const char *method;
	struct cp_str token;
	const struct cp_form *form;
	char idempotency[CP_IDEMPOTENCY_SIZE];
	struct cp_connection_rules rules;
	unsigned tries, redirects;
	uint64_t started_ms, try_us;
	struct cp_str sent_url, sent_body; /* of this try */
	void *handle;                      /* of the transport */
	struct cp_timer timer;             /* next try, or the report of one that could not start */
	int early_code;
	cp_webhook_fn *fn;
	void *data;
};

static uint64_t monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void give_back(struct cp_webhook *webhook)
{
	cp_timer_stop(&webhook->timer);
	cp_arena_free(webhook->arena);
	free(webhook);
}

static void finish(struct cp_webhook *webhook, const struct cp_webhook_result *result)
{
	webhook->fn(webhook->data, result);
	give_back(webhook);
}

/* Reports on a later turn: whoever starts a webhook is not called back from within. */
static void fail_later(struct cp_webhook *webhook, int code)
{
	webhook->early_code = code;
	cp_timer_start(&webhook->timer, 0);
}

static const struct cp_form no_form;

/* Fills in what goes over the wire: for GET the form becomes part of the URL, and is signed as such. */
static void compose(struct cp_webhook *webhook)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf form = {0};
	for (size_t i = 0; i < webhook->form->count; ++i) {
		const struct cp_form_field *field = &webhook->form->fields[i];
		cp_form_add(&form, cp_arena_cstr(webhook->arena, field->name), field->value);
	}
	webhook->sent_url = webhook->url;
	webhook->sent_body = CP_STR("");
	if (strcmp(webhook->method, "POST") == 0) {
		webhook->sent_body = cp_arena_str(webhook->arena, cp_buf_str(&form));
	} else if (form.len > 0) {
		bool has_query = memchr(webhook->url.ptr, '?', webhook->url.len) != NULL;
		webhook->sent_url = cp_arena_printf(webhook->arena, "%.*s%c%.*s", CP_STR_ARG(webhook->url), has_query ? '&' : '?',
		                                    CP_STR_ARG(cp_buf_str(&form)));
	}
}

/* Where the routes lead the URL: the URL itself where none of them knows its origin. */
static struct cp_str routed(const struct cp_webhook *webhook)
{
	struct cp_str url = webhook->sent_url, origin = cp_url_origin(url);
	for (const struct cp_route *route = webhook->service->routes; route != NULL; route = route->next)
		if (cp_str_eq_ignore_case(origin, cp_str(route->origin)))
			return cp_arena_printf(webhook->arena, "%s%.*s", route->target,
			                       CP_STR_ARG(cp_str_n(url.ptr + origin.len, url.len - origin.len)));
	return url;
}

/* Authority without user information: what the Host header says. */
static struct cp_str host_and_port(const struct cp_url *url)
{
	struct cp_str authority = url->authority;
	const char *at = memrchr(authority.ptr, '@', authority.len);
	return at == NULL ? authority : cp_str_n(at + 1, (size_t)(authority.ptr + authority.len - at - 1));
}

/* A name could be resolved to anywhere: names below localhost become the address that they stand for. */
static struct cp_str numeric(struct cp_arena *arena, struct cp_str text, const struct cp_url *url)
{
	size_t len = sizeof("localhost") - 1;
	if (url->host.len < len ||
	    !cp_str_eq_ignore_case(cp_str_n(url->host.ptr + url->host.len - len, len), CP_STR("localhost")))
		return text;
	size_t before = (size_t)(url->host.ptr - text.ptr), after = before + url->host.len;
	return cp_arena_printf(arena, "%.*s127.0.0.1%.*s", (int)before, text.ptr, (int)(text.len - after), text.ptr + after);
}

/* The URL to connect to, by the routes, and the Host to send (NULL: the URL's own). CP_E_DENIED off loopback. */
static int find_address(const struct cp_webhook *webhook, const char **ret_url, const char **ret_host)
{
	struct cp_url asked, url;
	struct cp_str text = routed(webhook);
	int r = cp_url_parse(webhook->sent_url, &asked);
	if (r == 0)
		r = cp_url_parse(text, &url);
	if (r < 0)
		return r;
	if (!cp_url_is_loopback(&url))
		return cp_fail(CP_E_DENIED, "%.*s is not on loopback; the sandbox calls nothing else", CP_STR_ARG(url.host));
	struct cp_str connect = numeric(webhook->arena, text, &url);
	*ret_url = cp_arena_cstr(webhook->arena, connect);
	*ret_host = cp_str_eq(connect, webhook->sent_url) ? NULL : cp_arena_cstr(webhook->arena, host_and_port(&asked));
	return 0;
}

static void write_request(const struct cp_webhook *webhook, const struct cp_fetch_request *request)
{
	struct cp_transcript_header headers[12];
	size_t count = 0;
	if (request->content_type != NULL)
		headers[count++] = (struct cp_transcript_header){CP_STR("Content-Type"), cp_str(request->content_type)};
	for (size_t i = 0; i < request->header_count && count < CP_COUNT(headers); ++i)
		headers[count++] =
		    (struct cp_transcript_header){cp_str(request->headers[i].name), cp_str(request->headers[i].value)};
	cp_transcript_write(webhook->service->transcript, &(struct cp_transcript_message){.from_carrier = true,
	                                                                                  .method = webhook->method,
	                                                                                  .url = webhook->sent_url,
	                                                                                  .headers = headers,
	                                                                                  .header_count = count,
	                                                                                  .body = webhook->sent_body});
}

static void write_answer(const struct cp_webhook *webhook, const struct cp_fetch_answer *answer)
{
	static const char *const names[] = {"Content-Type",  "Content-Length", "Server",       "Date", "Location",
	                                    "Cache-Control", "Retry-After",    "X-Request-Id", "Allow"};
	struct cp_transcript_header headers[CP_COUNT(names)];
	size_t count = 0;
	for (size_t i = 0; answer != NULL && answer->status != 0 && answer->header != NULL && i < CP_COUNT(names); ++i) {
		struct cp_str value = answer->header(answer, names[i]);
		if (value.ptr != NULL)
			headers[count++] = (struct cp_transcript_header){cp_str(names[i]), value};
	}
	cp_transcript_write(
	    webhook->service->transcript,
	    &(struct cp_transcript_message){.is_answer = true,
	                                    .method = webhook->method,
	                                    .url = webhook->sent_url,
	                                    .headers = headers,
	                                    .header_count = count,
	                                    .status = answer != NULL ? answer->status : 0,
	                                    .body = answer != NULL && answer->status != 0 ? answer->body : CP_STR("")});
}

static void start_try(struct cp_webhook *webhook);

static uint64_t elapsed_ms(const struct cp_webhook *webhook)
{
	return cp_clock_monotonic_ms() - webhook->started_ms;
}

/* Whether the failure's kind is worth another try, and there is time for one: then it is started. */
static bool try_again(struct cp_webhook *webhook, unsigned kind)
{
	if (webhook->tries > webhook->rules.retries || (webhook->rules.retry_on & kind) == 0)
		return false;
	unsigned backoff = (unsigned)FIRST_BACKOFF_MS << (webhook->tries - 1);
	unsigned wait_ms = backoff / 2 + cp_random_below(backoff / 2 + 1);
	if (elapsed_ms(webhook) + wait_ms >= webhook->rules.total_ms)
		return false;
	cp_timer_start(&webhook->timer, wait_ms);
	return true;
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* As Twilio does: 301, 302 and 303 become a GET without the form. Returns Twilio's number of what is wrong with it. */
static int follow(struct cp_webhook *webhook, const struct cp_fetch_answer *answer)
{
	struct cp_str location = answer->header != NULL ? answer->header(answer, "Location") : CP_STR_NULL, target;
	if (location.ptr == NULL || cp_url_resolve(webhook->sent_url, location, webhook->arena, &target) < 0)
		return CP_TWILIO_BAD_REDIRECT;
	if (++webhook->redirects > MAX_REDIRECTS)
		return CP_TWILIO_TOO_MANY_REDIRECTS;
	--webhook->tries; /* a redirect is no failed try */
	if (answer->status < 307) {
		webhook->method = "GET";
		webhook->form = &no_form;
	}
	webhook->url = cp_url_without_fragment(target);
	start_try(webhook);
	return 0;
}

static void on_http_answer(struct cp_webhook *webhook, const struct cp_fetch_answer *answer)
{
	struct cp_webhook_result result = {.status = answer->status,
	                                   .body = answer->body,
	                                   .content_type = answer->content_type,
	                                   .url = webhook->url,
	                                   .sentence = ""};
	if (is_redirect(answer->status)) {
		result.code = follow(webhook, answer);
		if (result.code == 0)
			return;
		result.sentence = "the answer redirects to nowhere, or too often";
	} else if (answer->status < 200 || answer->status > 299) {
		if (try_again(webhook, answer->status >= 500 ? CP_RETRY_5XX : CP_RETRY_4XX))
			return;
		result.code = CP_TWILIO_HTTP_FAILURE;
		result.sentence = "the answer's status is not 2xx";
	}
	finish(webhook, &result);
}

static void on_answer(void *data, int error, const struct cp_fetch_answer *answer)
{
	struct cp_webhook *webhook = data;
	struct cp_webhook_service *service = webhook->service;
	webhook->handle = NULL;
	bool came = error == 0 && answer != NULL && answer->status != 0;
	CP_CLEANUP(cp_free_ptr) char *sentence = cp_strdup(error == 0 ? "" : cp_error_message());
	write_answer(webhook, came ? answer : NULL);
	if (service->on_try != NULL)
		service->on_try(service->on_try_data, came ? answer->status : 0, monotonic_us() - webhook->try_us);
	if (came) {
		on_http_answer(webhook, answer);
		return;
	}
	bool never_sent = answer != NULL && answer->never_sent;
	if (error != CP_E_LIMIT && try_again(webhook, never_sent ? CP_RETRY_CONNECT : CP_RETRY_READ))
		return;
	int code = error == CP_E_LIMIT ? CP_TWILIO_TOO_LARGE : never_sent ? CP_TWILIO_CONNECTION : CP_TWILIO_HTTP_FAILURE;
	finish(webhook, &(struct cp_webhook_result){.code = code, .url = webhook->url, .sentence = sentence});
}

static void send_try(struct cp_webhook *webhook, const char *url, const char *host)
{
	char signature[CP_SIGNATURE_SIZE];
	bool is_post = strcmp(webhook->method, "POST") == 0;
	cp_sign_webhook(webhook->token, webhook->sent_url, is_post ? webhook->form : &no_form, signature);
	struct cp_fetch_header headers[] = {
	    {"X-Twilio-Signature", signature},
	    {"I-Twilio-Idempotency-Token", webhook->idempotency},
	    {"User-Agent", "TwilioProxy/1.1"},
	    {"Accept", "*/*"},
	    {"Cache-Control", "max-age=259200"},
	    {"X-Home-Region", "us1"},
	    {"Host", host},
	};
	uint64_t left = webhook->rules.total_ms - elapsed_ms(webhook),
	         longest = webhook->rules.connect_ms + webhook->rules.read_ms;
	struct cp_fetch_request request = {
	    .method = webhook->method,
	    .url = url,
	    .body = webhook->sent_body,
	    .content_type = is_post ? FORM_TYPE : NULL,
	    .headers = headers,
	    .header_count = CP_COUNT(headers) - (host == NULL ? 1 : 0),
	    .timeout_ms = (unsigned)(left < longest ? left : longest),
	    .connect_timeout_ms = webhook->rules.connect_ms,
	    .max_body = MAX_ANSWER,
	    .operator_destination = true,
	};
	write_request(webhook, &request);
	webhook->try_us = monotonic_us();
	struct cp_transport *transport = &webhook->service->transport;
	if (transport->start(transport->data, &request, on_answer, webhook, &webhook->handle) < 0)
		fail_later(webhook, CP_TWILIO_CONNECTION);
}

static void start_try(struct cp_webhook *webhook)
{
	const char *url = NULL, *host = NULL;
	if (elapsed_ms(webhook) >= webhook->rules.total_ms) {
		fail_later(webhook, CP_TWILIO_HTTP_FAILURE);
		return;
	}
	++webhook->tries;
	compose(webhook);
	int r = find_address(webhook, &url, &host);
	if (r < 0)
		fail_later(webhook, r == CP_E_DENIED ? CP_TWILIO_CONNECTION : CP_TWILIO_URL_FORMAT);
	else
		send_try(webhook, url, host);
}

static void on_timer(void *data)
{
	struct cp_webhook *webhook = data;
	if (webhook->early_code == 0)
		start_try(webhook);
	else
		finish(webhook, &(struct cp_webhook_result){.code = webhook->early_code,
		                                            .url = webhook->url,
		                                            .sentence = webhook->early_code == CP_TWILIO_URL_FORMAT
		                                                            ? "not a URL that can be called"
		                                                            : "no connection: the sandbox calls loopback only"});
}

struct cp_webhook *cp_webhook_start(struct cp_webhook_service *service, const struct cp_webhook_request *request,
                                    cp_webhook_fn *fn, void *data)
{
	struct cp_webhook *webhook = cp_alloc(sizeof(*webhook));
	struct cp_arena *arena = cp_arena_new();
	struct cp_form *form = cp_arena_alloc(arena, sizeof(*form));
	struct cp_form_field *fields = cp_arena_alloc_array(arena, request->form->count + 1, sizeof(*fields));
	for (size_t i = 0; i < request->form->count; ++i) {
		fields[i].name = cp_arena_str(arena, request->form->fields[i].name);
		fields[i].value = cp_arena_str(arena, request->form->fields[i].value);
	}
	*form = (struct cp_form){fields, request->form->count};
	webhook->service = service;
	webhook->arena = arena;
	webhook->url = cp_arena_str(arena, cp_url_without_fragment(request->url));
	webhook->method = strcmp(request->method, "GET") == 0 ? "GET" : "POST";
	webhook->token = cp_arena_str(arena, request->token);
	webhook->form = form;
	webhook->rules = cp_url_rules(request->url);
	webhook->started_ms = cp_clock_monotonic_ms();
	webhook->fn = fn;
	webhook->data = data;
	if (request->idempotency != NULL)
		snprintf(webhook->idempotency, sizeof(webhook->idempotency), "%s", request->idempotency);
	else
		cp_uuid7(webhook->idempotency);
	cp_timer_init(&webhook->timer, service->loop, on_timer, webhook);
	start_try(webhook);
	return webhook;
}

void cp_webhook_stop_retrying(struct cp_webhook *webhook)
{
	webhook->rules.retries = 0;
}

void cp_webhook_cancel(struct cp_webhook *webhook)
{
	if (webhook == NULL)
		return;
	if (webhook->handle != NULL)
		webhook->service->transport.cancel(webhook->service->transport.data, webhook->handle);
	give_back(webhook);
}

const char *cp_webhook_idempotency(const struct cp_webhook *webhook)
{
	return webhook->idempotency;
}
