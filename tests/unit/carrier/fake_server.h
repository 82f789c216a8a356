/*
 * A server that exists in memory only, and the board that calls it: for tests of calls on virtual time. It answers by the last
 * segment of the path asked for, and keeps what it was asked.
 */
#ifndef TESTS_FAKE_SERVER_H
#define TESTS_FAKE_SERVER_H

#include "check.h"

#include "switchboard.h"

enum { FAKE_MAX_REQUESTS = 200 };
#define FAKE_SPEED 20000.0 /* times real time */

enum fake_failure { FAKE_FINE, FAKE_NO_CONNECTION, FAKE_READ_TIMEOUT, FAKE_TOO_LARGE };

struct fake_answer {
	const char *step;
	const char *body; /* within <Response>, unless raw */
	bool raw;
	int status;               /* 0: 200 */
	const char *content_type; /* NULL: text/xml */
	const char *location;
	enum fake_failure failure;
	unsigned times; /* how often it answers so, before the next entry for the step; 0: always */
};

struct fake_request {
	char *method, *url, *body, *signature, *idempotency;
	unsigned timeout_ms, connect_timeout_ms;
};

struct fake_server {
	struct cp_loop *loop;
	struct cp_switchboard *board;
	struct cp_account *account;
	const struct fake_answer *answers; /* ended by a step of NULL */
	unsigned used[64];                 /* per entry of answers */
	struct fake_request requests[FAKE_MAX_REQUESTS];
	size_t request_count;
	struct cp_list pending;
};

/* *state becomes a struct fake_server with one account and the presets of scenarios. */
int fake_server_setup(void **state);
int fake_server_teardown(void **state);
void fake_server_scenario(struct fake_server *server, const char *json);

/* A call from the API, to +14155550123, with Url ending in /answer and status callbacks for all four events; not started. */
struct cp_leg *fake_call_new(struct fake_server *server);
/* Starts it and turns the loop until nothing of it is under way. */
void fake_call_run(struct fake_server *server, struct cp_leg *leg);
/* Turns the loop until the leg has this status, or fails. */
void fake_call_until(struct fake_server *server, struct cp_leg *leg, enum cp_leg_status status);

/* The steps asked for in order, separated by spaces; status callbacks as "status:<CallStatus>". */
const char *fake_steps(struct fake_server *server);
/* A field of the nth (0-based) request for that step; "(none)" where the request or the field is missing. */
const char *fake_field(struct fake_server *server, const char *step, unsigned nth, const char *name);
/* The kinds of the call's story that are in the list of words, in order. */
const char *fake_story(struct cp_leg *leg, const char *kinds);
/* A member of the nth entry of that kind as text; "(none)" where it is missing. */
const char *fake_story_member(struct cp_leg *leg, const char *kind, unsigned nth, const char *name);

#endif
