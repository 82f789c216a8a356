/*
 * The subcommands of `callpower`. Each cmd_*.c defines its own; main.c lists them.
 *
 * Exit status: 0 done, 1 failed (the reason on standard error), 2 wrong usage. What people asked for goes to standard output.
 */
#ifndef CALLPOWER_COMMAND_H
#define CALLPOWER_COMMAND_H

#include "base/settings.h"

#include <stdbool.h>
#include <stddef.h>

struct cp_command {
	const char *name;    /* one word */
	const char *usage;   /* what follows the name, one line a form: "list\ncreate SLUG --name NAME" */
	const char *summary; /* one line */
	/* argv[0] is the command's name. */
	int (*run)(const struct cp_settings *settings, int argc, char **argv);
	bool hidden; /* not for people: left out of the help */
};

extern const struct cp_command cp_command_migrate, cp_command_serve, cp_command_tenant, cp_command_key, cp_command_campaign,
	cp_command_data, cp_command_lookup, cp_command_compile_provider, cp_command_settings, cp_command_routes;

/* Prints "callpower NAME: PROBLEM" and the command's usage to standard error; returns 2. */
int cp_command_usage(const struct cp_command *command, const char *problem, ...) CP_PRINTF(2, 3);
/* Prints "callpower NAME: cp_error_message()" to standard error; returns 1. */
int cp_command_failed(const struct cp_command *command);

/*
 * One option of a subcommand. parse takes "--name value" and "--name=value"; a flag has no value. text is set for the last
 * occurrence; repeated ones are collected where many is given.
 */
struct cp_option {
	const char *name; /* without "--" */
	bool flag;
	const char **text;            /* the value; for a flag, "yes" */
	const char **many;            /* array for repeated values, or NULL */
	size_t many_size, *many_count;
};

/*
 * Takes the options out of argv from index first on; what is left (positional arguments) moves to the front of argv + first, and
 * *ret_count says how many. CP_E_INPUT with a sentence for an unknown option or a missing value.
 */
int cp_options_parse(const struct cp_option *options, size_t count, int argc, char **argv, int first, int *ret_count);

/* The settings' table, for main.c and the reference. */
extern const struct cp_setting cp_callpower_settings[];
extern const size_t cp_callpower_settings_count;

#endif
