#include "tenants/feed.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tenants_private.h"

#include <stdlib.h>

enum {
	POLL_MS = 30 * 1000,
	RETRY_MS = 1000,
	LEAST_GAP_MS =
	    100, /* between refreshes, however often it is woken: a script that makes many tenants must not cost a list each */
};

const struct cp_db_statement cp_tenants_operator_statements[] = {
    {"tenants_list", CP_DB_OPERATOR, 0, CP_REFRESH_LIST_SQL},
    {"tenants_load", CP_DB_OPERATOR, 1, CP_REFRESH_LOAD_SQL},
    {0},
};
static const struct cp_db_statement *const list_statement = &cp_tenants_operator_statements[0];
static const struct cp_db_statement *const load_statement = &cp_tenants_operator_statements[1];

struct cp_feed {
	struct cp_loop *loop;
	struct cp_feed_options options;
	struct cp_timer timer;      /* started while idle */
	struct cp_refresh *refresh; /* under way, or NULL */
	struct query *query;        /* its question to the database, or NULL */
	uint64_t began_ms;
	bool again;
};

/* What an answer comes back with: the feed may be gone by then. */
struct query {
	struct cp_feed *feed;
};

static void ask(struct cp_feed *feed, const struct cp_db_statement *statement, struct cp_str value, cp_db_fn *fn);

/* The callback comes last: it may free the feed. */
static void end_refresh(struct cp_feed *feed, int error)
{
	if (error == 0)
		cp_refresh_publish(feed->refresh, feed->options.registry, feed->options.vault);
	feed->refresh = cp_refresh_free(feed->refresh);
	cp_timer_start(&feed->timer, error != 0 ? RETRY_MS : feed->again ? LEAST_GAP_MS : feed->options.poll_ms);
	feed->again = false;
	if (feed->options.on_refresh != NULL)
		feed->options.on_refresh(feed->options.data, error);
}

/* The feed that asked, or NULL where it was freed meanwhile. */
static struct cp_feed *feed_of(struct query *query)
{
	struct cp_feed *feed = query->feed;
	free(query);
	if (feed != NULL)
		feed->query = NULL;
	return feed;
}

static void on_rows(void *data, int error, const struct cp_db_result *result);

static void load_next(struct cp_feed *feed)
{
	struct cp_str ids = cp_refresh_next(feed->refresh);
	if (ids.ptr == NULL)
		end_refresh(feed, 0);
	else
		ask(feed, load_statement, ids, on_rows);
}

static void on_rows(void *data, int error, const struct cp_db_result *result)
{
	struct cp_feed *feed = feed_of(data);
	if (feed == NULL)
		return;
	if (error == 0)
		error = cp_refresh_take_rows(feed->refresh, result);
	if (error != 0)
		end_refresh(feed, error);
	else
		load_next(feed);
}

static void on_list(void *data, int error, const struct cp_db_result *result)
{
	struct cp_feed *feed = feed_of(data);
	if (feed == NULL)
		return;
	if (error != 0) {
		end_refresh(feed, error);
		return;
	}
	cp_refresh_take_list(feed->refresh, result);
	load_next(feed);
}

static void ask(struct cp_feed *feed, const struct cp_db_statement *statement, struct cp_str value, cp_db_fn *fn)
{
	struct query *query = cp_alloc(sizeof(*query));
	query->feed = feed;
	feed->query = query;
	int error = cp_db_submit(feed->options.operator_db, statement, NULL, &value, fn, query);
	if (error != 0)
		end_refresh(feed_of(query), error);
}

static void begin_refresh(void *data)
{
	struct cp_feed *feed = data;
	feed->began_ms = cp_clock_monotonic_ms();
	feed->refresh = cp_refresh_new(cp_registry_current(feed->options.registry));
	ask(feed, list_statement, CP_STR_NULL, on_list);
}

int cp_feed_new(struct cp_loop *loop, const struct cp_feed_options *options, struct cp_feed **ret_feed)
{
	struct cp_feed *feed = cp_alloc(sizeof(*feed));
	feed->loop = loop;
	feed->options = *options;
	if (feed->options.poll_ms == 0)
		feed->options.poll_ms = POLL_MS;
	cp_timer_init(&feed->timer, loop, begin_refresh, feed);
	cp_timer_start(&feed->timer, 0); /* not at once: its callback must find the caller's pointer set */
	*ret_feed = feed;
	return 0;
}

struct cp_feed *cp_feed_free(struct cp_feed *feed)
{
	if (feed == NULL)
		return NULL;
	cp_timer_stop(&feed->timer);
	if (feed->query != NULL)
		feed->query->feed = NULL;
	cp_refresh_free(feed->refresh);
	cp_loop_free_later(feed->loop, feed);
	return NULL;
}

void cp_feed_wake(struct cp_feed *feed)
{
	if (feed->refresh != NULL) {
		feed->again = true;
		return;
	}
	uint64_t since = cp_clock_monotonic_ms() - feed->began_ms;
	cp_timer_start(&feed->timer, since >= LEAST_GAP_MS ? 0 : LEAST_GAP_MS - since);
}
