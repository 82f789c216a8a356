/*
 * A leg: one telephone rung, which is one Call resource of Twilio's. A root leg is rung because the API asked (a supporter), the
 * others because a root's TwiML dials (targets). A root owns its legs, and lends them its clock. One thread.
 */
#ifndef CARRIER_LEG_H
#define CARRIER_LEG_H

#include "callback.h"
#include "execute.h"
#include "line_clock.h"
#include "scenario.h"

struct cp_switchboard;
struct cp_account;

enum { CP_SID_SIZE = 35, CP_NUMBER_SIZE = 20, CP_STORY_MAX = 5000 };

enum cp_leg_status {
	CP_LEG_QUEUED,
	CP_LEG_RINGING,
	CP_LEG_IN_PROGRESS,
	CP_LEG_COMPLETED, /* this and what follows is final */
	CP_LEG_BUSY,
	CP_LEG_NO_ANSWER,
	CP_LEG_FAILED,
	CP_LEG_CANCELED,
};

struct cp_leg {
	struct cp_list link; /* a root's in the board, else in parent->children */
	struct cp_switchboard *board;
	const struct cp_account *account;
	struct cp_leg *parent; /* NULL for a root */
	struct cp_list children;
	char sid[CP_SID_SIZE], to[CP_NUMBER_SIZE], from[CP_NUMBER_SIZE];
	enum cp_leg_status status;
	bool settled;                                          /* of a root: see cp_listener */
	int64_t created_us, started_us, answered_us, ended_us; /* virtual; 0: not yet */
	unsigned queue_ms;                                     /* virtual */
	struct cp_line_clock line_clock;                       /* of a root: ask cp_leg_clock() */
	unsigned pins;                                         /* of a root: requests under way that will come back to the call */
	json_t *story;                                         /* of a root: an array */

	/* what the API, or Number, asked for */
	unsigned timeout, time_limit; /* seconds; time_limit 0: none */
	struct cp_callbacks callbacks;
	struct cp_run run;

	/* the telephone */
	struct cp_phone_script phone;
	bool interactive;                 /* a person decides */
	unsigned reached, gathers, talks; /* how often the place where the script hangs up was reached, ... */
	struct cp_wait start, ring, ring_limit, limit, hang_up, star;
};

/* A new leg, registered and queued; parent may be NULL. */
struct cp_leg *cp_leg_new(struct cp_switchboard *board, const struct cp_account *account, struct cp_leg *parent, const char *to,
                          const char *from) __attribute__((returns_nonnull));
/* For the board: cancels what is under way. */
struct cp_leg *cp_leg_free(struct cp_leg *leg);

/* Rings it after so many virtual seconds in the queue. */
void cp_leg_start(struct cp_leg *leg, double queue_seconds);
/* It was picked up. Does nothing unless it rings. */
void cp_leg_answer(struct cp_leg *leg);
/* Ends it; by: who or what did (README.md, story "hangup"), NULL where nobody hung up. Does nothing where it has ended. */
void cp_leg_end(struct cp_leg *leg, enum cp_leg_status status, const char *by);
/* The person at the telephone hangs up, or declines while it rings. */
void cp_leg_hang_up(struct cp_leg *leg);
/* Presses keys one after the other, at once. */
void cp_leg_press(struct cp_leg *leg, const char *keys);
/* The script stops, a person decides from here. */
void cp_leg_take_over(struct cp_leg *leg);

struct cp_leg *cp_leg_root(struct cp_leg *leg);
struct cp_line_clock *cp_leg_clock(struct cp_leg *leg);
bool cp_leg_has_ended(const struct cp_leg *leg);
/* Whole seconds from answer to end (or now); 0 where it was not answered. */
unsigned cp_leg_duration(struct cp_leg *leg);
const char *cp_leg_status_word(enum cp_leg_status status);
const char *cp_leg_direction(const struct cp_leg *leg);
/* "NN" and 32 hexadecimal digits. */
void cp_sid_new(const char *prefix, char out[CP_SID_SIZE]);

/* Requests that will come back to the call; a pinned call is not forgotten. */
void cp_leg_pin(struct cp_leg *leg);
void cp_leg_unpin(struct cp_leg *leg);

/* The script's telephone reached a place (step: a document's, for CP_WHERE_STEP); it may hang up there. */
void cp_phone_reached(struct cp_leg *leg, enum cp_where where, struct cp_str step);
/* The two are connected: the script may press star or, at a target's, talk and hang up. */
void cp_phone_connected(struct cp_leg *leg);
/* The keys that the script presses at this Gather of the leg ("": none). Counts the Gathers. */
const char *cp_phone_gather_keys(struct cp_leg *leg);

/* Adds an entry to the call's story: kind, and what json_pack makes of fmt ("{...}"; NULL: nothing more). */
void cp_story_add(struct cp_leg *leg, const char *kind, const char *fmt, ...);
void cp_story_error(struct cp_leg *leg, int code, const char *text, struct cp_str url);

#endif
