#include "call/session.h"

#include "base/clock.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CREATE, ACCEPTED, REFUSED, MOVE, MOVE_ON, REPORT, FIND_OPEN };

/*
 * $1 session, $2 from, $3 to, $4 what to note, $5 the supporter's leg, $6 the target that the step may lead to, $7 the target that it is
 * about; null for none. Both come back as documents, so that C reads no more of the plan than it speaks of.
 */
#define MOVED \
	"update call_session set position = $3, trail = trail || $4::text, carrier_call = coalesce(carrier_call, $5), " \
	"status = case when ended_at is null then 'in-progress' else status end, answered_at = coalesce(answered_at, least(app_now(), ended_at)), " \
	"updated_at = app_now() " \
	"where tenant_id = app_tenant() and session_id = $1::uuid and position = $2 " \
	"returning tenant_id, session_id, campaign_id, campaign_revision, plan, from_number"
#define ANSWER_OF_PLAN \
	"campaign_id, campaign_revision, from_number, jsonb_array_length(plan -> 'targets'), plan -> 'targets' -> ($6::integer - 1), " \
	"plan -> 'targets' -> ($7::integer - 1)"
#define MOVED_OR_NOT \
	"select true, " ANSWER_OF_PLAN ", null::text[] from moved " \
	"union all " \
	"select false, " ANSWER_OF_PLAN ", trail from call_session " \
	"where tenant_id = app_tenant() and session_id = $1::uuid and not exists (select from moved)"

const struct cp_db_statement cp_session_statements[] = {
	[CREATE] = {"session_create", CP_DB_TENANT, 9,
		    "insert into call_session (tenant_id, session_id, campaign_id, campaign_revision, phone_sealed, phone_hash, location, referral, "
		    "plan, from_number) values (app_tenant(), $1::uuid, $2::integer, $3::integer, $4::bytea, $5::bytea, $6, $7, $8::jsonb, $9)"},

	/* $3 are the statuses that $2 may follow: the order of statuses is known in telephony/status.c alone */
	[ACCEPTED] = {"session_accepted", CP_DB_TENANT, 5,
		      "update call_session set carrier_call = coalesce(carrier_call, $4), status = case when status = any ($3::text[]) then $2::text else status end, "
		      "queue_ms = $5::integer, updated_at = app_now() where tenant_id = app_tenant() and session_id = $1::uuid"},

	[REFUSED] = {"session_refused", CP_DB_TENANT, 2,
		     "update call_session set status = 'failed', reason = $2, ended_at = app_now(), updated_at = app_now() "
		     "where tenant_id = app_tenant() and session_id = $1::uuid and ended_at is null"},

	[MOVE] = {"session_move", CP_DB_TENANT, 7, "with moved as (" MOVED ") " MOVED_OR_NOT},

	/* The same where a target is done: $8 outcome, $9 attempt, $10 the target's leg, $11 duration, $12 bridged. */
	[MOVE_ON] = {"session_move_on", CP_DB_TENANT, 12,
		     "with moved as (" MOVED "), "
		     "attempted as ("
		     "insert into call_attempt (tenant_id, session_id, target, attempt, campaign_id, target_key, target_name, phone, status, carrier_call, "
		     "duration_s, bridged) "
		     "select tenant_id, session_id, $7::smallint, $9::smallint, campaign_id, target ->> 'key', target ->> 'name', target ->> 'phone', "
		     "$8::text, $10, $11::integer, $12::boolean "
		     "from moved, lateral (select plan -> 'targets' -> ($7::integer - 1)) as of (target)) " MOVED_OR_NOT},

	/* $1 session, $2 status, $3 the statuses it may follow, $4 time, $5 duration, $6 reason, $7 the supporter's leg, $8 whether it is an end */
	[REPORT] = {"session_report", CP_DB_TENANT, 8,
		    "update call_session set "
		    "status = case when status = any ($3::text[]) then $2::text else status end, "
		    "ringing_at = case when $2 = 'ringing' then coalesce(ringing_at, least($4::timestamptz, answered_at, ended_at)) else ringing_at end, "
		    "ended_at = case when $8::boolean then coalesce(ended_at, $4::timestamptz) else ended_at end, "
		    "duration_s = case when $8::boolean then coalesce(duration_s, $5::integer) else duration_s end, "
		    "reason = case when ended_at is null then coalesce($6, reason) else reason end, "
		    "carrier_call = coalesce(carrier_call, $7), updated_at = app_now() "
		    "where tenant_id = app_tenant() and session_id = $1::uuid"},

	/* $3 and $4: the last one seen; null for the first round */
	[FIND_OPEN] = {"session_find_open", CP_DB_OPERATOR, 4,
		       "select tenant_id, session_id, carrier_call, extract(epoch from app_now() - created_at)::bigint, created_at from call_session "
		       "where ended_at is null and updated_at < app_now() - $1::integer * interval '1 second' "
		       "and ($3::timestamptz is null or (created_at, session_id) > ($3::timestamptz, $4::uuid)) "
		       "order by created_at, session_id limit $2::integer"},
	{.name = NULL},
};

struct request {
	cp_session_fn *fn;
	void *data;
	bool ignore_missing; /* a statement that finds its work done already is no failure */
};

static void on_done(void *data, int error, const struct cp_db_result *result)
{
	CP_CLEANUP(cp_free_ptr) struct request *request = data;
	if (error == 0 && !request->ignore_missing && cp_db_affected(result) == 0)
		error = cp_fail(CP_E_NOTFOUND, "there is no such call session");
	request->fn(request->data, error);
}

static int submit(struct cp_db *db, int statement, struct cp_tenant_id tenant, const struct cp_str *values, bool ignore_missing, cp_session_fn *fn,
                  void *data)
{
	struct request *request = cp_alloc(sizeof(*request));
	*request = (struct request){fn, data, ignore_missing};
	int error = cp_db_submit(db, &cp_session_statements[statement], &tenant, values, on_done, request);
	if (error != 0)
		free(request);
	return error;
}

int cp_session_create(struct cp_db *db, struct cp_tenant_id tenant, const struct cp_session_new *session, struct cp_arena *arena,
                      cp_session_fn *fn, void *data)
{
	const struct cp_str values[] = {
		cp_str(session->session_id),
		cp_arena_printf(arena, "%" PRId32, session->campaign_id),
		cp_arena_printf(arena, "%" PRId32, session->campaign_revision),
		cp_db_bytea(arena, session->phone_sealed),
		cp_db_bytea(arena, session->phone_hash),
		session->location,
		session->referral,
		session->plan,
		session->from_number,
	};
	return submit(db, CREATE, tenant, values, false, fn, data);
}

enum { PRECEDING_SIZE = 160 };

/* "{planned,queued,...}": what a report of status may follow. */
static struct cp_str preceding(enum cp_call_status status, char out[PRECEDING_SIZE])
{
	size_t len = (size_t)snprintf(out, PRECEDING_SIZE, "{planned");
	for (int i = CP_CALL_QUEUED; i <= CP_CALL_CANCELED; ++i)
		if (cp_call_status_may_follow((enum cp_call_status)i, status))
			len += (size_t)snprintf(out + len, PRECEDING_SIZE - len, ",%s", cp_call_status_word((enum cp_call_status)i));
	len += (size_t)snprintf(out + len, PRECEDING_SIZE - len, "}");
	return cp_str_n(out, len);
}

int cp_session_accepted(struct cp_db *db, struct cp_tenant_id tenant, const char *session_id, struct cp_str call_sid,
                        enum cp_call_status status, int queue_ms, cp_session_fn *fn, void *data)
{
	char before[PRECEDING_SIZE], queue[16];
	if (status == CP_CALL_UNKNOWN || cp_call_status_is_terminal(status))
		status = CP_CALL_QUEUED; /* the end of a call is its status callback's to tell */
	snprintf(queue, sizeof(queue), "%d", queue_ms);
	const struct cp_str values[] = {cp_str(session_id), cp_str(cp_call_status_word(status)), preceding(status, before), call_sid, cp_str(queue)};
	return submit(db, ACCEPTED, tenant, values, false, fn, data);
}

int cp_session_refused(struct cp_db *db, struct cp_tenant_id tenant, const char *session_id, const char *reason, cp_session_fn *fn, void *data)
{
	const struct cp_str values[] = {cp_str(session_id), cp_str(reason)};
	return submit(db, REFUSED, tenant, values, true, fn, data);
}

int cp_session_report(struct cp_db *db, struct cp_tenant_id tenant, const struct cp_session_report *report, cp_session_fn *fn, void *data)
{
	char before[PRECEDING_SIZE], time[CP_CLOCK_ISO_SIZE], duration[16];
	cp_clock_iso(report->time_us == 0 ? cp_clock_now_us() : report->time_us, time);
	snprintf(duration, sizeof(duration), "%d", report->duration_s);
	const struct cp_str values[] = {
		cp_str(report->session_id),
		cp_str(cp_call_status_word(report->status)),
		preceding(report->status, before),
		cp_str(time),
		report->duration_s < 0 ? CP_STR_NULL : cp_str(duration),
		cp_str(report->reason),
		report->call_sid,
		cp_call_status_is_terminal(report->status) ? CP_STR("true") : CP_STR("false"),
	};
	return submit(db, REPORT, tenant, values, false, fn, data);
}

/* ---- moving */

struct move {
	cp_session_move_fn *fn;
	void *data;
	struct cp_db *db;
	struct cp_tenant_id tenant;
	struct cp_str step;
	struct cp_call_position to;
	struct cp_str outcome;
	struct cp_str values[12]; /* for the one case in which the statement is sent again */
	unsigned sent;
};

/*
 * Two equal requests at once: the second one's UPDATE waits for the first, finds the session moved, but its SELECT still sees the row
 * as it was when the statement began. Sent again, it sees what the first one noted.
 */
enum { MAX_SENT = 3 };

/* What step led to, from the elements "step>position" or "step>position:outcome" of the trail; false where it was never taken. */
static bool find_in_trail(struct cp_str trail, struct cp_str step, struct cp_session_state *state)
{
	if (trail.len < 2)
		return false;
	/* PostgreSQL's text form of an array; our elements need no quotes: they hold letters, digits, "-", ">" and ":" */
	struct cp_str rest = cp_str_n(trail.ptr + 1, trail.len - 2);
	while (rest.ptr != NULL) {
		struct cp_str led_to, outcome, taken = cp_str_split(cp_str_split(rest, ',', &rest), '>', &led_to);
		if (!cp_str_eq(taken, step))
			continue;
		if (cp_call_position_parse(cp_str_split(led_to, ':', &outcome), &state->position) != 0)
			return false;
		state->outcome = outcome;
		return true;
	}
	return false;
}

static int send_move(struct move *move);

static int read_move(struct move *move, const struct cp_db_result *result, struct cp_session_state *state)
{
	if (cp_db_rows(result) == 0)
		return cp_fail(CP_E_NOTFOUND, "there is no such call session");
	*state = (struct cp_session_state){
		.moved = cp_db_boolean(result, 0, 0),
		.position = move->to,
		.outcome = move->outcome,
		.campaign_id = (int32_t)cp_db_integer(result, 0, 1),
		.campaign_revision = (int32_t)cp_db_integer(result, 0, 2),
		.from_number = cp_db_value(result, 0, 3),
		.target_count = (unsigned)cp_db_integer(result, 0, 4),
		.next = cp_db_value(result, 0, 5),
		.done = cp_db_value(result, 0, 6),
	};
	if (!state->moved && !find_in_trail(cp_db_value(result, 0, 7), move->step, state))
		return cp_fail(CP_E_CONFLICT, "the call session is not at this step");
	return 0;
}

static void on_moved(void *data, int error, const struct cp_db_result *result)
{
	struct move *move = data;
	struct cp_session_state state;
	if (error == 0)
		error = read_move(move, result, &state);
	if (error == CP_E_CONFLICT && result != NULL && move->sent < MAX_SENT) {
		error = send_move(move); /* where it cannot be sent now, the carrier is asked to come back, not told that the call is lost */
		if (error == 0)
			return;
	}
	move->fn(move->data, error, error == 0 ? &state : NULL);
	free(move);
}

static int send_move(struct move *move)
{
	++move->sent;
	int statement = move->outcome.len != 0 ? MOVE_ON : MOVE;
	return cp_db_submit(move->db, &cp_session_statements[statement], &move->tenant, move->values, on_moved, move);
}

int cp_session_move(struct cp_db *db, struct cp_tenant_id tenant, const struct cp_session_move *request, struct cp_arena *arena,
                    cp_session_move_fn *fn, void *data)
{
	char from[CP_CALL_POSITION_SIZE], to[CP_CALL_POSITION_SIZE];
	bool done = request->outcome.len != 0;
	cp_call_position_write(request->from, from);
	cp_call_position_write(request->to, to);
	struct move *move = cp_alloc(sizeof(*move));
	*move = (struct move){.fn = fn, .data = data, .db = db, .tenant = tenant, .step = cp_arena_str(arena, request->step), .to = request->to};
	move->outcome = done ? cp_arena_str(arena, request->outcome) : CP_STR("");
	struct cp_str *values = move->values;
	values[0] = cp_arena_str(arena, cp_str(request->session_id));
	values[1] = cp_arena_str(arena, cp_str(from));
	values[2] = cp_arena_str(arena, cp_str(to));
	values[3] = cp_arena_printf(arena, "%.*s>%s%s%.*s", CP_STR_ARG(request->step), to, done ? ":" : "", CP_STR_ARG(move->outcome));
	values[4] = request->call_sid;
	if (request->next_target != 0)
		values[5] = cp_arena_printf(arena, "%u", request->next_target);
	if (done) {
		values[6] = cp_arena_printf(arena, "%u", request->target);
		values[7] = move->outcome;
		values[8] = cp_arena_printf(arena, "%u", request->attempt);
		values[9] = request->target_call_sid;
		values[10] = request->duration_s;
		values[11] = request->bridged;
	}
	int error = send_move(move);
	if (error != 0)
		free(move);
	return error;
}

/* ---- reconciliation */

struct find_open {
	cp_session_open_fn *fn;
	void *data;
	struct cp_session_cursor *cursor;
	unsigned limit;
};

/* Behind the last of these; to the start again where they were the last. */
static void advance(struct cp_session_cursor *cursor, const struct cp_db_result *result, unsigned limit)
{
	int count = cp_db_rows(result);
	*cursor = (struct cp_session_cursor){.created_at = ""};
	if ((unsigned)count < limit)
		return;
	snprintf(cursor->created_at, sizeof(cursor->created_at), "%.*s", CP_STR_ARG(cp_db_value(result, count - 1, 4)));
	snprintf(cursor->session_id, sizeof(cursor->session_id), "%.*s", CP_STR_ARG(cp_db_value(result, count - 1, 1)));
}

static void on_found_open(void *data, int error, const struct cp_db_result *result)
{
	CP_CLEANUP(cp_free_ptr) struct find_open *request = data;
	size_t count = error == 0 ? (size_t)cp_db_rows(result) : 0;
	struct cp_session_open *sessions = cp_alloc_array(count, sizeof(*sessions));
	for (size_t i = 0; i < count; ++i)
		sessions[i] = (struct cp_session_open){
			.tenant = {cp_db_integer(result, (int)i, 0)},
			.session_id = cp_db_value(result, (int)i, 1),
			.call_sid = cp_db_value(result, (int)i, 2),
			.age_s = cp_db_integer(result, (int)i, 3),
		};
	if (error == 0)
		advance(request->cursor, result, request->limit);
	request->fn(request->data, error, sessions, count);
	free(sessions);
}

int cp_session_find_open(struct cp_db *operator_db, unsigned quiet_s, unsigned limit, struct cp_session_cursor *cursor, cp_session_open_fn *fn,
                         void *data)
{
	char quiet[16], most[16];
	snprintf(quiet, sizeof(quiet), "%u", quiet_s);
	snprintf(most, sizeof(most), "%u", limit);
	bool first = cursor->created_at[0] == '\0';
	const struct cp_str values[] = {cp_str(quiet), cp_str(most), first ? CP_STR_NULL : cp_str(cursor->created_at),
	                                first ? CP_STR_NULL : cp_str(cursor->session_id)};
	struct find_open *request = cp_alloc(sizeof(*request));
	*request = (struct find_open){fn, data, cursor, limit};
	int error = cp_db_submit(operator_db, &cp_session_statements[FIND_OPEN], NULL, values, on_found_open, request);
	if (error != 0)
		free(request);
	return error;
}
