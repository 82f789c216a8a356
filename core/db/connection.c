/* A pooled connection: prepares the statements, sends segments, and tells whose results arrive. */
#include "base/clock.h"
#include "pool.h"

#include <stdio.h>

static struct cp_db_connection *of(struct cp_db_link *link)
{
	return CP_CONTAINER_OF(link, struct cp_db_connection, link);
}

/* ---- setting up: one pipeline of PREPAREs */

static const char *prepared_name(const struct cp_db *db, size_t index)
{
	return index < db->statement_count ? db->statements[index]->name : CP_DB_BIND;
}

static bool send_prepares(const struct cp_db *db, PGconn *pg)
{
	for (size_t i = 0; i < db->statement_count; ++i)
		if (!PQsendPrepare(pg, db->statements[i]->name, db->statements[i]->sql, 0, NULL))
			return false;
	return PQsendPrepare(pg, CP_DB_BIND, cp_db_bind_sql, 0, NULL) && PQpipelineSync(pg);
}

static void become_ready(struct cp_db_connection *connection)
{
	connection->retiring = false;
	cp_db_link_ready(&connection->link);
	cp_task_start(&connection->db->pump);
}

static int on_connected(struct cp_db_link *link)
{
	struct cp_db_connection *connection = of(link);
	connection->prepared = 0;
	if (!PQenterPipelineMode(link->pg))
		return cp_fail(CP_E_UNAVAILABLE, "%s", cp_db_sentence(link->pg));
	if (connection->db->options.transaction_pooler) {
		become_ready(connection);
		return 0;
	}
	return send_prepares(connection->db, link->pg) ? 0 : cp_fail(CP_E_UNAVAILABLE, "%s", cp_db_sentence(link->pg));
}

static void take_prepared(struct cp_db_connection *connection, PGresult *result)
{
	if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
		PQclear(result);
		become_ready(connection);
		return;
	}
	int error = cp_db_result_error(result, "preparing");
	PQclear(result);
	if (error == 0) {
		++connection->prepared;
		return;
	}
	cp_fail_in(CP_E_UNAVAILABLE, "statement %s", prepared_name(connection->db, connection->prepared));
	cp_db_link_fail(&connection->link);
}

/* ---- segments */

/* The timer is not moved with every segment: it comes for the one that was the oldest once, and is set again for the oldest now.
 */
static void watch_deadline(struct cp_db_connection *connection)
{
	const struct cp_db_segment *oldest = CP_LIST_FIRST(&connection->sent, struct cp_db_segment, link);
	if (oldest == NULL || cp_timer_is_started(&connection->deadline))
		return;
	uint64_t now_ms = cp_clock_monotonic_ms();
	cp_timer_start(&connection->deadline, oldest->due_ms > now_ms ? oldest->due_ms - now_ms : 0);
}

static void on_deadline(void *data)
{
	struct cp_db_connection *connection = data;
	const struct cp_db_segment *oldest = CP_LIST_FIRST(&connection->sent, struct cp_db_segment, link);
	if (oldest == NULL)
		return;
	if (oldest->due_ms > cp_clock_monotonic_ms()) {
		watch_deadline(connection);
		return;
	}
	/* Everything behind it on this connection has waited for it: with the connection they all end, and the others go on. */
	cp_fail(CP_E_TIMEOUT, "no answer within %u ms", connection->db->options.deadline_ms);
	cp_db_link_fail(&connection->link);
}

static void move_sent_to_ending(struct cp_db_connection *connection)
{
	for (struct cp_db_segment *segment; (segment = CP_LIST_FIRST(&connection->sent, struct cp_db_segment, link)) != NULL;) {
		cp_list_remove(&segment->link);
		PQclear(segment->result); /* without Sync, not even a result says that it was committed */
		segment->result = NULL;
		segment->error = CP_E_TIMEOUT;
		cp_list_push(&connection->db->ending, &segment->link);
	}
	connection->in_flight = 0;
}

static void on_failed(struct cp_db_link *link)
{
	struct cp_db_connection *connection = of(link);
	struct cp_db *db = connection->db;
	snprintf(db->problem, sizeof(db->problem), "%s", cp_error_message());
	cp_timer_stop(&connection->deadline);
	move_sent_to_ending(connection);
	cp_db_deliver(db, db->problem);
}

void cp_db_connection_send(struct cp_db_connection *connection, struct cp_db_segment *segment)
{
	int error = cp_db_segment_send(segment, connection);
	/* Even where handing it over failed, a part of it may be on its way. */
	cp_list_push(&connection->sent, &segment->link);
	++connection->in_flight;
	if (error != 0)
		cp_db_link_fail(&connection->link);
	else
		watch_deadline(connection);
}

void cp_db_connection_flush(struct cp_db_connection *connection)
{
	if (connection->link.state == CP_DB_LINK_READY && cp_db_link_flush(&connection->link) != 0)
		cp_db_link_fail(&connection->link);
}

static void end_oldest(struct cp_db_connection *connection)
{
	struct cp_db_segment *segment = CP_LIST_FIRST(&connection->sent, struct cp_db_segment, link);
	cp_list_remove(&segment->link);
	--connection->in_flight;
	if (cp_db_result_is_stale(segment->result))
		connection->retiring = true;
	if (connection->db->waiting_count != 0)
		cp_task_start(&connection->db->pump);
	cp_db_segment_end(connection->db, segment, "");
}

/* Whether to go on reading results. */
static bool take(struct cp_db_connection *connection, PGresult *result)
{
	PGconn *pg = connection->link.pg;
	if (connection->link.state == CP_DB_LINK_SETTING_UP) {
		take_prepared(connection, result);
		return connection->link.state == CP_DB_LINK_SETTING_UP;
	}
	if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
		cp_db_segment_take(CP_LIST_FIRST(&connection->sent, struct cp_db_segment, link), result);
		return true;
	}
	PQclear(result);
	end_oldest(connection);
	return connection->link.pg == pg && connection->in_flight != 0;
}

/*
 * In pipeline mode a NULL stands behind each statement's results; only PGRES_PIPELINE_SYNC ends a segment. Without anything under
 * way, or on a broken connection, NULL would repeat for ever.
 */
static void on_input(struct cp_db_link *link)
{
	struct cp_db_connection *connection = of(link);
	bool go_on = link->state == CP_DB_LINK_SETTING_UP || connection->in_flight != 0;
	for (unsigned nulls = 0; go_on && nulls < 2 && !PQisBusy(link->pg);) {
		PGresult *result = PQgetResult(link->pg);
		nulls = result == NULL ? nulls + 1 : 0;
		if (result != NULL)
			go_on = take(connection, result);
	}
	if (connection->retiring && connection->in_flight == 0 && link->state == CP_DB_LINK_READY) {
		cp_fail(CP_E_UNAVAILABLE, "the schema has changed under prepared statements");
		cp_db_link_fail(link);
	}
}

int cp_db_connection_init(struct cp_db_connection *connection, struct cp_db *db)
{
	static const struct cp_db_link_events events = {on_connected, on_input, on_failed};
	/* The server gives up first, so that an outcome is known and the connection stays: the rest is for the way and the queue.
	 */
	unsigned deadline_ms = db->options.deadline_ms;
	struct cp_db_limits limits = {deadline_ms - deadline_ms / 4, deadline_ms / 2, deadline_ms};
	int error = cp_db_link_init(&connection->link, db->loop, db->options.conninfo,
	                            db->options.transaction_pooler ? NULL : &limits, db->options.max_backoff_ms, &events);
	if (error != 0)
		return error;
	connection->db = db;
	cp_list_init(&connection->sent);
	cp_timer_init(&connection->deadline, db->loop, on_deadline, connection);
	return 0;
}
