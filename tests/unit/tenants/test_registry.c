#include "check.h"

#include "base/memory.h"
#include "sample.h"
#include "tenants/hosts.h"

#include <pthread.h>
#include <stdatomic.h>

static void test_registry__finds_by_every_name(void **state)
{
	(void)state;
	struct cp_registry_snapshot *all = sample_snapshot(1000, "callpower.example");
	assert_int_equal(cp_registry_count(all), 1000);
	for (int64_t number = 1; number <= 1000; ++number) {
		char slug[32], host[64], below[64];
		snprintf(slug, sizeof(slug), "org-%lld", (long long)number);
		snprintf(host, sizeof(host), "%s.example.net", slug);
		snprintf(below, sizeof(below), "%s.callpower.example", slug);
		const struct cp_tenant *tenant = cp_registry_by_slug(all, cp_str(slug));
		assert_non_null(tenant);
		assert_int_equal(tenant->id.value, number);
		assert_ptr_equal(cp_registry_by_voice_token(all, sample_token(number)), tenant);
		assert_ptr_equal(cp_registry_by_host(all, cp_str(host)), tenant);
		assert_ptr_equal(cp_registry_by_host(all, cp_str(below)), tenant);
		assert_ptr_equal(cp_registry_by_id(all, tenant->id), tenant);
		assert_ptr_equal(cp_registry_at(all, (size_t)number - 1), tenant);
	}
	cp_registry_snapshot_unref(all);
}

static void test_registry__does_not_find_others(void **state)
{
	(void)state;
	struct cp_registry_snapshot *all = sample_snapshot(3, "callpower.example"),
	                            *none = cp_registry_snapshot_new(NULL, 0, CP_STR_NULL);
	static const char *const hosts[] = {"",
	                                    "callpower.example",
	                                    ".callpower.example",
	                                    "org-9.callpower.example",
	                                    "x.org-1.callpower.example",
	                                    "org-1callpower.example",
	                                    "org-1.other.example",
	                                    "org-1"};
	for (size_t i = 0; i < CP_COUNT(hosts); ++i) {
		assert_null(cp_registry_by_host(all, cp_str(hosts[i])));
		assert_null(cp_registry_by_host(none, cp_str(hosts[i])));
	}
	assert_null(cp_registry_by_slug(all, CP_STR("org-4")));
	assert_null(cp_registry_by_slug(all, CP_STR_NULL));
	assert_null(cp_registry_by_voice_token(all, sample_token(4)));
	assert_null(cp_registry_by_voice_token(all, cp_str_n(sample_token(1).ptr, 31)));
	assert_null(cp_registry_by_voice_token(none, sample_token(1)));
	assert_null(cp_registry_by_id(all, (struct cp_tenant_id){0}));
	assert_null(cp_registry_by_id(all, (struct cp_tenant_id){4}));
	cp_registry_snapshot_unref(all);
	cp_registry_snapshot_unref(none);
}

/* A tenant without a name (an erased one has no host) must not be found by the empty text. */
static void test_registry__empty_names_are_no_names(void **state)
{
	(void)state;
	struct cp_tenant fields = {.id = {1}, .status = CP_TENANT_CLOSING, .slug = CP_STR("gone")};
	const struct cp_tenant *tenant = cp_tenant_new(&fields);
	struct cp_registry_snapshot *all = cp_registry_snapshot_new(&tenant, 1, CP_STR("callpower.example"));
	assert_null(cp_registry_by_voice_token(all, CP_STR("")));
	assert_null(cp_registry_by_host(all, CP_STR("")));
	assert_ptr_equal(cp_registry_by_slug(all, CP_STR("gone")), tenant);
	cp_registry_snapshot_unref(all);
}

static void test_registry__a_tenant_outlives_its_snapshot(void **state)
{
	(void)state;
	struct cp_registry *registry = cp_registry_new("CallPower.Example");
	struct cp_registry_reader *reader = cp_registry_reader_new(registry);
	assert_int_equal(cp_registry_count(cp_registry_reader_get(reader)), 0);
	assert_str(cp_registry_base_domain(cp_registry_reader_get(reader)), "callpower.example");
	cp_registry_publish(registry, sample_snapshot(2, "callpower.example"));
	const struct cp_tenant *kept = cp_tenant_ref(cp_registry_by_slug(cp_registry_reader_get(reader), CP_STR("org-2")));
	cp_registry_publish(registry, sample_snapshot(1, "callpower.example"));
	assert_null(cp_registry_by_slug(cp_registry_reader_get(reader), CP_STR("org-2")));
	assert_str(kept->slug, "org-2");
	assert_str(kept->hosts[0], "org-2.example.net");
	assert_null(cp_tenant_unref(kept));
	assert_null(cp_tenant_unref(NULL));
	cp_registry_reader_free(reader);
	cp_registry_free(registry);
}

struct reading {
	struct cp_registry *registry;
	atomic_bool stop;
	atomic_ulong wrong;
};

static void *read_often(void *data)
{
	struct reading *reading = data;
	struct cp_registry_reader *reader = cp_registry_reader_new(reading->registry);
	while (!atomic_load(&reading->stop)) {
		const struct cp_tenant *tenant = cp_registry_by_slug(cp_registry_reader_get(reader), CP_STR("org-1"));
		if (tenant == NULL) {
			++reading->wrong;
			continue;
		}
		tenant = cp_tenant_ref(tenant);
		reading->wrong += !cp_str_eq(cp_registry_reader_get(reader) == NULL ? CP_STR("") : tenant->slug, CP_STR("org-1"));
		cp_tenant_unref(tenant);
	}
	cp_registry_reader_free(reader);
	return NULL;
}

static void test_registry__readers_while_snapshots_change(void **state)
{
	(void)state;
	struct reading reading = {.registry = cp_registry_new(NULL)};
	pthread_t threads[3];
	cp_registry_publish(reading.registry, sample_snapshot(5, NULL));
	for (size_t i = 0; i < CP_COUNT(threads); ++i)
		pthread_create(&threads[i], NULL, read_often, &reading);
	for (int i = 0; i < 300; ++i)
		cp_registry_publish(reading.registry, sample_snapshot(5 + i % 3, NULL));
	atomic_store(&reading.stop, true);
	for (size_t i = 0; i < CP_COUNT(threads); ++i)
		pthread_join(threads[i], NULL);
	assert_int_equal(reading.wrong, 0);
	cp_registry_free(reading.registry);
}

/* ---- hosts */

static void expect_host(const char *header, const char *expected)
{
	char out[CP_HOST_SIZE];
	struct cp_str host;
	assert_int_equal(cp_host_normalize(cp_str(header), out, &host), 0);
	assert_str(host, expected);
}

static void test_host__normal_form(void **state)
{
	(void)state;
	expect_host("One.Example.ORG", "one.example.org");
	expect_host("one.example.org:8080", "one.example.org");
	expect_host("one.example.org.", "one.example.org");
	expect_host("one.example.org.:443", "one.example.org");
	expect_host("one.example.org:", "one.example.org");
	expect_host("localhost", "localhost");
	expect_host("127.0.0.1:80", "127.0.0.1");
	expect_host("[::1]:80", "[::1]");
	expect_host("[2001:DB8::1]", "[2001:db8::1]");
	char longest[300];
	memset(longest, 'a', sizeof(longest));
	static const char *const wrong[] = {"",
	                                    ":80",
	                                    ".",
	                                    "..",
	                                    "a..b",
	                                    ".a",
	                                    "a b",
	                                    "a/b",
	                                    "a\tb",
	                                    "-a.b",
	                                    "a-.b",
	                                    "a%2eb",
	                                    "a\xc3\xa9.b",
	                                    "::1",
	                                    "[::1",
	                                    "a@b",
	                                    "one.example.org:80:80",
	                                    "[]",
	                                    "a,b"};
	char out[CP_HOST_SIZE];
	struct cp_str host = CP_STR("kept");
	for (size_t i = 0; i < CP_COUNT(wrong); ++i)
		assert_int_equal(cp_host_normalize(cp_str(wrong[i]), out, &host), CP_E_INPUT);
	assert_int_equal(cp_host_normalize(cp_str_n(longest, 64), out, &host), CP_E_INPUT); /* a label has at most 63 */
	assert_int_equal(cp_host_normalize(cp_str_n(longest, 300), out, &host), CP_E_INPUT);
	assert_int_equal(cp_host_normalize(cp_str_n("a\0b", 3), out, &host), CP_E_INPUT);
	assert_str(host, "kept");
}

static void test_host__slugs_and_own_domains(void **state)
{
	(void)state;
	static const char *const good[] = {"one", "a", "color-of-change", "350", "abcdefghijklmnopqrstuvwxyz0123456789abcd"};
	static const char *const bad[] = {
	    "", "-a", "a-", "One", "a.b", "a_b", "a b", "www", "api", "o", "abcdefghijklmnopqrstuvwxyz0123456789abcde"};
	for (size_t i = 0; i < CP_COUNT(good); ++i)
		assert_true(cp_slug_is_valid(cp_str(good[i])));
	for (size_t i = 0; i < CP_COUNT(bad); ++i)
		assert_false(cp_slug_is_valid(cp_str(bad[i])));
	struct cp_str base = CP_STR("callpower.example");
	assert_true(cp_custom_host_is_valid(CP_STR("calls.one.example"), base));
	assert_true(cp_custom_host_is_valid(CP_STR("notcallpower.example"), base));
	assert_true(cp_custom_host_is_valid(CP_STR("x.callpower.example"), CP_STR_NULL));
	static const char *const not_own[] = {
	    "callpower.example",  "x.callpower.example",  "localhost", "127.0.0.1", "[::1]", "Calls.one.example",
	    "calls.one.example.", "calls.one.example:80", ""};
	for (size_t i = 0; i < CP_COUNT(not_own); ++i)
		assert_false(cp_custom_host_is_valid(cp_str(not_own[i]), base));
}

static void expect_tenant(const struct cp_registry_snapshot *all, const char *host, const char *path, int64_t number,
                          const char *rest)
{
	const struct cp_tenant *tenant = NULL;
	struct cp_str found = CP_STR_NULL;
	int error = cp_tenant_resolve(all, cp_str(host), cp_str(path), &tenant, &found);
	if (number == 0) {
		assert_int_equal(error, CP_E_NOTFOUND);
		assert_null(tenant);
		return;
	}
	assert_int_equal(error, 0);
	assert_int_equal(tenant->id.value, number);
	assert_str(found, rest);
}

static void test_resolve__by_host_and_by_path(void **state)
{
	(void)state;
	struct cp_registry_snapshot *all = sample_snapshot(3, "callpower.example");
	expect_tenant(all, "org-1.callpower.example:8443", "/call/create", 1, "/call/create");
	expect_tenant(all, "ORG-2.example.net", "/", 2, "/");
	expect_tenant(all, "callpower.example", "/o/org-3/call/create", 3, "/call/create");
	expect_tenant(all, "127.0.0.1:8080", "/o/org-3/", 3, "/");
	expect_tenant(all, "127.0.0.1:8080", "/o/org-3", 3, "/");
	expect_tenant(all, "127.0.0.1:8080", "/o/org-3//x", 3, "//x");
	expect_tenant(all, "org-1.callpower.example", "/o/org-1/x", 1, "/x");
	expect_tenant(all, "org-1.callpower.example", "/o/org-2/x", 0, NULL); /* nobody else's pages on an organization's host */
	expect_tenant(all, "org-1.callpower.example", "/o/org-9/x", 0, NULL);
	expect_tenant(all, "callpower.example", "/", 0, NULL);
	expect_tenant(all, "callpower.example", "/o/", 0, NULL);
	expect_tenant(all, "callpower.example", "/o//x", 0, NULL);
	expect_tenant(all, "callpower.example", "/o/ORG-1/x", 0, NULL);
	expect_tenant(all, "org-9.callpower.example", "/", 0, NULL);
	const struct cp_tenant *tenant;
	struct cp_str rest;
	assert_int_equal(cp_tenant_resolve(all, CP_STR("a b"), CP_STR("/o/org-1/"), &tenant, &rest), CP_E_INPUT);
	cp_registry_snapshot_unref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_registry__finds_by_every_name),
	    cmocka_unit_test(test_registry__does_not_find_others),
	    cmocka_unit_test(test_registry__empty_names_are_no_names),
	    cmocka_unit_test(test_registry__a_tenant_outlives_its_snapshot),
	    cmocka_unit_test(test_registry__readers_while_snapshots_change),
	    cmocka_unit_test(test_host__normal_form),
	    cmocka_unit_test(test_host__slugs_and_own_domains),
	    cmocka_unit_test(test_resolve__by_host_and_by_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
