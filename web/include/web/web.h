/*
 * What speaks HTTP to people and programs: the routes, and what a thread's handlers work with.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "call/session.h"
#include "campaign/cache.h"
#include "fetch/fetch.h"
#include "http/http.h"
#include "provider/countries.h"
#include "provider/loader.h"
#include "tenants/registry.h"
#include "telephony/carrier.h"
#include "tenants/vault.h"

/* From the operator's settings; the same for all threads. Texts are NUL-terminated and outlive the server. */
struct cp_web_settings {
	const char *public_url;  /* without a slash at its end: what webhooks' addresses begin with */
	const char *carrier_url; /* the carrier sandbox's, for all tenants; NULL: each tenant's own carrier host */
	unsigned carrier_timeout_ms;
	unsigned ring_timeout_s;
	unsigned call_limit_s;
};

/* One a thread; everything in it is borrowed. It is the data of every route. */
struct cp_web {
	const struct cp_web_settings *settings;
	struct cp_loop *loop;
	struct cp_db *db; /* tenant scope */
	struct cp_fetcher *fetcher;
	struct cp_campaign_cache *campaigns;
	struct cp_registry_reader *registry;
	const _Atomic bool *tenants_loaded; /* false until the registry was read for the first time: nobody can be told apart before */
	struct cp_vault *vault;
	const struct cp_providers *providers;
	struct cp_countries *countries;
	struct cp_log_budget refusals; /* lines about webhooks that are not authentic */
};

extern const struct cp_http_route cp_web_routes[];
extern const size_t cp_web_route_count;

/* The carrier's account of a tenant, with its password in clear: to be wiped by cp_web_account_wipe() in the same callback. */
struct cp_web_account {
	struct cp_carrier_account account;
	char password[CP_VAULT_MAX_SECRET + 1];
};
/* Texts are the arena's. Errors as cp_vault_secret(). */
int cp_web_account_open(const struct cp_web *web, const struct cp_tenant *tenant, struct cp_arena *arena, struct cp_web_account *ret_account);
void cp_web_account_wipe(struct cp_web_account *account);

#endif
