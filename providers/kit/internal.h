/* What the files of the kit share and authors do not see. */
#ifndef KIT_INTERNAL_H
#define KIT_INTERNAL_H

#include "kit/error.h"

/* Fills error, where it is not NULL, and returns rc. */
int kit_fail(struct kit_error *error, int rc, uint32_t line, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int kit_fail_memory(struct kit_error *error, uint32_t line);
void *kit_alloc(const struct provider_call *call, size_t size);
bool kit_expired(const struct provider_call *call);

/*
 * Checks that text is UTF-8 (RFC 3629) and holds no NUL. 0, or PROVIDER_E_INPUT with the line of the first bad byte.
 */
int kit_check_utf8(struct provider_str text, struct kit_error *error);
/* Converts code page 1252; five bytes of it mean nothing and are refused, as is NUL. */
int kit_from_windows_1252(const struct provider_call *call, struct provider_str text, struct provider_str *ret_utf8,
                          struct kit_error *error);

#endif
