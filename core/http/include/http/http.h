/*
 * The HTTP seam: an HTTP/1.1 server on a loop, routes, requests and replies. libh2o is behind it and does not show.
 *
 * A handler gets a request and answers it exactly once, now or later, from the same thread, with one of cp_http_reply*(). The
 * request and its arena live until then, also where the client has gone meanwhile (the answer is then dropped), so a handler
 * that waits for a database needs no cancellation. A request unanswered at the server's deadline is answered 503 on its behalf;
 * the handler's own answer, when it comes, is dropped and frees it.
 *
 * HTTP/1.1 only: neither "Upgrade: h2c" nor the HTTP/2 preface reaches libh2o's HTTP/2.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/loop.h"

struct cp_http_server;
struct cp_http_request;

enum cp_http_method { CP_HTTP_GET = 1, CP_HTTP_POST = 2, CP_HTTP_PUT = 4, CP_HTTP_DELETE = 8, CP_HTTP_OPTIONS = 16, CP_HTTP_HEAD = 32 };

typedef void cp_http_handler(struct cp_http_request *request, void *data);

/*
 * A route. path is literal but for segments "{name}", which match one non-empty segment each; a last segment "{name...}" matches
 * the rest, slashes included. The first route of the table that matches the path and the method wins; where only the method is
 * wrong the answer is 405 with Allow, where no path matches it is 404. HEAD is answered by GET's handler without the body.
 */
struct cp_http_route {
	unsigned methods; /* enum cp_http_method, or-ed */
	const char *path;
	cp_http_handler *handler;
	size_t max_body; /* bytes; 0: the server's limit. More is answered 413 */
};

struct cp_http_options {
	const struct cp_http_route *routes; /* static */
	size_t route_count;
	void *data;              /* second argument of every handler */
	size_t max_body;         /* bytes, for all routes; 0: 1 MiB */
	unsigned deadline_ms;    /* for an answer, from the end of the request; 0: 10 s */
	unsigned idle_ms;        /* for headers and body together to arrive, and for keep-alive; 0: 10 s */
	const char *server_name; /* the Server header; NULL: none */
	/*
	 * Writes the bodies of cp_http_reply_error(), which also the server's own errors go through (400, 404, 405, 413, 503), with
	 * cp_http_reply(); NULL: a JSON object {"status":413,"error":"body_too_large","description":"..."}. Bodies above every route's
	 * limit and malformed chunks are refused before there is a request: they always get the JSON object.
	 */
	void (*error_page)(struct cp_http_request *request, int status, const char *code, const char *sentence);
	/*
	 * Called once for each request, for an access log; NULL: none. micros is the time from its last byte to its reply (or to the
	 * 503 on its behalf; of a stream, to its end).
	 */
	void (*on_done)(const struct cp_http_request *request, int status, size_t body_size, uint64_t micros, void *data);
	unsigned write_ms;        /* for a client to take an answer, or what waits of a stream; 0: 30 s. Then it is cut off */
	unsigned max_connections; /* 0: 10,000. More wait in the kernel's queue */
};

/* Makes a server on this thread's loop, listening on nothing yet. options is copied, what it points to is borrowed. */
int cp_http_server_new(struct cp_loop *loop, const struct cp_http_options *options, struct cp_http_server **ret_server);
/*
 * Binds and listens: "127.0.0.1:8080", "[::1]:8080" (port 0: any), or "unix:/path" (at most 107 bytes of path). Servers of one process
 * may listen on the same address, each on its thread; one that another process listens on is refused. A Unix socket's path is removed
 * with the last of them, and a path that a killed process left behind is taken over. *ret_port gets the port (0 for unix), may be NULL.
 */
int cp_http_listen(struct cp_http_server *server, const char *address, uint16_t *ret_port);
/*
 * Stops accepting, closes idle connections, ends streams, and calls done when the last connection is closed: by itself after its
 * answer, or by force when patience_ms are over (handlers that have not answered are answered 503 for). Called once.
 */
void cp_http_shutdown(struct cp_http_server *server, unsigned patience_ms, void (*done)(void *data), void *data);
/* From shutdown's done or later; requests that handlers still hold may be answered after it. Accepts NULL; returns NULL. */
struct cp_http_server *cp_http_server_free(struct cp_http_server *server);

/* ---- the request; all text is borrowed from it */

enum cp_http_method cp_http_method(const struct cp_http_request *request);
struct cp_str cp_http_path(const struct cp_http_request *request);   /* percent-decoded, dot segments removed, no query; UTF-8 */
struct cp_str cp_http_target(const struct cp_http_request *request); /* as sent, with query: what signatures cover */
struct cp_str cp_http_query(const struct cp_http_request *request);  /* without "?"; absent where there is none */
struct cp_str cp_http_param(const struct cp_http_request *request, const char *name); /* of the route; absent if none */
/*
 * Any case; absent if none; the first where there are several. Content-Length, Transfer-Encoding, Expect and Upgrade are the
 * server's business and never seen here.
 */
struct cp_str cp_http_header(const struct cp_http_request *request, const char *name);
/* Calls fn for each header, names in lower case: Host first, then the others in their order. */
void cp_http_each_header(const struct cp_http_request *request, void (*fn)(void *data, struct cp_str name, struct cp_str value), void *data);
struct cp_str cp_http_body(const struct cp_http_request *request);
struct cp_str cp_http_host(const struct cp_http_request *request); /* Host as sent, lower-cased, with port where given */
struct cp_str cp_http_peer(const struct cp_http_request *request); /* address in text, "unix" on a unix socket */
struct cp_arena *cp_http_arena(struct cp_http_request *request);
struct cp_loop *cp_http_loop(struct cp_http_request *request);
/* For log lines; the request id is set (from X-Request-Id where it is well-formed), the rest is the handler's to fill. */
struct cp_log_context *cp_http_log(struct cp_http_request *request);

/* ---- the answer */

/*
 * Before the reply. CR, LF and NUL in a value are refused, and so are names that are no token and those that frame the answer
 * (Content-Length, Transfer-Encoding, Connection): CP_E_BUG. Both are copied. X-Request-Id, Date and Server are set by the server.
 */
int cp_http_add_header(struct cp_http_request *request, const char *name, struct cp_str value);
/* Answers and gives the request back; body is copied. content_type may be NULL where body is empty. */
void cp_http_reply(struct cp_http_request *request, int status, const char *content_type, struct cp_str body);
/*
 * Answers with an error and gives the request back: code is a stable word for programs ("campaign_not_found"), sentence is for
 * people. See error_page.
 */
void cp_http_reply_error(struct cp_http_request *request, int status, const char *code, const char *sentence);
/*
 * Starts an answer of unknown length whose parts follow (server-sent events). gone is called, with data, when the client has
 * left, does not read, or the server is shutting down: once, from a later part of the loop's turn; after it the request must not be
 * used. cp_http_stream_end gives the request back, and gone is not called any more.
 */
void cp_http_stream_start(struct cp_http_request *request, int status, const char *content_type, void (*gone)(void *data), void *data);
void cp_http_stream_send(struct cp_http_request *request, struct cp_str part); /* copied, queued; at most 1 MiB waits, else gone */
void cp_http_stream_end(struct cp_http_request *request);

/* The standard reason phrase ("Not Found"); "Unknown" for a status without one. */
const char *cp_http_reason(int status);

#endif
