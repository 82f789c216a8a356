#include "voice.h"

#include "base/clock.h"
#include "base/memory.h"
#include "call/render.h"
#include "telephony/signature.h"

#include <stdio.h>
#include <stdlib.h>

/* How often a caller is asked to wait, and how long each time: two minutes in all, then we apologize. */
enum { WAIT_S = 3, MAX_WAITS = 40 };

/* Anybody can send forged webhooks, and a disk is finite. */
enum { REFUSALS_LOGGED_A_SECOND = 20 };

struct cp_str cp_webhook_fact(const struct cp_webhook *webhook, const char *name)
{
	struct cp_str value = cp_form_get(&webhook->form, name);
	return value.len != 0 ? value : cp_form_get(&webhook->query, name);
}

static void give_back_tenant(struct cp_webhook *webhook)
{
	webhook->tenant = cp_tenant_unref(webhook->tenant);
}

void cp_webhook_reply_twiml(struct cp_webhook *webhook, struct cp_buf *document)
{
	give_back_tenant(webhook);
	cp_http_reply(webhook->request, 200, "text/xml; charset=utf-8", cp_buf_str(document));
}

void cp_webhook_reply_status(struct cp_webhook *webhook, int status)
{
	give_back_tenant(webhook);
	cp_http_reply(webhook->request, status, NULL, CP_STR(""));
}

static unsigned waits_so_far(const struct cp_webhook *webhook)
{
	uint64_t waits = 0;
	if (cp_str_to_u64(cp_form_get(&webhook->query, "wait"), MAX_WAITS, &waits) != 0)
		return 0;
	return (unsigned)waits;
}

void cp_webhook_wait(struct cp_webhook *webhook, struct cp_str step, const char *why)
{
	/* what the carrier told us with this request and will not say again when it follows a Redirect */
	static const char *const facts[] = {"Digits", "DialCallStatus", "DialCallSid", "DialCallDuration", "DialBridged"};
	CP_CLEANUP(cp_buf_free) struct cp_buf url = {0}, query = {0}, document = {0};
	struct cp_str reason = cp_arena_str(cp_http_arena(webhook->request), cp_str(why)); /* it may be the current error message */
	unsigned waits = waits_so_far(webhook) + 1;
	cp_log(CP_LOG_WARNING, cp_http_log(webhook->request), "voice.wait", "step %.*s, time %u: %.*s", CP_STR_ARG(step), waits,
	       CP_STR_ARG(reason));
	if (waits >= MAX_WAITS) {
		cp_call_render_trouble(NULL, &document);
		cp_webhook_reply_twiml(webhook, &document);
		return;
	}
	cp_buf_printf(&query, "wait=%u", waits);
	for (size_t i = 0; i < CP_COUNT(facts); ++i) {
		struct cp_str value = cp_webhook_fact(webhook, facts[i]);
		if (value.len != 0 && value.len <= 64)
			cp_form_add(&query, facts[i], value);
	}
	cp_buf_printf(&url, "%.*s/%.*s?%.*s", CP_STR_ARG(webhook->session_url), CP_STR_ARG(step), CP_STR_ARG(cp_buf_str(&query)));
	cp_call_render_wait(cp_buf_str(&url), WAIT_S, &document);
	cp_webhook_reply_twiml(webhook, &document);
}

/* ---- who is asking */

static void refuse(struct cp_webhook *webhook, const char *why)
{
	unsigned dropped = 0;
	bool told = cp_log_budget_take(&webhook->web->refusals, REFUSALS_LOGGED_A_SECOND, &dropped);
	if (dropped != 0)
		cp_log(CP_LOG_WARNING, NULL, "voice.refused", "%u more webhooks before", dropped);
	if (told)
		cp_log(CP_LOG_WARNING, cp_http_log(webhook->request), "voice.refused", "%s", why);
	cp_webhook_reply_status(webhook, 403);
}

/* A UUID as we write it: lower case, dashes in place. */
static bool copy_session_id(struct cp_str text, char out[CP_UUID_SIZE])
{
	if (text.len != CP_UUID_SIZE - 1)
		return false;
	for (size_t i = 0; i < text.len; ++i) {
		char c = text.ptr[i];
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		out[i] = c;
	}
	out[text.len] = '\0';
	return true;
}

static bool is_form(struct cp_str content_type)
{
	struct cp_str rest;
	return cp_str_eq_ignore_case(cp_str_trim(cp_str_split(content_type, ';', &rest)), CP_STR("application/x-www-form-urlencoded"));
}

/*
 * True where the request is the tenant's own carrier account speaking, which has this auth token. The address signed is the configured one
 * with the path and query of the request: what a Host header says has no say.
 */
static bool is_authentic(struct cp_webhook *webhook, struct cp_str token, const char **ret_why)
{
	struct cp_arena *arena = cp_http_arena(webhook->request);
	struct cp_str target = cp_http_target(webhook->request), signature = cp_http_header(webhook->request, "x-twilio-signature");
	struct cp_str url = cp_arena_printf(arena, "%s%.*s", webhook->web->settings->public_url, CP_STR_ARG(target));
	*ret_why = "the signature is missing";
	if (signature.len == 0)
		return false;
	*ret_why = "the signature does not fit";
	if (!cp_signature_check(token, url, &webhook->form, signature))
		return false;
	*ret_why = "the account is another one";
	return cp_str_eq(cp_form_get(&webhook->form, "AccountSid"), webhook->tenant->account_sid);
}

/* ---- what is not a step of the conversation */

static void on_reported(void *data, int error)
{
	struct cp_webhook *webhook = data;
	if (error != 0)
		cp_log(error == CP_E_NOTFOUND ? CP_LOG_WARNING : CP_LOG_ERROR, cp_http_log(webhook->request), "voice.status", "%s: %s",
		       cp_error_word(error), cp_error_message());
	/* 503: not stored, and the status callback's address asks the carrier to repeat it */
	cp_webhook_reply_status(webhook, error == 0 || error == CP_E_NOTFOUND ? 204 : 503);
}

static void handle_status(struct cp_webhook *webhook)
{
	uint64_t duration;
	struct cp_str sid = cp_form_get(&webhook->form, "CallSid");
	struct cp_session_report report = {
		.session_id = webhook->session_id,
		.status = cp_call_status_parse(cp_form_get(&webhook->form, "CallStatus")),
		.call_sid = cp_call_sid_is_valid(sid) ? sid : CP_STR_NULL,
		.duration_s = -1,
	};
	if (cp_str_to_u64(cp_form_get(&webhook->form, "CallDuration"), 10 * 86400, &duration) == 0)
		report.duration_s = (int)duration;
	if (report.status == CP_CALL_UNKNOWN) {
		cp_webhook_reply_status(webhook, 204); /* a status that we do not know tells us nothing; the carrier need not repeat it */
		return;
	}
	int error = cp_session_report(webhook->web->db, webhook->tenant->id, &report, on_reported, webhook);
	if (error != 0)
		on_reported(webhook, error);
}

/*
 * The carrier could not get an answer to a step and asks here instead. The step is safe to repeat, so the caller waits a moment and the
 * same address is asked again; the request's own facts are lost with it, and the step does without them.
 */
static void handle_fallback(struct cp_webhook *webhook)
{
	struct cp_str fragment, query, failed = cp_str_split(cp_form_get(&webhook->form, "ErrorUrl"), '#', &fragment),
			       path = cp_str_split(failed, '?', &query);
	struct cp_call_step step;
	size_t prefix = webhook->session_url.len + 1;
	cp_log(CP_LOG_WARNING, cp_http_log(webhook->request), "voice.fallback", "carrier error %.*s",
	       CP_STR_ARG(cp_form_get(&webhook->form, "ErrorCode")));
	if (path.len <= prefix || !cp_str_starts(path, webhook->session_url) ||
	    cp_call_step_parse(cp_str_n(path.ptr + prefix, path.len - prefix), &step) != 0) {
		CP_CLEANUP(cp_buf_free) struct cp_buf document = {0};
		cp_call_render_trouble(NULL, &document);
		cp_webhook_reply_twiml(webhook, &document);
		return;
	}
	/* the facts and the count of waits travel in the failed address where it was a wait already */
	if (query.ptr != NULL && cp_form_parse(query, cp_http_arena(webhook->request), &webhook->query) != 0)
		webhook->query = (struct cp_form){0};
	cp_webhook_wait(webhook, cp_str_n(path.ptr + prefix, path.len - prefix), "the carrier had no answer");
}

/* ---- the route */

static void dispatch(struct cp_webhook *webhook)
{
	struct cp_call_step step;
	if (cp_str_eq(webhook->step, CP_STR("status")))
		handle_status(webhook);
	else if (cp_str_eq(webhook->step, CP_STR("fallback")))
		handle_fallback(webhook);
	else if (cp_call_step_parse(webhook->step, &step) == 0)
		cp_voice_step(webhook, step);
	else
		cp_webhook_reply_status(webhook, 404);
}

/*
 * Where we cannot tell whether it is the carrier: before the first load of the registry, or where the auth token cannot be opened. A call
 * under way must survive that, so it is asked to wait; that answer gives nothing away and changes nothing.
 */
static void handle_unready(struct cp_webhook *webhook, const char *why)
{
	struct cp_call_step step;
	cp_http_add_header(webhook->request, "Retry-After", CP_STR("1"));
	if (cp_call_step_parse(webhook->step, &step) == 0)
		cp_webhook_wait(webhook, webhook->step, why);
	else
		cp_webhook_reply_status(webhook, 503);
}

/* Only what the tenant's carrier has signed goes further. */
static void authenticate(struct cp_webhook *webhook)
{
	struct cp_secret token;
	const char *why;
	if (cp_vault_auth_token(webhook->web->vault, webhook->tenant, &token) != 0) {
		cp_log(CP_LOG_ERROR, cp_http_log(webhook->request), "voice.vault", "%s", cp_error_message());
		handle_unready(webhook, "the organization's auth token cannot be opened");
		return;
	}
	bool authentic = is_authentic(webhook, token.bytes, &why);
	cp_slab_release(&token);
	if (authentic)
		dispatch(webhook);
	else
		refuse(webhook, why);
}

static int read_forms(struct cp_webhook *webhook)
{
	struct cp_arena *arena = cp_http_arena(webhook->request);
	if (!is_form(cp_http_header(webhook->request, "content-type")))
		return cp_fail(CP_E_UNSUPPORTED, "the body is not a form");
	int error = cp_form_parse(cp_http_body(webhook->request), arena, &webhook->form);
	return error != 0 ? error : cp_form_parse(cp_http_query(webhook->request), arena, &webhook->query);
}

void cp_voice_handle(struct cp_http_request *request, void *data)
{
	struct cp_web *web = data;
	struct cp_arena *arena = cp_http_arena(request);
	struct cp_webhook *webhook = cp_arena_alloc(arena, sizeof(*webhook));
	struct cp_str token = cp_http_param(request, "token"), session = cp_http_param(request, "session");
	const struct cp_registry_snapshot *registry = cp_registry_reader_get(web->registry);
	const struct cp_tenant *tenant = cp_registry_by_voice_token(registry, token);
	webhook->web = web;
	webhook->request = request;
	webhook->step = cp_http_param(request, "step");
	webhook->session_url = cp_arena_printf(arena, "%s/voice/%.*s/%.*s", web->settings->public_url, CP_STR_ARG(token), CP_STR_ARG(session));
	if (!copy_session_id(session, webhook->session_id)) {
		cp_webhook_reply_status(webhook, 404);
		return;
	}
	cp_http_log(request)->session = cp_str(webhook->session_id);
	int error = read_forms(webhook);
	if (error != 0) {
		cp_webhook_reply_status(webhook, error == CP_E_UNSUPPORTED ? 415 : 400);
		return;
	}
	if (tenant == NULL && !*web->tenants_loaded) {
		handle_unready(webhook, "the organizations are not loaded yet");
		return;
	}
	if (tenant == NULL || tenant->status == CP_TENANT_CLOSING) {
		refuse(webhook, "no organization has this token");
		return;
	}
	webhook->tenant = cp_tenant_ref(tenant);
	cp_http_log(request)->tenant = cp_arena_str(arena, tenant->slug);
	authenticate(webhook);
}
