/*
 * Checks that no row of a dataset points outside its tables, so that look-ups need not. The digest has told that the file is what
 * somebody wrote; this tells that it makes sense, whoever wrote it.
 */
#include "format.h"

struct check {
	const struct cp_dataset *dataset;
	const uint32_t *counts;
	size_t strings;
};

static bool text_ok(const struct check *check, const struct text_row *texts, size_t count)
{
	for (size_t i = 0; i < count; ++i)
		if (texts[i].offset > check->strings || texts[i].length > check->strings - texts[i].offset)
			return false;
	return true;
}

static bool range_ok(const struct check *check, enum section section, uint32_t first, uint32_t count)
{
	return first <= check->counts[section] && count <= check->counts[section] - first;
}

static bool from_ok(const struct check *check, struct cp_provenance from)
{
	return from.source < check->counts[SECTION_SOURCES];
}

static bool one_chamber(uint32_t bits)
{
	return bits != 0 && bits <= CP_CHAMBER_OTHER && (bits & (bits - 1)) == 0;
}

#define EACH(check, section, type, name)                                                                                         \
	const struct type *name = (check)->dataset->tables[section], *const name##_end = name + (check)->counts[section];        \
	name < name##_end;                                                                                                       \
	++name

/* How many texts stand in a row from member on. */
#define TEXTS(row, first, last) &(row)->first, (size_t)(&(row)->last - &(row)->first) + 1

static bool lists_ok(const struct check *check)
{
	for (EACH(check, SECTION_SOURCES, source_row, source))
		if (!text_ok(check, TEXTS(source, name, date)))
			return false;
	for (EACH(check, SECTION_KINDS, kind_row, kind))
		if (!text_ok(check, TEXTS(kind, type, subtype_label)))
			return false;
	for (EACH(check, SECTION_ORDERS, order_row, order))
		if (!text_ok(check, TEXTS(order, type, party)) || order->rule < CP_ORDER_AS_LISTED ||
		    order->rule > CP_ORDER_PARTY_ONLY)
			return false;
	for (EACH(check, SECTION_LOCATORS, locator_row, locator))
		if (!text_ok(check, TEXTS(locator, type, name)))
			return false;
	for (EACH(check, SECTION_WARNINGS, warning_row, warning))
		if (!text_ok(check, TEXTS(warning, subject, text)) || !from_ok(check, warning->from))
			return false;
	return true;
}

static bool divisions_ok(const struct check *check)
{
	const struct division_row *rows = check->dataset->tables[SECTION_DIVISIONS];
	uint32_t count = check->counts[SECTION_DIVISIONS];
	for (uint32_t i = 0; i < count; ++i) {
		const struct division_row *division = &rows[i];
		if (!text_ok(check, TEXTS(division, id, name)) || !from_ok(check, division->from) ||
		    !range_ok(check, SECTION_SEATS, division->first_seat, division->seat_count) ||
		    (division->parent >= count && division->parent != CP_DATASET_NONE) || division->parent == i)
			return false;
		if (i != 0 && cp_dataset_compare_ids(cp_dataset_text(check->dataset, rows[i - 1].id),
		                                     cp_dataset_text(check->dataset, division->id)) >= 0)
			return false;
	}
	return check->dataset->meta->root < count;
}

static bool seats_ok(const struct check *check)
{
	for (EACH(check, SECTION_SEATS, seat_row, seat))
		if (!text_ok(check, TEXTS(seat, id, district)) || !from_ok(check, seat->from) ||
		    !one_chamber(seat->classification) || seat->division >= check->counts[SECTION_DIVISIONS] ||
		    !range_ok(check, SECTION_HOLDERS, seat->first_holder, seat->holder_count))
			return false;
	for (EACH(check, SECTION_HOLDERS, holder_row, holder))
		if (!text_ok(check, TEXTS(holder, party, end)) || !from_ok(check, holder->from) ||
		    holder->seat >= check->counts[SECTION_SEATS] || holder->person >= check->counts[SECTION_PEOPLE])
			return false;
	return true;
}

static bool people_ok(const struct check *check)
{
	const struct person_row *previous = NULL;
	for (EACH(check, SECTION_PEOPLE, person_row, person)) {
		if (!text_ok(check, TEXTS(person, key, family_name)) || !from_ok(check, person->from) ||
		    !range_ok(check, SECTION_OFFICES, person->first_office, person->office_count) ||
		    !range_ok(check, SECTION_HOLDINGS, person->first_holding, person->holding_count))
			return false;
		if (previous != NULL && cp_str_compare(cp_dataset_text(check->dataset, previous->key),
		                                       cp_dataset_text(check->dataset, person->key)) >= 0)
			return false;
		previous = person;
	}
	for (EACH(check, SECTION_OFFICES, office_row, office))
		if (!text_ok(check, TEXTS(office, id, hours)) || !from_ok(check, office->from) ||
		    office->person >= check->counts[SECTION_PEOPLE])
			return false;
	const uint32_t *holdings = check->dataset->tables[SECTION_HOLDINGS];
	for (uint32_t i = 0; i < check->counts[SECTION_HOLDINGS]; ++i)
		if (holdings[i] >= check->counts[SECTION_HOLDERS])
			return false;
	return true;
}

static bool postal_ok(const struct check *check)
{
	const struct postal_row *previous = NULL;
	for (EACH(check, SECTION_POSTAL, postal_row, postal)) {
		if (postal->code[0] == '\0' || postal->code[sizeof(postal->code) - 1] != '\0' || postal->link_count == 0 ||
		    !range_ok(check, SECTION_LINKS, postal->first_link, postal->link_count))
			return false;
		if (previous != NULL && memcmp(previous->code, postal->code, sizeof(postal->code)) >= 0)
			return false;
		previous = postal;
	}
	for (EACH(check, SECTION_LINKS, cp_postal_link, link))
		if (link->division >= check->counts[SECTION_DIVISIONS])
			return false;
	return true;
}

int cp_dataset_check(const struct cp_dataset *dataset, const size_t sizes[SECTION_COUNT])
{
	struct check check = {dataset, dataset->meta->counts, dataset->meta->counts[SECTION_STRINGS]};
	for (int i = 0; i < SECTION_COUNT; ++i)
		if ((size_t)check.counts[i] * cp_dataset_shapes[i].width > sizes[i])
			return cp_fail(CP_E_INPUT, "the section \"%s\" is shorter than its %u rows", cp_dataset_shapes[i].key,
			               check.counts[i]);
	const struct text_row names[] = {dataset->meta->provider_name, dataset->meta->provider_version};
	static const struct {
		const char *what;
		bool (*ok)(const struct check *check);
	} checks[] = {
	    {"the lists", lists_ok},   {"the divisions", divisions_ok}, {"the seats", seats_ok},
	    {"the people", people_ok}, {"the postal codes", postal_ok},
	};
	if (!text_ok(&check, names, 2))
		return cp_fail(CP_E_INPUT, "the header points outside the strings");
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); ++i)
		if (!checks[i].ok(&check))
			return cp_fail(CP_E_INPUT, "%s have a row that is out of order or points outside the file",
			               checks[i].what);
	return 0;
}
