/*
 * Structured logs on standard error: one line an event, JSON or text, with the ids of tenant, session and request.
 *
 * Messages never hold secrets. As a second net, every run of a plus sign and 7 to 15 digits in a message is masked down to its
 * country code and last two digits before it is written. Any thread; a line is written with one write(2).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"
#include "base/str.h"

enum cp_log_level { CP_LOG_ERROR = 3, CP_LOG_WARNING = 4, CP_LOG_INFO = 6, CP_LOG_DEBUG = 7 }; /* syslog's numbers */
enum cp_log_format { CP_LOG_TEXT, CP_LOG_JSON };

/* Whom a line is about; absent parts are left out. All borrowed. */
struct cp_log_context {
	struct cp_str tenant;  /* slug, or id where no slug is at hand */
	struct cp_str session; /* call session id */
	struct cp_str request; /* id of the HTTP request */
};

/* Lines above max_level are dropped. program is a static string. Called once, before threads. */
void cp_log_setup(const char *program, enum cp_log_format format, enum cp_log_level max_level);

/* True where a line of that level would be written: for messages that cost something to build. */
bool cp_log_enabled(enum cp_log_level level);

/* event is a fixed dotted word ("call.created"): what one searches for. about may be NULL. */
void cp_log(enum cp_log_level level, const struct cp_log_context *about, const char *event, const char *fmt, ...) CP_PRINTF(4, 5);

/*
 * How many lines of one kind a second may have, for what strangers can cause as often as they like. Zero it to start; one a thread.
 */
struct cp_log_budget {
	uint64_t second; /* of the monotonic clock */
	unsigned written, dropped;
};
/* True where a line may be written now; *ret_dropped gets how many were not since the last one that was. */
bool cp_log_budget_take(struct cp_log_budget *budget, unsigned lines_a_second, unsigned *ret_dropped);

enum { CP_MASKED_PHONE_SIZE = 20 };
/* "+1415*****23" of an E.164 number; everything but letters and digits of short input is masked whole. */
void cp_mask_phone(struct cp_str e164, char out[CP_MASKED_PHONE_SIZE]);

#endif
