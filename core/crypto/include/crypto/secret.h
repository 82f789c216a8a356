/*
 * Secret bytes in memory that is guarded by inaccessible pages, left out of core dumps, locked against swapping where the system
 * allows it, and wiped when it is freed. For the few that live long or come from outside; cached ones live in slab.h. Any thread.
 */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include "base/str.h"

/* Overwrites memory in a way that no optimizer removes. */
void cp_wipe(void *bytes, size_t n);
/* Compares in a time that depends on the lengths only; different lengths are different. */
bool cp_secret_eq(struct cp_str a, struct cp_str b);

/* One owned secret; {0} is empty. It costs three pages: a handful a process, not one a tenant. */
struct cp_secret_bytes {
	char *ptr; /* NUL-terminated behind len */
	size_t len;
};

void cp_secret_bytes_free(struct cp_secret_bytes *secret); /* wipes, frees and zeroes; also for CP_CLEANUP */
/* Zeroed room for size bytes and a NUL; len is 0. */
struct cp_secret_bytes cp_secret_bytes_new(size_t size);
void cp_secret_bytes_set(struct cp_secret_bytes *secret, struct cp_str bytes);

/* Reads a file to its end, or standard input for "-". CP_E_LIMIT above max bytes, CP_E_SYSTEM. */
int cp_secret_read(const char *path, size_t max, struct cp_secret_bytes *ret_secret);
/* As above, from an open descriptor, which stays the caller's; name is for messages. */
int cp_secret_read_fd(int fd, const char *name, size_t max, struct cp_secret_bytes *ret_secret);

#endif
