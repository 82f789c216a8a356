/*
 * HMAC-SHA1 (RFC 2104), which the carrier signs its webhooks with. Fed piece by piece, so that URL and sorted parameters need no
 * concatenation:
 *
 *     struct cp_hmac_sha1 *hmac = cp_hmac_sha1_begin(token);
 *     cp_hmac_sha1_add(hmac, url); ...
 *     cp_hmac_sha1_end(hmac, mac);
 *
 * Each thread keeps one context for reuse; the key is wiped from it by cp_hmac_sha1_end().
 */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include "base/str.h"

enum { CP_HMAC_SHA1_SIZE = 20 };

struct cp_hmac_sha1;

/* Never NULL; begin, add and end happen on one thread. The key is not kept beyond cp_hmac_sha1_end(). */
struct cp_hmac_sha1 *cp_hmac_sha1_begin(struct cp_str key) __attribute__((returns_nonnull));
void cp_hmac_sha1_add(struct cp_hmac_sha1 *hmac, struct cp_str bytes);
/* Writes the code and frees hmac. out may be NULL: then it is only given up. */
void cp_hmac_sha1_end(struct cp_hmac_sha1 *hmac, unsigned char out[CP_HMAC_SHA1_SIZE]);

/* All at once, over the parts as if concatenated. */
void cp_hmac_sha1(struct cp_str key, const struct cp_str *parts, size_t count, unsigned char out[CP_HMAC_SHA1_SIZE]);

/* True where text is the standard base64 of mac, in constant time: the whole check of an X-Twilio-Signature. */
bool cp_hmac_sha1_matches(const unsigned char mac[CP_HMAC_SHA1_SIZE], struct cp_str base64);

#endif
