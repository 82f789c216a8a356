#include "tenants/registry.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct cp_registry {
	pthread_mutex_t lock; /* guards current */
	struct cp_registry_snapshot *current;
	atomic_uint_fast64_t generation; /* of current: what readers compare without the lock */
};

struct cp_registry_reader {
	struct cp_registry *registry;
	struct cp_registry_snapshot *snapshot;
	uint_fast64_t generation;
};

struct cp_registry *cp_registry_new(const char *base_domain)
{
	struct cp_registry *registry = cp_alloc(sizeof(*registry));
	struct cp_str base = cp_str(base_domain);
	char *lower = cp_strndup(base.ptr, base.len);
	for (size_t i = 0; i < base.len; ++i)
		if (lower[i] >= 'A' && lower[i] <= 'Z')
			lower[i] = (char)(lower[i] + ('a' - 'A'));
	pthread_mutex_init(&registry->lock, NULL);
	registry->current = cp_registry_snapshot_new(NULL, 0, cp_str_n(lower, base.len));
	atomic_init(&registry->generation, 1);
	free(lower);
	return registry;
}

struct cp_registry *cp_registry_free(struct cp_registry *registry)
{
	if (registry == NULL)
		return NULL;
	cp_registry_snapshot_unref(registry->current);
	pthread_mutex_destroy(&registry->lock);
	free(registry);
	return NULL;
}

void cp_registry_publish(struct cp_registry *registry, struct cp_registry_snapshot *snapshot)
{
	pthread_mutex_lock(&registry->lock);
	struct cp_registry_snapshot *before = registry->current;
	registry->current = snapshot;
	atomic_fetch_add_explicit(&registry->generation, 1, memory_order_release);
	pthread_mutex_unlock(&registry->lock);
	cp_registry_snapshot_unref(before); /* outside: it may free thousands of tenants */
}

struct cp_registry_snapshot *cp_registry_current(struct cp_registry *registry)
{
	pthread_mutex_lock(&registry->lock);
	struct cp_registry_snapshot *snapshot = cp_registry_snapshot_ref(registry->current);
	pthread_mutex_unlock(&registry->lock);
	return snapshot;
}

struct cp_registry_reader *cp_registry_reader_new(struct cp_registry *registry)
{
	struct cp_registry_reader *reader = cp_alloc(sizeof(*reader));
	reader->registry = registry;
	return reader;
}

struct cp_registry_reader *cp_registry_reader_free(struct cp_registry_reader *reader)
{
	if (reader == NULL)
		return NULL;
	cp_registry_snapshot_unref(reader->snapshot);
	free(reader);
	return NULL;
}

const struct cp_registry_snapshot *cp_registry_reader_get(struct cp_registry_reader *reader)
{
	/* Read before the snapshot: an update in between is then seen again at the next call, never missed. */
	uint_fast64_t generation = atomic_load_explicit(&reader->registry->generation, memory_order_acquire);
	if (generation != reader->generation) {
		struct cp_registry_snapshot *before = reader->snapshot;
		reader->snapshot = cp_registry_current(reader->registry);
		reader->generation = generation;
		cp_registry_snapshot_unref(before);
	}
	return reader->snapshot;
}
