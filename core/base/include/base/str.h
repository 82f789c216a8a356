/*
 * Text as pointer and length (UTF-8 where it came from people, not NUL-terminated), and a growing buffer.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cp_str {
	const char *ptr; /* may be NULL only where len is 0; NULL tells "absent" from "empty" where a function says so */
	size_t len;
};

#define CP_STR(literal) ((struct cp_str){("" literal), sizeof(literal) - 1})
#define CP_STR_NULL ((struct cp_str){NULL, 0})
#define CP_STR_ARG(s) (int)(s).len, (s).ptr /* for "%.*s" */

static inline struct cp_str cp_str(const char *text) /* borrowed; absent for NULL */
{
	return (struct cp_str){text, text == NULL ? 0 : strlen(text)};
}

static inline struct cp_str cp_str_n(const char *ptr, size_t len)
{
	return (struct cp_str){ptr, len};
}

bool cp_str_eq(struct cp_str a, struct cp_str b);
bool cp_str_eq_ignore_case(struct cp_str a, struct cp_str b); /* ASCII only */
bool cp_str_starts(struct cp_str s, struct cp_str prefix);
bool cp_str_ends(struct cp_str s, struct cp_str suffix);
/* Order of bytes, as memcmp; a prefix comes first. */
int cp_str_compare(struct cp_str a, struct cp_str b);
/* Without ASCII white space at both ends. */
struct cp_str cp_str_trim(struct cp_str s);
/* The part before the first separator; *rest gets what follows it (absent where there was none). */
struct cp_str cp_str_split(struct cp_str s, char separator, struct cp_str *rest);
/* Decimal digits only, the whole of s. CP_E_INPUT where it is empty, has another character, or is above max. */
int cp_str_to_u64(struct cp_str s, uint64_t max, uint64_t *ret_value);
/* True where s is well-formed UTF-8 without NUL. */
bool cp_str_is_utf8(struct cp_str s);

/* A buffer that owns its bytes; zero it ({0}) to start. Content is NUL-terminated behind len once anything was added. */
struct cp_buf {
	char *ptr;
	size_t len, cap;
};

void cp_buf_free(struct cp_buf *buf); /* frees and zeroes; also for CP_CLEANUP */
void cp_buf_reserve(struct cp_buf *buf, size_t more);
void cp_buf_add(struct cp_buf *buf, struct cp_str text);
void cp_buf_add_char(struct cp_buf *buf, char c);
void cp_buf_add_cstr(struct cp_buf *buf, const char *text);
void cp_buf_printf(struct cp_buf *buf, const char *fmt, ...) CP_PRINTF(2, 3);

static inline struct cp_str cp_buf_str(const struct cp_buf *buf) /* borrowed until the buffer grows */
{
	return (struct cp_str){buf->ptr == NULL ? "" : buf->ptr, buf->len};
}

/* Lower-case hexadecimal; out needs 2 * n + 1 bytes. */
void cp_hex(const void *bytes, size_t n, char *out);
/* Exactly n bytes from 2 * n hexadecimal digits of either case, else CP_E_INPUT. */
int cp_unhex(struct cp_str hex, void *out, size_t n);

#endif
