/*
 * A session's plan: whom it calls, as it was when the session began. Stored with the session as JSON, so that a new dataset or an edited
 * campaign changes nothing for a call under way:
 *
 *     {"targets": [{"key", "title", "name", "district", "location", "phone": E.164 or null}, ...]}
 *
 * A step of the call reads one or two of the targets and their number, which the statement takes out of the document (call/session.h).
 */
#ifndef CALL_PLAN_H
#define CALL_PLAN_H

#include "base/arena.h"

struct cp_plan_target {
	struct cp_str key, title, name, district, location;
	struct cp_str phone; /* E.164; absent where no number is known */
};

struct cp_plan {
	const struct cp_plan_target *targets;
	size_t count;
};

/* One line of JSON, in arena. */
struct cp_str cp_plan_write(const struct cp_plan *plan, struct cp_arena *arena);
/* One target, text in arena. CP_E_BUG where it is not what cp_plan_write makes: it comes from our own table. */
int cp_plan_target_parse(struct cp_str json, struct cp_arena *arena, struct cp_plan_target *ret_target);

#endif
