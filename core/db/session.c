/* A lent connection: one transaction at a time, one statement at a time. */
#include "session.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { IDLE_IN_TRANSACTION_MS = 60000 };

static struct cp_db_session *of(struct cp_db_link *link)
{
	return CP_CONTAINER_OF(link, struct cp_db_session, link);
}

static void change_state(struct cp_db_session *session, enum cp_db_session_state to)
{
#define TO(state) (1u << CP_DB_SESSION_##state)
	static const unsigned allowed[CP_DB_SESSION_STATES] = {
	    [CP_DB_SESSION_CLOSED] = TO(OPENING),
	    [CP_DB_SESSION_OPENING] = TO(IDLE) | TO(CLOSED),
	    [CP_DB_SESSION_IDLE] = TO(BEGINNING) | TO(CLOSED),
	    [CP_DB_SESSION_BEGINNING] = TO(LENT) | TO(CLOSED),
	    [CP_DB_SESSION_LENT] = TO(RUNNING) | TO(COMMITTING) | TO(ROLLING_BACK) | TO(LOST) | TO(CLOSED),
	    [CP_DB_SESSION_RUNNING] = TO(LENT) | TO(LOST) | TO(COMMITTING) | TO(CLOSED),
	    [CP_DB_SESSION_COMMITTING] = TO(IDLE) | TO(CLOSED),
	    [CP_DB_SESSION_ROLLING_BACK] = TO(IDLE) | TO(CLOSED),
	    [CP_DB_SESSION_LOST] = TO(COMMITTING) | TO(CLOSED),
	};
#undef TO
	if (!(allowed[session->state] & 1u << to)) {
		fprintf(stderr, "database session: no way from state %d to %d\n", (int)session->state, (int)to);
		abort();
	}
	session->state = to;
}

static void wake_pump(struct cp_db_exclusive *pool)
{
	if (!pool->closed)
		cp_task_start(&pool->pump);
}

/* ---- ends: each tells whom it has to, as the last thing it does */

static void close_connection(struct cp_db_session *session, enum cp_db_session_state to)
{
	cp_db_link_stop(&session->link);
	cp_timer_stop(&session->timer);
	PQclear(session->result);
	session->result = NULL;
	change_state(session, to);
	wake_pump(session->pool);
}

static void become_idle(struct cp_db_session *session)
{
	if (PQtransactionStatus(session->link.pg) != PQTRANS_IDLE) { /* never lend what is left of somebody's transaction */
		close_connection(session, CP_DB_SESSION_CLOSED);
		return;
	}
	change_state(session, CP_DB_SESSION_IDLE);
	cp_timer_start(&session->timer, session->pool->idle_ms);
	wake_pump(session->pool);
}

static void tell_begun(struct cp_db_session *session, int error)
{
	struct cp_db_waiter *waiter = session->waiter;
	cp_db_session_fn *fn = waiter->fn;
	void *data = waiter->data;
	session->waiter = NULL;
	free(waiter);
	fn(data, error, error == 0 ? session : NULL);
}

static void tell_ended(struct cp_db_session *session, int error)
{
	void (*ended)(void *data, int error) = session->ended;
	session->ended = NULL;
	if (ended != NULL)
		ended(session->data, error);
}

/* Without its connection; cp_error_message() says why that is gone. */
static void end_badly(struct cp_db_session *session)
{
	struct cp_db_waiter *waiter;
	switch (session->state) {
	case CP_DB_SESSION_BEGINNING: /* nothing has happened yet: another connection may do it */
		close_connection(session, CP_DB_SESSION_CLOSED);
		waiter = session->waiter;
		session->waiter = NULL;
		cp_db_exclusive_put_back(session->pool, waiter);
		break;
	case CP_DB_SESSION_LENT:
		close_connection(session, CP_DB_SESSION_LOST);
		break;
	case CP_DB_SESSION_RUNNING:
		close_connection(session, CP_DB_SESSION_LOST);
		session->fn(session->data, CP_E_UNAVAILABLE, NULL);
		break;
	case CP_DB_SESSION_COMMITTING:
		close_connection(session, CP_DB_SESSION_CLOSED);
		tell_ended(session, session->commit_error);
		break;
	case CP_DB_SESSION_CLOSED:
		break;
	default:
		close_connection(session, CP_DB_SESSION_CLOSED);
		break;
	}
}

/* A command of ours is answered. */
static void on_answered(struct cp_db_session *session)
{
	struct cp_db_result result = {session->result};
	int error = cp_db_result_error(result.pg, "transaction");
	session->result = NULL;
	cp_timer_stop(&session->timer);
	switch (session->state) {
	case CP_DB_SESSION_BEGINNING:
		change_state(session, CP_DB_SESSION_LENT);
		if (error != 0)
			close_connection(session, CP_DB_SESSION_CLOSED);
		tell_begun(session, error == 0 ? 0 : CP_E_UNAVAILABLE);
		break;
	case CP_DB_SESSION_RUNNING:
		change_state(session, CP_DB_SESSION_LENT);
		session->fn(session->data, error == CP_E_TIMEOUT ? CP_E_UNAVAILABLE : error, error == 0 ? &result : NULL);
		break;
	case CP_DB_SESSION_COMMITTING:
		if (error == 0 && strcmp(PQcmdStatus(result.pg), "COMMIT") != 0)
			error = cp_fail(CP_E_CONFLICT, "the transaction is undone, as a statement in it failed");
		become_idle(session);
		tell_ended(session, error);
		break;
	default:
		become_idle(session);
		break;
	}
	PQclear(result.pg);
}

/* False where the result says that the connection is of no more use. */
static bool take(struct cp_db_session *session, PGresult *result)
{
	ExecStatusType before = session->result == NULL ? PGRES_COMMAND_OK : PQresultStatus(session->result);
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_FATAL_ERROR && PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL) {
		cp_fail(CP_E_UNAVAILABLE, "%s", cp_db_sentence(session->link.pg));
		PQclear(result);
		return false;
	}
	if (before == PGRES_COMMAND_OK || before == PGRES_TUPLES_OK) {
		PQclear(session->result);
		session->result = result;
	} else {
		PQclear(result);
	}
	if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
		cp_fail(CP_E_BUG, "COPY is not possible here"); /* and libpq would give this result again and again */
		return false;
	}
	return true;
}

static bool has_command(const struct cp_db_session *session)
{
	return session->state == CP_DB_SESSION_BEGINNING || session->state == CP_DB_SESSION_RUNNING ||
	       session->state == CP_DB_SESSION_COMMITTING || session->state == CP_DB_SESSION_ROLLING_BACK;
}

static void on_input(struct cp_db_link *link)
{
	struct cp_db_session *session = of(link);
	while (has_command(session) && !PQisBusy(link->pg)) {
		PGresult *result = PQgetResult(link->pg);
		if (result == NULL) {
			on_answered(session);
			return;
		}
		if (!take(session, result)) {
			end_badly(session);
			return;
		}
	}
}

static int on_connected(struct cp_db_link *link)
{
	cp_db_link_ready(link);
	become_idle(of(link));
	return 0;
}

static void on_failed(struct cp_db_link *link)
{
	struct cp_db_session *session = of(link);
	snprintf(session->pool->problem, sizeof(session->pool->problem), "%s", cp_error_message());
	if (session->state == CP_DB_SESSION_OPENING && session->pool->waiting_count != 0)
		return; /* the link tries again */
	end_badly(session);
}

static void on_timer(void *data)
{
	struct cp_db_session *session = data;
	if (session->state != CP_DB_SESSION_IDLE)
		cp_fail(CP_E_TIMEOUT, "%s", session->broken ? "the connection broke" : "no answer in time");
	end_badly(session);
}

/* ---- commands */

/*
 * The state is that of the command already; sent is what libpq said of it. The command's end is told from the loop: where it
 * could not be sent, by the timer.
 */
static void launched(struct cp_db_session *session, int sent)
{
	session->broken = !sent || cp_db_link_flush(&session->link) != 0;
	cp_timer_start(&session->timer, session->broken ? 0 : session->pool->options.deadline_ms);
}

void cp_db_session_open(struct cp_db_session *session)
{
	change_state(session, CP_DB_SESSION_OPENING);
	cp_db_link_start(&session->link);
}

void cp_db_session_begin(struct cp_db_session *session, struct cp_db_waiter *waiter)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf sql = {0};
	cp_buf_add_cstr(&sql, "begin");
	if (waiter->tenant.value != 0)
		cp_buf_printf(&sql, "; select set_config('app.tenant_id', '%" PRId64 "', true)", waiter->tenant.value);
	if (cp_clock_offset_us() != session->link.target.clock_offset_us)
		cp_buf_printf(&sql, "; select set_config('app.clock_offset_us', '%" PRId64 "', true)", cp_clock_offset_us());
	change_state(session, CP_DB_SESSION_BEGINNING);
	session->waiter = waiter;
	launched(session, PQsendQuery(session->link.pg, sql.ptr));
}

int cp_db_run(struct cp_db_session *session, const char *sql, const struct cp_str *values, int count, cp_db_fn *fn, void *data)
{
	const char *texts[CP_DB_MAX_PARAMS];
	size_t size;
	if (session->state == CP_DB_SESSION_LOST)
		return cp_fail(CP_E_UNAVAILABLE, "the connection was lost, and the transaction with it");
	if (session->state != CP_DB_SESSION_LENT)
		return cp_fail(CP_E_BUG, "one statement at a time, in a lent session");
	int error = cp_db_values_measure(values, count, &size);
	if (error != 0)
		return error;
	CP_CLEANUP(cp_free_ptr) char *block = cp_alloc(size);
	cp_db_values_copy(values, count, block, texts);
	change_state(session, CP_DB_SESSION_RUNNING);
	session->fn = fn;
	session->data = data;
	launched(session, PQsendQueryParams(session->link.pg, sql, count, NULL, texts, NULL, NULL, 0));
	return 0;
}

void cp_db_commit(struct cp_db_session *session, void (*fn)(void *data, int error), void *data)
{
	bool lent = session->state == CP_DB_SESSION_LENT;
	session->commit_error = lent ? CP_E_TIMEOUT : session->state == CP_DB_SESSION_LOST ? CP_E_UNAVAILABLE : CP_E_BUG;
	if (!lent)
		close_connection(session, CP_DB_SESSION_COMMITTING);
	else
		change_state(session, CP_DB_SESSION_COMMITTING);
	session->ended = fn;
	session->data = data;
	launched(session, lent && PQsendQuery(session->link.pg, "commit"));
}

void cp_db_rollback(struct cp_db_session *session)
{
	if (session->state !=
	    CP_DB_SESSION_LENT) { /* a statement is under way, or the connection is lost: the server rolls back */
		close_connection(session, CP_DB_SESSION_CLOSED);
		return;
	}
	change_state(session, CP_DB_SESSION_ROLLING_BACK);
	launched(session, PQsendQuery(session->link.pg, "rollback"));
}

/* ---- making and freeing */

int cp_db_session_init(struct cp_db_session *session, struct cp_db_exclusive *pool)
{
	static const struct cp_db_link_events events = {on_connected, on_input, on_failed};
	/* The server gives up first (see connection.c); and who forgets a session does not keep its locks for long. */
	unsigned deadline_ms = pool->options.deadline_ms;
	struct cp_db_limits limits = {deadline_ms - deadline_ms / 4, deadline_ms / 2, IDLE_IN_TRANSACTION_MS};
	int error = cp_db_link_init(&session->link, pool->loop, pool->options.conninfo,
	                            pool->options.transaction_pooler ? NULL : &limits, pool->options.max_backoff_ms, &events);
	if (error != 0)
		return error;
	session->pool = pool;
	cp_timer_init(&session->timer, pool->loop, on_timer, session);
	return 0;
}

void cp_db_session_shut(struct cp_db_session *session)
{
	if (session->state == CP_DB_SESSION_BEGINNING) {
		close_connection(session, CP_DB_SESSION_CLOSED);
		tell_begun(session, CP_E_UNAVAILABLE);
	}
	end_badly(session);
	end_badly(session); /* a callback may have asked for a commit, which also ends now */
	if (session->state == CP_DB_SESSION_LOST)
		close_connection(session, CP_DB_SESSION_CLOSED);
}
