#include "tenants/vault.h"
#include "base/memory.h"
#include "base/random.h"
#include "crypto/secret.h"

#include <stdio.h>
#include <stdlib.h>

struct cp_vault {
	struct cp_keyring *keyring;
	struct cp_slab *slab;
};

enum {
	DATA_KEY_ID = 1, /* a tenant has one data key; its sealed bytes say so, should there ever be a second */
	/* Kinds of names in the slab: the tenant's secrets by their number, and its data key. */
	KIND_DATA_KEY = 100,
	MAX_SEALED_SECRET = CP_VAULT_MAX_SECRET + CP_SEAL_OVERHEAD,
};
_Static_assert((int)CP_VAULT_MAX_SECRET <= (int)CP_SLAB_SLOT_SIZE && (int)MAX_SEALED_SECRET <= (int)CP_SLAB_MAX_SEALED,
               "a secret fits the slab");

int cp_vault_new(struct cp_keyring *keyring, size_t max_secrets, struct cp_vault **ret_vault)
{
	struct cp_slab *slab;
	int error = cp_slab_new(max_secrets, &slab);
	if (error != 0)
		return error;
	struct cp_vault *vault = cp_alloc(sizeof(*vault));
	vault->keyring = keyring;
	vault->slab = slab;
	*ret_vault = vault;
	return 0;
}

struct cp_vault *cp_vault_free(struct cp_vault *vault)
{
	if (vault == NULL)
		return NULL;
	cp_slab_free(vault->slab);
	cp_keyring_free(vault->keyring);
	free(vault);
	return NULL;
}

void cp_vault_free_ptr(struct cp_vault **vault)
{
	*vault = cp_vault_free(*vault);
}

bool cp_vault_is_locked(const struct cp_vault *vault)
{
	return cp_slab_is_locked(vault->slab);
}

/*
 * "tenant|table|column|row": the associated data. The row comes last and the other parts hold no bar, so no two places give the
 * same text.
 */
static int context_of(struct cp_tenant_id tenant, const struct cp_vault_place *place, char out[CP_SEAL_MAX_CONTEXT],
                      struct cp_str *ret_context)
{
	int len = snprintf(out, CP_SEAL_MAX_CONTEXT, "%lld|%s|%s|%.*s", (long long)tenant.value, place->table, place->column,
	                   CP_STR_ARG(place->row));
	if (place->row.len > CP_VAULT_MAX_ROW || len < 0 || len >= CP_SEAL_MAX_CONTEXT)
		return cp_fail(CP_E_INPUT, "a sealed column's row id of %zu bytes is too long", place->row.len);
	*ret_context = cp_str_n(out, (size_t)len);
	return 0;
}

static struct cp_vault_place place_of_key(void)
{
	return (struct cp_vault_place){"tenant_key", "wrapped", CP_STR("data")};
}

static struct cp_vault_place place_of_secret(enum cp_tenant_secret which)
{
	return (struct cp_vault_place){"tenant_secret", "sealed", cp_str(cp_tenant_secret_name(which))};
}

/* ---- the data key */

/* Opens the wrapped key into key; says whose it is where that fails. */
static int unwrap(const struct cp_vault *vault, const struct cp_tenant *tenant, unsigned char key[CP_VAULT_KEY_SIZE])
{
	char text[CP_SEAL_MAX_CONTEXT];
	struct cp_str context;
	struct cp_vault_place place = place_of_key();
	if (tenant->wrapped_key.len == 0)
		return cp_fail(CP_E_NOTFOUND, "the data key of %.*s is destroyed or was never made", CP_STR_ARG(tenant->slug));
	if (tenant->wrapped_key.len != CP_VAULT_WRAPPED_SIZE)
		return cp_fail(CP_E_DENIED, "the data key of %.*s is damaged", CP_STR_ARG(tenant->slug));
	int error = context_of(tenant->id, &place, text, &context);
	if (error == 0)
		error = cp_keyring_open(vault->keyring, context, tenant->wrapped_key, key);
	return error == 0 ? 0 : cp_fail_in(error, "the data key of %.*s", CP_STR_ARG(tenant->slug));
}

static int data_key(struct cp_vault *vault, const struct cp_tenant *tenant, struct cp_secret *ret_key)
{
	struct cp_slab_name name;
	int error = cp_slab_name_make(vault->slab, (uint64_t)tenant->id.value, KIND_DATA_KEY, tenant->wrapped_key, &name);
	if (error != 0 || cp_slab_get(vault->slab, &name, ret_key))
		return error;
	unsigned char key[CP_VAULT_KEY_SIZE];
	error = unwrap(vault, tenant, key);
	if (error == 0)
		error = cp_slab_put(vault->slab, &name, (uint64_t)tenant->id.value, cp_str_n((const char *)key, sizeof(key)),
		                    ret_key);
	cp_wipe(key, sizeof(key));
	return error;
}

static const unsigned char *key_bytes(const struct cp_secret *key)
{
	return (const unsigned char *)key->bytes.ptr;
}

/* ---- sealed columns */

int cp_vault_seal(struct cp_vault *vault, const struct cp_tenant *tenant, const struct cp_vault_place *place, struct cp_str plain,
                  void *out)
{
	char text[CP_SEAL_MAX_CONTEXT];
	struct cp_str context;
	struct cp_secret key = {0};
	int error = context_of(tenant->id, place, text, &context);
	if (error == 0)
		error = data_key(vault, tenant, &key);
	if (error != 0)
		return error;
	cp_seal(key_bytes(&key), DATA_KEY_ID, context, plain, out);
	cp_slab_release(&key);
	return 0;
}

/* out has sealed.len - CP_SEAL_OVERHEAD bytes. */
static int open_at(struct cp_vault *vault, const struct cp_tenant *tenant, const struct cp_vault_place *place,
                   struct cp_str sealed, void *out)
{
	char text[CP_SEAL_MAX_CONTEXT];
	struct cp_str context;
	struct cp_secret key = {0};
	int error = context_of(tenant->id, place, text, &context);
	if (error == 0)
		error = data_key(vault, tenant, &key);
	if (error != 0)
		return error;
	error = cp_seal_open(key_bytes(&key), context, sealed, out);
	cp_slab_release(&key);
	return error == 0 ? 0 : cp_fail_in(error, "%s.%s of %.*s", place->table, place->column, CP_STR_ARG(tenant->slug));
}

int cp_vault_open(struct cp_vault *vault, const struct cp_tenant *tenant, const struct cp_vault_place *place,
                  struct cp_str sealed, void *out, size_t size, size_t *ret_len)
{
	if (sealed.len < CP_SEAL_OVERHEAD || sealed.len - CP_SEAL_OVERHEAD > size)
		return cp_fail(CP_E_INPUT, "%s.%s of %.*s has %zu bytes, which cannot be right", place->table, place->column,
		               CP_STR_ARG(tenant->slug), sealed.len);
	int error = open_at(vault, tenant, place, sealed, out);
	if (error == 0)
		*ret_len = sealed.len - CP_SEAL_OVERHEAD;
	return error;
}

/* ---- secrets */

int cp_vault_secret(struct cp_vault *vault, const struct cp_tenant *tenant, enum cp_tenant_secret which,
                    struct cp_secret *ret_secret)
{
	struct cp_str sealed = tenant->sealed[which];
	struct cp_slab_name name;
	if (sealed.len == 0)
		return cp_fail(CP_E_NOTFOUND, "%.*s has no %s", CP_STR_ARG(tenant->slug), cp_tenant_secret_name(which));
	if (sealed.len < CP_SEAL_OVERHEAD || sealed.len > MAX_SEALED_SECRET)
		return cp_fail(CP_E_DENIED, "%s of %.*s is damaged", cp_tenant_secret_name(which), CP_STR_ARG(tenant->slug));
	int error = cp_slab_name_make(vault->slab, (uint64_t)tenant->id.value, which, sealed, &name);
	if (error != 0 || cp_slab_get(vault->slab, &name, ret_secret))
		return error;
	char plain[CP_VAULT_MAX_SECRET];
	struct cp_vault_place place = place_of_secret(which);
	error = open_at(vault, tenant, &place, sealed, plain);
	if (error == 0)
		error = cp_slab_put(vault->slab, &name, (uint64_t)tenant->id.value,
		                    cp_str_n(plain, sealed.len - CP_SEAL_OVERHEAD), ret_secret);
	cp_wipe(plain, sizeof(plain));
	return error;
}

int cp_vault_auth_token(struct cp_vault *vault, const struct cp_tenant *tenant, struct cp_secret *ret_secret)
{
	return cp_vault_secret(vault, tenant, CP_TENANT_AUTH_TOKEN, ret_secret);
}

int cp_vault_carrier_login(struct cp_vault *vault, const struct cp_tenant *tenant, struct cp_str *ret_user,
                           struct cp_secret *ret_password)
{
	bool has_key = tenant->api_key_sid.len != 0;
	int error = cp_vault_secret(vault, tenant, has_key ? CP_TENANT_API_KEY_SECRET : CP_TENANT_AUTH_TOKEN, ret_password);
	if (error == 0)
		*ret_user = has_key ? tenant->api_key_sid : tenant->account_sid;
	return error;
}

int cp_vault_phone_hash(struct cp_vault *vault, const struct cp_tenant *tenant, struct cp_str e164,
                        unsigned char out[CP_HASH_SIZE])
{
	struct cp_secret key = {0};
	int error = cp_vault_secret(vault, tenant, CP_TENANT_PHONE_HASH_KEY, &key);
	if (error != 0)
		return error;
	if (key.bytes.len == CP_HASH_KEY_SIZE)
		cp_keyed_hash(key_bytes(&key), &e164, 1, out);
	else
		error = cp_fail(CP_E_DENIED, "the phone hash key of %.*s is damaged", CP_STR_ARG(tenant->slug));
	cp_slab_release(&key);
	return error;
}

/* ---- for commands */

static void wrap(struct cp_vault *vault, struct cp_tenant_id tenant, const unsigned char key[CP_VAULT_KEY_SIZE],
                 unsigned char out[CP_VAULT_WRAPPED_SIZE])
{
	char text[CP_SEAL_MAX_CONTEXT];
	struct cp_str context = CP_STR_NULL;
	struct cp_vault_place place = place_of_key();
	if (context_of(tenant, &place, text, &context) != 0)
		abort(); /* the place is a constant that fits */
	cp_keyring_seal(vault->keyring, context, cp_str_n((const char *)key, CP_VAULT_KEY_SIZE), out);
}

void cp_vault_new_data_key(struct cp_vault *vault, struct cp_tenant_id tenant, unsigned char out[CP_VAULT_WRAPPED_SIZE])
{
	unsigned char key[CP_VAULT_KEY_SIZE];
	cp_random_bytes(key, sizeof(key));
	wrap(vault, tenant, key, out);
	cp_wipe(key, sizeof(key));
}

int cp_vault_rewrap(struct cp_vault *vault, const struct cp_tenant *tenant, unsigned char out[CP_VAULT_WRAPPED_SIZE])
{
	unsigned char key[CP_VAULT_KEY_SIZE];
	int error = unwrap(vault, tenant, key);
	if (error == 0)
		wrap(vault, tenant->id, key, out);
	cp_wipe(key, sizeof(key));
	return error;
}

bool cp_vault_is_current(const struct cp_vault *vault, const struct cp_tenant *tenant)
{
	uint32_t id;
	return cp_seal_key_id(tenant->wrapped_key, &id) == 0 && id == cp_keyring_current_id(vault->keyring);
}

int cp_vault_seal_secret(struct cp_vault *vault, const struct cp_tenant *tenant, enum cp_tenant_secret which, struct cp_str plain,
                         void *out)
{
	struct cp_vault_place place = place_of_secret(which);
	if (plain.len > CP_VAULT_MAX_SECRET)
		return cp_fail(CP_E_INPUT, "a secret has at most %d bytes", CP_VAULT_MAX_SECRET);
	return cp_vault_seal(vault, tenant, &place, plain, out);
}

void cp_vault_forget(struct cp_vault *vault, struct cp_tenant_id tenant)
{
	cp_slab_forget(vault->slab, (uint64_t)tenant.value);
}
