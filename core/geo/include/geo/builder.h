/*
 * Makes a dataset's file from records. Used by the compiler, on one thread.
 *
 * Everything given is copied. Records are checked as they come (text, references, duplicates) and as a whole at the end; a
 * refusal is CP_E_INPUT with "FILE:LINE: reason", where FILE is that of the source the record names.
 */
#ifndef GEO_BUILDER_H
#define GEO_BUILDER_H

#include "geo/dataset.h"

struct cp_dataset_builder;

/* country: lower-case letters, 2 to 7. */
struct cp_dataset_builder *cp_dataset_builder_new(struct cp_str country, struct cp_str provider_name,
                                                  struct cp_str provider_version);
/* Accepts NULL; returns NULL. */
struct cp_dataset_builder *cp_dataset_builder_free(struct cp_dataset_builder *builder);
void cp_dataset_builder_free_ptr(struct cp_dataset_builder **builder); /* for CP_CLEANUP */

/* Sources first: the records' cp_provenance.source counts them from 0. */
int cp_dataset_builder_source(struct cp_dataset_builder *builder, const struct cp_dataset_source *source);
int cp_dataset_builder_kind(struct cp_dataset_builder *builder, const struct cp_campaign_kind *kind);
int cp_dataset_builder_order(struct cp_dataset_builder *builder, const struct cp_campaign_order *order);
int cp_dataset_builder_locator(struct cp_dataset_builder *builder, const struct cp_campaign_locator *locator);

/* parent: id of an earlier division, absent for the country, which comes first. Of the others only id, name and from are read. */
int cp_dataset_builder_division(struct cp_dataset_builder *builder, const struct cp_division *division, struct cp_str parent);
/* division: id of an earlier division; seat->division and the holders' range are not read. */
int cp_dataset_builder_seat(struct cp_dataset_builder *builder, const struct cp_seat *seat, struct cp_str division);
/* person->key without the country: "bioguide:S000148". */
int cp_dataset_builder_person(struct cp_dataset_builder *builder, const struct cp_person *person);
int cp_dataset_builder_holder(struct cp_dataset_builder *builder, const struct cp_holder *holder, struct cp_str person,
                              struct cp_str seat);
int cp_dataset_builder_office(struct cp_dataset_builder *builder, const struct cp_office *office, struct cp_str person);
int cp_dataset_builder_postal(struct cp_dataset_builder *builder, struct cp_str code, struct cp_str division, uint32_t weight,
                              struct cp_provenance from);
int cp_dataset_builder_warning(struct cp_dataset_builder *builder, const struct cp_dataset_warning *warning);

/*
 * What the file's identity for caches is made of: its format, the provider and the sources' digests. Two runs over the same
 * documents have the same key, whenever they take place.
 */
void cp_dataset_builder_key(const struct cp_dataset_builder *builder, uint8_t ret_key[CP_SHA256_SIZE]);

/*
 * Checks the whole, adds a warning for every vacant seat that has none, writes the file beside path and renames it there,
 * durably. The builder is used up.
 */
int cp_dataset_builder_finish(struct cp_dataset_builder *builder, int64_t created_us, const char *path);

#endif
