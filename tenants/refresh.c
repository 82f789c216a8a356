#include "base/memory.h"
#include "tenants/feed.h"
#include "tenants/vault.h"
#include "tenants_private.h"

#include <stdlib.h>

/* Tenants a statement loads: its answer stays under about 1 MB, and within the deadline of a shared connection. */
enum { BATCH = 500 };

struct cp_refresh {
	struct cp_registry_snapshot *known;
	const struct cp_tenant **tenants; /* what the new snapshot will hold */
	size_t count, size;
	int64_t *to_load; /* ids */
	size_t to_load_count, to_load_next;
	bool changed;
	struct cp_buf ids;
};

struct cp_refresh *cp_refresh_new(struct cp_registry_snapshot *known)
{
	struct cp_refresh *refresh = cp_alloc(sizeof(*refresh));
	refresh->known = known;
	return refresh;
}

struct cp_refresh *cp_refresh_free(struct cp_refresh *refresh)
{
	if (refresh == NULL)
		return NULL;
	for (size_t i = 0; i < refresh->count; ++i)
		cp_tenant_unref(refresh->tenants[i]);
	free(refresh->tenants);
	free(refresh->to_load);
	cp_buf_free(&refresh->ids);
	cp_registry_snapshot_unref(refresh->known);
	free(refresh);
	return NULL;
}

static void add_tenant(struct cp_refresh *refresh, const struct cp_tenant *tenant)
{
	if (refresh->count == refresh->size) {
		refresh->size = refresh->size * 2 + 16;
		refresh->tenants = cp_realloc(refresh->tenants, refresh->size * sizeof(*refresh->tenants));
	}
	refresh->tenants[refresh->count++] = tenant;
}

void cp_refresh_take_list(struct cp_refresh *refresh, const struct cp_db_result *result)
{
	int rows = cp_db_rows(result);
	refresh->to_load = cp_alloc_array((size_t)rows, sizeof(*refresh->to_load));
	for (int row = 0; row < rows; ++row) {
		struct cp_tenant_id id = {cp_db_integer(result, row, 0)};
		const struct cp_tenant *known = cp_registry_by_id(refresh->known, id);
		if (known != NULL && known->revision == cp_db_integer(result, row, 1))
			add_tenant(refresh, cp_tenant_ref(known));
		else
			refresh->to_load[refresh->to_load_count++] = id.value;
	}
	refresh->changed = refresh->to_load_count != 0 || refresh->count != cp_registry_count(refresh->known);
}

struct cp_str cp_refresh_next(struct cp_refresh *refresh)
{
	if (refresh->to_load_next == refresh->to_load_count)
		return CP_STR_NULL;
	refresh->ids.len = 0;
	cp_buf_add_char(&refresh->ids, '{');
	for (int i = 0; i < BATCH && refresh->to_load_next < refresh->to_load_count; ++i)
		cp_buf_printf(&refresh->ids, "%s%lld", i == 0 ? "" : ",", (long long)refresh->to_load[refresh->to_load_next++]);
	cp_buf_add_char(&refresh->ids, '}');
	return cp_buf_str(&refresh->ids);
}

static int parse_status(struct cp_str word, enum cp_tenant_status *ret_status)
{
	for (int status = CP_TENANT_ACTIVE; status <= CP_TENANT_CLOSING; ++status)
		if (cp_str_eq(word, cp_str(cp_tenant_status_word((enum cp_tenant_status)status)))) {
			*ret_status = (enum cp_tenant_status)status;
			return 0;
		}
	return cp_fail(CP_E_BUG, "a tenant has the unknown status \"%.*s\"", CP_STR_ARG(word));
}

/* Words separated by spaces. */
static size_t parse_list(struct cp_str text, struct cp_arena *arena, const struct cp_str **ret_words)
{
	size_t size = 1, count = 0;
	for (size_t i = 0; i < text.len; ++i)
		size += text.ptr[i] == ' ';
	struct cp_str *words = cp_arena_alloc_array(arena, size, sizeof(*words));
	while (text.len != 0)
		words[count++] = cp_str_split(text, ' ', &text);
	*ret_words = words;
	return count;
}

int cp_tenant_parse(const struct cp_db_result *result, int row, struct cp_arena *arena, const struct cp_tenant **ret_tenant)
{
	struct cp_tenant fields = {
	    .id = {cp_db_integer(result, row, 0)},
	    .revision = cp_db_integer(result, row, 1),
	    .slug = cp_db_value(result, row, 3),
	    .name = cp_db_value(result, row, 4),
	    .voice_token = cp_db_value(result, row, 5),
	    .account_sid = cp_db_value(result, row, 6),
	    .api_key_sid = cp_db_value(result, row, 7),
	    .carrier_host = cp_db_value(result, row, 8),
	    .country = cp_db_value(result, row, 9),
	    .language = cp_db_value(result, row, 10),
	    .wrapped_key = cp_db_bytes(result, row, 11, arena),
	};
	for (int i = 0; i < CP_TENANT_SECRETS; ++i)
		fields.sealed[i] = cp_db_bytes(result, row, 12 + i, arena);
	fields.host_count = parse_list(cp_db_value(result, row, 12 + CP_TENANT_SECRETS), arena, &fields.hosts);
	fields.number_count = parse_list(cp_db_value(result, row, 13 + CP_TENANT_SECRETS), arena, &fields.numbers);
	int error = parse_status(cp_db_value(result, row, 2), &fields.status);
	if (error == 0)
		*ret_tenant = cp_tenant_new(&fields);
	return error;
}

int cp_refresh_take_rows(struct cp_refresh *refresh, const struct cp_db_result *result)
{
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	for (int row = 0; row < cp_db_rows(result); ++row) {
		const struct cp_tenant *tenant;
		int error = cp_tenant_parse(result, row, arena, &tenant);
		if (error != 0)
			return error;
		add_tenant(refresh, tenant);
		cp_arena_reset(arena);
	}
	return 0;
}

static struct cp_registry_snapshot *finish(struct cp_refresh *refresh)
{
	struct cp_registry_snapshot *snapshot =
	    cp_registry_snapshot_new(refresh->tenants, refresh->count, cp_registry_base_domain(refresh->known));
	refresh->count = 0; /* their references are the snapshot's now */
	return snapshot;
}

/* What is opened of a tenant that is gone, or whose data key is, is wiped now and not when its place is needed. */
static void forget_gone(struct cp_vault *vault, const struct cp_registry_snapshot *before, const struct cp_registry_snapshot *now)
{
	if (vault == NULL)
		return;
	for (size_t i = 0; i < cp_registry_count(before); ++i) {
		const struct cp_tenant *known = cp_registry_at(before, i), *current = cp_registry_by_id(now, known->id);
		if (current == NULL || current->wrapped_key.len == 0)
			cp_vault_forget(vault, known->id);
	}
}

void cp_refresh_publish(struct cp_refresh *refresh, struct cp_registry *registry, struct cp_vault *vault)
{
	if (!refresh->changed)
		return;
	struct cp_registry_snapshot *before = cp_registry_current(registry), *now = finish(refresh);
	cp_registry_publish(registry, cp_registry_snapshot_ref(now));
	forget_gone(vault, before, now);
	cp_registry_snapshot_unref(now);
	cp_registry_snapshot_unref(before);
}

int cp_registry_refresh_blocking(struct cp_registry *registry, struct cp_db_blocking *operator_connection)
{
	struct cp_refresh *refresh = cp_refresh_new(cp_registry_current(registry));
	struct cp_db_result *result = NULL;
	int error = cp_db_blocking_run(operator_connection, CP_REFRESH_LIST_SQL, NULL, 0, &result);
	if (error == 0) {
		cp_refresh_take_list(refresh, result);
		result = cp_db_result_free(result);
	}
	for (struct cp_str ids; error == 0 && (ids = cp_refresh_next(refresh)).ptr != NULL;) {
		error = cp_db_blocking_run(operator_connection, CP_REFRESH_LOAD_SQL, &ids, 1, &result);
		if (error == 0) {
			error = cp_refresh_take_rows(refresh, result);
			result = cp_db_result_free(result);
		}
	}
	if (error == 0)
		cp_refresh_publish(refresh, registry, NULL);
	cp_refresh_free(refresh);
	return error;
}
