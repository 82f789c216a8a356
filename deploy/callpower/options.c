#include "command.h"

#include <string.h>

static const struct cp_option *find(const struct cp_option *options, size_t count, struct cp_str name)
{
	for (size_t i = 0; i < count; ++i)
		if (cp_str_eq(cp_str(options[i].name), name))
			return &options[i];
	return NULL;
}

static int take(const struct cp_option *option, const char *value)
{
	if (option->text != NULL)
		*option->text = value;
	if (option->many == NULL)
		return 0;
	if (*option->many_count == option->many_size)
		return cp_fail(CP_E_INPUT, "--%s is given more than %zu times", option->name, option->many_size);
	option->many[(*option->many_count)++] = value;
	return 0;
}

int cp_options_parse(const struct cp_option *options, size_t count, int argc, char **argv, int first, int *ret_count)
{
	int kept = 0;
	bool only_arguments = false;
	for (int i = first; i < argc; ++i) {
		if (only_arguments || strncmp(argv[i], "--", 2) != 0) {
			argv[first + kept++] = argv[i];
			continue;
		}
		if (argv[i][2] == '\0') {
			only_arguments = true;
			continue;
		}
		struct cp_str value, name = cp_str_split(cp_str(argv[i] + 2), '=', &value);
		const struct cp_option *option = find(options, count, name);
		if (option == NULL)
			return cp_fail(CP_E_INPUT, "there is no option --%.*s", CP_STR_ARG(name));
		if (option->flag && value.ptr != NULL)
			return cp_fail(CP_E_INPUT, "--%s takes no value", option->name);
		const char *text = option->flag ? "yes" : value.ptr;
		if (text == NULL) {
			if (i + 1 == argc)
				return cp_fail(CP_E_INPUT, "--%s needs a value", option->name);
			text = argv[++i];
		}
		int error = take(option, text);
		if (error != 0)
			return error;
	}
	*ret_count = kept;
	return 0;
}
