#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(size_t size)
{
	fprintf(stderr, "out of memory (%zu bytes asked for)\n", size);
	abort();
}

void *cp_alloc(size_t size)
{
	return cp_alloc_array(1, size);
}

void *cp_alloc_array(size_t count, size_t size)
{
	void *memory = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
	if (memory == NULL)
		out_of_memory(size);
	return memory;
}

void *cp_realloc(void *ptr, size_t size)
{
	void *memory = realloc(ptr, size == 0 ? 1 : size);
	if (memory == NULL)
		out_of_memory(size);
	return memory;
}

char *cp_strdup(const char *text)
{
	return text == NULL ? NULL : cp_strndup(text, strlen(text));
}

char *cp_strndup(const char *text, size_t n)
{
	char *copy = cp_alloc(n + 1);
	if (n != 0)
		memcpy(copy, text, n);
	return copy;
}

void cp_free_ptr(void *pointer_to_pointer)
{
	void *memory;
	memcpy(&memory, pointer_to_pointer, sizeof(memory));
	free(memory);
}
