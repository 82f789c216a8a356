/*
 * Outgoing HTTP on a loop, with a guard against requests to places a tenant must not reach.
 *
 * Names are resolved ahead, off the loop's thread; every address is checked before a socket is opened: loopback, link-local,
 * private, shared (RFC 6598), unique-local, multicast and reserved ranges are refused, in IPv4, IPv6 and IPv4-mapped form, unless
 * the request says that its destination was set by the operator. https only, likewise. Redirects are not followed, proxies not used.
 * Connections are kept open for the next request. A request with a body is never sent twice by itself.
 */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include "base/str.h"
#include "loop/loop.h"

struct cp_fetcher; /* one per loop */
struct cp_fetch;   /* one request under way */

struct cp_fetch_header {
	const char *name, *value;
};

struct cp_fetch_request {
	const char *method; /* "GET", "POST", "DELETE" */
	const char *url;
	struct cp_str body;         /* copied */
	const char *content_type;   /* of the body; NULL for none */
	const char *user, *secret;  /* Basic authentication; NULL for none. Copied, and wiped after use */
	const struct cp_fetch_header *headers;
	size_t header_count;
	unsigned timeout_ms;        /* for everything; 0: 15 s */
	unsigned connect_timeout_ms; /* 0: 5 s */
	size_t max_body;            /* bytes of the answer; 0: 1 MiB. More is CP_E_LIMIT */
	bool operator_destination;  /* set by an operator's setting: http and non-public addresses allowed */
	/* Called in the callback's place, with its data, where the fetcher is freed first: starts no request. NULL for nothing. */
	void (*dropped)(void *data);
};

struct cp_fetch_answer {
	int status;            /* HTTP status, 0 where none came */
	struct cp_str body;
	struct cp_str content_type;
	/* True where the request was certainly not sent (resolution, guard, connect): repeating it is safe. */
	bool never_sent;
	/* Value of a response header, any case; absent if none. */
	struct cp_str (*header)(const struct cp_fetch_answer *answer, const char *name);
};

/*
 * error: 0 where an HTTP answer came, whatever its status; CP_E_UNAVAILABLE (never sent: no such name, no connection, no free place
 * within timeout_ms), CP_E_TIMEOUT (sent, but no whole answer came, for whatever reason: the outcome is unknown), CP_E_DENIED
 * (guard), CP_E_LIMIT (answer too large), CP_E_INPUT (bad URL or header); cp_error_message() has the sentence. answer is valid during
 * the call. It may start and cancel requests, and free the fetcher.
 */
typedef void cp_fetch_fn(void *data, int error, const struct cp_fetch_answer *answer);

/* max_connections in all; further requests wait their turn, inside their time-out. */
int cp_fetcher_new(struct cp_loop *loop, unsigned max_connections, struct cp_fetcher **ret_fetcher);
/* Requests under way are dropped, see cp_fetch_request. Accepts NULL; returns NULL. */
struct cp_fetcher *cp_fetcher_free(struct cp_fetcher *fetcher);

/*
 * Starts a request; fn is called exactly once, after this has returned, unless cancelled or dropped. What request points to is copied.
 * ret_fetch may be NULL. CP_E_LIMIT where 10,000 are waiting already: then fn is not called.
 */
int cp_fetch_start(struct cp_fetcher *fetcher, const struct cp_fetch_request *request, cp_fetch_fn *fn, void *data,
                   struct cp_fetch **ret_fetch);
/* Before its callback only. No callback follows; never blocks. What was sent may still take effect. */
void cp_fetch_cancel(struct cp_fetch *fetch);

/* Called by programs once, before threads and after the last fetcher is gone; memory that libcurl frees is wiped. */
int cp_fetch_global_start(void);
void cp_fetch_global_stop(void);

#endif
