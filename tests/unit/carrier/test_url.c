/* URLs of webhooks: the examples of RFC 3986, loopback, and Twilio's connection overrides. */
#include "check.h"

#include "base/memory.h"
#include "url.h"

static void test_resolves_references(void **state)
{
	(void)state;
	static const char base[] = "http://a/b/c/d?q#frag";
	static const struct {
		const char *reference, *expected;
	} cases[] = {
	    /* RFC 3986 section 5.4, those with http */
	    {"g", "http://a/b/c/g"},
	    {"./g", "http://a/b/c/g"},
	    {"g/", "http://a/b/c/g/"},
	    {"/g", "http://a/g"},
	    {"//g", "http://g"},
	    {"?y", "http://a/b/c/d?y"},
	    {"g?y", "http://a/b/c/g?y"},
	    {"#s", "http://a/b/c/d?q#s"},
	    {"g#s", "http://a/b/c/g#s"},
	    {"", "http://a/b/c/d?q"},
	    {".", "http://a/b/c/"},
	    {"..", "http://a/b/"},
	    {"../g", "http://a/b/g"},
	    {"../..", "http://a/"},
	    {"../../g", "http://a/g"},
	    {"../../../g", "http://a/g"},
	    {"/./g", "http://a/g"},
	    {"/../g", "http://a/g"},
	    {"g.", "http://a/b/c/g."},
	    {"..g", "http://a/b/c/..g"},
	    {"./../g", "http://a/b/g"},
	    {"g/./h", "http://a/b/c/g/h"},
	    {"g/../h", "http://a/b/c/h"},
	    {"https://x.example/y#rc=2", "https://x.example/y#rc=2"},
	    {"  next \n", "http://a/b/c/next"},
	};
	for (size_t i = 0; i < CP_COUNT(cases); ++i) {
		struct cp_arena *arena = cp_arena_new();
		struct cp_str url;
		assert_ok(cp_url_resolve(cp_str(base), cp_str(cases[i].reference), arena, &url));
		assert_str(url, cases[i].expected);
		cp_arena_free(arena);
	}
}

static void test_refuses_what_cannot_be_called(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
	                                  "x",
	                                  "/relative",
	                                  "ftp://a/b",
	                                  "http://",
	                                  "http:///x",
	                                  "javascript:alert(1)",
	                                  "http://a b/",
	                                  "http://a/\n",
	                                  "//a/b",
	                                  "http://a/?q=Peña"};
	struct cp_url url;
	for (size_t i = 0; i < CP_COUNT(bad); ++i)
		assert_int_equal(cp_url_parse(cp_str(bad[i]), &url), CP_E_INPUT);
}

static bool is_loopback(const char *text)
{
	struct cp_url url;
	assert_ok(cp_url_parse(cp_str(text), &url));
	return cp_url_is_loopback(&url);
}

static void test_knows_loopback(void **state)
{
	(void)state;
	static const char *const inside[] = {"http://127.0.0.1",    "http://127.1.2.3:80/x", "http://[::1]:8080/",
	                                     "http://localhost:1/", "http://one.localhost/", "https://user:pass@127.0.0.1/"};
	static const char *const outside[] = {"http://128.0.0.1",
	                                      "http://127.0.0.1.example.org",
	                                      "http://127.0.0.1@example.org/",
	                                      "http://[::2]/",
	                                      "http://notlocalhost/",
	                                      "http://0.0.0.0/",
	                                      "http://10.0.0.1/",
	                                      "http://localhost.example.org/",
	                                      "http://127.0.0/",
	                                      "http://127.0.0.0.1/",
	                                      "http://0x7f.0.0.1/"};
	for (size_t i = 0; i < CP_COUNT(inside); ++i)
		assert_true(is_loopback(inside[i]));
	for (size_t i = 0; i < CP_COUNT(outside); ++i)
		if (is_loopback(outside[i]))
			fail_msg("%s was taken for loopback", outside[i]);
}

static void test_reads_connection_overrides(void **state)
{
	(void)state;
	struct cp_connection_rules rules = cp_url_rules(CP_STR("https://a.example/x"));
	assert_int_equal(rules.connect_ms, 5000);
	assert_int_equal(rules.read_ms, 15000);
	assert_int_equal(rules.total_ms, 15000);
	assert_int_equal(rules.retries, 1);
	assert_int_equal(rules.retry_on, CP_RETRY_CONNECT);
	rules = cp_url_rules(CP_STR("https://a.example/x?y#rc=5&rp=ct,rt,5xx&ct=200&rt=700&tt=9000&e=ashburn"));
	assert_int_equal(rules.retries, 5);
	assert_int_equal(rules.retry_on, CP_RETRY_CONNECT | CP_RETRY_READ | CP_RETRY_5XX);
	assert_int_equal(rules.connect_ms, 200);
	assert_int_equal(rules.read_ms, 700);
	assert_int_equal(rules.total_ms, 9000);
	assert_false(rules.bad_policy);
	rules = cp_url_rules(CP_STR("https://a.example/x#rc=50&ct=1&rp=all,sometimes"));
	assert_int_equal(rules.retries, 5);
	assert_int_equal(rules.connect_ms, 100);
	assert_int_equal(rules.retry_on, CP_RETRY_ALL);
	assert_true(rules.bad_policy);
}

static void test_names_steps(void **state)
{
	(void)state;
	assert_str(cp_url_step(CP_STR("http://a/voice/t/s/dial-1-of-3-try-1?x=/y#z")), "dial-1-of-3-try-1");
	assert_str(cp_url_step(CP_STR("http://a")), "");
	assert_str(cp_url_origin(CP_STR("https://A.example:8443/x?y")), "https://A.example:8443");
	assert_str(cp_url_without_fragment(CP_STR("http://a/x?y#z")), "http://a/x?y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_resolves_references), cmocka_unit_test(test_refuses_what_cannot_be_called),
	    cmocka_unit_test(test_knows_loopback),      cmocka_unit_test(test_reads_connection_overrides),
	    cmocka_unit_test(test_names_steps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
