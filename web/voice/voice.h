/*
 * The carrier's webhooks: POST /voice/TOKEN/SESSION/STEP.
 *
 * The token picks the tenant, the tenant's own secret checks the signature, and only then is anything of the request believed. Nothing
 * about the person is in these addresses.
 */
#ifndef WEB_VOICE_H
#define WEB_VOICE_H

#include "web/web.h"

#include "base/random.h"
#include "text/form.h"

/* One webhook; in the request's arena. */
struct cp_webhook {
	struct cp_web *web;
	struct cp_http_request *request;
	const struct cp_tenant *tenant; /* a reference, given back with the answer */
	char session_id[CP_UUID_SIZE];
	struct cp_str step;
	struct cp_form form, query;
	struct cp_str session_url;      /* absolute, without the step */
	/* of the conversation */
	struct cp_call_position position;
	struct cp_str outcome, from_number;
	unsigned target_count;
	struct cp_str next, done; /* targets of the plan, as call/session.h has them */
	int32_t campaign_id, campaign_revision;
};

cp_http_handler cp_voice_handle;

/*
 * A fact of the request: of the form, or, where the caller had to wait for the database, of the address that the wait led back to.
 * Absent where there is none.
 */
struct cp_str cp_webhook_fact(const struct cp_webhook *webhook, const char *name);
/* Answers with a TwiML document; takes over its content. */
void cp_webhook_reply_twiml(struct cp_webhook *webhook, struct cp_buf *document);
void cp_webhook_reply_status(struct cp_webhook *webhook, int status);
/* Asks the caller to wait, and the carrier to come back for step with the facts of this request; after many times, gives up. */
void cp_webhook_wait(struct cp_webhook *webhook, struct cp_str step, const char *why);

/* The conversation's steps. */
void cp_voice_step(struct cp_webhook *webhook, struct cp_call_step step);

#endif
