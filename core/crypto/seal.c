#include "crypto/seal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	VERSION = 1,
	HEADER_SIZE = 1 + 4,
	NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG_SIZE = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};
_Static_assert(CP_SEAL_OVERHEAD == HEADER_SIZE + NONCE_SIZE + TAG_SIZE, "the sealed form's parts");
_Static_assert(CP_SEAL_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key's size");

/* What is authenticated: the sealed form's first bytes, then the caller's context. Returns its length. */
static size_t associated_data(const unsigned char *header, struct cp_str context,
                              unsigned char out[HEADER_SIZE + CP_SEAL_MAX_CONTEXT])
{
	if (context.len > CP_SEAL_MAX_CONTEXT) {
		fprintf(stderr, "sealing context of %zu bytes\n", context.len);
		abort();
	}
	memcpy(out, header, HEADER_SIZE);
	if (context.len != 0)
		memcpy(out + HEADER_SIZE, context.ptr, context.len);
	return HEADER_SIZE + context.len;
}

void cp_seal(const unsigned char key[CP_SEAL_KEY_SIZE], uint32_t key_id, struct cp_str context, struct cp_str plain, void *out)
{
	unsigned char *sealed = out, *nonce = sealed + HEADER_SIZE, authenticated[HEADER_SIZE + CP_SEAL_MAX_CONTEXT];
	sealed[0] = VERSION;
	for (int i = 0; i < 4; ++i)
		sealed[1 + i] = (unsigned char)(key_id >> (24 - 8 * i));
	randombytes_buf(nonce, NONCE_SIZE);
	size_t authenticated_len = associated_data(sealed, context, authenticated);
	crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_SIZE, NULL,
	                                           (const unsigned char *)(plain.len == 0 ? "" : plain.ptr), plain.len,
	                                           authenticated, authenticated_len, NULL, nonce, key);
}

int cp_seal_key_id(struct cp_str sealed, uint32_t *ret_key_id)
{
	if (sealed.len < CP_SEAL_OVERHEAD)
		return cp_fail(CP_E_INPUT, "sealed data of %zu bytes is cut short", sealed.len);
	const unsigned char *bytes = (const unsigned char *)sealed.ptr;
	if (bytes[0] != VERSION)
		return cp_fail(CP_E_INPUT, "sealed data of version %u is not known here", bytes[0]);
	*ret_key_id = (uint32_t)bytes[1] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 8 | bytes[4];
	return 0;
}

int cp_seal_open(const unsigned char key[CP_SEAL_KEY_SIZE], struct cp_str context, struct cp_str sealed, void *out)
{
	uint32_t key_id;
	int error = cp_seal_key_id(sealed, &key_id);
	if (error != 0)
		return error;
	const unsigned char *bytes = (const unsigned char *)sealed.ptr, *nonce = bytes + HEADER_SIZE;
	unsigned char authenticated[HEADER_SIZE + CP_SEAL_MAX_CONTEXT], none[1];
	size_t authenticated_len = associated_data(bytes, context, authenticated);
	/* libsodium checks the tag before it decrypts, and zeroes out where the tag is wrong. */
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(sealed.len == CP_SEAL_OVERHEAD ? none : out, NULL, NULL,
	                                               nonce + NONCE_SIZE, sealed.len - HEADER_SIZE - NONCE_SIZE, authenticated,
	                                               authenticated_len, nonce, key) != 0)
		return cp_fail(CP_E_DENIED, "sealed data does not open: another key, another place, or altered bytes");
	return 0;
}
