/* Rows to records: every index was checked when the file was opened. */
#include "format.h"

#include <assert.h>
#include <endian.h>

#define ROWS(dataset, section, type) ((const struct type *)(dataset)->tables[section])

static const void *row(const struct cp_dataset *dataset, enum section section, size_t index)
{
	assert(index < dataset->meta->counts[section]); /* an index of another version, or none: a bug of the caller's */
	return (const char *)dataset->tables[section] + index * cp_dataset_shapes[section].width;
}

const struct cp_dataset_info *cp_dataset_info(const struct cp_dataset *dataset)
{
	return &dataset->info;
}

size_t cp_dataset_source_count(const struct cp_dataset *dataset)
{
	return dataset->meta->counts[SECTION_SOURCES];
}

struct cp_dataset_source cp_dataset_source(const struct cp_dataset *dataset, size_t index)
{
	const struct source_row *source = row(dataset, SECTION_SOURCES, index);
	struct cp_dataset_source out = {
	    .name = cp_dataset_text(dataset, source->name),
	    .file = cp_dataset_text(dataset, source->file),
	    .address = cp_dataset_text(dataset, source->address),
	    .licence = cp_dataset_text(dataset, source->licence),
	    .date = cp_dataset_text(dataset, source->date),
	    .size = source->size,
	};
	memcpy(out.sha256, source->sha256, sizeof(out.sha256));
	return out;
}

size_t cp_dataset_warning_count(const struct cp_dataset *dataset)
{
	return dataset->meta->counts[SECTION_WARNINGS];
}

struct cp_dataset_warning cp_dataset_warning(const struct cp_dataset *dataset, size_t index)
{
	const struct warning_row *warning = row(dataset, SECTION_WARNINGS, index);
	return (struct cp_dataset_warning){
	    .kind = (enum cp_dataset_warning_kind)warning->kind,
	    .subject = cp_dataset_text(dataset, warning->subject),
	    .text = cp_dataset_text(dataset, warning->text),
	    .from = warning->from,
	};
}

/* ---- campaigns */

size_t cp_campaign_kind_count(const struct cp_dataset *dataset)
{
	return dataset->meta->counts[SECTION_KINDS];
}

struct cp_campaign_kind cp_campaign_kind(const struct cp_dataset *dataset, size_t index)
{
	const struct kind_row *kind = row(dataset, SECTION_KINDS, index);
	return (struct cp_campaign_kind){
	    .type = cp_dataset_text(dataset, kind->type),
	    .type_label = cp_dataset_text(dataset, kind->type_label),
	    .subtype = cp_dataset_text(dataset, kind->subtype),
	    .subtype_label = cp_dataset_text(dataset, kind->subtype_label),
	    .chambers = kind->chambers,
	};
}

/* Appends a word to a list in a fixed buffer, once. */
static void list_word(char *list, size_t size, struct cp_str word)
{
	size_t used = strlen(list);
	if (used + word.len + 3 > size)
		return;
	if (used != 0) {
		memcpy(list + used, ", ", 2);
		used += 2;
	}
	memcpy(list + used, word.ptr, word.len);
	list[used + word.len] = '\0';
}

int cp_campaign_kind_find(const struct cp_dataset *dataset, struct cp_str type, struct cp_str subtype,
                          struct cp_campaign_kind *ret_kind)
{
	char types[512] = "", subtypes[512] = "";
	struct cp_str last_type = CP_STR("");
	for (size_t i = 0; i < cp_campaign_kind_count(dataset); ++i) {
		struct cp_campaign_kind kind = cp_campaign_kind(dataset, i);
		bool same = cp_str_eq(kind.type, type);
		if (same && cp_str_eq(kind.subtype, subtype)) {
			*ret_kind = kind;
			return 0;
		}
		if (same)
			list_word(subtypes, sizeof(subtypes), kind.subtype);
		if (!cp_str_eq(last_type, kind.type))
			list_word(types, sizeof(types), kind.type);
		last_type = kind.type;
	}
	struct cp_str country = dataset->info.country;
	if (subtypes[0] == '\0')
		return cp_fail(CP_E_NOTFOUND, "the country %.*s has no campaigns of the type \"%.*s\", only: %s",
		               CP_STR_ARG(country), CP_STR_ARG(type), types);
	return cp_fail(CP_E_NOTFOUND, "campaigns of the type \"%.*s\" have no subtype \"%.*s\", only: %s", CP_STR_ARG(type),
	               CP_STR_ARG(subtype), subtypes);
}

size_t cp_campaign_order_count(const struct cp_dataset *dataset)
{
	return dataset->meta->counts[SECTION_ORDERS];
}

struct cp_campaign_order cp_campaign_order(const struct cp_dataset *dataset, size_t index)
{
	const struct order_row *order = row(dataset, SECTION_ORDERS, index);
	return (struct cp_campaign_order){
	    .type = cp_dataset_text(dataset, order->type),
	    .name = cp_dataset_text(dataset, order->name),
	    .label = cp_dataset_text(dataset, order->label),
	    .rule = (enum cp_order_rule)order->rule,
	    .party = cp_dataset_text(dataset, order->party),
	};
}

int cp_campaign_order_find(const struct cp_dataset *dataset, struct cp_str type, struct cp_str name,
                           struct cp_campaign_order *ret_order)
{
	char names[512] = "";
	for (size_t i = 0; i < cp_campaign_order_count(dataset); ++i) {
		struct cp_campaign_order order = cp_campaign_order(dataset, i);
		if (!cp_str_eq(order.type, type))
			continue;
		if (name.len == 0 || cp_str_eq(order.name, name)) {
			*ret_order = order;
			return 0;
		}
		list_word(names, sizeof(names), order.name);
	}
	return cp_fail(CP_E_NOTFOUND, "campaigns of the type \"%.*s\" have no order \"%.*s\", only: %s", CP_STR_ARG(type),
	               CP_STR_ARG(name), names);
}

size_t cp_campaign_locator_count(const struct cp_dataset *dataset)
{
	return dataset->meta->counts[SECTION_LOCATORS];
}

struct cp_campaign_locator cp_campaign_locator(const struct cp_dataset *dataset, size_t index)
{
	const struct locator_row *locator = row(dataset, SECTION_LOCATORS, index);
	return (struct cp_campaign_locator){cp_dataset_text(dataset, locator->type), cp_dataset_text(dataset, locator->name)};
}

/* ---- records */

struct cp_division cp_dataset_division(const struct cp_dataset *dataset, uint32_t index)
{
	const struct division_row *division = row(dataset, SECTION_DIVISIONS, index);
	return (struct cp_division){
	    .id = cp_dataset_text(dataset, division->id),
	    .name = cp_dataset_text(dataset, division->name),
	    .parent = division->parent,
	    .first_seat = division->first_seat,
	    .seat_count = division->seat_count,
	    .from = division->from,
	};
}

typedef struct cp_str row_name(const struct cp_dataset *dataset, uint32_t index);

/* The row with this name in a section that is sorted by it; CP_DATASET_NONE where there is none. */
static uint32_t find(const struct cp_dataset *dataset, enum section section, row_name *name_of, int (*compare)(struct cp_str, struct cp_str),
                     struct cp_str name)
{
	uint32_t low = 0, high = dataset->meta->counts[section];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = compare(name, name_of(dataset, middle));
		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return CP_DATASET_NONE;
}

static struct cp_str division_id(const struct cp_dataset *dataset, uint32_t index)
{
	return cp_dataset_text(dataset, ROWS(dataset, SECTION_DIVISIONS, division_row)[index].id);
}

uint32_t cp_dataset_division_find(const struct cp_dataset *dataset, struct cp_str id)
{
	return find(dataset, SECTION_DIVISIONS, division_id, cp_dataset_compare_ids, id);
}

struct cp_seat cp_dataset_seat(const struct cp_dataset *dataset, uint32_t index)
{
	const struct seat_row *seat = row(dataset, SECTION_SEATS, index);
	return (struct cp_seat){
	    .id = cp_dataset_text(dataset, seat->id),
	    .body = cp_dataset_text(dataset, seat->body),
	    .chamber = cp_dataset_text(dataset, seat->chamber),
	    .title = cp_dataset_text(dataset, seat->title),
	    .district = cp_dataset_text(dataset, seat->district),
	    .classification = (enum cp_chamber)seat->classification,
	    .voting = seat->voting != 0,
	    .division = seat->division,
	    .first_holder = seat->first_holder,
	    .holder_count = seat->holder_count,
	    .from = seat->from,
	};
}

struct cp_holder cp_dataset_holder(const struct cp_dataset *dataset, uint32_t index)
{
	const struct holder_row *holder = row(dataset, SECTION_HOLDERS, index);
	return (struct cp_holder){
	    .seat = holder->seat,
	    .person = holder->person,
	    .party = cp_dataset_text(dataset, holder->party),
	    .caucus = cp_dataset_text(dataset, holder->caucus),
	    .phone = cp_dataset_text(dataset, holder->phone),
	    .location = cp_dataset_text(dataset, holder->location),
	    .start = cp_dataset_text(dataset, holder->start),
	    .end = cp_dataset_text(dataset, holder->end),
	    .rank = holder->rank,
	    .from = holder->from,
	};
}

struct cp_person cp_dataset_person(const struct cp_dataset *dataset, uint32_t index)
{
	const struct person_row *person = row(dataset, SECTION_PEOPLE, index);
	return (struct cp_person){
	    .key = cp_dataset_text(dataset, person->key),
	    .name = cp_dataset_text(dataset, person->name),
	    .given_name = cp_dataset_text(dataset, person->given_name),
	    .family_name = cp_dataset_text(dataset, person->family_name),
	    .first_office = person->first_office,
	    .office_count = person->office_count,
	    .from = person->from,
	};
}

static struct cp_str person_key(const struct cp_dataset *dataset, uint32_t index)
{
	return cp_dataset_text(dataset, ROWS(dataset, SECTION_PEOPLE, person_row)[index].key);
}

uint32_t cp_dataset_person_find(const struct cp_dataset *dataset, struct cp_str key)
{
	return find(dataset, SECTION_PEOPLE, person_key, cp_str_compare, key);
}

uint32_t cp_dataset_person_holders(const struct cp_dataset *dataset, uint32_t index, const uint32_t **ret_holders)
{
	const struct person_row *person = row(dataset, SECTION_PEOPLE, index);
	*ret_holders = (const uint32_t *)dataset->tables[SECTION_HOLDINGS] + person->first_holding;
	return person->holding_count;
}

struct cp_office cp_dataset_office(const struct cp_dataset *dataset, uint32_t index)
{
	const struct office_row *office = row(dataset, SECTION_OFFICES, index);
	return (struct cp_office){
	    .id = cp_dataset_text(dataset, office->id),
	    .kind = cp_dataset_text(dataset, office->kind),
	    .phone = cp_dataset_text(dataset, office->phone),
	    .address = cp_dataset_text(dataset, office->address),
	    .city = cp_dataset_text(dataset, office->city),
	    .region = cp_dataset_text(dataset, office->region),
	    .postal_code = cp_dataset_text(dataset, office->postal_code),
	    .hours = cp_dataset_text(dataset, office->hours),
	    .has_point = office->has_point != 0,
	    .latitude = office->latitude,
	    .longitude = office->longitude,
	    .person = office->person,
	    .from = office->from,
	};
}

/* ---- postal codes */

/* The order of bytes as the order of numbers. */
static unsigned __int128 code_number(const char code[16])
{
	uint64_t high, low;
	memcpy(&high, code, 8);
	memcpy(&low, code + 8, 8);
	return (unsigned __int128)be64toh(high) << 64 | be64toh(low);
}

int cp_dataset_postal(const struct cp_dataset *dataset, struct cp_str code, const struct cp_postal_link **ret_links,
                      size_t *ret_count)
{
	char padded[sizeof(((struct postal_row *)NULL)->code)] = {0};
	if (code.len > MAX_CODE)
		return cp_fail(CP_E_NOTFOUND, "this is too long for a postal code");
	memcpy(padded, code.len == 0 ? "" : code.ptr, code.len);
	/* The last row that is not above the code: halving without a branch that depends on the data, since that is a coin's
	 * toss. */
	const struct postal_row *row = ROWS(dataset, SECTION_POSTAL, postal_row);
	unsigned __int128 wanted = code_number(padded);
	uint32_t count = dataset->meta->counts[SECTION_POSTAL];
	while (count > 1) {
		uint32_t half = count / 2;
		row = code_number(row[half].code) <= wanted ? row + half : row;
		count -= half;
	}
	if (count == 1 && code_number(row->code) == wanted) {
		*ret_links = ROWS(dataset, SECTION_LINKS, cp_postal_link) + row->first_link;
		*ret_count = row->link_count;
		return 0;
	}
	return cp_fail(CP_E_NOTFOUND, "the postal code \"%.*s\" is not known", CP_STR_ARG(code));
}

struct cp_str cp_dataset_postal_code(const struct cp_dataset *dataset, uint32_t index)
{
	const struct postal_row *postal = row(dataset, SECTION_POSTAL, index);
	return cp_str(postal->code);
}
