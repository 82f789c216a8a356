#include "base/arena.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BLOCK = 4096 - 64, ALIGNMENT = 16 };

struct block {
	struct block *next;
	size_t size;
	size_t used;
	_Alignas(ALIGNMENT) unsigned char data[];
};

struct cp_arena {
	struct block *current; /* blocks before it are full or were passed over */
};

static struct block *block_new(struct block *next, size_t size)
{
	struct block *block = cp_realloc(NULL, sizeof(*block) + size);
	block->next = next;
	block->size = size;
	block->used = 0;
	return block;
}

struct cp_arena *cp_arena_new(void)
{
	struct cp_arena *arena = cp_alloc(sizeof(*arena));
	arena->current = block_new(NULL, FIRST_BLOCK);
	return arena;
}

struct cp_arena *cp_arena_free(struct cp_arena *arena)
{
	if (arena == NULL)
		return NULL;
	for (struct block *block = arena->current, *next; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(arena);
	return NULL;
}

void cp_arena_free_ptr(struct cp_arena **arena)
{
	*arena = cp_arena_free(*arena);
}

void cp_arena_reset(struct cp_arena *arena)
{
	struct block *block = arena->current;
	while (block->next != NULL) {
		struct block *next = block->next;
		free(block);
		block = next;
	}
	block->used = 0;
	arena->current = block;
}

void *cp_arena_alloc(struct cp_arena *arena, size_t size)
{
	if (size == 0)
		size = 1;
	size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (rounded < size) {
		fprintf(stderr, "arena: size overflow\n");
		abort();
	}
	struct block *block = arena->current;
	if (block->size - block->used < rounded) {
		size_t next_size = block->size < 256 * 1024 ? block->size * 2 : block->size;
		block = arena->current = block_new(block, rounded > next_size ? rounded : next_size);
	}
	void *memory = block->data + block->used;
	block->used += rounded;
	memset(memory, 0, size);
	return memory;
}

void *cp_arena_alloc_array(struct cp_arena *arena, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total)) {
		fprintf(stderr, "arena: size overflow\n");
		abort();
	}
	return cp_arena_alloc(arena, total);
}

char *cp_arena_cstr(struct cp_arena *arena, struct cp_str text)
{
	char *copy = cp_arena_alloc(arena, text.len + 1);
	if (text.len != 0)
		memcpy(copy, text.ptr, text.len);
	return copy;
}

struct cp_str cp_arena_str(struct cp_arena *arena, struct cp_str text)
{
	return (struct cp_str){cp_arena_cstr(arena, text), text.len};
}

struct cp_str cp_arena_vprintf(struct cp_arena *arena, const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	if (len < 0) {
		va_end(again);
		return CP_STR("");
	}
	char *text = cp_arena_alloc(arena, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, fmt, again);
	va_end(again);
	return (struct cp_str){text, (size_t)len};
}

struct cp_str cp_arena_printf(struct cp_arena *arena, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	struct cp_str text = cp_arena_vprintf(arena, fmt, args);
	va_end(args);
	return text;
}
