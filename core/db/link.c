#include "link.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BACKOFF_MS = 50, PATIENCE_MS = 5000 };

static void change_state(struct cp_db_link *link, enum cp_db_link_state to)
{
#define TO(state) (1u << CP_DB_LINK_##state)
	static const unsigned allowed[CP_DB_LINK_STATES] = {
	    [CP_DB_LINK_OFF] = TO(WAITING),
	    [CP_DB_LINK_WAITING] = TO(OFF) | TO(CONNECTING),
	    [CP_DB_LINK_CONNECTING] = TO(OFF) | TO(WAITING) | TO(SETTING_UP),
	    [CP_DB_LINK_SETTING_UP] = TO(OFF) | TO(WAITING) | TO(READY),
	    [CP_DB_LINK_READY] = TO(OFF) | TO(WAITING),
	};
#undef TO
	if (!(allowed[link->state] & 1u << to)) {
		fprintf(stderr, "database link: no way from state %d to %d\n", (int)link->state, (int)to);
		abort();
	}
	link->state = to;
}

/* The watch goes first: libpq closes the descriptor. */
static void drop_connection(struct cp_db_link *link)
{
	link->watch = cp_watch_free(link->watch);
	PQfinish(link->pg);
	link->pg = NULL;
	cp_timer_stop(&link->timer);
}

/* 50 ms doubled for each failure since the last success, at most max_backoff_ms; of that, a random half to the whole. */
static unsigned backoff_ms(const struct cp_db_link *link)
{
	uint64_t pause = FIRST_BACKOFF_MS;
	for (unsigned i = 1; i < link->failures && pause < link->max_backoff_ms; ++i)
		pause *= 2;
	if (pause > link->max_backoff_ms)
		pause = link->max_backoff_ms;
	unsigned half = (unsigned)pause / 2;
	return half + cp_random_below((unsigned)pause - half + 1);
}

void cp_db_link_fail(struct cp_db_link *link)
{
	if (link->state == CP_DB_LINK_OFF || link->state == CP_DB_LINK_WAITING)
		return;
	drop_connection(link);
	change_state(link, CP_DB_LINK_WAITING);
	if (link->failures < 32)
		++link->failures;
	cp_timer_start(&link->timer, backoff_ms(link));
	link->events->on_failed(link);
}

void cp_db_link_stop(struct cp_db_link *link)
{
	if (link->state == CP_DB_LINK_OFF)
		return;
	drop_connection(link);
	change_state(link, CP_DB_LINK_OFF);
	link->failures = 0;
}

void cp_db_link_ready(struct cp_db_link *link)
{
	change_state(link, CP_DB_LINK_READY);
	cp_timer_stop(&link->timer);
	link->failures = 0;
}

int cp_db_link_flush(struct cp_db_link *link)
{
	int left = PQflush(link->pg);
	if (left < 0)
		return cp_fail(CP_E_UNAVAILABLE, "%s", cp_db_sentence(link->pg));
	cp_watch_set(link->watch, left == 0 ? CP_WATCH_READ : CP_WATCH_READ | CP_WATCH_WRITE);
	return 0;
}

/*
 * One read, as a rule. Under TLS what was decrypted may exceed the room that libpq had and stay inside OpenSSL, where no event
 * tells of it; a record has at most 16 KiB and a read takes at least 8, so some more reads empty it. They cost nothing when idle.
 */
static int consume(PGconn *pg)
{
	int reads = PQsslInUse(pg) || PQgssEncInUse(pg) ? 8 : 1;
	for (int i = 0; i < reads; ++i)
		if (!PQconsumeInput(pg))
			return cp_fail(CP_E_UNAVAILABLE, "%s", cp_db_sentence(pg));
	return 0;
}

static void on_ready(void *data, unsigned events)
{
	struct cp_db_link *link = data;
	PGconn *pg = link->pg;
	if (events & CP_WATCH_WRITE && cp_db_link_flush(link) != 0) {
		cp_db_link_fail(link);
		return;
	}
	if (!(events & CP_WATCH_READ))
		return;
	int error = consume(pg);
	CP_CLEANUP(cp_free_ptr) char *reason = error == 0 ? NULL : cp_strdup(cp_error_message());
	/* Even where the connection broke: what was answered before it did is in libpq's buffer, and counts. */
	link->events->on_input(link);
	if (error != 0 && link->pg == pg) {
		cp_fail(error, "%s", reason);
		cp_db_link_fail(link);
	}
}

static void on_connecting(void *data, unsigned events);

/* libpq may have replaced its socket in the last step, even under the same number: each step gets a watch of its own. */
static int watch_socket(struct cp_db_link *link, unsigned events, cp_watch_fn *fn)
{
	return cp_watch_new(link->loop, PQsocket(link->pg), events, fn, link, &link->watch);
}

static int set_up(struct cp_db_link *link)
{
	change_state(link, CP_DB_LINK_SETTING_UP);
	if (PQsetnonblocking(link->pg, 1) != 0)
		return cp_fail(CP_E_UNAVAILABLE, "%s", cp_db_sentence(link->pg));
	cp_db_quiet(link->pg);
	int error = watch_socket(link, CP_WATCH_READ, on_ready);
	PGconn *pg = link->pg;
	if (error == 0)
		error = link->events->on_connected(link);
	if (error == 0 && link->pg == pg)
		error = cp_db_link_flush(link);
	return error;
}

static void on_connecting(void *data, unsigned events)
{
	struct cp_db_link *link = data;
	(void)events;
	int error;
	link->watch = cp_watch_free(link->watch); /* before libpq may close its socket */
	switch (PQconnectPoll(link->pg)) {
	case PGRES_POLLING_READING:
		error = watch_socket(link, CP_WATCH_READ, on_connecting);
		break;
	case PGRES_POLLING_WRITING:
		error = watch_socket(link, CP_WATCH_WRITE, on_connecting);
		break;
	case PGRES_POLLING_OK:
		error = set_up(link);
		break;
	default:
		error = cp_fail(CP_E_UNAVAILABLE, "%s", cp_db_sentence(link->pg));
		break;
	}
	if (error != 0)
		cp_db_link_fail(link);
}

static void connect_now(struct cp_db_link *link)
{
	change_state(link, CP_DB_LINK_CONNECTING);
	cp_timer_start(&link->timer, link->patience_ms);
	link->pg = PQconnectStartParams(link->target.keywords, link->target.values, 1);
	/* libpq's rule: behave as if the last step had asked for writing. A socket that refuses at once is ready for it, too. */
	if (link->pg == NULL || PQstatus(link->pg) == CONNECTION_BAD || PQsocket(link->pg) < 0 ||
	    watch_socket(link, CP_WATCH_WRITE, on_connecting) != 0) {
		cp_fail(CP_E_UNAVAILABLE, "%s", link->pg == NULL ? "out of memory" : cp_db_sentence(link->pg));
		cp_db_link_fail(link);
	}
}

static void on_timer(void *data)
{
	struct cp_db_link *link = data;
	if (link->state == CP_DB_LINK_WAITING) {
		connect_now(link);
		return;
	}
	cp_fail(CP_E_UNAVAILABLE, "PostgreSQL did not let us in within %u ms", link->patience_ms);
	cp_db_link_fail(link);
}

void cp_db_link_start(struct cp_db_link *link)
{
	/* By way of the timer: connecting may fail at once, and nobody expects on_failed from inside their own call. */
	if (link->state != CP_DB_LINK_OFF)
		return;
	change_state(link, CP_DB_LINK_WAITING);
	cp_timer_start(&link->timer, 0);
}

static bool is_numeric(struct cp_str host)
{
	char text[64];
	unsigned char address[16];
	if (host.len == 0 || host.ptr[0] == '/' || host.ptr[0] == '@') /* the default, or a socket */
		return true;
	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static int check_hosts(const char *conninfo)
{
	struct cp_str rest = CP_STR_NULL;
	bool has_address = false;
	int error = 0;
	PQconninfoOption *parts = PQconninfoParse(conninfo, NULL);
	for (const PQconninfoOption *part = parts; part != NULL && part->keyword != NULL; ++part) {
		if (strcmp(part->keyword, "host") == 0)
			rest = cp_str(part->val);
		has_address = has_address || (strcmp(part->keyword, "hostaddr") == 0 && part->val != NULL);
	}
	while (rest.ptr != NULL && !has_address && error == 0) {
		struct cp_str host = cp_str_split(rest, ',', &rest);
		if (!is_numeric(host))
			error = cp_fail(
			    CP_E_INPUT,
			    "the database host \"%.*s\" would have to be resolved: give a socket folder or a numeric address",
			    CP_STR_ARG(host));
	}
	PQconninfoFree(parts);
	return error;
}

int cp_db_link_init(struct cp_db_link *link, struct cp_loop *loop, const char *conninfo, const struct cp_db_limits *limits,
                    unsigned max_backoff_ms, const struct cp_db_link_events *events)
{
	struct cp_db_target target;
	int error = cp_db_target_init(conninfo, limits, &target);
	if (error != 0)
		return error;
	error = check_hosts(conninfo);
	if (error != 0) {
		cp_db_target_done(&target);
		return error;
	}
	*link = (struct cp_db_link){
	    .loop = loop,
	    .events = events,
	    .target = target,
	    .patience_ms = PATIENCE_MS,
	    .max_backoff_ms = max_backoff_ms < FIRST_BACKOFF_MS ? FIRST_BACKOFF_MS : max_backoff_ms,
	};
	cp_timer_init(&link->timer, loop, on_timer, link);
	return 0;
}

void cp_db_link_done(struct cp_db_link *link)
{
	if (link->loop == NULL) /* was never made */
		return;
	cp_db_link_stop(link);
	cp_db_target_done(&link->target);
}
