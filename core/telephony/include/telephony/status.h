/* A call as the carrier names it, its statuses as the carrier words them (Twilio, Call resource, "Call Status values"), and their order in time. */
#ifndef TELEPHONY_STATUS_H
#define TELEPHONY_STATUS_H

#include "base/str.h"

enum cp_call_status {
	CP_CALL_UNKNOWN = 0, /* a word that is none of these */
	CP_CALL_QUEUED,
	CP_CALL_INITIATED,
	CP_CALL_RINGING,
	CP_CALL_IN_PROGRESS,
	/* terminal */
	CP_CALL_COMPLETED,
	CP_CALL_BUSY,
	CP_CALL_NO_ANSWER,
	CP_CALL_FAILED,
	CP_CALL_CANCELED,
};

enum cp_call_status cp_call_status_parse(struct cp_str word);
const char *cp_call_status_word(enum cp_call_status status); /* "unknown" for CP_CALL_UNKNOWN */
bool cp_call_status_is_terminal(enum cp_call_status status);
/* True where a report of next, arriving after one of current, tells something new: never back, and never out of a terminal one. */
bool cp_call_status_may_follow(enum cp_call_status current, enum cp_call_status next);

enum { CP_CALL_SID_SIZE = 35 }; /* "CA" and 32 hexadecimal digits, NUL */
/* True for "CA" and 32 hexadecimal digits. */
bool cp_call_sid_is_valid(struct cp_str sid);

#endif
