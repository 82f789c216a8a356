/*
 * How the telephones behave, as README.md describes: presets for supporters and targets, numbers and prefixes of their own, and
 * disorder among callbacks. Read from JSON; one thread.
 */
#ifndef CARRIER_SCENARIO_H
#define CARRIER_SCENARIO_H

#include "base/str.h"
#include "text/json.h"

enum cp_outcome {
	CP_OUTCOME_ANSWER,
	CP_OUTCOME_BUSY,
	CP_OUTCOME_NO_ANSWER,
	CP_OUTCOME_REJECT,
	CP_OUTCOME_FAILED,
	CP_OUTCOME_INTERACTIVE,
	CP_OUTCOME_INVALID, /* this and what follows is refused already by POST Calls */
	CP_OUTCOME_UNREACHABLE,
	CP_OUTCOME_REGION,
	CP_OUTCOME_BLOCKED,
};

enum { CP_SCENARIO_MAX_KEYS = 32, CP_SCENARIO_KEYS_SIZE = 40, CP_SCENARIO_WHERE_SIZE = 72, CP_SCENARIO_MAX_PHONES = 10000 };

/* What happens to status callbacks. */
struct cp_disorder {
	bool duplicate, reorder, drop;
	unsigned delay_ms; /* real */
};

enum cp_where { CP_WHERE_NOWHERE, CP_WHERE_ANSWER, CP_WHERE_GATHER, CP_WHERE_DIAL, CP_WHERE_TALK, CP_WHERE_STEP };

/* One telephone. Times in (virtual) seconds. Plain data: a call copies it when it begins. */
struct cp_phone_script {
	enum cp_outcome outcome;
	double answer_after, key_after, talk;
	bool barge_in;
	bool same_keys;     /* keys[0] at every Gather */
	unsigned key_count; /* Gathers that keys speaks of */
	char keys[CP_SCENARIO_MAX_KEYS][CP_SCENARIO_KEYS_SIZE];
	enum cp_where hang_up_at;
	unsigned hang_up_nth;
	double hang_up_after;
	char hang_up_step[CP_SCENARIO_WHERE_SIZE]; /* CP_WHERE_STEP: the step's name, "*" at its end allowed */
	bool star;
	unsigned star_nth; /* 0: each */
	double star_after;
	bool has_disorder;
	struct cp_disorder disorder;
};

struct cp_scenario;

/* The presets. */
struct cp_scenario *cp_scenario_new(void);
struct cp_scenario *cp_scenario_copy(const struct cp_scenario *scenario);
struct cp_scenario *cp_scenario_free(struct cp_scenario *scenario);
/* Replaces the parts that the object names; CP_E_INPUT with the name at fault, and then nothing has changed. */
int cp_scenario_apply(struct cp_scenario *scenario, json_t *change);
/* The parts as they were given; a new reference. */
json_t *cp_scenario_json(const struct cp_scenario *scenario);

/* How the telephone with this number behaves. target: it is rung by a Dial. */
void cp_scenario_phone(const struct cp_scenario *scenario, const char *number, bool target, struct cp_phone_script *ret_phone);
struct cp_disorder cp_scenario_callbacks(const struct cp_scenario *scenario);
bool cp_scenario_duplicates_webhooks(const struct cp_scenario *scenario);

/* A refusal that POST Calls was told to give. */
struct cp_rest_failure {
	int status, code;
	const char *message; /* borrowed */
};
/* True, and one failure fewer is left, where the next POST Calls must fail. */
bool cp_scenario_take_failure(struct cp_scenario *scenario, struct cp_rest_failure *ret_failure);

/* The scenario's word for an outcome. */
const char *cp_outcome_word(enum cp_outcome outcome);

#endif
