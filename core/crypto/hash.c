#include "crypto/hash.h"

#include <sodium.h>

/* libsodium's functions take a pointer that is not NULL even for no bytes. */
static const unsigned char *bytes_of(struct cp_str s)
{
	return (const unsigned char *)(s.len == 0 ? "" : s.ptr);
}

void cp_keyed_hash(const unsigned char key[CP_HASH_KEY_SIZE], const struct cp_str *parts, size_t count,
                   unsigned char out[CP_HASH_SIZE])
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, key, CP_HASH_KEY_SIZE, CP_HASH_SIZE);
	for (size_t i = 0; i < count; ++i)
		crypto_generichash_update(&state, bytes_of(parts[i]), parts[i].len);
	crypto_generichash_final(&state, out, CP_HASH_SIZE);
	sodium_memzero(&state, sizeof(state));
}

void cp_sha256(const struct cp_str *parts, size_t count, unsigned char out[CP_HASH_SIZE])
{
	crypto_hash_sha256_state state;
	crypto_hash_sha256_init(&state);
	for (size_t i = 0; i < count; ++i)
		crypto_hash_sha256_update(&state, bytes_of(parts[i]), parts[i].len);
	crypto_hash_sha256_final(&state, out);
}
