#include "listener.h"

#include <stdlib.h>

enum { QUESTION_EVERY_MS = 15000, ANSWER_WITHIN_MS = 10000, MAX_BACKOFF_MS = 5000 };

static struct cp_db_listener *of(struct cp_db_link *link)
{
	return CP_CONTAINER_OF(link, struct cp_db_listener, link);
}

static int ask(struct cp_db_listener *listener, const char *sql)
{
	if (!PQsendQuery(listener->link.pg, sql))
		return cp_fail(CP_E_UNAVAILABLE, "%s", cp_db_sentence(listener->link.pg));
	listener->asked = true;
	return cp_db_link_flush(&listener->link);
}

static int on_connected(struct cp_db_link *link)
{
	struct cp_db_listener *listener = of(link);
	CP_CLEANUP(cp_buf_free) struct cp_buf sql = {0};
	for (size_t i = 0; i < listener->channel_count; ++i) {
		char *name = PQescapeIdentifier(link->pg, listener->channels[i], strlen(listener->channels[i]));
		if (name == NULL)
			return cp_fail(CP_E_INPUT, "a channel's name cannot be used: %s", cp_db_sentence(link->pg));
		cp_buf_printf(&sql, "listen %s;", name);
		PQfreemem(name);
	}
	cp_buf_add_cstr(&sql, "select 1");
	return ask(listener, sql.ptr);
}

static void on_heartbeat(void *data)
{
	struct cp_db_listener *listener = data;
	if (listener->asked) {
		cp_fail(CP_E_UNAVAILABLE, "PostgreSQL has gone silent");
		cp_db_link_fail(&listener->link);
		return;
	}
	cp_timer_start(&listener->heartbeat, listener->answer_within_ms);
	if (ask(listener, "select 1") != 0)
		cp_db_link_fail(&listener->link);
}

static void on_answered(struct cp_db_listener *listener)
{
	listener->asked = false;
	cp_timer_start(&listener->heartbeat, listener->question_every_ms);
	if (listener->link.state == CP_DB_LINK_READY)
		return;
	cp_db_link_ready(&listener->link);
	listener->on_notify(listener->data, CP_STR_NULL, CP_STR_NULL);
}

/* False where the connection is of no more use, or gone. */
static bool take_results(struct cp_db_listener *listener)
{
	PGconn *pg = listener->link.pg;
	while (listener->asked && !PQisBusy(pg)) {
		PGresult *result = PQgetResult(pg);
		if (result == NULL) {
			on_answered(listener);
			return listener->link.pg == pg;
		}
		int error = cp_db_result_error(result, "listening");
		PQclear(result);
		if (error != 0) {
			cp_db_link_fail(&listener->link);
			return false;
		}
	}
	return true;
}

static void on_input(struct cp_db_link *link)
{
	struct cp_db_listener *listener = of(link);
	PGconn *pg = link->pg;
	if (!take_results(listener))
		return;
	for (PGnotify *notice; link->pg == pg && (notice = PQnotifies(pg)) != NULL; PQfreemem(notice))
		if (link->state == CP_DB_LINK_READY) /* what comes before is covered by the first call */
			listener->on_notify(listener->data, cp_str(notice->relname), cp_str(notice->extra));
}

static void on_failed(struct cp_db_link *link)
{
	struct cp_db_listener *listener = of(link);
	listener->asked = false;
	cp_timer_stop(&listener->heartbeat);
}

int cp_db_listen(struct cp_loop *loop, const char *conninfo, const char *const *channels, size_t channel_count,
                 void (*on_notify)(void *data, struct cp_str channel, struct cp_str payload), void *data,
                 struct cp_db_listener **ret_listener)
{
	static const struct cp_db_link_events events = {on_connected, on_input, on_failed};
	struct cp_db_limits limits = {ANSWER_WITHIN_MS, ANSWER_WITHIN_MS, ANSWER_WITHIN_MS};
	struct cp_db_listener *listener = cp_alloc(sizeof(*listener));
	int error = cp_db_link_init(&listener->link, loop, conninfo, &limits, MAX_BACKOFF_MS, &events);
	if (error != 0) {
		free(listener);
		return error;
	}
	listener->channels = cp_alloc_array(channel_count, sizeof(char *));
	for (size_t i = 0; i < channel_count; ++i)
		listener->channels[i] = cp_strdup(channels[i]);
	listener->channel_count = channel_count;
	listener->on_notify = on_notify;
	listener->data = data;
	listener->question_every_ms = QUESTION_EVERY_MS;
	listener->answer_within_ms = ANSWER_WITHIN_MS;
	cp_timer_init(&listener->heartbeat, loop, on_heartbeat, listener);
	cp_db_link_start(&listener->link);
	*ret_listener = listener;
	return 0;
}

struct cp_db_listener *cp_db_listener_free(struct cp_db_listener *listener)
{
	if (listener == NULL)
		return NULL;
	cp_timer_stop(&listener->heartbeat);
	cp_db_link_done(&listener->link);
	for (size_t i = 0; i < listener->channel_count; ++i)
		free(listener->channels[i]);
	free(listener->channels);
	cp_loop_free_later(listener->link.loop, listener);
	return NULL;
}
