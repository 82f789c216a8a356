#include "provider/countries.h"

#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct cp_countries {
	pthread_mutex_t lock; /* held for a look into the map and a count, never longer */
	struct cp_map *active;
};

struct cp_countries *cp_countries_new(void)
{
	struct cp_countries *countries = cp_alloc(sizeof(*countries));
	pthread_mutex_init(&countries->lock, NULL);
	countries->active = cp_map_new();
	return countries;
}

static void drop(void *dataset)
{
	cp_dataset_unref(dataset);
}

struct cp_countries *cp_countries_free(struct cp_countries *countries)
{
	if (countries == NULL)
		return NULL;
	cp_map_free(countries->active, drop);
	pthread_mutex_destroy(&countries->lock);
	free(countries);
	return NULL;
}

void cp_countries_set(struct cp_countries *countries, struct cp_dataset *dataset)
{
	cp_dataset_ref(dataset);
	pthread_mutex_lock(&countries->lock);
	struct cp_dataset *old = cp_map_set(countries->active, cp_dataset_info(dataset)->country, dataset);
	pthread_mutex_unlock(&countries->lock);
	cp_dataset_unref(old); /* outside: unmapping takes its time */
}

struct cp_dataset *cp_countries_get(struct cp_countries *countries, struct cp_str country)
{
	pthread_mutex_lock(&countries->lock);
	struct cp_dataset *dataset = cp_map_get(countries->active, country);
	if (dataset != NULL)
		cp_dataset_ref(dataset);
	pthread_mutex_unlock(&countries->lock);
	return dataset;
}

int cp_countries_load_cache(struct cp_countries *countries, const char *cache_dir, size_t *ret_count)
{
	DIR *dir = opendir(cache_dir);
	size_t count = 0;
	if (dir == NULL && errno != ENOENT)
		return cp_fail_errno("the cache folder %s cannot be read", cache_dir);
	for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
		if (!cp_str_ends(cp_str(entry->d_name), CP_STR(".active")))
			continue;
		struct cp_buf path CP_CLEANUP(cp_buf_free) = {0};
		cp_buf_printf(&path, "%s/%s", cache_dir, entry->d_name);
		struct cp_dataset *dataset;
		if (cp_dataset_open(path.ptr, &dataset) != 0) { /* a cache is made again, it need not be mended */
			cp_log(CP_LOG_DEBUG, NULL, "dataset.cache", "%s", cp_error_message());
			continue;
		}
		cp_countries_set(countries, dataset);
		cp_dataset_unref(dataset);
		++count;
	}
	if (dir != NULL)
		closedir(dir);
	*ret_count = count;
	return 0;
}
