/*
 * The inside of an HTTP server, shared by the files of this folder.
 *
 * A request has two halves that die at different times. The exchange lives in libh2o's pool of the request and dies with it:
 * after the answer was written, or when the connection breaks. The cp_http_request is what the handler holds, and dies when the
 * handler has answered. Each points at the other while both live; whichever goes first clears the other's pointer.
 *
 * An exchange's state is the list it is on: server->answering (the handler owes an answer) or server->writing (the client owes
 * reading it). A stream whose client has read everything so far is on neither.
 */
#ifndef CORE_HTTP_INTERNAL_H
#define CORE_HTTP_INTERNAL_H

#include "http/http.h"
#include "loop/h2o_loop.h"

#include <h2o/http1.h>

enum {
	CP_HTTP_MAX_PARAMS = 8,
	CP_HTTP_ID_SIZE = 65,                    /* of X-Request-Id, with NUL */
	CP_HTTP_PEER_SIZE = 48,                  /* of an address in text, with NUL */
	CP_HTTP_SPARE_REQUESTS = 64,             /* kept for reuse, a server */
	CP_HTTP_SPARE_TEXT = 16 * 1024,          /* bytes of request text kept with each */
	CP_HTTP_STREAM_QUEUE = 1024 * 1024,      /* bytes that may wait for a slow reader of a stream */
	CP_HTTP_LINGER_SOCKETS = 64,             /* refused uploads that are read and thrown away at a time */
	CP_HTTP_LINGER_BYTES = 16 * 1024 * 1024, /* of each */
	CP_HTTP_LINGER_MS = 5000,
	CP_HTTP_ACCEPT_BATCH = 32,
	CP_HTTP_ACCEPT_PAUSE_MS = 100, /* after the process ran out of descriptors */
};

struct cp_exchange;
struct cp_tcp_address; /* listen.c */

/* Exchanges that must have gone further after a fixed delay, the oldest first. */
struct cp_due_list {
	struct cp_list list; /* struct cp_exchange.link */
	struct cp_timer timer;
	uint64_t delay_ms;
	void (*expired)(struct cp_exchange *exchange); /* taken off the list before */
};

struct cp_segment {
	struct cp_str text; /* literal, or the parameter's name */
	enum { CP_SEGMENT_LITERAL, CP_SEGMENT_PARAM, CP_SEGMENT_REST } kind;
};

struct cp_compiled_route {
	const struct cp_http_route *route;
	struct cp_str prefix; /* the path up to its first parameter: what rejects most routes with one comparison */
	bool is_literal;      /* the prefix is the whole path */
	struct cp_segment *segments;
	size_t segment_count;
};

struct cp_http_listener {
	struct cp_list link;
	struct cp_http_server *server;
	h2o_socket_t *socket;
	char *unix_path; /* NULL on TCP */
	struct cp_tcp_address *tcp; /* NULL on a Unix socket */
};

struct cp_http_connection {
	struct cp_list link; /* server->connections */
	struct cp_http_server *server;
	h2o_socket_t *socket;
	struct cp_exchange *exchange; /* NULL between requests */
	char peer[CP_HTTP_PEER_SIZE];
};

struct cp_http_server {
	struct cp_loop *loop;
	struct cp_http_options options;
	struct cp_compiled_route *routes;
	h2o_globalconf_t config;
	h2o_context_t context;
	h2o_accept_ctx_t accept_context;
	struct cp_list listeners;
	struct cp_list connections;
	size_t connection_count;
	bool accept_paused;
	struct cp_timer accept_timer;
	struct cp_due_list answering, writing;
	struct cp_list live;  /* struct cp_http_request.link: given to handlers, or streaming */
	struct cp_list spare; /* struct cp_http_request.link */
	size_t spare_count;
	struct cp_list lingering;
	size_t lingering_count;
	uint64_t id_counter;
	char id_prefix[14];
	bool closing;
	struct {
		struct cp_timer patience;
		struct cp_task task;
		void (*done)(void *data);
		void *data;
	} shutdown;
};

struct cp_exchange {
	struct cp_list link; /* server->answering or server->writing */
	uint64_t due_ms;
	struct cp_http_server *server;
	struct cp_http_connection *connection;
	h2o_req_t *h2o;
	struct cp_http_request *request; /* NULL once answered */
	h2o_generator_t generator;       /* of a stream */
	bool linger;                     /* the client may still be sending what nobody will read */
};

/* The one handler that libh2o knows of. */
struct cp_http_entry {
	h2o_handler_t super;
	struct cp_http_server *server;
};

struct cp_http_header {
	struct cp_str name, value;
};

struct cp_reply_header {
	struct cp_reply_header *next;
	struct cp_str name, value;
};

struct cp_http_stream {
	bool started;
	bool sending; /* libh2o holds the bytes in `sent` */
	bool dropped; /* to be given up as soon as it is not sending */
	bool ending;  /* the handler has ended it: what is queued goes out, then the request is released */
	struct cp_buf queued, sent;
	size_t total;
	struct cp_task gone_task;
	void (*gone)(void *data);
	void *data;
};

struct cp_http_request {
	struct cp_list link;           /* server->live or server->spare */
	struct cp_http_server *server; /* NULL where the server was freed first */
	struct cp_loop *loop;
	struct cp_exchange *exchange; /* NULL where the client has gone, or was answered on the handler's behalf */
	struct cp_arena *arena;
	enum cp_http_method method; /* 0 for one that we do not know */
	struct cp_str path, target, query, host, body;
	struct cp_http_header *headers; /* in text, as everything above */
	size_t header_count;
	struct cp_buf text;
	const struct cp_compiled_route *route;
	struct cp_str params[CP_HTTP_MAX_PARAMS];
	struct cp_reply_header *reply_headers, **reply_headers_end;
	struct cp_http_stream stream;
	struct cp_log_context log;
	uint64_t started_ns;
	bool on_behalf; /* the server is answering in the handler's place: the request stays the handler's */
	bool reported;  /* on_done was called */
	char id[CP_HTTP_ID_SIZE];
	char peer[CP_HTTP_PEER_SIZE];
};

/* exchange.c */
void cp_due_list_init(struct cp_due_list *due, struct cp_loop *loop, uint64_t delay_ms,
                      void (*expired)(struct cp_exchange *exchange));
void cp_due_list_push(struct cp_due_list *due, struct cp_exchange *exchange);
int cp_http_on_request(h2o_handler_t *handler, h2o_req_t *h2o);
struct cp_exchange *cp_exchange_new(struct cp_http_server *server, h2o_req_t *h2o);
/* Neither reads nor writes any more: libh2o then finds the connection broken and drops it. */
void cp_exchange_break(struct cp_exchange *exchange);
/* Answers 503 in the handler's place. */
void cp_exchange_answer_on_behalf(struct cp_exchange *exchange);

/* request.c */
struct cp_http_request *cp_http_request_take(struct cp_http_server *server);
void cp_http_request_fill(struct cp_http_request *request, const h2o_req_t *h2o, const struct cp_http_connection *connection);
void cp_http_request_release(struct cp_http_request *request);
void cp_http_request_free(struct cp_http_request *request);
void cp_http_request_new_id(struct cp_http_server *server, char out[CP_HTTP_ID_SIZE]);
void cp_http_request_report(struct cp_http_request *request, int status, size_t body_size);

/* strict.c: NULL, or a sentence about what is wrong with a request that libh2o has let through. */
const char *cp_http_strict_problem(const struct cp_http_request *request, const h2o_req_t *h2o, const h2o_socket_t *socket);

/* route.c */
int cp_http_routes_compile(struct cp_http_server *server);
void cp_http_routes_free(struct cp_http_server *server);
/* Sets request->route and its parameters; else ret_allowed gets the methods of the routes whose path matches (0: none). */
bool cp_http_route_find(struct cp_http_request *request, unsigned *ret_allowed);

/* reply.c */
void cp_http_reply_start(struct cp_exchange *exchange, struct cp_http_request *request, int status, const char *content_type);

/* error_reply.c */
void cp_http_error_json(struct cp_buf *buf, int status, const char *code, const char *sentence);
void cp_http_reply_method_not_allowed(struct cp_http_request *request, unsigned allowed);
/* Dresses the errors that libh2o answers by itself. */
void cp_http_own_errors_register(struct cp_http_server *server, h2o_pathconf_t *path);

/* stream.c */
/* The exchange has died under a stream. */
void cp_http_stream_lost(struct cp_http_request *request);
/* The server is shutting down. */
void cp_http_stream_drop(struct cp_http_request *request);

/* linger.c: keeps the connection's other end reading until the client has stopped sending, so that it gets to see the answer. */
void cp_http_linger(struct cp_http_server *server, int fd);
void cp_http_linger_stop_all(struct cp_http_server *server);

/* listen.c */
void cp_http_listeners_close(struct cp_http_server *server, bool drain);
void cp_http_connection_closed(void *connection);
void cp_http_accept_resume(struct cp_http_server *server);

/* shutdown.c */
void cp_http_shutdown_init(struct cp_http_server *server);
void cp_http_shutdown_check(struct cp_http_server *server);

#endif
