#include "base/map.h"
#include "base/memory.h"
#include "tenants/registry.h"
#include "tenants_private.h"

#include <stdatomic.h>
#include <stdlib.h>

struct name {
	struct cp_str text; /* the tenant's own */
	const struct cp_tenant *tenant;
};

/* An open hash table, filled once: a slot tells a name's place and part of its hash. */
struct index {
	struct slot {
		uint32_t hash;
		uint32_t place; /* 1 for the first name; 0: empty */
	} * slots;
	struct name *names;
	uint32_t mask, count;
};

struct cp_registry_snapshot {
	atomic_size_t references;
	const struct cp_tenant **tenants; /* by id */
	size_t count;
	struct index by_token, by_slug, by_host;
	size_t base_domain_len;
	char base_domain[];
};

/* The keyed hash makes the place unpredictable, so that comparing a secret token below tells nothing through time. */
static struct slot *index_slot(const struct index *index, struct cp_str text)
{
	uint64_t hash = cp_hash(text.ptr, text.len);
	uint32_t at = (uint32_t)hash & index->mask, high = (uint32_t)(hash >> 32);
	for (;; at = (at + 1) & index->mask) {
		struct slot *slot = &index->slots[at];
		if (slot->place == 0) {
			slot->hash = high;
			return slot;
		}
		if (slot->hash == high && cp_str_eq(index->names[slot->place - 1].text, text))
			return slot;
	}
}

static void index_init(struct index *index, size_t names)
{
	size_t slots = 2;
	while (slots < names * 2)
		slots *= 2;
	index->slots = cp_alloc_array(slots, sizeof(*index->slots));
	index->names = cp_alloc_array(names, sizeof(*index->names));
	index->mask = (uint32_t)(slots - 1);
}

static void index_add(struct index *index, struct cp_str text, const struct cp_tenant *tenant)
{
	if (text.len == 0)
		return;
	struct slot *slot = index_slot(index, text);
	if (slot->place != 0)
		return;
	index->names[index->count++] = (struct name){text, tenant};
	slot->place = index->count;
}

static const struct cp_tenant *index_find(const struct index *index, struct cp_str text)
{
	uint64_t hash = cp_hash(text.ptr, text.len);
	uint32_t high = (uint32_t)(hash >> 32);
	for (uint32_t at = (uint32_t)hash & index->mask; index->slots[at].place != 0; at = (at + 1) & index->mask) {
		const struct name *name = &index->names[index->slots[at].place - 1];
		if (index->slots[at].hash == high && cp_str_eq(name->text, text))
			return name->tenant;
	}
	return NULL;
}

static void index_done(struct index *index)
{
	free(index->slots);
	free(index->names);
}

static int compare_ids(const void *a, const void *b)
{
	const struct cp_tenant *const *left = a, *const *right = b;
	return ((*left)->id.value > (*right)->id.value) - ((*left)->id.value < (*right)->id.value);
}

struct cp_registry_snapshot *cp_registry_snapshot_new(const struct cp_tenant **tenants, size_t count, struct cp_str base_domain)
{
	struct cp_registry_snapshot *snapshot = cp_alloc(sizeof(*snapshot) + base_domain.len);
	atomic_init(&snapshot->references, 1);
	if (base_domain.len != 0)
		memcpy(snapshot->base_domain, base_domain.ptr, base_domain.len);
	snapshot->base_domain_len = base_domain.len;
	snapshot->count = count;
	snapshot->tenants = cp_alloc_array(count, sizeof(*snapshot->tenants));
	size_t hosts = 0;
	for (size_t i = 0; i < count; ++i) {
		snapshot->tenants[i] = tenants[i];
		hosts += tenants[i]->host_count;
	}
	qsort(snapshot->tenants, count, sizeof(*snapshot->tenants), compare_ids);
	index_init(&snapshot->by_token, count);
	index_init(&snapshot->by_slug, count);
	index_init(&snapshot->by_host, hosts);
	for (size_t i = 0; i < count; ++i) {
		const struct cp_tenant *tenant = snapshot->tenants[i];
		index_add(&snapshot->by_token, tenant->voice_token, tenant);
		index_add(&snapshot->by_slug, tenant->slug, tenant);
		for (size_t j = 0; j < tenant->host_count; ++j)
			index_add(&snapshot->by_host, tenant->hosts[j], tenant);
	}
	return snapshot;
}

struct cp_registry_snapshot *cp_registry_snapshot_ref(struct cp_registry_snapshot *snapshot)
{
	atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
	return snapshot;
}

struct cp_registry_snapshot *cp_registry_snapshot_unref(struct cp_registry_snapshot *snapshot)
{
	if (snapshot == NULL || atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
		return NULL;
	for (size_t i = 0; i < snapshot->count; ++i)
		cp_tenant_unref(snapshot->tenants[i]);
	free(snapshot->tenants);
	index_done(&snapshot->by_token);
	index_done(&snapshot->by_slug);
	index_done(&snapshot->by_host);
	free(snapshot);
	return NULL;
}

const struct cp_tenant *cp_registry_by_voice_token(const struct cp_registry_snapshot *snapshot, struct cp_str token)
{
	return index_find(&snapshot->by_token, token);
}

const struct cp_tenant *cp_registry_by_slug(const struct cp_registry_snapshot *snapshot, struct cp_str slug)
{
	return index_find(&snapshot->by_slug, slug);
}

const struct cp_tenant *cp_registry_by_host(const struct cp_registry_snapshot *snapshot, struct cp_str host)
{
	const struct cp_tenant *tenant = index_find(&snapshot->by_host, host);
	struct cp_str base = cp_registry_base_domain(snapshot);
	if (tenant != NULL || base.len == 0 || host.len < base.len + 2 || !cp_str_ends(host, base) ||
	    host.ptr[host.len - base.len - 1] != '.')
		return tenant;
	return index_find(&snapshot->by_slug, cp_str_n(host.ptr, host.len - base.len - 1));
}

const struct cp_tenant *cp_registry_by_id(const struct cp_registry_snapshot *snapshot, struct cp_tenant_id id)
{
	size_t low = 0, high = snapshot->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (snapshot->tenants[middle]->id.value < id.value)
			low = middle + 1;
		else
			high = middle;
	}
	return low < snapshot->count && snapshot->tenants[low]->id.value == id.value ? snapshot->tenants[low] : NULL;
}

size_t cp_registry_count(const struct cp_registry_snapshot *snapshot)
{
	return snapshot->count;
}

const struct cp_tenant *cp_registry_at(const struct cp_registry_snapshot *snapshot, size_t index)
{
	return snapshot->tenants[index];
}

struct cp_str cp_registry_base_domain(const struct cp_registry_snapshot *snapshot)
{
	return cp_str_n(snapshot->base_domain, snapshot->base_domain_len);
}

static size_t index_memory(const struct index *index)
{
	return ((size_t)index->mask + 1) * sizeof(*index->slots) + index->count * sizeof(*index->names);
}

size_t cp_registry_memory(const struct cp_registry_snapshot *snapshot)
{
	size_t bytes = sizeof(*snapshot) + snapshot->base_domain_len + snapshot->count * sizeof(*snapshot->tenants) +
	               index_memory(&snapshot->by_token) + index_memory(&snapshot->by_slug) + index_memory(&snapshot->by_host);
	for (size_t i = 0; i < snapshot->count; ++i)
		bytes += cp_tenant_memory(snapshot->tenants[i]);
	return bytes;
}
