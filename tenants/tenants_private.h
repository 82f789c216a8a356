/* What the files of this folder share. */
#ifndef TENANTS_PRIVATE_H
#define TENANTS_PRIVATE_H

#include "base/arena.h"
#include "db/blocking.h"
#include "tenants/registry.h"
#include "tenants/vault.h"

/* Heap bytes of one tenant. */
size_t cp_tenant_memory(const struct cp_tenant *tenant);

/* ---- one refresh of the registry, in steps, whatever connection asks the database (refresh.c) */

struct cp_refresh;

/* No parameter: every tenant's id and revision. */
#define CP_REFRESH_LIST_SQL "select tenant_id, revision from tenant order by tenant_id"

/* $1: ids as an array's text. The columns' order is cp_tenant_parse()'s, the secrets' that of enum cp_tenant_secret. */
#define CP_REFRESH_LOAD_SQL                                                                                                      \
	"select t.tenant_id, t.revision, t.status, t.slug, t.name, t.voice_token, t.account_sid, t.api_key_sid, t.carrier_host," \
	" t.country, t.language, k.wrapped,"                                                                                     \
	" (select sealed from tenant_secret s where s.tenant_id = t.tenant_id and s.name = 'carrier_auth_token'),"               \
	" (select sealed from tenant_secret s where s.tenant_id = t.tenant_id and s.name = 'carrier_api_key_secret'),"           \
	" (select sealed from tenant_secret s where s.tenant_id = t.tenant_id and s.name = 'phone_hash_key'),"                   \
	" (select string_agg(h.host, ' ' order by h.host) from tenant_host h where h.tenant_id = t.tenant_id),"                  \
	" (select string_agg(n.number, ' ' order by n.number) from tenant_number n where n.tenant_id = t.tenant_id)"             \
	" from tenant t left join tenant_key k on k.tenant_id = t.tenant_id"                                                     \
	" where t.tenant_id = any($1::bigint[]) order by t.tenant_id"

/* A tenant of a row of the load; arena is scratch. CP_E_BUG where it does not make sense. */
int cp_tenant_parse(const struct cp_db_result *result, int row, struct cp_arena *arena, const struct cp_tenant **ret_tenant);

/* What is known is compared with; takes over the reference. */
struct cp_refresh *cp_refresh_new(struct cp_registry_snapshot *known);
struct cp_refresh *cp_refresh_free(struct cp_refresh *refresh);
/* Result of the list: what did not change is taken from what is known. */
void cp_refresh_take_list(struct cp_refresh *refresh, const struct cp_db_result *result);
/* The next $1 of the load, borrowed until the next call; absent where everything is loaded. */
struct cp_str cp_refresh_next(struct cp_refresh *refresh);
/* Result of the load. CP_E_BUG where a row does not make sense. */
int cp_refresh_take_rows(struct cp_refresh *refresh, const struct cp_db_result *result);
/* Publishes what was found, where anything differs. vault (may be NULL) forgets tenants that are gone. */
void cp_refresh_publish(struct cp_refresh *refresh, struct cp_registry *registry, struct cp_vault *vault);

/* ---- transactions (admin.c) */

/* Commits where error is 0, else undoes; keeps the first message. */
int cp_end_transaction(struct cp_db_blocking *db, int error);

#endif
