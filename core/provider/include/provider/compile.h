/*
 * From documents to a dataset's file, through a country plugin.
 *
 * The plugin's parser meets bytes of strangers, so that programs let a child of theirs do it (cp_compile_in_child), with limits
 * on memory, time and files, and without the parent's secrets; cp_compile is what the child runs, and tests.
 */
#ifndef PROVIDER_COMPILE_H
#define PROVIDER_COMPILE_H

#include "base/arena.h"
#include "geo/dataset.h"
#include "provider/loader.h"

/* A document of the provider as it was found: read whole, never changed afterwards. */
struct cp_compile_document {
	struct cp_str file; /* its own name: "zccd_119th.csv"; absent where an optional document is not there */
	struct cp_str path;
	struct cp_str content; /* of the arena */
	struct cp_str date;    /* of the file: "2026-11-22" */
	uint8_t sha256[CP_SHA256_SIZE];
};

/*
 * Reads the provider's documents from folder/COUNTRY/ or folder/, under any of the names that the manifest gives. CP_E_NOTFOUND
 * with the document's name, files and public address where one is missing. The array is the arena's, one entry a document of the
 * manifest.
 */
int cp_compile_read(const struct cp_provider *provider, const char *folder, struct cp_arena *arena,
                    struct cp_compile_document **ret_documents, size_t *ret_count);

/* The key that the compiled file will have (cp_dataset_info.key). */
int cp_compile_key(const struct cp_provider *provider, const struct cp_compile_document *documents, size_t count,
                   uint8_t ret_key[CP_SHA256_SIZE]);

struct cp_compile_limits {
	uint64_t memory;    /* bytes that the plugin may allocate; 0: 1 GiB */
	unsigned timeout_s; /* 0: 120 */
};

/* Compiles in this process and writes path. CP_E_INPUT with "FILE:LINE: reason" where the documents are refused. limits may be
 * NULL. */
int cp_compile(const struct cp_provider *provider, const struct cp_compile_document *documents, size_t count,
               const struct cp_compile_limits *limits, const char *path);

/*
 * The same in a child process: the running program, started again as `PROGRAM compile-provider PLUGIN FOLDER PATH`. program: NULL
 * for the running one. A refusal is the child's sentence; a crash, a loop and a flood end as CP_E_UNAVAILABLE with what happened.
 */
int cp_compile_in_child(const char *program, const struct cp_provider *provider, const char *folder,
                        const struct cp_compile_limits *limits, const char *path);

#endif
