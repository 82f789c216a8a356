#include "provider/cache.h"

#include "base/memory.h"
#include "provider/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* As mkdir -p, for the user alone: what is cached is public, but who writes here decides whom callers are connected to. */
static int make_folders(char *path)
{
	for (char *p = path + 1;; ++p) {
		if (*p != '/' && *p != '\0')
			continue;
		char kept = *p;
		*p = '\0';
		int failed = mkdir(path, 0700);
		int why = errno;
		*p = kept;
		if (failed != 0 && why != EEXIST) {
			errno = why;
			return cp_fail_errno("the cache folder %s cannot be made", path);
		}
		if (kept == '\0')
			break;
	}
	struct stat folder;
	if (stat(path, &folder) != 0)
		return cp_fail_errno("the cache folder %s cannot be used", path);
	return S_ISDIR(folder.st_mode) ? 0 : cp_fail(CP_E_INPUT, "the cache folder %s is no folder", path);
}

int cp_cache_folder(const char *setting, struct cp_arena *arena, struct cp_str *ret_folder)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	struct cp_str folder;
	if (setting != NULL)
		folder = cp_arena_str(arena, cp_str(setting));
	else if (xdg != NULL && xdg[0] == '/') /* the specification: other values are to be ignored */
		folder = cp_arena_printf(arena, "%s/callpower", xdg);
	else if (home != NULL && home[0] == '/')
		folder = cp_arena_printf(arena, "%s/.cache/callpower", home);
	else
		return cp_fail(CP_E_INPUT, "there is no folder for the cache: set CALLPOWER_CACHE_DIR");
	int error = make_folders((char *)(uintptr_t)folder.ptr);
	if (error == 0)
		*ret_folder = folder;
	return error;
}

int cp_cache_open_active(struct cp_str folder, struct cp_str country, struct cp_dataset **ret_dataset)
{
	struct cp_buf path CP_CLEANUP(cp_buf_free) = {0};
	cp_buf_printf(&path, "%.*s/%.*s.active", CP_STR_ARG(folder), CP_STR_ARG(country));
	return cp_dataset_open(path.ptr, ret_dataset);
}

int cp_cache_open_compiled(struct cp_str folder, const char *program, const struct cp_provider *provider, const char *sources,
                           struct cp_dataset **ret_dataset)
{
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	struct cp_compile_document *documents;
	size_t count;
	uint8_t key[CP_SHA256_SIZE];
	char hex[2 * CP_SHA256_SIZE + 1];
	int error = cp_compile_read(provider, sources, arena, &documents, &count);
	if (error == 0)
		error = cp_compile_key(provider, documents, count, key);
	if (error != 0)
		return error;
	cp_hex(key, sizeof(key), hex);
	struct cp_str path =
	    cp_arena_printf(arena, "%.*s/%.*s-%.16s.compiled", CP_STR_ARG(folder), CP_STR_ARG(provider->country), hex);
	struct cp_dataset *dataset;
	if (cp_dataset_open(path.ptr, &dataset) == 0) {
		if (memcmp(cp_dataset_info(dataset)->key, key, sizeof(key)) == 0) {
			*ret_dataset = dataset;
			return 0;
		}
		cp_dataset_unref(dataset);
	}
	error = cp_compile_in_child(program, provider, sources, NULL, path.ptr);
	return error == 0 ? cp_dataset_open(path.ptr, ret_dataset) : error;
}
