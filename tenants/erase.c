/* The end of an organization. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "tenants/admin.h"
#include "tenants_private.h"

#include <stdlib.h>

/*
 * Tables with rows of tenants, from the catalog: a module that adds one needs to tell nobody. Those of other rights are told, so
 * that a table which the operator may not erase is an error and not a leftover.
 */
static const char tables_sql[] =
    "select format('%I', c.relname), has_table_privilege(c.oid, 'delete') from pg_class c"
    " join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid"
    " where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition and a.attname = 'tenant_id'"
    " and c.relname not in ('tenant', 'tenant_erasure') order by c.relname";

static struct cp_str digest_of(struct cp_arena *arena, struct cp_str bytes)
{
	unsigned char digest[CP_HASH_SIZE];
	cp_sha256(&bytes, 1, digest);
	return cp_db_bytea(arena, cp_arena_str(arena, cp_str_n((const char *)digest, sizeof(digest))));
}

/* The key goes and the receipt comes, together or not at all. Does nothing where that happened before. */
static int destroy_key(struct cp_db_blocking *db, const struct cp_tenant *tenant, struct cp_arena *arena)
{
	if (tenant->wrapped_key.len == 0 && tenant->status == CP_TENANT_CLOSING)
		return 0;
	char now[CP_CLOCK_ISO_SIZE];
	cp_clock_iso(cp_clock_now_us(), now);
	struct cp_str id = cp_arena_printf(arena, "%lld", (long long)tenant->id.value);
	struct cp_str statement = cp_arena_printf(arena,
	                                          "The data key of %.*s (%.*s) was destroyed on %s. What was sealed with it "
	                                          "(carrier credentials, supporters' numbers) cannot be "
	                                          "read any more by anyone. The erasure is complete when the backups made before "
	                                          "that moment, which hold the wrapped key, "
	                                          "have expired or been deleted.",
	                                          CP_STR_ARG(tenant->name), CP_STR_ARG(tenant->slug), now);
	const struct cp_str values[] = {id, tenant->slug, tenant->name, digest_of(arena, tenant->wrapped_key), statement};
	int error = cp_db_blocking_script(db, "begin");
	if (error != 0)
		return error;
	error = cp_db_blocking_run(db,
	                           "insert into tenant_erasure (tenant_id, slug, name, key_digest, statement)"
	                           " values ($1::bigint, $2, $3, $4::bytea, $5) on conflict (tenant_id) do nothing",
	                           values, CP_COUNT(values), NULL);
	static const char *const deletions[] = {
	    "delete from tenant_key where tenant_id = $1::bigint", "delete from tenant_secret where tenant_id = $1::bigint",
	    "delete from tenant_host where tenant_id = $1::bigint", "delete from tenant_number where tenant_id = $1::bigint",
	    "update tenant set status = 'closing' where tenant_id = $1::bigint"};
	for (size_t i = 0; error == 0 && i < CP_COUNT(deletions); ++i)
		error = cp_db_blocking_run(db, deletions[i], &id, 1, NULL);
	return cp_end_transaction(db, error);
}

/* Deletes from one table. CP_E_CONFLICT: rows of another table still refer to it. */
static int erase_table(struct cp_db_blocking *db, struct cp_str table, struct cp_str id)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf sql = {0};
	cp_buf_printf(&sql, "delete from %.*s where tenant_id = $1::bigint", CP_STR_ARG(table));
	return cp_db_blocking_run(db, sql.ptr, &id, 1, NULL);
}

/* Tables refer to each other in an order that the catalog knows; trying until nothing is left finds it as well. */
static int erase_rows(struct cp_db_blocking *db, struct cp_str id)
{
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *tables = NULL;
	int error = cp_db_blocking_run(db, tables_sql, NULL, 0, &tables);
	if (error != 0)
		return error;
	size_t count = (size_t)cp_db_rows(tables), left = count;
	CP_CLEANUP(cp_free_ptr) bool *done = cp_alloc_array(count, sizeof(*done));
	for (size_t before = left + 1; left != 0 && left < before;) {
		before = left;
		for (size_t i = 0; i < count; ++i) {
			struct cp_str table = cp_db_value(tables, (int)i, 0);
			if (done[i])
				continue;
			if (!cp_db_boolean(tables, (int)i, 1))
				return cp_fail(CP_E_DENIED, "the operator's role may not erase rows of the table %.*s",
				               CP_STR_ARG(table));
			int one = erase_table(db, table, id);
			if (one != 0 && one != CP_E_CONFLICT)
				return one;
			done[i] = one == 0;
			left -= one == 0;
		}
	}
	return left == 0 ? 0 : cp_fail_in(CP_E_CONFLICT, "%zu tables could not be erased", left);
}

static int delete_tenant(struct cp_db_blocking *db, struct cp_str id)
{
	int error = cp_db_blocking_script(db, "begin");
	if (error != 0)
		return error;
	error = cp_db_blocking_run(db, "delete from tenant where tenant_id = $1::bigint", &id, 1, NULL);
	if (error == 0)
		error = cp_db_blocking_run(
		    db, "update tenant_erasure set rows_erased_at = app_now() where tenant_id = $1::bigint", &id, 1, NULL);
	return cp_end_transaction(db, error);
}

int cp_tenant_destroy(struct cp_db_blocking *db, struct cp_str slug, struct cp_arena *arena, struct cp_str *ret_statement)
{
	const struct cp_tenant *tenant;
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *receipt = NULL;
	int error = cp_tenant_find(db, slug, &tenant);
	if (error != 0)
		return error;
	struct cp_str id = cp_arena_printf(arena, "%lld", (long long)tenant->id.value);
	error = destroy_key(db, tenant, arena);
	cp_tenant_unref(tenant);
	if (error == 0 && (error = erase_rows(db, id)) == 0)
		error = delete_tenant(db, id);
	if (error == 0)
		error =
		    cp_db_blocking_run(db, "select statement from tenant_erasure where tenant_id = $1::bigint", &id, 1, &receipt);
	if (error == 0)
		*ret_statement = cp_arena_str(arena, cp_db_value(receipt, 0, 0));
	return error;
}
