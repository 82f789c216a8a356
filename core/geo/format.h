/*
 * The file: an LMDB environment whose values are the sections below, then a trailer. Numbers are of the machine that wrote it
 * (little-endian on all that we support; meta.byte_order tells). A change of any row is another CP_DATASET_FORMAT.
 *
 * A section is padded to at least one page, so that LMDB gives it pages of its own: these are contiguous and aligned, and the
 * tables can be used where they lie.
 */
#ifndef GEO_FORMAT_H
#define GEO_FORMAT_H

#include "geo/dataset.h"

#include <stdint.h>

/* A piece of the section of strings. */
struct text_row {
	uint32_t offset, length;
};

struct division_row {
	struct text_row id, name;
	uint32_t parent, first_seat, seat_count;
	struct cp_provenance from;
};

struct seat_row {
	struct text_row id, body, chamber, title, district;
	uint32_t classification, voting, division, first_holder, holder_count;
	struct cp_provenance from;
};

struct holder_row {
	uint32_t seat, person;
	struct text_row party, caucus, phone, location, start, end;
	uint32_t rank;
	struct cp_provenance from;
};

struct person_row {
	struct text_row key, name, given_name, family_name;
	uint32_t first_office, office_count;
	uint32_t first_holding, holding_count; /* into the section of holdings */
	struct cp_provenance from;
};

struct office_row {
	struct text_row id, kind, phone, address, city, region, postal_code, hours;
	double latitude, longitude;
	uint32_t has_point, person;
	struct cp_provenance from;
};

struct postal_row {
	char code[16]; /* NUL-padded; rows are sorted by it */
	uint32_t first_link, link_count;
};

struct warning_row {
	uint32_t kind;
	struct text_row subject, text;
	struct cp_provenance from;
};

struct source_row {
	struct text_row name, file, address, licence, date;
	uint64_t size;
	uint8_t sha256[CP_SHA256_SIZE];
};

struct kind_row {
	struct text_row type, type_label, subtype, subtype_label;
	uint32_t chambers;
};

struct order_row {
	struct text_row type, name, label, party;
	uint32_t rule;
};

struct locator_row {
	struct text_row type, name;
};

/* Sections, by the names of their LMDB keys. Numbers index meta.counts. */
enum section {
	SECTION_STRINGS, /* bytes */
	SECTION_SOURCES,
	SECTION_KINDS,
	SECTION_ORDERS,
	SECTION_LOCATORS,
	SECTION_DIVISIONS, /* sorted by id, numbers as numbers */
	SECTION_SEATS,     /* by division, then id */
	SECTION_HOLDERS,   /* by seat, then rank, then person's key */
	SECTION_PEOPLE,    /* sorted by key */
	SECTION_HOLDINGS,  /* uint32_t: holders of each person */
	SECTION_OFFICES,   /* by person, then id */
	SECTION_POSTAL,    /* sorted by code */
	SECTION_LINKS,     /* struct cp_postal_link, by division */
	SECTION_WARNINGS,
	SECTION_COUNT,
};

struct section_shape {
	const char *key;
	uint32_t width; /* bytes of a row */
};
extern const struct section_shape cp_dataset_shapes[SECTION_COUNT];
#define META_KEY "meta"

struct meta_row {
	char magic[8]; /* META_MAGIC */
	uint32_t format, byte_order;
	char country[8];
	int64_t created_us;
	struct text_row provider_name, provider_version;
	uint8_t key[CP_SHA256_SIZE];
	uint32_t root; /* the country's division */
	uint32_t vacant_seats, unreachable_holders;
	uint32_t counts[SECTION_COUNT];
};
#define META_MAGIC "CPGEO\0\0"
enum { BYTE_ORDER_MARK = 0x01020304 };

/* The last bytes of the file. */
struct trailer {
	char magic[16]; /* TRAILER_MAGIC */
	uint64_t body_size;
	uint8_t sha256[CP_SHA256_SIZE]; /* of the body */
	uint64_t format;
};
#define TRAILER_MAGIC "CALLPOWER-DATA\0"
_Static_assert(sizeof(struct trailer) == 64, "the trailer has no holes");

enum { MAX_TEXT = 4096, MAX_CODE = 15, MAX_ROWS = 1 << 24 };

/* Order of ids: bytes, but a run of digits as the number it spells. Total: 0 only for equal bytes. */
int cp_dataset_compare_ids(struct cp_str a, struct cp_str b);

/* An open file, with the tables where they lie. */
struct cp_dataset {
	unsigned references; /* atomic */
	struct MDB_env *env;
	struct MDB_txn *txn;
	const struct meta_row *meta;
	const char *strings;
	const void *tables[SECTION_COUNT];
	struct cp_dataset_info info;
};

static inline struct cp_str cp_dataset_text(const struct cp_dataset *dataset, struct text_row text)
{
	return (struct cp_str){dataset->strings + text.offset, text.length};
}

/* Checks every reference of the tables; meta has been checked. */
int cp_dataset_check(const struct cp_dataset *dataset, const size_t sizes[SECTION_COUNT]);

#endif
