/* application/x-www-form-urlencoded (WHATWG URL Standard, section 5), read and written. */
#ifndef TEXT_FORM_H
#define TEXT_FORM_H

#include "base/arena.h"

struct cp_form_field {
	struct cp_str name, value; /* decoded */
};

struct cp_form {
	const struct cp_form_field *fields; /* in the order sent, repeated names kept */
	size_t count;
};

enum { CP_FORM_MAX_FIELDS = 200 };

/*
 * Decodes into arena. A "%" without two hexadecimal digits stands for itself, as the standard says. CP_E_INPUT where a name or value is
 * not UTF-8 or holds NUL, CP_E_LIMIT above CP_FORM_MAX_FIELDS.
 */
int cp_form_parse(struct cp_str encoded, struct cp_arena *arena, struct cp_form *ret_form);
/* The first field's value; absent where there is none. */
struct cp_str cp_form_get(const struct cp_form *form, const char *name);

/* Appends "name=value", with "&" in front where buf is not empty. */
void cp_form_add(struct cp_buf *buf, const char *name, struct cp_str value);
/* Appends text with everything but unreserved characters (RFC 3986) percent-encoded: for URL path segments and query values. */
void cp_url_encode(struct cp_buf *buf, struct cp_str text);

#endif
