#include "text/template.h"

#include <string.h>

enum tag_kind { TAG_VARIABLE, TAG_SECTION, TAG_INVERTED, TAG_CLOSE };

struct tag {
	enum tag_kind kind;
	struct cp_str name;
	struct cp_str before; /* text up to the tag */
};

/* Splits text at its first tag. False where there is none: before is then all of it. CP_E_INPUT goes to *error for a tag left open. */
static bool next_tag(struct cp_str *text, struct tag *tag, int *error)
{
	const char *open = text->len < 2 ? NULL : memmem(text->ptr, text->len, "{{", 2);
	tag->before = open == NULL ? *text : cp_str_n(text->ptr, (size_t)(open - text->ptr));
	if (open == NULL)
		return false;
	size_t left = text->len - tag->before.len - 2;
	const char *close = memmem(open + 2, left, "}}", 2);
	if (close == NULL) {
		*error = cp_fail(CP_E_INPUT, "a {{ has no }} behind it");
		return false;
	}
	struct cp_str name = cp_str_n(open + 2, (size_t)(close - open - 2));
	*text = cp_str_n(close + 2, left - name.len - 2);
	name = cp_str_trim(name);
	tag->kind = TAG_VARIABLE;
	if (name.len != 0 && strchr("#^/", name.ptr[0]) != NULL) {
		tag->kind = name.ptr[0] == '#' ? TAG_SECTION : name.ptr[0] == '^' ? TAG_INVERTED : TAG_CLOSE;
		name = cp_str_trim(cp_str_n(name.ptr + 1, name.len - 1));
	}
	tag->name = name;
	return true;
}

static int check_name(struct cp_str name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; ++i)
		if (cp_str_eq(name, cp_str(names[i])))
			return 0;
	return cp_fail(CP_E_INPUT, "this text cannot use {{%.*s}}", CP_STR_ARG(name));
}

int cp_template_check(struct cp_str text, const char *const *names, size_t count)
{
	struct cp_str open[CP_TEMPLATE_MAX_DEPTH];
	unsigned depth = 0;
	int error = 0;
	struct tag tag;
	if (text.len > CP_TEMPLATE_MAX_SIZE)
		return cp_fail(CP_E_LIMIT, "a text may have at most %d bytes", CP_TEMPLATE_MAX_SIZE);
	if (!cp_str_is_utf8(text))
		return cp_fail(CP_E_INPUT, "the text is not UTF-8");
	while (next_tag(&text, &tag, &error)) {
		if ((error = check_name(tag.name, names, count)) != 0)
			return error;
		if (tag.kind == TAG_VARIABLE)
			continue;
		if (tag.kind != TAG_CLOSE) {
			if (depth == CP_TEMPLATE_MAX_DEPTH)
				return cp_fail(CP_E_LIMIT, "sections are nested more than %d deep", CP_TEMPLATE_MAX_DEPTH);
			open[depth++] = tag.name;
		} else if (depth == 0 || !cp_str_eq(open[--depth], tag.name)) {
			return cp_fail(CP_E_INPUT, "{{/%.*s}} closes a section that is not open", CP_STR_ARG(tag.name));
		}
	}
	if (error == 0 && depth != 0)
		return cp_fail(CP_E_INPUT, "{{#%.*s}} is not closed", CP_STR_ARG(open[depth - 1]));
	return error;
}

static struct cp_str value_of(struct cp_str name, const struct cp_template_variable *variables, size_t count)
{
	for (size_t i = 0; i < count; ++i)
		if (cp_str_eq(name, cp_str(variables[i].name)))
			return variables[i].value;
	return CP_STR_NULL;
}

void cp_template_render(struct cp_buf *out, struct cp_str text, const struct cp_template_variable *variables, size_t count)
{
	unsigned depth = 0, hidden_from = 0; /* hidden_from: depth of the outermost section that is not shown, 0 for none */
	int error = 0;
	struct tag tag;
	while (next_tag(&text, &tag, &error)) {
		if (hidden_from == 0)
			cp_buf_add(out, tag.before);
		struct cp_str value = value_of(tag.name, variables, count);
		switch (tag.kind) {
		case TAG_VARIABLE:
			if (hidden_from == 0)
				cp_buf_add(out, value);
			break;
		case TAG_SECTION:
		case TAG_INVERTED:
			++depth;
			if (hidden_from == 0 && (value.len != 0) == (tag.kind == TAG_INVERTED))
				hidden_from = depth;
			break;
		case TAG_CLOSE:
			if (hidden_from == depth)
				hidden_from = 0;
			if (depth != 0)
				--depth;
			break;
		}
	}
	if (hidden_from == 0)
		cp_buf_add(out, tag.before);
}
