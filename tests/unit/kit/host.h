/* A host for tests of the kit: memory from an arena with a limit, a clock that never runs out unless told. */
#ifndef TESTS_KIT_HOST_H
#define TESTS_KIT_HOST_H

#include "base/arena.h"
#include "provider.h"

#include <stdlib.h>

struct test_host {
	struct provider_host host;
	struct provider_call call;
	struct cp_arena *arena;
	size_t left;
	bool expired;
};

static void *test_alloc(void *ctx, struct provider_arena *arena, size_t size, size_t align)
{
	struct test_host *host = ctx;
	(void)arena;
	(void)align;
	if (size > host->left)
		return NULL;
	host->left -= size;
	return cp_arena_alloc(host->arena, size);
}

static bool test_expired(void *ctx)
{
	return ((struct test_host *)ctx)->expired;
}

static inline void test_host_open(struct test_host *host, size_t memory)
{
	*host = (struct test_host){
	    .host = {.size = sizeof(host->host), .abi = PROVIDER_ABI, .ctx = host, .alloc = test_alloc, .expired = test_expired},
	    .arena = cp_arena_new(),
	    .left = memory};
	host->call = (struct provider_call){.size = sizeof(host->call), .host = &host->host};
}

static inline void test_host_close(struct test_host *host)
{
	host->arena = cp_arena_free(host->arena);
}

#endif
