/* Those who listen over HTTP: streams of server-sent events, and requests that wait until the board is idle. */
#include "base/memory.h"
#include "present.h"
#include "service.h"
#include "text/form.h"

#include <stdlib.h>

enum { PING_MS = 15000, MAX_WAIT_MS = 600000, PRESET_WAIT_MS = 30000, MAX_STREAMS = 100 };

struct cp_news {
	struct cp_switchboard *board;
	struct cp_listener listener;
	struct cp_list streams, waiters;
	size_t stream_count;
	struct cp_timer ping;
	bool stopped; /* nobody waits any more */
};

struct stream {
	struct cp_list link;
	struct cp_news *news;
	struct cp_http_request *request;
};

struct waiter {
	struct cp_list link;
	struct cp_news *news;
	struct cp_http_request *request;
	struct cp_timer timer;
};

/* ---- streams */

/* A stream whose client is too slow goes away while it is written to. */
static void send_all(struct cp_news *news, struct cp_str part)
{
	for (struct cp_list *link = news->streams.next, *after; link != &news->streams; link = after) {
		after = link->next;
		cp_http_stream_send(CP_CONTAINER_OF(link, struct stream, link)->request, part);
	}
}

static void send_event(struct cp_news *news, const char *name, const json_t *json)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf event = {0};
	CP_CLEANUP(cp_free_ptr) char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12));
	cp_buf_printf(&event, "event: %s\ndata: %s\n\n", name, text);
	send_all(news, cp_buf_str(&event));
}

static void on_leg(void *data, struct cp_leg *leg)
{
	struct cp_news *news = data;
	if (cp_list_is_empty(&news->streams))
		return;
	json_t *head = cp_present_head(cp_leg_root(leg));
	send_event(news, "call", head);
	json_decref(head);
}

static void on_story(void *data, struct cp_leg *root, const json_t *entry)
{
	struct cp_news *news = data;
	if (cp_list_is_empty(&news->streams))
		return;
	json_t *with_call = json_deep_copy(entry);
	json_object_set_new(with_call, "call", json_string(root->sid));
	send_event(news, "story", with_call);
	json_decref(with_call);
}

static void stream_free(struct stream *stream)
{
	cp_list_remove(&stream->link);
	--stream->news->stream_count;
	free(stream);
}

static void on_gone(void *data)
{
	stream_free(data);
}

static void on_ping(void *data)
{
	struct cp_news *news = data;
	send_all(news, CP_STR(": still here\n\n"));
	cp_timer_start(&news->ping, PING_MS);
}

void cp_news_events(struct cp_http_request *request, void *data)
{
	struct cp_service *service = data;
	struct cp_news *news = service->news;
	if (!cp_service_is_local(request))
		return;
	if (news->stream_count == MAX_STREAMS || news->stopped) {
		cp_http_reply_error(request, 503, "too_many_listeners", "Too many listen already.");
		return;
	}
	struct stream *stream = cp_alloc(sizeof(*stream));
	stream->news = news;
	stream->request = request;
	cp_list_push(&news->streams, &stream->link);
	++news->stream_count;
	if (cp_http_add_header(request, "Cache-Control", CP_STR("no-store")) == 0)
		cp_http_stream_start(request, 200, "text/event-stream", on_gone, stream);
	cp_http_stream_send(request, CP_STR("retry: 1000\n\n"));
}

/* ---- waiting for idleness */

static void answer_waiter(struct waiter *waiter)
{
	struct cp_switchboard *board = waiter->news->board;
	struct cp_http_request *request = waiter->request;
	bool idle = board->active == 0;
	cp_timer_stop(&waiter->timer);
	cp_list_remove(&waiter->link);
	cp_loop_free_later(board->loop, waiter);
	cp_service_reply(request, idle ? 200 : 408, json_pack("{s:b,s:i}", "idle", (int)idle, "running", (int)board->active));
}

static void on_wait_over(void *data)
{
	answer_waiter(data);
}

static void answer_if_idle(struct cp_news *news)
{
	while (news->board->active == 0 && !cp_list_is_empty(&news->waiters))
		answer_waiter(CP_LIST_FIRST(&news->waiters, struct waiter, link));
}

static void on_settled(void *data, struct cp_leg *root)
{
	(void)root;
	answer_if_idle(data);
}

static void on_reset(void *data)
{
	struct cp_news *news = data;
	send_all(news, CP_STR("event: reset\ndata: {}\n\n"));
	answer_if_idle(news);
}

void cp_news_idle(struct cp_http_request *request, void *data)
{
	struct cp_service *service = data;
	struct cp_form form;
	uint64_t wait_ms = PRESET_WAIT_MS;
	if (!cp_service_is_local(request))
		return;
	if (cp_form_parse(cp_http_query(request), cp_http_arena(request), &form) < 0 ||
	    (cp_form_get(&form, "timeout_ms").ptr != NULL &&
	     cp_str_to_u64(cp_form_get(&form, "timeout_ms"), MAX_WAIT_MS, &wait_ms) < 0)) {
		cp_http_reply_error(request, 400, "bad_timeout", "timeout_ms must be a whole number up to 600000.");
		return;
	}
	struct waiter *waiter = cp_alloc(sizeof(*waiter));
	waiter->news = service->news;
	waiter->request = request;
	cp_list_push(&service->news->waiters, &waiter->link);
	cp_timer_init(&waiter->timer, service->board->loop, on_wait_over, waiter);
	if (service->board->active == 0 || service->news->stopped)
		answer_waiter(waiter);
	else
		cp_timer_start(&waiter->timer, wait_ms);
}

/* ---- life */

struct cp_news *cp_news_new(struct cp_switchboard *board)
{
	struct cp_news *news = cp_alloc(sizeof(*news));
	news->board = board;
	news->listener = (struct cp_listener){
	    .on_leg = on_leg, .on_story = on_story, .on_settled = on_settled, .on_reset = on_reset, .data = news};
	cp_list_init(&news->streams);
	cp_list_init(&news->waiters);
	cp_switchboard_listen(board, &news->listener);
	cp_timer_init(&news->ping, board->loop, on_ping, news);
	cp_timer_start(&news->ping, PING_MS);
	return news;
}

void cp_news_stop(struct cp_news *news)
{
	news->stopped = true;
	cp_timer_stop(&news->ping);
	cp_switchboard_unlisten(&news->listener);
	while (!cp_list_is_empty(&news->waiters))
		answer_waiter(CP_LIST_FIRST(&news->waiters, struct waiter, link));
	while (!cp_list_is_empty(&news->streams)) {
		struct stream *stream = CP_LIST_FIRST(&news->streams, struct stream, link);
		struct cp_http_request *request = stream->request;
		stream_free(stream);
		cp_http_stream_end(request);
	}
}

struct cp_news *cp_news_free(struct cp_news *news)
{
	if (news != NULL) {
		cp_timer_stop(&news->ping);
		cp_switchboard_unlisten(&news->listener);
	}
	free(news);
	return NULL;
}
