/*
 * Dataset versions in PostgreSQL (migrations/0003_datasets.sql) and their copies in a cache folder.
 *
 * A version is immutable: its file, cut into parts. Which version of a country is active is the latest row of
 * dataset_activation; a change is announced on the channel callpower_dataset with the country as payload. In the cache folder a
 * version is COUNTRY-SHA256.dataset, and COUNTRY.active is a symbolic link to the active one: a hint for a start without
 * database.
 */
#ifndef PROVIDER_STORE_H
#define PROVIDER_STORE_H

#include "base/arena.h"
#include "db/blocking.h"
#include "db/exclusive.h"
#include "provider/countries.h"

#define CP_DATASET_CHANNEL "callpower_dataset"

/* ---- for the server: on one loop */

struct cp_dataset_store;
/*
 * pool: of the operator's scope, borrowed. changed (may be NULL) is called after countries got another version; refused (may be
 * NULL) with a sentence where one could not be had: the old one then stays.
 */
struct cp_dataset_store_options {
	struct cp_loop *loop;
	struct cp_db_exclusive *pool;
	const char *cache_dir; /* exists, writable */
	struct cp_countries *countries;
	void (*changed)(void *data, const struct cp_dataset *dataset);
	void (*refused)(void *data, int error, const char *sentence);
	void *data;
};
int cp_dataset_store_new(const struct cp_dataset_store_options *options, struct cp_dataset_store **ret_store);
/*
 * Asks which versions are active, fetches the files that the cache lacks, opens and switches. To be called at the start, for each
 * notification on CP_DATASET_CHANNEL (also the one without payload) and now and then; calls while one is under way are joined.
 */
void cp_dataset_store_refresh(struct cp_dataset_store *store);
/* What is under way ends without callbacks. Before the pool is freed, and not from a callback. Accepts NULL; returns NULL. */
struct cp_dataset_store *cp_dataset_store_free(struct cp_dataset_store *store);

/* ---- for commands: on a connection of the operator's role */

struct cp_dataset_version {
	int64_t id;
	struct cp_str country, sha256, provider_name, provider_version; /* sha256 in hexadecimal */
	struct cp_str created_at, activated_at;                         /* ISO; activated_at empty where it never was */
	int64_t size;
	struct cp_str counts; /* JSON object */
	int64_t warnings;
	bool active;
};

/* Stores the file as a version; where it is there already, that one's id. */
int cp_dataset_store_put(struct cp_db_blocking *connection, const char *path, int64_t *ret_version);
/* Versions, latest first; country absent: all. Arrays and text are the arena's. */
int cp_dataset_store_list(struct cp_db_blocking *connection, struct cp_str country, struct cp_arena *arena,
                          struct cp_dataset_version **ret_versions, size_t *ret_count);
/* Makes a version active and announces it. CP_E_NOTFOUND where the country has no such version. */
int cp_dataset_store_activate(struct cp_db_blocking *connection, struct cp_str country, int64_t version);
/* Makes the version active that was so before the present one. CP_E_NOTFOUND where there is none. */
int cp_dataset_store_rollback(struct cp_db_blocking *connection, struct cp_str country, int64_t *ret_version);
/* Copies a version into the cache folder, where it lacks it, and points COUNTRY.active to it. */
int cp_dataset_store_fetch(struct cp_db_blocking *connection, int64_t version, const char *cache_dir);

#endif
