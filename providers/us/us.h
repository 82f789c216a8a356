/*
 * The parts of the plugin for the United States. One compile() goes through them in this order: places (postal codes and the
 * districts they name), members, then the emission of divisions and posts, people, offices and postal codes.
 */
#ifndef US_H
#define US_H

#include "kit/csv.h"
#include "kit/text.h"
#include "kit/yaml.h"

/* The documents, in the manifest's order. */
enum us_document { US_MEMBERS, US_OFFICES, US_PLACES, US_DOCUMENT_COUNT };

/* ---- states: a state, the District of Columbia, or a territory with a delegate */

enum us_state_kind { US_STATE, US_DISTRICT, US_TERRITORY };

struct us_state {
	char code[3]; /* "CA" */
	enum us_state_kind kind;
	uint8_t first_class, second_class; /* of its two seats in the Senate; 0 where it has none */
	const char *name;
};

extern const struct us_state us_states[];
extern const size_t us_state_count;
/* The state of a code, any case; NULL where there is none. */
const struct us_state *us_state_find(struct provider_str code);
/* The same as an index. */
static inline uint32_t us_state_index(const struct us_state *state)
{
	return (uint32_t)(state - us_states);
}

/* ---- what is gathered before anything can be emitted */

/* A district of the House of Representatives: district 0 is a whole state, the District, or a territory. */
struct us_district {
	const struct us_state *state;
	uint32_t number;
	uint32_t member;              /* index into members, UINT32_MAX: nobody */
	struct provider_from from;    /* where it was named first */
	struct provider_str division; /* id */
};

enum us_chamber { US_SENATE, US_HOUSE };

struct us_member {
	struct provider_str id; /* "bioguide:S000148" */
	struct provider_str name, given_name, family_name;
	enum us_chamber chamber;
	const struct us_state *state;
	uint32_t number; /* district, or class */
	struct provider_str party, caucus, start, end, phone, office;
	uint32_t rank;
	uint32_t line;
};

struct us_place {
	struct provider_str code;
	uint32_t district; /* index into districts */
	uint32_t line;
};

struct us {
	const struct provider_call *call;
	const struct provider_content *const *documents;
	const struct provider_sink *sink;
	struct us_district *districts;
	uint32_t district_count, district_capacity;
	struct kit_map *district_index; /* "CA-11" to its index */
	struct us_member *members;
	uint32_t member_count, member_capacity;
	struct kit_map *member_index; /* "bioguide:S000148" to its index */
	struct us_place *places;
	uint32_t place_count, place_capacity;
	uint32_t senators[64][2]; /* by state, then first or second class: index into members + 1 */
};

/* ---- steps; each returns 0 or a provider_rc with the reason given to host->fail() */

int us_read_places(struct us *us);
int us_read_members(struct us *us);
int us_emit_districts(struct us *us); /* divisions and posts */
int us_emit_members(struct us *us);   /* people, memberships, their offices in the capital */
int us_read_offices(struct us *us);   /* emits as it reads */
int us_emit_places(struct us *us);

/* ---- shared */

/* The district's index, which is made where it is new; UINT32_MAX: out of memory. */
uint32_t us_district(struct us *us, const struct us_state *state, uint32_t number, struct provider_from from);
/* "CA-11"; "WY-AL" for a district that is a whole state; "CA" of the Senate's seats. */
struct provider_str us_district_label(struct us *us, const struct us_state *state, uint32_t number);
/* "house:CA:11", "senate:CA:1" (class) */
struct provider_str us_post_id(struct us *us, enum us_chamber chamber, const struct us_state *state, uint32_t number);
/* "202-224-3121" and the like to "+12022243121"; absent where it is no number of ten digits that can be dialled. */
struct provider_str us_phone(struct us *us, struct provider_str written);
/* Makes room for one more entry; array is the address of the pointer. */
int us_grow(struct us *us, void *array, uint32_t count, uint32_t *capacity, size_t width);
int us_fail(struct us *us, int rc, enum us_document document, uint32_t line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
int us_fail_kit(struct us *us, int rc, enum us_document document, const struct kit_error *error);
int us_out_of_memory(struct us *us);
int us_warn(struct us *us, enum provider_warning_kind kind, struct provider_str subject, enum us_document document, uint32_t line,
            struct provider_str text);

static inline struct provider_from us_from(enum us_document document, uint32_t line)
{
	return (struct provider_from){document, line};
}

#endif
