/*
 * The inside of a fetcher, shared by the files of this folder.
 *
 * A request's way: its name is resolved (off this thread), it waits for a free place, libcurl carries it out, its callback is
 * called from a task at the end of the turn. Its state says where on that way it is, and the list it is linked to follows the
 * state.
 */
#ifndef CORE_FETCH_INTERNAL_H
#define CORE_FETCH_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "fetch/fetch.h"

#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>

enum {
	CP_FETCH_WAITING = 10000,  /* requests of one fetcher that are not yet under way; more are refused */
	CP_FETCH_HEAD = 64 * 1024, /* bytes of an answer's headers */
	CP_FETCH_ADDRESSES = 8,    /* of one name: what is kept and tried */
	CP_FETCH_MESSAGE = 320,
	CP_RESOLVE_THREADS = 4,       /* of the process */
	CP_RESOLVE_QUEUE = 1000,      /* names that wait for a thread, in the process */
	CP_RESOLVE_NAMES = 1000,      /* kept by a fetcher */
	CP_RESOLVE_FRESH_MS = 30000,  /* a name is not looked up again so long */
	CP_RESOLVE_STALE_MS = 600000, /* and so long its old addresses serve while it is looked up again */
	CP_RESOLVE_FAILED_MS = 2000,  /* a name that was not found is not looked up again so long */
};

struct cp_addresses {
	struct sockaddr_storage items[CP_FETCH_ADDRESSES]; /* without port */
	size_t count;
};

enum cp_fetch_state { CP_FETCH_RESOLVING, CP_FETCH_PENDING, CP_FETCH_ACTIVE, CP_FETCH_DONE };

struct cp_fetch {
	struct cp_list link;
	enum cp_fetch_state state;
	struct cp_fetcher *fetcher;
	cp_fetch_fn *fn;
	void (*dropped)(void *data);
	void *data;
	struct cp_timer timer; /* for everything */
	unsigned timeout_ms, connect_timeout_ms;
	/* the request */
	CURLU *url;
	char *host, *method;
	unsigned port;
	char *body; /* wiped */
	size_t body_len, body_sent;
	struct curl_slist *headers; /* nodes and text are ours: wiped */
	struct curl_slist *resolve;
	bool operator_destination;
	/* under way */
	CURL *easy;
	char curl_message[CURL_ERROR_SIZE];
	size_t max_body;
	bool denied, too_large;
	/* the answer */
	struct cp_buf head, content;
	struct cp_fetch_answer answer;
	int error;
	char message[CP_FETCH_MESSAGE];
};

struct cp_resolver { /* of one fetcher; see resolve.c */
	struct cp_map *names;
	struct cp_list done; /* struct cp_resolve_job.link, guarded by the pool's lock */
	struct cp_list jobs; /* struct cp_resolve_job.own, likewise: all that are not yet taken back */
	int wake_fd;
	struct cp_watch *watch;
};

struct cp_fetcher {
	struct cp_loop *loop;
	CURLM *multi;
	struct cp_timer curl_timer;
	struct cp_task deliver;
	struct cp_resolver resolver;
	struct cp_list resolving; /* struct cp_fetch.link, as the three below, by state */
	struct cp_list pending;
	struct cp_list active;
	struct cp_list done;
	size_t waiting_count, active_count, max_active;
	bool freed; /* its memory is parked until the turn is over */
};

/* fetcher.c */
/* Moves a request on: the one place where its state changes. */
void cp_fetch_move(struct cp_fetch *fetch, enum cp_fetch_state state);
/* Starts what is pending, as far as there is room. */
void cp_fetcher_fill(struct cp_fetcher *fetcher);
void cp_fetch_fail(struct cp_fetch *fetch, int error, const char *fmt, ...) CP_PRINTF(3, 4);

/* request.c */
/* Gives libcurl what it needs; it must not be called from a callback of libcurl. */
int cp_fetch_make_easy(struct cp_fetch *fetch);
void cp_fetch_release_easy(struct cp_fetch *fetch);
/* Works out error, message and answer of a request that libcurl has finished. */
void cp_fetch_conclude(struct cp_fetch *fetch, CURLcode code);
void cp_fetch_free(struct cp_fetch *fetch);
/* The addresses of the request's name are known: it goes on, or fails where none may be reached. */
void cp_fetch_resolved(struct cp_fetch *fetch, const struct cp_addresses *addresses);

/* resolve.c */
int cp_resolver_start(struct cp_fetcher *fetcher);
void cp_resolver_stop(struct cp_fetcher *fetcher);
/*
 * Puts the addresses of a name in ret_addresses and returns 1 where they are known, 0 where all requests in state RESOLVING with
 * this name will hear of them later, a negative code where there are none.
 */
int cp_resolver_find(struct cp_fetcher *fetcher, const char *host, struct cp_addresses *ret_addresses);
/* A connection failed: the next request asks anew. */
void cp_resolver_forget(struct cp_fetcher *fetcher, const char *host);
/* Ends the threads; one that is stuck in a look-up is left behind. */
void cp_resolve_pool_stop(void);
/* getaddrinfo; tests put something else here. Read on the fetchers' thread. */
extern int (*cp_resolve_getaddrinfo)(const char *host, const char *service, const struct addrinfo *hints,
                                     struct addrinfo **result);

/* guard.c */
bool cp_address_is_public(const struct sockaddr *address);
/* True, with the address, where host is one in numbers (IPv6 without brackets). */
bool cp_address_parse(const char *host, struct sockaddr_storage *ret_address);
curl_socket_t cp_guard_open_socket(bool allow_any, struct curl_sockaddr *address, bool *denied);

/* global.c */
bool cp_fetch_is_started(void);

#endif
