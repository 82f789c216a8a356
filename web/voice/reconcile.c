#include "web/reconcile.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>

/* At most so many questions to the carrier a round; the rest has its turn in the next one. */
enum { MAX_A_ROUND = 100, MAX_PERIOD_MS = 30000, MIN_PERIOD_MS = 500 };

/* No call lasts a day (the carrier's own limit is four hours): of an older one that nothing can be learned of, nothing ever will be. */
enum { GIVE_UP_S = 86400 };

struct cp_reconcile {
	struct cp_web *web;
	struct cp_db *operator_db;
	unsigned quiet_s;
	struct cp_session_cursor cursor;
	struct cp_timer timer;
	unsigned under_way; /* questions and statements whose callbacks are to come */
	bool closed;        /* freed by the last callback */
};

/* One open session. */
struct check {
	struct cp_reconcile *reconcile;
	const struct cp_tenant *tenant; /* a reference */
	char session_id[CP_UUID_SIZE];
	bool hopeless; /* too old to be waited for */
};

static void schedule(struct cp_reconcile *reconcile)
{
	uint64_t period = (uint64_t)reconcile->quiet_s * 1000 / 4;
	period = period > MAX_PERIOD_MS ? MAX_PERIOD_MS : period < MIN_PERIOD_MS ? MIN_PERIOD_MS : period;
	cp_timer_start(&reconcile->timer, period + cp_random_below(1 + (uint32_t)period / 4)); /* nodes do not ask in step */
}

static void finished(struct cp_reconcile *reconcile)
{
	if (--reconcile->under_way != 0)
		return;
	if (reconcile->closed)
		free(reconcile);
	else
		schedule(reconcile);
}

static void check_free(struct check *check)
{
	struct cp_reconcile *reconcile = check->reconcile;
	cp_tenant_unref(check->tenant);
	free(check);
	finished(reconcile);
}

static struct cp_log_context about(const struct check *check)
{
	return (struct cp_log_context){.tenant = check->tenant->slug, .session = cp_str(check->session_id)};
}

static void on_stored(void *data, int error)
{
	struct check *check = data;
	struct cp_log_context context = about(check);
	if (error != 0 && !check->reconcile->closed)
		cp_log(CP_LOG_WARNING, &context, "reconcile.not_stored", "%s", cp_error_message());
	check_free(check);
}

static void end_as_failed(struct check *check, const char *reason)
{
	struct cp_log_context context = about(check);
	cp_log(CP_LOG_WARNING, &context, "reconcile.failed", "the session ends as failed: %s", reason);
	int error = cp_session_refused(check->reconcile->web->db, check->tenant->id, check->session_id, reason, on_stored, check);
	if (error != 0)
		on_stored(check, error);
}

static void learned_nothing(struct check *check)
{
	if (check->hopeless)
		end_as_failed(check, "carrier_silent");
	else
		check_free(check);
}

static void on_carrier(void *data, const struct cp_carrier_answer *answer)
{
	struct check *check = data;
	struct cp_log_context context = about(check);
	if (check->reconcile->closed) {
		check_free(check);
		return;
	}
	if (answer->problem == CP_CARRIER_NOT_FOUND) {
		end_as_failed(check, "carrier_lost");
		return;
	}
	if (answer->problem != CP_CARRIER_OK || answer->status == CP_CALL_UNKNOWN) {
		cp_log(CP_LOG_WARNING, &context, "reconcile.carrier", "%s: %.*s", cp_carrier_problem_word(answer->problem), CP_STR_ARG(answer->message));
		learned_nothing(check);
		return;
	}
	/* also where the call goes on: the session then has news, and is looked at again only after another quiet time */
	bool ended = cp_call_status_is_terminal(answer->status);
	struct cp_session_report report = {
		.session_id = check->session_id,
		.status = answer->status,
		.call_sid = answer->sid,
		.duration_s = ended ? answer->duration_s : -1,
		.reason = ended ? "reconciled" : NULL,
	};
	if (ended)
		cp_log(CP_LOG_INFO, &context, "reconcile.ended", "the carrier says %s", cp_call_status_word(answer->status));
	int error = cp_session_report(check->reconcile->web->db, check->tenant->id, &report, on_stored, check);
	if (error != 0)
		on_stored(check, error);
}

static void ask_carrier(struct check *check, struct cp_str call_sid)
{
	struct cp_web *web = check->reconcile->web;
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	struct cp_web_account account;
	int error = cp_web_account_open(web, check->tenant, arena, &account);
	if (error == 0) {
		error = cp_carrier_get_call(web->fetcher, &account.account, call_sid, on_carrier, check);
		cp_web_account_wipe(&account);
	}
	if (error == 0)
		return;
	struct cp_log_context context = about(check);
	cp_log(CP_LOG_WARNING, &context, "reconcile.not_asked", "%s", cp_error_message());
	learned_nothing(check);
}

static void check_session(struct cp_reconcile *reconcile, const struct cp_session_open *session)
{
	const struct cp_registry_snapshot *registry = cp_registry_reader_get(reconcile->web->registry);
	const struct cp_tenant *tenant = cp_registry_by_id(registry, session->tenant);
	bool unheard_of = session->call_sid.len == 0;
	if (tenant == NULL || (unheard_of && session->age_s < 2 * (int64_t)reconcile->quiet_s))
		return;
	struct check *check = cp_alloc(sizeof(*check));
	check->reconcile = reconcile;
	check->tenant = cp_tenant_ref(tenant);
	check->hopeless = session->age_s > GIVE_UP_S;
	snprintf(check->session_id, sizeof(check->session_id), "%.*s", CP_STR_ARG(session->session_id));
	++reconcile->under_way;
	if (unheard_of)
		end_as_failed(check, "never_placed");
	else
		ask_carrier(check, session->call_sid);
}

static void on_found(void *data, int error, const struct cp_session_open *sessions, size_t count)
{
	struct cp_reconcile *reconcile = data;
	if (error != 0 && !reconcile->closed)
		cp_log(CP_LOG_WARNING, NULL, "reconcile.find", "%s", cp_error_message());
	for (size_t i = 0; i < count && !reconcile->closed; ++i)
		check_session(reconcile, &sessions[i]);
	finished(reconcile);
}

static void on_timer(void *data)
{
	struct cp_reconcile *reconcile = data;
	++reconcile->under_way;
	int error = cp_session_find_open(reconcile->operator_db, reconcile->quiet_s, MAX_A_ROUND, &reconcile->cursor, on_found, reconcile);
	if (error != 0)
		on_found(reconcile, error, NULL, 0);
}

int cp_reconcile_new(struct cp_web *web, struct cp_db *operator_db, unsigned quiet_s, struct cp_reconcile **ret_reconcile)
{
	struct cp_reconcile *reconcile = cp_alloc(sizeof(*reconcile));
	reconcile->web = web;
	reconcile->operator_db = operator_db;
	reconcile->quiet_s = quiet_s;
	cp_timer_init(&reconcile->timer, web->loop, on_timer, reconcile);
	schedule(reconcile);
	*ret_reconcile = reconcile;
	return 0;
}

struct cp_reconcile *cp_reconcile_free(struct cp_reconcile *reconcile)
{
	if (reconcile == NULL)
		return NULL;
	cp_timer_stop(&reconcile->timer);
	reconcile->closed = true;
	if (reconcile->under_way == 0)
		free(reconcile);
	return NULL;
}
