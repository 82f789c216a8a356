/*
 * Sealing: XChaCha20-Poly1305-IETF (draft-irtf-cfrg-xchacha-03) with a random nonce.
 *
 * The sealed form describes itself: 1 byte version (1), 4 bytes id of the key (big-endian), 24 bytes nonce, ciphertext, 16 bytes
 * tag. Version and key id are authenticated with the caller's associated data, which says where the sealed bytes belong: moved
 * to another row, they do not open. The nonce is long enough to be random for any number of messages. Any thread.
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "base/str.h"

enum {
	CP_SEAL_KEY_SIZE = 32,
	CP_SEAL_OVERHEAD = 1 + 4 + 24 + 16,
	CP_SEAL_MAX_CONTEXT = 256, /* bytes of associated data; more is a bug and ends the process */
};

/* out has plain.len + CP_SEAL_OVERHEAD bytes. */
void cp_seal(const unsigned char key[CP_SEAL_KEY_SIZE], uint32_t key_id, struct cp_str context, struct cp_str plain, void *out);

/* Which key a sealed form asks for. CP_E_INPUT where it is too short or of another version. */
int cp_seal_key_id(struct cp_str sealed, uint32_t *ret_key_id);

/*
 * out has sealed.len - CP_SEAL_OVERHEAD bytes. CP_E_INPUT where it has not the form; CP_E_DENIED where it was sealed with another
 * key or for another context, or was altered: out is zeroed then.
 */
int cp_seal_open(const unsigned char key[CP_SEAL_KEY_SIZE], struct cp_str context, struct cp_str sealed, void *out);

#endif
