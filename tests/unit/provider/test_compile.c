#include "check.h"

#include "base/memory.h"
#include "provider/cache.h"
#include "provider/compile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/cp-compile-XXXXXX";

static const char *in_folder(const char *name)
{
	static char paths[4][160];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *content)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/cp-compile-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	put("all.txt", "one\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct cp_providers *load(const char *plugin)
{
	struct cp_providers *set = NULL;
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s.so", getenv("CP_TEST_PLUGINS"), plugin);
	assert_ok(cp_providers_load_file(path, &set));
	return set;
}

static int compile_in_child(const char *plugin, unsigned timeout_s)
{
	struct cp_providers *set = load(plugin);
	struct cp_compile_limits limits = {.timeout_s = timeout_s, .memory = 64 << 20};
	int error = cp_compile_in_child(getenv("CP_TEST_PROGRAM"), cp_provider_at(set, 0), folder, &limits, in_folder("out"));
	cp_providers_free(set);
	return error;
}

static int compile_here(const char *plugin, unsigned timeout_s)
{
	struct cp_providers *set = load(plugin);
	struct cp_arena *arena = cp_arena_new();
	struct cp_compile_limits limits = {.timeout_s = timeout_s, .memory = 64 << 20};
	struct cp_compile_document *documents;
	size_t count;
	int error = cp_compile_read(cp_provider_at(set, 0), folder, arena, &documents, &count);
	if (error == 0)
		error = cp_compile(cp_provider_at(set, 0), documents, count, &limits, in_folder("out"));
	cp_arena_free(arena);
	cp_providers_free(set);
	return error;
}

static void assert_refused(int error, int expected, const char *words)
{
	if (strstr(cp_error_message(), words) == NULL)
		fail_msg("\"%s\" where \"%s\" is expected", cp_error_message(), words);
	assert_int_equal(error, expected);
	assert_int_not_equal(access(in_folder("out"), F_OK), 0); /* nothing was left behind */
}

static void a_child_compiles(void **state)
{
	(void)state;
	assert_ok(compile_in_child("good", 20));
	struct cp_dataset *dataset;
	assert_ok(cp_dataset_open(in_folder("out"), &dataset));
	assert_str(cp_dataset_info(dataset)->country, "xa");
	assert_str(cp_dataset_source(dataset, 0).file, "all.txt");
	assert_int_equal(cp_dataset_source(dataset, 0).size, 4);
	cp_dataset_unref(dataset);
}

static void a_child_that_misbehaves_costs_a_report(void **state)
{
	(void)state;
	assert_refused(compile_in_child("crashes", 20), CP_E_UNAVAILABLE,
	               "crashed while compiling (signal 6, Aborted); nothing was changed; its last words: about to fall");
	assert_refused(compile_in_child("exits", 20), CP_E_UNAVAILABLE, "failed with status 9");
	assert_refused(compile_in_child("loops", 1), CP_E_UNAVAILABLE, "did not finish in 1 s");
	assert_refused(compile_in_child("sleeps", 1), CP_E_UNAVAILABLE, "did not finish in 1 s");
	assert_refused(compile_in_child("refuses", 20), CP_E_INPUT, "all.txt:7: the word \"x\" is not welcome");
	assert_refused(compile_in_child("lies", 20), CP_E_INPUT, "all.txt:3: \"nonsense\" is no Open Civic Data id");
}

static void a_child_finds_no_secrets(void **state)
{
	(void)state;
	setenv("CALLPOWER_DATABASE_OPERATOR", "host=/nowhere password=secret", 1);
	setenv("SECRET", "secret", 1);
	assert_int_equal(dup2(STDERR_FILENO, 20), 20); /* inherited, unless somebody closes it */
	int error = compile_in_child("peeks", 20);
	close(20);
	unsetenv("CALLPOWER_DATABASE_OPERATOR");
	unsetenv("SECRET");
	assert_ok(error);
}

static void a_program_that_is_not_there_is_told(void **state)
{
	(void)state;
	struct cp_providers *set = load("good");
	assert_refused(cp_compile_in_child("/nowhere/callpower", cp_provider_at(set, 0), folder, NULL, in_folder("out")),
	               CP_E_SYSTEM, "could not be started");
	cp_providers_free(set);
}

static void limits_and_refusals_hold_in_one_process_too(void **state)
{
	(void)state;
	assert_refused(compile_here("eats_memory", 20), CP_E_LIMIT, "used up its memory or its time");
	assert_refused(compile_here("polite", 1), CP_E_LIMIT, "used up its memory or its time");
	assert_refused(compile_here("refuses", 20), CP_E_INPUT, "all.txt:7: the word");
	assert_refused(compile_here("silent", 20), CP_E_INPUT, "did not say why");
	assert_refused(compile_here("lies", 20), CP_E_INPUT, "all.txt:3: \"nonsense\"");
	assert_refused(compile_here("old_record", 20), CP_E_INPUT, "a division of 8 bytes");
}

static void documents_are_found_and_limited(void **state)
{
	(void)state;
	struct cp_providers *set = load("good");
	struct cp_arena *arena = cp_arena_new();
	struct cp_compile_document *documents;
	size_t count;
	assert_int_equal(mkdir(in_folder("xa"), 0700), 0);
	put("xa/all.txt", "of its own folder");
	assert_ok(cp_compile_read(cp_provider_at(set, 0), folder, arena, &documents, &count));
	assert_int_equal(count, 1);
	assert_str(documents[0].content, "of its own folder");
	assert_int_equal(documents[0].date.len, 10);
	uint8_t one[CP_SHA256_SIZE], two[CP_SHA256_SIZE];
	assert_ok(cp_compile_key(cp_provider_at(set, 0), documents, count, one));
	put("xa/all.txt", "of its own folder!");
	assert_ok(cp_compile_read(cp_provider_at(set, 0), folder, arena, &documents, &count));
	assert_ok(cp_compile_key(cp_provider_at(set, 0), documents, count, two));
	assert_memory_not_equal(one, two, sizeof(one));
	assert_int_equal(truncate(in_folder("xa/all.txt"), (1 << 20) + 1), 0);
	assert_int_equal(cp_compile_read(cp_provider_at(set, 0), folder, arena, &documents, &count), CP_E_LIMIT);
	assert_int_equal(unlink(in_folder("xa/all.txt")), 0);
	assert_int_equal(mkfifo(in_folder("xa/all.txt"), 0600), 0); /* must not wait for somebody to write */
	assert_int_equal(cp_compile_read(cp_provider_at(set, 0), folder, arena, &documents, &count), CP_E_INPUT);
	assert_int_equal(unlink(in_folder("xa/all.txt")), 0);
	assert_int_equal(unlink(in_folder("all.txt")), 0);
	assert_int_equal(cp_compile_read(cp_provider_at(set, 0), folder, arena, &documents, &count), CP_E_NOTFOUND);
	assert_non_null(strstr(cp_error_message(), "published at https://example.org/all.txt"));
	cp_arena_free(arena);
	cp_providers_free(set);
}

static void the_cache_is_used_until_a_document_changes(void **state)
{
	(void)state;
	struct cp_providers *set = load("good");
	struct cp_arena *arena = cp_arena_new();
	struct cp_str cache;
	struct cp_dataset *one, *two, *three, *none;
	assert_ok(cp_cache_folder(in_folder("deep/cache"), arena, &cache));
	const char *program = getenv("CP_TEST_PROGRAM");
	assert_int_equal(cp_cache_open_active(cache, CP_STR("xa"), &none), CP_E_NOTFOUND);
	assert_ok(cp_cache_open_compiled(cache, program, cp_provider_at(set, 0), folder, &one));
	assert_ok(cp_cache_open_compiled(cache, "/nowhere", cp_provider_at(set, 0), folder, &two)); /* nobody was started */
	assert_memory_equal(cp_dataset_info(one)->sha256, cp_dataset_info(two)->sha256, CP_SHA256_SIZE);
	put("all.txt", "two\n");
	assert_ok(cp_cache_open_compiled(cache, program, cp_provider_at(set, 0), folder, &three));
	assert_memory_not_equal(cp_dataset_info(one)->key, cp_dataset_info(three)->key, CP_SHA256_SIZE);
	cp_dataset_unref(one);
	cp_dataset_unref(two);
	cp_dataset_unref(three);
	cp_arena_free(arena);
	cp_providers_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_child_compiles, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_child_that_misbehaves_costs_a_report, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_child_finds_no_secrets, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_program_that_is_not_there_is_told, setup, teardown),
	    cmocka_unit_test_setup_teardown(limits_and_refusals_hold_in_one_process_too, setup, teardown),
	    cmocka_unit_test_setup_teardown(documents_are_found_and_limited, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_cache_is_used_until_a_document_changes, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
