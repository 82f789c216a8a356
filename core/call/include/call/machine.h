/*
 * The call session's state machine: positions, events, and the one table that leads from one to the next.
 *
 *      created
 *         | answered
 *         v             no key, tries left (asks again)
 *      human-try-N  ------------------------------------.
 *         | key      \ no key, no try left     ^        |
 *         v           `-------> goodbye        '--------'
 *      target-I-try-A <---------------------.
 *         | target done \ target done, more |
 *         | last one     `------------------'
 *         v
 *       thanks
 *
 * A position says what the caller was last told; it is stored in the session's row. A step is the last part of a webhook's URL: it
 * says which answer the carrier is asking the continuation of, so that the next position follows from the step and the request
 * alone, before any row is read (core/call/session.h stores it as a compare-and-set). Hang-ups need no position of their own: the status
 * callback ends the session wherever it stands, and a late outcome is still taken.
 *
 * Pure functions, any thread.
 */
#ifndef CALL_MACHINE_H
#define CALL_MACHINE_H

#include "base/str.h"

enum cp_call_state {
	CP_STATE_CREATED,
	CP_STATE_HUMAN,   /* asked to press a key: screens voicemail */
	CP_STATE_TARGET,  /* told about a target, and connected to it or told why not */
	CP_STATE_THANKS,  /* final */
	CP_STATE_GOODBYE, /* final: nobody pressed a key */
	CP_STATE_COUNT
};

enum cp_call_event {
	CP_EVENT_ANSWERED,
	CP_EVENT_KEY,
	CP_EVENT_NO_KEY,
	CP_EVENT_TARGET_DONE, /* dialled and over, or explained to be unreachable */
	CP_EVENT_COUNT
};

enum { CP_CALL_HUMAN_TRIES = 3, CP_CALL_MAX_TARGETS = 99, CP_CALL_POSITION_SIZE = 32, CP_CALL_STEP_SIZE = 40 };

struct cp_call_position {
	enum cp_call_state state;
	unsigned target;  /* from 1; 0 outside of TARGET */
	unsigned attempt; /* from 1; 0 where the state has none */
};

/* What a webhook continues. */
enum cp_call_step_kind {
	CP_STEP_ANSWER, /* the supporter has picked up */
	CP_STEP_HUMAN,  /* the Gather of the human check is over */
	CP_STEP_DIAL,   /* the Dial to a target is over */
	CP_STEP_SKIP,   /* the explanation that a target cannot be reached is over */
};

struct cp_call_step {
	enum cp_call_step_kind kind;
	unsigned target, count; /* DIAL and SKIP: "the target-th of count" */
	unsigned attempt;       /* HUMAN and DIAL */
};

/* "created", "human-try-2", "target-1-try-1", "thanks", "goodbye" */
void cp_call_position_write(struct cp_call_position position, char out[CP_CALL_POSITION_SIZE]);
int cp_call_position_parse(struct cp_str text, struct cp_call_position *ret_position);

/* "answer", "human-try-2", "dial-1-of-3-try-1", "skip-2-of-3". Parsing takes only what writing makes: each step has one name. */
void cp_call_step_write(struct cp_call_step step, char out[CP_CALL_STEP_SIZE]);
int cp_call_step_parse(struct cp_str text, struct cp_call_step *ret_step);

/* The position at which a session is while the carrier may ask for this step. */
struct cp_call_position cp_call_step_position(struct cp_call_step step);

/*
 * The table: where the event leads from the step's position. CP_E_INPUT where the table has no such transition.
 */
int cp_call_next(struct cp_call_step step, enum cp_call_event event, struct cp_call_position *ret_next);

/* The target that the step may lead to, whatever happened at it; 0 where it leads to none. */
unsigned cp_call_step_next_target(struct cp_call_step step);

/* True in a final position. */
bool cp_call_is_final(enum cp_call_state state);

#endif
