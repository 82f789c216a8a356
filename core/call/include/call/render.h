/*
 * What the caller hears at a position: TwiML from the plan and the campaign's prompts. A pure function of its input, so that the same
 * request gets the same answer, however often and from whichever process.
 */
#ifndef CALL_RENDER_H
#define CALL_RENDER_H

#include "call/machine.h"
#include "call/plan.h"
#include "campaign/settings.h"

struct cp_call_scene {
	const struct cp_campaign_settings *settings;
	struct cp_str organization;     /* as it is spoken */
	unsigned target_count;               /* of the plan */
	const struct cp_plan_target *next;   /* the target that the position is about; NULL where it is about none */
	const struct cp_plan_target *done;   /* the one before it, with which the call has just finished; NULL for none */
	struct cp_str caller_id;        /* E.164: what the target sees */
	struct cp_str session_url;      /* "https://.../voice/TOKEN/SESSION", steps follow after "/" */
	unsigned ring_timeout_s;        /* for a target's phone */
	unsigned talk_limit_s;          /* for one conversation */
};

/* True where the caller is told how the target before went: scene->done is needed then, and only then. */
bool cp_call_tells_outcome(struct cp_str outcome);

/*
 * The document for arriving at position; outcome is how the target before it ended (a status word of call_attempt, empty for none).
 * CP_E_BUG where the position does not fit the plan. out is appended to.
 */
int cp_call_render(const struct cp_call_scene *scene, struct cp_call_position position, struct cp_str outcome, struct cp_buf *out);

/* The document that waits wait_s and asks url again: the database is away. */
void cp_call_render_wait(struct cp_str url, unsigned wait_s, struct cp_buf *out);
/* The document that apologizes and hangs up; settings may be NULL where they are not at hand: then in English. */
void cp_call_render_trouble(const struct cp_campaign_settings *settings, struct cp_buf *out);

#endif
