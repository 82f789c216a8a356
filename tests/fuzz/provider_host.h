/* A host for the authors' kit: memory that is taken back at the next input, no clock. */
#ifndef FUZZ_PROVIDER_HOST_H
#define FUZZ_PROVIDER_HOST_H

#include "fuzz.h"
#include "provider.h"

#include <string.h>

static _Alignas(16) unsigned char memory[4 << 20];
static size_t memory_used;

static void *fuzz_alloc(void *ctx, struct provider_arena *arena, size_t size, size_t align)
{
	(void)ctx;
	(void)arena;
	(void)align;
	if (size > sizeof(memory) - memory_used - 16)
		return NULL;
	void *taken = memory + memory_used;
	memory_used += (size + 15) & ~(size_t)15;
	memset(taken, 0, size);
	return taken;
}

static bool fuzz_expired(void *ctx)
{
	(void)ctx;
	return false;
}

static const struct provider_host fuzz_host = {
    .size = sizeof(fuzz_host), .abi = PROVIDER_ABI, .alloc = fuzz_alloc, .expired = fuzz_expired};
static const struct provider_call fuzz_call = {.size = sizeof(fuzz_call), .host = &fuzz_host};

#endif
