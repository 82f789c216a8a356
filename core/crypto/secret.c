#include "crypto/secret.h"
#include "base/memory.h"
#include "crypto/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void cp_wipe(void *bytes, size_t n)
{
	sodium_memzero(bytes, n);
}

bool cp_secret_eq(struct cp_str a, struct cp_str b)
{
	return a.len == b.len && (a.len == 0 || sodium_memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Ends the process where there is no memory, as cp_alloc() does. */
struct cp_secret_bytes cp_secret_bytes_new(size_t size)
{
	char *memory = cp_crypto_start() == 0 ? sodium_malloc(size + 1) : NULL;
	if (memory == NULL) {
		fprintf(stderr, "out of guarded memory (%zu bytes asked for)\n", size);
		abort();
	}
	memset(memory, 0, size + 1); /* libsodium fills it with garbage */
	return (struct cp_secret_bytes){memory, 0};
}

void cp_secret_bytes_free(struct cp_secret_bytes *secret)
{
	sodium_free(secret->ptr);
	*secret = (struct cp_secret_bytes){0};
}

void cp_secret_bytes_set(struct cp_secret_bytes *secret, struct cp_str bytes)
{
	struct cp_secret_bytes copy = cp_secret_bytes_new(bytes.len);
	if (bytes.len != 0)
		memcpy(copy.ptr, bytes.ptr, bytes.len);
	copy.len = bytes.len;
	cp_secret_bytes_free(secret);
	*secret = copy;
}

int cp_secret_read_fd(int fd, const char *name, size_t max, struct cp_secret_bytes *ret_secret)
{
	CP_CLEANUP(cp_secret_bytes_free) struct cp_secret_bytes all = cp_secret_bytes_new(max);
	for (;;) {
		/* One byte more than allowed is asked for, to tell a full file from one that is too long. */
		ssize_t got = read(fd, all.ptr + all.len, max + 1 - all.len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cp_fail_errno("cannot read %s", name);
		if (got == 0)
			break;
		all.len += (size_t)got;
		if (all.len > max)
			return cp_fail(CP_E_LIMIT, "%s is longer than %zu bytes", name, max);
	}
	all.ptr[all.len] = '\0';
	*ret_secret = all;
	all = (struct cp_secret_bytes){0};
	return 0;
}

int cp_secret_read(const char *path, size_t max, struct cp_secret_bytes *ret_secret)
{
	if (strcmp(path, "-") == 0)
		return cp_secret_read_fd(STDIN_FILENO, "standard input", max, ret_secret);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return cp_fail_errno("cannot open %s", path);
	int error = cp_secret_read_fd(fd, path, max, ret_secret);
	close(fd);
	return error;
}
