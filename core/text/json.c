#include "text/json.h"
#include "base/memory.h"

enum { MAX_DEPTH = 64 };

/* jansson's own limit of 2048 levels lets its recursive freeing go deep; ours is checked before it parses. */
static int check_depth(struct cp_str text)
{
	unsigned depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < text.len; ++i) {
		char c = text.ptr[i];
		if (in_string) {
			if (c == '\\')
				++i;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > MAX_DEPTH)
				return cp_fail(CP_E_INPUT, "the JSON document is nested more than %d deep", MAX_DEPTH);
		} else if ((c == '}' || c == ']') && depth != 0) {
			--depth;
		}
	}
	return 0;
}

int cp_json_parse(struct cp_str text, json_t **ret_json)
{
	int error = check_depth(text);
	if (error != 0)
		return error;
	json_error_t problem;
	json_t *json = json_loadb(text.len == 0 ? "" : text.ptr, text.len, JSON_REJECT_DUPLICATES, &problem);
	if (json == NULL)
		return cp_fail(CP_E_INPUT, "not JSON: %s (line %d, column %d)", problem.text, problem.line, problem.column);
	*ret_json = json;
	return 0;
}

static int append(const char *part, size_t size, void *data)
{
	cp_buf_add(data, cp_str_n(part, size));
	return 0;
}

struct cp_str cp_json_text(const json_t *json, struct cp_arena *arena)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf text = {0};
	if (json_dump_callback(json, append, &text, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		return CP_STR("null");
	return cp_arena_str(arena, cp_buf_str(&text));
}

struct cp_str cp_json_str(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_string(value))
		return CP_STR_NULL;
	return cp_str_n(json_string_value(value), json_string_length(value));
}

json_t *cp_json_from_str(struct cp_str text)
{
	json_t *value = text.ptr == NULL ? json_null() : json_stringn(text.ptr, text.len);
	return value == NULL ? json_null() : value;
}

void cp_json_free_ptr(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}
