/*
 * From a place to the people a campaign calls. Everything is driven by the records of the dataset; no country is known here.
 *
 * Order of the dataset ("in-order"): the lower chamber, then the upper one, then one-chamber legislatures, executives and
 * others, as the predecessor had it; within a chamber by division (OCD ids compared with numbers as numbers: cd:2 before cd:11),
 * within a division by seniority (a holder without a rank comes last), then by key. "upper-first" and "lower-first" name the
 * chamber that starts; the rest keeps the order above. "shuffle" shuffles all targets by the seed; with shuffle_chambers the two
 * chamber orders shuffle inside each chamber, also across divisions. A party order compares with the caucus where a member has
 * one and the party otherwise, and keeps the order above on both sides. The same query and seed always give the same list.
 */
#ifndef CAMPAIGN_TARGETS_H
#define CAMPAIGN_TARGETS_H

#include "base/arena.h"
#include "geo/dataset.h"

struct cp_targets_query {
	struct cp_str type;        /* "congress" */
	struct cp_str subtype;     /* "both"; must be one of the type's */
	struct cp_str order;       /* "upper-first"; absent or empty: the type's first */
	struct cp_str postal_code; /* as the provider normalizes it (cp_provider_normalize_postcode) */
	bool shuffle_chambers;     /* see above */
	uint64_t seed;             /* of both shuffles */
	size_t max;                /* at most so many targets, cut from the end; 0: all */
};

/* All text is borrowed from the dataset: hold a reference as long as it is used. */
struct cp_target {
	struct cp_str key;      /* "us:bioguide:S000148" */
	struct cp_str name;     /* "Charles E. Schumer" */
	struct cp_str title;    /* "Senator" */
	struct cp_str district; /* "NY", "CA-11", "WY-AL" */
	struct cp_str division; /* OCD id */
	struct cp_str chamber;  /* "senate" */
	enum cp_chamber classification;
	struct cp_str party, caucus; /* caucus is empty where it is not another than party */
	struct cp_str location;      /* of the phone, as spoken: "DC" */
	struct cp_str phone;         /* E.164; absent (ptr NULL) where not reachable */
	bool reachable;
	bool voting;
};

struct cp_targets_warning {
	enum cp_dataset_warning_kind kind; /* VACANCY or NO_PHONE */
	struct cp_str text;                /* a sentence; of the arena */
	struct cp_str division;            /* OCD id; borrowed */
};

struct cp_targets {
	const struct cp_target *targets;
	size_t count;
	const struct cp_str *divisions; /* OCD ids of the postal code, below the country, in the dataset's order */
	size_t division_count;
	bool split; /* the code lies in more than one district of one chamber of the query */
	const struct cp_targets_warning *warnings;
	size_t warning_count;
};

enum { CP_TARGETS_MAX = 256 };

/*
 * Arrays are the arena's. CP_E_NOTFOUND: the postal code is unknown; CP_E_INPUT: the country has no such type, subtype or order;
 * CP_E_LIMIT: more than CP_TARGETS_MAX targets. A known code without targets (a territory's senators) is 0 with count 0.
 */
int cp_targets_select(const struct cp_dataset *dataset, const struct cp_targets_query *query, struct cp_arena *arena,
                      struct cp_targets *ret_targets);

/*
 * One target by key, as the dataset has it now: for a plan made earlier, perhaps with an older version. type picks among a
 * person's seats; absent: the first. CP_E_NOTFOUND where the person is gone or holds no such seat.
 */
int cp_targets_find(const struct cp_dataset *dataset, struct cp_str type, struct cp_str key, struct cp_target *ret_target);

#endif
