#include "tenants/admin.h"
#include "base/arena.h"
#include "base/memory.h"
#include "base/random.h"
#include "crypto/secret.h"
#include "crypto/token.h"
#include "tenants/feed.h"
#include "tenants/hosts.h"
#include "tenants_private.h"

#include <stdio.h>

enum { MAX_NAME = 200, MIN_TOKEN = 8 };

/* ---- what an operator may write */

static bool is_sid(struct cp_str sid, const char *prefix)
{
	if (sid.len != 34 || !cp_str_starts(sid, cp_str(prefix)))
		return false;
	for (size_t i = 2; i < sid.len; ++i)
		if (!((sid.ptr[i] >= '0' && sid.ptr[i] <= '9') || (sid.ptr[i] >= 'a' && sid.ptr[i] <= 'f')))
			return false;
	return true;
}

static int check_sids(const struct cp_tenant_draft *draft)
{
	if (draft->account_sid.ptr != NULL && !is_sid(draft->account_sid, "AC"))
		return cp_fail(CP_E_INPUT, "\"%.*s\" is not an account SID: AC and 32 digits of 0-9 a-f are expected",
		               CP_STR_ARG(draft->account_sid));
	if (draft->api_key_sid.ptr != NULL && !is_sid(draft->api_key_sid, "SK"))
		return cp_fail(CP_E_INPUT, "\"%.*s\" is not an API key SID: SK and 32 digits of 0-9 a-f are expected",
		               CP_STR_ARG(draft->api_key_sid));
	if ((draft->api_key_sid.ptr != NULL) != (draft->api_key_secret.ptr != NULL))
		return cp_fail(CP_E_INPUT, "an API key needs both its SID and its secret");
	return 0;
}

/* The secret itself never stands in a message. */
static int check_secret(struct cp_str secret, const char *what)
{
	if (secret.ptr == NULL)
		return 0;
	if (secret.len < MIN_TOKEN || secret.len > CP_VAULT_MAX_SECRET)
		return cp_fail(CP_E_INPUT, "the %s has %zu characters; %d to %d are expected", what, secret.len, MIN_TOKEN,
		               CP_VAULT_MAX_SECRET);
	for (size_t i = 0; i < secret.len; ++i)
		if (secret.ptr[i] <= ' ' || secret.ptr[i] > '~')
			return cp_fail(CP_E_INPUT,
			               "the %s has a character that none has (a space, a line's end, a letter with an accent?)",
			               what);
	if (is_sid(secret, "AC") || is_sid(secret, "SK"))
		return cp_fail(CP_E_INPUT, "the %s is a SID: the name of an account or key, not its secret", what);
	return 0;
}

static int check_carrier_host(struct cp_str host)
{
	if (host.ptr == NULL)
		return 0;
	CP_CLEANUP(cp_buf_free) struct cp_buf known = {0};
	for (const char *const *one = cp_carrier_hosts; *one != NULL; ++one) {
		if (cp_str_eq(host, cp_str(*one)))
			return 0;
		cp_buf_printf(&known, "%s%s", known.len == 0 ? "" : ", ", *one);
	}
	return cp_fail(CP_E_INPUT, "\"%.*s\" is no known carrier host; it is one of %s", CP_STR_ARG(host), known.ptr);
}

static int check_number(struct cp_str number)
{
	bool right = number.len >= 8 && number.len <= 16 && number.ptr[0] == '+' && number.ptr[1] != '0';
	for (size_t i = 1; right && i < number.len; ++i)
		right = number.ptr[i] >= '0' && number.ptr[i] <= '9';
	return right ? 0
	             : cp_fail(CP_E_INPUT, "\"%.*s\" is not a number in international form, as in +14155550123",
	                       CP_STR_ARG(number));
}

static int check_host(struct cp_str host, struct cp_str base_domain)
{
	if (cp_custom_host_is_valid(host, base_domain))
		return 0;
	return cp_fail(
	    CP_E_INPUT,
	    "\"%.*s\" is not a domain that an organization can bring: a lower-case host name with a dot, outside of the "
	    "platform's own domain, is expected",
	    CP_STR_ARG(host));
}

static int check_draft(const struct cp_tenant_draft *draft, struct cp_str base_domain)
{
	if (!cp_slug_is_valid(draft->slug))
		return cp_fail(CP_E_INPUT,
		               "\"%.*s\" cannot be an organization's slug: 1 to %d characters of a-z, 0-9 and inner hyphens are "
		               "expected, and "
		               "none of the platform's own words",
		               CP_STR_ARG(draft->slug), CP_SLUG_MAX);
	if (cp_str_trim(draft->name).len == 0 || draft->name.len > MAX_NAME || !cp_str_is_utf8(draft->name))
		return cp_fail(CP_E_INPUT, "an organization's name is UTF-8 text of 1 to %d bytes", MAX_NAME);
	if (draft->account_sid.ptr == NULL || draft->auth_token.ptr == NULL)
		return cp_fail(CP_E_INPUT, "an organization needs the SID and the auth token of its carrier account");
	int error = check_sids(draft);
	if (error == 0)
		error = check_secret(draft->auth_token, "auth token");
	if (error == 0)
		error = check_secret(draft->api_key_secret, "API key's secret");
	if (error == 0)
		error = check_carrier_host(draft->carrier_host);
	for (size_t i = 0; error == 0 && i < draft->host_count; ++i)
		error = check_host(draft->hosts[i], base_domain);
	for (size_t i = 0; error == 0 && i < draft->number_count; ++i)
		error = check_number(draft->numbers[i]);
	return error;
}

/* ---- transactions */

int cp_end_transaction(struct cp_db_blocking *db, int error)
{
	if (error == 0)
		return cp_db_blocking_script(db, "commit");
	CP_CLEANUP(cp_free_ptr) char *message = cp_strdup(cp_error_message());
	cp_db_blocking_script(db, "rollback"); /* where it fails, the connection is gone, and with it the transaction */
	return cp_fail(error, "%s", message);
}

/* PostgreSQL's sentence about a constraint in words that help. */
static int explain(int error, struct cp_str subject)
{
	static const struct {
		const char *constraint, *sentence;
	} sentences[] = {
	    {"tenant_slug_unique", "the slug \"%.*s\" is taken by another organization"},
	    {"tenant_host_unique", "the host \"%.*s\" belongs to an organization already"},
	    {"tenant_host_pkey", "the host \"%.*s\" belongs to this organization already"},
	    {"tenant_number_pkey", "the number %.*s is the organization's already"},
	    {"tenant_country_form", "the country is two capital letters, as in US (ISO 3166-1)"},
	    {"tenant_language_form", "the language is a code, as in en or es-MX (BCP 47)"},
	};
	for (size_t i = 0; error != 0 && i < CP_COUNT(sentences); ++i)
		if (strstr(cp_error_message(), sentences[i].constraint) != NULL)
			return cp_fail(strstr(sentences[i].constraint, "_form") != NULL ? CP_E_INPUT : CP_E_CONFLICT,
			               sentences[i].sentence, CP_STR_ARG(subject));
	return error;
}

static struct cp_str id_text(struct cp_tenant_id id, char out[24])
{
	return cp_str_n(out, (size_t)snprintf(out, 24, "%lld", (long long)id.value));
}

/* ---- finding */

/* lock keeps it from being changed by others until the transaction ends. */
static int find(struct cp_db_blocking *db, struct cp_str slug, bool lock, const struct cp_tenant **ret_tenant)
{
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *found = NULL;
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *rows = NULL;
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	int error = cp_db_blocking_run(db,
	                               lock ? "select array[tenant_id] from tenant where slug = $1 for update"
	                                    : "select array[tenant_id] from tenant where slug = $1",
	                               &slug, 1, &found);
	if (error != 0)
		return error;
	if (cp_db_rows(found) == 0)
		return cp_fail(CP_E_NOTFOUND, "there is no organization \"%.*s\"; `callpower tenant list` shows all",
		               CP_STR_ARG(slug));
	struct cp_str id = cp_db_value(found, 0, 0);
	error = cp_db_blocking_run(db, CP_REFRESH_LOAD_SQL, &id, 1, &rows);
	if (error != 0)
		return error;
	if (cp_db_rows(rows) == 0)
		return cp_fail(CP_E_NOTFOUND, "the organization \"%.*s\" has just been deleted", CP_STR_ARG(slug));
	return cp_tenant_parse(rows, 0, arena, ret_tenant);
}

int cp_tenant_find(struct cp_db_blocking *db, struct cp_str slug, const struct cp_tenant **ret_tenant)
{
	return find(db, slug, false, ret_tenant);
}

/* Begins a transaction with the organization locked. Ended by end_change(). */
static int begin_change(struct cp_db_blocking *db, struct cp_str slug, const struct cp_tenant **ret_tenant)
{
	int error = cp_db_blocking_script(db, "begin");
	if (error != 0)
		return error;
	error = find(db, slug, true, ret_tenant);
	return error == 0 ? 0 : cp_end_transaction(db, error);
}

static int end_change(struct cp_db_blocking *db, const struct cp_tenant *tenant, int error)
{
	cp_tenant_unref(tenant);
	return cp_end_transaction(db, error);
}

static int refuse_closing(const struct cp_tenant *tenant)
{
	if (tenant->status != CP_TENANT_CLOSING)
		return 0;
	return cp_fail(CP_E_CONFLICT, "the organization \"%.*s\" is being destroyed; nothing can be changed in it",
	               CP_STR_ARG(tenant->slug));
}

/* ---- making */

static int insert_tenant(struct cp_db_blocking *db, const struct cp_tenant_draft *draft, struct cp_tenant_id *ret_id)
{
	char token[CP_TOKEN_SIZE];
	cp_token_new(token);
	const struct cp_str values[] = {draft->slug,        draft->name,         cp_str(token),  draft->account_sid,
	                                draft->api_key_sid, draft->carrier_host, draft->country, draft->language};
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	int error = cp_db_blocking_run(
	    db,
	    "insert into tenant (slug, name, voice_token, account_sid, api_key_sid, carrier_host, country, language)"
	    " values ($1, $2, $3, $4, $5, coalesce($6, 'api.twilio.com'), coalesce($7, 'US'), coalesce($8, 'en'))"
	    " returning tenant_id",
	    values, CP_COUNT(values), &result);
	if (error == 0)
		ret_id->value = cp_db_integer(result, 0, 0);
	return explain(error, draft->slug);
}

/* tenant: its id, slug and wrapped key at least. */
static int put_secret(struct cp_db_blocking *db, struct cp_vault *vault, const struct cp_tenant *tenant,
                      enum cp_tenant_secret which, struct cp_str plain)
{
	char sealed[CP_VAULT_MAX_SECRET + CP_VAULT_OVERHEAD], id[24];
	int error = cp_vault_seal_secret(vault, tenant, which, plain, sealed);
	if (error != 0)
		return error;
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	const struct cp_str values[] = {id_text(tenant->id, id), cp_str(cp_tenant_secret_name(which)),
	                                cp_db_bytea(arena, cp_str_n(sealed, plain.len + CP_VAULT_OVERHEAD))};
	return cp_db_blocking_run(db,
	                          "insert into tenant_secret (tenant_id, name, sealed) values ($1::bigint, $2, $3::bytea)"
	                          " on conflict (tenant_id, name) do update set sealed = excluded.sealed, updated_at = app_now()",
	                          values, CP_COUNT(values), NULL);
}

static int put_key(struct cp_db_blocking *db, struct cp_vault *vault, struct cp_tenant *tenant,
                   unsigned char wrapped[CP_VAULT_WRAPPED_SIZE])
{
	char id[24];
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	cp_vault_new_data_key(vault, tenant->id, wrapped);
	tenant->wrapped_key = cp_str_n((const char *)wrapped, CP_VAULT_WRAPPED_SIZE);
	const struct cp_str values[] = {id_text(tenant->id, id), cp_db_bytea(arena, tenant->wrapped_key)};
	return cp_db_blocking_run(db, "insert into tenant_key (tenant_id, wrapped) values ($1::bigint, $2::bytea)", values,
	                          CP_COUNT(values), NULL);
}

static int insert_number(struct cp_db_blocking *db, struct cp_tenant_id tenant, struct cp_str number)
{
	char id[24];
	const struct cp_str values[] = {id_text(tenant, id), number};
	return explain(cp_db_blocking_run(db, "insert into tenant_number (tenant_id, number) values ($1::bigint, $2)", values,
	                                  CP_COUNT(values), NULL),
	               number);
}

static int insert_host(struct cp_db_blocking *db, struct cp_tenant_id tenant, struct cp_str host)
{
	char id[24];
	const struct cp_str values[] = {id_text(tenant, id), host};
	return explain(cp_db_blocking_run(db, "insert into tenant_host (tenant_id, host) values ($1::bigint, $2)", values,
	                                  CP_COUNT(values), NULL),
	               host);
}

static int insert_secrets(struct cp_db_blocking *db, struct cp_vault *vault, const struct cp_tenant *tenant,
                          const struct cp_tenant_draft *draft)
{
	unsigned char phone_hash_key[CP_HASH_KEY_SIZE];
	int error = put_secret(db, vault, tenant, CP_TENANT_AUTH_TOKEN, draft->auth_token);
	if (error == 0 && draft->api_key_secret.ptr != NULL)
		error = put_secret(db, vault, tenant, CP_TENANT_API_KEY_SECRET, draft->api_key_secret);
	if (error != 0)
		return error;
	cp_random_bytes(phone_hash_key, sizeof(phone_hash_key));
	error = put_secret(db, vault, tenant, CP_TENANT_PHONE_HASH_KEY,
	                   cp_str_n((const char *)phone_hash_key, sizeof(phone_hash_key)));
	cp_wipe(phone_hash_key, sizeof(phone_hash_key));
	return error;
}

static int create_within(struct cp_db_blocking *db, struct cp_vault *vault, const struct cp_tenant_draft *draft,
                         struct cp_tenant_id *ret_id)
{
	unsigned char wrapped[CP_VAULT_WRAPPED_SIZE];
	struct cp_tenant tenant = {.slug = draft->slug};
	int error = insert_tenant(db, draft, &tenant.id);
	if (error == 0)
		error = put_key(db, vault, &tenant, wrapped);
	if (error == 0)
		error = insert_secrets(db, vault, &tenant, draft);
	for (size_t i = 0; error == 0 && i < draft->host_count; ++i)
		error = insert_host(db, tenant.id, draft->hosts[i]);
	for (size_t i = 0; error == 0 && i < draft->number_count; ++i)
		error = insert_number(db, tenant.id, draft->numbers[i]);
	if (error == 0)
		*ret_id = tenant.id;
	return error;
}

int cp_tenant_create(struct cp_db_blocking *db, struct cp_vault *vault, const struct cp_tenant_draft *draft,
                     struct cp_str base_domain, struct cp_tenant_id *ret_id)
{
	struct cp_tenant_id id;
	int error = check_draft(draft, base_domain);
	if (error == 0)
		error = cp_db_blocking_script(db, "begin");
	if (error != 0)
		return error;
	error = cp_end_transaction(db, create_within(db, vault, draft, &id));
	if (error == 0)
		*ret_id = id;
	return error;
}

/* ---- changing */

int cp_tenant_set_status(struct cp_db_blocking *db, struct cp_str slug, enum cp_tenant_status status)
{
	const struct cp_tenant *tenant;
	int error = begin_change(db, slug, &tenant);
	if (error != 0)
		return error;
	error = refuse_closing(tenant);
	if (error == 0) {
		char id[24];
		const struct cp_str values[] = {id_text(tenant->id, id), cp_str(cp_tenant_status_word(status))};
		error = cp_db_blocking_run(db, "update tenant set status = $2 where tenant_id = $1::bigint and status <> $2",
		                           values, CP_COUNT(values), NULL);
	}
	return end_change(db, tenant, error);
}

static int change_credentials(struct cp_db_blocking *db, struct cp_vault *vault, const struct cp_tenant *tenant,
                              const struct cp_tenant_draft *changes, bool drop_api_key)
{
	char id[24];
	const struct cp_str values[] = {id_text(tenant->id, id), changes->account_sid, changes->api_key_sid,
	                                changes->carrier_host, drop_api_key ? CP_STR("yes") : CP_STR("no")};
	int error = cp_db_blocking_run(db,
	                               "update tenant set account_sid = coalesce($2, account_sid),"
	                               " api_key_sid = case when $5::boolean then null else coalesce($3, api_key_sid) end,"
	                               " carrier_host = coalesce($4, carrier_host) where tenant_id = $1::bigint",
	                               values, CP_COUNT(values), NULL);
	if (error == 0 && drop_api_key)
		error = cp_db_blocking_run(
		    db, "delete from tenant_secret where tenant_id = $1::bigint and name = 'carrier_api_key_secret'", values, 1,
		    NULL);
	if (error == 0 && changes->auth_token.ptr != NULL)
		error = put_secret(db, vault, tenant, CP_TENANT_AUTH_TOKEN, changes->auth_token);
	if (error == 0 && changes->api_key_secret.ptr != NULL)
		error = put_secret(db, vault, tenant, CP_TENANT_API_KEY_SECRET, changes->api_key_secret);
	return error;
}

int cp_tenant_set_credentials(struct cp_db_blocking *db, struct cp_vault *vault, struct cp_str slug,
                              const struct cp_tenant_draft *changes, bool drop_api_key)
{
	const struct cp_tenant *tenant;
	int error = check_sids(changes);
	if (error == 0)
		error = check_secret(changes->auth_token, "auth token");
	if (error == 0)
		error = check_secret(changes->api_key_secret, "API key's secret");
	if (error == 0)
		error = check_carrier_host(changes->carrier_host);
	if (error == 0)
		error = begin_change(db, slug, &tenant);
	if (error != 0)
		return error;
	/* Another account's token is another one: half a change would lock the organization out. */
	if (changes->account_sid.ptr != NULL && changes->auth_token.ptr == NULL &&
	    !cp_str_eq(changes->account_sid, tenant->account_sid))
		error = cp_fail(CP_E_INPUT, "another account has another auth token: give both");
	if (error == 0)
		error = refuse_closing(tenant);
	if (error == 0)
		error = change_credentials(db, vault, tenant, changes, drop_api_key);
	return end_change(db, tenant, error);
}

static int add_part(struct cp_db_blocking *db, struct cp_str slug, struct cp_str value,
                    int (*insert)(struct cp_db_blocking *db, struct cp_tenant_id tenant, struct cp_str value))
{
	const struct cp_tenant *tenant;
	int error = begin_change(db, slug, &tenant);
	if (error != 0)
		return error;
	error = refuse_closing(tenant);
	if (error == 0)
		error = insert(db, tenant->id, value);
	return end_change(db, tenant, error);
}

static int remove_part(struct cp_db_blocking *db, struct cp_str slug, struct cp_str value, const char *sql, const char *what)
{
	const struct cp_tenant *tenant;
	int error = begin_change(db, slug, &tenant);
	if (error != 0)
		return error;
	char id[24];
	const struct cp_str values[] = {id_text(tenant->id, id), value};
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	error = cp_db_blocking_run(db, sql, values, CP_COUNT(values), &result);
	if (error == 0 && cp_db_affected(result) == 0)
		error =
		    cp_fail(CP_E_NOTFOUND, "the organization \"%.*s\" has no %s %.*s", CP_STR_ARG(slug), what, CP_STR_ARG(value));
	return end_change(db, tenant, error);
}

int cp_tenant_add_number(struct cp_db_blocking *db, struct cp_str slug, struct cp_str number)
{
	int error = check_number(number);
	return error != 0 ? error : add_part(db, slug, number, insert_number);
}

int cp_tenant_remove_number(struct cp_db_blocking *db, struct cp_str slug, struct cp_str number)
{
	return remove_part(db, slug, number, "delete from tenant_number where tenant_id = $1::bigint and number = $2", "number");
}

int cp_tenant_add_host(struct cp_db_blocking *db, struct cp_str slug, struct cp_str host, struct cp_str base_domain)
{
	int error = check_host(host, base_domain);
	return error != 0 ? error : add_part(db, slug, host, insert_host);
}

int cp_tenant_remove_host(struct cp_db_blocking *db, struct cp_str slug, struct cp_str host)
{
	return remove_part(db, slug, host, "delete from tenant_host where tenant_id = $1::bigint and host = $2", "host");
}

/* ---- rotation */

static int rewrap_one(struct cp_db_blocking *db, struct cp_vault *vault, const struct cp_tenant *tenant)
{
	unsigned char wrapped[CP_VAULT_WRAPPED_SIZE];
	char id[24];
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	int error = cp_vault_rewrap(vault, tenant, wrapped);
	if (error != 0)
		return error;
	/* Only over the key that was read: one that was destroyed meanwhile must not come back. */
	const struct cp_str values[] = {id_text(tenant->id, id),
	                                cp_db_bytea(arena, cp_str_n((const char *)wrapped, sizeof(wrapped))),
	                                cp_db_bytea(arena, tenant->wrapped_key)};
	return cp_db_blocking_run(db,
	                          "update tenant_key set wrapped = $2::bytea, wrapped_at = app_now()"
	                          " where tenant_id = $1::bigint and wrapped = $3::bytea",
	                          values, CP_COUNT(values), NULL);
}

int cp_tenants_rewrap(struct cp_db_blocking *db, struct cp_vault *vault, size_t *ret_rewrapped)
{
	struct cp_registry *registry = cp_registry_new(NULL);
	CP_CLEANUP(cp_free_ptr) char *message = NULL;
	size_t rewrapped = 0, failed = 0;
	int error = cp_registry_refresh_blocking(registry, db), first = 0;
	struct cp_registry_snapshot *all = cp_registry_current(registry);
	for (size_t i = 0; error == 0 && i < cp_registry_count(all); ++i) {
		const struct cp_tenant *tenant = cp_registry_at(all, i);
		if (tenant->wrapped_key.len == 0 || cp_vault_is_current(vault, tenant))
			continue;
		int one = rewrap_one(db, vault, tenant);
		if (one == 0) {
			++rewrapped;
		} else if (failed++ == 0) {
			first = one;
			message = cp_strdup(cp_error_message());
		}
	}
	cp_registry_snapshot_unref(all);
	cp_registry_free(registry);
	*ret_rewrapped = rewrapped;
	return failed == 0 ? error : cp_fail(first, "%zu keys could not be rewrapped; the first: %s", failed, message);
}
