/*
 * POST /call/create: a supporter asks to be rung.
 *
 * Takes the predecessor's field names, as a form or as JSON, so that pages which embed it today go on working:
 * campaignId, userPhone, userCountry, userLocation, ref. Answers say who will be called; refusals have a stable word and a sentence.
 */
#include "create.h"

#include "base/memory.h"
#include "base/random.h"
#include "call/plan.h"
#include "campaign/targets.h"
#include "../respond.h"
#include "telephony/carrier.h"
#include "tenants/hosts.h"
#include "text/form.h"
#include "text/phone.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_LOCATION = 64, MAX_REFERRAL = 64 };

/* One request, in its arena, from the first check to the answer. */
struct creation {
	struct cp_web *web;
	struct cp_http_request *request;
	struct cp_arena *arena;
	const struct cp_tenant *tenant;             /* a reference */
	struct cp_campaign_settings *settings;      /* a reference */
	struct cp_dataset *dataset;                 /* a reference */
	/* as given */
	struct cp_str campaign, phone_typed, country, location, referral;
	/* as understood */
	int32_t campaign_id, campaign_revision;
	char phone[CP_PHONE_SIZE];
	struct cp_str from_number;
	struct cp_targets targets;
	struct cp_plan plan;
	char session_id[CP_UUID_SIZE];
	const char *call_status;
};

/* ---- ends */

static void release(struct creation *creation)
{
	creation->tenant = cp_tenant_unref(creation->tenant);
	creation->settings = cp_campaign_settings_unref(creation->settings);
	creation->dataset = cp_dataset_unref(creation->dataset);
}

static void refuse(struct creation *creation, int status, const char *code, const char *sentence)
{
	cp_log(CP_LOG_INFO, cp_http_log(creation->request), "call.refused", "%s", code);
	struct cp_http_request *request = creation->request;
	struct cp_str copy = cp_arena_str(creation->arena, cp_str(sentence)); /* sentence may be the current error message */
	release(creation);
	cp_http_reply_error(request, status, code, copy.ptr);
}

static void fail(struct creation *creation, int error)
{
	release(creation);
	cp_respond_failure(creation->request, error);
}

static json_t *describe_targets(const struct creation *creation)
{
	json_t *objects = json_array();
	CP_CLEANUP(cp_buf_free) struct cp_buf display = {0};
	for (size_t i = 0; i < creation->plan.count; ++i) {
		const struct cp_plan_target *target = &creation->plan.targets[i];
		json_t *object = json_object();
		json_object_set_new(object, "key", cp_json_from_str(target->key));
		json_object_set_new(object, "name", cp_json_from_str(target->name));
		json_object_set_new(object, "title", cp_json_from_str(target->title));
		json_object_set_new(object, "district", cp_json_from_str(target->district));
		json_object_set_new(object, "phone", cp_json_from_str(target->phone));
		json_array_append_new(objects, object);
		cp_buf_printf(&display, "%s%.*s %.*s", i == 0 ? "" : ", ", CP_STR_ARG(target->title), CP_STR_ARG(target->name));
	}
	json_t *targets = json_object();
	json_object_set_new(targets, "segment", json_string("location"));
	json_object_set_new(targets, "display", cp_json_from_str(cp_buf_str(&display)));
	json_object_set_new(targets, "split", json_boolean(creation->targets.split));
	json_object_set_new(targets, "objects", objects);
	return targets;
}

static json_t *describe_warnings(const struct creation *creation)
{
	json_t *warnings = json_array();
	for (size_t i = 0; i < creation->targets.warning_count; ++i)
		json_array_append_new(warnings, cp_json_from_str(creation->targets.warnings[i].text));
	return warnings;
}

static void answer(struct creation *creation)
{
	json_t *json = json_object();
	json_object_set_new(json, "campaign", json_string("live"));
	json_object_set_new(json, "call", json_string(creation->call_status));
	json_object_set_new(json, "session", json_string(creation->session_id));
	json_object_set_new(json, "fromNumber", cp_json_from_str(creation->from_number));
	json_object_set_new(json, "script", cp_json_from_str(creation->settings->script));
	json_object_set_new(json, "redirect", cp_json_from_str(creation->settings->redirect));
	json_object_set_new(json, "targets", describe_targets(creation));
	json_object_set_new(json, "warnings", describe_warnings(creation));
	cp_log(CP_LOG_INFO, cp_http_log(creation->request), "call.created", "%zu targets", creation->plan.count);
	release(creation);
	cp_respond_json(creation->request, 200, json);
}

/* ---- last: the carrier */

struct refusal {
	struct creation *creation;
	enum cp_carrier_problem problem;
};

static int http_status_of(enum cp_carrier_problem problem)
{
	switch (problem) {
	case CP_CARRIER_BAD_NUMBER:
	case CP_CARRIER_BLOCKED_NUMBER:
	case CP_CARRIER_REGION:
		return 400;
	case CP_CARRIER_BUSY:
	case CP_CARRIER_AWAY:
		return 503;
	default:
		return 502;
	}
}

static void on_refusal_stored(void *data, int error)
{
	struct refusal *refusal = data;
	if (error != 0) /* reconciliation ends the session later; the supporter is told what the carrier said either way */
		cp_log(CP_LOG_WARNING, cp_http_log(refusal->creation->request), "call.refusal_not_stored", "%s", cp_error_message());
	refuse(refusal->creation, http_status_of(refusal->problem), cp_carrier_problem_word(refusal->problem),
	       cp_carrier_problem_sentence(refusal->problem));
}

static void refused_by_carrier(struct creation *creation, const struct cp_carrier_answer *answer_)
{
	struct refusal *refusal = cp_arena_alloc(creation->arena, sizeof(*refusal));
	*refusal = (struct refusal){creation, answer_->problem};
	cp_log(CP_LOG_WARNING, cp_http_log(creation->request), "carrier.refused", "%s, carrier code %d: %.*s", cp_carrier_problem_word(answer_->problem),
	       answer_->carrier_code, CP_STR_ARG(answer_->message));
	/* where the call may exist after all, the session stays open: webhooks or reconciliation tell what became of it */
	int error = answer_->certainly_not_placed ? cp_session_refused(creation->web->db, creation->tenant->id, creation->session_id,
	                                                               cp_carrier_problem_word(answer_->problem), on_refusal_stored, refusal)
	                                          : 0;
	if (error != 0 || !answer_->certainly_not_placed)
		on_refusal_stored(refusal, error);
}

static void on_accepted_stored(void *data, int error)
{
	struct creation *creation = data;
	if (error != 0) /* the phone rings all the same; the first webhook brings the call's sid again */
		cp_log(CP_LOG_WARNING, cp_http_log(creation->request), "call.acceptance_not_stored", "%s", cp_error_message());
	answer(creation);
}

static void on_carrier(void *data, const struct cp_carrier_answer *answer_)
{
	struct creation *creation = data;
	if (answer_->problem != CP_CARRIER_OK) {
		refused_by_carrier(creation, answer_);
		return;
	}
	creation->call_status = cp_call_status_word(answer_->status == CP_CALL_UNKNOWN ? CP_CALL_QUEUED : answer_->status);
	int error = cp_session_accepted(creation->web->db, creation->tenant->id, creation->session_id, answer_->sid, answer_->status,
	                                answer_->queue_ms, on_accepted_stored, creation);
	if (error != 0)
		on_accepted_stored(creation, error);
}

static void ring(struct creation *creation)
{
	const struct cp_web_settings *settings = creation->web->settings;
	struct cp_str base = cp_arena_printf(creation->arena, "%s/voice/%.*s/%s", settings->public_url, CP_STR_ARG(creation->tenant->voice_token),
	                                     creation->session_id);
	struct cp_carrier_call call = {
		.to = cp_str(creation->phone),
		.from = creation->from_number,
		/* steps may be repeated safely, see core/call/render.c */
		.url = cp_arena_printf(creation->arena, "%.*s/answer#rc=2&rp=ct,rt,5xx", CP_STR_ARG(base)),
		.fallback_url = cp_arena_printf(creation->arena, "%.*s/fallback#rc=2&rp=ct,rt,5xx", CP_STR_ARG(base)),
		/* the end of a call is told once: ask for repetition where we cannot be reached or could not store it */
		.status_url = cp_arena_printf(creation->arena, "%.*s/status#rc=5&rp=ct,rt,5xx", CP_STR_ARG(base)),
		.ring_timeout_s = settings->ring_timeout_s,
		.time_limit_s = settings->call_limit_s,
	};
	struct cp_web_account account;
	int error = cp_web_account_open(creation->web, creation->tenant, creation->arena, &account);
	if (error == 0) {
		error = cp_carrier_create_call(creation->web->fetcher, &account.account, &call, on_carrier, creation);
		cp_web_account_wipe(&account);
	}
	if (error == 0)
		return;
	cp_log(CP_LOG_ERROR, cp_http_log(creation->request), "carrier.not_asked", "%s", cp_error_message());
	struct cp_carrier_answer none = {
		.problem = error == CP_E_LIMIT ? CP_CARRIER_BUSY : CP_CARRIER_CREDENTIALS, .certainly_not_placed = true, .message = CP_STR("not asked")};
	refused_by_carrier(creation, &none);
}

/* ---- third: the row */

static void on_stored(void *data, int error)
{
	struct creation *creation = data;
	if (error != 0)
		fail(creation, error);
	else
		ring(creation);
}

static int store(struct creation *creation)
{
	struct cp_arena *arena = creation->arena;
	struct cp_str phone = cp_str(creation->phone);
	struct cp_vault_place place = {"call_session", "phone_sealed", cp_str(creation->session_id)};
	size_t sealed_size = phone.len + CP_VAULT_OVERHEAD;
	unsigned char *sealed = cp_arena_alloc(arena, sealed_size), *hash = cp_arena_alloc(arena, CP_HASH_SIZE);
	int error = cp_vault_seal(creation->web->vault, creation->tenant, &place, phone, sealed);
	if (error == 0)
		error = cp_vault_phone_hash(creation->web->vault, creation->tenant, phone, hash);
	if (error != 0)
		return error;
	struct cp_session_new session = {
		.session_id = creation->session_id,
		.campaign_id = creation->campaign_id,
		.campaign_revision = creation->campaign_revision,
		.phone_sealed = cp_str_n((const char *)sealed, sealed_size),
		.phone_hash = cp_str_n((const char *)hash, CP_HASH_SIZE),
		.location = creation->location,
		.referral = creation->referral,
		.plan = cp_plan_write(&creation->plan, arena),
		.from_number = creation->from_number,
	};
	return cp_session_create(creation->web->db, creation->tenant->id, &session, arena, on_stored, creation);
}

/* ---- second: the campaign, the phone, the place */

/* One of the campaign's numbers of the same country as the phone, at random; false where there is none. */
static bool choose_number(struct creation *creation, struct cp_str country)
{
	const struct cp_campaign_settings *settings = creation->settings;
	struct cp_str fitting[CP_CAMPAIGN_MAX_NUMBERS];
	uint32_t count = 0;
	for (size_t i = 0; i < settings->number_count; ++i)
		if (cp_phone_in_country(settings->numbers[i], country))
			fitting[count++] = settings->numbers[i];
	if (count != 0)
		creation->from_number = fitting[cp_random_below(count)];
	return count != 0;
}

/* True where the phone is one that this campaign may ring; else the request has been answered. */
static bool check_phone(struct creation *creation)
{
	struct cp_str country = creation->country.len != 0 ? creation->country : creation->settings->country;
	if (cp_phone_calling_code(country) == 0)
		refuse(creation, 400, "country_unknown", "We do not know this country. Please give its two-letter code, such as US.");
	else if (cp_phone_parse(creation->phone_typed, country, creation->phone) != 0)
		refuse(creation, 400, "phone_invalid", cp_error_message());
	else if (!choose_number(creation, country))
		refuse(creation, 400, "country_not_served", "This campaign has no phone number in your country, so it cannot ring you there.");
	else if (!cp_phone_in_country(cp_str(creation->phone), country))
		refuse(creation, 400, "country_not_served", "This phone number belongs to another country than the one given, or costs extra to call.");
	else
		return true;
	return false;
}

static void make_plan(struct creation *creation)
{
	size_t count = creation->targets.count;
	struct cp_plan_target *targets = cp_arena_alloc_array(creation->arena, count, sizeof(*targets));
	for (size_t i = 0; i < count; ++i) {
		const struct cp_target *from = &creation->targets.targets[i];
		targets[i] = (struct cp_plan_target){from->key, from->title, from->name, from->district, from->location,
		                                     from->reachable ? from->phone : CP_STR_NULL};
	}
	creation->plan = (struct cp_plan){targets, count};
}

static int select_targets(struct creation *creation)
{
	const struct cp_campaign_settings *settings = creation->settings;
	const struct cp_provider *provider;
	struct cp_str code;
	uint64_t seed;
	cp_random_bytes(&seed, sizeof(seed));
	int error = cp_provider_find(creation->web->providers, settings->country, &provider);
	if (error == 0)
		error = cp_provider_normalize_postcode(provider, creation->location, creation->arena, &code);
	else
		return cp_fail_in(CP_E_UNAVAILABLE, "country %.*s", CP_STR_ARG(settings->country));
	if (error != 0)
		return CP_E_NOTFOUND;
	struct cp_targets_query query = {
		.type = settings->type,
		.subtype = settings->subtype,
		.order = settings->order,
		.postal_code = code,
		.seed = seed,
		.max = settings->call_maximum,
	};
	creation->location = code;
	error = cp_targets_select(creation->dataset, &query, creation->arena, &creation->targets);
	/* settings that the dataset does not know any more are the campaign's fault, not the supporter's */
	return error == CP_E_INPUT ? CP_E_BUG : error;
}

static bool has_reachable(const struct creation *creation)
{
	for (size_t i = 0; i < creation->targets.count; ++i)
		if (creation->targets.targets[i].reachable)
			return true;
	return false;
}

/* True where there is somebody to call; else the request has been answered. */
static bool check_place(struct creation *creation)
{
	if (creation->location.len == 0) {
		refuse(creation, 400, "location_required", "Please enter your postal code, so that we can find who represents you.");
		return false;
	}
	creation->dataset = cp_countries_get(creation->web->countries, creation->settings->country);
	if (creation->dataset == NULL) {
		cp_log(CP_LOG_ERROR, cp_http_log(creation->request), "call.no_dataset", "no data of %.*s is loaded", CP_STR_ARG(creation->settings->country));
		refuse(creation, 503, "data_missing", "We cannot look up who represents you at the moment. Please try again later.");
		return false;
	}
	int error = select_targets(creation);
	if (error == CP_E_NOTFOUND)
		refuse(creation, 400, "location_unknown", "We do not know this postal code. Please check it.");
	else if (error != 0)
		fail(creation, error);
	else if (creation->targets.count == 0)
		refuse(creation, 400, "no_targets", "Nobody whom this campaign calls represents this postal code at the moment.");
	else if (creation->targets.count > CP_CALL_MAX_TARGETS)
		fail(creation, cp_fail(CP_E_BUG, "%zu targets in one call", creation->targets.count));
	else if (!has_reachable(creation))
		refuse(creation, 400, "targets_unreachable", "No phone number is known of the people who represent this postal code.");
	else
		return true;
	return false;
}

static bool check_status(struct creation *creation, enum cp_campaign_status status)
{
	switch (status) {
	case CP_CAMPAIGN_LIVE:
		return true;
	case CP_CAMPAIGN_ARCHIVED:
		refuse(creation, 410, "campaign_archived", "This campaign is over. Thank you for wanting to take part.");
		return false;
	case CP_CAMPAIGN_PAUSED:
		refuse(creation, 409, "campaign_paused", "This campaign is paused at the moment. Please come back later.");
		return false;
	default:
		refuse(creation, 409, "campaign_draft", "This campaign has not started yet.");
		return false;
	}
}

static void on_campaign(void *data, int error, const struct cp_campaign *campaign)
{
	struct creation *creation = data;
	if (error == CP_E_NOTFOUND) {
		refuse(creation, 404, "campaign_unknown", "There is no such campaign.");
		return;
	}
	if (error != 0) {
		fail(creation, error);
		return;
	}
	creation->campaign_revision = campaign->revision;
	creation->settings = cp_campaign_settings_ref(campaign->settings);
	if (!check_status(creation, campaign->status) || !check_phone(creation) || !check_place(creation))
		return;
	make_plan(creation);
	cp_uuid7(creation->session_id);
	cp_http_log(creation->request)->session = cp_str(creation->session_id);
	error = store(creation);
	if (error != 0)
		fail(creation, error);
}

/* ---- first: the request */

static int read_json_field(const json_t *json, const char *name, struct cp_arena *arena, struct cp_str *ret_text)
{
	const json_t *value = json_object_get(json, name);
	if (value == NULL || json_is_null(value))
		return 0;
	if (json_is_integer(value))
		*ret_text = cp_arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_string(value))
		*ret_text = cp_arena_str(arena, cp_json_str(json, name));
	else
		return cp_fail(CP_E_INPUT, "%s must be a text or a number", name);
	return 0;
}

/* The fields by their names: a member of the creation each. */
static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	{"campaignId", offsetof(struct creation, campaign)},  {"userPhone", offsetof(struct creation, phone_typed)},
	{"userCountry", offsetof(struct creation, country)},  {"userLocation", offsetof(struct creation, location)},
	{"ref", offsetof(struct creation, referral)},
};

static int read_json(struct creation *creation)
{
	CP_CLEANUP(cp_json_free_ptr) json_t *json = NULL;
	int error = cp_json_parse(cp_http_body(creation->request), &json);
	if (error == 0 && !json_is_object(json))
		error = cp_fail(CP_E_INPUT, "the body is not a JSON object");
	for (size_t i = 0; i < CP_COUNT(fields) && error == 0; ++i)
		error = read_json_field(json, fields[i].name, creation->arena, (struct cp_str *)(void *)((char *)creation + fields[i].offset));
	return error;
}

static int read_form(struct creation *creation)
{
	struct cp_form form;
	int error = cp_form_parse(cp_http_body(creation->request), creation->arena, &form);
	for (size_t i = 0; i < CP_COUNT(fields) && error == 0; ++i)
		*(struct cp_str *)(void *)((char *)creation + fields[i].offset) = cp_form_get(&form, fields[i].name);
	return error;
}

/* True where the fields were read; else the request has been answered. */
static bool read_fields(struct creation *creation)
{
	struct cp_str rest, type = cp_str_trim(cp_str_split(cp_http_header(creation->request, "content-type"), ';', &rest));
	int error;
	if (cp_str_eq_ignore_case(type, CP_STR("application/json"))) {
		error = read_json(creation);
	} else if (cp_str_eq_ignore_case(type, CP_STR("application/x-www-form-urlencoded"))) {
		error = read_form(creation);
	} else {
		refuse(creation, 415, "content_type", "Send a form (application/x-www-form-urlencoded) or JSON (application/json).");
		return false;
	}
	if (error != 0)
		refuse(creation, 400, "body_malformed", cp_error_message());
	return error == 0;
}

static bool check_fields(struct creation *creation)
{
	uint64_t id;
	creation->location = cp_str_trim(creation->location);
	creation->country = cp_str_trim(creation->country);
	if (creation->referral.ptr == NULL)
		creation->referral = CP_STR("");
	if (creation->campaign.len == 0)
		refuse(creation, 400, "campaign_required", "campaignId is missing: say which campaign this call is for.");
	else if (cp_str_to_u64(creation->campaign, INT32_MAX, &id) != 0 || id == 0)
		refuse(creation, 400, "campaign_invalid", "campaignId is the campaign's number.");
	else if (cp_str_trim(creation->phone_typed).len == 0)
		refuse(creation, 400, "phone_required", "Please enter your phone number, so that we can ring you.");
	else if (creation->location.len > MAX_LOCATION)
		refuse(creation, 400, "location_unknown", "We do not know this postal code. Please check it.");
	else if (creation->referral.len > MAX_REFERRAL || !cp_str_is_utf8(creation->referral))
		refuse(creation, 400, "ref_invalid", "ref may have at most 64 bytes.");
	else {
		creation->campaign_id = (int32_t)id;
		return true;
	}
	return false;
}

/* True where an organization is meant that may start calls; else the request has been answered. */
static bool find_tenant(struct creation *creation)
{
	const struct cp_registry_snapshot *registry = cp_registry_reader_get(creation->web->registry);
	struct cp_str path;
	const struct cp_tenant *tenant = NULL;
	if (!*creation->web->tenants_loaded) {
		fail(creation, cp_fail(CP_E_UNAVAILABLE, "no organization is loaded yet"));
		return false;
	}
	int error = cp_tenant_resolve(registry, cp_http_host(creation->request), cp_http_path(creation->request), &tenant, &path);
	if (error != 0 || tenant->status == CP_TENANT_CLOSING) {
		refuse(creation, 404, "organization_unknown", "No organization is served at this address.");
		return false;
	}
	if (tenant->status != CP_TENANT_ACTIVE) {
		refuse(creation, 403, "organization_suspended", "This organization's campaigns are stopped at the moment.");
		return false;
	}
	creation->tenant = cp_tenant_ref(tenant);
	cp_http_log(creation->request)->tenant = cp_arena_str(creation->arena, tenant->slug);
	return true;
}

/* Organizations' own pages ask from other origins; the answer holds nothing of a visitor's. */
static void allow_any_origin(struct cp_http_request *request)
{
	cp_http_add_header(request, "Access-Control-Allow-Origin", CP_STR("*"));
}

void cp_create_handle(struct cp_http_request *request, void *data)
{
	struct cp_web *web = data;
	struct creation *creation = cp_arena_alloc(cp_http_arena(request), sizeof(*creation));
	creation->web = web;
	creation->request = request;
	creation->arena = cp_http_arena(request);
	allow_any_origin(request);
	if (find_tenant(creation) && read_fields(creation) && check_fields(creation))
		cp_campaign_cache_get(web->campaigns, creation->tenant->id, creation->campaign_id, 0, on_campaign, creation);
}

void cp_create_preflight(struct cp_http_request *request, void *data)
{
	(void)data;
	allow_any_origin(request);
	cp_http_add_header(request, "Access-Control-Allow-Methods", CP_STR("POST, OPTIONS"));
	cp_http_add_header(request, "Access-Control-Allow-Headers", CP_STR("Content-Type"));
	cp_http_add_header(request, "Access-Control-Max-Age", CP_STR("86400"));
	cp_http_reply(request, 204, NULL, CP_STR(""));
}
