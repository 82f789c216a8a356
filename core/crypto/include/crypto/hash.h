/* Hashes. Any thread. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/str.h"

enum { CP_HASH_SIZE = 32, CP_HASH_KEY_SIZE = 32 };

/*
 * BLAKE2b-256 under a key: for look-ups of what must not stand in clear (a supporter's number, an API key). Whoever lacks the
 * key cannot try all phone numbers. parts are hashed as if concatenated.
 */
void cp_keyed_hash(const unsigned char key[CP_HASH_KEY_SIZE], const struct cp_str *parts, size_t count,
                   unsigned char out[CP_HASH_SIZE]);

/* SHA-256, where a standard or another system asks for it. */
void cp_sha256(const struct cp_str *parts, size_t count, unsigned char out[CP_HASH_SIZE]);

#endif
