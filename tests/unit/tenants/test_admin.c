/* Organizations in a real database: made, found, changed, rewrapped, destroyed; and who may see them. */
#include "check.h"
#include "scratch.h"

#include "base/arena.h"
#include "base/memory.h"
#include "db/migrate.h"
#include "sample.h"
#include "tenants/admin.h"
#include "tenants/feed.h"

#include <stdlib.h>

static struct cp_db_blocking *db; /* the operator's */
static struct cp_vault *vault;

static int set_up(void **state)
{
	(void)state;
	int applied;
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *owner = scratch_connect("callpower_owner");
	if (cp_migrate(owner, cp_migrations, cp_migrations_count, NULL, NULL, &applied) != 0) {
		fprintf(stderr, "%s\n", cp_error_message());
		return -1;
	}
	db = scratch_connect("callpower_operator");
	vault = sample_vault(16);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cp_vault_free(vault);
	cp_db_blocking_close(db);
	return 0;
}

static struct cp_tenant_draft draft_of(const char *slug)
{
	return (struct cp_tenant_draft){
	    .slug = cp_str(slug),
	    .name = CP_STR("A Name, \"quoted\" \xc3\xa9"),
	    .account_sid = CP_STR("AC00112233445566778899aabbccddeeff"),
	    .auth_token = CP_STR("c0ffee00112233445566778899aabbcc"),
	};
}

static struct cp_tenant_id create(const char *slug)
{
	struct cp_tenant_draft draft = draft_of(slug);
	struct cp_tenant_id id = {0};
	assert_ok(cp_tenant_create(db, vault, &draft, CP_STR_NULL, &id));
	return id;
}

static const struct cp_tenant *find(const char *slug)
{
	const struct cp_tenant *tenant = NULL;
	assert_ok(cp_tenant_find(db, cp_str(slug), &tenant));
	return tenant;
}

static void expect_token(const struct cp_tenant *tenant, struct cp_vault *with, const char *expected)
{
	struct cp_secret secret = {0};
	assert_ok(cp_vault_auth_token(with, tenant, &secret));
	assert_str(secret.bytes, expected);
	cp_slab_release(&secret);
}

static void test_admin__created_as_drafted(void **state)
{
	(void)state;
	const struct cp_str hosts[] = {CP_STR("calls.one.example"), CP_STR("b.one.example")},
	                    numbers[] = {CP_STR("+14155550101"), CP_STR("+14155550100")};
	struct cp_tenant_draft draft = draft_of("one");
	struct cp_tenant_id id = {0};
	draft.hosts = hosts;
	draft.host_count = CP_COUNT(hosts);
	draft.numbers = numbers;
	draft.number_count = CP_COUNT(numbers);
	draft.api_key_sid = CP_STR("SK00112233445566778899aabbccddeeff");
	draft.api_key_secret = CP_STR("api-key-secret");
	draft.carrier_host = CP_STR("api.dublin.ie1.twilio.com");
	draft.country = CP_STR("CA");
	draft.language = CP_STR("fr-CA");
	assert_ok(cp_tenant_create(db, vault, &draft, CP_STR("callpower.example"), &id));
	const struct cp_tenant *one = find("one");
	assert_int_equal(one->id.value, id.value);
	assert_int_equal(one->status, CP_TENANT_ACTIVE);
	assert_true(cp_str_eq(one->name, draft.name));
	assert_int_equal(one->voice_token.len, 32);
	assert_true(cp_str_eq(one->account_sid, draft.account_sid));
	assert_true(cp_str_eq(one->api_key_sid, draft.api_key_sid));
	assert_true(cp_str_eq(one->carrier_host, draft.carrier_host));
	assert_str(one->country, "CA");
	assert_str(one->language, "fr-CA");
	assert_int_equal(one->host_count, 2);
	assert_str(one->hosts[0], "b.one.example");
	assert_str(one->hosts[1], "calls.one.example");
	assert_int_equal(one->number_count, 2);
	assert_str(one->numbers[0], "+14155550100");
	expect_token(one, vault, "c0ffee00112233445566778899aabbcc");
	struct cp_str user;
	struct cp_secret password = {0};
	assert_ok(cp_vault_carrier_login(vault, one, &user, &password));
	assert_str(password.bytes, "api-key-secret");
	cp_slab_release(&password);
	unsigned char hash[CP_HASH_SIZE];
	assert_ok(cp_vault_phone_hash(vault, one, CP_STR("+14155550123"), hash));
	cp_tenant_unref(one);
	/* Nothing in clear reached the database. */
	assert_string_equal(scratch_value("select count(*) from tenant_secret where position('c0ffee'::bytea in sealed) > 0"),
	                    "0");
}

static void refuse(struct cp_tenant_draft draft, int code, const char *hint)
{
	struct cp_tenant_id id = {-7};
	char before[32];
	snprintf(before, sizeof(before), "%s", scratch_value("select count(*) from tenant"));
	int error = cp_tenant_create(db, vault, &draft, CP_STR("callpower.example"), &id);
	if (error != code || strstr(cp_error_message(), hint) == NULL)
		fail_msg("%s (%s) where %s is expected", cp_error_message(), cp_error_word(error), hint);
	assert_null(strstr(cp_error_message(), "c0ffee"));
	assert_int_equal(id.value, -7);
	assert_string_equal(scratch_value("select count(*) from tenant"), before);
}

static void test_admin__refusals_leave_nothing(void **state)
{
	(void)state;
	const struct cp_str host = CP_STR("calls.taken.example"), number = CP_STR("+14155550102"), twice[] = {number, number};
	struct cp_tenant_draft draft = draft_of("taken");
	struct cp_tenant_id id;
	draft.hosts = &host;
	draft.host_count = 1;
	assert_ok(cp_tenant_create(db, vault, &draft, CP_STR_NULL, &id));

	refuse(draft_of("taken"), CP_E_CONFLICT, "slug \"taken\" is taken");
	refuse(draft_of("Upper"), CP_E_INPUT, "slug");
	refuse(draft_of("www"), CP_E_INPUT, "slug");
	draft.slug = CP_STR("other");
	refuse(draft, CP_E_CONFLICT, "host \"calls.taken.example\"");
	draft.hosts = &CP_STR("x.callpower.example");
	refuse(draft, CP_E_INPUT, "platform's own domain");
	draft = draft_of("other");
	draft.numbers = twice;
	draft.number_count = 2;
	refuse(draft, CP_E_CONFLICT, "number +14155550102");
	draft.numbers = &CP_STR("4155550102");
	draft.number_count = 1;
	refuse(draft, CP_E_INPUT, "international form");
	draft = draft_of("other");
	draft.account_sid = CP_STR("AC0011");
	refuse(draft, CP_E_INPUT, "account SID");
	draft.account_sid = CP_STR_NULL;
	refuse(draft, CP_E_INPUT, "auth token");
	draft = draft_of("other");
	draft.auth_token = draft.account_sid;
	refuse(draft, CP_E_INPUT, "is a SID");
	draft.auth_token = CP_STR("c0ffee c0ffee");
	refuse(draft, CP_E_INPUT, "auth token");
	draft = draft_of("other");
	draft.api_key_sid = CP_STR("SK00112233445566778899aabbccddeeff");
	refuse(draft, CP_E_INPUT, "both its SID and its secret");
	draft = draft_of("other");
	draft.carrier_host = CP_STR("api.evil.example");
	refuse(draft, CP_E_INPUT, "api.dublin.ie1.twilio.com");
	draft = draft_of("other");
	draft.country = CP_STR("usa");
	refuse(draft, CP_E_INPUT, "country");
	draft = draft_of("other");
	draft.name = CP_STR(" \t");
	refuse(draft, CP_E_INPUT, "name");
}

static void test_admin__status_numbers_hosts(void **state)
{
	(void)state;
	create("changing");
	struct cp_str slug = CP_STR("changing"), number = CP_STR("+14155550103"), host = CP_STR("calls.changing.example");
	assert_ok(cp_tenant_set_status(db, slug, CP_TENANT_SUSPENDED));
	assert_ok(cp_tenant_add_number(db, slug, number));
	assert_int_equal(cp_tenant_add_number(db, slug, number), CP_E_CONFLICT);
	assert_ok(cp_tenant_add_host(db, slug, host, CP_STR_NULL));
	assert_int_equal(cp_tenant_add_host(db, slug, host, CP_STR_NULL), CP_E_CONFLICT);
	assert_int_equal(cp_tenant_add_host(db, slug, CP_STR("localhost"), CP_STR_NULL), CP_E_INPUT);
	const struct cp_tenant *changed = find("changing");
	assert_int_equal(changed->status, CP_TENANT_SUSPENDED);
	assert_int_equal(changed->number_count, 1);
	assert_int_equal(changed->host_count, 1);
	cp_tenant_unref(changed);
	assert_ok(cp_tenant_set_status(db, slug, CP_TENANT_ACTIVE));
	assert_ok(cp_tenant_remove_number(db, slug, number));
	assert_int_equal(cp_tenant_remove_number(db, slug, number), CP_E_NOTFOUND);
	assert_ok(cp_tenant_remove_host(db, slug, host));
	assert_int_equal(cp_tenant_set_status(db, CP_STR("nobody"), CP_TENANT_ACTIVE), CP_E_NOTFOUND);
	changed = find("changing");
	assert_int_equal(changed->status, CP_TENANT_ACTIVE);
	assert_int_equal(changed->number_count + changed->host_count, 0);
	cp_tenant_unref(changed);
}

static void test_admin__credentials(void **state)
{
	(void)state;
	create("credit");
	struct cp_str slug = CP_STR("credit");
	struct cp_tenant_draft changes = {.account_sid = CP_STR("AC99112233445566778899aabbccddeeff")};
	assert_int_equal(cp_tenant_set_credentials(db, vault, slug, &changes, false), CP_E_INPUT); /* without its token */
	changes.auth_token = CP_STR("another-token");
	changes.api_key_sid = CP_STR("SK99112233445566778899aabbccddeeff");
	changes.api_key_secret = CP_STR("key-secret");
	assert_ok(cp_tenant_set_credentials(db, vault, slug, &changes, false));
	const struct cp_tenant *now = find("credit");
	assert_true(cp_str_eq(now->account_sid, changes.account_sid));
	assert_true(cp_str_eq(now->api_key_sid, changes.api_key_sid));
	expect_token(now, vault, "another-token");
	cp_tenant_unref(now);
	changes = (struct cp_tenant_draft){.carrier_host = CP_STR("api.sydney.au1.twilio.com")};
	assert_ok(cp_tenant_set_credentials(db, vault, slug, &changes, true));
	now = find("credit");
	assert_int_equal(now->api_key_sid.len, 0);
	assert_int_equal(now->sealed[CP_TENANT_API_KEY_SECRET].len, 0);
	assert_str(now->carrier_host, "api.sydney.au1.twilio.com");
	expect_token(now, vault, "another-token");
	cp_tenant_unref(now);
}

static void test_registry__loads_what_changed(void **state)
{
	(void)state;
	create("stays");
	create("moves");
	create("goes");
	struct cp_registry *registry = cp_registry_new("callpower.example");
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	struct cp_str statement;
	assert_ok(cp_registry_refresh_blocking(registry, db));
	struct cp_registry_snapshot *before = cp_registry_current(registry);
	assert_ok(cp_registry_refresh_blocking(registry, db));
	struct cp_registry_snapshot *same = cp_registry_current(registry);
	assert_ptr_equal(before, same); /* nothing changed, nothing is published */
	assert_ok(cp_tenant_add_number(db, CP_STR("moves"), CP_STR("+14155550104")));
	assert_ok(cp_tenant_destroy(db, CP_STR("goes"), arena, &statement));
	create("comes");
	assert_ok(cp_registry_refresh_blocking(registry, db));
	struct cp_registry_snapshot *after = cp_registry_current(registry);
	const struct cp_tenant *moved = cp_registry_by_slug(after, CP_STR("moves"));
	assert_ptr_equal(cp_registry_by_slug(before, CP_STR("stays")), cp_registry_by_slug(after, CP_STR("stays")));
	assert_ptr_not_equal(cp_registry_by_slug(before, CP_STR("moves")), moved);
	assert_true(moved->revision > cp_registry_by_slug(before, CP_STR("moves"))->revision);
	assert_int_equal(moved->number_count, 1);
	assert_null(cp_registry_by_slug(after, CP_STR("goes")));
	assert_non_null(cp_registry_by_host(after, CP_STR("comes.callpower.example")));
	assert_ptr_equal(cp_registry_by_voice_token(after, moved->voice_token), moved);
	cp_registry_snapshot_unref(before);
	cp_registry_snapshot_unref(same);
	cp_registry_snapshot_unref(after);
	cp_registry_free(registry);
}

static void test_admin__rewrap(void **state)
{
	(void)state;
	create("wrapped");
	struct cp_keyring *keyring;
	struct cp_vault *both, *only_new;
	size_t count = 99;
	static const char new_key[] = "/wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
	assert_ok(cp_keyring_parse(
	    CP_STR("/wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"), "both",
	    &keyring));
	assert_ok(cp_vault_new(keyring, 8, &both));
	assert_ok(cp_keyring_parse(cp_str(new_key), "new", &keyring));
	assert_ok(cp_vault_new(keyring, 8, &only_new));
	/* A keyring without the old key changes nothing and says so. */
	assert_int_equal(cp_tenants_rewrap(db, only_new, &count), CP_E_NOTFOUND);
	assert_int_equal(count, 0);
	assert_non_null(strstr(cp_error_message(), "could not be rewrapped"));
	assert_ok(cp_tenants_rewrap(db, both, &count));
	assert_true(count > 0);
	assert_ok(cp_tenants_rewrap(db, both, &count));
	assert_int_equal(count, 0);
	const struct cp_tenant *tenant = find("wrapped");
	expect_token(tenant, only_new, "c0ffee00112233445566778899aabbcc");
	cp_tenant_unref(tenant);
	/* And back, for the tests that follow. */
	assert_ok(cp_keyring_parse(
	    CP_STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n/wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"), "both",
	    &keyring));
	cp_vault_free(both);
	assert_ok(cp_vault_new(keyring, 8, &both));
	assert_ok(cp_tenants_rewrap(db, both, &count));
	cp_vault_free(both);
	cp_vault_free(only_new);
}

static void test_admin__destroyed_in_every_table(void **state)
{
	(void)state;
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	struct cp_tenant_id id = create("leaving");
	create("staying");
	char sql[1024];
	struct cp_str statement = CP_STR_NULL;
	/* Two tables that a later module could bring; the names sort against the order in which they refer to each other. */
	scratch_script(
	    NULL, "create table a_parent (tenant_id bigint references tenant, n int, primary key (tenant_id, n));"
	          "create table b_child (tenant_id bigint, n int, foreign key (tenant_id, n) references a_parent (tenant_id, n));"
	          "grant select, delete on a_parent to callpower_operator; grant select on b_child to callpower_operator");
	snprintf(sql, sizeof(sql),
	         "insert into a_parent select tenant_id, 1 from tenant where slug in ('leaving', 'staying');"
	         "insert into b_child select tenant_id, 1 from a_parent");
	scratch_script(NULL, sql);

	/* One table may not be erased: the key is destroyed all the same, and the organization stays closing. */
	assert_int_equal(cp_tenant_destroy(db, CP_STR("leaving"), arena, &statement), CP_E_DENIED);
	assert_non_null(strstr(cp_error_message(), "b_child"));
	const struct cp_tenant *closing = find("leaving");
	assert_int_equal(closing->status, CP_TENANT_CLOSING);
	assert_int_equal(closing->wrapped_key.len, 0);
	assert_int_equal(closing->sealed[CP_TENANT_AUTH_TOKEN].len, 0);
	cp_tenant_unref(closing);
	assert_int_equal(cp_tenant_set_status(db, CP_STR("leaving"), CP_TENANT_ACTIVE), CP_E_CONFLICT);
	struct cp_tenant_draft changes = {.auth_token = CP_STR("another-token")};
	assert_int_equal(cp_tenant_set_credentials(db, vault, CP_STR("leaving"), &changes, false), CP_E_CONFLICT);

	scratch_script(NULL, "grant delete on b_child to callpower_operator");
	assert_ok(cp_tenant_destroy(db, CP_STR("leaving"), arena, &statement));
	assert_non_null(memmem(statement.ptr, statement.len, "backups", 7));
	assert_int_equal(cp_tenant_destroy(db, CP_STR("leaving"), arena, &statement), CP_E_NOTFOUND);
	snprintf(sql, sizeof(sql),
	         "select (select count(*) from tenant where tenant_id = %lld) + (select count(*) from tenant_key where tenant_id "
	         "= %lld)"
	         " + (select count(*) from tenant_secret where tenant_id = %lld) + (select count(*) from a_parent where "
	         "tenant_id = %lld)"
	         " + (select count(*) from b_child where tenant_id = %lld)",
	         (long long)id.value, (long long)id.value, (long long)id.value, (long long)id.value, (long long)id.value);
	assert_string_equal(scratch_value(sql), "0");
	snprintf(sql, sizeof(sql),
	         "select slug || ' ' || (rows_erased_at is not null) || ' ' || length(key_digest) from tenant_erasure where "
	         "tenant_id = %lld",
	         (long long)id.value);
	assert_string_equal(scratch_value(sql), "leaving true 32");
	assert_string_equal(scratch_value("select count(*) from b_child"), "1"); /* the other organization's */
	create("leaving");                                                       /* the slug is free again */
	scratch_script(NULL, "drop table b_child; drop table a_parent");
}

/* A table that somebody adds and forgets here would keep rows of destroyed organizations. */
static void test_erasure__reaches_every_table(void **state)
{
	(void)state;
	assert_string_equal(
	    scratch_value("select coalesce(string_agg(c.relname, ' '), '') from pg_class c"
	                  " join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid"
	                  " where n.nspname = 'public' and c.relkind in ('r', 'p') and a.attname = 'tenant_id'"
	                  " and c.relname <> 'tenant_erasure'"
	                  " and not (has_table_privilege('callpower_operator', c.oid, 'delete')"
	                  " and has_column_privilege('callpower_operator', c.oid, 'tenant_id', 'select')"
	                  " and exists (select from pg_policies p where p.tablename = c.relname"
	                  " and p.cmd in ('DELETE', 'ALL') and p.roles = array['callpower_operator'::name])"
	                  " and exists (select from pg_policies p where p.tablename = c.relname"
	                  " and p.cmd in ('SELECT', 'ALL') and p.roles = array['callpower_operator'::name]))"),
	    "");
}

/* What the operator's role may do to rows of organizations that are not closing: nothing. */
static void test_erasure__rows_of_the_living_stay(void **state)
{
	(void)state;
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	struct cp_str statement;
	create("dead");
	create("alive");
	scratch_script(NULL, "insert into campaign (tenant_id, campaign_id, name) select tenant_id, 1, 'x' from tenant where "
	                     "slug in ('dead', 'alive');"
	                     "insert into campaign_revision (tenant_id, campaign_id, revision, settings) select tenant_id, 1, 1, "
	                     "'{}' from campaign");
	assert_ok(cp_db_blocking_run(db, "delete from campaign where tenant_id > 0", NULL, 0, &result));
	assert_int_equal(cp_db_affected(result), 0);
	assert_ok(cp_tenant_destroy(db, CP_STR("dead"), arena, &statement));
	assert_string_equal(scratch_value("select string_agg(slug, ' ') from campaign join tenant using (tenant_id)"), "alive");
	assert_string_equal(scratch_value("select count(*) from campaign_revision"), "1");
	assert_ok(cp_tenant_destroy(db, CP_STR("alive"), arena, &statement));
	assert_string_equal(scratch_value("select count(*) from campaign_revision"), "0");
}

static void test_rights__app_sees_no_tenant(void **state)
{
	(void)state;
	struct cp_tenant_id mine = create("mine");
	create("theirs");
	static const char *const tables[] = {"tenant",        "tenant_host",   "tenant_key",
	                                     "tenant_secret", "tenant_number", "tenant_erasure"};
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *app = scratch_connect("callpower_app");
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *owner = scratch_connect("callpower_owner");
	char sql[256];
	for (size_t i = 0; i < CP_COUNT(tables); ++i) {
		CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *unbound = NULL;
		CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *of_owner = NULL;
		CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *bound = NULL;
		snprintf(sql, sizeof(sql), "select tenant_id from %s", tables[i]);
		assert_int_not_equal(cp_db_blocking_run(app, sql, NULL, 0, NULL), 0);
		assert_non_null(strstr(cp_error_message(), "permission denied"));
		/* Even with the right to, it sees no row unbound and its own when bound; so does the tables' owner. */
		snprintf(sql, sizeof(sql), "grant select on %s to callpower_app", tables[i]);
		scratch_script(NULL, sql);
		snprintf(sql, sizeof(sql), "select tenant_id from %s", tables[i]);
		assert_ok(cp_db_blocking_run(app, sql, NULL, 0, &unbound));
		assert_int_equal(cp_db_rows(unbound), 0);
		assert_ok(cp_db_blocking_run(owner, sql, NULL, 0, &of_owner));
		assert_int_equal(cp_db_rows(of_owner), 0);
		assert_ok(cp_db_blocking_script(app, "begin"));
		assert_ok(cp_db_blocking_bind(app, &mine));
		assert_ok(cp_db_blocking_run(app, sql, NULL, 0, &bound));
		assert_ok(cp_db_blocking_script(app, "commit"));
		for (int row = 0; row < cp_db_rows(bound); ++row)
			assert_int_equal(cp_db_integer(bound, row, 0), mine.value);
		snprintf(sql, sizeof(sql), "revoke select on %s from callpower_app", tables[i]);
		scratch_script(NULL, sql);
	}
}

static void test_rights__receipts_and_carrier_hosts(void **state)
{
	(void)state;
	create("fixed");
	assert_int_not_equal(cp_db_blocking_run(db, "delete from tenant_erasure", NULL, 0, NULL), 0);
	assert_int_equal(cp_db_blocking_run(db, "update tenant set carrier_host = 'api.evil.example'", NULL, 0, NULL),
	                 CP_E_CONFLICT);
	/* The program's list and the database's are one. */
	for (const char *const *host = cp_carrier_hosts; *host != NULL; ++host)
		assert_ok(cp_db_blocking_run(db, "update tenant set carrier_host = $1 where slug = 'fixed'",
		                             &(struct cp_str){*host, strlen(*host)}, 1, NULL));
}

int main(void)
{
	if (!scratch_open())
		return 0;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_admin__created_as_drafted),          cmocka_unit_test(test_admin__refusals_leave_nothing),
	    cmocka_unit_test(test_admin__status_numbers_hosts),        cmocka_unit_test(test_admin__credentials),
	    cmocka_unit_test(test_registry__loads_what_changed),       cmocka_unit_test(test_admin__rewrap),
	    cmocka_unit_test(test_admin__destroyed_in_every_table),    cmocka_unit_test(test_erasure__reaches_every_table),
	    cmocka_unit_test(test_erasure__rows_of_the_living_stay),   cmocka_unit_test(test_rights__app_sees_no_tenant),
	    cmocka_unit_test(test_rights__receipts_and_carrier_hosts),
	};
	int failed = cmocka_run_group_tests(tests, set_up, tear_down);
	scratch_close();
	return failed;
}
