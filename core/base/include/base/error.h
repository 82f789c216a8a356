/*
 * Error codes, and the one message that explains the latest of them on this thread.
 *
 * Every function that can fail returns 0 or one of these negative codes and leaves its out-parameters untouched on failure.
 * cp_fail() records a sentence for people; library code returns it, programs log it once.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum cp_error {
	CP_OK = 0,
	CP_E_INPUT = -1,       /* what was given is malformed or out of range: the caller's to mend */
	CP_E_NOTFOUND = -2,    /* no such thing, or none that this caller may know of */
	CP_E_LIMIT = -3,       /* a named limit was reached */
	CP_E_UNAVAILABLE = -4, /* something we depend on is away: the same call may work later */
	CP_E_TIMEOUT = -5,     /* as UNAVAILABLE, but the outcome is unknown: it may have happened */
	CP_E_DENIED = -6,      /* not allowed, or not authentic */
	CP_E_CONFLICT = -7,    /* somebody else changed it first, or it exists already */
	CP_E_UNSUPPORTED = -8, /* well formed, but not something we do */
	CP_E_SYSTEM = -9,      /* the operating system refused; the message carries errno's text */
	CP_E_BUG = -10,        /* an invariant of ours does not hold */
};

#define CP_PRINTF(fmt_index, first_arg) __attribute__((format(printf, fmt_index, first_arg)))
#define CP_MUST_CHECK __attribute__((warn_unused_result))

/* Records the message (at most 2047 bytes are kept) for this thread and returns code. */
int cp_fail(int code, const char *fmt, ...) CP_PRINTF(2, 3);

/* As cp_fail(CP_E_SYSTEM, ...), with ": " and errno's text appended. errno is preserved. */
int cp_fail_errno(const char *fmt, ...) CP_PRINTF(1, 2);

/* Puts context in front of this thread's message ("context: message") and returns code. */
int cp_fail_in(int code, const char *fmt, ...) CP_PRINTF(2, 3);

/* The latest message on this thread; "" where there was none. Valid until the next cp_fail on the thread. */
const char *cp_error_message(void);

/* A fixed word for a code ("input", "notfound", ...), as in logs and API answers; "ok" for 0, "unknown" for any other. */
const char *cp_error_word(int code);

#endif
