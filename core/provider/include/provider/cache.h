/* The folder for compiled datasets and copies of active ones; safe to lose. */
#ifndef PROVIDER_CACHE_H
#define PROVIDER_CACHE_H

#include "base/arena.h"
#include "geo/dataset.h"
#include "provider/loader.h"

/*
 * setting (CALLPOWER_CACHE_DIR), else $XDG_CACHE_HOME/callpower, else ~/.cache/callpower. Made, with what is above it, where it
 * is not there.
 */
int cp_cache_folder(const char *setting, struct cp_arena *arena, struct cp_str *ret_folder);

/* The active version that the folder remembers. CP_E_NOTFOUND where it remembers none. */
int cp_cache_open_active(struct cp_str folder, struct cp_str country, struct cp_dataset **ret_dataset);

/*
 * A dataset of the sources in a folder: the one compiled before from the same content by the same plugin, else it is compiled
 * now, in a child process. program as in cp_compile_in_child.
 */
int cp_cache_open_compiled(struct cp_str folder, const char *program, const struct cp_provider *provider, const char *sources,
                           struct cp_dataset **ret_dataset);

#endif
