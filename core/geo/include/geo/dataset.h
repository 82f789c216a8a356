/*
 * A dataset: one country, one version: divisions, seats, the people who hold them, their offices, and postal codes.
 *
 * It is one immutable file, written once by the compiler (geo/builder.h) and renamed into place. A handle is counted, never
 * changes, and is read by any number of threads without a lock; all text it hands out is borrowed from the mapped file and lives
 * as long as a reference is held. Nothing here knows a country: what a chamber is called, which of them is the upper one, and
 * which campaigns exist are records of the file.
 *
 * The file is an LMDB environment (MDB_NOSUBDIR, MDB_NOLOCK) whose values are tables of fixed-width rows, followed by a trailer
 * with the SHA-256 of what stands before it. Opening reads the whole file once: it checks the digest, then every reference
 * between rows, so that a look-up afterwards checks nothing, follows indexes and allocates nothing.
 */
#ifndef GEO_DATASET_H
#define GEO_DATASET_H

#include "base/str.h"

struct cp_dataset;

/* Which house of a legislature a seat belongs to. The numbers are part of the file's format. */
enum cp_chamber {
	CP_CHAMBER_UPPER = 1,
	CP_CHAMBER_LOWER = 2,
	CP_CHAMBER_UNICAMERAL = 4,
	CP_CHAMBER_EXECUTIVE = 8,
	CP_CHAMBER_OTHER = 16,
};

enum cp_dataset_warning_kind {
	CP_DATASET_VACANCY = 1,    /* a seat without holder */
	CP_DATASET_TERM_ENDED = 2, /* listed as serving though the listed end of term has passed */
	CP_DATASET_NO_PHONE = 3,   /* a serving member without a number to dial */
	CP_DATASET_INCOMPLETE = 4, /* a usual field is missing, or a record was left out; the text says what was done */
	CP_DATASET_OTHER_WARNING = 5,
};

enum { CP_DATASET_FORMAT = 1, CP_SHA256_SIZE = 32 };

/*
 * CP_E_NOTFOUND where there is no such file; CP_E_INPUT with a sentence that says what is wrong where it is not a dataset, is
 * truncated, damaged, or of another format. The caller owns one reference.
 */
int cp_dataset_open(const char *path, struct cp_dataset **ret_dataset);
struct cp_dataset *cp_dataset_ref(struct cp_dataset *dataset);
/* Gives a reference back; the last one unmaps the file. Accepts NULL; returns NULL. */
struct cp_dataset *cp_dataset_unref(struct cp_dataset *dataset);
void cp_dataset_unref_ptr(struct cp_dataset **dataset); /* for CP_CLEANUP */

/* ---- what it is */

struct cp_dataset_counts {
	uint32_t divisions, seats, vacant_seats, people, holders, unreachable_holders, offices, postal_codes, postal_links,
	    warnings;
};

struct cp_dataset_info {
	struct cp_str country; /* "us": lower case, at most 7 bytes */
	struct cp_str provider_name, provider_version;
	int64_t created_us;             /* microseconds since 1970 */
	uint8_t sha256[CP_SHA256_SIZE]; /* of the file without its trailer: the version's identity */
	uint8_t key[CP_SHA256_SIZE];    /* of what it was made from: format, provider, sources; the same at every run */
	uint64_t file_size;             /* bytes */
	uint32_t root;                  /* the country's own division */
	struct cp_dataset_counts counts;
};

/* Borrowed from the handle. */
const struct cp_dataset_info *cp_dataset_info(const struct cp_dataset *dataset);

struct cp_dataset_source {
	struct cp_str name;    /* the document's name in the provider's manifest */
	struct cp_str file;    /* the file's own name */
	struct cp_str address; /* where it is published */
	struct cp_str licence;
	struct cp_str date; /* of the copy: "2026-11-22" */
	uint64_t size;      /* bytes */
	uint8_t sha256[CP_SHA256_SIZE];
};
size_t cp_dataset_source_count(const struct cp_dataset *dataset);
struct cp_dataset_source cp_dataset_source(const struct cp_dataset *dataset, size_t index);

/* Where a record comes from: a source (index as above) and the line in it, 0 where there is no single line. */
struct cp_provenance {
	uint32_t source;
	uint32_t line;
};

struct cp_dataset_warning {
	enum cp_dataset_warning_kind kind;
	struct cp_str subject; /* id of the seat or person it is about; may be empty */
	struct cp_str text;    /* a sentence for the operator */
	struct cp_provenance from;
};
size_t cp_dataset_warning_count(const struct cp_dataset *dataset);
struct cp_dataset_warning cp_dataset_warning(const struct cp_dataset *dataset, size_t index);

/* ---- campaigns of the country */

enum cp_order_rule {
	CP_ORDER_AS_LISTED = 1, /* the order of the dataset: see campaign/targets.h */
	CP_ORDER_SHUFFLE = 2,
	CP_ORDER_UPPER_FIRST = 3,
	CP_ORDER_LOWER_FIRST = 4,
	CP_ORDER_PARTY_FIRST = 5, /* members of a party (or who sit with it), then the others */
	CP_ORDER_PARTY_ONLY = 6,
};

struct cp_campaign_kind {
	struct cp_str type, type_label;       /* "congress", "Congress" */
	struct cp_str subtype, subtype_label; /* "both", "Both chambers" */
	uint32_t chambers;                    /* enum cp_chamber, or-ed */
};
size_t cp_campaign_kind_count(const struct cp_dataset *dataset);
struct cp_campaign_kind cp_campaign_kind(const struct cp_dataset *dataset, size_t index); /* index < count */
/* CP_E_NOTFOUND with a sentence that lists what there is. */
int cp_campaign_kind_find(const struct cp_dataset *dataset, struct cp_str type, struct cp_str subtype,
                          struct cp_campaign_kind *ret_kind);

struct cp_campaign_order {
	struct cp_str type; /* the campaign type that has it */
	struct cp_str name, label;
	enum cp_order_rule rule;
	struct cp_str party; /* of the two party rules; empty otherwise */
};
size_t cp_campaign_order_count(const struct cp_dataset *dataset);
struct cp_campaign_order cp_campaign_order(const struct cp_dataset *dataset, size_t index);
int cp_campaign_order_find(const struct cp_dataset *dataset, struct cp_str type, struct cp_str name,
                           struct cp_campaign_order *ret_order);

/* How the targets of a campaign type can be found ("postal"). */
struct cp_campaign_locator {
	struct cp_str type, name;
};
size_t cp_campaign_locator_count(const struct cp_dataset *dataset);
struct cp_campaign_locator cp_campaign_locator(const struct cp_dataset *dataset, size_t index);

/* ---- records; an index is valid where it is below the count of its table, and means nothing in another version */

#define CP_DATASET_NONE UINT32_MAX

struct cp_division {
	struct cp_str id;   /* Open Civic Data id */
	struct cp_str name; /* for people */
	uint32_t parent;    /* CP_DATASET_NONE for the country */
	uint32_t first_seat, seat_count;
	struct cp_provenance from;
};
struct cp_division cp_dataset_division(const struct cp_dataset *dataset, uint32_t index);
/* CP_DATASET_NONE where there is no such id. */
uint32_t cp_dataset_division_find(const struct cp_dataset *dataset, struct cp_str id);

struct cp_seat {
	struct cp_str id;       /* unique in the country */
	struct cp_str body;     /* the campaign type whose targets its holders are: "congress" */
	struct cp_str chamber;  /* "senate" */
	struct cp_str title;    /* "Senator" */
	struct cp_str district; /* short text for people: "CA-11", "CA" */
	enum cp_chamber classification;
	bool voting; /* may vote on the floor */
	uint32_t division;
	uint32_t first_holder, holder_count; /* 0: vacant */
	struct cp_provenance from;
};
struct cp_seat cp_dataset_seat(const struct cp_dataset *dataset, uint32_t index);

struct cp_holder {
	uint32_t seat, person;
	struct cp_str party, caucus; /* caucus: the party a member sits with, where it is another */
	struct cp_str phone;         /* E.164; empty: unreachable */
	struct cp_str location;      /* of that phone, as spoken: "DC" */
	struct cp_str start, end;    /* "2025-01-03"; may be empty */
	uint32_t rank;               /* seniority inside the division and chamber: 1 first; 0 where there is none */
	struct cp_provenance from;
};
struct cp_holder cp_dataset_holder(const struct cp_dataset *dataset, uint32_t index);

struct cp_person {
	struct cp_str key; /* "us:bioguide:S000148": country, scheme, id */
	struct cp_str name, given_name, family_name;
	uint32_t first_office, office_count;
	struct cp_provenance from;
};
struct cp_person cp_dataset_person(const struct cp_dataset *dataset, uint32_t index);
uint32_t cp_dataset_person_find(const struct cp_dataset *dataset, struct cp_str key);
/* The holders of a person, in order of seats: 0 to count more than *ret_first. */
uint32_t cp_dataset_person_holders(const struct cp_dataset *dataset, uint32_t person, const uint32_t **ret_holders);

struct cp_office {
	struct cp_str id, kind; /* kind: "capitol", "district", ... */
	struct cp_str phone;    /* E.164; may be empty */
	struct cp_str address, city, region, postal_code, hours;
	bool has_point;
	double latitude, longitude; /* degrees, where has_point */
	uint32_t person;
	struct cp_provenance from;
};
struct cp_office cp_dataset_office(const struct cp_dataset *dataset, uint32_t index);

/* ---- postal codes */

/* Part of a postal code that lies in a division. Divisions around it (its state) are listed as well, with the sum of the parts.
 */
struct cp_postal_link {
	uint32_t division;
	uint32_t weight; /* millionths of the code's addresses; 0: not known */
};

/*
 * The divisions of a postal code in the provider's normal form, ordered as the dataset orders divisions; borrowed. *ret_count is
 * at least 1. CP_E_NOTFOUND where the code is unknown. No allocation; well under a microsecond.
 */
int cp_dataset_postal(const struct cp_dataset *dataset, struct cp_str code, const struct cp_postal_link **ret_links,
                      size_t *ret_count);
/* The index-th code, in byte order: for listings and tests. */
struct cp_str cp_dataset_postal_code(const struct cp_dataset *dataset, uint32_t index);

#endif
