/*
 * The platform's master keys, from a file or from a command's output (a secret manager's client, a hardware module's), never from
 * the database: who has the database alone has ciphertext.
 *
 * Text: one key a line, 32 bytes in standard base64; blank lines and lines that start with # are skipped. The first key seals;
 * the others open what they sealed before. A key's id is the first four bytes of its BLAKE2b hash, so a wrong file is told from
 * altered data. To change the key: cp_keyring_file_add() puts a new one on top, every node gets the file and is restarted, data
 * keys are rewrapped, and the old line is removed.
 *
 * Immutable once loaded; shared by all threads. Keys live in guarded, non-dumpable memory.
 */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include "base/str.h"
#include "crypto/seal.h"

enum { CP_KEYRING_MAX_KEYS = 16 };

struct cp_keyring;

/*
 * CP_E_DENIED where others than its owner can read or write the file (a file of root's may be read by its group, as systemd's
 * credentials are); CP_E_INPUT for what is not a key; CP_E_SYSTEM. The messages name the file, never its content.
 */
int cp_keyring_load_file(const char *path, struct cp_keyring **ret_keyring);
/* Runs command with /bin/sh -c and reads its standard output; it must exit with 0 within deadline_ms. */
int cp_keyring_load_command(const char *command, unsigned deadline_ms, struct cp_keyring **ret_keyring);
/* For the two above and for tests. */
int cp_keyring_parse(struct cp_str text, const char *source, struct cp_keyring **ret_keyring);
struct cp_keyring *cp_keyring_free(struct cp_keyring *keyring);
void cp_keyring_free_ptr(struct cp_keyring **keyring); /* for CP_CLEANUP */

/* Makes a file with one new key, mode 0600. CP_E_CONFLICT where the file exists. *ret_key_id may be NULL. */
int cp_keyring_file_new(const char *path, uint32_t *ret_key_id);
/* Puts a new key on top of an existing file, which is replaced as a whole or not at all, and keeps its owner and mode. */
int cp_keyring_file_add(const char *path, uint32_t *ret_key_id);

size_t cp_keyring_count(const struct cp_keyring *keyring);
/* The id of the key that seals. */
uint32_t cp_keyring_current_id(const struct cp_keyring *keyring);

/* As cp_seal() with the first key. */
void cp_keyring_seal(const struct cp_keyring *keyring, struct cp_str context, struct cp_str plain, void *out);
/* As cp_seal_open() with the key that the sealed form names; CP_E_NOTFOUND where the keyring lacks it. */
int cp_keyring_open(const struct cp_keyring *keyring, struct cp_str context, struct cp_str sealed, void *out);

#endif
