#include "base/settings.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { MAX_FILE = 1024 * 1024 };

struct value {
	char *text; /* NULL: absent */
	int64_t number;
};

struct cp_settings {
	const struct cp_setting *table;
	size_t count;
	struct value *values;
};

#define PREFIX "CALLPOWER_"

static bool choice_has(const char *choices, struct cp_str word)
{
	struct cp_str rest = cp_str(choices);
	while (rest.ptr != NULL)
		if (cp_str_eq(cp_str_split(rest, '|', &rest), word))
			return true;
	return false;
}

static int parse_bool(struct cp_str text, int64_t *ret_number)
{
	static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};
	for (size_t i = 0; i < CP_COUNT(yes); ++i) {
		if (cp_str_eq_ignore_case(text, cp_str(yes[i])) || cp_str_eq_ignore_case(text, cp_str(no[i]))) {
			*ret_number = cp_str_eq_ignore_case(text, cp_str(yes[i]));
			return 0;
		}
	}
	return CP_E_INPUT;
}

static bool is_url(struct cp_str text)
{
	size_t scheme = cp_str_starts(text, CP_STR("https://")) ? 8 : cp_str_starts(text, CP_STR("http://")) ? 7 : 0;
	if (scheme == 0 || text.len == scheme || text.ptr[scheme] == '/' || cp_str_ends(text, CP_STR("/")))
		return false;
	for (size_t i = 0; i < text.len; ++i)
		if (text.ptr[i] <= ' ' || text.ptr[i] == '#' || text.ptr[i] == '?' || text.ptr[i] == 0x7f)
			return false;
	return true;
}

/* Checks text against the setting's type; what is wrong is said without the value where it is a secret. */
static int set_value(const struct cp_setting *setting, struct cp_str text, struct value *value, struct cp_buf *problems)
{
	int64_t number = 0;
	const char *expected = NULL;
	char range[96];
	switch (setting->type) {
	case CP_SETTING_NUMBER: {
		char *copy = cp_strndup(text.ptr, text.len), *end;
		errno = 0;
		number = strtoll(copy, &end, 10);
		if (text.len == 0 || *end != '\0' || errno != 0 || number < setting->min || number > setting->max) {
			snprintf(range, sizeof(range), "a whole number from %" PRId64 " to %" PRId64, setting->min, setting->max);
			expected = range;
		}
		free(copy);
		break;
	}
	case CP_SETTING_BOOL:
		if (parse_bool(text, &number) != 0)
			expected = "yes or no";
		break;
	case CP_SETTING_URL:
		if (!is_url(text))
			expected = "an http:// or https:// address without a query, a fragment or a slash at its end";
		break;
	case CP_SETTING_CHOICE:
		if (!choice_has(setting->choices, text))
			expected = setting->choices;
		break;
	case CP_SETTING_PATH:
		if (text.len == 0)
			expected = "a path";
		break;
	case CP_SETTING_TEXT:
		if (!cp_str_is_utf8(text))
			expected = "UTF-8 text";
		break;
	}
	if (expected != NULL) {
		if (setting->secret)
			cp_buf_printf(problems, "%s: the value given is not %s\n", setting->name, expected);
		else
			cp_buf_printf(problems, "%s: \"%.*s\" is not %s%s\n", setting->name, CP_STR_ARG(text),
			              setting->type == CP_SETTING_CHOICE ? "one of " : "", expected);
		return CP_E_INPUT;
	}
	free(value->text);
	value->text = cp_strndup(text.ptr, text.len);
	value->number = number;
	return 0;
}

static void set_by_name(struct cp_settings *settings, struct cp_str name, struct cp_str text, const char *where, struct cp_buf *problems)
{
	for (size_t i = 0; i < settings->count; ++i) {
		if (cp_str_eq(cp_str(settings->table[i].name), name)) {
			set_value(&settings->table[i], text, &settings->values[i], problems);
			return;
		}
	}
	cp_buf_printf(problems, "%.*s (%s): no setting has this name\n", CP_STR_ARG(name), where);
}

static int read_file(const char *path, struct cp_buf *content)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return cp_fail_errno("cannot read the settings file %s", path);
	char chunk[4096];
	size_t n;
	while ((n = fread(chunk, 1, sizeof(chunk), file)) != 0 && content->len <= MAX_FILE)
		cp_buf_add(content, cp_str_n(chunk, n));
	bool failed = ferror(file) != 0;
	fclose(file);
	if (failed || content->len > MAX_FILE)
		return cp_fail(CP_E_INPUT, "the settings file %s cannot be read or is larger than 1 MiB", path);
	return 0;
}

static void load_file(struct cp_settings *settings, const char *path, struct cp_str content, struct cp_buf *problems)
{
	unsigned number = 0;
	char where[320];
	while (content.ptr != NULL) {
		struct cp_str line = cp_str_trim(cp_str_split(content, '\n', &content));
		++number;
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		struct cp_str value, name = cp_str_trim(cp_str_split(line, '=', &value));
		snprintf(where, sizeof(where), "%.256s, line %u", path, number);
		if (value.ptr == NULL) {
			cp_buf_printf(problems, "%s: a line is NAME=value\n", where);
			continue;
		}
		value = cp_str_trim(value);
		if (value.len >= 2 && (value.ptr[0] == '"' || value.ptr[0] == '\'') && value.ptr[value.len - 1] == value.ptr[0])
			value = cp_str_n(value.ptr + 1, value.len - 2);
		set_by_name(settings, name, value, where, problems);
	}
}

static void load_environment(struct cp_settings *settings, const char *const *environment, struct cp_buf *problems)
{
	for (; *environment != NULL; ++environment) {
		struct cp_str value, name = cp_str_split(cp_str(*environment), '=', &value);
		if (value.ptr != NULL && cp_str_starts(name, CP_STR(PREFIX)))
			set_by_name(settings, name, value, "environment", problems);
	}
}

int cp_settings_load(const struct cp_setting *table, size_t count, const char *file, const char *const *environment,
                     struct cp_settings **ret_settings)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf problems = {0}, content = {0};
	struct cp_settings *settings = cp_alloc(sizeof(*settings));
	settings->table = table;
	settings->count = count;
	settings->values = cp_alloc_array(count, sizeof(*settings->values));
	for (size_t i = 0; i < count; ++i)
		if (table[i].preset != NULL)
			set_value(&table[i], cp_str(table[i].preset), &settings->values[i], &problems);
	int error = 0;
	if (file != NULL && (error = read_file(file, &content)) == 0)
		load_file(settings, file, cp_buf_str(&content), &problems);
	if (error == 0 && environment != NULL)
		load_environment(settings, environment, &problems);
	if (error == 0 && problems.len != 0)
		error = cp_fail(CP_E_INPUT, "%.*s", (int)problems.len - 1, problems.ptr);
	if (error != 0) {
		cp_settings_free(settings);
		return error;
	}
	*ret_settings = settings;
	return 0;
}

struct cp_settings *cp_settings_free(struct cp_settings *settings)
{
	if (settings == NULL)
		return NULL;
	for (size_t i = 0; i < settings->count; ++i)
		free(settings->values[i].text);
	free(settings->values);
	free(settings);
	return NULL;
}

static size_t find(const struct cp_settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->count; ++i)
		if (strcmp(settings->table[i].name, name) == 0)
			return i;
	fprintf(stderr, "bug: no setting is named %s\n", name);
	abort();
}

static const struct value *get(const struct cp_settings *settings, const char *name, bool fits(enum cp_setting_type type))
{
	size_t i = find(settings, name);
	if (!fits(settings->table[i].type)) {
		fprintf(stderr, "bug: the setting %s has another type\n", name);
		abort();
	}
	return &settings->values[i];
}

static bool is_text(enum cp_setting_type type)
{
	return type != CP_SETTING_NUMBER && type != CP_SETTING_BOOL;
}

static bool is_number(enum cp_setting_type type)
{
	return type == CP_SETTING_NUMBER;
}

static bool is_bool(enum cp_setting_type type)
{
	return type == CP_SETTING_BOOL;
}

const char *cp_settings_text(const struct cp_settings *settings, const char *name)
{
	return get(settings, name, is_text)->text;
}

int64_t cp_settings_number(const struct cp_settings *settings, const char *name)
{
	return get(settings, name, is_number)->number;
}

bool cp_settings_bool(const struct cp_settings *settings, const char *name)
{
	return get(settings, name, is_bool)->number != 0;
}

bool cp_settings_has(const struct cp_settings *settings, const char *name)
{
	return settings->values[find(settings, name)].text != NULL;
}

static void print_type(const struct cp_setting *setting, FILE *out)
{
	switch (setting->type) {
	case CP_SETTING_TEXT:
		fputs("text", out);
		break;
	case CP_SETTING_NUMBER:
		fprintf(out, "%" PRId64 " to %" PRId64 "%s%s", setting->min, setting->max, setting->unit == NULL ? "" : " ",
		        setting->unit == NULL ? "" : setting->unit);
		break;
	case CP_SETTING_BOOL:
		fputs("yes or no", out);
		break;
	case CP_SETTING_PATH:
		fputs("path", out);
		break;
	case CP_SETTING_URL:
		fputs("URL", out);
		break;
	case CP_SETTING_CHOICE:
		for (const char *p = setting->choices; *p != '\0'; ++p)
			fputs(*p == '|' ? ", " : (char[]){*p, '\0'}, out);
		break;
	}
}

void cp_settings_reference(const struct cp_setting *table, size_t count, FILE *out)
{
	fputs("| setting | value | default | what it does |\n|---|---|---|---|\n", out);
	for (size_t i = 0; i < count; ++i) {
		fprintf(out, "| `%s` | ", table[i].name);
		print_type(&table[i], out);
		fprintf(out, "%s | ", table[i].secret ? ", secret" : "");
		fprintf(out, table[i].preset == NULL || table[i].preset[0] == '\0' ? "%s" : "`%s`", table[i].preset == NULL ? "none" : table[i].preset);
		fprintf(out, " | %s |\n", table[i].help);
	}
}
