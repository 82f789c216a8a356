/* The registry follows the database: on notice, by its own poll, and after the database was away. */
#include "check.h"
#include "scratch.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/memory.h"
#include "db/migrate.h"
#include "sample.h"
#include "tenants/admin.h"
#include "tenants/feed.h"

#include <stdlib.h>

enum { PATIENCE_MS = 20000 };

static struct cp_db_blocking *operator_connection;
static struct cp_vault *vault;
static struct cp_loop *loop;
static struct cp_db *pool;
static struct cp_registry *registry;
static struct cp_feed *feed;
static int refreshes, latest_error;

static int migrate(void **state)
{
	(void)state;
	int applied;
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *owner = scratch_connect("callpower_owner");
	if (cp_migrate(owner, cp_migrations, cp_migrations_count, NULL, NULL, &applied) != 0)
		return -1;
	operator_connection = scratch_connect("callpower_operator");
	return 0;
}

static int disconnect(void **state)
{
	(void)state;
	operator_connection = cp_db_blocking_close(operator_connection);
	return 0;
}

static void on_refresh(void *data, int error)
{
	(void)data;
	++refreshes;
	latest_error = error;
}

static void start(const char *conninfo, unsigned poll_ms, bool away)
{
	static const struct cp_db_statement *const tables[] = {cp_tenants_operator_statements};
	const struct cp_db_options options = {
	    .conninfo = conninfo,
	    .scope = CP_DB_OPERATOR,
	    .connections = 1,
	    .max_in_flight = 8,
	    .max_waiting = 8,
	    .deadline_ms = away ? 400 : 5000,
	    .max_backoff_ms = 200,
	    .statements = tables,
	    .statement_tables = 1,
	};
	vault = sample_vault(16);
	refreshes = 0;
	assert_ok(cp_loop_new(&loop));
	assert_ok(cp_db_new(loop, &options, &pool));
	registry = cp_registry_new("callpower.example");
	const struct cp_feed_options feed_options = {
	    .operator_db = pool, .registry = registry, .vault = vault, .poll_ms = poll_ms, .on_refresh = on_refresh};
	assert_ok(cp_feed_new(loop, &feed_options, &feed));
}

static void stop(void)
{
	feed = cp_feed_free(feed);
	pool = cp_db_free(pool);
	for (int i = 0; i < 20; ++i)
		cp_loop_turn(loop, 1);
	loop = cp_loop_free(loop);
	registry = cp_registry_free(registry);
	vault = cp_vault_free(vault);
}

static void turn_until_refreshed(int count)
{
	uint64_t deadline = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (refreshes < count && cp_clock_monotonic_ms() < deadline)
		cp_loop_turn(loop, 50);
	assert_true(refreshes >= count);
}

static bool is_known(const char *slug)
{
	struct cp_registry_snapshot *all = cp_registry_current(registry);
	bool known = cp_registry_by_slug(all, cp_str(slug)) != NULL;
	cp_registry_snapshot_unref(all);
	return known;
}

static void turn_until_known(const char *slug, bool wanted)
{
	uint64_t deadline = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (is_known(slug) != wanted && cp_clock_monotonic_ms() < deadline)
		cp_loop_turn(loop, 50);
	assert_int_equal(is_known(slug), wanted);
}

static void create(const char *slug)
{
	const struct cp_tenant_draft draft = {
	    .slug = cp_str(slug),
	    .name = CP_STR("Example"),
	    .account_sid = CP_STR("AC00112233445566778899aabbccddeeff"),
	    .auth_token = CP_STR("c0ffee00112233445566778899aabbcc"),
	};
	struct cp_tenant_id id;
	assert_ok(cp_tenant_create(operator_connection, vault, &draft, CP_STR_NULL, &id));
}

static void destroy(const char *slug)
{
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	struct cp_str statement;
	assert_ok(cp_tenant_destroy(operator_connection, cp_str(slug), arena, &statement));
}

static void on_notify(void *data, struct cp_str channel, struct cp_str payload)
{
	(void)data;
	(void)payload;
	assert_true(channel.ptr == NULL || cp_str_eq(channel, CP_STR(CP_TENANTS_CHANNEL)));
	cp_feed_wake(feed);
}

static void test_feed__follows_notices(void **state)
{
	(void)state;
	static const char *const channels[] = {CP_TENANTS_CHANNEL};
	struct cp_db_listener *listener;
	start(scratch_conninfo("callpower_operator"), 3600 * 1000, false);
	create("early");
	assert_false(is_known("early"));
	turn_until_refreshed(1);
	assert_int_equal(latest_error, 0);
	assert_true(is_known("early"));
	assert_ok(cp_db_listen(loop, scratch_conninfo("callpower_operator"), channels, 1, on_notify, NULL, &listener));
	turn_until_refreshed(2); /* once it listens: something may have been missed */
	create("late");
	turn_until_known("late", true);
	destroy("early");
	turn_until_known("early", false);
	assert_true(is_known("late"));
	destroy("late");
	cp_db_listener_free(listener);
	stop();
}

static void test_feed__polls(void **state)
{
	(void)state;
	start(scratch_conninfo("callpower_operator"), 100, false);
	turn_until_refreshed(1);
	create("unheard");
	turn_until_known("unheard", true);
	destroy("unheard");
	turn_until_known("unheard", false);
	stop();
}

static void test_feed__loads_in_batches(void **state)
{
	(void)state;
	enum { TENANTS = 1203 };
	char sql[512];
	snprintf(sql, sizeof(sql),
	         "insert into tenant (slug, name, voice_token, account_sid) select 'many-' || i, 'Many', lpad(i::text, 32, 't'), "
	         "'AC00112233445566778899aabbccddeeff' from generate_series(1, %d) i",
	         TENANTS);
	scratch_script(NULL, sql);
	start(scratch_conninfo("callpower_operator"), 100, false);
	turn_until_refreshed(1);
	struct cp_registry_snapshot *all = cp_registry_current(registry);
	assert_int_equal(cp_registry_count(all), TENANTS);
	for (int i = 1; i <= TENANTS; ++i) {
		snprintf(sql, sizeof(sql), "many-%d", i);
		assert_non_null(cp_registry_by_slug(all, cp_str(sql)));
	}
	cp_registry_snapshot_unref(all);
	scratch_script(NULL, "delete from tenant");
	turn_until_known("many-1", false);
	stop();
}

static void test_feed__wipes_what_is_gone(void **state)
{
	(void)state;
	start(scratch_conninfo("callpower_operator"), 100, false);
	create("secretive");
	turn_until_known("secretive", true);
	struct cp_registry_snapshot *all = cp_registry_current(registry);
	const struct cp_tenant *tenant = cp_registry_by_slug(all, CP_STR("secretive"));
	struct cp_secret secret = {0};
	assert_ok(cp_vault_auth_token(vault, tenant, &secret));
	const char *bytes = secret.bytes.ptr;
	cp_slab_release(&secret);
	assert_memory_equal(bytes, "c0ffee", 6);
	destroy("secretive");
	turn_until_known("secretive", false);
	assert_memory_equal(bytes, "\0\0\0\0\0\0", 6);
	cp_registry_snapshot_unref(all);
	stop();
}

static void test_feed__a_database_that_is_away(void **state)
{
	(void)state;
	start("host=/nonexistent user=callpower_operator dbname=nothing", 100, true);
	turn_until_refreshed(2); /* it fails, and tries again */
	assert_int_not_equal(latest_error, 0);
	assert_false(is_known("anything"));
	stop();
}

/* Freed with its question under way: the answer finds nobody and does no harm. */
static void test_feed__freed_while_it_waits(void **state)
{
	(void)state;
	start(scratch_conninfo("callpower_operator"), 100, false);
	turn_until_refreshed(1);
	cp_feed_wake(feed);
	for (int i = 0; cp_db_pending(pool) == 0 && i < 1000; ++i)
		cp_loop_turn(loop, 1);
	int before = refreshes;
	feed = cp_feed_free(feed);
	for (int i = 0; cp_db_pending(pool) != 0 && i < 1000; ++i)
		cp_loop_turn(loop, 10);
	assert_int_equal(refreshes, before);
	stop();
}

int main(void)
{
	if (!scratch_open())
		return 0;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_feed__follows_notices),         cmocka_unit_test(test_feed__polls),
	    cmocka_unit_test(test_feed__loads_in_batches),        cmocka_unit_test(test_feed__wipes_what_is_gone),
	    cmocka_unit_test(test_feed__a_database_that_is_away), cmocka_unit_test(test_feed__freed_while_it_waits),
	};
	int failed = cmocka_run_group_tests(tests, migrate, disconnect);
	scratch_close();
	return failed;
}
