/*
 * Call sessions in the database: one segment (one round trip) for each thing that happens. Every function takes the tenant it is for.
 *
 * Submitting fails at once with CP_E_LIMIT where the queue is full; otherwise the callback comes exactly once, later, on the loop.
 */
#ifndef CALL_SESSION_H
#define CALL_SESSION_H

#include "base/arena.h"
#include "base/random.h"
#include "call/machine.h"
#include "db/db.h"
#include "telephony/status.h"

/* What these functions run, for cp_db_new: tenants' and operator's. */
extern const struct cp_db_statement cp_session_statements[];

/* error as cp_db_fn; CP_E_NOTFOUND where the tenant has no such session. */
typedef void cp_session_fn(void *data, int error);

struct cp_session_new {
	const char *session_id;
	int32_t campaign_id, campaign_revision;
	struct cp_str phone_sealed, phone_hash; /* bytes */
	struct cp_str location, referral;
	struct cp_str plan;        /* call/plan.h */
	struct cp_str from_number; /* E.164 */
};

/* The row, before anybody is rung. arena: for the statement's parameters, until the function returns. */
int cp_session_create(struct cp_db *db, struct cp_tenant_id tenant, const struct cp_session_new *session, struct cp_arena *arena,
                      cp_session_fn *fn, void *data) CP_MUST_CHECK;

/* The carrier has taken the call. Changes nothing where its webhooks were faster. */
int cp_session_accepted(struct cp_db *db, struct cp_tenant_id tenant, const char *session_id, struct cp_str call_sid,
                        enum cp_call_status status, int queue_ms, cp_session_fn *fn, void *data) CP_MUST_CHECK;
/* The call certainly does not take place: the session ends as failed, for reason (a stable word). */
int cp_session_refused(struct cp_db *db, struct cp_tenant_id tenant, const char *session_id, const char *reason, cp_session_fn *fn,
                       void *data) CP_MUST_CHECK;

/* ---- the conversation */

/* One step: from where, to where, and what is known then. */
struct cp_session_move {
	const char *session_id;
	struct cp_str step;              /* as in the URL */
	struct cp_call_position from, to;
	unsigned next_target;            /* which target the step may lead to: it comes back with the state; 0 for none */
	struct cp_str call_sid;          /* the supporter's leg */
	/* of the target that is done; status absent where none is */
	struct cp_str outcome;           /* a status word of call_attempt */
	unsigned target, attempt;
	struct cp_str target_call_sid;
	struct cp_str duration_s, bridged; /* as the carrier said, checked; absent where it did not */
};

struct cp_session_state {
	bool moved;                  /* false: this step was taken before, and position and outcome are what it led to then */
	struct cp_call_position position;
	struct cp_str outcome;       /* empty where the step had none */
	int32_t campaign_id, campaign_revision;
	unsigned target_count;       /* of the plan */
	struct cp_str next, done;    /* the plan's targets next_target and target, for cp_plan_target_parse; absent for none */
	struct cp_str from_number;
};

/*
 * state is valid during the call, NULL unless error is 0. CP_E_NOTFOUND: no such session; CP_E_CONFLICT: the session never was where
 * the step says (a forged or lost step).
 */
typedef void cp_session_move_fn(void *data, int error, const struct cp_session_state *state);

/*
 * Compare-and-set: where the session is at move->from, it goes to move->to, the step is noted with what it led to, and the target's
 * outcome is written; all or nothing. Where it is elsewhere, what the same step led to before is answered and nothing changes. arena, and what
 * move points to, must live until fn is called: the statement may be sent again.
 */
int cp_session_move(struct cp_db *db, struct cp_tenant_id tenant, const struct cp_session_move *move, struct cp_arena *arena,
                    cp_session_move_fn *fn, void *data) CP_MUST_CHECK;

/* ---- the carrier's side */

struct cp_session_report {
	const char *session_id;
	enum cp_call_status status;
	struct cp_str call_sid;
	int64_t time_us;  /* when it happened, in our clock; 0: now */
	int duration_s;   /* of an ended call; negative: not known */
	const char *reason; /* of an end that the carrier did not report; NULL for none */
};

/* A status callback, or what reconciliation found. Never goes back, never out of a terminal status, and may come any number of times. */
int cp_session_report(struct cp_db *db, struct cp_tenant_id tenant, const struct cp_session_report *report, cp_session_fn *fn, void *data)
	CP_MUST_CHECK;

/* ---- operator scope: reconciliation */

struct cp_session_open {
	struct cp_tenant_id tenant;
	struct cp_str session_id;
	struct cp_str call_sid; /* absent where none was ever heard of */
	int64_t age_s;
};
typedef void cp_session_open_fn(void *data, int error, const struct cp_session_open *sessions, size_t count);
/* How far the rounds have come; starts as {0}. */
struct cp_session_cursor {
	char created_at[64]; /* as PostgreSQL writes it; empty: before the first */
	char session_id[CP_UUID_SIZE];
};
/*
 * Open sessions without news for quiet_s, at most limit: those after cursor, oldest first. cursor must live until fn is called and has
 * moved on then, back to the start after the last one: sessions that nothing can be learned of do not keep the others from their turn.
 */
int cp_session_find_open(struct cp_db *operator_db, unsigned quiet_s, unsigned limit, struct cp_session_cursor *cursor, cp_session_open_fn *fn,
                         void *data) CP_MUST_CHECK;

#endif
