#include "kit/text.h"
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int kit_fail(struct kit_error *error, int rc, uint32_t line, const char *fmt, ...)
{
	if (error == NULL)
		return rc;
	va_list args;
	va_start(args, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	error->line = line;
	return rc;
}

int kit_fail_memory(struct kit_error *error, uint32_t line)
{
	return kit_fail(error, PROVIDER_E_LIMIT, line, "the memory that a plugin may use is used up");
}

void *kit_alloc(const struct provider_call *call, size_t size)
{
	return call->host->alloc(call->host->ctx, call->arena, size, 16);
}

bool kit_expired(const struct provider_call *call)
{
	return call->host->expired(call->host->ctx);
}

struct provider_str kit_str(const char *text)
{
	return (struct provider_str){text, text == NULL ? 0 : strlen(text)};
}

bool kit_str_eq(struct provider_str a, struct provider_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool kit_str_is(struct provider_str a, const char *text)
{
	return kit_str_eq(a, kit_str(text));
}

bool kit_str_number(struct provider_str text, uint32_t max, uint32_t *ret_value)
{
	uint64_t value = 0;
	if (text.len == 0 || text.len > 10)
		return false;
	for (size_t i = 0; i < text.len; ++i) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	if (value > max)
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

struct provider_str kit_str_lower(const struct provider_call *call, struct provider_str text)
{
	char *lower = kit_alloc(call, text.len + 1);
	if (lower == NULL)
		return (struct provider_str){NULL, 0};
	for (size_t i = 0; i < text.len; ++i)
		lower[i] = text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] + ('a' - 'A')) : text.ptr[i];
	return (struct provider_str){lower, text.len};
}

struct provider_str kit_printf(const struct provider_call *call, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	char *text = len < 0 ? NULL : kit_alloc(call, (size_t)len + 1);
	if (text == NULL)
		return (struct provider_str){NULL, 0};
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return (struct provider_str){text, (size_t)len};
}

/* ---- maps: open addressing, doubled at two thirds */

struct slot {
	struct provider_str key; /* ptr NULL: free */
	uint64_t hash;
	uint32_t value;
};

struct kit_map {
	const struct provider_call *call;
	struct slot *slots;
	size_t mask, count;
};

/*
 * FNV-1a with a murmur finish. A document's author could choose colliding keys; the time limit of a compile bounds what that
 * costs.
 */
static uint64_t hash_of(struct provider_str key)
{
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < key.len; ++i)
		hash = (hash ^ (unsigned char)key.ptr[i]) * 1099511628211u;
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdu;
	return hash ^ (hash >> 33);
}

struct kit_map *kit_map_new(const struct provider_call *call)
{
	struct kit_map *map = kit_alloc(call, sizeof(*map));
	if (map == NULL)
		return NULL;
	map->call = call;
	map->mask = 63;
	map->slots = kit_alloc(call, (map->mask + 1) * sizeof(*map->slots));
	return map->slots == NULL ? NULL : map;
}

static struct slot *slot_of(const struct kit_map *map, struct provider_str key, uint64_t hash)
{
	for (size_t i = hash & map->mask;; i = (i + 1) & map->mask) {
		struct slot *slot = &map->slots[i];
		if (slot->key.ptr == NULL || (slot->hash == hash && kit_str_eq(slot->key, key)))
			return slot;
	}
}

uint32_t kit_map_get(const struct kit_map *map, struct provider_str key)
{
	const struct slot *slot = slot_of(map, key, hash_of(key));
	return slot->key.ptr == NULL ? UINT32_MAX : slot->value;
}

static int grow(struct kit_map *map)
{
	struct kit_map bigger = {.call = map->call, .mask = map->mask * 2 + 1, .count = map->count};
	bigger.slots = kit_alloc(map->call, (bigger.mask + 1) * sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return PROVIDER_E_LIMIT;
	for (size_t i = 0; i <= map->mask; ++i)
		if (map->slots[i].key.ptr != NULL)
			*slot_of(&bigger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
	*map = bigger;
	return 0;
}

int kit_map_add(struct kit_map *map, struct provider_str key, uint32_t value)
{
	if (key.ptr == NULL)
		key.ptr = "";
	uint64_t hash = hash_of(key);
	struct slot *slot = slot_of(map, key, hash);
	if (slot->key.ptr != NULL)
		return 0;
	if ((map->count + 1) * 3 > (map->mask + 1) * 2) {
		int rc = grow(map);
		if (rc != 0)
			return rc;
		slot = slot_of(map, key, hash);
	}
	*slot = (struct slot){key, hash, value};
	++map->count;
	return 1;
}
