/* JSON through jansson: this header is how the rest of the program gets at it, with parsing from text of strangers added. */
#ifndef TEXT_JSON_H
#define TEXT_JSON_H

#include "base/arena.h"

#include <jansson.h>

/*
 * Parses one document; duplicate keys, anything behind it, NUL characters and nesting deeper than 64 are refused. CP_E_INPUT with a
 * sentence that names line and column. *ret_json is the caller's reference.
 */
int cp_json_parse(struct cp_str text, json_t **ret_json);
/* The document in one line, keys in order of insertion, in arena. */
struct cp_str cp_json_text(const json_t *json, struct cp_arena *arena);
/* Member as text, borrowed from object; absent where it is missing or null or not a string. */
struct cp_str cp_json_str(const json_t *object, const char *key);
/* A new JSON string (null for absent); text must be UTF-8. */
json_t *cp_json_from_str(struct cp_str text);
void cp_json_free_ptr(json_t **json); /* for CP_CLEANUP: drops the reference */

#endif
