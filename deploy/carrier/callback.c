#include "callback.h"

#include "base/memory.h"
#include "params.h"
#include "switchboard.h"

#include <stdio.h>
#include <stdlib.h>

struct cp_callback {
	struct cp_list link; /* in callbacks->queue */
	struct cp_leg *leg;
	struct cp_params params;
	unsigned event, sequence;
	unsigned times; /* still to send */
	char idempotency[CP_IDEMPOTENCY_SIZE];
	struct cp_timer timer; /* real: the delay */
	struct cp_webhook *webhook;
};

static const struct {
	unsigned event;
	const char *word;
} words[] = {{CP_EVENT_INITIATED, "initiated"},
             {CP_EVENT_RINGING, "ringing"},
             {CP_EVENT_ANSWERED, "answered"},
             {CP_EVENT_COMPLETED, "completed"}};

unsigned cp_event_of(struct cp_str word)
{
	for (size_t i = 0; i < CP_COUNT(words); ++i)
		if (cp_str_eq(word, cp_str(words[i].word)))
			return words[i].event;
	return 0;
}

const char *cp_event_word(unsigned event)
{
	for (size_t i = 0; i < CP_COUNT(words); ++i)
		if (words[i].event == event)
			return words[i].word;
	return "";
}

void cp_callbacks_init(struct cp_callbacks *callbacks)
{
	cp_list_init(&callbacks->queue);
	callbacks->method = "POST";
}

static struct cp_disorder disorder_of(const struct cp_leg *leg)
{
	return leg->phone.has_disorder ? leg->phone.disorder : cp_scenario_callbacks(leg->board->scenario);
}

static struct cp_callback *callback_free(struct cp_callback *callback)
{
	if (callback == NULL)
		return NULL;
	cp_list_remove(&callback->link);
	cp_timer_stop(&callback->timer);
	cp_webhook_cancel(callback->webhook);
	cp_params_free(&callback->params);
	free(callback);
	return NULL;
}

static void send_next(struct cp_callbacks *callbacks);

static void on_answer(void *data, const struct cp_webhook_result *result)
{
	struct cp_callback *callback = data;
	struct cp_leg *leg = callback->leg;
	callback->webhook = NULL;
	leg->callbacks.sending = false;
	struct cp_form form = cp_params_form(&callback->params);
	cp_story_add(leg, "callback", "{s:s,s:s,s:i,s:i}", "event", cp_event_word(callback->event), "call_status",
	             cp_form_get(&form, "CallStatus").ptr, "sequence", (int)callback->sequence, "status", result->status);
	if (result->code != 0)
		cp_story_error(leg, result->code, result->sentence, result->url);
	bool done = --callback->times == 0;
	if (done)
		callback_free(callback);
	send_next(&leg->callbacks);
	if (done)
		cp_leg_unpin(leg); /* may forget the leg: last */
}

static void on_due(void *data)
{
	struct cp_callback *callback = data;
	struct cp_leg *leg = callback->leg;
	struct cp_form form = cp_params_form(&callback->params);
	struct cp_webhook_request request = {
	    .url = cp_str(leg->callbacks.url),
	    .method = leg->callbacks.method,
	    .token = cp_str(leg->account->token),
	    .form = &form,
	    .idempotency = callback->idempotency[0] != '\0' ? callback->idempotency : NULL,
	};
	callback->webhook = cp_webhook_start(&leg->board->webhooks, &request, on_answer, callback);
	snprintf(callback->idempotency, sizeof(callback->idempotency), "%s", cp_webhook_idempotency(callback->webhook));
}

static void send_next(struct cp_callbacks *callbacks)
{
	struct cp_callback *first = CP_LIST_FIRST(&callbacks->queue, struct cp_callback, link);
	if (first == NULL || callbacks->sending)
		return;
	callbacks->sending = true;
	cp_timer_start(&first->timer, disorder_of(first->leg).delay_ms);
}

static const char *status_word(const struct cp_leg *leg, unsigned event)
{
	switch (event) {
	case CP_EVENT_INITIATED:
		return "initiated";
	case CP_EVENT_RINGING:
		return "ringing";
	case CP_EVENT_ANSWERED:
		return "in-progress";
	default:
		return cp_leg_status_word(leg->status);
	}
}

static struct cp_callback *callback_new(struct cp_leg *leg, unsigned event)
{
	struct cp_callback *callback = cp_alloc(sizeof(*callback));
	callback->leg = leg;
	callback->event = event;
	callback->sequence = leg->callbacks.sequence++;
	cp_params_add_leg(&callback->params, leg, status_word(leg, event));
	cp_params_add_event(&callback->params, leg, event, callback->sequence);
	cp_timer_init(&callback->timer, leg->board->loop, on_due, callback);
	return callback;
}

static void release_held(struct cp_callbacks *callbacks)
{
	if (callbacks->held == NULL)
		return;
	cp_list_push(&callbacks->queue, &callbacks->held->link);
	callbacks->held = NULL;
	send_next(callbacks);
}

void cp_callbacks_event(struct cp_leg *leg, unsigned event)
{
	struct cp_callbacks *callbacks = &leg->callbacks;
	if (callbacks->url == NULL)
		return;
	if ((callbacks->events & event) == 0) {
		if (event == CP_EVENT_COMPLETED)
			release_held(callbacks); /* nothing comes any more that it could be exchanged with */
		return;
	}
	struct cp_disorder disorder = disorder_of(leg);
	struct cp_callback *callback = callback_new(leg, event);
	if (disorder.drop) {
		callback_free(callback);
		return;
	}
	callback->times = disorder.duplicate ? 2 : 1;
	cp_leg_pin(leg);
	if (callbacks->held != NULL) {
		cp_list_push(&callbacks->queue, &callback->link);
		release_held(callbacks);
	} else if (disorder.reorder && event != CP_EVENT_COMPLETED) {
		callbacks->held = callback;
	} else {
		cp_list_push(&callbacks->queue, &callback->link);
	}
	send_next(callbacks);
}

void cp_callbacks_free(struct cp_callbacks *callbacks)
{
	callbacks->held = callback_free(callbacks->held);
	while (!cp_list_is_empty(&callbacks->queue))
		callback_free(CP_LIST_FIRST(&callbacks->queue, struct cp_callback, link));
	free(callbacks->url);
	callbacks->url = NULL;
}
