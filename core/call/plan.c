#include "call/plan.h"

#include "base/memory.h"
#include "call/machine.h"
#include "text/json.h"

#include <stddef.h>
#include <string.h>

struct cp_str cp_plan_write(const struct cp_plan *plan, struct cp_arena *arena)
{
	CP_CLEANUP(cp_json_free_ptr) json_t *json = json_object();
	json_t *targets = json_array();
	for (size_t i = 0; i < plan->count; ++i) {
		const struct cp_plan_target *target = &plan->targets[i];
		json_t *object = json_object();
		json_object_set_new(object, "key", cp_json_from_str(target->key));
		json_object_set_new(object, "title", cp_json_from_str(target->title));
		json_object_set_new(object, "name", cp_json_from_str(target->name));
		json_object_set_new(object, "district", cp_json_from_str(target->district));
		json_object_set_new(object, "location", cp_json_from_str(target->location));
		json_object_set_new(object, "phone", cp_json_from_str(target->phone));
		json_array_append_new(targets, object);
	}
	json_object_set_new(json, "targets", targets);
	return cp_json_text(json, arena);
}

/* ---- reading: each step of a call does it, so this takes the document apart in one pass instead of building a tree of it */

struct reader {
	char *at, *end; /* a copy that belongs to the arena: texts are decoded where they stand */
	bool failed;
};

static char next_char(struct reader *reader)
{
	while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r'))
		++reader->at;
	return reader->at < reader->end ? *reader->at : '\0';
}

static bool take(struct reader *reader, char c)
{
	if (next_char(reader) != c)
		return false;
	++reader->at;
	return true;
}

/* Behind "\u": four digits, as UTF-8 to *to. Only control characters are written so; half a character outside of the BMP is refused. */
static bool decode_unicode(struct reader *reader, char **to)
{
	unsigned char bytes[2];
	if (reader->end - reader->at < 4 || cp_unhex(cp_str_n(reader->at, 4), bytes, 2) != 0)
		return false;
	unsigned code = (unsigned)bytes[0] << 8 | bytes[1];
	reader->at += 4;
	if (code == 0 || (code >= 0xd800 && code <= 0xdfff))
		return false;
	if (code >= 0x800)
		*(*to)++ = (char)(0xe0 | code >> 12);
	if (code >= 0x80)
		*(*to)++ = (char)(code >= 0x800 ? 0x80 | (code >> 6 & 0x3f) : 0xc0 | code >> 6);
	*(*to)++ = (char)(code >= 0x80 ? 0x80 | (code & 0x3f) : code);
	return true;
}

static bool decode_escape(struct reader *reader, char **to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	if (reader->at == reader->end)
		return false;
	char c = *reader->at++;
	if (c == 'u')
		return decode_unicode(reader, to);
	const char *known = c == '\0' ? NULL : strchr(from, c);
	if (known == NULL)
		return false;
	*(*to)++ = into[known - from];
	return true;
}

/* Behind the opening quote. What an escape stands for is never longer than the escape. */
static struct cp_str read_string(struct reader *reader)
{
	char *start = reader->at;
	while (reader->at < reader->end && *reader->at != '"' && *reader->at != '\\')
		++reader->at;
	char *to = reader->at;
	while (reader->at < reader->end && *reader->at != '"') {
		char c = *reader->at++;
		if (c != '\\') {
			*to++ = c;
		} else if (!decode_escape(reader, &to)) {
			reader->failed = true;
			return CP_STR_NULL;
		}
	}
	reader->failed = reader->failed || !take(reader, '"');
	return cp_str_n(start, (size_t)(to - start));
}

/* A string; absent for null. */
static struct cp_str read_text(struct reader *reader)
{
	if (take(reader, '"'))
		return read_string(reader);
	if (next_char(reader) == 'n' && cp_str_starts(cp_str_n(reader->at, (size_t)(reader->end - reader->at)), CP_STR("null")))
		reader->at += 4;
	else
		reader->failed = true;
	return CP_STR_NULL;
}

static void read_target(struct reader *reader, struct cp_plan_target *target)
{
	static const struct {
		const char *key;
		size_t offset;
	} members[] = {
		{"key", offsetof(struct cp_plan_target, key)},           {"title", offsetof(struct cp_plan_target, title)},
		{"name", offsetof(struct cp_plan_target, name)},         {"district", offsetof(struct cp_plan_target, district)},
		{"location", offsetof(struct cp_plan_target, location)}, {"phone", offsetof(struct cp_plan_target, phone)},
	};
	reader->failed = reader->failed || !take(reader, '{');
	while (!reader->failed) {
		if (!take(reader, '"')) {
			reader->failed = true;
			return;
		}
		struct cp_str key = read_string(reader);
		reader->failed = reader->failed || !take(reader, ':');
		struct cp_str value = reader->failed ? CP_STR_NULL : read_text(reader);
		for (size_t i = 0; i < CP_COUNT(members); ++i)
			if (cp_str_eq(key, cp_str(members[i].key)))
				*(struct cp_str *)(void *)((char *)target + members[i].offset) = value;
		if (!take(reader, ',')) {
			reader->failed = reader->failed || !take(reader, '}');
			return;
		}
	}
}

static size_t read_targets(struct reader *reader, struct cp_plan_target targets[CP_CALL_MAX_TARGETS])
{
	size_t count = 0;
	reader->failed = !(take(reader, '{') && take(reader, '"') && cp_str_eq(read_string(reader), CP_STR("targets")) && take(reader, ':') &&
	                   take(reader, '['));
	while (!reader->failed && count < CP_CALL_MAX_TARGETS) {
		targets[count] = (struct cp_plan_target){0};
		read_target(reader, &targets[count++]);
		if (!take(reader, ','))
			break;
	}
	reader->failed = reader->failed || !(take(reader, ']') && take(reader, '}') && next_char(reader) == '\0' && reader->at == reader->end);
	return count;
}

int cp_plan_parse(struct cp_str text, struct cp_arena *arena, struct cp_plan *ret_plan)
{
	struct cp_plan_target targets[CP_CALL_MAX_TARGETS];
	char *copy = cp_arena_cstr(arena, text);
	struct reader reader = {copy, copy + text.len, false};
	size_t count = read_targets(&reader, targets);
	if (reader.failed)
		return cp_fail(CP_E_BUG, "a stored plan is damaged at its byte %zu", (size_t)(reader.at - copy));
	struct cp_plan_target *kept = cp_arena_alloc_array(arena, count, sizeof(*kept));
	memcpy(kept, targets, count * sizeof(*kept));
	*ret_plan = (struct cp_plan){kept, count};
	return 0;
}
