/*
 * libcurl's start and end. It copies user names, secrets and bodies into memory of its own, so it is given memory functions that
 * wipe what is freed.
 */
#include "internal.h"

#include <malloc.h>
#include <stdlib.h>

static bool is_started;

static void wiping_free(void *memory)
{
	if (memory != NULL)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

static void *wiping_realloc(void *memory, size_t size)
{
	if (memory == NULL)
		return malloc(size);
	size_t old_size = malloc_usable_size(memory);
	if (size != 0 && size <= old_size)
		return memory;
	void *larger = size == 0 ? NULL : malloc(size);
	if (larger != NULL)
		memcpy(larger, memory, old_size);
	if (larger != NULL || size == 0)
		wiping_free(memory);
	return larger;
}

int cp_fetch_global_start(void)
{
	if (is_started)
		return 0;
	CURLcode code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiping_free, wiping_realloc, strdup, calloc);
	if (code != CURLE_OK)
		return cp_fail(CP_E_SYSTEM, "libcurl: %s", curl_easy_strerror(code));
	is_started = true;
	return 0;
}

void cp_fetch_global_stop(void)
{
	if (!is_started)
		return;
	cp_resolve_pool_stop();
	curl_global_cleanup();
	is_started = false;
}

bool cp_fetch_is_started(void)
{
	return is_started;
}
