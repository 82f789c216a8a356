/*
 * The telephone company's switchboard: accounts, the calls there are and were, the scenario in force, and who listens to what
 * happens. Everything of it lives on one loop's thread.
 */
#ifndef CARRIER_SWITCHBOARD_H
#define CARRIER_SWITCHBOARD_H

#include "base/map.h"
#include "leg.h"
#include "scenario.h"
#include "webhook.h"

enum { CP_MAX_NUMBERS = 1000 }; /* of one account */

struct cp_account {
	char sid[CP_SID_SIZE];
	char *token, *name;
	char **numbers; /* E.164 */
	size_t number_count;
	int64_t next_start_us; /* wall clock, virtual pace: when the account may start its next call */
	int64_t created_us;
	struct cp_account *next;
};

struct cp_switchboard_options {
	double speed;            /* virtual seconds per real second */
	double calls_per_second; /* per account, virtual; 0: no limit */
	size_t keep;             /* finished calls that are remembered */
	bool interactive;        /* supporters' telephones wait for the person */
};

/* Gets told what happens; any function may be NULL. They must not start or end calls. */
struct cp_listener {
	struct cp_list link;
	void (*on_leg)(void *data, struct cp_leg *leg); /* its head changed */
	void (*on_story)(void *data, struct cp_leg *root, const json_t *entry);
	void (*on_settled)(void *data, struct cp_leg *root); /* ended, and nothing of it under way any more */
	void (*on_reset)(void *data);
	void *data;
};

struct cp_switchboard {
	struct cp_loop *loop;
	struct cp_switchboard_options options;
	struct cp_account *accounts;
	struct cp_scenario *scenario, *first_scenario;
	struct cp_webhook_service webhooks;
	struct cp_map *legs;  /* by sid: roots and dialled ones */
	struct cp_list roots; /* newest first */
	struct cp_list listeners;
	size_t root_count, active; /* active: not settled */
};

/* scenario becomes the board's. */
struct cp_switchboard *cp_switchboard_new(struct cp_loop *loop, const struct cp_switchboard_options *options,
                                          struct cp_scenario *scenario);
/* Drops what is under way without a word. */
struct cp_switchboard *cp_switchboard_free(struct cp_switchboard *board);

/* CP_E_INPUT where sid, token or a number is ill-formed, CP_E_CONFLICT where the sid is there already. */
int cp_switchboard_add_account(struct cp_switchboard *board, struct cp_str sid, struct cp_str token, struct cp_str name,
                               const struct cp_str *numbers, size_t count);
struct cp_account *cp_switchboard_account(struct cp_switchboard *board, struct cp_str sid); /* NULL where there is none */
bool cp_account_has_number(const struct cp_account *account, struct cp_str number);
/* Webhooks to origin go to target, which must be on loopback. */
int cp_switchboard_add_route(struct cp_switchboard *board, struct cp_str origin, struct cp_str target);

struct cp_leg *cp_switchboard_leg(struct cp_switchboard *board, struct cp_str sid); /* NULL where there is none */
/* Forgets a leg of a settled call; with a root, those it dialled. */
void cp_switchboard_forget(struct cp_switchboard *board, struct cp_leg *leg);
/* Drops all calls and returns to the first scenario. */
void cp_switchboard_reset(struct cp_switchboard *board);

void cp_switchboard_listen(struct cp_switchboard *board, struct cp_listener *listener);
void cp_switchboard_unlisten(struct cp_listener *listener);

/* ---- for leg.c and story.c */
void cp_switchboard_register(struct cp_switchboard *board, struct cp_leg *leg);
void cp_switchboard_leg_changed(struct cp_leg *leg);
void cp_switchboard_told(struct cp_leg *root, const json_t *entry);
/* Called whenever something of the call has ended: finds out whether all of it has. */
void cp_switchboard_check_settled(struct cp_leg *root);

#endif
