/*
 * Settings: a program's table of names, types, defaults and explanations, filled from an env-style file and then from the
 * environment, checked as a whole before anything starts.
 *
 * An unknown CALLPOWER_ name, an ill-typed value or a missing one is an error that names it. The table is also the source of the
 * configuration reference. Loaded once on the main thread, read by all.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include "base/error.h"
#include "base/str.h"

#include <stdio.h>

enum cp_setting_type {
	CP_SETTING_TEXT,   /* any UTF-8 text */
	CP_SETTING_NUMBER, /* decimal integer within min..max */
	CP_SETTING_BOOL,   /* yes no true false on off 1 0 */
	CP_SETTING_PATH,   /* file or folder; not checked for existence here */
	CP_SETTING_URL,    /* http:// or https:// with a host, no fragment, no trailing slash */
	CP_SETTING_CHOICE, /* one of the words in choices, separated by | */
};

struct cp_setting {
	const char *name; /* CALLPOWER_... */
	enum cp_setting_type type;
	const char *preset;  /* default as text; NULL: none, then it is absent unless given */
	int64_t min, max;    /* NUMBER: inclusive */
	const char *choices; /* CHOICE */
	bool secret;         /* never printed, never in an error message */
	const char *unit;    /* NUMBER: "ms", "s", "bytes", ...; may be NULL */
	const char *help;    /* one or two sentences for the operator */
};

struct cp_settings;

/*
 * Reads file (may be NULL: none; a named file must exist), then environment (a NULL-terminated array of NAME=value), over the
 * table's defaults. CP_E_INPUT with every problem found, one a line, in the message. Owned by the caller.
 *
 * File: lines of NAME=value; blank lines and lines that start with # are skipped; a value may stand in single or double quotes.
 */
int cp_settings_load(const struct cp_setting *table, size_t count, const char *file, const char *const *environment,
                     struct cp_settings **ret_settings);
struct cp_settings *cp_settings_free(struct cp_settings *settings);

/* Each ends the process with a message where name is not in the table or has another type: a bug, not input. */
const char *cp_settings_text(const struct cp_settings *settings, const char *name); /* TEXT PATH URL CHOICE; NULL where absent */
int64_t cp_settings_number(const struct cp_settings *settings, const char *name);
bool cp_settings_bool(const struct cp_settings *settings, const char *name);
bool cp_settings_has(const struct cp_settings *settings, const char *name);

/* The configuration reference in Markdown, from the table. */
void cp_settings_reference(const struct cp_setting *table, size_t count, FILE *out);

#endif
