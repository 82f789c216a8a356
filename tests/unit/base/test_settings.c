#include "check.h"

#include "base/memory.h"
#include "base/settings.h"

#include <stdlib.h>
#include <unistd.h>

static const struct cp_setting table[] = {
	{"CALLPOWER_NAME", CP_SETTING_TEXT, "nobody", .help = "h"},
	{"CALLPOWER_SIZE", CP_SETTING_NUMBER, "5", 1, 10, .unit = "MB", .help = "h"},
	{"CALLPOWER_FAST", CP_SETTING_BOOL, "no", .help = "h"},
	{"CALLPOWER_MODE", CP_SETTING_CHOICE, "one", .choices = "one|two", .help = "h"},
	{"CALLPOWER_URL", CP_SETTING_URL, NULL, .help = "h"},
	{"CALLPOWER_SECRET", CP_SETTING_URL, NULL, .secret = true, .help = "h"},
};

static int load(const char *file, const char *const *environment, struct cp_settings **settings)
{
	return cp_settings_load(table, CP_COUNT(table), file, environment, settings);
}

static void test_settings__environment_over_file_over_preset(void **state)
{
	(void)state;
	char path[] = "/tmp/cp-settings-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "# comment\n\nCALLPOWER_NAME = \"from file\"\nCALLPOWER_SIZE=7\nCALLPOWER_MODE=two\n";
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	const char *environment[] = {"PATH=/bin", "CALLPOWER_SIZE=9", "CALLPOWER_FAST=Yes", NULL};
	struct cp_settings *settings;
	assert_ok(load(path, environment, &settings));
	unlink(path);
	assert_string_equal(cp_settings_text(settings, "CALLPOWER_NAME"), "from file");
	assert_string_equal(cp_settings_text(settings, "CALLPOWER_MODE"), "two");
	assert_int_equal(cp_settings_number(settings, "CALLPOWER_SIZE"), 9);
	assert_true(cp_settings_bool(settings, "CALLPOWER_FAST"));
	assert_null(cp_settings_text(settings, "CALLPOWER_URL"));
	assert_false(cp_settings_has(settings, "CALLPOWER_URL"));
	cp_settings_free(settings);
}

static void test_settings__every_problem_is_named(void **state)
{
	(void)state;
	const char *environment[] = {"CALLPOWER_SIZE=11",        "CALLPOWER_FAST=perhaps", "CALLPOWER_MODE=tw", "CALLPOWER_OTHER=1",
	                       "CALLPOWER_URL=http://x?y", "CALLPOWER_SECRET=hunter2", NULL};
	struct cp_settings *settings = NULL;
	assert_int_equal(load(NULL, environment, &settings), CP_E_INPUT);
	assert_null(settings);
	const char *message = cp_error_message();
	assert_non_null(strstr(message, "CALLPOWER_SIZE: \"11\" is not a whole number from 1 to 10"));
	assert_non_null(strstr(message, "CALLPOWER_FAST: \"perhaps\" is not yes or no"));
	assert_non_null(strstr(message, "CALLPOWER_MODE: \"tw\" is not one of one|two"));
	assert_non_null(strstr(message, "CALLPOWER_OTHER (environment): no setting has this name"));
	assert_non_null(strstr(message, "CALLPOWER_URL: \"http://x?y\" is not"));
	assert_non_null(strstr(message, "CALLPOWER_SECRET"));
	assert_null(strstr(message, "hunter2"));
}

static void test_settings__missing_file_is_an_error(void **state)
{
	(void)state;
	struct cp_settings *settings = NULL;
	assert_int_equal(load("/nonexistent/settings", NULL, &settings), CP_E_SYSTEM);
	assert_non_null(strstr(cp_error_message(), "/nonexistent/settings"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings__environment_over_file_over_preset),
		cmocka_unit_test(test_settings__every_problem_is_named),
		cmocka_unit_test(test_settings__missing_file_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
