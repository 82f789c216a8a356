#include "campaign/cache.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A missed NOTIFY (its connection was down) is made good after so long at the latest. */
enum { CURRENT_LIFETIME_MS = 30000, KEY_SIZE = 48 };

struct document { /* one revision */
	struct cp_list link; /* least recently used first */
	struct cp_campaign_settings *settings;
	char key[KEY_SIZE];
};

struct current { /* which revision is in force */
	int32_t revision;
	enum cp_campaign_status status;
	uint64_t loaded_ms;
	char *name;
};

struct cp_campaign_cache {
	struct cp_db *db;
	struct cp_map *documents, *currents;
	struct cp_list used;
	size_t max_revisions;
	uint64_t generation; /* counts what was forgotten: a result asked for before is not kept as current */
};

struct load {
	struct cp_campaign_cache *cache;
	struct cp_tenant_id tenant;
	int32_t campaign_id, revision;
	uint64_t generation;
	cp_campaign_fn *fn;
	void *data;
};

enum { COLUMN_CURRENT, COLUMN_STATUS, COLUMN_NAME, COLUMN_REVISION, COLUMN_SETTINGS };
const struct cp_db_statement cp_campaign_cache_statements[] = {
	{"campaign_get", CP_DB_TENANT, 2,
	 "select c.revision, c.status, c.name, r.revision, r.settings from campaign c join campaign_revision r using (tenant_id, campaign_id) "
	 "where c.tenant_id = app_tenant() and c.campaign_id = $1::integer "
	 "and r.revision = case $2::integer when 0 then c.revision else $2::integer end"},
	{.name = NULL},
};

static const char *const status_words[] = {"draft", "live", "paused", "archived"};

const char *cp_campaign_status_word(enum cp_campaign_status status)
{
	return status_words[status];
}

int cp_campaign_status_parse(struct cp_str word, enum cp_campaign_status *ret_status)
{
	for (size_t i = 0; i < CP_COUNT(status_words); ++i) {
		if (cp_str_eq(word, cp_str(status_words[i]))) {
			*ret_status = (enum cp_campaign_status)i;
			return 0;
		}
	}
	return cp_fail(CP_E_INPUT, "a campaign is draft, live, paused or archived, not \"%.*s\"", CP_STR_ARG(word));
}

static struct cp_str current_key(char out[KEY_SIZE], struct cp_tenant_id tenant, int32_t campaign_id)
{
	int len = snprintf(out, KEY_SIZE, "%" PRId64 "/%" PRId32, tenant.value, campaign_id);
	return cp_str_n(out, (size_t)len);
}

static struct cp_str document_key(char out[KEY_SIZE], struct cp_tenant_id tenant, int32_t campaign_id, int32_t revision)
{
	int len = snprintf(out, KEY_SIZE, "%" PRId64 "/%" PRId32 "/%" PRId32, tenant.value, campaign_id, revision);
	return cp_str_n(out, (size_t)len);
}

int cp_campaign_cache_new(struct cp_db *db, size_t max_revisions, struct cp_campaign_cache **ret_cache)
{
	struct cp_campaign_cache *cache = cp_alloc(sizeof(*cache));
	cache->db = db;
	cache->documents = cp_map_new();
	cache->currents = cp_map_new();
	cache->max_revisions = max_revisions;
	cp_list_init(&cache->used);
	*ret_cache = cache;
	return 0;
}

static void free_document(void *value)
{
	struct document *document = value;
	cp_list_remove(&document->link);
	cp_campaign_settings_unref(document->settings);
	free(document);
}

static void free_current(void *value)
{
	struct current *current = value;
	free(current->name);
	free(current);
}

struct cp_campaign_cache *cp_campaign_cache_free(struct cp_campaign_cache *cache)
{
	if (cache == NULL)
		return NULL;
	cp_map_free(cache->documents, free_document);
	cp_map_free(cache->currents, free_current);
	free(cache);
	return NULL;
}

static struct document *keep_document(struct cp_campaign_cache *cache, struct cp_str key, struct cp_campaign_settings *settings)
{
	struct document *document = cp_map_get(cache->documents, key);
	if (document != NULL) { /* another load was faster; revisions do not change */
		cp_campaign_settings_unref(settings);
		return document;
	}
	for (struct document *oldest; cp_map_count(cache->documents) >= cache->max_revisions;) {
		oldest = CP_CONTAINER_OF(cache->used.next, struct document, link);
		cp_map_remove(cache->documents, cp_str(oldest->key));
		free_document(oldest);
	}
	document = cp_alloc(sizeof(*document));
	document->settings = settings;
	memcpy(document->key, key.ptr, key.len);
	cp_map_set(cache->documents, key, document);
	cp_list_push(&cache->used, &document->link);
	return document;
}

static void keep_current(struct cp_campaign_cache *cache, struct cp_str key, int32_t revision, enum cp_campaign_status status, struct cp_str name)
{
	struct current *current = cp_alloc(sizeof(*current));
	current->revision = revision;
	current->status = status;
	current->loaded_ms = cp_clock_monotonic_ms();
	current->name = cp_strndup(name.ptr, name.len);
	struct current *before = cp_map_set(cache->currents, key, current);
	if (before != NULL)
		free_current(before);
}

static int read_campaign(struct load *load, const struct cp_db_result *result, struct cp_campaign *campaign)
{
	struct cp_campaign_cache *cache = load->cache;
	char key[KEY_SIZE];
	if (cp_db_rows(result) == 0)
		return cp_fail(CP_E_NOTFOUND, "there is no such campaign");
	int32_t current = (int32_t)cp_db_integer(result, 0, COLUMN_CURRENT);
	campaign->id = load->campaign_id;
	campaign->revision = (int32_t)cp_db_integer(result, 0, COLUMN_REVISION);
	campaign->name = cp_db_value(result, 0, COLUMN_NAME);
	int error = cp_campaign_status_parse(cp_db_value(result, 0, COLUMN_STATUS), &campaign->status);
	if (error == 0)
		error = cp_campaign_settings_parse(cp_db_value(result, 0, COLUMN_SETTINGS), &campaign->settings);
	if (error != 0)
		return cp_fail_in(CP_E_BUG, "campaign %" PRId32 " as stored", load->campaign_id);
	struct cp_str document = document_key(key, load->tenant, load->campaign_id, campaign->revision);
	campaign->settings = keep_document(cache, document, campaign->settings)->settings;
	if (load->revision == 0 && load->generation == cache->generation)
		keep_current(cache, current_key(key, load->tenant, load->campaign_id), current, campaign->status, campaign->name);
	return 0;
}

static void on_loaded(void *data, int error, const struct cp_db_result *result)
{
	CP_CLEANUP(cp_free_ptr) struct load *load = data;
	struct cp_campaign campaign = {0};
	if (error == 0)
		error = read_campaign(load, result, &campaign);
	load->fn(load->data, error, error == 0 ? &campaign : NULL);
}

/* What the cache has; false where something is missing. */
static bool find(struct cp_campaign_cache *cache, struct cp_tenant_id tenant, int32_t campaign_id, int32_t revision, struct cp_campaign *campaign)
{
	char key[KEY_SIZE];
	if (revision == 0) {
		const struct current *current = cp_map_get(cache->currents, current_key(key, tenant, campaign_id));
		if (current == NULL || cp_clock_monotonic_ms() - current->loaded_ms > CURRENT_LIFETIME_MS)
			return false;
		revision = current->revision;
		campaign->status = current->status;
		campaign->name = cp_str(current->name);
	}
	struct document *document = cp_map_get(cache->documents, document_key(key, tenant, campaign_id, revision));
	if (document == NULL)
		return false;
	cp_list_remove(&document->link);
	cp_list_push(&cache->used, &document->link);
	campaign->id = campaign_id;
	campaign->revision = revision;
	campaign->settings = document->settings;
	return true;
}

void cp_campaign_cache_get(struct cp_campaign_cache *cache, struct cp_tenant_id tenant, int32_t campaign_id, int32_t revision,
                           cp_campaign_fn *fn, void *data)
{
	struct cp_campaign campaign = {0};
	if (find(cache, tenant, campaign_id, revision, &campaign)) {
		fn(data, 0, &campaign);
		return;
	}
	char id[16], number[16];
	snprintf(id, sizeof(id), "%" PRId32, campaign_id);
	snprintf(number, sizeof(number), "%" PRId32, revision);
	struct load *load = cp_alloc(sizeof(*load));
	*load = (struct load){cache, tenant, campaign_id, revision, cache->generation, fn, data};
	const struct cp_str values[] = {cp_str(id), cp_str(number)};
	int error = cp_db_submit(cache->db, &cp_campaign_cache_statements[0], &tenant, values, on_loaded, load);
	if (error != 0) {
		free(load);
		fn(data, error, NULL);
	}
}

void cp_campaign_cache_forget(struct cp_campaign_cache *cache, struct cp_str payload)
{
	++cache->generation;
	if (payload.ptr == NULL) {
		cp_map_free(cache->currents, free_current);
		cache->currents = cp_map_new();
		return;
	}
	struct current *current = cp_map_remove(cache->currents, payload);
	if (current != NULL)
		free_current(current);
}
