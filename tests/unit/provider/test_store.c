/* Dataset versions in a real database: as commands use them, and as a server follows them. */
#include "base/clock.h"
#include "base/memory.h"
#include "check.h"
#include "db/migrate.h"
#include "geo/builder.h"
#include "provider/store.h"
#include "scratch.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/cp-store-XXXXXX";
static struct cp_db_blocking *operator;

static const char *in_folder(const char *name)
{
	static char paths[4][256];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

/* A dataset of one division, whose key and size follow from number. */
static const char *make(const char *country, int number)
{
	struct cp_dataset_builder *builder = cp_dataset_builder_new(cp_str(country), CP_STR("Test"), CP_STR("1"));
	struct cp_dataset_source source = {.name = CP_STR("all"), .file = CP_STR("all.txt"), .sha256 = {(uint8_t)number}};
	struct cp_division division = {.id = CP_STR("ocd-division/country:xt"), .name = CP_STR("Test")};
	const char *path = in_folder("made");
	assert_ok(cp_dataset_builder_source(builder, &source));
	assert_ok(cp_dataset_builder_division(builder, &division, CP_STR_NULL));
	char text[4000];
	for (int i = 0; i < 500; ++i) { /* more than one part of the store */
		memset(text, 'a', sizeof(text));
		int len = snprintf(text, sizeof(text), "%d/%d", number, i);
		text[len] = ' ';
		struct cp_dataset_warning warning = {.kind = CP_DATASET_OTHER_WARNING, .text = cp_str_n(text, sizeof(text))};
		assert_ok(cp_dataset_builder_warning(builder, &warning));
	}
	assert_ok(cp_dataset_builder_finish(builder, number, path));
	cp_dataset_builder_free(builder);
	return path;
}

static int64_t put(const char *country, int number)
{
	int64_t version = 0;
	assert_ok(cp_dataset_store_put(operator, make(country, number), &version));
	assert_true(version > 0);
	return version;
}

static int group_setup(void **state)
{
	(void)state;
	int applied;
	if (mkdtemp(folder) == NULL)
		return -1;
	struct cp_db_blocking *owner = scratch_connect("callpower_owner");
	assert_ok(cp_migrate(owner, cp_migrations, cp_migrations_count, NULL, NULL, &applied));
	cp_db_blocking_close(owner);
	operator= scratch_connect("callpower_operator");
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	char command[128];
	operator= cp_db_blocking_close(operator);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void fresh_cache(void)
{
	char command[256];
	snprintf(command, sizeof(command), "rm -rf %s/cache && mkdir %s/cache", folder, folder);
	assert_int_equal(system(command), 0);
}

/* ---- commands */

static void versions_are_stored_once_and_switched(void **state)
{
	(void)state;
	struct cp_arena *arena = cp_arena_new();
	struct cp_dataset_version *versions;
	size_t count;
	int64_t one = put("xb", 1), two = put("xb", 2), back;
	assert_int_equal(put("xb", 1), one);
	assert_ok(cp_dataset_store_list(operator, CP_STR("xb"), arena, &versions, &count));
	assert_int_equal(count, 2);
	assert_int_equal(versions[0].id, two);
	assert_false(versions[0].active || versions[1].active);
	assert_int_equal(versions[0].activated_at.len, 0);
	assert_int_equal(versions[0].warnings, 500);
	assert_int_equal(cp_dataset_store_rollback(operator, CP_STR("xb"), &back), CP_E_NOTFOUND);
	assert_ok(cp_dataset_store_activate(operator, CP_STR("xb"), one));
	assert_int_equal(cp_dataset_store_rollback(operator, CP_STR("xb"), &back), CP_E_NOTFOUND);
	assert_ok(cp_dataset_store_activate(operator, CP_STR("xb"), two));
	assert_ok(cp_dataset_store_rollback(operator, CP_STR("xb"), &back));
	assert_int_equal(back, one);
	assert_ok(cp_dataset_store_list(operator, CP_STR("xb"), arena, &versions, &count));
	assert_true(versions[1].active && !versions[0].active);
	assert_ok(cp_dataset_store_rollback(operator, CP_STR("xb"), &back)); /* and there again */
	assert_int_equal(back, two);
	assert_int_equal(cp_dataset_store_activate(operator, CP_STR("xb"), 999999), CP_E_NOTFOUND);
	assert_int_equal(cp_dataset_store_activate(operator, CP_STR("xc"), one), CP_E_NOTFOUND);
	cp_arena_free(arena);
}

static void a_version_is_copied_into_the_cache(void **state)
{
	(void)state;
	fresh_cache();
	char cache[128];
	snprintf(cache, sizeof(cache), "%s", in_folder("cache"));
	int64_t version = put("xd", 1);
	struct cp_dataset *made, *copied;
	assert_ok(cp_dataset_open(make("xd", 1), &made));
	assert_ok(cp_dataset_store_fetch(operator, version, cache));
	assert_ok(cp_dataset_open(in_folder("cache/xd.active"), &copied));
	assert_memory_equal(cp_dataset_info(made)->sha256, cp_dataset_info(copied)->sha256, CP_SHA256_SIZE);
	cp_dataset_unref(made);
	cp_dataset_unref(copied);
	/* A damaged copy is fetched again. */
	char target[256];
	ssize_t len = readlink(in_folder("cache/xd.active"), target, sizeof(target) - 1);
	assert_true(len > 0);
	target[len] = '\0';
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", cache, target);
	assert_int_equal(truncate(path, 1000), 0);
	assert_int_not_equal(cp_dataset_open(path, &copied), 0);
	assert_ok(cp_dataset_store_fetch(operator, version, cache));
	assert_ok(cp_dataset_open(path, &copied));
	cp_dataset_unref(copied);
	assert_int_equal(cp_dataset_store_fetch(operator, 999999, cache), CP_E_NOTFOUND);
}

static void the_serving_role_of_tenants_has_no_right_here(void **state)
{
	(void)state;
	struct cp_db_blocking *app = scratch_connect("callpower_app");
	static const char *const statements[] = {"select 1 from dataset_version", "select 1 from dataset_chunk",
	                                         "select 1 from dataset_activation",
	                                         "insert into dataset_activation (country, dataset_version_id) values ('xb', 1)"};
	for (size_t i = 0; i < CP_COUNT(statements); ++i)
		assert_int_not_equal(cp_db_blocking_run(app, statements[i], NULL, 0, NULL), 0);
	cp_db_blocking_close(app);
	assert_int_not_equal(cp_db_blocking_run(operator, "update dataset_version set size = 1", NULL, 0, NULL),
	                     0); /* immutable */
	assert_int_not_equal(cp_db_blocking_run(operator,
	                                        "insert into dataset_activation (country, dataset_version_id) select 'xx', "
	                                        "dataset_version_id from dataset_version limit 1",
	                                        NULL, 0, NULL),
	                     0);
}

/* ---- a server */

struct server {
	struct cp_loop *loop;
	struct cp_db_exclusive *pool;
	struct cp_countries *countries;
	struct cp_dataset_store *store;
	int changed, refused;
	char sentence[512];
};

static void turn_for(struct cp_loop *loop, unsigned ms)
{
	for (uint64_t end = cp_clock_monotonic_ms() + ms; cp_clock_monotonic_ms() < end;)
		cp_loop_turn(loop, 5);
}

static void turn_until(struct cp_loop *loop, const int *calls, int count)
{
	for (uint64_t end = cp_clock_monotonic_ms() + 10000; *calls < count && cp_clock_monotonic_ms() < end;)
		cp_loop_turn(loop, 10);
	assert_int_equal(*calls, count);
}

static void on_changed(void *data, const struct cp_dataset *dataset)
{
	(void)dataset;
	++((struct server *)data)->changed;
}

static void on_refused(void *data, int error, const char *sentence)
{
	struct server *server = data;
	assert_int_not_equal(error, 0);
	++server->refused;
	snprintf(server->sentence, sizeof(server->sentence), "%s", sentence);
}

static void start(struct server *server, const char *conninfo, unsigned deadline_ms)
{
	*server = (struct server){0};
	assert_ok(cp_loop_new(&server->loop));
	struct cp_db_exclusive_options options = {.conninfo = conninfo,
	                                          .scope = CP_DB_OPERATOR,
	                                          .connections = 1,
	                                          .max_waiting = 4,
	                                          .deadline_ms = deadline_ms,
	                                          .max_backoff_ms = 100};
	assert_ok(cp_db_exclusive_new(server->loop, &options, &server->pool));
	server->countries = cp_countries_new();
	struct cp_dataset_store_options store = {.loop = server->loop,
	                                         .pool = server->pool,
	                                         .cache_dir = in_folder("cache"),
	                                         .countries = server->countries,
	                                         .changed = on_changed,
	                                         .refused = on_refused,
	                                         .data = server};
	assert_ok(cp_dataset_store_new(&store, &server->store));
}

static void stop(struct server *server)
{
	cp_dataset_store_free(server->store);
	cp_db_exclusive_free(server->pool);
	for (int i = 0; i < 20; ++i)
		cp_loop_turn(server->loop, 1);
	cp_loop_free(server->loop);
	cp_countries_free(server->countries);
}

static void assert_active(struct server *server, const char *country, int number)
{
	struct cp_dataset *dataset = cp_countries_get(server->countries, cp_str(country));
	assert_non_null(dataset);
	assert_int_equal(cp_dataset_info(dataset)->created_us, number);
	cp_dataset_unref(dataset);
}

static void a_server_follows_activations(void **state)
{
	(void)state;
	struct server server;
	fresh_cache();
	assert_ok(cp_db_blocking_run(operator, "select 1", NULL, 0, NULL));
	scratch_script(NULL, "truncate dataset_activation");
	int64_t one = put("xe", 1), two = put("xe", 2), other = put("xf", 7);
	assert_ok(cp_dataset_store_activate(operator, CP_STR("xe"), one));
	assert_ok(cp_dataset_store_activate(operator, CP_STR("xf"), other));
	start(&server, scratch_conninfo("callpower_operator"), 5000);
	cp_dataset_store_refresh(server.store);
	cp_dataset_store_refresh(server.store); /* joined: asked again when the first is through */
	turn_until(server.loop, &server.changed, 2);
	assert_active(&server, "xe", 1);
	assert_active(&server, "xf", 7);
	assert_null(cp_countries_get(server.countries, CP_STR("xz")));
	struct cp_dataset *held = cp_countries_get(server.countries, CP_STR("xe"));
	assert_ok(cp_dataset_store_activate(operator, CP_STR("xe"), two));
	turn_for(server.loop, 50);
	cp_dataset_store_refresh(server.store);
	turn_until(server.loop, &server.changed, 3);
	assert_active(&server, "xe", 2);
	assert_int_equal(cp_dataset_info(held)->created_us, 1); /* who holds the old version keeps it */
	cp_dataset_unref(held);
	cp_dataset_store_refresh(server.store);
	turn_for(server.loop, 100);
	assert_int_equal(server.changed, 3); /* nothing new */
	stop(&server);
	/* A server that starts while the database is away has what it had last. */
	struct cp_countries *countries = cp_countries_new();
	size_t count;
	assert_ok(cp_countries_load_cache(countries, in_folder("cache"), &count));
	assert_int_equal(count, 2);
	struct cp_dataset *dataset = cp_countries_get(countries, CP_STR("xe"));
	assert_int_equal(cp_dataset_info(dataset)->created_us, 2);
	cp_dataset_unref(dataset);
	cp_countries_free(countries);
}

static void a_version_that_cannot_be_had_leaves_the_old_one(void **state)
{
	(void)state;
	struct server server;
	fresh_cache();
	scratch_script(NULL, "truncate dataset_activation");
	int64_t one = put("xg", 1), two = put("xg", 2), other = put("xh", 3);
	assert_ok(cp_dataset_store_activate(operator, CP_STR("xg"), one));
	start(&server, scratch_conninfo("callpower_operator"), 5000);
	cp_dataset_store_refresh(server.store);
	turn_until(server.loop, &server.changed, 1);
	char sql[256];
	snprintf(sql, sizeof(sql), "delete from dataset_chunk where part = 1 and dataset_version_id = %lld", (long long)two);
	scratch_script(NULL, sql);
	assert_ok(cp_dataset_store_activate(operator, CP_STR("xg"), two));
	assert_ok(cp_dataset_store_activate(operator, CP_STR("xh"), other));
	cp_dataset_store_refresh(server.store);
	turn_until(server.loop, &server.refused, 1);
	turn_until(server.loop, &server.changed, 2);
	assert_active(&server, "xg", 1);
	assert_active(&server, "xh", 3); /* the others go on */
	stop(&server);
}

static void a_database_that_is_away_is_told_and_freeing_meanwhile_is_safe(void **state)
{
	(void)state;
	struct server server;
	start(&server, "host=/nowhere user=nobody", 300);
	cp_dataset_store_refresh(server.store);
	turn_until(server.loop, &server.refused, 1);
	cp_dataset_store_refresh(server.store);
	stop(&server); /* while it waits for a connection */
	fresh_cache();
	start(&server, scratch_conninfo("callpower_operator"), 5000);
	cp_dataset_store_refresh(server.store);
	for (int i = 0; i < 6; ++i)
		cp_loop_turn(server.loop, 2);
	stop(&server); /* somewhere in the middle */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(versions_are_stored_once_and_switched),
	    cmocka_unit_test(a_version_is_copied_into_the_cache),
	    cmocka_unit_test(the_serving_role_of_tenants_has_no_right_here),
	    cmocka_unit_test(a_server_follows_activations),
	    cmocka_unit_test(a_version_that_cannot_be_had_leaves_the_old_one),
	    cmocka_unit_test(a_database_that_is_away_is_told_and_freeing_meanwhile_is_safe),
	};
	if (!scratch_open())
		return 0;
	int failed = cmocka_run_group_tests(tests, group_setup, group_teardown);
	scratch_close();
	return failed;
}
