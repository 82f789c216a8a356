/* The United States: Congress. The manifest, and what the parts share. */
#include "us.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- shared */

int us_fail(struct us *us, int rc, enum us_document document, uint32_t line, const char *fmt, ...)
{
	char text[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return us->call->host->fail(us->call->host->ctx, rc, us_from(document, line), "%s", text);
}

int us_fail_kit(struct us *us, int rc, enum us_document document, const struct kit_error *error)
{
	return us_fail(us, rc, document, error->line, "%s", error->text);
}

int us_out_of_memory(struct us *us)
{
	(void)us;
	return PROVIDER_E_LIMIT; /* the host has a sentence for it */
}

int us_warn(struct us *us, enum provider_warning_kind kind, struct provider_str subject, enum us_document document, uint32_t line,
            struct provider_str text)
{
	struct provider_warning warning = {
	    .size = sizeof(warning), .kind = kind, .subject = subject, .text = text, .from = us_from(document, line)};
	return text.ptr == NULL ? us_out_of_memory(us) : us->sink->warning(us->sink->ctx, &warning);
}

int us_grow(struct us *us, void *array, uint32_t count, uint32_t *capacity, size_t width)
{
	void **slot = array;
	if (count < *capacity)
		return 0;
	uint32_t bigger_capacity = *capacity == 0 ? 256 : *capacity * 2;
	void *bigger = us->call->host->alloc(us->call->host->ctx, us->call->arena, bigger_capacity * width, 16);
	if (bigger == NULL)
		return us_out_of_memory(us);
	if (count != 0)
		memcpy(bigger, *slot, count * width);
	*slot = bigger;
	*capacity = bigger_capacity;
	return 0;
}

struct provider_str us_phone(struct us *us, struct provider_str written)
{
	static const struct provider_str absent = {NULL, 0};
	char digits[16];
	size_t count = 0;
	for (size_t i = 0; i < written.len; ++i) {
		char c = written.ptr[i];
		if (c >= '0' && c <= '9') {
			if (count == 11)
				return absent;
			digits[count++] = c;
		} else if (strchr(" -.()+/", c) == NULL) { /* an extension, a word: a person must look at it */
			return absent;
		}
	}
	const char *national = digits;
	if (count == 11 && digits[0] == '1') {
		++national;
		--count;
	}
	/* Numbering plan: neither the area code nor the exchange starts with 0 or 1. */
	if (count != 10 || national[0] < '2' || national[3] < '2')
		return absent;
	return kit_printf(us->call, "+1%.10s", national);
}

struct provider_str us_district_label(struct us *us, const struct us_state *state, uint32_t number)
{
	return number == 0 ? kit_printf(us->call, "%s-AL", state->code) : kit_printf(us->call, "%s-%u", state->code, number);
}

struct provider_str us_post_id(struct us *us, enum us_chamber chamber, const struct us_state *state, uint32_t number)
{
	return kit_printf(us->call, "%s:%s:%u", chamber == US_SENATE ? "senate" : "house", state->code, number);
}

uint32_t us_district(struct us *us, const struct us_state *state, uint32_t number, struct provider_from from)
{
	struct provider_str label = us_district_label(us, state, number);
	if (label.ptr == NULL)
		return UINT32_MAX;
	uint32_t index = kit_map_get(us->district_index, label);
	if (index != UINT32_MAX)
		return index;
	if (us_grow(us, &us->districts, us->district_count, &us->district_capacity, sizeof(*us->districts)) != 0 ||
	    kit_map_add(us->district_index, label, us->district_count) < 0)
		return UINT32_MAX;
	us->districts[us->district_count] =
	    (struct us_district){.state = state, .number = number, .member = UINT32_MAX, .from = from};
	return us->district_count++;
}

/* ---- the plugin */

static int compile(const struct provider_call *call, const struct provider_content *const *documents, uint32_t count,
                   const struct provider_sink *sink)
{
	static int (*const steps[])(struct us * us) = {
	    us_read_places, us_read_members, us_emit_districts, us_emit_members, us_read_offices, us_emit_places,
	};
	struct us us = {.call = call, .documents = documents, .sink = sink};
	if (count < US_DOCUMENT_COUNT)
		return PROVIDER_E_INPUT;
	us.district_index = kit_map_new(call);
	us.member_index = kit_map_new(call);
	if (us.district_index == NULL || us.member_index == NULL)
		return us_out_of_memory(&us);
	int rc = 0;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc == 0; ++i)
		rc = steps[i](&us);
	return rc;
}

/* A ZIP or ZIP+4 code: five digits; what a person adds (spaces, the four digits behind them) is left out. */
static int normalize_postcode(const struct provider_call *call, struct provider_str input, struct provider_str *ret_code)
{
	char digits[10];
	size_t count = 0;
	bool hyphen = false;
	for (size_t i = 0; i < input.len; ++i) {
		char c = input.ptr[i];
		if (c >= '0' && c <= '9') {
			if (count == 9)
				return PROVIDER_E_INPUT;
			digits[count++] = c;
		} else if (c == '-' && count == 5 && !hyphen) {
			hyphen = true;
		} else if (c != ' ' && c != '\t') {
			return PROVIDER_E_INPUT;
		}
	}
	if (count != 9 && (count != 5 || hyphen))
		return PROVIDER_E_INPUT;
	*ret_code = kit_printf(call, "%.5s", digits);
	return ret_code->ptr == NULL ? PROVIDER_E_LIMIT : PROVIDER_OK;
}

#define LEGISLATORS "https://raw.githubusercontent.com/unitedstates/congress-legislators/main/"

static const char *const member_files[] = {"legislators-current.yaml", NULL};
static const char *const office_files[] = {"legislators-district-offices.yaml", NULL};
static const char *const place_files[] = {"zccd_119th.csv", "zccd.csv", NULL};

static const struct provider_document members = {
    .size = sizeof(members),
    .name = "members",
    .files = member_files,
    .licence = "CC0-1.0",
    .max_size = 64 << 20,
    .address = LEGISLATORS "legislators-current.yaml",
};
static const struct provider_document offices = {
    .size = sizeof(offices),
    .flags = PROVIDER_DOCUMENT_OPTIONAL,
    .name = "offices",
    .files = office_files,
    .licence = "CC0-1.0",
    .max_size = 64 << 20,
    .address = LEGISLATORS "legislators-district-offices.yaml",
};
static const struct provider_document places = {
    .size = sizeof(places),
    .name = "places",
    .files = place_files,
    .licence = "US-Government-Work",
    .max_size = 64 << 20,
    .address = "https://raw.githubusercontent.com/OpenSourceActivismTech/us-zipcodes-congress/master/zccd.csv",
};
static const struct provider_document *const documents[] = {&members, &offices, &places, NULL};

#define SUBTYPE(id, subtype_name, subtype_label, subtype_chambers)                                                               \
	static const struct provider_subtype id = {                                                                              \
	    .size = sizeof(id), .name = subtype_name, .label = subtype_label, .chambers = subtype_chambers}
SUBTYPE(both, "both", "Both chambers", PROVIDER_UPPER | PROVIDER_LOWER);
SUBTYPE(upper, "upper", "Senate", PROVIDER_UPPER);
SUBTYPE(lower, "lower", "House of Representatives", PROVIDER_LOWER);
static const struct provider_subtype *const subtypes[] = {&both, &upper, &lower, NULL};

#define ORDER(id, order_name, order_label, order_rule, order_party)                                                              \
	static const struct provider_order id = {                                                                                \
	    .size = sizeof(id), .name = order_name, .label = order_label, .rule = order_rule, .party = order_party}
ORDER(in_order, "in-order", "As listed", PROVIDER_ORDER_AS_LISTED, NULL);
ORDER(shuffle, "shuffle", "Shuffled", PROVIDER_ORDER_SHUFFLE, NULL);
ORDER(upper_first, "upper-first", "Senate first", PROVIDER_ORDER_UPPER_FIRST, NULL);
ORDER(lower_first, "lower-first", "House first", PROVIDER_ORDER_LOWER_FIRST, NULL);
ORDER(democrats_first, "democrats-first", "Democrats first", PROVIDER_ORDER_PARTY_FIRST, "Democrat");
ORDER(republicans_first, "republicans-first", "Republicans first", PROVIDER_ORDER_PARTY_FIRST, "Republican");
ORDER(democrats_only, "democrats-only", "Democrats only", PROVIDER_ORDER_PARTY_ONLY, "Democrat");
ORDER(republicans_only, "republicans-only", "Republicans only", PROVIDER_ORDER_PARTY_ONLY, "Republican");
static const struct provider_order *const orders[] = {&in_order,       &shuffle,          &upper_first,
                                                      &lower_first,    &democrats_first,  &republicans_first,
                                                      &democrats_only, &republicans_only, NULL};

static const struct provider_campaign congress = {
    .size = sizeof(congress),
    .locate = PROVIDER_LOCATE_POSTAL,
    .name = "congress",
    .label = "Congress",
    .subtypes = subtypes,
    .orders = orders,
};
static const struct provider_campaign *const campaigns[] = {&congress, NULL};

static const struct provider_ops ops = {.size = sizeof(ops), .compile = compile, .normalize_postcode = normalize_postcode};

static const struct provider_manifest manifest = {
    .size = sizeof(manifest),
    .abi = PROVIDER_ABI,
    .min_host_abi = 1,
    .country = "us",
    .name = "United States",
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
