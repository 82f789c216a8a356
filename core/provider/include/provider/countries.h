/*
 * The active dataset of each country in this process. Any thread; a switch is one pointer under a lock held for an instant, and
 * whoever holds the old version keeps it until done.
 */
#ifndef PROVIDER_COUNTRIES_H
#define PROVIDER_COUNTRIES_H

#include "geo/dataset.h"

struct cp_countries;

struct cp_countries *cp_countries_new(void);
/* Accepts NULL; returns NULL. */
struct cp_countries *cp_countries_free(struct cp_countries *countries);
/* Makes dataset the active one of its country; takes a reference of its own. */
void cp_countries_set(struct cp_countries *countries, struct cp_dataset *dataset);
/* The active dataset, with a reference for the caller; NULL where the country has none. country in lower case. */
struct cp_dataset *cp_countries_get(struct cp_countries *countries, struct cp_str country);
/* Opens the active versions that the cache folder remembers, so that a server answers before its database does. */
int cp_countries_load_cache(struct cp_countries *countries, const char *cache_dir, size_t *ret_count);

#endif
