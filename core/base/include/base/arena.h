/*
 * An arena: memory that lives and dies together, owned by a request, a job or one look-up. Not shared between threads.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/error.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>

struct cp_arena;

struct cp_arena *cp_arena_new(void);
/* Frees everything in it. Accepts NULL; returns NULL. */
struct cp_arena *cp_arena_free(struct cp_arena *arena);
void cp_arena_free_ptr(struct cp_arena **arena); /* for CP_CLEANUP */
/* Empties it and keeps its first block for reuse. */
void cp_arena_reset(struct cp_arena *arena);

/* Zeroed, aligned for any object; never NULL. Belongs to the arena. */
void *cp_arena_alloc(struct cp_arena *arena, size_t size) __attribute__((returns_nonnull));
void *cp_arena_alloc_array(struct cp_arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));
/* Copies; the result is NUL-terminated behind its length. */
struct cp_str cp_arena_str(struct cp_arena *arena, struct cp_str text);
char *cp_arena_cstr(struct cp_arena *arena, struct cp_str text);
struct cp_str cp_arena_printf(struct cp_arena *arena, const char *fmt, ...) CP_PRINTF(2, 3);
struct cp_str cp_arena_vprintf(struct cp_arena *arena, const char *fmt, va_list args);

#endif
