/*
 * Status callbacks of a leg: in order, one at a time, unless the scenario wants them late, twice, exchanged or lost. One thread.
 */
#ifndef CARRIER_CALLBACK_H
#define CARRIER_CALLBACK_H

#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>

struct cp_leg;
struct cp_callback;

enum { CP_EVENT_INITIATED = 1, CP_EVENT_RINGING = 2, CP_EVENT_ANSWERED = 4, CP_EVENT_COMPLETED = 8 };

struct cp_callbacks {
	char *url;          /* NULL: none are wanted */
	const char *method; /* static */
	unsigned events;    /* CP_EVENT_*, or-ed */
	unsigned sequence;  /* of the next one */
	struct cp_list queue;
	struct cp_callback *held; /* waits to be exchanged with the next */
	bool sending;             /* the first of the queue is */
};

void cp_callbacks_init(struct cp_callbacks *callbacks);
/* The leg has reached this; asks the server if it wanted to know. */
void cp_callbacks_event(struct cp_leg *leg, unsigned event);
/* Forgets what is under way. */
void cp_callbacks_free(struct cp_callbacks *callbacks);
/* The bit of a word ("ringing"); 0 for any other word. */
unsigned cp_event_of(struct cp_str word);
const char *cp_event_word(unsigned event);

#endif
