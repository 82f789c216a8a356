/*
 * Finds country plugins, checks them, loads them and calls them.
 *
 * A plugin is one file NAME.so that exports one function (see providers/provider.h). What does not pass the checks is refused
 * with a sentence and the others still load; nothing is ever unloaded, since code that ran once may have left pointers to itself.
 * The set is made once on the main thread and read by all; the calls below may run on any thread at once.
 */
#ifndef PROVIDER_LOADER_H
#define PROVIDER_LOADER_H

#include "base/arena.h"

struct provider_manifest; /* providers/provider.h */

struct cp_providers; /* a set of loaded plugins */

struct cp_provider {
	const struct provider_manifest *manifest; /* of the plugin; checked; members beyond its size are absent */
	struct cp_str country;                    /* "us" */
	struct cp_str name, version;
	struct cp_str path; /* of the file */
};

struct cp_provider_refusal {
	struct cp_str path;
	struct cp_str reason; /* a sentence */
};

/*
 * folder: where the .so files are; NULL: the folder "providers" beside the running program, else the installed one. CP_E_NOTFOUND
 * where there is no such folder, CP_E_DENIED where others could write to it; a folder without a usable plugin is an empty set.
 * Where two files are for the same country the first by name is taken and the other refused.
 */
int cp_providers_load(const char *folder, struct cp_providers **ret_set);
/* A set of the one plugin in this file. CP_E_INPUT with the reason where it is refused. */
int cp_providers_load_file(const char *path, struct cp_providers **ret_set);
/* Frees the list; the plugins stay in memory. Accepts NULL; returns NULL. */
struct cp_providers *cp_providers_free(struct cp_providers *set);
void cp_providers_free_ptr(struct cp_providers **set); /* for CP_CLEANUP */

size_t cp_provider_count(const struct cp_providers *set);
const struct cp_provider *cp_provider_at(const struct cp_providers *set, size_t index); /* by country */
/* CP_E_NOTFOUND with the countries there are. country in any case. */
int cp_provider_find(const struct cp_providers *set, struct cp_str country, const struct cp_provider **ret_provider);

size_t cp_provider_refusal_count(const struct cp_providers *set);
struct cp_provider_refusal cp_provider_refusal(const struct cp_providers *set, size_t index);

/* A postal code as people write it to the form the dataset uses: "94110-1234" to "94110". CP_E_INPUT where it cannot be one. */
int cp_provider_normalize_postcode(const struct cp_provider *provider, struct cp_str input, struct cp_arena *arena,
                                   struct cp_str *ret_code);

#endif
