#include "internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { DEFAULT_TIMEOUT_MS = 15000, DEFAULT_CONNECT_MS = 5000, DEFAULT_MAX_BODY = 1024 * 1024 };

static void free_wiped(char *text, size_t len)
{
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
}

/* ---- headers: our own nodes rather than curl_slist_append, so that each text exists once and is wiped */

static void add_header_text(struct cp_fetch *fetch, char *text)
{
	struct curl_slist *node = cp_alloc(sizeof(*node)), **end = &fetch->headers;
	node->data = text;
	while (*end != NULL)
		end = &(*end)->next;
	*end = node;
}

static int add_header(struct cp_fetch *fetch, const char *name, const char *value)
{
	if (name[0] == '\0' || strpbrk(name, "\r\n: ") != NULL || strpbrk(value, "\r\n") != NULL)
		return cp_fail(CP_E_INPUT, "the header %s of an outgoing request has a line break or a bad name", name);
	size_t size = strlen(name) + strlen(value) + 3;
	char *text = cp_alloc(size);
	/* "Name;" is libcurl's form for a header without a value */
	snprintf(text, size, value[0] == '\0' ? "%s;" : "%s: %s", name, value);
	add_header_text(fetch, text);
	return 0;
}

static void free_headers(struct cp_fetch *fetch)
{
	for (struct curl_slist *node = fetch->headers, *next; node != NULL; node = next) {
		next = node->next;
		free_wiped(node->data, strlen(node->data));
		free(node);
	}
	fetch->headers = NULL;
}

/* RFC 7617. Written here since libcurl would keep the parts in memory that is alive for as long as its handle. */
static void add_basic_authentication(struct cp_fetch *fetch, const char *user, const char *secret)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char prefix[] = "Authorization: Basic ";
	size_t len = strlen(user) + 1 + strlen(secret);
	unsigned char *plain = cp_alloc(len + 3);
	memcpy(plain, user, strlen(user));
	plain[strlen(user)] = ':';
	memcpy(plain + strlen(user) + 1, secret, strlen(secret));
	char *text = cp_alloc(sizeof(prefix) + (len + 2) / 3 * 4), *out = text + sizeof(prefix) - 1;
	memcpy(text, prefix, sizeof(prefix) - 1);
	for (size_t i = 0; i < len; i += 3) {
		uint32_t group = (uint32_t)plain[i] << 16 | (uint32_t)plain[i + 1] << 8 | plain[i + 2];
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		*out++ = i + 1 < len ? digits[group >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[group & 63] : '=';
	}
	explicit_bzero(plain, len + 3);
	free(plain);
	add_header_text(fetch, text);
}

static bool has_header(const struct cp_fetch_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; ++i)
		if (cp_str_eq_ignore_case(cp_str(request->headers[i].name), cp_str(name)))
			return true;
	return false;
}

static int add_headers(struct cp_fetch *fetch, const struct cp_fetch_request *request)
{
	int error = has_header(request, "User-Agent") ? 0 : add_header(fetch, "User-Agent", "callpower");
	for (size_t i = 0; error == 0 && i < request->header_count; ++i)
		error = add_header(fetch, request->headers[i].name, request->headers[i].value);
	if (error == 0 && request->content_type != NULL)
		error = add_header(fetch, "Content-Type", request->content_type);
	if (error == 0 && request->user != NULL)
		add_basic_authentication(fetch, request->user, request->secret == NULL ? "" : request->secret);
	/* libcurl would wait for "100 Continue" before large bodies, and name a type of its own for a body without one */
	if (error == 0)
		add_header_text(fetch, cp_strdup("Expect:"));
	if (error == 0 && request->content_type == NULL)
		add_header_text(fetch, cp_strdup("Content-Type:"));
	return error;
}

/* ---- the URL */

static int take_host(struct cp_fetch *fetch, const char *host)
{
	size_t len = strlen(host);
	if (host[0] == '[') {
		fetch->host = cp_strndup(host + 1, len - 2);
		return 0;
	}
	for (size_t i = 0; i < len; ++i) {
		char c = host[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
		      c == '_'))
			return cp_fail(CP_E_INPUT, "the host of the URL has a character that is not ASCII, or not of a name");
	}
	if (len == 0 || len > 253)
		return cp_fail(CP_E_INPUT, "the host of the URL is empty or too long");
	fetch->host = cp_strdup(host);
	for (char *p = fetch->host; *p != '\0'; ++p)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return 0;
}

static int check_url(struct cp_fetch *fetch, const char *scheme, const char *user, const char *port)
{
	bool is_http = strcmp(scheme, "http") == 0;
	uint64_t number;
	if (strcmp(scheme, "https") != 0 && !(is_http && fetch->operator_destination))
		return cp_fail(CP_E_INPUT, "the URL does not start with https://");
	if (user != NULL)
		return cp_fail(CP_E_INPUT, "the URL has a user name in it");
	if (cp_str_to_u64(cp_str(port), 65535, &number) != 0 || number == 0)
		return cp_fail(CP_E_INPUT, "the port of the URL is not one");
	fetch->port = (unsigned)number;
	return 0;
}

/* libcurl's own parser, and the handle goes to libcurl again: what is checked is what is used. */
static int take_url(struct cp_fetch *fetch, const char *url)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
	fetch->url = curl_url();
	CURLUcode code = curl_url_set(fetch->url, CURLUPART_URL, url, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(fetch->url, CURLUPART_SCHEME, &scheme, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(fetch->url, CURLUPART_HOST, &host, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(fetch->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	int error;
	if (code != CURLUE_OK) {
		error = cp_fail(CP_E_INPUT, "the URL cannot be understood: %s", curl_url_strerror(code));
	} else {
		curl_url_get(fetch->url, CURLUPART_USER, &user, 0);
		error = check_url(fetch, scheme, user, port);
		if (error == 0)
			error = take_host(fetch, host);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(user);
	return error;
}

/* ---- start */

static void on_timeout(void *data)
{
	struct cp_fetch *fetch = data;
	struct cp_fetcher *fetcher = fetch->fetcher;
	if (fetch->state == CP_FETCH_ACTIVE) {
		cp_fetch_conclude(fetch, CURLE_OPERATION_TIMEDOUT);
		curl_multi_remove_handle(fetcher->multi, fetch->easy);
		cp_fetch_release_easy(fetch);
		cp_fetch_move(fetch, CP_FETCH_DONE);
		cp_fetcher_fill(fetcher);
	} else {
		const char *what = fetch->state == CP_FETCH_RESOLVING ? "the name was not resolved" : "no connection became free";
		cp_fetch_fail(fetch, CP_E_UNAVAILABLE, "%s: %s within %u ms", fetch->host, what, fetch->timeout_ms);
	}
}

static struct cp_str answer_header(const struct cp_fetch_answer *answer, const char *name)
{
	const struct cp_fetch *fetch = (const void *)((const char *)answer - offsetof(struct cp_fetch, answer));
	struct cp_str rest = cp_buf_str(&fetch->head);
	while (rest.ptr != NULL) {
		struct cp_str line = cp_str_trim(cp_str_split(rest, '\n', &rest)), value;
		struct cp_str key = cp_str_split(line, ':', &value);
		if (value.ptr != NULL && cp_str_eq_ignore_case(key, cp_str(name)))
			return cp_str_trim(value);
	}
	return CP_STR_NULL;
}

static struct cp_fetch *make(struct cp_fetcher *fetcher, const struct cp_fetch_request *request, cp_fetch_fn *fn, void *data)
{
	struct cp_fetch *fetch = cp_alloc(sizeof(*fetch));
	fetch->fetcher = fetcher;
	fetch->fn = fn;
	fetch->dropped = request->dropped;
	fetch->data = data;
	fetch->answer.header = answer_header;
	fetch->method = cp_strdup(request->method);
	fetch->timeout_ms = request->timeout_ms != 0 ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
	fetch->connect_timeout_ms = request->connect_timeout_ms != 0 ? request->connect_timeout_ms : DEFAULT_CONNECT_MS;
	fetch->max_body = request->max_body != 0 ? request->max_body : DEFAULT_MAX_BODY;
	fetch->operator_destination = request->operator_destination;
	fetch->body_len = request->body.len;
	if (request->body.len != 0)
		fetch->body = cp_strndup(request->body.ptr, request->body.len);
	cp_timer_init(&fetch->timer, fetcher->loop, on_timeout, fetch);
	return fetch;
}

static void go(struct cp_fetch *fetch, const struct cp_fetch_request *request)
{
	struct cp_addresses addresses = {.count = 1};
	int status = take_url(fetch, request->url);
	if (status == 0)
		status = add_headers(fetch, request);
	if (status != 0) {
		cp_fetch_fail(fetch, status, "%s", cp_error_message());
		return;
	}
	cp_fetch_move(fetch, CP_FETCH_RESOLVING);
	cp_timer_start(&fetch->timer, fetch->timeout_ms);
	if (cp_address_parse(fetch->host, &addresses.items[0])) {
		cp_fetch_resolved(fetch, &addresses);
		return;
	}
	status = cp_resolver_find(fetch->fetcher, fetch->host, &addresses);
	if (status > 0)
		cp_fetch_resolved(fetch, &addresses);
	else if (status < 0)
		cp_fetch_fail(fetch, status, "%s", cp_error_message());
}

int cp_fetch_start(struct cp_fetcher *fetcher, const struct cp_fetch_request *request, cp_fetch_fn *fn, void *data,
                   struct cp_fetch **ret_fetch)
{
	if (fetcher->waiting_count >= CP_FETCH_WAITING)
		return cp_fail(CP_E_LIMIT, "%d outgoing requests are waiting already", CP_FETCH_WAITING);
	struct cp_fetch *fetch = make(fetcher, request, fn, data);
	go(fetch, request);
	if (ret_fetch != NULL)
		*ret_fetch = fetch;
	return 0;
}

/* libcurl is told the addresses: it has nothing to look up, and connects to nothing else. */
static void add_resolve(struct cp_fetch *fetch, const struct cp_addresses *addresses, const bool *allowed)
{
	struct cp_buf text = {0};
	cp_buf_printf(&text, "+%s:%u:", fetch->host, fetch->port);
	bool first = true;
	for (size_t i = 0; i < addresses->count; ++i) {
		char name[INET6_ADDRSTRLEN];
		const struct sockaddr_storage *address = &addresses->items[i];
		bool is_ipv6 = address->ss_family == AF_INET6;
		const void *bytes = is_ipv6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
		                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
		if (!allowed[i] || inet_ntop(address->ss_family, bytes, name, sizeof(name)) == NULL)
			continue;
		cp_buf_printf(&text, is_ipv6 ? "%s[%s]" : "%s%s", first ? "" : ",", name);
		first = false;
	}
	fetch->resolve = curl_slist_append(NULL, text.ptr);
	cp_buf_free(&text);
}

void cp_fetch_resolved(struct cp_fetch *fetch, const struct cp_addresses *addresses)
{
	bool allowed[CP_FETCH_ADDRESSES], any = false;
	for (size_t i = 0; i < addresses->count; ++i) {
		allowed[i] = fetch->operator_destination || cp_address_is_public((const struct sockaddr *)&addresses->items[i]);
		any = any || allowed[i];
	}
	if (!any) {
		cp_fetch_fail(fetch, CP_E_DENIED, "%s leads to an address that is not on the public Internet", fetch->host);
		return;
	}
	add_resolve(fetch, addresses, allowed);
	cp_fetch_move(fetch, CP_FETCH_PENDING);
	cp_fetcher_fill(fetch->fetcher);
}

/* ---- libcurl's handle */

static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct cp_fetch *fetch = data;
	(void)purpose;
	return cp_guard_open_socket(fetch->operator_destination, address, &fetch->denied);
}

static size_t on_head(char *bytes, size_t size, size_t count, void *data)
{
	struct cp_fetch *fetch = data;
	size_t len = size * count;
	if (len >= 5 && strncasecmp(bytes, "HTTP/", 5) == 0)
		fetch->head.len = 0; /* what came before was an interim answer */
	if (len > CP_FETCH_HEAD - fetch->head.len) {
		fetch->too_large = true;
		return 0;
	}
	cp_buf_add(&fetch->head, cp_str_n(bytes, len));
	return len;
}

static size_t on_content(char *bytes, size_t size, size_t count, void *data)
{
	struct cp_fetch *fetch = data;
	size_t len = size * count;
	if (len > fetch->max_body - fetch->content.len) {
		fetch->too_large = true;
		return 0;
	}
	cp_buf_add(&fetch->content, cp_str_n(bytes, len));
	return len;
}

/*
 * The body is handed out in pieces, and there is no function to start over: libcurl repeats a request by itself when a kept-open
 * connection breaks before an answer, and a body that has gone out once must not go out again (it may be a call to somebody).
 */
static size_t on_body(char *out, size_t size, size_t count, void *data)
{
	struct cp_fetch *fetch = data;
	size_t room = size * count, left = fetch->body_len - fetch->body_sent, len = left < room ? left : room;
	if (len != 0)
		memcpy(out, fetch->body + fetch->body_sent, len);
	fetch->body_sent += len;
	return len;
}

static void set_method(struct cp_fetch *fetch)
{
	CURL *easy = fetch->easy;
	if (fetch->body_len != 0 || strcmp(fetch->method, "POST") == 0) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)fetch->body_len);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_body);
		curl_easy_setopt(easy, CURLOPT_READDATA, fetch);
	} else if (strcmp(fetch->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, fetch->method);
}

int cp_fetch_make_easy(struct cp_fetch *fetch)
{
	CURL *easy = fetch->easy = curl_easy_init();
	if (easy == NULL)
		return CP_E_SYSTEM;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
	curl_easy_setopt(easy, CURLOPT_CURLU, fetch->url);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->curl_message);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, fetch->operator_destination ? "https,http" : "https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not even the environment's: the guard must see the real address */
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)fetch->connect_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 3600L); /* outlives any request, so that libcurl never looks up */
	curl_easy_setopt(easy, CURLOPT_RESOLVE, fetch->resolve);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_content);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
	set_method(fetch);
	return 0;
}

void cp_fetch_release_easy(struct cp_fetch *fetch)
{
	curl_easy_cleanup(fetch->easy);
	fetch->easy = NULL;
	curl_slist_free_all(fetch->resolve);
	fetch->resolve = NULL;
	free_headers(fetch); /* with the secret in them, before anybody is called back */
}

/* ---- the end */

static void fail(struct cp_fetch *fetch, int error, const char *what)
{
	fetch->error = error;
	snprintf(fetch->message, sizeof(fetch->message), "%s: %s", fetch->host, what);
}

static void conclude_failure(struct cp_fetch *fetch, CURLcode code, bool was_sent)
{
	const char *what = fetch->curl_message[0] != '\0' ? fetch->curl_message : curl_easy_strerror(code);
	if (fetch->denied) {
		fail(fetch, CP_E_DENIED, "leads to an address that is not on the public Internet");
	} else if (fetch->too_large) {
		fail(fetch, CP_E_LIMIT, "the answer is larger than is allowed");
	} else if (was_sent) {
		fail(fetch, CP_E_TIMEOUT, what);
	} else {
		cp_resolver_forget(fetch->fetcher, fetch->host);
		fail(fetch, CP_E_UNAVAILABLE, what);
	}
}

void cp_fetch_conclude(struct cp_fetch *fetch, CURLcode code)
{
	long request_size = 0, status = 0;
	char *content_type = NULL;
	curl_easy_getinfo(fetch->easy, CURLINFO_REQUEST_SIZE, &request_size);
	curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_TYPE, &content_type);
	bool was_sent = request_size > 0;
	fetch->answer.never_sent = !was_sent;
	if (code != CURLE_OK) {
		conclude_failure(fetch, code, was_sent);
		return;
	}
	fetch->answer.status = (int)status;
	fetch->answer.body = cp_buf_str(&fetch->content);
	fetch->answer.content_type = answer_header(&fetch->answer, "content-type");
}

void cp_fetch_free(struct cp_fetch *fetch)
{
	cp_timer_stop(&fetch->timer);
	curl_slist_free_all(fetch->resolve);
	free_headers(fetch);
	free_wiped(fetch->body, fetch->body_len);
	curl_url_cleanup(fetch->url);
	free(fetch->host);
	free(fetch->method);
	if (fetch->content.ptr != NULL)
		explicit_bzero(fetch->content.ptr, fetch->content.cap);
	cp_buf_free(&fetch->content);
	cp_buf_free(&fetch->head);
	/* The timer's or the task's callback may be running in it. */
	cp_loop_free_later(fetch->fetcher->loop, fetch);
}
