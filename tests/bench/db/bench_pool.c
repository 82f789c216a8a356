/*
 * The pool's cost: segments per second and CPU time per segment of cp_db against the least that libpq allows, a bare pipelined
 *poll loop, with the same statements, connections and segments in flight. Rounds of both take turns; the median of each counts.
 *
 *	CP_TEST_DATABASE=... bench_pool [ROUNDS [SEGMENTS]]
 *
 * "update" is one durable UPDATE ... RETURNING in a tenant-bound segment (what a webhook does), "select" reads the row by its
 *key: there no flush of the log hides what the client costs. limit: the bare loop's figure in the same run; ratio: value / limit.
 */
#include "base/memory.h"
#include "db/db.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { CONNECTIONS = 4, DEPTH = 16, ROWS = 10000, MAX_ROUNDS = 99 };

static const char schema[] =
    "create function app_tenant() returns bigint language sql stable return nullif(current_setting('app.tenant_id', true), "
    "'')::bigint;"
    "create table session (tenant_id bigint not null, id integer not null, step text not null, n integer not null default 0,"
    " primary key (tenant_id, id)) with (fillfactor = 60);"
    "insert into session select 1 + i % 10, i, 'created' from generate_series(0, 9999) i;"
    "alter table session enable row level security;"
    "alter table session force row level security;"
    "create policy session_app on session to callpower_app using (tenant_id = app_tenant()) with check (tenant_id = "
    "app_tenant());"
    "grant select, update on session to callpower_app;"
    "grant usage on schema public to callpower_app;"
    "analyze session";

static const struct cp_db_statement statements[] = {
    {"bench_update", CP_DB_TENANT, 2,
     "update session set step = $2, n = n + 1 where tenant_id = app_tenant() and id = $1::integer returning n, step"},
    {"bench_select", CP_DB_TENANT, 1, "select n, step from session where tenant_id = app_tenant() and id = $1::integer"},
    {0},
};

struct figures {
	double per_second, cpu_us; /* of the client, a segment */
};

struct stopwatch {
	struct timespec wall;
	struct rusage usage;
};

static void start(struct stopwatch *watch)
{
	clock_gettime(CLOCK_MONOTONIC, &watch->wall);
	getrusage(RUSAGE_SELF, &watch->usage);
}

static double cpu_us(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e6 +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

static struct figures stop(const struct stopwatch *watch, int segments)
{
	struct stopwatch now;
	start(&now);
	double seconds = (double)(now.wall.tv_sec - watch->wall.tv_sec) + (double)(now.wall.tv_nsec - watch->wall.tv_nsec) / 1e9;
	return (struct figures){segments / seconds, (cpu_us(&now.usage) - cpu_us(&watch->usage)) / segments};
}

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_pool: %s: %s\n", what, why);
	exit(1);
}

/* The i-th segment's parameters: spread over tenants and rows. */
static void choose(int i, int64_t *tenant, char id[16])
{
	int row = (int)((unsigned)i * 2654435761u % ROWS);
	*tenant = 1 + row % 10;
	snprintf(id, 16, "%d", row);
}

/* ---- the pool */

struct run {
	struct cp_db *db;
	const struct cp_db_statement *statement;
	int submitted, answered, segments;
};

static void on_answer(void *data, int error, const struct cp_db_result *result);

static void submit(struct run *run)
{
	struct cp_tenant_id tenant;
	char id[16];
	choose(run->submitted++, &tenant.value, id);
	struct cp_str values[] = {cp_str(id), CP_STR("human-try-1")};
	if (cp_db_submit(run->db, run->statement, &tenant, values, on_answer, run) != 0)
		die("submit", cp_error_message());
}

static void on_answer(void *data, int error, const struct cp_db_result *result)
{
	struct run *run = data;
	if (error != 0 || cp_db_rows(result) != 1)
		die("segment", cp_error_message());
	++run->answered;
	if (run->submitted < run->segments)
		submit(run);
}

static struct figures run_pool(const struct cp_db_statement *statement, int segments)
{
	static const struct cp_db_statement *const tables[] = {statements};
	struct cp_db_options options = {
	    .conninfo = scratch_conninfo("callpower_app"),
	    .scope = CP_DB_TENANT,
	    .connections = CONNECTIONS,
	    .max_in_flight = DEPTH,
	    .max_waiting = CONNECTIONS * DEPTH,
	    .deadline_ms = 10000,
	    .max_backoff_ms = 1000,
	    .statements = tables,
	    .statement_tables = 1,
	};
	struct cp_loop *loop;
	struct run run = {.statement = statement, .segments = segments};
	if (cp_loop_new(&loop) != 0 || cp_db_new(loop, &options, &run.db) != 0)
		die("pool", cp_error_message());
	for (int i = 0; i < 100; ++i) /* until every connection is ready */
		cp_loop_turn(loop, 2);
	struct stopwatch watch;
	start(&watch);
	for (int i = 0; i < CONNECTIONS * DEPTH; ++i)
		submit(&run);
	while (run.answered < segments)
		cp_loop_turn(loop, 1000);
	struct figures figures = stop(&watch, segments);
	cp_db_free(run.db);
	cp_loop_free(loop);
	return figures;
}

/* ---- bare libpq */

static void check(bool ok, PGconn *pg, const char *what)
{
	if (!ok)
		die(what, PQerrorMessage(pg));
}

static PGconn *connect_bare(const struct cp_db_statement *statement)
{
	PGconn *pg = PQconnectdb(scratch_conninfo("callpower_app"));
	check(PQstatus(pg) == CONNECTION_OK, pg, "connect");
	PQclear(PQprepare(pg, "bind", "select set_config('app.tenant_id', $1, true)", 0, NULL));
	PQclear(PQprepare(pg, "run", statement->sql, 0, NULL));
	check(PQsetnonblocking(pg, 1) == 0 && PQenterPipelineMode(pg), pg, "pipeline");
	return pg;
}

static void send_bare(PGconn *pg, const struct cp_db_statement *statement, int i)
{
	int64_t number;
	char tenant[24], id[16];
	choose(i, &number, id);
	snprintf(tenant, sizeof(tenant), "%d", (int)number);
	const char *bind[] = {tenant}, *values[] = {id, "human-try-1"};
	check(PQsendQueryPrepared(pg, "bind", 1, bind, NULL, NULL, 0) &&
	          PQsendQueryPrepared(pg, "run", statement->params, values, NULL, NULL, 0) && PQpipelineSync(pg),
	      pg, "send");
}

/* Takes what has arrived; how many segments ended. */
static int receive_bare(PGconn *pg, int in_flight)
{
	int ended = 0;
	check(PQconsumeInput(pg), pg, "read");
	while (ended < in_flight && !PQisBusy(pg)) {
		PGresult *result = PQgetResult(pg);
		ExecStatusType status = PQresultStatus(result);
		if (result != NULL && status != PGRES_TUPLES_OK && status != PGRES_PIPELINE_SYNC)
			die("segment", PQresultErrorMessage(result));
		ended += result != NULL && status == PGRES_PIPELINE_SYNC;
		PQclear(result);
	}
	return ended;
}

static struct figures run_bare(const struct cp_db_statement *statement, int segments)
{
	PGconn *pgs[CONNECTIONS];
	struct pollfd fds[CONNECTIONS];
	int in_flight[CONNECTIONS] = {0}, sent = 0, answered = 0;
	for (int c = 0; c < CONNECTIONS; ++c) {
		pgs[c] = connect_bare(statement);
		fds[c] = (struct pollfd){.fd = PQsocket(pgs[c]), .events = POLLIN};
	}
	struct stopwatch watch;
	start(&watch);
	while (answered < segments) {
		for (int c = 0; c < CONNECTIONS; ++c) {
			for (; in_flight[c] < DEPTH && sent < segments; ++in_flight[c])
				send_bare(pgs[c], statement, sent++);
			int left = PQflush(pgs[c]);
			check(left >= 0, pgs[c], "flush");
			fds[c].events = left == 0 ? POLLIN : POLLIN | POLLOUT;
		}
		if (poll(fds, CONNECTIONS, -1) < 0 && errno != EINTR)
			die("poll", "failed");
		for (int c = 0; c < CONNECTIONS; ++c) {
			if (fds[c].revents == 0)
				continue;
			int ended = receive_bare(pgs[c], in_flight[c]);
			in_flight[c] -= ended;
			answered += ended;
		}
	}
	struct figures figures = stop(&watch, segments);
	for (int c = 0; c < CONNECTIONS; ++c)
		PQfinish(pgs[c]);
	return figures;
}

/* ---- the report */

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(double), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void print(const char *name, const char *unit, double *pool, double *bare, int rounds)
{
	double value = median(pool, rounds), limit = median(bare, rounds);
	printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"limit\": %.4g, \"ratio\": %.3f}\n", name, value, unit,
	       limit, value / limit);
	fflush(stdout);
}

static void measure(const char *what, const struct cp_db_statement *statement, int rounds, int segments)
{
	double pool_rate[MAX_ROUNDS], bare_rate[MAX_ROUNDS], pool_cpu[MAX_ROUNDS], bare_cpu[MAX_ROUNDS];
	char name[64];
	run_pool(statement, segments / 4); /* warms the server's caches */
	for (int i = 0; i < rounds; ++i) {
		struct figures pool = run_pool(statement, segments), bare = run_bare(statement, segments);
		pool_rate[i] = pool.per_second;
		pool_cpu[i] = pool.cpu_us;
		bare_rate[i] = bare.per_second;
		bare_cpu[i] = bare.cpu_us;
	}
	snprintf(name, sizeof(name), "db_pool_%s_rate", what);
	print(name, "segments/s", pool_rate, bare_rate, rounds);
	snprintf(name, sizeof(name), "db_pool_%s_cpu", what);
	print(name, "us/segment", pool_cpu, bare_cpu, rounds);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 5, segments = argc > 2 ? atoi(argv[2]) : 20000;
	if (rounds < 1 || rounds > MAX_ROUNDS || segments < CONNECTIONS * DEPTH * 4)
		die("usage", "bench_pool [ROUNDS [SEGMENTS]]");
	if (!scratch_open())
		return 0;
	scratch_script("callpower_owner", schema);
	measure("update", &statements[0], rounds, segments);
	measure("select", &statements[1], rounds, segments);
	scratch_close();
	return 0;
}
