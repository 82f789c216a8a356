/*
 * A link: one libpq connection on a loop, and its way back after a failure. What runs over it is its owner's: the pipelined
 * connections of a pool, the lent ones, the listener.
 */
#ifndef DB_LINK_H
#define DB_LINK_H

#include "private.h"

enum cp_db_link_state {
	CP_DB_LINK_OFF = 0,    /* no connection, and none wanted */
	CP_DB_LINK_WAITING,    /* for the next attempt to connect */
	CP_DB_LINK_CONNECTING, /* PQconnectPoll asks for events */
	CP_DB_LINK_SETTING_UP, /* connected; the owner's first commands are under way */
	CP_DB_LINK_READY,
	CP_DB_LINK_STATES
};

struct cp_db_link;

struct cp_db_link_events {
	/*
	 * Connected, and not blocking: send what makes it ready (then call cp_db_link_ready() once that is answered, or at once).
	 * An error fails the link.
	 */
	int (*on_connected)(struct cp_db_link *link);
	/*
	 * Input was read: take the results that are complete. May fail or stop the link, and must not touch it or its pg after a
	 * call that did (or that let a stranger's callback run) unless link->pg is still the one it knew.
	 */
	void (*on_input)(struct cp_db_link *link);
	/* The connection is gone (link->pg is NULL), or could not be made; cp_error_message() says why. It will be tried again.
	 */
	void (*on_failed)(struct cp_db_link *link);
};

struct cp_db_link {
	struct cp_loop *loop;
	const struct cp_db_link_events *events;
	struct cp_db_target target;
	enum cp_db_link_state state;
	PGconn *pg; /* NULL while OFF and WAITING */
	struct cp_watch *watch;
	struct cp_timer timer;   /* WAITING: the next attempt; CONNECTING, SETTING_UP: patience */
	unsigned patience_ms;    /* from the start of an attempt until ready */
	unsigned max_backoff_ms; /* the longest pause between attempts */
	unsigned failures;       /* since it was last ready */
};

/*
 * CP_E_INPUT where conninfo is malformed or names a host that would have to be resolved: libpq would block the loop.
 * limits: as in cp_db_target_init().
 */
int cp_db_link_init(struct cp_db_link *link, struct cp_loop *loop, const char *conninfo, const struct cp_db_limits *limits,
                    unsigned max_backoff_ms, const struct cp_db_link_events *events);
/* Stops it and frees what it owns; the struct itself stays its owner's, who frees it with cp_loop_free_later(). */
void cp_db_link_done(struct cp_db_link *link);

/* OFF -> WAITING, without a pause: the first attempt is made from the loop. */
void cp_db_link_start(struct cp_db_link *link);
/* SETTING_UP -> READY. */
void cp_db_link_ready(struct cp_db_link *link);
/* Sends what libpq has collected, and watches for room where it does not fit. An error: the caller fails the link. */
int cp_db_link_flush(struct cp_db_link *link) CP_MUST_CHECK;
/* Drops the connection, calls on_failed with this thread's error message, and tries again after a pause. */
void cp_db_link_fail(struct cp_db_link *link);
/* Any state -> OFF, without a callback. */
void cp_db_link_stop(struct cp_db_link *link);

#endif
