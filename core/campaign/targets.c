#include "campaign/targets.h"

#include "base/memory.h"

#include <stdlib.h>

/* A holder on the way to being a target: what ordering needs, beside the index. */
struct candidate {
	uint32_t holder, seat;
	uint32_t division;
	uint32_t rank;  /* UINT32_MAX where there is none */
	uint32_t group; /* of the order: smaller first */
	struct cp_str key;
};

struct selection {
	const struct cp_dataset *dataset;
	const struct cp_targets_query *query;
	struct cp_arena *arena;
	struct cp_campaign_kind kind;
	struct cp_campaign_order order;
	struct candidate candidates[CP_TARGETS_MAX];
	size_t count;
	struct cp_targets_warning *warnings;
	size_t warning_count, warning_capacity;
	/* The divisions with seats of the query, by chamber, to tell whether the code is split. */
	uint32_t upper_division, lower_division, other_division;
	bool split;
};

/* ---- gathering */

static void warn(struct selection *selection, enum cp_dataset_warning_kind kind, struct cp_str text, struct cp_str division)
{
	if (selection->warning_count == selection->warning_capacity) {
		size_t capacity = selection->warning_capacity == 0 ? 8 : selection->warning_capacity * 2;
		struct cp_targets_warning *bigger = cp_arena_alloc_array(selection->arena, capacity, sizeof(*bigger));
		if (selection->warning_count != 0)
			memcpy(bigger, selection->warnings, selection->warning_count * sizeof(*bigger));
		selection->warnings = bigger;
		selection->warning_capacity = capacity;
	}
	selection->warnings[selection->warning_count++] = (struct cp_targets_warning){kind, text, division};
}

static void note_district(struct selection *selection, const struct cp_seat *seat)
{
	uint32_t *known = seat->classification == CP_CHAMBER_UPPER   ? &selection->upper_division
	                  : seat->classification == CP_CHAMBER_LOWER ? &selection->lower_division
	                                                             : &selection->other_division;
	if (*known != CP_DATASET_NONE && *known != seat->division)
		selection->split = true;
	*known = seat->division;
}

static bool sits_with(struct cp_str party, struct cp_holder holder)
{
	return cp_str_eq_ignore_case(holder.caucus.len != 0 ? holder.caucus : holder.party, party);
}

/* The chamber's place in the order: lower, upper, then the others, unless the order says who starts. */
static uint32_t chamber_group(enum cp_order_rule rule, enum cp_chamber classification)
{
	switch (classification) {
	case CP_CHAMBER_LOWER:
		return rule == CP_ORDER_UPPER_FIRST ? 1 : 0;
	case CP_CHAMBER_UPPER:
		return rule == CP_ORDER_UPPER_FIRST ? 0 : 1;
	case CP_CHAMBER_UNICAMERAL:
		return 2;
	case CP_CHAMBER_EXECUTIVE:
		return 3;
	default:
		return 4;
	}
}

static int add_holder(struct selection *selection, const struct cp_seat *seat, uint32_t seat_index, uint32_t index)
{
	enum { PARTY_GROUPS = 8 };
	struct cp_holder holder = cp_dataset_holder(selection->dataset, index);
	enum cp_order_rule rule = selection->order.rule;
	uint32_t group = chamber_group(rule, seat->classification);
	if (rule == CP_ORDER_PARTY_FIRST || rule == CP_ORDER_PARTY_ONLY) {
		bool with = sits_with(selection->order.party, holder);
		if (!with && rule == CP_ORDER_PARTY_ONLY)
			return 0;
		group += with ? 0 : PARTY_GROUPS;
	}
	if (selection->count == CP_TARGETS_MAX)
		return cp_fail(CP_E_LIMIT, "there are more than %d targets for one place", CP_TARGETS_MAX);
	selection->candidates[selection->count++] = (struct candidate){
	    .holder = index,
	    .seat = seat_index,
	    .division = seat->division,
	    .rank = holder.rank == 0 ? UINT32_MAX : holder.rank,
	    .group = group,
	    .key = cp_dataset_person(selection->dataset, holder.person).key,
	};
	return 0;
}

static int add_seats(struct selection *selection, uint32_t division_index)
{
	const struct cp_dataset *dataset = selection->dataset;
	struct cp_division division = cp_dataset_division(dataset, division_index);
	for (uint32_t i = 0; i < division.seat_count; ++i) {
		struct cp_seat seat = cp_dataset_seat(dataset, division.first_seat + i);
		if ((seat.classification & selection->kind.chambers) == 0 || !cp_str_eq(seat.body, selection->kind.type))
			continue;
		note_district(selection, &seat);
		if (seat.holder_count == 0)
			warn(selection, CP_DATASET_VACANCY,
			     cp_arena_printf(selection->arena, "The seat of %.*s for %.*s is vacant.", CP_STR_ARG(seat.title),
			                     CP_STR_ARG(seat.district)),
			     division.id);
		for (uint32_t k = 0; k < seat.holder_count; ++k) {
			int error = add_holder(selection, &seat, division.first_seat + i, seat.first_holder + k);
			if (error != 0)
				return error;
		}
	}
	return 0;
}

/* ---- ordering */

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->division != y->division) /* divisions are stored in order */
		return x->division < y->division ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	int order = cp_str_compare(x->key, y->key);
	return order != 0 ? order : (x->holder > y->holder) - (x->holder < y->holder);
}

/* A place calls a handful of people, in nearly their final order: insertion beats a general sort, and allocates nothing. */
static void sort_candidates(struct candidate *candidates, size_t count)
{
	if (count > 32) {
		qsort(candidates, count, sizeof(*candidates), compare_candidates);
		return;
	}
	for (size_t i = 1; i < count; ++i) {
		size_t k = i;
		while (k != 0 && compare_candidates(&candidates[i], &candidates[k - 1]) < 0)
			--k;
		if (k == i)
			continue;
		struct candidate moving = candidates[i];
		memmove(&candidates[k + 1], &candidates[k], (i - k) * sizeof(*candidates));
		candidates[k] = moving;
	}
}

/* SplitMix64 (Steele, Lea, Flood 2014): the same list for the same seed on every machine. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Fisher and Yates. The bias of the multiplication is below 2^-56 for 256 targets. */
static void shuffle(struct candidate *candidates, size_t count, uint64_t *state)
{
	for (size_t i = count; i > 1; --i) {
		size_t k = (size_t)(((__uint128_t)next_random(state) * i) >> 64);
		struct candidate swapped = candidates[i - 1];
		candidates[i - 1] = candidates[k];
		candidates[k] = swapped;
	}
}

static void put_in_order(struct selection *selection)
{
	uint64_t state = selection->query->seed;
	enum cp_order_rule rule = selection->order.rule;
	sort_candidates(selection->candidates, selection->count);
	if (rule == CP_ORDER_SHUFFLE)
		shuffle(selection->candidates, selection->count, &state);
	if (!selection->query->shuffle_chambers || (rule != CP_ORDER_UPPER_FIRST && rule != CP_ORDER_LOWER_FIRST))
		return;
	for (size_t first = 0, end; first < selection->count; first = end) {
		end = first + 1;
		while (end < selection->count && selection->candidates[end].group == selection->candidates[first].group)
			++end;
		shuffle(selection->candidates + first, end - first, &state);
	}
}

/* ---- the result */

static struct cp_target make_target(const struct cp_dataset *dataset, const struct cp_seat *seat, uint32_t index)
{
	struct cp_holder holder = cp_dataset_holder(dataset, index);
	struct cp_person person = cp_dataset_person(dataset, holder.person);
	return (struct cp_target){
	    .key = person.key,
	    .name = person.name,
	    .title = seat->title,
	    .district = seat->district,
	    .division = cp_dataset_division(dataset, seat->division).id,
	    .chamber = seat->chamber,
	    .classification = seat->classification,
	    .party = holder.party,
	    .caucus = holder.caucus,
	    .location = holder.location,
	    .phone = holder.phone.len == 0 ? CP_STR_NULL : holder.phone,
	    .reachable = holder.phone.len != 0,
	    .voting = seat->voting,
	};
}

static void warn_unreachable(struct selection *selection, const struct cp_target *target)
{
	if (!target->reachable)
		warn(selection, CP_DATASET_NO_PHONE,
		     cp_arena_printf(selection->arena, "%.*s %.*s (%.*s) has no telephone number in the data.",
		                     CP_STR_ARG(target->title), CP_STR_ARG(target->name), CP_STR_ARG(target->district)),
		     target->division);
}

static void finish(struct selection *selection, const struct cp_postal_link *links, size_t link_count,
                   struct cp_targets *ret_targets)
{
	size_t count = selection->count;
	if (selection->query->max != 0 && count > selection->query->max)
		count = selection->query->max;
	struct cp_target *targets = cp_arena_alloc_array(selection->arena, count + 1, sizeof(*targets));
	struct cp_str *divisions = cp_arena_alloc_array(selection->arena, link_count, sizeof(*divisions));
	for (size_t i = 0; i < count; ++i) {
		struct cp_seat seat = cp_dataset_seat(selection->dataset, selection->candidates[i].seat);
		targets[i] = make_target(selection->dataset, &seat, selection->candidates[i].holder);
		warn_unreachable(selection, &targets[i]);
	}
	for (size_t i = 0; i < link_count; ++i)
		divisions[i] = cp_dataset_division(selection->dataset, links[i].division).id;
	*ret_targets = (struct cp_targets){
	    .targets = targets,
	    .count = count,
	    .divisions = divisions,
	    .division_count = link_count,
	    .split = selection->split,
	    .warnings = selection->warnings,
	    .warning_count = selection->warning_count,
	};
}

int cp_targets_select(const struct cp_dataset *dataset, const struct cp_targets_query *query, struct cp_arena *arena,
                      struct cp_targets *ret_targets)
{
	struct selection selection;
	selection.dataset = dataset;
	selection.query = query;
	selection.arena = arena;
	selection.count = selection.warning_count = selection.warning_capacity = 0;
	selection.warnings = NULL;
	selection.upper_division = selection.lower_division = selection.other_division = CP_DATASET_NONE;
	selection.split = false;
	if (cp_campaign_kind_find(dataset, query->type, query->subtype, &selection.kind) != 0 ||
	    cp_campaign_order_find(dataset, query->type, query->order, &selection.order) != 0)
		return CP_E_INPUT;
	const struct cp_postal_link *links;
	size_t link_count = 0;
	int error = cp_dataset_postal(dataset, query->postal_code, &links, &link_count);
	for (size_t i = 0; i < link_count && error == 0; ++i)
		error = add_seats(&selection, links[i].division);
	if (error == 0) /* what the whole country elects */
		error = add_seats(&selection, cp_dataset_info(dataset)->root);
	if (error != 0)
		return error;
	put_in_order(&selection);
	finish(&selection, links, link_count, ret_targets);
	return 0;
}

int cp_targets_find(const struct cp_dataset *dataset, struct cp_str type, struct cp_str key, struct cp_target *ret_target)
{
	uint32_t person = cp_dataset_person_find(dataset, key);
	const uint32_t *holders;
	uint32_t count = person == CP_DATASET_NONE ? 0 : cp_dataset_person_holders(dataset, person, &holders);
	for (uint32_t i = 0; i < count; ++i) {
		struct cp_holder holder = cp_dataset_holder(dataset, holders[i]);
		struct cp_seat seat = cp_dataset_seat(dataset, holder.seat);
		if (type.len != 0 && !cp_str_eq(seat.body, type))
			continue;
		*ret_target = make_target(dataset, &seat, holders[i]);
		return 0;
	}
	if (person == CP_DATASET_NONE)
		return cp_fail(CP_E_NOTFOUND, "nobody in the data has the key \"%.*s\"", CP_STR_ARG(key));
	return cp_fail(CP_E_NOTFOUND, "\"%.*s\" holds no such seat now", CP_STR_ARG(key));
}
