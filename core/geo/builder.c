#include "builder_internal.h"

#include "base/memory.h"
#include "crypto/hash.h"
#include "geo/builder.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void *cp_table_add(struct table *table, size_t width)
{
	if (table->count == MAX_ROWS) {
		cp_fail(CP_E_LIMIT, "a dataset has at most %d rows of a kind", MAX_ROWS);
		return NULL;
	}
	if (table->count == table->capacity) {
		table->capacity = table->capacity == 0 ? 64 : table->capacity * 2;
		table->rows = cp_realloc(table->rows, table->capacity * width);
	}
	void *row = table->rows + (size_t)table->count++ * width;
	memset(row, 0, width);
	return row;
}

static void *add_row(struct cp_dataset_builder *builder, enum section section)
{
	return cp_table_add(&builder->tables[section], cp_dataset_shapes[section].width);
}

int cp_builder_refuse(const struct cp_dataset_builder *builder, struct cp_provenance from, const char *fmt, ...)
{
	char reason[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	struct cp_str file = CP_STR("?");
	if (from.source < builder->tables[SECTION_SOURCES].count) {
		const struct source_row *source =
		    cp_table_row(&builder->tables[SECTION_SOURCES], sizeof(struct source_row), from.source);
		file = cp_builder_text(builder, source->file);
	}
	if (from.line == 0)
		return cp_fail(CP_E_INPUT, "%.*s: %s", CP_STR_ARG(file), reason);
	return cp_fail(CP_E_INPUT, "%.*s:%u: %s", CP_STR_ARG(file), from.line, reason);
}

/* ---- text */

/* Puts text into the strings, once, and checks it. what names the member in a refusal. */
static int put(struct cp_dataset_builder *builder, struct cp_str text, const char *what, struct cp_provenance from,
               struct text_row *ret_text)
{
	if (text.len == 0) {
		*ret_text = (struct text_row){0, 0};
		return 0;
	}
	if (text.len > MAX_TEXT)
		return cp_builder_refuse(builder, from, "the %s has %zu bytes, more than %d", what, text.len, MAX_TEXT);
	if (!cp_str_is_utf8(text))
		return cp_builder_refuse(builder, from, "the %s is not UTF-8 text", what);
	struct table *strings = &builder->tables[SECTION_STRINGS];
	size_t known = (size_t)(uintptr_t)cp_map_get(builder->interned, text);
	if (known != 0) {
		*ret_text = (struct text_row){(uint32_t)(known - 1), (uint32_t)text.len};
		return 0;
	}
	if (strings->count + text.len > UINT32_MAX / 2)
		return cp_fail(CP_E_LIMIT, "a dataset has at most 2 GiB of text");
	while (strings->count + text.len > strings->capacity) {
		strings->capacity *= 2;
		strings->rows = cp_realloc(strings->rows, strings->capacity);
	}
	*ret_text = (struct text_row){strings->count, (uint32_t)text.len};
	memcpy(strings->rows + strings->count, text.ptr, text.len);
	strings->count += (uint32_t)text.len;
	cp_map_set(builder->interned, text, (void *)((uintptr_t)ret_text->offset + 1));
	return 0;
}

struct wanted {
	struct cp_str text;
	const char *what;
	struct text_row *ret_text;
	bool required;
};

static int put_all(struct cp_dataset_builder *builder, const struct wanted *wanted, size_t count, struct cp_provenance from)
{
	for (size_t i = 0; i < count; ++i) {
		if (wanted[i].required && wanted[i].text.len == 0)
			return cp_builder_refuse(builder, from, "the %s is missing", wanted[i].what);
		int error = put(builder, wanted[i].text, wanted[i].what, from, wanted[i].ret_text);
		if (error != 0)
			return error;
	}
	return 0;
}

/* ---- ids */

static uint32_t find(const struct cp_map *map, struct cp_str id)
{
	uintptr_t index = (uintptr_t)cp_map_get(map, id);
	return index == 0 ? CP_DATASET_NONE : (uint32_t)(index - 1);
}

static void remember(struct cp_map *map, struct cp_str id, uint32_t index)
{
	cp_map_set(map, id, (void *)((uintptr_t)index + 1));
}

static int check_new(const struct cp_dataset_builder *builder, const struct cp_map *map, struct cp_str id, const char *what,
                     struct cp_provenance from)
{
	if (from.source >= builder->tables[SECTION_SOURCES].count)
		return cp_fail(CP_E_INPUT, "the %s \"%.*s\" names a document that was not given", what, CP_STR_ARG(id));
	if (id.len == 0)
		return cp_builder_refuse(builder, from, "a %s has no id", what);
	if (find(map, id) != CP_DATASET_NONE)
		return cp_builder_refuse(builder, from, "the %s \"%.*s\" is there twice", what, CP_STR_ARG(id));
	return 0;
}

static int check_known(const struct cp_dataset_builder *builder, const struct cp_map *map, struct cp_str id, const char *what,
                       struct cp_provenance from, uint32_t *ret_index)
{
	*ret_index = find(map, id);
	if (*ret_index == CP_DATASET_NONE)
		return cp_builder_refuse(builder, from, "there is no %s \"%.*s\"", what, CP_STR_ARG(id));
	return 0;
}

/* "+" and 7 to 15 digits (ITU-T E.164), or nothing. */
static int check_phone(const struct cp_dataset_builder *builder, struct cp_str phone, struct cp_provenance from)
{
	bool ok = phone.len == 0 || (phone.len >= 8 && phone.len <= 16 && phone.ptr[0] == '+' && phone.ptr[1] != '0');
	for (size_t i = 1; ok && i < phone.len; ++i)
		ok = phone.ptr[i] >= '0' && phone.ptr[i] <= '9';
	return ok ? 0 : cp_builder_refuse(builder, from, "\"%.*s\" is no telephone number in E.164 form", CP_STR_ARG(phone));
}

/* ---- the builder */

struct cp_dataset_builder *cp_dataset_builder_new(struct cp_str country, struct cp_str provider_name,
                                                  struct cp_str provider_version)
{
	struct cp_dataset_builder *builder = cp_alloc(sizeof(*builder));
	builder->interned = cp_map_new();
	builder->divisions = cp_map_new();
	builder->seats = cp_map_new();
	builder->people = cp_map_new();
	builder->offices = cp_map_new();
	builder->holders = cp_map_new();
	builder->vacancies = cp_map_new();
	for (int i = 0; i < SECTION_COUNT; ++i) { /* so that no table is NULL, also one without rows */
		builder->tables[i].capacity = 64;
		builder->tables[i].rows = cp_alloc_array(64, cp_dataset_shapes[i].width);
	}
	memcpy(builder->meta.magic, META_MAGIC, sizeof(builder->meta.magic));
	builder->meta.format = CP_DATASET_FORMAT;
	builder->meta.byte_order = BYTE_ORDER_MARK;
	builder->meta.root = CP_DATASET_NONE;
	size_t len = country.len < sizeof(builder->meta.country) ? country.len : sizeof(builder->meta.country) - 1;
	memcpy(builder->meta.country, country.ptr, len);
	struct cp_provenance none = {0, 0};
	if (put(builder, provider_name, "name", none, &builder->meta.provider_name) != 0 ||
	    put(builder, provider_version, "version", none, &builder->meta.provider_version) != 0)
		builder->meta.provider_name = builder->meta.provider_version = (struct text_row){0, 0};
	return builder;
}

struct cp_dataset_builder *cp_dataset_builder_free(struct cp_dataset_builder *builder)
{
	if (builder == NULL)
		return NULL;
	for (int i = 0; i < SECTION_COUNT; ++i)
		free(builder->tables[i].rows);
	free(builder->postal_inputs.rows);
	struct cp_map *maps[] = {builder->interned, builder->divisions, builder->seats,    builder->people,
	                         builder->offices,  builder->holders,   builder->vacancies};
	for (size_t i = 0; i < CP_COUNT(maps); ++i)
		cp_map_free(maps[i], NULL);
	free(builder);
	return NULL;
}

void cp_dataset_builder_free_ptr(struct cp_dataset_builder **builder)
{
	*builder = cp_dataset_builder_free(*builder);
}

int cp_dataset_builder_source(struct cp_dataset_builder *builder, const struct cp_dataset_source *source)
{
	struct source_row *row = add_row(builder, SECTION_SOURCES);
	if (row == NULL)
		return CP_E_LIMIT;
	struct source_row filled = {.size = source->size};
	memcpy(filled.sha256, source->sha256, sizeof(filled.sha256));
	const struct wanted texts[] = {
	    {source->name, "source's name", &filled.name, true},
	    {source->file, "source's file name", &filled.file, true},
	    {source->address, "source's address", &filled.address, false},
	    {source->licence, "source's licence", &filled.licence, false},
	    {source->date, "source's date", &filled.date, false},
	};
	struct cp_provenance none = {CP_DATASET_NONE, 0};
	int error = put_all(builder, texts, CP_COUNT(texts), none);
	*row = filled;
	return error;
}

int cp_dataset_builder_kind(struct cp_dataset_builder *builder, const struct cp_campaign_kind *kind)
{
	struct kind_row *row = add_row(builder, SECTION_KINDS);
	if (row == NULL)
		return CP_E_LIMIT;
	row->chambers = kind->chambers;
	const struct wanted texts[] = {
	    {kind->type, "campaign type", &row->type, true},
	    {kind->type_label, "campaign type's label", &row->type_label, true},
	    {kind->subtype, "campaign subtype", &row->subtype, true},
	    {kind->subtype_label, "campaign subtype's label", &row->subtype_label, true},
	};
	return put_all(builder, texts, CP_COUNT(texts), (struct cp_provenance){CP_DATASET_NONE, 0});
}

int cp_dataset_builder_order(struct cp_dataset_builder *builder, const struct cp_campaign_order *order)
{
	struct order_row *row = add_row(builder, SECTION_ORDERS);
	if (row == NULL)
		return CP_E_LIMIT;
	row->rule = order->rule;
	const struct wanted texts[] = {
	    {order->type, "campaign type", &row->type, true},
	    {order->name, "order", &row->name, true},
	    {order->label, "order's label", &row->label, true},
	    {order->party, "order's party", &row->party,
	     order->rule == CP_ORDER_PARTY_FIRST || order->rule == CP_ORDER_PARTY_ONLY},
	};
	return put_all(builder, texts, CP_COUNT(texts), (struct cp_provenance){CP_DATASET_NONE, 0});
}

int cp_dataset_builder_locator(struct cp_dataset_builder *builder, const struct cp_campaign_locator *locator)
{
	struct locator_row *row = add_row(builder, SECTION_LOCATORS);
	if (row == NULL)
		return CP_E_LIMIT;
	const struct wanted texts[] = {{locator->type, "campaign type", &row->type, true},
	                               {locator->name, "locator", &row->name, true}};
	return put_all(builder, texts, CP_COUNT(texts), (struct cp_provenance){CP_DATASET_NONE, 0});
}

int cp_dataset_builder_division(struct cp_dataset_builder *builder, const struct cp_division *division, struct cp_str parent)
{
	struct division_row filled = {.parent = CP_DATASET_NONE, .from = division->from};
	int error = check_new(builder, builder->divisions, division->id, "division", division->from);
	if (error != 0)
		return error;
	if (!cp_str_starts(division->id, CP_STR("ocd-division/country:")))
		return cp_builder_refuse(builder, division->from, "\"%.*s\" is no Open Civic Data id of a division",
		                         CP_STR_ARG(division->id));
	if (parent.len != 0)
		error = check_known(builder, builder->divisions, parent, "division", division->from, &filled.parent);
	else if (builder->meta.root != CP_DATASET_NONE)
		error = cp_builder_refuse(builder, division->from,
		                          "the division \"%.*s\" has no division around it, and it is not the first",
		                          CP_STR_ARG(division->id));
	else
		builder->meta.root = 0;
	const struct wanted texts[] = {{division->id, "division's id", &filled.id, true},
	                               {division->name, "division's name", &filled.name, true}};
	if (error == 0)
		error = put_all(builder, texts, CP_COUNT(texts), division->from);
	struct division_row *row = error == 0 ? add_row(builder, SECTION_DIVISIONS) : NULL;
	if (row == NULL)
		return error == 0 ? CP_E_LIMIT : error;
	*row = filled;
	remember(builder->divisions, division->id, builder->tables[SECTION_DIVISIONS].count - 1);
	return 0;
}

int cp_dataset_builder_seat(struct cp_dataset_builder *builder, const struct cp_seat *seat, struct cp_str division)
{
	struct seat_row filled = {.classification = seat->classification, .voting = seat->voting, .from = seat->from};
	int error = check_new(builder, builder->seats, seat->id, "post", seat->from);
	if (error == 0)
		error = check_known(builder, builder->divisions, division, "division", seat->from, &filled.division);
	if (error != 0)
		return error;
	uint32_t bits = seat->classification;
	if (bits == 0 || bits > CP_CHAMBER_OTHER || (bits & (bits - 1)) != 0)
		return cp_builder_refuse(builder, seat->from, "the post \"%.*s\" has no known classification (%u)",
		                         CP_STR_ARG(seat->id), bits);
	const struct wanted texts[] = {
	    {seat->id, "post's id", &filled.id, true},
	    {seat->body, "post's body", &filled.body, true},
	    {seat->chamber, "post's chamber", &filled.chamber, true},
	    {seat->title, "post's title", &filled.title, true},
	    {seat->district, "post's district", &filled.district, true},
	};
	if ((error = put_all(builder, texts, CP_COUNT(texts), seat->from)) != 0)
		return error;
	struct seat_row *row = add_row(builder, SECTION_SEATS);
	if (row == NULL)
		return CP_E_LIMIT;
	*row = filled;
	remember(builder->seats, seat->id, builder->tables[SECTION_SEATS].count - 1);
	return 0;
}

int cp_dataset_builder_person(struct cp_dataset_builder *builder, const struct cp_person *person)
{
	struct person_row filled = {.from = person->from};
	int error = check_new(builder, builder->people, person->key, "person", person->from);
	if (error != 0)
		return error;
	char key[512];
	int len = snprintf(key, sizeof(key), "%s:%.*s", builder->meta.country, CP_STR_ARG(person->key));
	if (len < 0 || (size_t)len >= sizeof(key))
		return cp_builder_refuse(builder, person->from, "the id of a person is longer than %zu bytes", sizeof(key) - 1);
	const struct wanted texts[] = {
	    {cp_str(key), "person's id", &filled.key, true},
	    {person->name, "person's name", &filled.name, true},
	    {person->given_name, "given name", &filled.given_name, false},
	    {person->family_name, "family name", &filled.family_name, false},
	};
	if ((error = put_all(builder, texts, CP_COUNT(texts), person->from)) != 0)
		return error;
	struct person_row *row = add_row(builder, SECTION_PEOPLE);
	if (row == NULL)
		return CP_E_LIMIT;
	*row = filled;
	remember(builder->people, person->key, builder->tables[SECTION_PEOPLE].count - 1);
	return 0;
}

int cp_dataset_builder_holder(struct cp_dataset_builder *builder, const struct cp_holder *holder, struct cp_str person,
                              struct cp_str seat)
{
	struct holder_row filled = {.rank = holder->rank, .from = holder->from};
	if (holder->from.source >= builder->tables[SECTION_SOURCES].count)
		return cp_fail(CP_E_INPUT, "a membership names a document that was not given");
	int error = check_known(builder, builder->people, person, "person", holder->from, &filled.person);
	if (error == 0)
		error = check_known(builder, builder->seats, seat, "post", holder->from, &filled.seat);
	if (error == 0)
		error = check_phone(builder, holder->phone, holder->from);
	if (error != 0)
		return error;
	char pair[32];
	snprintf(pair, sizeof(pair), "%u/%u", filled.person, filled.seat);
	if (find(builder->holders, cp_str(pair)) != CP_DATASET_NONE)
		return cp_builder_refuse(builder, holder->from, "\"%.*s\" holds the post \"%.*s\" twice", CP_STR_ARG(person),
		                         CP_STR_ARG(seat));
	const struct wanted texts[] = {
	    {holder->party, "party", &filled.party, false},
	    {holder->caucus, "caucus", &filled.caucus, false},
	    {holder->phone, "phone", &filled.phone, false},
	    {holder->location, "phone's location", &filled.location, false},
	    {holder->start, "start of term", &filled.start, false},
	    {holder->end, "end of term", &filled.end, false},
	};
	if ((error = put_all(builder, texts, CP_COUNT(texts), holder->from)) != 0)
		return error;
	struct holder_row *row = add_row(builder, SECTION_HOLDERS);
	if (row == NULL)
		return CP_E_LIMIT;
	*row = filled;
	remember(builder->holders, cp_str(pair), builder->tables[SECTION_HOLDERS].count - 1);
	return 0;
}

int cp_dataset_builder_office(struct cp_dataset_builder *builder, const struct cp_office *office, struct cp_str person)
{
	struct office_row filled = {.from = office->from};
	int error = check_new(builder, builder->offices, office->id, "office", office->from);
	if (error == 0)
		error = check_known(builder, builder->people, person, "person", office->from, &filled.person);
	if (error == 0)
		error = check_phone(builder, office->phone, office->from);
	if (error != 0)
		return error;
	if (office->has_point) {
		if (!isfinite(office->latitude) || !isfinite(office->longitude) || fabs(office->latitude) > 90 ||
		    fabs(office->longitude) > 180)
			return cp_builder_refuse(builder, office->from, "the office \"%.*s\" is nowhere on earth",
			                         CP_STR_ARG(office->id));
		filled.has_point = 1;
		filled.latitude = office->latitude;
		filled.longitude = office->longitude;
	}
	const struct wanted texts[] = {
	    {office->id, "office's id", &filled.id, true},
	    {office->kind, "office's kind", &filled.kind, true},
	    {office->phone, "phone", &filled.phone, false},
	    {office->address, "address", &filled.address, false},
	    {office->city, "city", &filled.city, false},
	    {office->region, "region", &filled.region, false},
	    {office->postal_code, "postal code", &filled.postal_code, false},
	    {office->hours, "hours", &filled.hours, false},
	};
	if ((error = put_all(builder, texts, CP_COUNT(texts), office->from)) != 0)
		return error;
	struct office_row *row = add_row(builder, SECTION_OFFICES);
	if (row == NULL)
		return CP_E_LIMIT;
	*row = filled;
	remember(builder->offices, office->id, builder->tables[SECTION_OFFICES].count - 1);
	return 0;
}

int cp_dataset_builder_postal(struct cp_dataset_builder *builder, struct cp_str code, struct cp_str division, uint32_t weight,
                              struct cp_provenance from)
{
	struct postal_input filled = {.weight = weight, .from = from};
	if (from.source >= builder->tables[SECTION_SOURCES].count)
		return cp_fail(CP_E_INPUT, "a postal code names a document that was not given");
	if (code.len == 0 || code.len > MAX_CODE || !cp_str_is_utf8(code))
		return cp_builder_refuse(builder, from, "a postal code has 1 to %d bytes of text, this one has %zu", MAX_CODE,
		                         code.len);
	if (weight > 1000000)
		return cp_builder_refuse(builder, from, "a weight is at most 1000000 millionths, this one is %u", weight);
	int error = check_known(builder, builder->divisions, division, "division", from, &filled.division);
	if (error != 0)
		return error;
	memcpy(filled.code, code.ptr, code.len);
	struct postal_input *row = cp_table_add(&builder->postal_inputs, sizeof(*row));
	if (row == NULL)
		return CP_E_LIMIT;
	*row = filled;
	return 0;
}

int cp_dataset_builder_warning(struct cp_dataset_builder *builder, const struct cp_dataset_warning *warning)
{
	struct warning_row filled = {.kind = warning->kind, .from = warning->from};
	if (warning->from.source >= builder->tables[SECTION_SOURCES].count)
		return cp_fail(CP_E_INPUT, "a warning names a document that was not given");
	const struct wanted texts[] = {{warning->subject, "subject", &filled.subject, false},
	                               {warning->text, "warning's text", &filled.text, true}};
	int error = put_all(builder, texts, CP_COUNT(texts), warning->from);
	struct warning_row *row = error == 0 ? add_row(builder, SECTION_WARNINGS) : NULL;
	if (row == NULL)
		return error == 0 ? CP_E_LIMIT : error;
	*row = filled;
	if (warning->kind == CP_DATASET_VACANCY && warning->subject.len != 0)
		remember(builder->vacancies, warning->subject, 0);
	return 0;
}

void cp_dataset_builder_key(const struct cp_dataset_builder *builder, uint8_t ret_key[CP_SHA256_SIZE])
{
	const struct table *sources = &builder->tables[SECTION_SOURCES];
	char head[64];
	int len = snprintf(head, sizeof(head), "%d/%s/", CP_DATASET_FORMAT, builder->meta.country);
	struct cp_str *parts = cp_alloc_array(sources->count + 4, sizeof(*parts));
	size_t count = 0;
	parts[count++] = (struct cp_str){head, (size_t)len};
	parts[count++] = cp_builder_text(builder, builder->meta.provider_name);
	parts[count++] = CP_STR("/");
	parts[count++] = cp_builder_text(builder, builder->meta.provider_version);
	for (uint32_t i = 0; i < sources->count; ++i) {
		const struct source_row *source = cp_table_row(sources, sizeof(*source), i);
		parts[count++] = (struct cp_str){(const char *)source->sha256, sizeof(source->sha256)};
	}
	cp_sha256(parts, count, ret_key);
	free(parts);
}
