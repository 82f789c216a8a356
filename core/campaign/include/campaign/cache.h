/*
 * Campaigns at hand: one cache a loop, so that a webhook or a form costs no look-up. Revisions never change; which one is current, and
 * a campaign's status, are forgotten when the database says that the campaign was edited.
 */
#ifndef CAMPAIGN_CACHE_H
#define CAMPAIGN_CACHE_H

#include "campaign/settings.h"
#include "db/db.h"

enum cp_campaign_status { CP_CAMPAIGN_DRAFT, CP_CAMPAIGN_LIVE, CP_CAMPAIGN_PAUSED, CP_CAMPAIGN_ARCHIVED };

const char *cp_campaign_status_word(enum cp_campaign_status status);
int cp_campaign_status_parse(struct cp_str word, enum cp_campaign_status *ret_status);

struct cp_campaign {
	int32_t id;
	int32_t revision;
	enum cp_campaign_status status; /* of the campaign now, whatever the revision */
	struct cp_str name;
	struct cp_campaign_settings *settings; /* borrowed: take a reference to keep it */
};

struct cp_campaign_cache;

/* What the cache runs, for cp_db_new. */
extern const struct cp_db_statement cp_campaign_cache_statements[];

/* Holds at most max_revisions documents; the least recently used go first. */
int cp_campaign_cache_new(struct cp_db *db, size_t max_revisions, struct cp_campaign_cache **ret_cache);
struct cp_campaign_cache *cp_campaign_cache_free(struct cp_campaign_cache *cache);

/*
 * The campaign at its current revision (revision 0) or at a given one. fn is called exactly once: before the function returns where the
 * cache has it, later else. error: CP_E_NOTFOUND, or as cp_db_fn. campaign is valid during the call.
 */
typedef void cp_campaign_fn(void *data, int error, const struct cp_campaign *campaign);
void cp_campaign_cache_get(struct cp_campaign_cache *cache, struct cp_tenant_id tenant, int32_t campaign_id, int32_t revision,
                           cp_campaign_fn *fn, void *data);

/* payload: "tenant/campaign" as NOTIFY callpower_campaign has it; absent: all. */
void cp_campaign_cache_forget(struct cp_campaign_cache *cache, struct cp_str payload);

#endif
