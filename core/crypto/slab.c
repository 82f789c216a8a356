#include "crypto/slab.h"
#include "base/memory.h"
#include "crypto/process.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

enum { NONE = UINT32_MAX };

/* What may be known about a slot; its secret bytes are elsewhere, in guarded memory. */
struct entry {
	struct cp_slab_name name;
	uint64_t owner;
	uint32_t len;
	uint32_t loans;
	uint32_t chain;          /* next entry of the same bucket, or NONE */
	uint32_t colder, warmer; /* neighbours in the order of use, while not on loan */
	bool named;              /* holds a secret that cp_slab_get() finds */
};

struct cp_slab {
	pthread_mutex_t lock;
	char *memory;
	struct entry *entries;
	uint32_t *buckets;
	uint32_t slots, bucket_mask;
	uint32_t coldest, warmest; /* ends of the order of use */
	size_t named;
	bool locked;
	unsigned char naming_key[crypto_shorthash_siphashx24_KEYBYTES];
};

static char *slot_bytes(const struct cp_slab *slab, uint32_t slot)
{
	return slab->memory + (size_t)slot * CP_SLAB_SLOT_SIZE;
}

/* ---- order of use: every slot that is not on loan, empty ones at the cold end */

static void order_remove(struct cp_slab *slab, uint32_t slot)
{
	struct entry *entry = &slab->entries[slot];
	*(entry->colder == NONE ? &slab->coldest : &slab->entries[entry->colder].warmer) = entry->warmer;
	*(entry->warmer == NONE ? &slab->warmest : &slab->entries[entry->warmer].colder) = entry->colder;
	entry->colder = entry->warmer = NONE;
}

static void order_add_warmest(struct cp_slab *slab, uint32_t slot)
{
	struct entry *entry = &slab->entries[slot];
	entry->colder = slab->warmest;
	entry->warmer = NONE;
	*(slab->warmest == NONE ? &slab->coldest : &slab->entries[slab->warmest].warmer) = slot;
	slab->warmest = slot;
}

static void order_add_coldest(struct cp_slab *slab, uint32_t slot)
{
	struct entry *entry = &slab->entries[slot];
	entry->warmer = slab->coldest;
	entry->colder = NONE;
	*(slab->coldest == NONE ? &slab->warmest : &slab->entries[slab->coldest].colder) = slot;
	slab->coldest = slot;
}

/* ---- names: a name is a hash already, so its first bytes are the bucket */

static uint32_t *bucket_of(const struct cp_slab *slab, const struct cp_slab_name *name)
{
	uint32_t word;
	memcpy(&word, name->bytes, sizeof(word));
	return &slab->buckets[word & slab->bucket_mask];
}

static uint32_t find(const struct cp_slab *slab, const struct cp_slab_name *name)
{
	uint32_t slot = *bucket_of(slab, name);
	while (slot != NONE && memcmp(&slab->entries[slot].name, name, sizeof(*name)) != 0)
		slot = slab->entries[slot].chain;
	return slot;
}

static void name_remove(struct cp_slab *slab, uint32_t slot)
{
	struct entry *entry = &slab->entries[slot];
	uint32_t *link = bucket_of(slab, &entry->name);
	while (*link != slot)
		link = &slab->entries[*link].chain;
	*link = entry->chain;
	entry->named = false;
	--slab->named;
}

static void name_add(struct cp_slab *slab, uint32_t slot, const struct cp_slab_name *name)
{
	struct entry *entry = &slab->entries[slot];
	uint32_t *bucket = bucket_of(slab, name);
	entry->name = *name;
	entry->chain = *bucket;
	entry->named = true;
	*bucket = slot;
	++slab->named;
}

/* ---- */

int cp_slab_new(size_t slots, struct cp_slab **ret_slab)
{
	if (slots == 0 || slots > CP_SLAB_MAX_SLOTS)
		return cp_fail(CP_E_INPUT, "a slab has 1 to %d slots", CP_SLAB_MAX_SLOTS);
	int error = cp_crypto_start();
	if (error != 0)
		return error;
	char *memory = sodium_allocarray(slots, CP_SLAB_SLOT_SIZE); /* guard pages, MADV_DONTDUMP, mlock() */
	if (memory == NULL)
		return cp_fail_errno("cannot get %zu bytes of guarded memory", slots * CP_SLAB_SLOT_SIZE);
	struct cp_slab *slab = cp_alloc(sizeof(*slab));
	slab->memory = memory;
	slab->locked =
	    sodium_mlock(memory, slots * CP_SLAB_SLOT_SIZE) == 0; /* again, because the first try's answer is not told */
	sodium_memzero(memory, slots * CP_SLAB_SLOT_SIZE);
	randombytes_buf(slab->naming_key, sizeof(slab->naming_key));
	slab->slots = (uint32_t)slots;
	slab->coldest = slab->warmest = NONE;
	uint32_t bucket_count = 1;
	while (bucket_count < slots)
		bucket_count *= 2;
	slab->bucket_mask = bucket_count - 1;
	slab->buckets = cp_alloc_array(bucket_count, sizeof(*slab->buckets));
	memset(slab->buckets, 0xff, bucket_count * sizeof(*slab->buckets)); /* NONE */
	slab->entries = cp_alloc_array(slots, sizeof(*slab->entries));
	for (uint32_t slot = 0; slot < slots; ++slot)
		order_add_warmest(slab, slot);
	pthread_mutex_init(&slab->lock, NULL);
	*ret_slab = slab;
	return 0;
}

struct cp_slab *cp_slab_free(struct cp_slab *slab)
{
	if (slab == NULL)
		return NULL;
	for (uint32_t slot = 0; slot < slab->slots; ++slot)
		if (slab->entries[slot].loans != 0)
			abort(); /* somebody still reads it */
	pthread_mutex_destroy(&slab->lock);
	sodium_free(slab->memory); /* wipes */
	free(slab->entries);
	free(slab->buckets);
	free(slab);
	return NULL;
}

bool cp_slab_is_locked(const struct cp_slab *slab)
{
	return slab->locked;
}

int cp_slab_name_make(const struct cp_slab *slab, uint64_t owner, uint64_t kind, struct cp_str sealed,
                      struct cp_slab_name *ret_name)
{
	_Static_assert(CP_SLAB_NAME_SIZE == crypto_shorthash_siphashx24_BYTES, "the name's size");
	unsigned char all[2 * sizeof(uint64_t) + CP_SLAB_MAX_SEALED];
	if (sealed.len > CP_SLAB_MAX_SEALED)
		return cp_fail(CP_E_INPUT, "sealed data of %zu bytes is too long for a secret", sealed.len);
	memcpy(all, &owner, sizeof(owner));
	memcpy(all + sizeof(owner), &kind, sizeof(kind));
	if (sealed.len != 0)
		memcpy(all + 2 * sizeof(uint64_t), sealed.ptr, sealed.len);
	crypto_shorthash_siphashx24(ret_name->bytes, all, 2 * sizeof(uint64_t) + sealed.len, slab->naming_key);
	return 0;
}

static void lend(struct cp_slab *slab, uint32_t slot, struct cp_secret *ret_secret)
{
	struct entry *entry = &slab->entries[slot];
	if (entry->loans++ == 0)
		order_remove(slab, slot);
	*ret_secret = (struct cp_secret){.bytes = cp_str_n(slot_bytes(slab, slot), entry->len), .slab = slab, .slot = slot};
}

bool cp_slab_get(struct cp_slab *slab, const struct cp_slab_name *name, struct cp_secret *ret_secret)
{
	pthread_mutex_lock(&slab->lock);
	uint32_t slot = find(slab, name);
	if (slot != NONE)
		lend(slab, slot, ret_secret);
	pthread_mutex_unlock(&slab->lock);
	return slot != NONE;
}

/* The coldest slot, emptied and without a name; NONE where all are on loan. It stays in the order of use. */
static uint32_t take_slot(struct cp_slab *slab)
{
	uint32_t slot = slab->coldest;
	if (slot != NONE && slab->entries[slot].named) {
		name_remove(slab, slot);
		sodium_memzero(slot_bytes(slab, slot), CP_SLAB_SLOT_SIZE);
	}
	return slot;
}

int cp_slab_put(struct cp_slab *slab, const struct cp_slab_name *name, uint64_t owner, struct cp_str bytes,
                struct cp_secret *ret_secret)
{
	if (bytes.len > CP_SLAB_SLOT_SIZE)
		return cp_fail(CP_E_INPUT, "a secret of %zu bytes is too long", bytes.len);
	pthread_mutex_lock(&slab->lock);
	uint32_t slot = find(slab, name);
	if (slot == NONE) {
		slot = take_slot(slab);
		if (slot != NONE) {
			name_add(slab, slot, name);
			slab->entries[slot].owner = owner;
			slab->entries[slot].len = (uint32_t)bytes.len;
			if (bytes.len != 0)
				memcpy(slot_bytes(slab, slot), bytes.ptr, bytes.len);
		}
	}
	if (slot != NONE)
		lend(slab, slot, ret_secret);
	pthread_mutex_unlock(&slab->lock);
	return slot == NONE ? cp_fail(CP_E_LIMIT, "all %u places for opened secrets are in use", slab->slots) : 0;
}

/* Not on loan, and its name is gone: nobody will ask for it again. */
static void empty(struct cp_slab *slab, uint32_t slot)
{
	sodium_memzero(slot_bytes(slab, slot), CP_SLAB_SLOT_SIZE);
	order_add_coldest(slab, slot);
}

void cp_slab_release(struct cp_secret *secret)
{
	struct cp_slab *slab = secret->slab;
	uint32_t slot = secret->slot;
	*secret = (struct cp_secret){0};
	if (slab == NULL)
		return;
	pthread_mutex_lock(&slab->lock);
	struct entry *entry = &slab->entries[slot];
	if (--entry->loans == 0) {
		if (entry->named)
			order_add_warmest(slab, slot);
		else
			empty(slab, slot);
	}
	pthread_mutex_unlock(&slab->lock);
}

void cp_slab_forget(struct cp_slab *slab, uint64_t owner)
{
	pthread_mutex_lock(&slab->lock);
	for (uint32_t slot = 0; slot < slab->slots; ++slot) {
		struct entry *entry = &slab->entries[slot];
		if (!entry->named || entry->owner != owner)
			continue;
		name_remove(slab, slot);
		if (entry->loans == 0) {
			order_remove(slab, slot);
			empty(slab, slot);
		}
	}
	pthread_mutex_unlock(&slab->lock);
}

size_t cp_slab_count(struct cp_slab *slab)
{
	pthread_mutex_lock(&slab->lock);
	size_t count = slab->named;
	pthread_mutex_unlock(&slab->lock);
	return count;
}
