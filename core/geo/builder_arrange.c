/* Sorts the rows, turns references into indexes of the sorted tables, and joins postal codes with all divisions around them. */
#include "base/memory.h"
#include "builder_internal.h"

#include <stdlib.h>

typedef int compare_fn(const struct cp_dataset_builder *builder, const void *a, const void *b);

struct sorting {
	const struct cp_dataset_builder *builder;
	const struct table *table;
	size_t width;
	compare_fn *compare;
};

static int compare_indexes(const void *a, const void *b, void *data)
{
	const struct sorting *sorting = data;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = sorting->compare(sorting->builder, cp_table_row(sorting->table, sorting->width, x),
	                             cp_table_row(sorting->table, sorting->width, y));
	return order != 0 ? order : (x > y) - (x < y); /* stable */
}

/* Sorts a table; the result says where each row has gone: moved[old] = new. The caller frees it. */
static uint32_t *sort_table(const struct cp_dataset_builder *builder, struct table *table, size_t width, compare_fn *compare)
{
	struct sorting sorting = {builder, table, width, compare};
	uint32_t *order = cp_alloc_array((size_t)table->count + 1, sizeof(*order));
	uint32_t *moved = cp_alloc_array((size_t)table->count + 1, sizeof(*moved));
	char *sorted = cp_alloc_array((size_t)table->count + 1, width);
	for (uint32_t i = 0; i < table->count; ++i)
		order[i] = i;
	qsort_r(order, table->count, sizeof(*order), compare_indexes, &sorting);
	for (uint32_t i = 0; i < table->count; ++i) {
		memcpy(sorted + i * width, cp_table_row(table, width, order[i]), width);
		moved[order[i]] = i;
	}
	free(order);
	free(table->rows);
	table->rows = sorted;
	table->capacity = table->count + 1;
	return moved;
}

static uint32_t *sort_section(struct cp_dataset_builder *builder, enum section section, compare_fn *compare)
{
	return sort_table(builder, &builder->tables[section], cp_dataset_shapes[section].width, compare);
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_divisions(const struct cp_dataset_builder *builder, const void *a, const void *b)
{
	const struct division_row *x = a, *y = b;
	return cp_dataset_compare_ids(cp_builder_text(builder, x->id), cp_builder_text(builder, y->id));
}

static int compare_seats(const struct cp_dataset_builder *builder, const void *a, const void *b)
{
	const struct seat_row *x = a, *y = b;
	int order = compare_numbers(x->division, y->division);
	return order != 0 ? order : cp_dataset_compare_ids(cp_builder_text(builder, x->id), cp_builder_text(builder, y->id));
}

static int compare_people(const struct cp_dataset_builder *builder, const void *a, const void *b)
{
	const struct person_row *x = a, *y = b;
	return cp_str_compare(cp_builder_text(builder, x->key), cp_builder_text(builder, y->key));
}

static int compare_holders(const struct cp_dataset_builder *builder, const void *a, const void *b)
{
	(void)builder;
	const struct holder_row *x = a, *y = b;
	int order = compare_numbers(x->seat, y->seat);
	if (order == 0)
		order = compare_numbers(x->rank - 1, y->rank - 1); /* no rank, 0, comes last */
	return order != 0 ? order : compare_numbers(x->person, y->person);
}

static int compare_offices(const struct cp_dataset_builder *builder, const void *a, const void *b)
{
	const struct office_row *x = a, *y = b;
	int order = compare_numbers(x->person, y->person);
	return order != 0 ? order : cp_dataset_compare_ids(cp_builder_text(builder, x->id), cp_builder_text(builder, y->id));
}

static int compare_postal(const struct cp_dataset_builder *builder, const void *a, const void *b)
{
	(void)builder;
	const struct postal_input *x = a, *y = b;
	int order = memcmp(x->code, y->code, sizeof(x->code));
	return order != 0 ? order : compare_numbers(x->division, y->division);
}

/* Walks the rows of a section. */
#define ROWS(builder, section, type, name)                                                                                       \
	struct type *name = (struct type *)(void *)(builder)->tables[section].rows, *const name##_end =                          \
	                                                                                name + (builder)->tables[section].count; \
	name < name##_end;                                                                                                       \
	++name

static void *row_at(struct cp_dataset_builder *builder, enum section section, uint32_t index)
{
	return cp_table_row(&builder->tables[section], cp_dataset_shapes[section].width, index);
}

static uint32_t index_of(struct cp_dataset_builder *builder, enum section section, const void *row)
{
	return (uint32_t)((size_t)((const char *)row - builder->tables[section].rows) / cp_dataset_shapes[section].width);
}

static void arrange_divisions(struct cp_dataset_builder *builder)
{
	uint32_t *moved = sort_section(builder, SECTION_DIVISIONS, compare_divisions);
	for (ROWS(builder, SECTION_DIVISIONS, division_row, division))
		if (division->parent != CP_DATASET_NONE)
			division->parent = moved[division->parent];
	for (ROWS(builder, SECTION_SEATS, seat_row, seat))
		seat->division = moved[seat->division];
	struct postal_input *inputs = (struct postal_input *)(void *)builder->postal_inputs.rows;
	for (uint32_t i = 0; i < builder->postal_inputs.count; ++i)
		inputs[i].division = moved[inputs[i].division];
	builder->meta.root = moved[builder->meta.root];
	free(moved);
}

static void arrange_seats(struct cp_dataset_builder *builder)
{
	uint32_t *moved = sort_section(builder, SECTION_SEATS, compare_seats);
	for (ROWS(builder, SECTION_HOLDERS, holder_row, holder))
		holder->seat = moved[holder->seat];
	for (ROWS(builder, SECTION_SEATS, seat_row, seat)) {
		struct division_row *division = row_at(builder, SECTION_DIVISIONS, seat->division);
		if (division->seat_count++ == 0)
			division->first_seat = index_of(builder, SECTION_SEATS, seat);
	}
	free(moved);
}

static void arrange_people(struct cp_dataset_builder *builder)
{
	uint32_t *moved = sort_section(builder, SECTION_PEOPLE, compare_people);
	for (ROWS(builder, SECTION_HOLDERS, holder_row, holder))
		holder->person = moved[holder->person];
	for (ROWS(builder, SECTION_OFFICES, office_row, office))
		office->person = moved[office->person];
	free(moved);
	free(sort_section(builder, SECTION_OFFICES, compare_offices));
	for (ROWS(builder, SECTION_OFFICES, office_row, office)) {
		struct person_row *person = row_at(builder, SECTION_PEOPLE, office->person);
		if (person->office_count++ == 0)
			person->first_office = index_of(builder, SECTION_OFFICES, office);
	}
}

static int arrange_holders(struct cp_dataset_builder *builder)
{
	free(sort_section(builder, SECTION_HOLDERS, compare_holders));
	for (ROWS(builder, SECTION_HOLDERS, holder_row, holder)) {
		struct seat_row *seat = row_at(builder, SECTION_SEATS, holder->seat);
		if (seat->holder_count++ == 0)
			seat->first_holder = index_of(builder, SECTION_HOLDERS, holder);
		++((struct person_row *)row_at(builder, SECTION_PEOPLE, holder->person))->holding_count;
		builder->meta.unreachable_holders += holder->phone.length == 0;
	}
	uint32_t next = 0;
	for (ROWS(builder, SECTION_PEOPLE, person_row, person)) {
		person->first_holding = next;
		next += person->holding_count;
		person->holding_count = 0;
	}
	for (uint32_t i = 0; i < next; ++i)
		if (cp_table_add(&builder->tables[SECTION_HOLDINGS], sizeof(uint32_t)) == NULL)
			return CP_E_LIMIT;
	uint32_t *holdings = (uint32_t *)(void *)builder->tables[SECTION_HOLDINGS].rows;
	for (ROWS(builder, SECTION_HOLDERS, holder_row, holder)) {
		struct person_row *person = row_at(builder, SECTION_PEOPLE, holder->person);
		holdings[person->first_holding + person->holding_count++] = index_of(builder, SECTION_HOLDERS, holder);
	}
	return 0;
}

/* ---- postal codes */

static int add_link(struct cp_dataset_builder *builder, struct postal_row *postal, uint32_t division, uint32_t weight,
                    bool explicit_weight)
{
	for (uint32_t i = 0; i < postal->link_count; ++i) {
		struct cp_postal_link *link = row_at(builder, SECTION_LINKS, postal->first_link + i);
		if (link->division == division) {
			/* What lies in several parts of a division has a known weight only where each part has. */
			if (!explicit_weight)
				link->weight = link->weight == 0 || weight == 0 ? 0 : link->weight + weight;
			return 0;
		}
	}
	struct cp_postal_link *link = cp_table_add(&builder->tables[SECTION_LINKS], sizeof(*link));
	if (link == NULL)
		return CP_E_LIMIT;
	*link = (struct cp_postal_link){division, weight};
	++postal->link_count;
	return 0;
}

static int compare_links(const void *a, const void *b)
{
	const struct cp_postal_link *x = a, *y = b;
	return compare_numbers(x->division, y->division);
}

/* The divisions named for one code, then those around them, below the country. */
static int join_code(struct cp_dataset_builder *builder, const struct postal_input *inputs, uint32_t count)
{
	struct postal_row postal = {.first_link = builder->tables[SECTION_LINKS].count};
	memcpy(postal.code, inputs->code, sizeof(postal.code));
	int error = 0;
	for (uint32_t i = 0; i < count && error == 0; ++i) {
		if (i != 0 && inputs[i].division == inputs[i - 1].division) {
			const struct division_row *division = row_at(builder, SECTION_DIVISIONS, inputs[i].division);
			return cp_builder_refuse(builder, inputs[i].from, "the postal code \"%s\" is listed twice for \"%.*s\"",
			                         inputs[i].code, CP_STR_ARG(cp_builder_text(builder, division->id)));
		}
		error = add_link(builder, &postal, inputs[i].division, inputs[i].weight, true);
	}
	for (uint32_t i = 0; i < count && error == 0; ++i) {
		const struct division_row *division = row_at(builder, SECTION_DIVISIONS, inputs[i].division);
		for (uint32_t parent = division->parent; parent != CP_DATASET_NONE && parent != builder->meta.root && error == 0;
		     parent = ((const struct division_row *)row_at(builder, SECTION_DIVISIONS, parent))->parent) {
			bool named = false; /* by the source itself: then its weight stands */
			for (uint32_t k = 0; k < count; ++k)
				named |= inputs[k].division == parent;
			error = add_link(builder, &postal, parent, inputs[i].weight, named);
		}
	}
	if (error != 0)
		return error;
	qsort(row_at(builder, SECTION_LINKS, postal.first_link), postal.link_count, sizeof(struct cp_postal_link), compare_links);
	struct postal_row *row = cp_table_add(&builder->tables[SECTION_POSTAL], sizeof(*row));
	if (row == NULL)
		return CP_E_LIMIT;
	*row = postal;
	return 0;
}

static int arrange_postal(struct cp_dataset_builder *builder)
{
	free(sort_table(builder, &builder->postal_inputs, sizeof(struct postal_input), compare_postal));
	const struct postal_input *inputs = (const struct postal_input *)(const void *)builder->postal_inputs.rows;
	for (uint32_t first = 0, end; first < builder->postal_inputs.count; first = end) {
		end = first + 1;
		while (end < builder->postal_inputs.count &&
		       memcmp(inputs[end].code, inputs[first].code, sizeof(inputs->code)) == 0)
			++end;
		int error = join_code(builder, inputs + first, end - first);
		if (error != 0)
			return error;
	}
	return 0;
}

int cp_builder_arrange(struct cp_dataset_builder *builder)
{
	if (builder->meta.root == CP_DATASET_NONE)
		return cp_fail(CP_E_INPUT, "the documents gave no division at all");
	arrange_divisions(builder);
	arrange_seats(builder);
	arrange_people(builder);
	int error = arrange_holders(builder);
	return error == 0 ? arrange_postal(builder) : error;
}
