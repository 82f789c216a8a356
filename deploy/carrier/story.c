/* The story of a call: what happened, for people, tests and the page. */
#include "base/memory.h"
#include "switchboard.h"

#include <stdarg.h>

static double seconds_since_creation(struct cp_leg *root)
{
	int64_t us = cp_line_clock_now(&root->line_clock) - root->created_us;
	return (double)(us / 1000) / 1000;
}

void cp_story_add(struct cp_leg *leg, const char *kind, const char *fmt, ...)
{
	struct cp_leg *root = cp_leg_root(leg);
	if (json_array_size(root->story) >= CP_STORY_MAX)
		return;
	json_t *entry = json_object();
	json_object_set_new(entry, "at", json_real(seconds_since_creation(root)));
	json_object_set_new(entry, "kind", json_string(kind));
	if (leg != root)
		json_object_set_new(entry, "leg", json_string(leg->sid));
	if (fmt != NULL) {
		va_list args;
		va_start(args, fmt);
		json_error_t error;
		json_t *more = json_vpack_ex(&error, 0, fmt, args);
		va_end(args);
		if (more != NULL) /* NULL: a text that is not UTF-8; the entry then stands without its details */
			json_object_update(entry, more);
		json_decref(more);
	}
	json_array_append_new(root->story, entry);
	cp_switchboard_told(root, entry);
}

void cp_story_error(struct cp_leg *leg, int code, const char *text, struct cp_str url)
{
	cp_story_add(leg, "error", "{s:i,s:s,s:s%}", "code", code, "text", text, "url", url.ptr == NULL ? "" : url.ptr, url.len);
}
