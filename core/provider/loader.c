#include "internal.h"

#include "base/log.h"
#include "base/memory.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_PLUGINS = 256 };

struct cp_providers {
	struct cp_arena *arena;
	struct cp_provider *providers[MOST_PLUGINS];
	size_t count;
	struct cp_provider_refusal refusals[MOST_PLUGINS];
	size_t refusal_count;
};

/* ---- files */

/*
 * Whoever may write the file runs code as us. The group may, where it is the owner's private one (of the same number, as
 * adduser makes them): a checkout made under umask 002 is such a case.
 */
static bool writable_by_others(const struct stat *info)
{
	bool private_group = info->st_gid == info->st_uid;
	return (info->st_mode & S_IWOTH) != 0 || ((info->st_mode & S_IWGRP) != 0 && !private_group);
}

static int check_folder(const char *folder)
{
	struct stat info;
	if (stat(folder, &info) != 0)
		return errno == ENOENT ? cp_fail(CP_E_NOTFOUND, "there is no folder of country plugins at %s", folder)
		                       : cp_fail_errno("the folder of country plugins %s cannot be examined", folder);
	if (!S_ISDIR(info.st_mode))
		return cp_fail(CP_E_INPUT, "%s is no folder", folder);
	if (writable_by_others(&info))
		return cp_fail(CP_E_DENIED, "the folder %s can be written by others than its owner: chmod go-w it", folder);
	return 0;
}

static int check_file(const char *path)
{
	static const char elf[4] = {0x7F, 'E', 'L', 'F'};
	char magic[sizeof(elf)];
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ELOOP ? cp_fail(CP_E_INPUT, "it is a symbolic link, not a regular file")
		                      : cp_fail_errno("it cannot be opened");
	int error = 0;
	if (fstat(fd, &info) != 0)
		error = cp_fail_errno("it cannot be examined");
	else if (!S_ISREG(info.st_mode))
		error = cp_fail(CP_E_INPUT, "it is not a regular file");
	else if (writable_by_others(&info))
		error = cp_fail(CP_E_DENIED, "it can be written by others than its owner: chmod go-w it");
	else if (read(fd, magic, sizeof(magic)) != (ssize_t)sizeof(magic) || memcmp(magic, elf, sizeof(elf)) != 0)
		error = cp_fail(CP_E_INPUT, "it is not an ELF file");
	close(fd);
	return error;
}

static int program_folder(struct cp_buf *folder)
{
	char program[4096];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program));
	if (len <= 0 || (size_t)len == sizeof(program))
		return cp_fail_errno("the running program's own file cannot be found");
	while (len > 0 && program[len - 1] != '/')
		--len;
	cp_buf_add(folder, cp_str_n(program, (size_t)len));
	cp_buf_add_cstr(folder, "providers");
	return 0;
}

static int find_folder(const char *given, struct cp_buf *folder)
{
	struct stat info;
	if (given != NULL) {
		cp_buf_add_cstr(folder, given);
		return check_folder(given);
	}
	int error = program_folder(folder);
	if (error != 0)
		return error;
	if (stat(folder->ptr, &info) == 0)
		return check_folder(folder->ptr);
	cp_buf_free(folder);
	cp_buf_add_cstr(folder, CP_PROVIDERS_INSTALLED);
	return check_folder(folder->ptr);
}

/* ---- loading */

static int open_plugin(const char *path, const struct provider_manifest **ret_manifest)
{
	int error = check_file(path);
	if (error != 0)
		return error;
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (handle == NULL)
		return cp_fail(CP_E_INPUT, "it cannot be loaded: %s", dlerror());
	/* ISO C has no cast from object to function pointer; POSIX promises that this works. */
	const struct provider_manifest *(*entry)(void);
	void *symbol = dlsym(handle, "provider_manifest");
	if (symbol == NULL)
		return cp_fail(CP_E_INPUT, "it has no function provider_manifest()");
	memcpy(&entry, &symbol, sizeof(entry));
	const struct provider_manifest *manifest = entry();
	error = cp_manifest_check(manifest);
	if (error == 0)
		*ret_manifest = manifest;
	return error;
}

static void refuse(struct cp_providers *set, const char *path, struct cp_str reason)
{
	if (set->refusal_count == MOST_PLUGINS)
		return;
	set->refusals[set->refusal_count++] =
	    (struct cp_provider_refusal){cp_arena_str(set->arena, cp_str(path)), cp_arena_str(set->arena, reason)};
	cp_log(CP_LOG_DEBUG, NULL, "provider.refused", "%s: %.*s", path, CP_STR_ARG(reason));
}

static void load_one(struct cp_providers *set, const char *path)
{
	const struct provider_manifest *manifest = NULL;
	const struct cp_provider *same;
	if (open_plugin(path, &manifest) != 0) {
		refuse(set, path, cp_str(cp_error_message()));
		return;
	}
	if (cp_provider_find(set, cp_str(manifest->country), &same) == 0) {
		refuse(set, path,
		       cp_arena_printf(set->arena, "the country %s has a plugin already: %.*s", manifest->country,
		                       CP_STR_ARG(same->path)));
		return;
	}
	struct cp_provider *provider = cp_arena_alloc(set->arena, sizeof(*provider));
	*provider = (struct cp_provider){
	    .manifest = manifest,
	    .country = cp_str(manifest->country),
	    .name = cp_str(manifest->name),
	    .version = cp_str(manifest->version),
	    .path = cp_arena_str(set->arena, cp_str(path)),
	};
	set->providers[set->count++] = provider;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_providers(const void *a, const void *b)
{
	return cp_str_compare((*(struct cp_provider *const *)a)->country, (*(struct cp_provider *const *)b)->country);
}

/* NAME.so; files that start with "lib" are libraries of the plugins (the authors' kit). */
static bool is_plugin_name(const char *name)
{
	struct cp_str text = cp_str(name);
	return cp_str_ends(text, CP_STR(".so")) && !cp_str_starts(text, CP_STR("lib")) && name[0] != '.';
}

static int list_plugins(struct cp_providers *set, const char *folder, char **paths, size_t *ret_count)
{
	DIR *dir = opendir(folder);
	if (dir == NULL)
		return cp_fail_errno("the folder %s cannot be read", folder);
	size_t count = 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (!is_plugin_name(entry->d_name))
			continue;
		if (count == MOST_PLUGINS) {
			closedir(dir);
			return cp_fail(CP_E_LIMIT, "the folder %s holds more than %d plugins", folder, MOST_PLUGINS);
		}
		struct cp_str path = cp_arena_printf(set->arena, "%s/%s", folder, entry->d_name);
		paths[count++] = (char *)(uintptr_t)path.ptr;
	}
	closedir(dir);
	qsort(paths, count, sizeof(*paths), compare_texts);
	*ret_count = count;
	return 0;
}

int cp_providers_load(const char *folder, struct cp_providers **ret_set)
{
	struct cp_buf found CP_CLEANUP(cp_buf_free) = {0};
	int error = find_folder(folder, &found);
	if (error != 0)
		return error;
	struct cp_providers *set = cp_alloc(sizeof(*set));
	set->arena = cp_arena_new();
	char *paths[MOST_PLUGINS];
	size_t count = 0;
	error = list_plugins(set, found.ptr, paths, &count);
	if (error != 0) {
		cp_providers_free(set);
		return error;
	}
	for (size_t i = 0; i < count; ++i)
		load_one(set, paths[i]);
	qsort(set->providers, set->count, sizeof(set->providers[0]), compare_providers);
	*ret_set = set;
	return 0;
}

int cp_providers_load_file(const char *path, struct cp_providers **ret_set)
{
	struct cp_providers *set = cp_alloc(sizeof(*set));
	set->arena = cp_arena_new();
	load_one(set, path);
	if (set->count == 0) {
		cp_fail(CP_E_INPUT, "the plugin %s is refused: %.*s", path, CP_STR_ARG(set->refusals[0].reason));
		cp_providers_free(set);
		return CP_E_INPUT;
	}
	*ret_set = set;
	return 0;
}

struct cp_providers *cp_providers_free(struct cp_providers *set)
{
	if (set == NULL)
		return NULL;
	cp_arena_free(set->arena);
	free(set);
	return NULL;
}

void cp_providers_free_ptr(struct cp_providers **set)
{
	*set = cp_providers_free(*set);
}

/* ---- asking */

size_t cp_provider_count(const struct cp_providers *set)
{
	return set->count;
}

const struct cp_provider *cp_provider_at(const struct cp_providers *set, size_t index)
{
	return set->providers[index];
}

int cp_provider_find(const struct cp_providers *set, struct cp_str country, const struct cp_provider **ret_provider)
{
	char known[512] = "";
	for (size_t i = 0; i < set->count; ++i) {
		if (cp_str_eq_ignore_case(set->providers[i]->country, country)) {
			*ret_provider = set->providers[i];
			return 0;
		}
		if (strlen(known) + 12 < sizeof(known)) {
			strcat(known, i == 0 ? "" : ", ");
			strncat(known, set->providers[i]->country.ptr, 8);
		}
	}
	if (set->count == 0)
		return cp_fail(CP_E_NOTFOUND, "no country plugin is loaded");
	return cp_fail(CP_E_NOTFOUND, "there is no plugin for the country \"%.*s\", only for: %s", CP_STR_ARG(country), known);
}

size_t cp_provider_refusal_count(const struct cp_providers *set)
{
	return set->refusal_count;
}

struct cp_provider_refusal cp_provider_refusal(const struct cp_providers *set, size_t index)
{
	return set->refusals[index];
}

int cp_provider_normalize_postcode(const struct cp_provider *provider, struct cp_str input, struct cp_arena *arena,
                                   struct cp_str *ret_code)
{
	enum { LONGEST_INPUT = 64, MEMORY = 64 * 1024, TIMEOUT_MS = 1000 };
	if (input.len > LONGEST_INPUT)
		return cp_fail(CP_E_INPUT, "this is too long for a postal code");
	if (!cp_str_is_utf8(input))
		return cp_fail(CP_E_INPUT, "a postal code is text in UTF-8");
	struct cp_host host;
	struct provider_str code = {NULL, 0};
	cp_host_init(&host, arena, MEMORY, TIMEOUT_MS);
	if (input.ptr == NULL)
		input.ptr = "";
	int rc = provider->manifest->ops->normalize_postcode(&host.call, cp_to_provider(input), &code);
	if (rc == PROVIDER_E_INPUT && !host.failed)
		return cp_fail(CP_E_INPUT, "\"%.*s\" is no postal code of %.*s", CP_STR_ARG(input), CP_STR_ARG(provider->name));
	int error = cp_host_result(&host, rc, "the postal code");
	if (error != 0)
		return error;
	if (code.ptr == NULL || code.len == 0 || code.len > LONGEST_INPUT)
		return cp_fail(CP_E_BUG, "the plugin of %.*s gave no postal code", CP_STR_ARG(provider->name));
	*ret_code = cp_arena_str(arena, cp_from_provider(code));
	return 0;
}
