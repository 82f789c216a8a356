/*
 * Which verbs, attributes and values are TwiML, and the typed reading of attributes once checked. The table follows the types of
 * Twilio's SDK 6.2.0 (VoiceResponse.d.ts). Any thread.
 */
#ifndef CARRIER_VERBS_H
#define CARRIER_VERBS_H

#include "twiml.h"

/* Twilio's error numbers that the sandbox reports. */
enum cp_twilio_error {
	CP_TWILIO_URL_FORMAT = 11100,
	CP_TWILIO_HTTP_FAILURE = 11200,
	CP_TWILIO_CONNECTION = 11205,
	CP_TWILIO_TOO_MANY_REDIRECTS = 11215,
	CP_TWILIO_BAD_REDIRECT = 11220,
	CP_TWILIO_BAD_POLICY = 11243,
	CP_TWILIO_TOO_LARGE = 11750,
	CP_TWILIO_PARSE = 12100,
	CP_TWILIO_SCHEMA = 12200,
	CP_TWILIO_CONTENT_TYPE = 12300,
	CP_TWILIO_DIAL_TIMEOUT = 13212,
	CP_TWILIO_DIAL_HANGUP_ON_STAR = 13213,
	CP_TWILIO_DIAL_CALLER_ID = 13214,
	CP_TWILIO_DIAL_TIME_LIMIT = 13216,
	CP_TWILIO_DIAL_NUMBER_FORMAT = 13223,
	CP_TWILIO_DIAL_NUMBER = 13224,
	CP_TWILIO_GATHER_FINISH_ON_KEY = 13310,
	CP_TWILIO_GATHER_TIMEOUT = 13313,
	CP_TWILIO_GATHER_NUM_DIGITS = 13314,
	CP_TWILIO_NUMBER_SEND_DIGITS = 13410,
	CP_TWILIO_SAY_LOOP = 13510,
	CP_TWILIO_SAY_TEXT = 13520,
	CP_TWILIO_PAUSE_LENGTH = 13610,
};

/*
 * Checks the whole tree below root. 0, or CP_E_INPUT (CP_E_UNSUPPORTED for verbs of Twilio's that the sandbox does not perform)
 * with the line and the reason in the message and Twilio's number in *ret_code.
 */
int cp_verbs_check(const struct cp_twiml_element *root, int *ret_code);

/* Of a checked element: the attribute's number, or preset where it is absent. */
unsigned cp_verb_number(const struct cp_twiml_element *element, const char *name, unsigned preset);
bool cp_verb_bool(const struct cp_twiml_element *element, const char *name, bool preset);
/* "GET" or "POST" (the preset). */
const char *cp_verb_method(const struct cp_twiml_element *element, const char *name);

#endif
