/*
 * Executes TwiML on a leg: fetches documents, performs verb after verb in virtual time, and goes where Gather, Dial, Redirect and
 * errors lead. execute.c has the documents and simple verbs, gather.c and dial.c theirs. One thread.
 */
#ifndef CARRIER_EXECUTE_H
#define CARRIER_EXECUTE_H

#include "line_clock.h"
#include "twiml.h"

struct cp_leg;
struct cp_params;
struct cp_webhook;

enum { CP_GATHER_MAX_DIGITS = 200, CP_DIAL_MAX_NUMBERS = 10, CP_MAX_DOCUMENTS = 2000 };

struct cp_gather {
	const struct cp_twiml_element *element; /* NULL: none is under way */
	const struct cp_twiml_element *prompt;  /* being played; NULL: none any more */
	const char *complete;                   /* why it will end once the prompts are over; NULL: it goes on */
	char digits[CP_GATHER_MAX_DIGITS + 1];
	unsigned digit_count, digit_max;
	char finish_key;  /* NUL: none */
	const char *keys; /* that the script has still to press; NULL or "": none */
	struct cp_wait key;
};

struct cp_dial {
	const struct cp_twiml_element *element;                      /* NULL: none is under way */
	struct cp_leg *legs[CP_DIAL_MAX_NUMBERS];                    /* NULL where the number is no number */
	const struct cp_twiml_element *numbers[CP_DIAL_MAX_NUMBERS]; /* Dial itself where the number is its text */
	size_t count, dialled;                                       /* numbers in all, and of these asked for so far */
	struct cp_leg *last;                                         /* to have ended */
	struct cp_leg *winner;                                       /* answered first */
	bool bridged;
	struct cp_wait send_digits, limit;
};

struct cp_run {
	struct cp_leg *leg;
	char *url, *fallback_url, *twiml; /* as asked; any may be NULL */
	const char *method, *fallback_method;
	struct cp_arena *arena;        /* of the document at hand; NULL: none */
	struct cp_twiml_element *next; /* verb to perform next */
	struct cp_str document_url;    /* "" for TwiML given inline */
	const char *document_method;
	struct cp_webhook *fetching;
	struct cp_list duplicates; /* of webhooks, whose answers are passed over */
	bool in_fallback;          /* the document at hand came from the fallback, or is being fetched from there */
	bool hung_up;              /* what comes back now is not performed */
	bool closing;              /* the Dial action of a call that has ended is being asked; then comes the status callback */
	unsigned documents;
	struct cp_wait verb;                  /* the verb's end */
	void (*finished)(struct cp_leg *leg); /* of a whisper: called instead of hanging up at its end; NULL otherwise */
	struct cp_gather gather;
	struct cp_dial dial;
};

void cp_run_init(struct cp_run *run, struct cp_leg *leg);
void cp_run_free(struct cp_run *run);

/* Runs what the leg's settings name (twiml, or url). */
void cp_run_begin(struct cp_leg *leg);
/* Leaves what is being performed and runs the settings' new document. */
void cp_run_again(struct cp_leg *leg);
/* The leg has ended: stops. Calls the status callback, after the Dial action where a Dial was under way. */
void cp_run_hung_up(struct cp_leg *leg);
/* A key was pressed at the leg's telephone. */
void cp_run_key(struct cp_leg *leg, char key);

/* ---- among execute.c, gather.c and dial.c */

/* Fetches reference, resolved against the document at hand, and runs what comes. more: parameters beside the leg's; may be NULL.
 */
void cp_run_fetch(struct cp_leg *leg, struct cp_str reference, const char *method, const struct cp_params *more);
/* Goes on with the next verb, on a later turn. */
void cp_run_next(struct cp_leg *leg);
/* Something went wrong: to the fallback, or the application error and the end. */
void cp_run_fail(struct cp_leg *leg, int code, const char *text, struct cp_str url);
/* Starts performing Say, Play or Pause: tells the story and returns how many virtual seconds it takes. */
double cp_run_prompt(struct cp_leg *leg, const struct cp_twiml_element *element);
/* The step of the document at hand. */
struct cp_str cp_run_step(const struct cp_leg *leg);

void cp_gather_init(struct cp_leg *leg);
void cp_gather_begin(struct cp_leg *leg, const struct cp_twiml_element *element);
void cp_gather_prompt_done(struct cp_leg *leg); /* also: the time-out */
void cp_gather_key(struct cp_leg *leg, char key);
void cp_gather_abandon(struct cp_leg *leg);

void cp_dial_init(struct cp_leg *leg);
void cp_dial_begin(struct cp_leg *leg, const struct cp_twiml_element *element);
/* A dialled leg was picked up, or has ended. */
void cp_dial_answered(struct cp_leg *dialled);
void cp_dial_ended(struct cp_leg *dialled);
void cp_dial_key(struct cp_leg *leg, char key);
/* Leaves the Dial without asking anybody (a redirect by the API). */
void cp_dial_abandon(struct cp_leg *leg);
/* The caller hung up: ends the dialled legs and asks the action, if any. False where nothing is asked. */
bool cp_dial_hung_up(struct cp_leg *leg);

#endif
