#include "sink.h"

#include <stdio.h>

static int answer(struct cp_compile_sink *sink, int error)
{
	if (error == 0)
		return PROVIDER_OK;
	sink->error = error;
	snprintf(sink->message, sizeof(sink->message), "%s", cp_error_message());
	return error == CP_E_LIMIT ? PROVIDER_E_LIMIT : PROVIDER_E_INPUT;
}

/*
 * A record that ends before `from` is not of ABI 1. After a refusal nothing more is taken: the first reason is the one that
 * helps.
 */
static bool begin(struct cp_compile_sink *sink, uint32_t size, size_t known, const char *what, int *ret_rc)
{
	if (sink->error != 0) {
		*ret_rc = PROVIDER_E_INPUT;
		return false;
	}
	if (size < known) {
		*ret_rc =
		    answer(sink, cp_fail(CP_E_INPUT, "the plugin emits a %s of %u bytes, ABI 1 has %zu", what, size, known));
		return false;
	}
	return true;
}

static struct cp_provenance where(struct provider_from from)
{
	return (struct cp_provenance){from.document, from.line};
}

static int emit_division(void *ctx, const struct provider_division *record)
{
	struct cp_compile_sink *sink = ctx;
	int rc;
	if (!begin(sink, record->size, sizeof(*record), "division", &rc))
		return rc;
	struct cp_division division = {
	    .id = cp_from_provider(record->id), .name = cp_from_provider(record->name), .from = where(record->from)};
	return answer(sink, cp_dataset_builder_division(sink->builder, &division, cp_from_provider(record->parent)));
}

static int emit_post(void *ctx, const struct provider_post *record)
{
	struct cp_compile_sink *sink = ctx;
	int rc;
	if (!begin(sink, record->size, sizeof(*record), "post", &rc))
		return rc;
	struct cp_seat seat = {
	    .id = cp_from_provider(record->id),
	    .body = cp_from_provider(record->body),
	    .chamber = cp_from_provider(record->chamber),
	    .title = cp_from_provider(record->title),
	    .district = cp_from_provider(record->district),
	    .classification = (enum cp_chamber)record->classification,
	    .voting = (record->flags & PROVIDER_POST_VOTING) != 0,
	    .from = where(record->from),
	};
	return answer(sink, cp_dataset_builder_seat(sink->builder, &seat, cp_from_provider(record->division)));
}

static int emit_person(void *ctx, const struct provider_person *record)
{
	struct cp_compile_sink *sink = ctx;
	int rc;
	if (!begin(sink, record->size, sizeof(*record), "person", &rc))
		return rc;
	struct cp_person person = {
	    .key = cp_from_provider(record->id),
	    .name = cp_from_provider(record->name),
	    .given_name = cp_from_provider(record->given_name),
	    .family_name = cp_from_provider(record->family_name),
	    .from = where(record->from),
	};
	return answer(sink, cp_dataset_builder_person(sink->builder, &person));
}

static int emit_membership(void *ctx, const struct provider_membership *record)
{
	struct cp_compile_sink *sink = ctx;
	int rc;
	if (!begin(sink, record->size, sizeof(*record), "membership", &rc))
		return rc;
	struct cp_holder holder = {
	    .party = cp_from_provider(record->party),
	    .caucus = cp_from_provider(record->caucus),
	    .phone = cp_from_provider(record->phone),
	    .location = cp_from_provider(record->phone_location),
	    .start = cp_from_provider(record->start),
	    .end = cp_from_provider(record->end),
	    .rank = record->rank,
	    .from = where(record->from),
	};
	return answer(sink, cp_dataset_builder_holder(sink->builder, &holder, cp_from_provider(record->person),
	                                              cp_from_provider(record->post)));
}

static int emit_office(void *ctx, const struct provider_office *record)
{
	struct cp_compile_sink *sink = ctx;
	int rc;
	if (!begin(sink, record->size, sizeof(*record), "office", &rc))
		return rc;
	struct cp_office office = {
	    .id = cp_from_provider(record->id),
	    .kind = cp_from_provider(record->kind),
	    .phone = cp_from_provider(record->phone),
	    .address = cp_from_provider(record->address),
	    .city = cp_from_provider(record->city),
	    .region = cp_from_provider(record->region),
	    .postal_code = cp_from_provider(record->postal_code),
	    .hours = cp_from_provider(record->hours),
	    .has_point = record->has_point != 0,
	    .latitude = record->latitude,
	    .longitude = record->longitude,
	    .from = where(record->from),
	};
	return answer(sink, cp_dataset_builder_office(sink->builder, &office, cp_from_provider(record->person)));
}

static int emit_postal_code(void *ctx, const struct provider_postal_code *record)
{
	struct cp_compile_sink *sink = ctx;
	int rc;
	if (!begin(sink, record->size, sizeof(*record), "postal code", &rc))
		return rc;
	return answer(sink, cp_dataset_builder_postal(sink->builder, cp_from_provider(record->code),
	                                              cp_from_provider(record->division), record->weight, where(record->from)));
}

static int emit_warning(void *ctx, const struct provider_warning *record)
{
	struct cp_compile_sink *sink = ctx;
	int rc;
	if (!begin(sink, record->size, sizeof(*record), "warning", &rc))
		return rc;
	uint32_t kind = record->kind >= PROVIDER_W_VACANCY && record->kind <= PROVIDER_W_OTHER ? record->kind : PROVIDER_W_OTHER;
	struct cp_dataset_warning warning = {
	    .kind = (enum cp_dataset_warning_kind)kind,
	    .subject = cp_from_provider(record->subject),
	    .text = cp_from_provider(record->text),
	    .from = where(record->from),
	};
	return answer(sink, cp_dataset_builder_warning(sink->builder, &warning));
}

void cp_compile_sink_init(struct cp_compile_sink *sink, struct cp_host *host, struct cp_dataset_builder *builder)
{
	*sink = (struct cp_compile_sink){
	    .sink = {.size = sizeof(sink->sink),
	             .ctx = sink,
	             .division = emit_division,
	             .post = emit_post,
	             .person = emit_person,
	             .membership = emit_membership,
	             .office = emit_office,
	             .postal_code = emit_postal_code,
	             .warning = emit_warning},
	    .host = host,
	    .builder = builder,
	};
}
