/* Base64 of RFC 4648: the standard alphabet with padding (section 4), and the URL's without (section 5). Any thread. */
#ifndef CRYPTO_BASE64_H
#define CRYPTO_BASE64_H

#include "base/str.h"

enum cp_base64 { CP_BASE64_STANDARD, CP_BASE64_URL };

/* Bytes that the text of n bytes takes, NUL included; an upper bound for the URL's alphabet. */
#define CP_BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)

/* out has CP_BASE64_SIZE(n) bytes; NUL-terminated. Returns the length. In constant time: it may encode keys. */
size_t cp_base64_encode(enum cp_base64 alphabet, const void *bytes, size_t n, char *out);
/* The whole of text, strictly: no white space, exact padding. CP_E_INPUT, also where it is more than size bytes. */
int cp_base64_decode(enum cp_base64 alphabet, struct cp_str text, void *out, size_t size, size_t *ret_len);

#endif
