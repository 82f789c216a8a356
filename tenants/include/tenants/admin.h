/*
 * Making, changing and destroying organizations, over a blocking connection of the operator's role: what `callpower tenant` does.
 * Messages are sentences for the operator; CP_E_INPUT names what is malformed, CP_E_CONFLICT what is taken, CP_E_NOTFOUND what is
 * not there. Each function is one transaction unless it says otherwise. One thread.
 */
#ifndef TENANTS_ADMIN_H
#define TENANTS_ADMIN_H

#include "db/blocking.h"
#include "tenants/registry.h"
#include "tenants/vault.h"

/* A new organization, or changes to one. Text that is absent (ptr NULL) is left at its default, or as it is. */
struct cp_tenant_draft {
	struct cp_str slug, name;
	struct cp_str account_sid, api_key_sid, carrier_host;
	struct cp_str country, language;
	struct cp_str auth_token, api_key_secret; /* in clear: the caller wipes them */
	const struct cp_str *hosts;               /* normalized */
	size_t host_count;
	const struct cp_str *numbers; /* E.164 */
	size_t number_count;
};

/* Slug, name, account SID and auth token are required. base_domain (may be absent): hosts must not lie within it. */
int cp_tenant_create(struct cp_db_blocking *db, struct cp_vault *vault, const struct cp_tenant_draft *draft,
                     struct cp_str base_domain, struct cp_tenant_id *ret_id);
/* The caller's reference. */
int cp_tenant_find(struct cp_db_blocking *db, struct cp_str slug, const struct cp_tenant **ret_tenant);

/* CLOSING is not set by hand (see cp_tenant_destroy), and nothing leads out of it. */
int cp_tenant_set_status(struct cp_db_blocking *db, struct cp_str slug, enum cp_tenant_status status);
/* Of changes: account_sid, auth_token, api_key_sid with api_key_secret, carrier_host. drop_api_key removes the API key. */
int cp_tenant_set_credentials(struct cp_db_blocking *db, struct cp_vault *vault, struct cp_str slug,
                              const struct cp_tenant_draft *changes, bool drop_api_key);
int cp_tenant_add_number(struct cp_db_blocking *db, struct cp_str slug, struct cp_str number);
int cp_tenant_remove_number(struct cp_db_blocking *db, struct cp_str slug, struct cp_str number);
int cp_tenant_add_host(struct cp_db_blocking *db, struct cp_str slug, struct cp_str host, struct cp_str base_domain);
int cp_tenant_remove_host(struct cp_db_blocking *db, struct cp_str slug, struct cp_str host);

/*
 * Wraps every data key with the first master key, each in a transaction of its own. It goes on after a key that cannot be opened,
 * and fails at the end with the first such reason. *ret_rewrapped counts those that were changed (set on failure too).
 */
int cp_tenants_rewrap(struct cp_db_blocking *db, struct cp_vault *vault, size_t *ret_rewrapped);

/*
 * Erasure. First, in one transaction: the data key, secrets, hosts and numbers are deleted and the receipt is written; from then
 * on what was sealed is unreadable. Then the organization's rows are deleted from every table, and last its own. Interrupted, it
 * is begun again with the same call. *ret_statement: what may be told to the organization, in arena.
 */
struct cp_arena;
int cp_tenant_destroy(struct cp_db_blocking *db, struct cp_str slug, struct cp_arena *arena, struct cp_str *ret_statement);

#endif
