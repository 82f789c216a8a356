/* The inside of a pool (struct cp_db): segments, and the pipelined connections that they travel on. */
#ifndef DB_POOL_H
#define DB_POOL_H

#include "link.h"

/*
 * A segment's way: waiting (pool) -> sent (one connection's list) -> ended (its callback has run) -> the free list. Both lists
 * are in order of submission and therefore of deadline, as every segment of a pool has the same time.
 */
struct cp_db_segment {
	struct cp_list link;
	const struct cp_db_statement *statement;
	cp_db_fn *fn;
	void *data;
	uint64_t due_ms;  /* of the monotonic clock */
	PGresult *result; /* the first error, else the latest result */
	int error;        /* of a segment that ends without a result */
	char tenant[24];  /* "" for an operator statement */
	size_t capacity;  /* of block */
	const char **values;
	char block[]; /* values' array, then their texts */
};

/* The name of the prepared statement that binds a tenant; callers' statements must not have it. */
#define CP_DB_BIND "cp_bind_tenant"
extern const char cp_db_bind_sql[];

struct cp_db_connection {
	struct cp_db_link link;
	struct cp_db *db;
	struct cp_list sent;
	unsigned in_flight;       /* length of sent */
	size_t prepared;          /* SETTING_UP: how many statements the server has accepted */
	bool retiring;            /* takes no more, and reconnects once sent is empty */
	struct cp_timer deadline; /* of the oldest in sent; may come early, never late */
};

struct cp_db {
	struct cp_loop *loop;
	struct cp_db_options options;
	const struct cp_db_statement **statements; /* those of the pool's scope */
	size_t statement_count;
	struct cp_db_connection *connections; /* options.connections of them */
	struct cp_list waiting;               /* to be sent */
	struct cp_list ending;                /* whose callbacks are to run now */
	struct cp_list recycled;              /* free segments of the usual size */
	size_t waiting_count, recycled_count;
	struct cp_task pump;
	struct cp_timer deadline; /* of the oldest in waiting; may come early, never late */
	char problem[256];        /* why the latest connection failed */
	bool closed;
};

/* ---- segment.c */

/* Takes a free one or makes it; copies what is given. CP_E_BUG where a value holds NUL. */
int cp_db_segment_new(struct cp_db *db, const struct cp_db_statement *statement, const struct cp_tenant_id *tenant,
                      const struct cp_str *values, struct cp_db_segment **ret_segment);
/*
 * Hands the segment to libpq: the form of a segment is this function's business alone. Not linked yet to anything. An error means
 * that the connection is of no more use.
 */
int cp_db_segment_send(struct cp_db_segment *segment, const struct cp_db_connection *connection) CP_MUST_CHECK;
/* Notes one result of the segment; takes it over. */
void cp_db_segment_take(struct cp_db_segment *segment, PGresult *result);
/* Runs its callback, with its result or else its error and reason, and recycles it. It must not be linked. */
void cp_db_segment_end(struct cp_db *db, struct cp_db_segment *segment, const char *reason);
void cp_db_segment_free_all(struct cp_list *segments);

/* ---- connection.c */

int cp_db_connection_init(struct cp_db_connection *connection, struct cp_db *db);
static inline bool cp_db_connection_takes(const struct cp_db_connection *connection)
{
	return connection->link.state == CP_DB_LINK_READY && !connection->retiring;
}
/* Hands it to libpq. Where that fails the connection does, and the segment's callback has run; the pool may be closed then. */
void cp_db_connection_send(struct cp_db_connection *connection, struct cp_db_segment *segment);
/* Where it is ready: puts on the wire what was handed over. May fail it likewise. */
void cp_db_connection_flush(struct cp_db_connection *connection);

/* ---- db.c */

/* Ends what stands in db->ending. A callback may submit, and may free the pool. */
void cp_db_deliver(struct cp_db *db, const char *reason);

#endif
