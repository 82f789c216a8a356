#include "crypto/keyring.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "crypto/base64.h"
#include "crypto/process.h"
#include "crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_TEXT = 16 * 1024, /* of a key file or a command's output */
	LINE_SIZE = CP_BASE64_SIZE(CP_SEAL_KEY_SIZE),
};

static const char HEADER[] =
    "# CallPower master keys: the first one seals, the others open what they sealed before.\n"
    "# Without them nothing that was sealed can be read again. Keep a copy apart from the database's backups.\n";

struct key {
	uint32_t id;
	unsigned char bytes[CP_SEAL_KEY_SIZE];
};

struct cp_keyring {
	size_t count;
	struct key *keys; /* guarded memory */
};

static uint32_t key_id(const unsigned char bytes[CP_SEAL_KEY_SIZE])
{
	unsigned char hash[crypto_generichash_BYTES];
	crypto_generichash(hash, sizeof(hash), bytes, CP_SEAL_KEY_SIZE, (const unsigned char *)"callpower key id", 16);
	return (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}

/* ---- text */

static int add_key(struct cp_keyring *keyring, struct cp_str line, int line_number, const char *source)
{
	if (keyring->count == CP_KEYRING_MAX_KEYS)
		return cp_fail(CP_E_LIMIT, "%s holds more than %d keys", source, CP_KEYRING_MAX_KEYS);
	struct key *key = &keyring->keys[keyring->count];
	size_t len;
	if (cp_base64_decode(CP_BASE64_STANDARD, line, key->bytes, sizeof(key->bytes), &len) != 0 || len != sizeof(key->bytes))
		return cp_fail(CP_E_INPUT,
		               "line %d of %s is not a key: 32 bytes in base64 are expected (`callpower key new` makes one)",
		               line_number, source);
	key->id = key_id(key->bytes);
	for (size_t i = 0; i < keyring->count; ++i)
		if (keyring->keys[i].id == key->id)
			return cp_fail(CP_E_INPUT, "line %d of %s repeats an earlier key", line_number, source);
	++keyring->count;
	return 0;
}

int cp_keyring_parse(struct cp_str text, const char *source, struct cp_keyring **ret_keyring)
{
	int error = cp_crypto_start();
	if (error != 0)
		return error;
	CP_CLEANUP(cp_keyring_free_ptr) struct cp_keyring *keyring = cp_alloc(sizeof(*keyring));
	keyring->keys = sodium_allocarray(CP_KEYRING_MAX_KEYS, sizeof(*keyring->keys));
	if (keyring->keys == NULL)
		return cp_fail_errno("cannot get guarded memory for the master keys");
	for (int line_number = 1; text.ptr != NULL; ++line_number) {
		struct cp_str line = cp_str_trim(cp_str_split(text, '\n', &text));
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		error = add_key(keyring, line, line_number, source);
		if (error != 0)
			return error;
	}
	if (keyring->count == 0)
		return cp_fail(CP_E_INPUT, "%s holds no key (`callpower key new` makes one)", source);
	sodium_mprotect_readonly(keyring->keys);
	*ret_keyring = keyring;
	keyring = NULL;
	return 0;
}

struct cp_keyring *cp_keyring_free(struct cp_keyring *keyring)
{
	if (keyring == NULL)
		return NULL;
	sodium_free(keyring->keys);
	free(keyring);
	return NULL;
}

void cp_keyring_free_ptr(struct cp_keyring **keyring)
{
	*keyring = cp_keyring_free(*keyring);
}

/* ---- files */

/* As PostgreSQL judges its private key: the owner's alone, or root's with reading by its group. */
static int check_access(int fd, const char *path)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return cp_fail_errno("cannot examine %s", path);
	if (!S_ISREG(status.st_mode))
		return cp_fail(CP_E_INPUT, "%s is not a file", path);
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return cp_fail(CP_E_DENIED,
		               "the master key file %s belongs to another user: it must be this program's user's or root's",
		               path);
	mode_t forbidden = status.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
	if ((status.st_mode & forbidden) != 0)
		return cp_fail(CP_E_DENIED,
		               "the master key file %s can be read or changed by others (mode %04o): run chmod 600 on it", path,
		               status.st_mode & 07777);
	return 0;
}

static int read_file(const char *path, struct cp_secret_bytes *ret_text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not hold up the start */
	if (fd < 0)
		return cp_fail_errno("cannot open the master key file %s", path);
	int error = check_access(fd, path);
	if (error == 0)
		error = cp_secret_read_fd(fd, path, MAX_TEXT, ret_text);
	close(fd);
	return error;
}

int cp_keyring_load_file(const char *path, struct cp_keyring **ret_keyring)
{
	CP_CLEANUP(cp_secret_bytes_free) struct cp_secret_bytes text = {0};
	int error = read_file(path, &text);
	return error != 0 ? error : cp_keyring_parse(cp_str_n(text.ptr, text.len), path, ret_keyring);
}

static int write_all(int fd, const char *path, struct cp_str text)
{
	while (text.len != 0) {
		ssize_t written = write(fd, text.ptr, text.len);
		if (written < 0 && errno != EINTR)
			return cp_fail_errno("cannot write %s", path);
		if (written > 0)
			text = cp_str_n(text.ptr + written, text.len - (size_t)written);
	}
	return 0;
}

/* The folder's entry on disk too: a key that seals something must not be gone after a power failure. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	CP_CLEANUP(cp_free_ptr) char *folder = slash == NULL ? cp_strdup(".") : cp_strndup(path, (size_t)(slash - path) + 1);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return cp_fail_errno("cannot open the folder %s", folder);
	int error = fsync(fd) == 0 ? 0 : cp_fail_errno("cannot write the folder %s to disk", folder);
	close(fd);
	return error;
}

/* A new file with a new key and then rest, on disk when it returns. Removes what it began where it fails. */
static int write_new(const char *path, struct cp_str rest, uint32_t *ret_key_id)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return cp_fail(CP_E_CONFLICT, "%s exists already; a master key is never overwritten", path);
	if (fd < 0)
		return cp_fail_errno("cannot create %s", path);
	unsigned char bytes[CP_SEAL_KEY_SIZE];
	char line[LINE_SIZE];
	cp_random_bytes(bytes, sizeof(bytes));
	size_t len = cp_base64_encode(CP_BASE64_STANDARD, bytes, sizeof(bytes), line);
	uint32_t id = key_id(bytes);
	cp_wipe(bytes, sizeof(bytes));
	int error = write_all(fd, path, cp_str(HEADER));
	if (error == 0)
		error = write_all(fd, path, cp_str_n(line, len));
	cp_wipe(line, sizeof(line));
	if (error == 0)
		error = write_all(fd, path, CP_STR("\n"));
	if (error == 0)
		error = write_all(fd, path, rest);
	if (error == 0 && fsync(fd) != 0)
		error = cp_fail_errno("cannot write %s to disk", path);
	close(fd);
	if (error != 0)
		unlink(path);
	else if (ret_key_id != NULL)
		*ret_key_id = id;
	return error;
}

int cp_keyring_file_new(const char *path, uint32_t *ret_key_id)
{
	int error = cp_crypto_start();
	if (error == 0)
		error = write_new(path, CP_STR_NULL, ret_key_id);
	return error != 0 ? error : sync_folder(path);
}

/* Puts the file beside in the place of path, for the same readers as before. Removes it where that fails. */
static int replace_file(const char *beside, const char *path)
{
	struct stat before;
	int error = 0;
	if (stat(path, &before) != 0 || chmod(beside, before.st_mode & 07777) != 0 ||
	    ((before.st_uid != geteuid() || before.st_gid != getegid()) && chown(beside, before.st_uid, before.st_gid) != 0) ||
	    rename(beside, path) != 0)
		error = cp_fail_errno("cannot replace %s", path);
	if (error != 0)
		unlink(beside);
	return error != 0 ? error : sync_folder(path);
}

int cp_keyring_file_add(const char *path, uint32_t *ret_key_id)
{
	CP_CLEANUP(cp_secret_bytes_free) struct cp_secret_bytes text = {0};
	CP_CLEANUP(cp_keyring_free_ptr) struct cp_keyring *keyring = NULL;
	CP_CLEANUP(cp_buf_free) struct cp_buf beside = {0};
	int error = read_file(path, &text);
	if (error == 0)
		error = cp_keyring_parse(cp_str_n(text.ptr, text.len), path, &keyring);
	if (error != 0)
		return error;
	if (keyring->count == CP_KEYRING_MAX_KEYS)
		return cp_fail(CP_E_LIMIT, "%s holds %d keys already; remove those that seal nothing any more", path,
		               CP_KEYRING_MAX_KEYS);
	struct cp_str rest = cp_str_n(text.ptr, text.len);
	if (cp_str_starts(rest, cp_str(HEADER)))
		rest = cp_str_n(rest.ptr + sizeof(HEADER) - 1, rest.len - (sizeof(HEADER) - 1));
	cp_buf_printf(&beside, "%s.new", path);
	uint32_t id;
	error = write_new(beside.ptr, rest, &id);
	if (error == 0)
		error = replace_file(beside.ptr, path);
	if (error == 0 && ret_key_id != NULL)
		*ret_key_id = id;
	return error;
}

/* ---- commands */

/* Starts it in a process group of its own, so that a time-out can end it with its children. */
static int spawn(const char *command, int output, pid_t *ret_child)
{
	char shell[] = "sh", option[] = "-c", *text = cp_strdup(command);
	char *const arguments[] = {shell, option, text, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attributes, 0);
	errno = posix_spawn(ret_child, "/bin/sh", &actions, &attributes, arguments, environ);
	int error = errno == 0 ? 0 : cp_fail_errno("cannot run the master key's command");
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	free(text);
	return error;
}

/* Reads until the command closes its output; what it prints is small, so a full buffer is an error. */
static int read_output(int fd, uint64_t deadline_ms, struct cp_secret_bytes *out)
{
	for (;;) {
		uint64_t now = cp_clock_monotonic_ms();
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int ready = now >= deadline_ms ? 0 : poll(&wait, 1, (int)(deadline_ms - now));
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return cp_fail(CP_E_TIMEOUT, "the master key's command did not end in time");
		ssize_t got = read(fd, out->ptr + out->len, MAX_TEXT - out->len);
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return cp_fail_errno("cannot read the master key's command");
		out->len += got > 0 ? (size_t)got : 0;
		if (out->len == MAX_TEXT)
			return cp_fail(CP_E_LIMIT, "the master key's command printed more than %d bytes", MAX_TEXT);
	}
}

/* Waits for its end, and brings it about where it failed or the time is over. */
static int reap(pid_t child, int error, uint64_t deadline_ms)
{
	int status = 0;
	for (;;) {
		if (error != 0)
			kill(-child, SIGKILL);
		pid_t ended = waitpid(child, &status, error != 0 ? 0 : WNOHANG);
		if (ended == child || (ended < 0 && errno != EINTR))
			break;
		if (cp_clock_monotonic_ms() >= deadline_ms)
			error = cp_fail(CP_E_TIMEOUT, "the master key's command did not end in time");
		else
			nanosleep(&(struct timespec){.tv_nsec = 5 * 1000 * 1000}, NULL);
	}
	if (error == 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		error = cp_fail(CP_E_UNAVAILABLE, "the master key's command failed (%s %d)",
		                WIFEXITED(status) ? "exit status" : "signal",
		                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return error;
}

int cp_keyring_load_command(const char *command, unsigned deadline_ms, struct cp_keyring **ret_keyring)
{
	int pipes[2];
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return cp_fail_errno("cannot run the master key's command");
	CP_CLEANUP(cp_secret_bytes_free) struct cp_secret_bytes text = cp_secret_bytes_new(MAX_TEXT);
	pid_t child;
	int error = spawn(command, pipes[1], &child);
	close(pipes[1]);
	if (error == 0) {
		uint64_t deadline = cp_clock_monotonic_ms() + deadline_ms;
		error = reap(child, read_output(pipes[0], deadline, &text), deadline);
	}
	close(pipes[0]);
	return error != 0 ? error
	                  : cp_keyring_parse(cp_str_n(text.ptr, text.len), "the master key's command's output", ret_keyring);
}

/* ---- sealing */

size_t cp_keyring_count(const struct cp_keyring *keyring)
{
	return keyring->count;
}

uint32_t cp_keyring_current_id(const struct cp_keyring *keyring)
{
	return keyring->keys[0].id;
}

void cp_keyring_seal(const struct cp_keyring *keyring, struct cp_str context, struct cp_str plain, void *out)
{
	cp_seal(keyring->keys[0].bytes, keyring->keys[0].id, context, plain, out);
}

int cp_keyring_open(const struct cp_keyring *keyring, struct cp_str context, struct cp_str sealed, void *out)
{
	uint32_t id;
	int error = cp_seal_key_id(sealed, &id);
	if (error != 0)
		return error;
	for (size_t i = 0; i < keyring->count; ++i)
		if (keyring->keys[i].id == id)
			return cp_seal_open(keyring->keys[i].bytes, context, sealed, out);
	return cp_fail(CP_E_NOTFOUND, "the master key %08x, which this was sealed with, is not among the %zu given", id,
	               keyring->count);
}
