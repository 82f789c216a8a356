/* callpower: the server and its command line. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "command.h"
#include "crypto/process.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct cp_command *const commands[] = {
	&cp_command_migrate,
	&cp_command_key,
	&cp_command_tenant,
	&cp_command_data,
	&cp_command_campaign,
	&cp_command_serve,
	&cp_command_lookup,
	&cp_command_settings,
	&cp_command_compile_provider,
	&cp_command_routes,
};

static void print_usage(FILE *out, const struct cp_command *command)
{
	struct cp_str rest = cp_str(command->usage);
	do {
		struct cp_str form = cp_str_split(rest, '\n', &rest);
		if (cp_str_starts(form, CP_STR(" "))) /* more of the form above */
			fprintf(out, "      %.*s\n", CP_STR_ARG(form));
		else
			fprintf(out, "  callpower %s%s%.*s\n", command->name, form.len == 0 ? "" : " ", CP_STR_ARG(form));
	} while (rest.ptr != NULL);
}

static void print_help(FILE *out)
{
	fprintf(out, "callpower %s: phone campaigns of many organizations on one instance\n\n", CALLPOWER_VERSION);
	for (size_t i = 0; i < CP_COUNT(commands); ++i) {
		if (commands[i]->hidden)
			continue;
		fprintf(out, "%s\n", commands[i]->summary);
		print_usage(out, commands[i]);
		fputc('\n', out);
	}
	fputs("Settings are environment variables (and the file that CALLPOWER_SETTINGS names); `callpower settings` explains them.\n", out);
}

int cp_command_usage(const struct cp_command *command, const char *problem, ...)
{
	va_list args;
	va_start(args, problem);
	fprintf(stderr, "callpower %s: ", command->name);
	vfprintf(stderr, problem, args);
	va_end(args);
	fputs("\nusage:\n", stderr);
	print_usage(stderr, command);
	return 2;
}

int cp_command_failed(const struct cp_command *command)
{
	fprintf(stderr, "callpower %s: %s\n", command->name, cp_error_message());
	return 1;
}

static int run_settings(const struct cp_settings *settings, int argc, char **argv)
{
	(void)settings;
	(void)argv;
	if (argc > 1)
		return cp_command_usage(&cp_command_settings, "no argument is expected");
	cp_settings_reference(cp_callpower_settings, cp_callpower_settings_count, stdout);
	return 0;
}

const struct cp_command cp_command_settings = {"settings", "", "Explain every setting, as a Markdown table.", run_settings, false};

static enum cp_log_level log_level(const char *word)
{
	switch (word[0]) {
	case 'e':
		return CP_LOG_ERROR;
	case 'w':
		return CP_LOG_WARNING;
	case 'd':
		return CP_LOG_DEBUG;
	default:
		return CP_LOG_INFO;
	}
}

int main(int argc, char **argv)
{
	extern char **environ;
	setlocale(LC_ALL, "C.UTF-8");
	if (cp_process_forbid_dumps() != 0 || cp_crypto_start() != 0) {
		fprintf(stderr, "callpower: %s\n", cp_error_message());
		return 1;
	}
	const char *name = argc > 1 ? argv[1] : "help";
	if (cp_str_eq(cp_str(name), CP_STR("help")) || cp_str_eq(cp_str(name), CP_STR("--help"))) {
		print_help(stdout);
		return argc > 1 ? 0 : 2;
	}
	if (cp_str_eq(cp_str(name), CP_STR("version")) || cp_str_eq(cp_str(name), CP_STR("--version"))) {
		puts(CALLPOWER_VERSION);
		return 0;
	}
	const struct cp_command *command = NULL;
	for (size_t i = 0; i < CP_COUNT(commands); ++i)
		if (cp_str_eq(cp_str(commands[i]->name), cp_str(name)))
			command = commands[i];
	if (command == NULL) {
		fprintf(stderr, "callpower: there is no command \"%s\"; `callpower help` lists them\n", name);
		return 2;
	}
	struct cp_settings *settings;
	if (cp_settings_load(cp_callpower_settings, cp_callpower_settings_count, getenv("CALLPOWER_SETTINGS"),
	                     (const char *const *)environ, &settings) != 0) {
		fprintf(stderr, "callpower: these settings cannot be used:\n%s\n", cp_error_message());
		return 1;
	}
	cp_clock_set_offset_us(cp_settings_number(settings, "CALLPOWER_CLOCK_OFFSET_S") * 1000000);
	cp_log_setup("callpower", cp_settings_text(settings, "CALLPOWER_LOG_FORMAT")[0] == 'j' ? CP_LOG_JSON : CP_LOG_TEXT,
	             log_level(cp_settings_text(settings, "CALLPOWER_LOG_LEVEL")));
	int status = command->run(settings, argc - 1, argv + 1);
	cp_settings_free(settings);
	return status;
}
