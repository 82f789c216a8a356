/*
 * Samplia (xs), a country that does not exist: the smallest whole plugin, which providers/GUIDE.md builds step by step and the
 * tests use. Two provinces with two districts each and an isle that is one district; a Senate and an Assembly.
 */
#include "kit/csv.h"
#include "kit/text.h"
#include "kit/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum document { SEATS, MEMBERS, PLACES, DOCUMENT_COUNT };

struct sample {
	const struct provider_call *call;
	const struct provider_sink *sink;
	struct kit_map *divisions; /* ids that were emitted */
};

static struct provider_from from(enum document document, uint32_t line)
{
	return (struct provider_from){document, line};
}

/* The sentence goes to whoever runs the update, with file and line in front. */
static int refuse(struct sample *sample, int rc, enum document document, uint32_t line, const char *reason)
{
	return sample->call->host->fail(sample->call->host->ctx, rc, from(document, line), "%s", reason);
}

/* ---- names of things: one function each, so that all documents agree */

static struct provider_str division_id(struct sample *sample, struct provider_str province, struct provider_str district)
{
	if (district.len == 0)
		return kit_printf(sample->call, "ocd-division/country:xs/province:%.*s", KIT_STR_ARG(province));
	return kit_printf(sample->call, "ocd-division/country:xs/province:%.*s/district:%.*s", KIT_STR_ARG(province),
	                  KIT_STR_ARG(district));
}

static struct provider_str post_id(struct sample *sample, struct provider_str chamber, struct provider_str province,
                                   struct provider_str district)
{
	return kit_printf(sample->call, "%.*s:%.*s:%.*s", KIT_STR_ARG(chamber), KIT_STR_ARG(province), KIT_STR_ARG(district));
}

/* ---- seats.csv: divisions and posts */

static int emit_division(struct sample *sample, struct provider_str id, struct provider_str parent, struct provider_str name,
                         uint32_t line)
{
	if (id.ptr == NULL || name.ptr == NULL)
		return PROVIDER_E_LIMIT;
	int added = kit_map_add(sample->divisions, id, line);
	if (added <= 0) /* no memory, or emitted before */
		return added;
	struct provider_division record = {
	    .size = sizeof(record), .id = id, .parent = parent, .name = name, .from = from(SEATS, line)};
	return sample->sink->division(sample->sink->ctx, &record);
}

static int emit_seat(struct sample *sample, const struct kit_csv *csv)
{
	struct provider_str none = {NULL, 0}, country = KIT_STR("ocd-division/country:xs");
	struct provider_str province = kit_csv_field(csv, kit_csv_column(csv, "province"));
	struct provider_str district = kit_csv_field(csv, kit_csv_column(csv, "district"));
	struct provider_str chamber = kit_csv_field(csv, kit_csv_column(csv, "chamber"));
	uint32_t line = kit_csv_line(csv);
	bool upper = kit_str_is(chamber, "senate");
	if (!upper && !kit_str_is(chamber, "assembly"))
		return refuse(sample, PROVIDER_E_INPUT, SEATS, line, "the chamber is neither senate nor assembly");
	int rc = emit_division(sample, division_id(sample, province, none), country,
	                       kit_printf(sample->call, "Province %.*s", KIT_STR_ARG(province)), line);
	if (rc == 0 && district.len != 0)
		rc = emit_division(sample, division_id(sample, province, district), division_id(sample, province, none),
		                   kit_printf(sample->call, "%.*s, district %.*s", KIT_STR_ARG(province), KIT_STR_ARG(district)),
		                   line);
	if (rc != 0)
		return rc;
	struct provider_post record = {
	    .size = sizeof(record),
	    .id = post_id(sample, chamber, province, district),
	    .division = division_id(sample, province, district),
	    .body = KIT_STR("parliament"),
	    .chamber = chamber,
	    .title = kit_csv_field(csv, kit_csv_column(csv, "title")),
	    .district = kit_printf(sample->call, district.len == 0 ? "%.*s%.*s" : "%.*s-%.*s", KIT_STR_ARG(province),
	                           KIT_STR_ARG(district)),
	    .classification = upper ? PROVIDER_UPPER : PROVIDER_LOWER,
	    .flags = PROVIDER_POST_VOTING,
	    .from = from(SEATS, line),
	};
	return sample->sink->post(sample->sink->ctx, &record);
}

static int read_seats(struct sample *sample, struct provider_str content)
{
	struct kit_csv *csv;
	struct kit_error error;
	struct provider_division country = {.size = sizeof(country),
	                                    .id = KIT_STR("ocd-division/country:xs"),
	                                    .name = KIT_STR("Samplia"),
	                                    .from = from(SEATS, 0)};
	int rc = sample->sink->division(sample->sink->ctx, &country);
	if (rc != 0)
		return rc;
	if ((rc = kit_csv_open(sample->call, content, NULL, &csv, &error)) != 0)
		return refuse(sample, rc, SEATS, error.line, error.text);
	while ((rc = kit_csv_next(csv, &error)) == 1)
		if ((rc = emit_seat(sample, csv)) != 0)
			return rc;
	return rc == 0 ? 0 : refuse(sample, rc, SEATS, error.line, error.text);
}

/* ---- members.yaml: people, what they hold, their offices */

static int emit_offices(struct sample *sample, struct provider_str person, const struct kit_yaml_node *offices)
{
	int rc = 0;
	for (uint32_t i = 0; offices != NULL && i < offices->count && rc == 0; ++i) {
		const struct kit_yaml_node *office = offices->values[i];
		struct provider_office record = {
		    .size = sizeof(record),
		    .id = kit_yaml_text_of(office, "id"),
		    .person = person,
		    .kind = KIT_STR("district"),
		    .phone = kit_yaml_text_of(office, "phone"),
		    .address = kit_yaml_text_of(office, "address"),
		    .city = kit_yaml_text_of(office, "city"),
		    .from = from(MEMBERS, office->line),
		};
		record.has_point = kit_yaml_number(kit_yaml_get(office, "latitude"), &record.latitude) &&
		                   kit_yaml_number(kit_yaml_get(office, "longitude"), &record.longitude);
		rc = sample->sink->office(sample->sink->ctx, &record);
	}
	return rc;
}

static int emit_member(struct sample *sample, const struct kit_yaml_node *node)
{
	const struct kit_yaml_node *seat = kit_yaml_get(node, "seat");
	struct provider_person person = {
	    .size = sizeof(person),
	    .id = kit_printf(sample->call, "sample:%.*s", KIT_STR_ARG(kit_yaml_text_of(node, "id"))),
	    .name = kit_yaml_text_of(node, "name"),
	    .from = from(MEMBERS, node->line),
	};
	struct provider_membership membership = {
	    .size = sizeof(membership),
	    .person = person.id,
	    .post = post_id(sample, kit_yaml_text_of(seat, "chamber"), kit_yaml_text_of(seat, "province"),
	                    kit_yaml_text_of(seat, "district")),
	    .party = kit_yaml_text_of(node, "party"),
	    .caucus = kit_yaml_text_of(node, "caucus"),
	    .start = kit_yaml_text_of(node, "since"),
	    .phone = kit_yaml_text_of(node, "phone"),
	    .phone_location = KIT_STR("the capital"),
	    .from = from(MEMBERS, node->line),
	};
	int rc = sample->sink->person(sample->sink->ctx, &person);
	if (rc == 0)
		rc = sample->sink->membership(sample->sink->ctx, &membership);
	if (rc == 0)
		rc = emit_offices(sample, person.id, kit_yaml_get(node, "offices"));
	if (rc != 0 || membership.phone.len != 0)
		return rc;
	struct provider_warning warning = {
	    .size = sizeof(warning),
	    .kind = PROVIDER_W_NO_PHONE,
	    .subject = person.id,
	    .text = kit_printf(sample->call, "%.*s has no telephone number; callers are told so.", KIT_STR_ARG(person.name)),
	    .from = person.from,
	};
	return sample->sink->warning(sample->sink->ctx, &warning);
}

static int read_members(struct sample *sample, struct provider_str content)
{
	struct kit_yaml *yaml;
	struct kit_error error;
	struct kit_yaml_event first = {0};
	const struct kit_yaml_node *node;
	int rc = kit_yaml_open(sample->call, content, NULL, &yaml, &error);
	if (rc != 0)
		return refuse(sample, rc, MEMBERS, error.line, error.text);
	int emitted = 0;
	if ((rc = kit_yaml_next(yaml, &first, &error)) == 0 && first.type == KIT_YAML_SEQUENCE)
		while ((rc = kit_yaml_read(yaml, &node, &error)) == 0 && node != NULL &&
		       (emitted = emit_member(sample, node)) == 0)
			;
	kit_yaml_close(yaml);
	if (rc != 0)
		return refuse(sample, rc, MEMBERS, error.line, error.text);
	if (first.type != KIT_YAML_SEQUENCE)
		return refuse(sample, PROVIDER_E_INPUT, MEMBERS, first.line, "the document is no list of people");
	return emitted;
}

/* ---- places.csv: postal codes */

static bool read_share(struct provider_str text, uint32_t *ret_millionths)
{
	char copy[16] = "", *end;
	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	double share = strtod(copy, &end);
	if (*end != '\0' || !(share > 0 && share <= 1))
		return false;
	*ret_millionths = (uint32_t)lround(share * 1000000);
	return true;
}

static int read_places(struct sample *sample, struct provider_str content)
{
	struct kit_csv *csv;
	struct kit_error error;
	int rc = kit_csv_open(sample->call, content, NULL, &csv, &error);
	if (rc != 0)
		return refuse(sample, rc, PLACES, error.line, error.text);
	while ((rc = kit_csv_next(csv, &error)) == 1) {
		struct provider_postal_code record = {
		    .size = sizeof(record),
		    .code = kit_csv_field(csv, kit_csv_column(csv, "postal_code")),
		    .division = division_id(sample, kit_csv_field(csv, kit_csv_column(csv, "province")),
		                            kit_csv_field(csv, kit_csv_column(csv, "district"))),
		    .from = from(PLACES, kit_csv_line(csv)),
		};
		if (!read_share(kit_csv_field(csv, kit_csv_column(csv, "share")), &record.weight))
			return refuse(sample, PROVIDER_E_INPUT, PLACES, record.from.line,
			              "the share is no number above 0 and up to 1");
		if ((rc = sample->sink->postal_code(sample->sink->ctx, &record)) != 0)
			return rc;
	}
	return rc == 0 ? 0 : refuse(sample, rc, PLACES, error.line, error.text);
}

static int compile(const struct provider_call *call, const struct provider_content *const *documents, uint32_t count,
                   const struct provider_sink *sink)
{
	struct sample sample = {.call = call, .sink = sink, .divisions = kit_map_new(call)};
	if (count < DOCUMENT_COUNT)
		return PROVIDER_E_INPUT;
	if (sample.divisions == NULL)
		return PROVIDER_E_LIMIT;
	int rc = read_seats(&sample, documents[SEATS]->content);
	if (rc == 0)
		rc = read_members(&sample, documents[MEMBERS]->content);
	return rc == 0 ? read_places(&sample, documents[PLACES]->content) : rc;
}

/* A letter and three digits: "n 101" is N101. */
static int normalize_postcode(const struct provider_call *call, struct provider_str input, struct provider_str *ret_code)
{
	char code[5] = "";
	size_t count = 0;
	for (size_t i = 0; i < input.len; ++i) {
		char c = input.ptr[i];
		if (c == ' ' || c == '-')
			continue;
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), digit = c >= '0' && c <= '9';
		if (count == 4 || (count == 0 ? !letter : !digit))
			return PROVIDER_E_INPUT;
		code[count++] = letter ? (char)(c & ~0x20) : c;
	}
	if (count != 4)
		return PROVIDER_E_INPUT;
	*ret_code = kit_printf(call, "%s", code);
	return ret_code->ptr == NULL ? PROVIDER_E_LIMIT : PROVIDER_OK;
}

/* ---- the manifest */

#define DOCUMENT(id, document_name, file_name)                                                                                   \
	static const char *const id##_files[] = {file_name, NULL};                                                               \
	static const struct provider_document id = {.size = sizeof(id),                                                          \
	                                            .name = document_name,                                                       \
	                                            .files = id##_files,                                                         \
	                                            .licence = "AGPL-3.0-or-later",                                              \
	                                            .max_size = 1 << 20,                                                         \
	                                            .address = "https://samplia.example/" file_name}
DOCUMENT(seats, "seats", "seats.csv");
DOCUMENT(members, "members", "members.yaml");
DOCUMENT(places, "places", "places.csv");
static const struct provider_document *const documents[] = {&seats, &members, &places, NULL};

static const struct provider_subtype both = {
    .size = sizeof(both), .name = "both", .label = "Both chambers", .chambers = PROVIDER_UPPER | PROVIDER_LOWER};
static const struct provider_subtype upper = {
    .size = sizeof(upper), .name = "upper", .label = "Senate", .chambers = PROVIDER_UPPER};
static const struct provider_subtype lower = {
    .size = sizeof(lower), .name = "lower", .label = "Assembly", .chambers = PROVIDER_LOWER};
static const struct provider_subtype *const subtypes[] = {&both, &upper, &lower, NULL};

static const struct provider_order in_order = {
    .size = sizeof(in_order), .name = "in-order", .label = "As listed", .rule = PROVIDER_ORDER_AS_LISTED};
static const struct provider_order shuffle = {
    .size = sizeof(shuffle), .name = "shuffle", .label = "Shuffled", .rule = PROVIDER_ORDER_SHUFFLE};
static const struct provider_order upper_first = {
    .size = sizeof(upper_first), .name = "upper-first", .label = "Senate first", .rule = PROVIDER_ORDER_UPPER_FIRST};
static const struct provider_order lower_first = {
    .size = sizeof(lower_first), .name = "lower-first", .label = "Assembly first", .rule = PROVIDER_ORDER_LOWER_FIRST};
static const struct provider_order lanterns_first = {.size = sizeof(lanterns_first),
                                                     .name = "lanterns-first",
                                                     .label = "Lanterns first",
                                                     .rule = PROVIDER_ORDER_PARTY_FIRST,
                                                     .party = "Lantern"};
static const struct provider_order lanterns_only = {.size = sizeof(lanterns_only),
                                                    .name = "lanterns-only",
                                                    .label = "Lanterns only",
                                                    .rule = PROVIDER_ORDER_PARTY_ONLY,
                                                    .party = "Lantern"};
static const struct provider_order *const orders[] = {&in_order,       &shuffle,       &upper_first, &lower_first,
                                                      &lanterns_first, &lanterns_only, NULL};

static const struct provider_campaign parliament = {
    .size = sizeof(parliament),
    .locate = PROVIDER_LOCATE_POSTAL,
    .name = "parliament",
    .label = "Parliament",
    .subtypes = subtypes,
    .orders = orders,
};
static const struct provider_campaign *const campaigns[] = {&parliament, NULL};

static const struct provider_ops ops = {.size = sizeof(ops), .compile = compile, .normalize_postcode = normalize_postcode};

static const struct provider_manifest manifest = {
    .size = sizeof(manifest),
    .abi = PROVIDER_ABI,
    .min_host_abi = 1,
    .country = "xs",
    .name = "Samplia",
    .version = "1",
    .licence = "AGPL-3.0-or-later",
    .documents = documents,
    .campaigns = campaigns,
    .ops = &ops,
};

const struct provider_manifest *provider_manifest(void)
{
	return &manifest;
}
