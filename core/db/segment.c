#include "base/clock.h"
#include "pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A segment's block has room for most statements' parameters, so that the same blocks go round; larger ones are freed. */
enum { USUAL_CAPACITY = 1024, MAX_RECYCLED = 1024 };

const char cp_db_bind_sql[] = "select set_config('app.tenant_id', $1, true)";

static struct cp_db_segment *take_block(struct cp_db *db, size_t size)
{
	struct cp_db_segment *segment = size > USUAL_CAPACITY ? NULL : CP_LIST_FIRST(&db->recycled, struct cp_db_segment, link);
	if (segment != NULL) {
		cp_list_remove(&segment->link);
		--db->recycled_count;
		return segment;
	}
	size_t capacity = size > USUAL_CAPACITY ? size : USUAL_CAPACITY;
	segment = cp_alloc(sizeof(*segment) + capacity);
	segment->capacity = capacity;
	segment->values = (const char **)(void *)segment->block;
	return segment;
}

_Static_assert(offsetof(struct cp_db_segment, block) % _Alignof(char *) == 0, "the block starts with an array of pointers");

int cp_db_segment_new(struct cp_db *db, const struct cp_db_statement *statement, const struct cp_tenant_id *tenant,
                      const struct cp_str *values, struct cp_db_segment **ret_segment)
{
	size_t size;
	size_t array = (size_t)statement->params * sizeof(char *);
	int error = cp_db_values_measure(values, statement->params, &size);
	if (error != 0)
		return cp_fail_in(error, "%s", statement->name);
	struct cp_db_segment *segment = take_block(db, array + size);
	cp_db_values_copy(values, statement->params, segment->block + array, segment->values);
	segment->statement = statement;
	segment->result = NULL;
	segment->error = 0;
	segment->tenant[0] = '\0';
	if (tenant != NULL)
		snprintf(segment->tenant, sizeof(segment->tenant), "%" PRId64, tenant->value);
	*ret_segment = segment;
	return 0;
}

/* Tests and rehearsals move the clock after connections were made, and a pooler takes no session setting: then it travels here.
 */
static bool send_clock(const struct cp_db_connection *connection)
{
	char text[24];
	const char *value = text;
	if (cp_clock_offset_us() == connection->link.target.clock_offset_us)
		return true;
	snprintf(text, sizeof(text), "%" PRId64, cp_clock_offset_us());
	return PQsendQueryParams(connection->link.pg, "select set_config('app.clock_offset_us', $1, true)", 1, NULL, &value, NULL,
	                         NULL, 0);
}

static bool send_parts(struct cp_db_segment *segment, const struct cp_db_connection *connection)
{
	const struct cp_db_statement *statement = segment->statement;
	PGconn *pg = connection->link.pg;
	const char *tenant = segment->tenant;
	bool bound = tenant[0] != '\0';
	if (connection->db->options.transaction_pooler)
		return (!bound || PQsendQueryParams(pg, cp_db_bind_sql, 1, NULL, &tenant, NULL, NULL, 0)) &&
		       PQsendQueryParams(pg, statement->sql, statement->params, NULL, segment->values, NULL, NULL, 0);
	return (!bound || PQsendQueryPrepared(pg, CP_DB_BIND, 1, &tenant, NULL, NULL, 0)) &&
	       PQsendQueryPrepared(pg, statement->name, statement->params, segment->values, NULL, NULL, 0);
}

/*
 * One implicit transaction: the binding is local to it and gone after Sync, and an error undoes all of it and nothing else. libpq
 * before 17 flushes in PQpipelineSync, one send(2) a segment; from 17 on the caller's one flush sends what a turn has collected.
 */
int cp_db_segment_send(struct cp_db_segment *segment, const struct cp_db_connection *connection)
{
	PGconn *pg = connection->link.pg;
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
	bool sent = send_clock(connection) && send_parts(segment, connection) && PQsendPipelineSync(pg);
#else
	bool sent = send_clock(connection) && send_parts(segment, connection) && PQpipelineSync(pg);
#endif
	return sent ? 0 : cp_fail(CP_E_UNAVAILABLE, "%s", cp_db_sentence(pg));
}

void cp_db_segment_take(struct cp_db_segment *segment, PGresult *result)
{
	ExecStatusType status = segment->result == NULL ? PGRES_COMMAND_OK : PQresultStatus(segment->result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		PQclear(result); /* "aborted", behind what failed */
		return;
	}
	PQclear(segment->result); /* of the binding */
	segment->result = result;
}

static void recycle(struct cp_db *db, struct cp_db_segment *segment)
{
	if (db->closed || segment->capacity != USUAL_CAPACITY || db->recycled_count == MAX_RECYCLED) {
		free(segment);
		return;
	}
	cp_list_push_front(&db->recycled, &segment->link); /* the one that is still in the processor's cache goes first */
	++db->recycled_count;
}

void cp_db_segment_end(struct cp_db *db, struct cp_db_segment *segment, const char *reason)
{
	struct cp_db_result result = {segment->result};
	cp_db_fn *fn = segment->fn;
	void *data = segment->data;
	int error = segment->error;
	if (error != 0)
		cp_fail(error, "%s: %s", segment->statement->name, reason);
	else
		error = cp_db_result_error(result.pg, segment->statement->name);
	if (error != 0) {
		PQclear(result.pg);
		result.pg = NULL;
	}
	recycle(db, segment); /* first: the callback may submit the next one, or free the pool */
	fn(data, error, error == 0 ? &result : NULL);
	PQclear(result.pg);
}

void cp_db_segment_free_all(struct cp_list *segments)
{
	for (struct cp_db_segment *segment; (segment = CP_LIST_FIRST(segments, struct cp_db_segment, link)) != NULL;) {
		cp_list_remove(&segment->link);
		free(segment);
	}
}
