#include "base/map.h"
#include "base/memory.h"
#include "base/random.h"

#include <pthread.h>
#include <stdlib.h>

struct entry {
	struct entry *next;
	uint64_t hash;
	void *value;
	size_t key_len;
	char key[];
};

struct cp_map {
	struct entry **slots;
	size_t slot_count; /* a power of two */
	size_t count;
};

static uint64_t hash_key[2];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void make_hash_key(void)
{
	cp_random_bytes(hash_key, sizeof(hash_key));
}

static inline uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 after Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with one and three rounds. */
uint64_t cp_hash(const void *bytes, size_t n)
{
	pthread_once(&hash_key_once, make_hash_key);
	const unsigned char *p = bytes;
	uint64_t v[4] = {hash_key[0] ^ 0x736f6d6570736575u, hash_key[1] ^ 0x646f72616e646f6du, hash_key[0] ^ 0x6c7967656e657261u,
	                 hash_key[1] ^ 0x7465646279746573u};
	uint64_t word;
	size_t left = n;
	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)n << 56;
	for (size_t i = 0; i < left; ++i)
		word |= (uint64_t)p[i] << (8 * i);
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; ++i)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct cp_map *cp_map_new(void)
{
	struct cp_map *map = cp_alloc(sizeof(*map));
	map->slot_count = 16;
	map->slots = cp_alloc_array(map->slot_count, sizeof(*map->slots));
	return map;
}

struct cp_map *cp_map_free(struct cp_map *map, void (*free_value)(void *value))
{
	if (map == NULL)
		return NULL;
	for (size_t i = 0; i < map->slot_count; ++i)
		for (struct entry *entry = map->slots[i], *next; entry != NULL; entry = next) {
			next = entry->next;
			if (free_value != NULL)
				free_value(entry->value);
			free(entry);
		}
	free(map->slots);
	free(map);
	return NULL;
}

/* The link that points to the entry with this key, or the chain's last link. */
static struct entry **find(const struct cp_map *map, struct cp_str key, uint64_t hash)
{
	struct entry **link = &map->slots[hash & (map->slot_count - 1)];
	for (; *link != NULL; link = &(*link)->next)
		if ((*link)->hash == hash && cp_str_eq(cp_str_n((*link)->key, (*link)->key_len), key))
			break;
	return link;
}

void *cp_map_get(const struct cp_map *map, struct cp_str key)
{
	const struct entry *entry = *find(map, key, cp_hash(key.ptr, key.len));
	return entry == NULL ? NULL : entry->value;
}

static void grow(struct cp_map *map)
{
	size_t slot_count = map->slot_count * 2;
	struct entry **slots = cp_alloc_array(slot_count, sizeof(*slots));
	for (size_t i = 0; i < map->slot_count; ++i)
		for (struct entry *entry = map->slots[i], *next; entry != NULL; entry = next) {
			next = entry->next;
			entry->next = slots[entry->hash & (slot_count - 1)];
			slots[entry->hash & (slot_count - 1)] = entry;
		}
	free(map->slots);
	map->slots = slots;
	map->slot_count = slot_count;
}

void *cp_map_set(struct cp_map *map, struct cp_str key, void *value)
{
	uint64_t hash = cp_hash(key.ptr, key.len);
	struct entry *entry = *find(map, key, hash);
	if (entry != NULL) {
		void *before = entry->value;
		entry->value = value;
		return before;
	}
	if (map->count >= map->slot_count)
		grow(map);
	entry = cp_alloc(sizeof(*entry) + key.len + 1);
	entry->hash = hash;
	entry->value = value;
	entry->key_len = key.len;
	if (key.len != 0)
		memcpy(entry->key, key.ptr, key.len);
	*find(map, key, hash) = entry;
	++map->count;
	return NULL;
}

void *cp_map_remove(struct cp_map *map, struct cp_str key)
{
	struct entry **link = find(map, key, cp_hash(key.ptr, key.len)), *entry = *link;
	if (entry == NULL)
		return NULL;
	void *value = entry->value;
	*link = entry->next;
	free(entry);
	--map->count;
	return value;
}

size_t cp_map_count(const struct cp_map *map)
{
	return map->count;
}

void cp_map_each(const struct cp_map *map, void (*fn)(void *data, struct cp_str key, void *value), void *data)
{
	for (size_t i = 0; i < map->slot_count; ++i)
		for (struct entry *entry = map->slots[i]; entry != NULL; entry = entry->next)
			fn(data, cp_str_n(entry->key, entry->key_len), entry->value);
}
