/*
 * Keeps the registry up to date: loads all tenants at start, and what changed when it is woken (NOTIFY callpower_tenant) and
 * every 30 s by itself, because a notification can be lost. One a process, on one loop, over a pool of the operator's role.
 */
#ifndef TENANTS_FEED_H
#define TENANTS_FEED_H

#include "db/blocking.h"
#include "db/db.h"
#include "tenants/registry.h"
#include "tenants/vault.h"

/* For cp_db_options.statements of the operator's pool. */
extern const struct cp_db_statement cp_tenants_operator_statements[];
/* The channel to listen on; the listener (db/db.h) is the program's, and calls cp_feed_wake() also after it reconnected. */
#define CP_TENANTS_CHANNEL "callpower_tenant"

struct cp_feed;

struct cp_feed_options {
	struct cp_db *operator_db;
	struct cp_registry *registry;
	struct cp_vault *vault; /* may be NULL; forgets tenants that are gone */
	unsigned poll_ms;       /* 0: 30 s */
	/* May be NULL. Called after each refresh: error 0 (published, or nothing changed), or why it failed; it is tried again
	 * soon. */
	void (*on_refresh)(void *data, int error);
	void *data;
};

/* Begins with the first refresh. The registry stays empty until it succeeds: a server is not ready before. */
int cp_feed_new(struct cp_loop *loop, const struct cp_feed_options *options, struct cp_feed **ret_feed);
struct cp_feed *cp_feed_free(struct cp_feed *feed);
/* Something may have changed: refresh now, or right after the refresh under way. */
void cp_feed_wake(struct cp_feed *feed);

/* For command-line programs: brings the registry up to date over the operator's blocking connection. */
int cp_registry_refresh_blocking(struct cp_registry *registry, struct cp_db_blocking *operator_connection);

#endif
