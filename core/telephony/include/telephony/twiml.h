/*
 * Writes TwiML documents (Twilio, "TwiML for Programmable Voice"). Each function writes one verb; the order of calls is the order of verbs.
 */
#ifndef TELEPHONY_TWIML_H
#define TELEPHONY_TWIML_H

#include "text/xml.h"

struct cp_twiml {
	struct cp_xml xml;
	struct cp_str language; /* of Say: "en-US" */
	struct cp_str voice;    /* of Say: one of Twilio's names, "Polly.Joanna"; empty: the carrier's choice */
};

/* language and voice are borrowed until the end. */
void cp_twiml_start(struct cp_twiml *twiml, struct cp_buf *out, struct cp_str language, struct cp_str voice);
void cp_twiml_say(struct cp_twiml *twiml, struct cp_str text);
void cp_twiml_pause(struct cp_twiml *twiml, unsigned seconds);

struct cp_twiml_gather {
	struct cp_str action;   /* URL, asked also where no key was pressed */
	unsigned digits;        /* ends after so many */
	unsigned timeout_s;     /* of silence behind the prompts */
};
/* Say and Pause may follow, until cp_twiml_gather_end. */
void cp_twiml_gather_start(struct cp_twiml *twiml, const struct cp_twiml_gather *gather);
void cp_twiml_gather_end(struct cp_twiml *twiml);

struct cp_twiml_dial {
	struct cp_str number;     /* E.164 */
	struct cp_str extension;  /* digits to send after the answer; absent for none */
	struct cp_str caller_id;  /* E.164 */
	struct cp_str action;     /* URL */
	unsigned timeout_s;       /* of ringing */
	unsigned time_limit_s;    /* of the talk */
	bool hangup_on_star;      /* the caller goes on to the next target with "*" */
};
void cp_twiml_dial(struct cp_twiml *twiml, const struct cp_twiml_dial *dial);
void cp_twiml_redirect(struct cp_twiml *twiml, struct cp_str url);
void cp_twiml_hangup(struct cp_twiml *twiml);
void cp_twiml_end(struct cp_twiml *twiml);

#endif
