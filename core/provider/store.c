/* The store as a server uses it: on its loop. */
#include "provider/store.h"
#include "store_file.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

/* What one refresh found to be active. */
struct active {
	struct cp_str version, country, sha256;
};

/*
 * One refresh under way. Each step ends in a database callback that takes the next one; all of them meet in done() at the end. It
 * belongs to its store; where that is freed while a connection is still being waited for, the callback finds store NULL and
 * gives up.
 */
struct refresh {
	struct cp_dataset_store *store;
	struct cp_db_session *session;
	struct cp_arena *arena; /* of the list */
	struct cp_arena *part_arena;
	struct active *active;
	size_t count, at;
	struct cp_store_file file; /* of active[at], while its parts come in */
	int part;
};

struct cp_dataset_store {
	struct cp_dataset_store_options options;
	struct refresh *refresh; /* NULL: none is under way */
	bool again;              /* something changed meanwhile */
};

static void next_country(struct refresh *refresh);

int cp_dataset_store_new(const struct cp_dataset_store_options *options, struct cp_dataset_store **ret_store)
{
	struct cp_dataset_store *store = cp_alloc(sizeof(*store));
	store->options = *options;
	store->options.cache_dir = cp_strdup(options->cache_dir);
	*ret_store = store;
	return 0;
}

static void refresh_free(struct refresh *refresh)
{
	cp_store_file_clear(&refresh->file);
	cp_arena_free(refresh->arena);
	cp_arena_free(refresh->part_arena);
	free(refresh);
}

struct cp_dataset_store *cp_dataset_store_free(struct cp_dataset_store *store)
{
	if (store == NULL)
		return NULL;
	struct refresh *refresh = store->refresh;
	if (refresh != NULL && refresh->session != NULL) {
		cp_db_rollback(refresh->session);
		refresh_free(refresh);
	} else if (refresh != NULL) {
		refresh->store = NULL; /* on_session frees it */
	}
	free((char *)(uintptr_t)store->options.cache_dir);
	free(store);
	return NULL;
}

/* ---- steps */

static void done(struct refresh *refresh, int error)
{
	struct cp_dataset_store *store = refresh->store;
	char sentence[1024];
	snprintf(sentence, sizeof(sentence), "%s", error == 0 ? "" : cp_error_message());
	if (refresh->session != NULL && error == 0)
		cp_db_commit(refresh->session, NULL, NULL); /* nothing was written; it gives the connection back */
	else if (refresh->session != NULL)
		cp_db_rollback(refresh->session);
	refresh_free(refresh);
	store->refresh = NULL;
	bool again = store->again && error == 0;
	store->again = false;
	if (error != 0 && store->options.refused != NULL)
		store->options.refused(store->options.data, error, sentence);
	else if (again)
		cp_dataset_store_refresh(store);
}

/* One country's version cannot be had: the others still can. */
static void refuse(struct refresh *refresh, int error)
{
	struct cp_dataset_store *store = refresh->store;
	char sentence[1024];
	snprintf(sentence, sizeof(sentence), "%s", cp_error_message());
	cp_store_file_clear(&refresh->file);
	if (store->options.refused != NULL)
		store->options.refused(store->options.data, error, sentence);
}

static void switch_to(struct refresh *refresh, struct cp_dataset *dataset)
{
	const struct active *active = &refresh->active[refresh->at];
	struct cp_dataset_store *store = refresh->store;
	cp_store_mark_active(store->options.cache_dir, active->country,
	                     active->sha256); /* a hint only: its failure changes nothing */
	cp_countries_set(store->options.countries, dataset);
	if (store->options.changed != NULL)
		store->options.changed(store->options.data, dataset);
	cp_dataset_unref(dataset);
}

static void on_part(void *data, int error, const struct cp_db_result *result)
{
	struct refresh *refresh = data;
	const struct active *active = &refresh->active[refresh->at];
	static const char sql[] =
	    "select content from dataset_chunk where dataset_version_id = $1::bigint and part = $2::integer";
	if (error != 0) {
		done(refresh, error);
		return;
	}
	if (result != NULL && cp_db_rows(result) == 0) { /* all parts are there */
		struct cp_dataset *dataset;
		error = cp_store_file_finish(&refresh->file, active->country, active->sha256, &dataset);
		if (error == 0) {
			cp_store_file_clear(&refresh->file);
			switch_to(refresh, dataset);
		} else {
			refuse(refresh, error);
		}
		++refresh->at;
		next_country(refresh);
		return;
	}
	if (result != NULL)
		error = cp_store_file_add(&refresh->file, cp_db_bytes(result, 0, 0, refresh->part_arena));
	cp_arena_reset(refresh->part_arena);
	struct cp_str values[] = {active->version, cp_arena_printf(refresh->part_arena, "%d", refresh->part++)};
	if (error == 0)
		error = cp_db_run(refresh->session, sql, values, CP_COUNT(values), on_part, refresh);
	if (error != 0)
		done(refresh, error);
}

static bool is_current(struct refresh *refresh, const struct active *active)
{
	struct cp_dataset *dataset = cp_countries_get(refresh->store->options.countries, active->country);
	char hex[2 * CP_SHA256_SIZE + 1];
	if (dataset == NULL)
		return false;
	cp_hex(cp_dataset_info(dataset)->sha256, CP_SHA256_SIZE, hex);
	cp_dataset_unref(dataset);
	return cp_str_eq(cp_str(hex), active->sha256);
}

static void next_country(struct refresh *refresh)
{
	const char *cache_dir = refresh->store->options.cache_dir;
	for (; refresh->at < refresh->count; ++refresh->at) {
		const struct active *active = &refresh->active[refresh->at];
		if (is_current(refresh, active))
			continue;
		struct cp_buf path CP_CLEANUP(cp_buf_free) = {0};
		struct cp_dataset *dataset;
		cp_store_path(&path, cache_dir, active->country, active->sha256);
		if (cp_store_open(path.ptr, active->country, active->sha256, &dataset) == 0) {
			switch_to(refresh, dataset);
			continue;
		}
		int error = cp_store_file_begin(&refresh->file, cache_dir, active->country, active->sha256);
		if (error != 0) {
			refuse(refresh, error);
			continue;
		}
		refresh->part = 0;
		on_part(refresh, 0, NULL);
		return;
	}
	done(refresh, 0);
}

static void on_active(void *data, int error, const struct cp_db_result *result)
{
	struct refresh *refresh = data;
	if (error != 0) {
		done(refresh, error);
		return;
	}
	refresh->count = (size_t)cp_db_rows(result);
	refresh->active = cp_arena_alloc_array(refresh->arena, refresh->count + 1, sizeof(*refresh->active));
	for (size_t i = 0; i < refresh->count; ++i)
		refresh->active[i] = (struct active){
		    .version = cp_arena_str(refresh->arena, cp_db_value(result, (int)i, 0)),
		    .country = cp_arena_str(refresh->arena, cp_db_value(result, (int)i, 1)),
		    .sha256 = cp_arena_str(refresh->arena, cp_db_value(result, (int)i, 2)),
		};
	next_country(refresh);
}

static void on_session(void *data, int error, struct cp_db_session *session)
{
	struct refresh *refresh = data;
	static const char sql[] = "select distinct on (a.country) v.dataset_version_id, v.country, encode(v.sha256, 'hex') "
	                          "from dataset_activation a join dataset_version v using (dataset_version_id) "
	                          "order by a.country, a.dataset_activation_id desc";
	if (refresh->store == NULL) {
		if (session != NULL)
			cp_db_rollback(session);
		refresh_free(refresh);
		return;
	}
	refresh->session = session;
	if (error == 0)
		error = cp_db_run(session, sql, NULL, 0, on_active, refresh);
	if (error != 0)
		done(refresh, error);
}

void cp_dataset_store_refresh(struct cp_dataset_store *store)
{
	if (store->refresh != NULL) {
		store->again = true;
		return;
	}
	struct refresh *refresh = cp_alloc(sizeof(*refresh));
	*refresh = (struct refresh){.store = store, .arena = cp_arena_new(), .part_arena = cp_arena_new(), .file = {.fd = -1}};
	store->refresh = refresh;
	int error = cp_db_begin(store->options.pool, NULL, on_session, refresh);
	if (error != 0)
		done(refresh, error);
}
