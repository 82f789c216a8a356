/* Shared by the files of this folder. */
#ifndef PROVIDER_INTERNAL_H
#define PROVIDER_INTERNAL_H

#include "base/arena.h"
#include "provider.h"
#include "provider/loader.h"

/* Checks all that a manifest points to. CP_E_INPUT with a sentence. */
int cp_manifest_check(const struct provider_manifest *manifest);

static inline struct cp_str cp_from_provider(struct provider_str text)
{
	return (struct cp_str){text.ptr, text.ptr == NULL ? 0 : text.len};
}

static inline struct provider_str cp_to_provider(struct cp_str text)
{
	return (struct provider_str){text.ptr, text.len};
}

/* What stands behind the functions that a plugin is given for one call. */
struct cp_host {
	struct provider_host host;
	struct provider_call call;
	struct cp_arena *arena;
	uint64_t memory_left;       /* bytes */
	uint64_t deadline_ms;       /* monotonic */
	const struct cp_str *files; /* names of the documents, for messages */
	size_t file_count;
	bool failed; /* the reason is recorded (cp_fail) */
};

/* Fills host for a call; arena is borrowed. */
void cp_host_init(struct cp_host *host, struct cp_arena *arena, uint64_t memory, unsigned timeout_ms);
/* The error of a call that answered rc: the recorded reason where there is one, else a sentence about what. */
int cp_host_result(const struct cp_host *host, int rc, const char *what);

#endif
