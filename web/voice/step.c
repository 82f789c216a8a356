/* The conversation: from a step's webhook to the next document. */
#include "voice.h"

#include "base/memory.h"
#include "call/plan.h"
#include "call/render.h"

static bool is_away(int error)
{
	return error == CP_E_UNAVAILABLE || error == CP_E_TIMEOUT || error == CP_E_LIMIT;
}

/* The end of the road: the caller hears a sentence, the log the reason. */
static void give_up(struct cp_webhook *webhook, int error, const struct cp_campaign_settings *settings)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf document = {0};
	cp_log(error == CP_E_NOTFOUND || error == CP_E_CONFLICT ? CP_LOG_WARNING : CP_LOG_ERROR, cp_http_log(webhook->request), "voice.step", "%s: %s",
	       cp_error_word(error), cp_error_message());
	cp_call_render_trouble(settings, &document);
	cp_webhook_reply_twiml(webhook, &document);
}

/* What the target sees as the caller's number. On a call that we placed, To is the supporter. */
static struct cp_str caller_id(const struct cp_webhook *webhook, const struct cp_campaign_settings *settings)
{
	struct cp_str supporter = cp_form_get(&webhook->form, "To");
	return settings->caller_id == CP_CALLER_ID_SUPPORTER && supporter.len != 0 ? supporter : webhook->from_number;
}

static int read_target(const struct cp_webhook *webhook, struct cp_str json, struct cp_plan_target *target)
{
	return json.ptr == NULL ? 0 : cp_plan_target_parse(json, cp_http_arena(webhook->request), target);
}

static void on_campaign(void *data, int error, const struct cp_campaign *campaign)
{
	struct cp_webhook *webhook = data;
	struct cp_plan_target next, done;
	CP_CLEANUP(cp_buf_free) struct cp_buf document = {0};
	if (is_away(error)) {
		cp_webhook_wait(webhook, webhook->step, cp_error_message());
		return;
	}
	if (error == 0)
		error = read_target(webhook, webhook->next, &next);
	if (error == 0)
		error = read_target(webhook, webhook->done, &done);
	if (error == 0) {
		struct cp_call_scene scene = {
			.settings = campaign->settings,
			.organization = campaign->settings->organization.len != 0 ? campaign->settings->organization : webhook->tenant->name,
			.target_count = webhook->target_count,
			.next = webhook->next.ptr == NULL ? NULL : &next,
			.done = webhook->done.ptr == NULL ? NULL : &done,
			.caller_id = caller_id(webhook, campaign->settings),
			.session_url = webhook->session_url,
			.ring_timeout_s = webhook->web->settings->ring_timeout_s,
			.talk_limit_s = webhook->web->settings->call_limit_s,
		};
		error = cp_call_render(&scene, webhook->position, webhook->outcome, &document);
	}
	if (error != 0)
		give_up(webhook, error, campaign == NULL ? NULL : campaign->settings);
	else
		cp_webhook_reply_twiml(webhook, &document);
}

static void on_moved(void *data, int error, const struct cp_session_state *state)
{
	struct cp_webhook *webhook = data;
	struct cp_arena *arena = cp_http_arena(webhook->request);
	if (is_away(error)) {
		cp_webhook_wait(webhook, webhook->step, cp_error_message());
		return;
	}
	if (error != 0) {
		give_up(webhook, error, NULL);
		return;
	}
	if (!state->moved)
		cp_log(CP_LOG_INFO, cp_http_log(webhook->request), "voice.repeated", "step %.*s", CP_STR_ARG(webhook->step));
	webhook->position = state->position;
	webhook->outcome = cp_arena_str(arena, state->outcome);
	webhook->target_count = state->target_count;
	webhook->next = state->next.ptr == NULL ? CP_STR_NULL : cp_arena_str(arena, state->next);
	if (state->done.ptr != NULL && cp_call_tells_outcome(state->outcome)) /* else nothing is said of it */
		webhook->done = cp_arena_str(arena, state->done);
	webhook->from_number = cp_arena_str(arena, state->from_number);
	cp_campaign_cache_get(webhook->web->campaigns, webhook->tenant->id, state->campaign_id, state->campaign_revision, on_campaign, webhook);
}

/* ---- what the request says */

static enum cp_call_event event_of(const struct cp_webhook *webhook, struct cp_call_step step)
{
	switch (step.kind) {
	case CP_STEP_ANSWER:
		return CP_EVENT_ANSWERED;
	case CP_STEP_HUMAN:
		return cp_webhook_fact(webhook, "Digits").len != 0 ? CP_EVENT_KEY : CP_EVENT_NO_KEY;
	default:
		return CP_EVENT_TARGET_DONE;
	}
}

/* The outcome of a Dial, in the words of call_attempt ("answered" is what Twilio says of a conference's leg). */
static struct cp_str dial_outcome(struct cp_str word)
{
	if (cp_str_eq(word, CP_STR("answered")))
		return CP_STR("completed");
	enum cp_call_status status = cp_call_status_parse(word);
	return cp_str(cp_call_status_is_terminal(status) ? cp_call_status_word(status) : "unknown");
}

static void read_outcome(const struct cp_webhook *webhook, struct cp_call_step step, struct cp_session_move *move)
{
	uint64_t seconds;
	move->target = step.target;
	if (step.kind == CP_STEP_SKIP) {
		move->attempt = 1;
		move->outcome = CP_STR("unreachable");
		return;
	}
	struct cp_str sid = cp_webhook_fact(webhook, "DialCallSid"), duration = cp_webhook_fact(webhook, "DialCallDuration"),
		      bridged = cp_webhook_fact(webhook, "DialBridged");
	move->attempt = step.attempt;
	move->outcome = dial_outcome(cp_webhook_fact(webhook, "DialCallStatus"));
	move->target_call_sid = cp_call_sid_is_valid(sid) ? sid : CP_STR_NULL;
	move->duration_s = cp_str_to_u64(duration, 10 * 86400, &seconds) == 0 ? duration : CP_STR_NULL;
	move->bridged = cp_str_eq(bridged, CP_STR("true")) || cp_str_eq(bridged, CP_STR("false")) ? bridged : CP_STR_NULL;
}

void cp_voice_step(struct cp_webhook *webhook, struct cp_call_step step)
{
	struct cp_str sid = cp_form_get(&webhook->form, "CallSid");
	struct cp_session_move move = {
		.session_id = webhook->session_id,
		.step = webhook->step,
		.from = cp_call_step_position(step),
		.next_target = cp_call_step_next_target(step),
		.call_sid = cp_call_sid_is_valid(sid) ? sid : CP_STR_NULL,
	};
	int error = cp_call_next(step, event_of(webhook, step), &move.to);
	if (error == 0 && (step.kind == CP_STEP_DIAL || step.kind == CP_STEP_SKIP))
		read_outcome(webhook, step, &move);
	if (error == 0)
		error = cp_session_move(webhook->web->db, webhook->tenant->id, &move, cp_http_arena(webhook->request), on_moved, webhook);
	if (error != 0)
		on_moved(webhook, error, NULL);
}
