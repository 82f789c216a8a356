/*
 * A hash map from text to pointers, for one thread. Keys are copied; values belong to the caller. The hash is keyed with
 * random bytes per process, so that strangers cannot choose colliding keys.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct cp_map;

struct cp_map *cp_map_new(void);
/* free_value may be NULL; it is called for each value left. Accepts NULL; returns NULL. */
struct cp_map *cp_map_free(struct cp_map *map, void (*free_value)(void *value));
void *cp_map_get(const struct cp_map *map, struct cp_str key); /* NULL where absent */
/* Sets key to value (not NULL); returns the value that was there before, or NULL. */
void *cp_map_set(struct cp_map *map, struct cp_str key, void *value);
void *cp_map_remove(struct cp_map *map, struct cp_str key); /* the value removed, or NULL */
size_t cp_map_count(const struct cp_map *map);
/* Calls fn for each entry, in no order; fn must not change the map. */
void cp_map_each(const struct cp_map *map, void (*fn)(void *data, struct cp_str key, void *value), void *data);

/* SipHash-1-3 of the bytes under the process's random key. */
uint64_t cp_hash(const void *bytes, size_t n);

#endif
