/* The exclusive pool: who waits, and which session takes whom. */
#include "base/clock.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>

enum { IDLE_MS = 60000 };

static void run_pump(void *data);
static void on_deadline(void *data);

int cp_db_exclusive_new(struct cp_loop *loop, const struct cp_db_exclusive_options *options, struct cp_db_exclusive **ret_pool)
{
	if (options->connections == 0 || options->deadline_ms == 0)
		return cp_fail(CP_E_BUG, "an exclusive pool needs connections and a deadline");
	struct cp_db_exclusive *pool = cp_alloc(sizeof(*pool));
	pool->loop = loop;
	pool->options = *options;
	pool->idle_ms = IDLE_MS;
	pool->sessions = cp_alloc_array(options->connections, sizeof(*pool->sessions));
	cp_list_init(&pool->waiting);
	cp_task_init(&pool->pump, loop, run_pump, pool);
	cp_timer_init(&pool->deadline, loop, on_deadline, pool);
	snprintf(pool->problem, sizeof(pool->problem), "not connected yet");
	for (unsigned i = 0; i < options->connections; ++i) {
		int error = cp_db_session_init(&pool->sessions[i], pool);
		if (error != 0) {
			cp_db_exclusive_free(pool);
			return error;
		}
	}
	*ret_pool = pool;
	return 0;
}

static struct cp_db_waiter *take_waiter(struct cp_db_exclusive *pool)
{
	struct cp_db_waiter *waiter = CP_LIST_FIRST(&pool->waiting, struct cp_db_waiter, link);
	if (waiter != NULL) {
		cp_list_remove(&waiter->link);
		--pool->waiting_count;
	}
	return waiter;
}

static void refuse(struct cp_db_waiter *waiter, const char *reason)
{
	cp_db_session_fn *fn = waiter->fn;
	void *data = waiter->data;
	free(waiter);
	cp_fail(CP_E_UNAVAILABLE, "no transaction could begin: %s", reason);
	fn(data, CP_E_UNAVAILABLE, NULL);
}

struct cp_db_exclusive *cp_db_exclusive_free(struct cp_db_exclusive *pool)
{
	if (pool == NULL || pool->closed)
		return NULL;
	pool->closed = true;
	for (unsigned i = 0; i < pool->options.connections; ++i) {
		if (pool->sessions[i].pool == NULL) /* its making failed */
			continue;
		cp_fail(CP_E_UNAVAILABLE, "the server shuts down");
		cp_db_session_shut(&pool->sessions[i]);
		cp_db_link_done(&pool->sessions[i].link);
	}
	for (struct cp_db_waiter *waiter; (waiter = take_waiter(pool)) != NULL;)
		refuse(waiter, "the server shuts down");
	cp_task_stop(&pool->pump);
	cp_timer_stop(&pool->deadline);
	cp_loop_free_later(pool->loop, pool->sessions);
	cp_loop_free_later(pool->loop, pool);
	return NULL;
}

static void watch_deadline(struct cp_db_exclusive *pool)
{
	const struct cp_db_waiter *oldest = CP_LIST_FIRST(&pool->waiting, struct cp_db_waiter, link);
	if (oldest == NULL || cp_timer_is_started(&pool->deadline))
		return;
	uint64_t now_ms = cp_clock_monotonic_ms();
	cp_timer_start(&pool->deadline, oldest->due_ms > now_ms ? oldest->due_ms - now_ms : 0);
}

static void on_deadline(void *data)
{
	struct cp_db_exclusive *pool = data;
	const struct cp_db_waiter *oldest;
	while ((oldest = CP_LIST_FIRST(&pool->waiting, struct cp_db_waiter, link)) != NULL &&
	       oldest->due_ms <= cp_clock_monotonic_ms()) {
		bool busy = false;
		for (unsigned i = 0; i < pool->options.connections; ++i)
			busy = busy || pool->sessions[i].state >= CP_DB_SESSION_BEGINNING;
		refuse(take_waiter(pool), busy ? "every connection was lent for too long" : pool->problem);
		if (pool->closed)
			return;
	}
	watch_deadline(pool);
}

static struct cp_db_session *find(const struct cp_db_exclusive *pool, enum cp_db_session_state state)
{
	for (unsigned i = 0; i < pool->options.connections; ++i)
		if (pool->sessions[i].state == state)
			return &pool->sessions[i];
	return NULL;
}

/* Gives idle sessions to those who wait, and opens as many more as there are others. */
static void run_pump(void *data)
{
	struct cp_db_exclusive *pool = data;
	struct cp_db_session *session;
	while (!cp_list_is_empty(&pool->waiting) && (session = find(pool, CP_DB_SESSION_IDLE)) != NULL)
		cp_db_session_begin(session, take_waiter(pool));
	size_t opening = 0;
	for (unsigned i = 0; i < pool->options.connections; ++i)
		opening += pool->sessions[i].state == CP_DB_SESSION_OPENING;
	for (; opening < pool->waiting_count && (session = find(pool, CP_DB_SESSION_CLOSED)) != NULL; ++opening)
		cp_db_session_open(session);
	watch_deadline(pool);
}

void cp_db_exclusive_put_back(struct cp_db_exclusive *pool, struct cp_db_waiter *waiter)
{
	cp_list_push_front(&pool->waiting, &waiter->link);
	++pool->waiting_count;
	cp_timer_stop(&pool->deadline); /* it may be due before the one that the timer is set for */
	if (!pool->closed)
		cp_task_start(&pool->pump);
}

int cp_db_begin(struct cp_db_exclusive *pool, const struct cp_tenant_id *tenant, cp_db_session_fn *fn, void *data)
{
	if (pool->closed)
		return cp_fail(CP_E_BUG, "the exclusive pool is closed");
	if (pool->options.scope == CP_DB_TENANT && (tenant == NULL || tenant->value <= 0))
		return cp_fail(CP_E_BUG, "a transaction of the tenants' pool needs a tenant");
	if (pool->options.scope == CP_DB_OPERATOR && tenant != NULL)
		return cp_fail(CP_E_BUG, "a transaction of the operator's pool takes no tenant");
	if (pool->waiting_count >= pool->options.max_waiting)
		return cp_fail(CP_E_LIMIT, "%zu transactions wait for a connection already", pool->waiting_count);
	struct cp_db_waiter *waiter = cp_alloc(sizeof(*waiter));
	*waiter = (struct cp_db_waiter){
	    .tenant = {tenant == NULL ? 0 : tenant->value},
	    .fn = fn,
	    .data = data,
	    .due_ms = cp_clock_monotonic_ms() + pool->options.deadline_ms,
	};
	cp_list_push(&pool->waiting, &waiter->link);
	++pool->waiting_count;
	cp_task_start(&pool->pump);
	return 0;
}
