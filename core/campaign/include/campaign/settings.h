/*
 * A campaign's settings: one JSON document, checked as a whole, stored as an immutable revision.
 *
 *     {"country": "us", "type": "congress", "subtype": "both", "order": "upper-first", "locate_by": "postal",
 *      "language": "en-US", "voice": "Polly.Joanna-Neural", "numbers": ["+15005550006"], "call_maximum": 0, "caller_id": "supporter",
 *      "organization": "ONE", "script": "<p>...", "redirect": "https://...", "prompts": {"msg_intro": "Hello ..."}}
 *
 * country, type, language and numbers are required; the other members have the presets named below; an unknown member is refused.
 */
#ifndef CAMPAIGN_SETTINGS_H
#define CAMPAIGN_SETTINGS_H

#include "campaign/prompts.h"

enum cp_caller_id {
	CP_CALLER_ID_SUPPORTER, /* preset: the office sees the supporter's own number */
	CP_CALLER_ID_CAMPAIGN,  /* the office sees the number the supporter was rung from */
};

enum { CP_CAMPAIGN_MAX_NUMBERS = 50, CP_CAMPAIGN_MAX_CALLS = 99, CP_CAMPAIGN_MAX_JSON = 128 * 1024, CP_CAMPAIGN_MAX_PROMPT = 3000 };

/* Reference-counted, for one thread. All text belongs to it. */
struct cp_campaign_settings {
	struct cp_str country;      /* as the provider's manifest has it, lower case: "us" */
	struct cp_str type;         /* "congress" */
	struct cp_str subtype;      /* preset "both" */
	struct cp_str order;        /* preset "in-order" */
	struct cp_str locate_by;    /* preset "postal", the one way there is */
	struct cp_str language;     /* of the voice: RFC 5646 tag, "en-US" */
	struct cp_str voice;        /* preset "": the carrier's choice */
	struct cp_str organization; /* spoken; preset: the organization's name */
	struct cp_str script;       /* for the page, HTML; preset "" */
	struct cp_str redirect;     /* for the page, https; preset "" */
	struct cp_str numbers[CP_CAMPAIGN_MAX_NUMBERS]; /* E.164, one is rung from */
	size_t number_count;
	unsigned call_maximum;      /* 0: all targets */
	enum cp_caller_id caller_id;
	struct cp_str prompts[CP_PROMPT_COUNT]; /* templates; the preset text where the document has none */

	unsigned references; /* private */
	struct cp_arena *arena;
};

/* CP_E_INPUT with a sentence that names the member. The caller owns one reference. */
int cp_campaign_settings_parse(struct cp_str json, struct cp_campaign_settings **ret_settings);
struct cp_campaign_settings *cp_campaign_settings_ref(struct cp_campaign_settings *settings);
struct cp_campaign_settings *cp_campaign_settings_unref(struct cp_campaign_settings *settings); /* accepts NULL; returns NULL */

#endif
