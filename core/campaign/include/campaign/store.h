/*
 * Making and changing campaigns: rare, in transactions, on a blocking connection of the app role. Each function begins and ends its own
 * transaction, bound to the tenant. The database announces the change (NOTIFY callpower_campaign).
 */
#ifndef CAMPAIGN_STORE_H
#define CAMPAIGN_STORE_H

#include "campaign/cache.h"
#include "db/blocking.h"

#define CP_CAMPAIGN_CHANNEL "callpower_campaign"

/* settings: JSON that cp_campaign_settings_parse takes. Starts as a draft. CP_E_CONFLICT where the tenant has the name already. */
int cp_campaign_create(struct cp_db_blocking *connection, struct cp_tenant_id tenant, struct cp_str name, struct cp_str settings,
                       int32_t *ret_campaign_id);
/* A new revision. CP_E_NOTFOUND; CP_E_CONFLICT where the campaign is archived. */
int cp_campaign_edit(struct cp_db_blocking *connection, struct cp_tenant_id tenant, int32_t campaign_id, struct cp_str settings,
                     int32_t *ret_revision);
/*
 * draft -> live; live <-> paused; any -> archived, which is final. CP_E_CONFLICT with a sentence for another change; the same status again
 * is no error.
 */
int cp_campaign_set_status(struct cp_db_blocking *connection, struct cp_tenant_id tenant, int32_t campaign_id, enum cp_campaign_status status);

struct cp_campaign_row {
	int32_t id, revision;
	enum cp_campaign_status status;
	struct cp_str name, settings, updated_at; /* settings: JSON of the current revision */
};
/* campaign_id 0: all, by id. The array and its text are the arena's. CP_E_NOTFOUND where one was asked for and is not there. */
int cp_campaign_list(struct cp_db_blocking *connection, struct cp_tenant_id tenant, int32_t campaign_id, struct cp_arena *arena,
                     struct cp_campaign_row **ret_rows, size_t *ret_count);

#endif
