/* A pool: who may submit what, who waits, and which connection takes whom. */
#include "base/clock.h"
#include "pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- making and freeing */

static void select_statements(struct cp_db *db)
{
	const struct cp_db_options *options = &db->options;
	size_t count = 0;
	for (size_t i = 0; i < options->statement_tables; ++i)
		for (const struct cp_db_statement *statement = options->statements[i]; statement->name != NULL; ++statement)
			++count;
	db->statements = cp_alloc_array(count, sizeof(struct cp_db_statement *));
	for (size_t i = 0; i < options->statement_tables; ++i)
		for (const struct cp_db_statement *statement = options->statements[i]; statement->name != NULL; ++statement)
			if (statement->scope == options->scope)
				db->statements[db->statement_count++] = statement;
}

static int check_statements(const struct cp_db *db)
{
	for (size_t i = 0; i < db->statement_count; ++i) {
		const struct cp_db_statement *statement = db->statements[i];
		if (statement->params < 0 || statement->params > CP_DB_MAX_PARAMS)
			return cp_fail(CP_E_BUG, "statement %s: %d parameters", statement->name, statement->params);
		for (size_t j = 0; j < i; ++j)
			if (strcmp(statement->name, db->statements[j]->name) == 0)
				return cp_fail(CP_E_BUG, "two statements are called %s", statement->name);
		if (strcmp(statement->name, CP_DB_BIND) == 0)
			return cp_fail(CP_E_BUG, "the name %s is taken", statement->name);
	}
	return 0;
}

static void run_pump(void *data);
static void on_deadline(void *data);

int cp_db_new(struct cp_loop *loop, const struct cp_db_options *options, struct cp_db **ret_db)
{
	if (options->connections == 0 || options->max_in_flight == 0 || options->deadline_ms == 0)
		return cp_fail(CP_E_BUG, "a pool needs connections, segments in flight and a deadline");
	struct cp_db *db = cp_alloc(sizeof(*db));
	db->loop = loop;
	db->options = *options;
	cp_list_init(&db->waiting);
	cp_list_init(&db->ending);
	cp_list_init(&db->recycled);
	cp_task_init(&db->pump, loop, run_pump, db);
	cp_timer_init(&db->deadline, loop, on_deadline, db);
	snprintf(db->problem, sizeof(db->problem), "not connected yet");
	select_statements(db);
	db->connections = cp_alloc_array(options->connections, sizeof(*db->connections));
	int error = check_statements(db);
	for (unsigned i = 0; i < options->connections && error == 0; ++i)
		error = cp_db_connection_init(&db->connections[i], db);
	if (error != 0) {
		cp_db_free(db);
		return error;
	}
	for (unsigned i = 0; i < options->connections; ++i)
		cp_db_link_start(&db->connections[i].link);
	*ret_db = db;
	return 0;
}

/* To db->ending, with the error. */
static void end_all(struct cp_db *db, struct cp_list *segments, int error)
{
	for (struct cp_db_segment *segment; (segment = CP_LIST_FIRST(segments, struct cp_db_segment, link)) != NULL;) {
		cp_list_remove(&segment->link);
		PQclear(segment->result);
		segment->result = NULL;
		segment->error = error;
		cp_list_push(&db->ending, &segment->link);
	}
}

struct cp_db *cp_db_free(struct cp_db *db)
{
	if (db == NULL || db->closed)
		return NULL;
	db->closed = true;
	for (unsigned i = 0; i < db->options.connections; ++i) {
		struct cp_db_connection *connection = &db->connections[i];
		if (connection->db == NULL) /* its making failed */
			continue;
		cp_timer_stop(&connection->deadline);
		end_all(db, &connection->sent, CP_E_TIMEOUT);
		connection->in_flight = 0;
		cp_db_link_done(&connection->link);
	}
	end_all(db, &db->waiting, CP_E_UNAVAILABLE);
	db->waiting_count = 0;
	cp_task_stop(&db->pump);
	cp_timer_stop(&db->deadline);
	cp_db_segment_free_all(&db->recycled);
	cp_db_deliver(db, "the server shuts down");
	/* Whoever called us from a callback goes on with these until the turn is over. */
	cp_loop_free_later(db->loop, db->statements);
	cp_loop_free_later(db->loop, db->connections);
	cp_loop_free_later(db->loop, db);
	return NULL;
}

bool cp_db_is_up(const struct cp_db *db)
{
	for (unsigned i = 0; i < db->options.connections; ++i)
		if (cp_db_connection_takes(&db->connections[i]))
			return true;
	return false;
}

size_t cp_db_pending(const struct cp_db *db)
{
	size_t pending = db->waiting_count;
	for (unsigned i = 0; i < db->options.connections; ++i)
		pending += db->connections[i].in_flight;
	return pending;
}

const char *cp_db_problem(const struct cp_db *db)
{
	return cp_db_is_up(db) ? "" : db->problem;
}

/* ---- the queue */

void cp_db_deliver(struct cp_db *db, const char *reason)
{
	for (struct cp_db_segment *segment; (segment = CP_LIST_FIRST(&db->ending, struct cp_db_segment, link)) != NULL;) {
		cp_list_remove(&segment->link);
		cp_db_segment_end(db, segment, reason);
	}
}

static void watch_deadline(struct cp_db *db)
{
	const struct cp_db_segment *oldest = CP_LIST_FIRST(&db->waiting, struct cp_db_segment, link);
	if (oldest == NULL || cp_timer_is_started(&db->deadline))
		return;
	uint64_t now_ms = cp_clock_monotonic_ms();
	cp_timer_start(&db->deadline, oldest->due_ms > now_ms ? oldest->due_ms - now_ms : 0);
}

static struct cp_db_segment *first_waiting(const struct cp_db *db)
{
	return CP_LIST_FIRST(&db->waiting, struct cp_db_segment, link);
}

static void take_off_queue(struct cp_db *db, struct cp_db_segment *segment)
{
	cp_list_remove(&segment->link);
	--db->waiting_count;
}

static void end_overdue(struct cp_db *db)
{
	uint64_t now_ms = cp_clock_monotonic_ms();
	for (struct cp_db_segment *segment; (segment = first_waiting(db)) != NULL && segment->due_ms <= now_ms;) {
		take_off_queue(db, segment);
		segment->error = CP_E_UNAVAILABLE;
		cp_list_push(&db->ending, &segment->link);
	}
}

static void on_deadline(void *data)
{
	struct cp_db *db = data;
	end_overdue(db);
	watch_deadline(db);
	if (db->waiting_count != 0) /* the pump may have stopped at what was overdue */
		cp_task_start(&db->pump);
	cp_db_deliver(db, cp_db_is_up(db) ? "every connection to PostgreSQL was busy for too long" : db->problem);
}

/* The ready connection with the fewest in flight: commits of several connections share one flush of the log. */
static struct cp_db_connection *choose(const struct cp_db *db)
{
	struct cp_db_connection *chosen = NULL;
	for (unsigned i = 0; i < db->options.connections; ++i) {
		struct cp_db_connection *connection = &db->connections[i];
		if (cp_db_connection_takes(connection) && connection->in_flight < db->options.max_in_flight &&
		    (chosen == NULL || connection->in_flight < chosen->in_flight))
			chosen = connection;
	}
	return chosen;
}

/* At the end of a turn: sends what the turn has submitted, then flushes each connection that got something. */
static void run_pump(void *data)
{
	struct cp_db *db = data;
	struct cp_db_connection *connection;
	uint64_t now_ms = cp_clock_monotonic_ms();
	while (!cp_list_is_empty(&db->waiting) && (connection = choose(db)) != NULL) {
		struct cp_db_segment *segment = first_waiting(db);
		if (segment->due_ms <= now_ms) /* nobody waits for it any more, and its deadline would end the connection */
			break;
		take_off_queue(db, segment);
		cp_db_connection_send(connection, segment);
		if (db->closed) /* by a callback of a connection that failed */
			return;
	}
	for (unsigned i = 0; i < db->options.connections && !db->closed; ++i)
		cp_db_connection_flush(&db->connections[i]);
	if (db->closed)
		return;
	watch_deadline(db);
}

static int check(const struct cp_db *db, const struct cp_db_statement *statement, const struct cp_tenant_id *tenant)
{
	if (db->closed)
		return cp_fail(CP_E_BUG, "%s: the pool is closed", statement->name);
	if (statement->scope != db->options.scope)
		return cp_fail(CP_E_BUG, "%s: the statement is not of the pool's scope", statement->name);
	if (statement->scope == CP_DB_TENANT && (tenant == NULL || tenant->value <= 0))
		return cp_fail(CP_E_BUG, "%s: a tenant's statement needs a tenant", statement->name);
	if (statement->scope == CP_DB_OPERATOR && tenant != NULL)
		return cp_fail(CP_E_BUG, "%s: an operator's statement takes no tenant", statement->name);
	if (db->waiting_count >= db->options.max_waiting)
		return cp_fail(CP_E_LIMIT, "%s: %zu statements wait for PostgreSQL already", statement->name, db->waiting_count);
	return 0;
}

int cp_db_submit(struct cp_db *db, const struct cp_db_statement *statement, const struct cp_tenant_id *tenant,
                 const struct cp_str *values, cp_db_fn *fn, void *data)
{
	struct cp_db_segment *segment;
	int error = check(db, statement, tenant);
	if (error == 0)
		error = cp_db_segment_new(db, statement, tenant, values, &segment);
	if (error != 0)
		return error;
	segment->fn = fn;
	segment->data = data;
	segment->due_ms = cp_clock_monotonic_ms() + db->options.deadline_ms;
	cp_list_push(&db->waiting, &segment->link);
	++db->waiting_count;
	cp_task_start(&db->pump);
	return 0;
}
