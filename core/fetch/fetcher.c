/* libcurl's multi interface on a loop: its sockets are watches, its timer is a timer. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct socket_watch {
	struct cp_fetcher *fetcher;
	curl_socket_t fd;
	struct cp_watch *watch;
};

/* ---- states */

static struct cp_list *list_of(struct cp_fetcher *fetcher, enum cp_fetch_state state)
{
	switch (state) {
	case CP_FETCH_RESOLVING:
		return &fetcher->resolving;
	case CP_FETCH_PENDING:
		return &fetcher->pending;
	case CP_FETCH_ACTIVE:
		return &fetcher->active;
	case CP_FETCH_DONE:
		break;
	}
	return &fetcher->done;
}

static bool is_waiting(const struct cp_fetch *fetch)
{
	return fetch->state == CP_FETCH_RESOLVING || fetch->state == CP_FETCH_PENDING;
}

/* Takes it off whatever it is on. */
static void leave(struct cp_fetch *fetch)
{
	struct cp_fetcher *fetcher = fetch->fetcher;
	if (!cp_list_is_linked(&fetch->link))
		return;
	cp_list_remove(&fetch->link);
	fetcher->waiting_count -= is_waiting(fetch);
	fetcher->active_count -= fetch->state == CP_FETCH_ACTIVE;
}

void cp_fetch_move(struct cp_fetch *fetch, enum cp_fetch_state state)
{
	struct cp_fetcher *fetcher = fetch->fetcher;
	if (cp_list_is_linked(&fetch->link) && state <= fetch->state) {
		fprintf(stderr, "fetch: a request went back from state %d to %d\n", (int)fetch->state, (int)state);
		abort();
	}
	leave(fetch);
	fetch->state = state;
	cp_list_push(list_of(fetcher, state), &fetch->link);
	fetcher->waiting_count += is_waiting(fetch);
	fetcher->active_count += state == CP_FETCH_ACTIVE;
	if (state == CP_FETCH_DONE) {
		cp_timer_stop(&fetch->timer);
		cp_task_start(&fetcher->deliver);
	}
}

void cp_fetch_fail(struct cp_fetch *fetch, int error, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(fetch->message, sizeof(fetch->message), fmt, args);
	va_end(args);
	fetch->error = error;
	fetch->answer.never_sent = true;
	cp_fetch_move(fetch, CP_FETCH_DONE);
}

void cp_fetcher_fill(struct cp_fetcher *fetcher)
{
	struct cp_fetch *fetch;
	while (fetcher->active_count < fetcher->max_active &&
	       (fetch = CP_LIST_FIRST(&fetcher->pending, struct cp_fetch, link)) != NULL) {
		if (cp_fetch_make_easy(fetch) != 0) {
			cp_fetch_fail(fetch, CP_E_SYSTEM, "libcurl has no memory for a request");
			continue;
		}
		cp_fetch_move(fetch, CP_FETCH_ACTIVE);
		curl_multi_add_handle(fetcher->multi, fetch->easy); /* arms the timer; work starts on a later turn */
	}
}

static void remove_easy(struct cp_fetch *fetch)
{
	curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
	cp_fetch_release_easy(fetch);
}

static void deliver(void *data)
{
	struct cp_fetcher *fetcher = data;
	struct cp_fetch *fetch;
	/* The callback may start, cancel, and free the fetcher. */
	while (!fetcher->freed && (fetch = CP_LIST_FIRST(&fetcher->done, struct cp_fetch, link)) != NULL) {
		leave(fetch);
		if (fetch->error != 0)
			cp_fail(fetch->error, "%s", fetch->message);
		fetch->fn(fetch->data, fetch->error, &fetch->answer);
		cp_fetch_free(fetch);
	}
}

/* ---- libcurl */

static void reap(struct cp_fetcher *fetcher)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
		struct cp_fetch *fetch = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result; /* the message dies with remove_handle */
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
		cp_fetch_conclude(fetch, code);
		remove_easy(fetch);
		cp_fetch_move(fetch, CP_FETCH_DONE);
	}
	cp_fetcher_fill(fetcher);
}

static void on_socket_ready(void *data, unsigned events)
{
	struct socket_watch *socket = data;
	struct cp_fetcher *fetcher = socket->fetcher;
	int running, mask = (events & CP_WATCH_READ ? CURL_CSELECT_IN : 0) | (events & CP_WATCH_WRITE ? CURL_CSELECT_OUT : 0);
	curl_multi_socket_action(fetcher->multi, socket->fd, mask, &running);
	reap(fetcher);
}

static void on_curl_timer(void *data)
{
	struct cp_fetcher *fetcher = data;
	int running;
	curl_multi_socket_action(fetcher->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(fetcher);
}

static int set_timer(CURLM *multi, long timeout_ms, void *data)
{
	struct cp_fetcher *fetcher = data;
	(void)multi;
	/* Never curl_multi_socket_action from here, whatever the time-out: the timer does it on a later turn. */
	if (timeout_ms < 0)
		cp_timer_stop(&fetcher->curl_timer);
	else
		cp_timer_start(&fetcher->curl_timer, (uint64_t)timeout_ms);
	return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *known)
{
	struct cp_fetcher *fetcher = data;
	struct socket_watch *socket = known;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (socket != NULL) {
			cp_watch_free(socket->watch);
			cp_loop_free_later(fetcher->loop, socket);
			curl_multi_assign(fetcher->multi, fd, NULL);
		}
		return 0;
	}
	unsigned events = (what & CURL_POLL_IN ? CP_WATCH_READ : 0u) | (what & CURL_POLL_OUT ? CP_WATCH_WRITE : 0u);
	if (socket != NULL) {
		cp_watch_set(socket->watch, events);
		return 0;
	}
	socket = cp_alloc(sizeof(*socket));
	*socket = (struct socket_watch){.fetcher = fetcher, .fd = fd};
	if (cp_watch_new(fetcher->loop, fd, events, on_socket_ready, socket, &socket->watch) != 0) {
		free(socket);
		return -1;
	}
	curl_multi_assign(fetcher->multi, fd, socket);
	return 0;
}

/* ---- the fetcher */

int cp_fetcher_new(struct cp_loop *loop, unsigned max_connections, struct cp_fetcher **ret_fetcher)
{
	if (!cp_fetch_is_started() || max_connections == 0)
		return cp_fail(CP_E_BUG, "fetcher: cp_fetch_global_start() was not called, or no connection is allowed");
	struct cp_fetcher *fetcher = cp_alloc(sizeof(*fetcher));
	fetcher->loop = loop;
	fetcher->max_active = max_connections;
	cp_list_init(&fetcher->resolving);
	cp_list_init(&fetcher->pending);
	cp_list_init(&fetcher->active);
	cp_list_init(&fetcher->done);
	cp_timer_init(&fetcher->curl_timer, loop, on_curl_timer, fetcher);
	cp_task_init(&fetcher->deliver, loop, deliver, fetcher);
	int error = cp_resolver_start(fetcher);
	if (error != 0) {
		free(fetcher);
		return error;
	}
	fetcher->multi = curl_multi_init();
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
	curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)max_connections); /* kept open for reuse */
	*ret_fetcher = fetcher;
	return 0;
}

static void drop_all(struct cp_list *list)
{
	for (struct cp_fetch *fetch; (fetch = CP_LIST_FIRST(list, struct cp_fetch, link)) != NULL;) {
		void (*dropped)(void *data) = fetch->dropped;
		void *data = fetch->data;
		cp_fetch_cancel(fetch);
		if (dropped != NULL)
			dropped(data);
	}
}

struct cp_fetcher *cp_fetcher_free(struct cp_fetcher *fetcher)
{
	if (fetcher == NULL)
		return NULL;
	drop_all(&fetcher->pending); /* first, else ending an active one would start them */
	drop_all(&fetcher->resolving);
	drop_all(&fetcher->active);
	drop_all(&fetcher->done);
	cp_resolver_stop(fetcher);
	curl_multi_cleanup(fetcher->multi); /* closes what was kept open, and calls set_socket and set_timer for it */
	cp_timer_stop(&fetcher->curl_timer);
	cp_task_stop(&fetcher->deliver);
	fetcher->freed = true;
	cp_loop_free_later(fetcher->loop, fetcher);
	return NULL;
}

void cp_fetch_cancel(struct cp_fetch *fetch)
{
	struct cp_fetcher *fetcher = fetch->fetcher;
	bool was_active = fetch->state == CP_FETCH_ACTIVE;
	/* Does not block: libcurl never resolves, and joins no thread. */
	if (was_active)
		remove_easy(fetch);
	leave(fetch);
	cp_fetch_free(fetch);
	if (was_active)
		cp_fetcher_fill(fetcher);
}
