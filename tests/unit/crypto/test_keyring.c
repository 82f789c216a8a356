#include "check.h"

#include "base/memory.h"
#include "crypto/keyring.h"
#include "crypto/secret.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/cp-keyring-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/master.key", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void write_file(const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void test_keyring__new_file_loads_and_seals(void **state)
{
	(void)state;
	uint32_t id = 0;
	struct stat status;
	struct cp_keyring *keyring;
	char sealed[3 + CP_SEAL_OVERHEAD], opened[3];
	assert_int_equal(cp_keyring_file_new(path, &id), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(cp_keyring_load_file(path, &keyring), 0);
	assert_int_equal(cp_keyring_count(keyring), 1);
	assert_int_equal(cp_keyring_current_id(keyring), id);
	cp_keyring_seal(keyring, CP_STR("x"), CP_STR("abc"), sealed);
	assert_int_equal(cp_keyring_open(keyring, CP_STR("x"), cp_str_n(sealed, sizeof(sealed)), opened), 0);
	assert_memory_equal(opened, "abc", 3);
	assert_int_equal(cp_keyring_open(keyring, CP_STR("y"), cp_str_n(sealed, sizeof(sealed)), opened), CP_E_DENIED);
	cp_keyring_free(keyring);
	assert_int_equal(cp_keyring_file_new(path, &id), CP_E_CONFLICT); /* never overwritten */
}

static void test_keyring__rotation(void **state)
{
	(void)state;
	uint32_t first, second;
	struct cp_keyring *before, *after;
	char sealed[3 + CP_SEAL_OVERHEAD], newer[3 + CP_SEAL_OVERHEAD], opened[3];
	assert_int_equal(cp_keyring_file_new(path, &first), 0);
	assert_int_equal(cp_keyring_load_file(path, &before), 0);
	cp_keyring_seal(before, CP_STR("x"), CP_STR("abc"), sealed);
	assert_int_equal(cp_keyring_file_add(path, &second), 0);
	assert_int_equal(cp_keyring_load_file(path, &after), 0);
	assert_int_equal(cp_keyring_count(after), 2);
	assert_int_equal(cp_keyring_current_id(after), second);
	assert_int_not_equal(first, second);
	assert_int_equal(cp_keyring_open(after, CP_STR("x"), cp_str_n(sealed, sizeof(sealed)), opened), 0);
	cp_keyring_seal(after, CP_STR("x"), CP_STR("abc"), newer);
	assert_int_equal(cp_keyring_open(before, CP_STR("x"), cp_str_n(newer, sizeof(newer)), opened), CP_E_NOTFOUND);
	char id[16];
	snprintf(id, sizeof(id), "%08x", second);
	assert_non_null(strstr(cp_error_message(), id)); /* it says which key is missing */
	cp_keyring_free(before);
	cp_keyring_free(after);
	/* Whoever may read the file may read the new one. */
	struct stat status;
	if (geteuid() == 0)
		assert_int_equal(chown(path, 0, 65534), 0);
	assert_int_equal(chmod(path, geteuid() == 0 ? 0440 : 0400), 0);
	assert_int_equal(cp_keyring_file_add(path, NULL), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, geteuid() == 0 ? 0440 : 0400);
	if (geteuid() == 0)
		assert_int_equal(status.st_gid, 65534);
}

static void test_keyring__others_must_not_read_it(void **state)
{
	(void)state;
	struct cp_keyring *keyring;
	assert_int_equal(cp_keyring_file_new(path, NULL), 0);
	static const mode_t open_modes[] = {0644, 0604, 0602, 0601, 0620, 0666, 0444, 0610};
	for (size_t i = 0; i < CP_COUNT(open_modes); ++i) {
		assert_int_equal(chmod(path, open_modes[i]), 0);
		assert_int_equal(cp_keyring_load_file(path, &keyring), CP_E_DENIED);
		assert_non_null(strstr(cp_error_message(), "chmod 600"));
		assert_int_equal(cp_keyring_file_add(path, NULL), CP_E_DENIED);
	}
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(cp_keyring_load_file(path, &keyring), 0);
	cp_keyring_free(keyring);
	/* Its group may read what root owns (systemd hands credentials out so); nobody's own file. */
	assert_int_equal(chmod(path, 0440), 0);
	int error = cp_keyring_load_file(path, &keyring);
	assert_int_equal(error, geteuid() == 0 ? 0 : CP_E_DENIED);
	if (error == 0)
		cp_keyring_free(keyring);
	if (geteuid() == 0) {
		assert_int_equal(chmod(path, 0600), 0);
		assert_int_equal(chown(path, 65534, 65534), 0); /* a file that somebody else can change at will */
		assert_int_equal(cp_keyring_load_file(path, &keyring), CP_E_DENIED);
	}
}

static void test_keyring__what_is_no_key_file(void **state)
{
	(void)state;
	struct cp_keyring *keyring;
	static const char good[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
	char twice[128];
	snprintf(twice, sizeof(twice), "%s\n\n# again\n%s\n", good, good);
	const char *const wrong[] = {
	    "", "# only a comment\n", "hello\n", "AAECAwQFBgc=\n", twice, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"};
	for (size_t i = 0; i < CP_COUNT(wrong); ++i) {
		write_file(wrong[i], 0600);
		assert_int_equal(cp_keyring_load_file(path, &keyring), CP_E_INPUT);
		assert_non_null(strstr(cp_error_message(), path));
		assert_null(strstr(cp_error_message(), "AAEC")); /* what may be a key is not repeated */
	}
	assert_int_equal(cp_keyring_load_file(folder, &keyring), CP_E_INPUT); /* a folder */
	unlink(path);
	assert_int_equal(cp_keyring_load_file(path, &keyring), CP_E_SYSTEM);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(cp_keyring_load_file(path, &keyring), CP_E_INPUT); /* and does not wait for a writer */
}

static void test_keyring__from_a_command(void **state)
{
	(void)state;
	struct cp_keyring *keyring;
	char command[128];
	assert_int_equal(cp_keyring_file_new(path, NULL), 0);
	snprintf(command, sizeof(command), "cat %s", path);
	assert_int_equal(cp_keyring_load_command(command, 5000, &keyring), 0);
	assert_int_equal(cp_keyring_count(keyring), 1);
	cp_keyring_free(keyring);
	snprintf(command, sizeof(command), "cat %s; exit 3", path);
	assert_int_equal(cp_keyring_load_command(command, 5000, &keyring), CP_E_UNAVAILABLE);
	assert_non_null(strstr(cp_error_message(), "exit status 3"));
	assert_int_equal(cp_keyring_load_command("true", 5000, &keyring), CP_E_INPUT);
	assert_int_equal(cp_keyring_load_command("sleep 60", 100, &keyring), CP_E_TIMEOUT);
	assert_int_equal(cp_keyring_load_command("exec >&-; sleep 60", 100, &keyring), CP_E_TIMEOUT);
	assert_int_equal(cp_keyring_load_command("yes", 5000, &keyring), CP_E_LIMIT);
}

static void test_secret__reading(void **state)
{
	(void)state;
	struct cp_secret_bytes secret = {0};
	write_file("s3cret\n", 0600);
	assert_int_equal(cp_secret_read(path, 7, &secret), 0);
	assert_string_equal(secret.ptr, "s3cret\n");
	assert_int_equal(cp_secret_read(path, 6, &secret), CP_E_LIMIT);
	assert_string_equal(secret.ptr, "s3cret\n"); /* untouched by the failure */
	cp_secret_bytes_free(&secret);
	assert_null(secret.ptr);
	assert_true(cp_secret_eq(CP_STR("abc"), CP_STR("abc")));
	assert_false(cp_secret_eq(CP_STR("abc"), CP_STR("abd")));
	assert_false(cp_secret_eq(CP_STR("abc"), CP_STR("ab")));
	assert_true(cp_secret_eq(CP_STR_NULL, CP_STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_keyring__new_file_loads_and_seals, remove_file),
	    cmocka_unit_test_teardown(test_keyring__rotation, remove_file),
	    cmocka_unit_test_teardown(test_keyring__others_must_not_read_it, remove_file),
	    cmocka_unit_test_teardown(test_keyring__what_is_no_key_file, remove_file),
	    cmocka_unit_test_teardown(test_keyring__from_a_command, remove_file),
	    cmocka_unit_test_teardown(test_secret__reading, remove_file),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
