/* Forms of strangers: fields are text, and writing them out and reading them again gives the same fields. */
#include "fuzz.h"

#include "base/arena.h"
#include "text/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cp_arena *arena = cp_arena_new();
	struct cp_form form, again;
	struct cp_buf encoded = {0};
	if (cp_form_parse(cp_str_n((const char *)data, size), arena, &form) == 0) {
		MUST_HOLD(form.count <= CP_FORM_MAX_FIELDS);
		for (size_t i = 0; i < form.count; ++i) {
			MUST_HOLD(cp_str_is_utf8(form.fields[i].name) && cp_str_is_utf8(form.fields[i].value));
			cp_form_add(&encoded, cp_arena_cstr(arena, form.fields[i].name), form.fields[i].value);
		}
		MUST_HOLD(cp_form_parse(cp_buf_str(&encoded), arena, &again) == 0);
		MUST_HOLD(again.count == form.count);
		for (size_t i = 0; i < form.count; ++i)
			MUST_HOLD(cp_str_eq(again.fields[i].name, form.fields[i].name) && cp_str_eq(again.fields[i].value, form.fields[i].value));
	}
	cp_buf_free(&encoded);
	cp_arena_free(arena);
	return 0;
}
