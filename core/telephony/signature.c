#include "telephony/signature.h"

#include "base/memory.h"
#include "crypto/base64.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"

#include <stdlib.h>

static int compare_fields(const void *a, const void *b)
{
	const struct cp_form_field *const *left = a, *const *right = b;
	int order = cp_str_compare((*left)->name, (*right)->name);
	return order != 0 ? order : cp_str_compare((*left)->value, (*right)->value);
}

/* The fields in signing order: by name, then value, each pair once. The URL is the only part that differs between attempts. */
struct sorted_form {
	const struct cp_form_field *fields[CP_FORM_MAX_FIELDS];
	size_t count;
};

static void sort_form(const struct cp_form *form, struct sorted_form *sorted)
{
	size_t count = form->count < CP_FORM_MAX_FIELDS ? form->count : CP_FORM_MAX_FIELDS;
	for (size_t i = 0; i < count; ++i)
		sorted->fields[i] = &form->fields[i];
	qsort(sorted->fields, count, sizeof(sorted->fields[0]), compare_fields);
	sorted->count = 0;
	for (size_t i = 0; i < count; ++i)
		if (sorted->count == 0 || compare_fields(&sorted->fields[sorted->count - 1], &sorted->fields[i]) != 0)
			sorted->fields[sorted->count++] = sorted->fields[i];
}

static void sign(struct cp_str token, const struct cp_str *url_parts, size_t part_count, const struct sorted_form *form,
                 unsigned char mac[CP_HMAC_SHA1_SIZE])
{
	struct cp_hmac_sha1 *hmac = cp_hmac_sha1_begin(token);
	for (size_t i = 0; i < part_count; ++i)
		cp_hmac_sha1_add(hmac, url_parts[i]);
	struct cp_str name = CP_STR_NULL;
	for (size_t i = 0; i < form->count; ++i) {
		/* values of one name follow each other as name+value each */
		name = form->fields[i]->name;
		cp_hmac_sha1_add(hmac, name);
		cp_hmac_sha1_add(hmac, form->fields[i]->value);
	}
	cp_hmac_sha1_end(hmac, mac);
}

void cp_signature_make(struct cp_str token, struct cp_str url, const struct cp_form *form, char ret_signature[CP_SIGNATURE_SIZE])
{
	struct sorted_form sorted;
	unsigned char mac[CP_HMAC_SHA1_SIZE];
	sort_form(form, &sorted);
	sign(token, &url, 1, &sorted, mac);
	cp_base64_encode(CP_BASE64_STANDARD, mac, sizeof(mac), ret_signature);
}

/* An absolute URL in parts: scheme with "://", userinfo and host, ":port" or empty, the rest. */
struct url_parts {
	struct cp_str scheme, host, port, rest;
};

static bool split_url(struct cp_str url, struct url_parts *parts)
{
	size_t scheme = cp_str_starts(url, CP_STR("https://")) ? 8 : cp_str_starts(url, CP_STR("http://")) ? 7 : 0;
	if (scheme == 0)
		return false;
	size_t end = scheme;
	while (end < url.len && memchr("/?", url.ptr[end], 2) == NULL)
		++end;
	size_t colon = end;
	for (size_t i = end; i > scheme && url.ptr[i - 1] != ']' && url.ptr[i - 1] != '@'; --i)
		if (url.ptr[i - 1] == ':')
			colon = i - 1;
	/* a colon is a port's only where nothing but digits follows it: "user:pass@host" has another */
	for (size_t i = colon + 1; i < end; ++i)
		if (url.ptr[i] < '0' || url.ptr[i] > '9')
			colon = end;
	parts->scheme = cp_str_n(url.ptr, scheme);
	parts->host = cp_str_n(url.ptr + scheme, colon - scheme);
	parts->port = cp_str_n(url.ptr + colon, end - colon);
	parts->rest = cp_str_n(url.ptr + end, url.len - end);
	return true;
}

static bool check_parts(struct cp_str token, const struct url_parts *url, const struct sorted_form *form, struct cp_str signature)
{
	struct cp_str parts[4] = {url->scheme, url->host, url->port, url->rest};
	unsigned char mac[CP_HMAC_SHA1_SIZE];
	sign(token, parts, CP_COUNT(parts), form, mac);
	return cp_hmac_sha1_matches(mac, signature);
}

/* With the port as given, removed, and the scheme's standard one. */
static bool check_ports(struct cp_str token, const struct url_parts *url, const struct sorted_form *form, struct cp_str signature)
{
	struct url_parts other = *url;
	if (check_parts(token, url, form, signature))
		return true;
	if (url->port.len != 0)
		other.port = CP_STR("");
	else
		other.port = cp_str_starts(url->scheme, CP_STR("https")) ? CP_STR(":443") : CP_STR(":80");
	return check_parts(token, &other, form, signature);
}

static bool check_sorted(struct cp_str token, struct cp_str url, const struct sorted_form *form, struct cp_str signature)
{
	struct url_parts parts;
	if (signature.len != CP_SIGNATURE_SIZE - 1 || !split_url(url, &parts))
		return false;
	if (check_ports(token, &parts, form, signature))
		return true;
	if (parts.rest.len == 0 || memchr(parts.rest.ptr, '\'', parts.rest.len) == NULL)
		return false;
	CP_CLEANUP(cp_buf_free) struct cp_buf rest = {0};
	for (size_t i = 0; i < parts.rest.len; ++i)
		cp_buf_add(&rest, parts.rest.ptr[i] == '\'' ? CP_STR("%27") : cp_str_n(parts.rest.ptr + i, 1));
	parts.rest = cp_buf_str(&rest);
	return check_ports(token, &parts, form, signature);
}

bool cp_signature_check(struct cp_str token, struct cp_str url, const struct cp_form *form, struct cp_str signature)
{
	struct sorted_form sorted;
	sort_form(form, &sorted);
	return check_sorted(token, url, &sorted, signature);
}

bool cp_signature_check_body(struct cp_str token, struct cp_str url, struct cp_str body, struct cp_str signature)
{
	static const struct cp_str name = CP_STR("bodySHA256=");
	struct cp_str fragment, query, rest;
	cp_str_split(cp_str_split(url, '#', &fragment), '?', &query);
	unsigned char digest[32];
	char hex[65];
	cp_sha256(&body, 1, digest);
	cp_hex(digest, sizeof(digest), hex);
	for (rest = query; rest.ptr != NULL;) {
		struct cp_str pair = cp_str_split(rest, '&', &rest);
		if (cp_str_starts(pair, name) && cp_str_eq(cp_str_n(pair.ptr + name.len, pair.len - name.len), cp_str(hex)))
			return check_sorted(token, url, &(struct sorted_form){.count = 0}, signature);
	}
	return false;
}
