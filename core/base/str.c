#include "base/str.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

bool cp_str_eq(struct cp_str a, struct cp_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool cp_str_eq_ignore_case(struct cp_str a, struct cp_str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; ++i)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

bool cp_str_starts(struct cp_str s, struct cp_str prefix)
{
	return s.len >= prefix.len && cp_str_eq(cp_str_n(s.ptr, prefix.len), prefix);
}

bool cp_str_ends(struct cp_str s, struct cp_str suffix)
{
	return s.len >= suffix.len && cp_str_eq(cp_str_n(s.ptr + s.len - suffix.len, suffix.len), suffix);
}

int cp_str_compare(struct cp_str a, struct cp_str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct cp_str cp_str_trim(struct cp_str s)
{
	while (s.len != 0 && is_space(s.ptr[0])) {
		++s.ptr;
		--s.len;
	}
	while (s.len != 0 && is_space(s.ptr[s.len - 1]))
		--s.len;
	return s;
}

struct cp_str cp_str_split(struct cp_str s, char separator, struct cp_str *rest)
{
	const char *at = s.len == 0 ? NULL : memchr(s.ptr, separator, s.len);
	if (at == NULL) {
		*rest = CP_STR_NULL;
		return s;
	}
	size_t before = (size_t)(at - s.ptr);
	*rest = (struct cp_str){at + 1, s.len - before - 1};
	return (struct cp_str){s.ptr, before};
}

int cp_str_to_u64(struct cp_str s, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;
	if (s.len == 0)
		return cp_fail(CP_E_INPUT, "a number is empty");
	for (size_t i = 0; i < s.len; ++i) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return cp_fail(CP_E_INPUT, "not a whole number: \"%.*s\"", CP_STR_ARG(s));
		if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value) ||
		    value > max)
			return cp_fail(CP_E_INPUT, "a number is above %llu", (unsigned long long)max);
	}
	*ret_value = value;
	return 0;
}

/* The well-formed sequences of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool cp_str_is_utf8(struct cp_str s)
{
	const unsigned char *p = (const unsigned char *)s.ptr, *end = p + s.len;
	while (p < end) {
		/* eight bytes of ASCII at once, none of them NUL: then subtracting 1 from each borrows from none */
		uint64_t eight;
		if (end - p >= 8 && (memcpy(&eight, p, 8), (eight | (eight - 0x0101010101010101u)) & 0x8080808080808080u) == 0) {
			p += 8;
			continue;
		}
		unsigned char c = *p++;
		if (c == 0)
			return false;
		if (c < 0x80)
			continue;
		unsigned more = c >= 0xc2 && c <= 0xdf ? 1 : c >= 0xe0 && c <= 0xef ? 2 : c >= 0xf0 && c <= 0xf4 ? 3 : 0;
		if (more == 0 || (size_t)(end - p) < more)
			return false;
		unsigned char least = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80, most = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
		if (p[0] < least || p[0] > most)
			return false;
		for (unsigned i = 1; i < more; ++i)
			if (p[i] < 0x80 || p[i] > 0xbf)
				return false;
		p += more;
	}
	return true;
}

void cp_buf_free(struct cp_buf *buf)
{
	free(buf->ptr);
	*buf = (struct cp_buf){0};
}

void cp_buf_reserve(struct cp_buf *buf, size_t more)
{
	size_t needed;
	if (__builtin_add_overflow(buf->len, more, &needed) || __builtin_add_overflow(needed, 1u, &needed))
		abort();
	if (needed <= buf->cap)
		return;
	size_t cap = buf->cap < 64 ? 64 : buf->cap;
	while (cap < needed)
		cap = cap > SIZE_MAX / 2 ? needed : cap * 2;
	buf->ptr = cp_realloc(buf->ptr, cap);
	buf->cap = cap;
}

void cp_buf_add(struct cp_buf *buf, struct cp_str text)
{
	cp_buf_reserve(buf, text.len);
	if (text.len != 0)
		memcpy(buf->ptr + buf->len, text.ptr, text.len);
	buf->len += text.len;
	buf->ptr[buf->len] = '\0';
}

void cp_buf_add_char(struct cp_buf *buf, char c)
{
	cp_buf_add(buf, cp_str_n(&c, 1));
}

void cp_buf_add_cstr(struct cp_buf *buf, const char *text)
{
	cp_buf_add(buf, cp_str(text));
}

void cp_buf_printf(struct cp_buf *buf, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len >= 0) {
		cp_buf_reserve(buf, (size_t)len);
		vsnprintf(buf->ptr + buf->len, (size_t)len + 1, fmt, again);
		buf->len += (size_t)len;
	}
	va_end(again);
}

void cp_hex(const void *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	for (size_t i = 0; i < n; ++i) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int cp_unhex(struct cp_str hex, void *out, size_t n)
{
	if (hex.len != 2 * n)
		return cp_fail(CP_E_INPUT, "%zu hexadecimal digits where %zu are expected", hex.len, 2 * n);
	for (size_t i = 0; i < hex.len; ++i)
		if (hex_value(hex.ptr[i]) < 0)
			return cp_fail(CP_E_INPUT, "not a hexadecimal digit");
	unsigned char *p = out;
	for (size_t i = 0; i < n; ++i)
		p[i] = (unsigned char)(hex_value(hex.ptr[2 * i]) << 4 | hex_value(hex.ptr[2 * i + 1]));
	return 0;
}
