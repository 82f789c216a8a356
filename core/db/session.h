/* The inside of the exclusive pool: its sessions, and who waits for one. */
#ifndef DB_SESSION_H
#define DB_SESSION_H

#include "db/exclusive.h"
#include "link.h"

enum cp_db_session_state {
	CP_DB_SESSION_CLOSED = 0,
	CP_DB_SESSION_OPENING,
	CP_DB_SESSION_IDLE,
	/* lent, from here on */
	CP_DB_SESSION_BEGINNING,
	CP_DB_SESSION_LENT,         /* no statement under way */
	CP_DB_SESSION_RUNNING,      /* a statement is */
	CP_DB_SESSION_COMMITTING,   /* its user has let go of it */
	CP_DB_SESSION_ROLLING_BACK, /* likewise */
	CP_DB_SESSION_LOST,         /* the connection is gone; the user has to let go of it still */
	CP_DB_SESSION_STATES
};

struct cp_db_waiter {
	struct cp_list link;
	struct cp_tenant_id tenant; /* 0: none */
	cp_db_session_fn *fn;
	void *data;
	uint64_t due_ms;
};

struct cp_db_session {
	struct cp_db_link link;
	struct cp_db_exclusive *pool;
	enum cp_db_session_state state;
	struct cp_timer timer; /* IDLE: until it is closed; with a command under way: its deadline */
	PGresult *result;      /* of the command under way: the first error, else the latest */
	/* whom the command's end is told to */
	struct cp_db_waiter *waiter;          /* BEGINNING */
	cp_db_fn *fn;                         /* RUNNING */
	void (*ended)(void *data, int error); /* COMMITTING; may be NULL */
	void *data;
	int commit_error; /* COMMITTING: what it ends with where no answer comes */
	bool broken;      /* the command could not even be sent */
};

struct cp_db_exclusive {
	struct cp_loop *loop;
	struct cp_db_exclusive_options options;
	unsigned idle_ms;               /* a session nobody wants is closed then */
	struct cp_db_session *sessions; /* options.connections of them */
	struct cp_list waiting;
	size_t waiting_count;
	struct cp_task pump;
	struct cp_timer deadline; /* of the oldest in waiting; may come early, never late */
	char problem[256];        /* why the latest connection failed */
	bool closed;
};

/* ---- session.c */

int cp_db_session_init(struct cp_db_session *session, struct cp_db_exclusive *pool);
void cp_db_session_open(struct cp_db_session *session);
/* An IDLE session begins for the waiter, whom it takes over. */
void cp_db_session_begin(struct cp_db_session *session, struct cp_db_waiter *waiter);
/* Closes it and tells whom it owes an answer; afterwards it is CLOSED whatever it was. */
void cp_db_session_shut(struct cp_db_session *session);

/* ---- exclusive.c */

/* Back to the head of the queue: its connection turned out to be dead before anything had happened. */
void cp_db_exclusive_put_back(struct cp_db_exclusive *pool, struct cp_db_waiter *waiter);

#endif
