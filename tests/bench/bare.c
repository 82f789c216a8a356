/*
 * The yardstick: the least that a libh2o + libpq program can do for a voice webhook. One loop a thread, pipelined connections, and for
 * each request one `UPDATE ... RETURNING` in a segment that is bound to a tenant (set_config, statement, Sync), on a table equal to
 * call_session; the answer is the row's plan. No routes, no form, no signature, no state machine, no TwiML, no log, no queue limit,
 * no reconnecting: anything that goes wrong ends the process.
 *
 *	bench_bare PORT THREADS CONNECTIONS CONNINFO TENANT
 *
 * CONNECTIONS are a thread's. The path's last two parts are the session and what its position becomes: /voice/TOKEN/SESSION/STEP.
 */
#include <errno.h>
#include <fcntl.h>
#include <h2o.h>
#include <h2o/http1.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_CONNECTIONS = 64, MAX_SESSION = 64, MAX_STEP = 64 };

/* One request's segment. Clients of a measurement do not hang up early, so req outlives it. */
struct query {
	struct query *next;
	h2o_req_t *req;
	PGresult *row;
};

struct connection {
	struct thread *thread;
	PGconn *conn;
	h2o_socket_t *sock;        /* wraps a duplicate: libpq closes its own descriptor */
	struct query *first, **last; /* in flight, in order */
	unsigned in_flight;
	bool ready;                /* the statements are prepared */
};

struct thread {
	h2o_context_t ctx;
	h2o_accept_ctx_t accept;
	struct connection connections[MAX_CONNECTIONS];
};

static h2o_globalconf_t config;
static int port, thread_count, connection_count;
static const char *conninfo, *tenant;
static __thread struct thread *self;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_bare: %s: %s\n", what, why);
	exit(1);
}

/* ---- PostgreSQL */

static const struct {
	const char *name, *sql;
} statements[] = {
	{"tenant", "select set_config('app.tenant_id', $1, true)"},
	{"move", "update bench_session set position = $2, updated_at = app_now() "
		 "where tenant_id = app_tenant() and session_id = $1::uuid returning plan"},
};

static void on_write(h2o_socket_t *sock, const char *error);

static void flush(struct connection *connection)
{
	int unsent = PQflush(connection->conn);
	if (unsent < 0)
		die("PQflush", PQerrorMessage(connection->conn));
	if (unsent > 0 && !h2o_socket_is_writing(connection->sock))
		h2o_socket_notify_write(connection->sock, on_write);
}

static void on_write(h2o_socket_t *sock, const char *error)
{
	if (error != NULL)
		die("write", error);
	flush(sock->data);
}

static void answer(struct connection *connection)
{
	struct query *query = connection->first;
	h2o_req_t *req = query->req;
	connection->first = query->next;
	if (connection->first == NULL)
		connection->last = &connection->first;
	--connection->in_flight;
	if (query->row == NULL || PQresultStatus(query->row) != PGRES_TUPLES_OK || PQntuples(query->row) != 1)
		die("statement", query->row == NULL ? "no result" : PQresultErrorMessage(query->row));
	req->res.status = 200;
	req->res.reason = "OK";
	req->res.content_length = (size_t)PQgetlength(query->row, 0, 0);
	h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT("application/json"));
	h2o_send_inline(req, PQgetvalue(query->row, 0, 0), req->res.content_length);
	PQclear(query->row);
	free(query);
}

/* In pipeline mode NULL separates statements; PGRES_PIPELINE_SYNC ends a segment. */
static void on_read(h2o_socket_t *sock, const char *error)
{
	struct connection *connection = sock->data;
	if (error != NULL || !PQconsumeInput(connection->conn))
		die("read", PQerrorMessage(connection->conn));
	while ((connection->in_flight != 0 || !connection->ready) && !PQisBusy(connection->conn)) {
		PGresult *result = PQgetResult(connection->conn);
		if (result == NULL)
			continue;
		if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
			PQclear(result);
			if (connection->ready)
				answer(connection);
			connection->ready = true;
		} else if (!connection->ready) {
			if (PQresultStatus(result) != PGRES_COMMAND_OK)
				die("prepare", PQresultErrorMessage(result));
			PQclear(result);
		} else {
			PQclear(connection->first->row); /* of set_config */
			connection->first->row = result;
		}
	}
	flush(connection);
}

/* Connecting waits: it is over before the first request. */
static void connect_database(struct thread *thread, struct connection *connection)
{
	*connection = (struct connection){.thread = thread, .conn = PQconnectdb(conninfo)};
	connection->last = &connection->first;
	if (PQstatus(connection->conn) != CONNECTION_OK)
		die("connect", PQerrorMessage(connection->conn));
	if (PQsetnonblocking(connection->conn, 1) != 0 || !PQenterPipelineMode(connection->conn))
		die("pipeline mode", PQerrorMessage(connection->conn));
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); ++i)
		if (!PQsendPrepare(connection->conn, statements[i].name, statements[i].sql, 0, NULL))
			die("prepare", PQerrorMessage(connection->conn));
	if (!PQpipelineSync(connection->conn))
		die("sync", PQerrorMessage(connection->conn));
	int fd = fcntl(PQsocket(connection->conn), F_DUPFD_CLOEXEC, 0);
	connection->sock = h2o_evloop_socket_create(thread->ctx.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
	connection->sock->data = connection;
	h2o_socket_read_start(connection->sock, on_read);
	flush(connection);
}

static struct connection *least_busy(void)
{
	struct connection *best = &self->connections[0];
	for (int i = 1; i < connection_count; ++i)
		if (self->connections[i].in_flight < best->in_flight)
			best = &self->connections[i];
	return best;
}

static void send_segment(h2o_req_t *req, const char *session, const char *position)
{
	struct connection *connection = least_busy();
	struct query *query = h2o_mem_alloc(sizeof(*query));
	const char *tenant_values[] = {tenant}, *values[] = {session, position};
	*query = (struct query){.req = req};
	if (!PQsendQueryPrepared(connection->conn, "tenant", 1, tenant_values, NULL, NULL, 0) ||
	    !PQsendQueryPrepared(connection->conn, "move", 2, values, NULL, NULL, 0) || !PQpipelineSync(connection->conn))
		die("send", PQerrorMessage(connection->conn));
	*connection->last = query;
	connection->last = &query->next;
	++connection->in_flight;
	flush(connection);
}

/* ---- HTTP */

static bool copy_part(const char *start, const char *end, char *out, size_t size)
{
	size_t len = (size_t)(end - start);
	if (len == 0 || len >= size)
		return false;
	memcpy(out, start, len);
	out[len] = '\0';
	return true;
}

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
	char session[MAX_SESSION], step[MAX_STEP];
	const char *path = req->path_normalized.base, *end = path + req->path_normalized.len;
	const char *last = memrchr(path, '/', (size_t)(end - path));
	const char *before = last == NULL ? NULL : memrchr(path, '/', (size_t)(last - path));
	(void)handler;
	if (before == NULL || !copy_part(before + 1, last, session, sizeof(session)) || !copy_part(last + 1, end, step, sizeof(step))) {
		req->res.status = 404;
		req->res.reason = "Not Found";
		h2o_send_inline(req, H2O_STRLIT(""));
		return 0;
	}
	send_segment(req, session, step);
	return 0;
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
	h2o_socket_t *sock;
	if (error == NULL && (sock = h2o_evloop_socket_accept(listener)) != NULL)
		h2o_accept(&self->accept, sock);
}

static void listen_here(struct thread *thread)
{
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1024) != 0)
		die("listen", strerror(errno));
	h2o_socket_t *listener = h2o_evloop_socket_create(thread->ctx.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
	h2o_socket_read_start(listener, on_accept);
}

/* All that belongs to a loop is made on its thread: libh2o's sockets point to the buffers of the thread that made them. */
static void *run(void *arg)
{
	(void)arg;
	self = h2o_mem_alloc(sizeof(*self));
	memset(self, 0, sizeof(*self));
	h2o_context_init(&self->ctx, h2o_evloop_create(), &config);
	self->accept = (h2o_accept_ctx_t){.ctx = &self->ctx, .hosts = config.hosts};
	for (int i = 0; i < connection_count; ++i)
		connect_database(self, &self->connections[i]);
	listen_here(self);
	for (;;)
		if (h2o_evloop_run(self->ctx.loop, INT32_MAX) != 0 && errno != EINTR)
			die("loop", strerror(errno));
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fprintf(stderr, "usage: bench_bare PORT THREADS CONNECTIONS CONNINFO TENANT\n");
		return 2;
	}
	port = atoi(argv[1]);
	thread_count = atoi(argv[2]);
	connection_count = atoi(argv[3]);
	conninfo = argv[4];
	tenant = argv[5];
	if (connection_count < 1 || connection_count > MAX_CONNECTIONS || thread_count < 1)
		die("arguments", "at least one thread, and 1 to 64 connections");
	signal(SIGPIPE, SIG_IGN);
	h2o_config_init(&config);
	config.http1.upgrade_to_http2 = 0;
	h2o_hostconf_t *host = h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
	h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(h2o_handler_t))->on_req = on_request;
	for (int i = 1; i < thread_count; ++i) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, run, NULL) != 0)
			die("thread", "cannot be started");
	}
	run(NULL);
	return 0;
}
