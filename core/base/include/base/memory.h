/*
 * Heap memory. Running out of it ends the process, by policy: a server that limps on without memory loses calls in ways that
 * nobody can test. What a stranger can make large is limited at the edge instead. Any thread.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

#define CP_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CP_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define CP_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Zeroed memory of size bytes (1 where size is 0); never NULL. Free with free(). */
void *cp_alloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));

/* Zeroed memory for count objects of size bytes; an overflow of the product ends the process. */
void *cp_alloc_array(size_t count, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));

/* realloc() that never returns NULL; what is added is not zeroed. */
void *cp_realloc(void *ptr, size_t size) __attribute__((returns_nonnull, alloc_size(2)));

/* A NUL-terminated copy; NULL for NULL. */
char *cp_strdup(const char *text);

/* A NUL-terminated copy of n bytes. */
char *cp_strndup(const char *text, size_t n) __attribute__((malloc, returns_nonnull));

/* For CP_CLEANUP: frees what a `char *` (or any object pointer) local points to. */
void cp_free_ptr(void *pointer_to_pointer);

#endif
