/* The cache folder's files of dataset versions: COUNTRY-SHA256.dataset, and the link COUNTRY.active. */
#ifndef PROVIDER_STORE_FILE_H
#define PROVIDER_STORE_FILE_H

#include "base/str.h"
#include "geo/dataset.h"

/* A version's file being written beside its final place. */
struct cp_store_file {
	struct cp_buf path, temporary;
	int fd; /* -1: none */
};

/* sha256: 64 hexadecimal digits. */
void cp_store_path(struct cp_buf *path, const char *cache_dir, struct cp_str country, struct cp_str sha256);
/* CP_E_NOTFOUND where the cache has no such file; CP_E_INPUT where it has another one under that name. */
int cp_store_open(const char *path, struct cp_str country, struct cp_str sha256, struct cp_dataset **ret_dataset);

int cp_store_file_begin(struct cp_store_file *file, const char *cache_dir, struct cp_str country, struct cp_str sha256);
int cp_store_file_add(struct cp_store_file *file, struct cp_str part);
/* Closes, checks and renames it. */
int cp_store_file_finish(struct cp_store_file *file, struct cp_str country, struct cp_str sha256,
                         struct cp_dataset **ret_dataset);
/* Whatever its state: closes it, removes what is unfinished. */
void cp_store_file_clear(struct cp_store_file *file);

/* Points COUNTRY.active at the version's file, and drops files of versions before the latest few. */
int cp_store_mark_active(const char *cache_dir, struct cp_str country, struct cp_str sha256);

#endif
