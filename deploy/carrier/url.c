#include "url.h"

#include "base/memory.h"

#include <ctype.h>
#include <strings.h>

static const struct cp_str absent = {NULL, 0};

static struct cp_str from_to(const char *begin, const char *end)
{
	return (struct cp_str){begin, (size_t)(end - begin)};
}

/* The position of the first of the characters in stop, or the end. */
static const char *find_any(const char *p, const char *end, const char *stop)
{
	while (p < end && strchr(stop, *p) == NULL)
		++p;
	return p;
}

/* Path, query and fragment of what follows the authority (or of a relative reference). */
static void split_tail(struct cp_str tail, struct cp_url *url)
{
	const char *end = tail.ptr + tail.len;
	const char *path_end = find_any(tail.ptr, end, "?#");
	url->path = from_to(tail.ptr, path_end);
	url->query = url->fragment = absent;
	if (path_end < end && *path_end == '?') {
		const char *query_end = find_any(path_end + 1, end, "#");
		url->query = from_to(path_end + 1, query_end);
		path_end = query_end;
	}
	if (path_end < end)
		url->fragment = from_to(path_end + 1, end);
}

static struct cp_str host_of(struct cp_str authority)
{
	const char *end = authority.ptr + authority.len, *at = authority.ptr;
	for (const char *p = authority.ptr; p < end; ++p)
		if (*p == '@')
			at = p + 1;
	if (at < end && *at == '[') {
		const char *close = find_any(at, end, "]");
		return from_to(at + 1, close);
	}
	return from_to(at, find_any(at, end, ":"));
}

int cp_url_parse(struct cp_str text, struct cp_url *ret_url)
{
	struct cp_url url;
	if (text.len > CP_URL_MAX)
		return cp_fail(CP_E_INPUT, "a URL is longer than %d bytes", CP_URL_MAX);
	for (size_t i = 0; i < text.len; ++i)
		if ((unsigned char)text.ptr[i] <= ' ' || (unsigned char)text.ptr[i] >= 0x7f)
			return cp_fail(CP_E_INPUT, "a URL holds a character that must be percent-encoded");
	size_t skip;
	if (text.len >= 7 && strncasecmp(text.ptr, "http://", 7) == 0)
		skip = 7;
	else if (text.len >= 8 && strncasecmp(text.ptr, "https://", 8) == 0)
		skip = 8;
	else
		return cp_fail(CP_E_INPUT, "\"%.*s\" is not an absolute http or https URL",
		               (int)(text.len < 200 ? text.len : 200), text.ptr);
	const char *end = text.ptr + text.len, *start = text.ptr + skip;
	const char *authority_end = find_any(start, end, "/?#");
	url.scheme = cp_str_n(text.ptr, skip - 3);
	url.authority = from_to(start, authority_end);
	url.host = host_of(url.authority);
	if (url.host.len == 0)
		return cp_fail(CP_E_INPUT, "\"%.*s\" names no host", CP_STR_ARG(text));
	split_tail(from_to(authority_end, end), &url);
	*ret_url = url;
	return 0;
}

/* RFC 3986 section 5.2.4, on a path that starts with "/". */
static void remove_dots(struct cp_buf *out, struct cp_str path)
{
	size_t floor = out->len;
	const char *p = path.ptr, *end = path.ptr + path.len;
	while (p < end) {
		const char *next = p + 1;
		while (next < end && *next != '/')
			++next;
		struct cp_str segment = from_to(p + 1, next);
		bool last = next == end;
		if (cp_str_eq(segment, CP_STR("."))) {
			if (last)
				cp_buf_add_char(out, '/');
		} else if (cp_str_eq(segment, CP_STR(".."))) {
			while (out->len > floor && out->ptr[--out->len] != '/')
				;
			if (last)
				cp_buf_add_char(out, '/');
		} else {
			cp_buf_add_char(out, '/');
			cp_buf_add(out, segment);
		}
		p = next;
	}
}

static bool has_scheme(struct cp_str text)
{
	if (text.len == 0 || !isalpha((unsigned char)text.ptr[0]))
		return false;
	for (size_t i = 1; i < text.len; ++i) {
		char c = text.ptr[i];
		if (c == ':')
			return true;
		if (!isalnum((unsigned char)c) && c != '+' && c != '-' && c != '.')
			return false;
	}
	return false;
}

/* The base's path up to its last slash, then the reference's. */
static void merge(struct cp_buf *path, struct cp_str base, struct cp_str reference)
{
	size_t keep = base.len;
	while (keep > 0 && base.ptr[keep - 1] != '/')
		--keep;
	if (keep == 0)
		cp_buf_add_char(path, '/');
	cp_buf_add(path, cp_str_n(base.ptr, keep));
	cp_buf_add(path, reference);
}

static void add_part(struct cp_buf *out, char mark, struct cp_str part)
{
	if (part.ptr == NULL)
		return;
	cp_buf_add_char(out, mark);
	cp_buf_add(out, part);
}

int cp_url_resolve(struct cp_str base_text, struct cp_str reference, struct cp_arena *arena, struct cp_str *ret_url)
{
	struct cp_url base, url;
	reference = cp_str_trim(reference);
	if (has_scheme(reference)) {
		int r = cp_url_parse(reference, &url);
		if (r == 0)
			*ret_url = cp_arena_str(arena, reference);
		return r;
	}
	int r = cp_url_parse(base_text, &base);
	if (r < 0)
		return r;
	CP_CLEANUP(cp_buf_free) struct cp_buf out = {0};
	CP_CLEANUP(cp_buf_free) struct cp_buf path = {0};
	cp_buf_add(&out, base.scheme);
	if (cp_str_starts(reference, CP_STR("//"))) {
		cp_buf_add_char(&out, ':');
		cp_buf_add(&out, reference);
	} else {
		split_tail(reference, &url);
		cp_buf_add_cstr(&out, "://");
		cp_buf_add(&out, base.authority);
		if (url.path.len == 0) {
			cp_buf_add(&out, base.path);
			add_part(&out, '?', url.query.ptr != NULL ? url.query : base.query);
		} else {
			if (url.path.ptr[0] == '/')
				cp_buf_add(&path, url.path);
			else
				merge(&path, base.path, url.path);
			remove_dots(&out, cp_buf_str(&path));
			add_part(&out, '?', url.query);
		}
		add_part(&out, '#', url.fragment);
	}
	r = cp_url_parse(cp_buf_str(&out), &url);
	if (r == 0)
		*ret_url = cp_arena_str(arena, cp_buf_str(&out));
	return r;
}

struct cp_str cp_url_without_fragment(struct cp_str url)
{
	return from_to(url.ptr, find_any(url.ptr, url.ptr + url.len, "#"));
}

struct cp_str cp_url_origin(struct cp_str text)
{
	struct cp_url url;
	if (cp_url_parse(text, &url) < 0)
		return absent;
	return from_to(text.ptr, url.authority.ptr + url.authority.len);
}

struct cp_str cp_url_step(struct cp_str text)
{
	struct cp_url url;
	if (cp_url_parse(text, &url) < 0)
		return CP_STR("");
	size_t at = url.path.len;
	while (at > 0 && url.path.ptr[at - 1] != '/')
		--at;
	return cp_str_n(url.path.ptr + at, url.path.len - at);
}

static bool is_ipv4_loopback(struct cp_str host)
{
	struct cp_str rest = host;
	for (int i = 0; i < 4; ++i) {
		uint64_t number;
		if (rest.ptr == NULL || cp_str_to_u64(cp_str_split(rest, '.', &rest), 255, &number) < 0)
			return false;
		if (i == 0 && number != 127)
			return false;
	}
	return rest.ptr == NULL;
}

bool cp_url_is_loopback(const struct cp_url *url)
{
	static const char localhost[] = "localhost";
	size_t len = sizeof(localhost) - 1;
	struct cp_str host = url->host;
	if (cp_str_eq(host, CP_STR("::1")) || is_ipv4_loopback(host))
		return true;
	if (host.len < len || strncasecmp(host.ptr + host.len - len, localhost, len) != 0)
		return false;
	return host.len == len || host.ptr[host.len - len - 1] == '.';
}

static unsigned number_within(struct cp_str value, unsigned min, unsigned max, unsigned preset)
{
	uint64_t number;
	if (cp_str_to_u64(value, UINT32_MAX, &number) < 0)
		return preset;
	return number < min ? min : number > max ? max : (unsigned)number;
}

static unsigned retry_policy(struct cp_str value, bool *ret_bad)
{
	static const struct {
		const char *word;
		unsigned bits;
	} words[] = {
	    {"4xx", CP_RETRY_4XX}, {"5xx", CP_RETRY_5XX}, {"ct", CP_RETRY_CONNECT}, {"rt", CP_RETRY_READ}, {"all", CP_RETRY_ALL}};
	unsigned bits = 0;
	while (value.ptr != NULL) {
		struct cp_str word = cp_str_split(value, ',', &value);
		size_t i = 0;
		while (i < CP_COUNT(words) && !cp_str_eq(word, cp_str(words[i].word)))
			++i;
		if (i < CP_COUNT(words))
			bits |= words[i].bits;
		else
			*ret_bad = true;
	}
	return bits;
}

struct cp_connection_rules cp_url_rules(struct cp_str text)
{
	struct cp_connection_rules rules = {5000, 15000, 15000, 1, CP_RETRY_CONNECT, false};
	struct cp_url url;
	if (cp_url_parse(text, &url) < 0)
		return rules;
	struct cp_str rest = url.fragment;
	while (rest.ptr != NULL) {
		struct cp_str value, name = cp_str_split(cp_str_split(rest, '&', &rest), '=', &value);
		if (value.ptr == NULL)
			continue;
		if (cp_str_eq(name, CP_STR("ct")))
			rules.connect_ms = number_within(value, 100, 10000, rules.connect_ms);
		else if (cp_str_eq(name, CP_STR("rt")))
			rules.read_ms = number_within(value, 100, 15000, rules.read_ms);
		else if (cp_str_eq(name, CP_STR("tt")))
			rules.total_ms = number_within(value, 100, 15000, rules.total_ms);
		else if (cp_str_eq(name, CP_STR("rc")))
			rules.retries = number_within(value, 0, 5, rules.retries);
		else if (cp_str_eq(name, CP_STR("rp")))
			rules.retry_on = retry_policy(value, &rules.bad_policy);
	}
	return rules;
}
