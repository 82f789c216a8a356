#include "check.h"

#include "base/memory.h"
#include "provider.h"
#include "provider/loader.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of our own, so that file modes can be set and nothing else lies in it. */
static char folder[] = "/tmp/cp-plugins-XXXXXX";

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/cp-plugins-XXXXXX");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static const char *in_folder(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *content, size_t size, mode_t mode)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, size), (ssize_t)size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* Copies a plugin of the build under another name. */
static void copy(const char *plugin, const char *name, mode_t mode)
{
	char path[4096];
	struct stat info;
	snprintf(path, sizeof(path), "%s/%s.so", getenv("CP_TEST_PLUGINS"), plugin);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &info), 0);
	char *bytes = cp_alloc((size_t)info.st_size);
	assert_int_equal(read(fd, bytes, (size_t)info.st_size), info.st_size);
	put(name, bytes, (size_t)info.st_size, mode);
	free(bytes);
	close(fd);
}

static void assert_refused(struct cp_providers *set, const char *name, const char *words)
{
	for (size_t i = 0; i < cp_provider_refusal_count(set); ++i) {
		struct cp_provider_refusal refusal = cp_provider_refusal(set, i);
		if (!cp_str_ends(refusal.path, cp_str(name)))
			continue;
		if (strstr(refusal.reason.ptr, words) == NULL)
			fail_msg("%s: \"%.*s\" where \"%s\" is expected", name, CP_STR_ARG(refusal.reason), words);
		return;
	}
	fail_msg("%s is not refused", name);
}

static void plugins_of_the_build_load(void **state)
{
	(void)state;
	CP_CLEANUP(cp_providers_free_ptr) struct cp_providers *set = NULL;
	const struct cp_provider *provider;
	assert_ok(cp_providers_load(getenv("CP_TEST_PROVIDERS"), &set));
	assert_int_equal(cp_provider_refusal_count(set), 0);
	assert_int_equal(cp_provider_count(set), 2);
	assert_str(cp_provider_at(set, 0)->country, "us");
	assert_ok(cp_provider_find(set, CP_STR("XS"), &provider));
	assert_str(provider->name, "Samplia");
	assert_int_equal(cp_provider_find(set, CP_STR("zz"), &provider), CP_E_NOTFOUND);
	assert_non_null(strstr(cp_error_message(), "only for: us, xs"));
}

static void every_kind_of_bad_plugin_is_refused_and_the_good_one_loads(void **state)
{
	(void)state;
	static const struct {
		const char *plugin, *words;
	} bad[] = {
	    {"wrong_abi", "built for ABI 2, this program knows ABI 1"},
	    {"needs_newer_host", "needs a program that knows ABI 2"},
	    {"no_symbol", "no function provider_manifest()"},
	    {"null_manifest", "its manifest is NULL"},
	    {"null_name", "its name is NULL"},
	    {"null_ops", "its ops are NULL"},
	    {"null_documents", "it has no document"},
	    {"null_campaigns", "it has no campaign"},
	    {"null_function", "its function normalize_postcode is NULL"},
	    {"tiny", "the size of its manifest is 4 bytes"},
	    {"short", "the size of its manifest is 24 bytes"},
	    {"huge_size", "the size of its manifest is 1048576 bytes"},
	    {"upper_country", "its country is not a code"},
	    {"endless_country", "its country is not a code"},
	};
	CP_CLEANUP(cp_providers_free_ptr) struct cp_providers *set = NULL;
	char name[64];
	for (size_t i = 0; i < CP_COUNT(bad); ++i) {
		snprintf(name, sizeof(name), "%s.so", bad[i].plugin);
		copy(bad[i].plugin, name, 0644);
	}
	copy("good", "zz_good.so", 0644);
	copy("good", "zz_twin.so", 0644);
	copy("good", "anyone.so", 0666);
	copy("good", "lib_is_no_plugin.so", 0644);
	put("words.so", "#!/bin/sh\n", 10, 0755);
	put("empty.so", "", 0, 0644);
	put("cut.so",
	    "\x7F"
	    "ELF cut",
	    8, 0644);
	put("readme.txt", "no plugin", 9, 0644);
	assert_int_equal(mkdir(in_folder("folder.so"), 0755), 0);
	char target[160];
	snprintf(target, sizeof(target), "%s", in_folder("zz_good.so"));
	assert_int_equal(symlink(target, in_folder("link.so")), 0);
	assert_ok(cp_providers_load(folder, &set));
	for (size_t i = 0; i < CP_COUNT(bad); ++i) {
		snprintf(name, sizeof(name), "/%s.so", bad[i].plugin);
		assert_refused(set, name, bad[i].words);
	}
	assert_refused(set, "/anyone.so", "can be written by others");
	assert_refused(set, "/words.so", "not an ELF file");
	assert_refused(set, "/empty.so", "not an ELF file");
	assert_refused(set, "/cut.so", "cannot be loaded");
	assert_refused(set, "/folder.so", "not a regular file");
	assert_refused(set, "/link.so", "symbolic link");
	assert_refused(set, "/zz_twin.so", "has a plugin already");
	assert_int_equal(cp_provider_refusal_count(set), CP_COUNT(bad) + 7);
	assert_int_equal(cp_provider_count(set), 1);
	assert_true(cp_str_ends(cp_provider_at(set, 0)->path, CP_STR("zz_good.so")));
}

static void folders_that_others_can_write_are_refused(void **state)
{
	(void)state;
	struct cp_providers *set;
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(cp_providers_load(folder, &set), CP_E_DENIED);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(cp_providers_load(in_folder("nothing"), &set), CP_E_NOTFOUND);
	put("file", "x", 1, 0644);
	assert_int_equal(cp_providers_load(in_folder("file"), &set), CP_E_INPUT);
	assert_ok(cp_providers_load(folder, &set)); /* no plugin is no failure */
	const struct cp_provider *provider;
	assert_int_equal(cp_provider_find(set, CP_STR("us"), &provider), CP_E_NOTFOUND);
	cp_providers_free(set);
}

static void one_file_can_be_loaded_alone(void **state)
{
	(void)state;
	CP_CLEANUP(cp_providers_free_ptr) struct cp_providers *set = NULL;
	copy("wrong_abi", "wrong.so", 0644);
	assert_int_equal(cp_providers_load_file(in_folder("wrong.so"), &set), CP_E_INPUT);
	assert_non_null(strstr(cp_error_message(), "wrong.so is refused: it was built for ABI 2"));
	assert_int_equal(cp_providers_load_file(in_folder("nothing.so"), &set), CP_E_INPUT);
	copy("good", "good.so", 0644);
	assert_ok(cp_providers_load_file(in_folder("good.so"), &set));
	assert_str(cp_provider_at(set, 0)->country, "xa");
}

static void postal_codes_are_normalized(void **state)
{
	(void)state;
	CP_CLEANUP(cp_providers_free_ptr) struct cp_providers *set = NULL;
	struct cp_arena *arena = cp_arena_new();
	const struct cp_provider *us, *sample;
	struct cp_str code;
	assert_ok(cp_providers_load(getenv("CP_TEST_PROVIDERS"), &set));
	assert_ok(cp_provider_find(set, CP_STR("us"), &us));
	assert_ok(cp_provider_find(set, CP_STR("xs"), &sample));
	static const char *const good[] = {"94110", " 94110 ", "94110-1234", "941101234", "94110 1234", "9 4 1 1 0"};
	for (size_t i = 0; i < CP_COUNT(good); ++i) {
		assert_ok(cp_provider_normalize_postcode(us, cp_str(good[i]), arena, &code));
		assert_str(code, "94110");
	}
	static const char *const bad[] = {"",
	                                  "9411",
	                                  "941100",
	                                  "94-110",
	                                  "9411a",
	                                  "94110-123",
	                                  "94110--1234",
	                                  "94110-",
	                                  "９４１１０",
	                                  "\xFF",
	                                  "99999999999999999999999999999999999999999999999999999999999999999"};
	for (size_t i = 0; i < CP_COUNT(bad); ++i)
		assert_int_equal(cp_provider_normalize_postcode(us, cp_str(bad[i]), arena, &code), CP_E_INPUT);
	assert_int_equal(cp_provider_normalize_postcode(us, cp_str_n("94110\0", 6), arena, &code), CP_E_INPUT);
	assert_int_equal(cp_provider_normalize_postcode(us, CP_STR_NULL, arena, &code), CP_E_INPUT);
	assert_ok(cp_provider_normalize_postcode(sample, CP_STR("n-1 01"), arena, &code));
	assert_str(code, "N101");
	assert_int_equal(cp_provider_normalize_postcode(sample, CP_STR("1N01"), arena, &code), CP_E_INPUT);
	cp_arena_free(arena);
}

static void the_plugins_of_the_build_export_one_function(void **state)
{
	(void)state;
	static const char *const names[] = {"us", "sample"};
	for (size_t i = 0; i < CP_COUNT(names); ++i) {
		char command[4096], line[256] = "";
		snprintf(command, sizeof(command), "nm -D --defined-only '%s/%s.so' | awk '{print $3}' | tr '\\n' ' '",
		         getenv("CP_TEST_PROVIDERS"), names[i]);
		FILE *out = popen(command, "r");
		assert_non_null(out);
		assert_non_null(fgets(line, sizeof(line), out));
		pclose(out);
		assert_string_equal(line, "provider_manifest ");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plugins_of_the_build_load),
	    cmocka_unit_test_setup_teardown(every_kind_of_bad_plugin_is_refused_and_the_good_one_loads, setup, teardown),
	    cmocka_unit_test_setup_teardown(folders_that_others_can_write_are_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(one_file_can_be_loaded_alone, setup, teardown),
	    cmocka_unit_test(postal_codes_are_normalized),
	    cmocka_unit_test(the_plugins_of_the_build_export_one_function),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
