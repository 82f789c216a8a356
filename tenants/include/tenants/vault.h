/*
 * Secrets of organizations, and what is personal of their supporters.
 *
 * Each tenant has a data key, wrapped (sealed) by the platform's master key; everything else of the tenant is sealed under its
 * data key, with where it belongs (tenant|table|column|row) as associated data. Destroying the wrapped key makes all of it
 * unreadable. Opened keys and secrets are kept in one slab (crypto/slab.h) of limited size for all threads: one limit on what
 * stands in clear, one place to forget a tenant, and one opening for all threads instead of one each. Any thread.
 */
#ifndef TENANTS_VAULT_H
#define TENANTS_VAULT_H

#include "crypto/hash.h"
#include "crypto/keyring.h"
#include "crypto/seal.h"
#include "crypto/slab.h"
#include "tenants/registry.h"

struct cp_vault;

enum {
	CP_VAULT_DEFAULT_SECRETS = 1024, /* an active tenant takes three places: data key, auth token, phone hash key */
	CP_VAULT_KEY_SIZE = 32,
	CP_VAULT_WRAPPED_SIZE = CP_VAULT_KEY_SIZE + CP_SEAL_OVERHEAD,
	CP_VAULT_OVERHEAD = CP_SEAL_OVERHEAD,
	CP_VAULT_MAX_SECRET = 128, /* bytes of one secret of tenant_secret */
	CP_VAULT_MAX_ROW = 100,    /* bytes of a row's id as text */
};

/* Takes over keyring. max_secrets: places for opened keys and secrets. CP_E_SYSTEM. */
int cp_vault_new(struct cp_keyring *keyring, size_t max_secrets, struct cp_vault **ret_vault);
/* Nothing may be on loan. Accepts NULL; returns NULL. */
struct cp_vault *cp_vault_free(struct cp_vault *vault);
void cp_vault_free_ptr(struct cp_vault **vault); /* for CP_CLEANUP */
/* False where opened secrets could reach swap: worth one warning at start. */
bool cp_vault_is_locked(const struct cp_vault *vault);

/* ---- secrets of the tenant itself */

/*
 * Lends an opened secret until cp_slab_release(ret_secret), which must follow within the same callback. CP_E_NOTFOUND where the
 * tenant has none, or its master key is missing; CP_E_DENIED where the sealed bytes are not authentic; CP_E_LIMIT where all
 * places are on loan.
 */
int cp_vault_secret(struct cp_vault *vault, const struct cp_tenant *tenant, enum cp_tenant_secret which,
                    struct cp_secret *ret_secret);
/* The key of the tenant's webhook signatures. */
int cp_vault_auth_token(struct cp_vault *vault, const struct cp_tenant *tenant, struct cp_secret *ret_secret);
/* User name and password for the carrier's REST API: the API key where the tenant has one, else account and auth token. */
int cp_vault_carrier_login(struct cp_vault *vault, const struct cp_tenant *tenant, struct cp_str *ret_user,
                           struct cp_secret *ret_password);

/* ---- sealed columns of the tenant's tables */

/* Where sealed bytes belong. table and column are static names; row is the row's id as text, at most CP_VAULT_MAX_ROW bytes. */
struct cp_vault_place {
	const char *table, *column;
	struct cp_str row;
};

/* out has plain.len + CP_VAULT_OVERHEAD bytes. Errors as cp_vault_secret(). */
int cp_vault_seal(struct cp_vault *vault, const struct cp_tenant *tenant, const struct cp_vault_place *place, struct cp_str plain,
                  void *out);
/*
 * Opens into the caller's out of size bytes, who wipes it after use (cp_wipe). CP_E_DENIED where sealed is not authentic, or
 * belongs to another tenant, table, column or row; CP_E_INPUT where it has not the form or is larger than size.
 */
int cp_vault_open(struct cp_vault *vault, const struct cp_tenant *tenant, const struct cp_vault_place *place,
                  struct cp_str sealed, void *out, size_t size, size_t *ret_len);
/* What look-ups of a supporter's number compare: a hash of its E.164 form under the tenant's own key. */
int cp_vault_phone_hash(struct cp_vault *vault, const struct cp_tenant *tenant, struct cp_str e164,
                        unsigned char out[CP_HASH_SIZE]);

/* ---- for commands that make and change tenants */

/* A new data key, wrapped for the tenant. */
void cp_vault_new_data_key(struct cp_vault *vault, struct cp_tenant_id tenant, unsigned char out[CP_VAULT_WRAPPED_SIZE]);
/* The same data key, wrapped by the first master key. What was sealed under it stays as it is. */
int cp_vault_rewrap(struct cp_vault *vault, const struct cp_tenant *tenant, unsigned char out[CP_VAULT_WRAPPED_SIZE]);
/* True where the first master key wraps the tenant's data key. */
bool cp_vault_is_current(const struct cp_vault *vault, const struct cp_tenant *tenant);
/* Seals a secret of at most CP_VAULT_MAX_SECRET bytes for tenant_secret.sealed; out has plain.len + CP_VAULT_OVERHEAD bytes. */
int cp_vault_seal_secret(struct cp_vault *vault, const struct cp_tenant *tenant, enum cp_tenant_secret which, struct cp_str plain,
                         void *out);
/* Wipes what is opened of a tenant. The feed calls it for tenants that are gone. */
void cp_vault_forget(struct cp_vault *vault, struct cp_tenant_id tenant);

#endif
