#include "leg.h"

#include "base/memory.h"
#include "base/random.h"
#include "switchboard.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- small questions */

static const char *const status_words[] = {
    [CP_LEG_QUEUED] = "queued",       [CP_LEG_RINGING] = "ringing",   [CP_LEG_IN_PROGRESS] = "in-progress",
    [CP_LEG_COMPLETED] = "completed", [CP_LEG_BUSY] = "busy",         [CP_LEG_NO_ANSWER] = "no-answer",
    [CP_LEG_FAILED] = "failed",       [CP_LEG_CANCELED] = "canceled",
};

const char *cp_leg_status_word(enum cp_leg_status status)
{
	return status_words[status];
}

struct cp_leg *cp_leg_root(struct cp_leg *leg)
{
	return leg->parent != NULL ? leg->parent : leg;
}

struct cp_line_clock *cp_leg_clock(struct cp_leg *leg)
{
	return &cp_leg_root(leg)->line_clock;
}

bool cp_leg_has_ended(const struct cp_leg *leg)
{
	return leg->status >= CP_LEG_COMPLETED;
}

const char *cp_leg_direction(const struct cp_leg *leg)
{
	return leg->parent != NULL ? "outbound-dial" : "outbound-api";
}

unsigned cp_leg_duration(struct cp_leg *leg)
{
	if (leg->answered_us == 0)
		return 0;
	int64_t end = leg->ended_us != 0 ? leg->ended_us : cp_line_clock_now(cp_leg_clock(leg));
	return (unsigned)((end - leg->answered_us) / 1000000);
}

void cp_sid_new(const char *prefix, char out[CP_SID_SIZE])
{
	unsigned char bytes[16];
	cp_random_bytes(bytes, sizeof(bytes));
	out[0] = prefix[0];
	out[1] = prefix[1];
	cp_hex(bytes, sizeof(bytes), out + 2);
}

void cp_leg_pin(struct cp_leg *leg)
{
	++cp_leg_root(leg)->pins;
}

void cp_leg_unpin(struct cp_leg *leg)
{
	struct cp_leg *root = cp_leg_root(leg);
	--root->pins;
	cp_switchboard_check_settled(root);
}

/*
 * The one place where a status changes. It never goes back, and a final one stays.
 */
static void set_status(struct cp_leg *leg, enum cp_leg_status status)
{
	if (status <= leg->status || cp_leg_has_ended(leg))
		abort();
	int64_t now = cp_line_clock_now(cp_leg_clock(leg));
	leg->status = status;
	if (status == CP_LEG_IN_PROGRESS)
		leg->answered_us = now;
	if (status >= CP_LEG_COMPLETED)
		leg->ended_us = now;
	cp_switchboard_leg_changed(leg);
}

/* ---- ringing */

static void on_ring_limit(void *data)
{
	cp_leg_end(data, CP_LEG_NO_ANSWER, NULL);
}

static void on_limit(void *data)
{
	cp_leg_end(data, CP_LEG_COMPLETED, "limit");
}

/* What the script's telephone does once it has rung for answer_after. */
static void on_ring(void *data)
{
	struct cp_leg *leg = data;
	switch (leg->phone.outcome) {
	case CP_OUTCOME_ANSWER:
		cp_leg_answer(leg);
		return;
	case CP_OUTCOME_BUSY:
	case CP_OUTCOME_REJECT:
		cp_leg_end(leg, CP_LEG_BUSY, leg->phone.outcome == CP_OUTCOME_REJECT ? "callee" : NULL);
		return;
	default:
		cp_leg_end(leg, CP_LEG_FAILED, NULL);
	}
}

static bool rings_out(const struct cp_leg *leg)
{
	return leg->interactive || leg->phone.outcome == CP_OUTCOME_NO_ANSWER;
}

static bool rings(const struct cp_leg *leg)
{
	return leg->interactive || leg->phone.outcome == CP_OUTCOME_ANSWER || leg->phone.outcome == CP_OUTCOME_NO_ANSWER ||
	       leg->phone.outcome == CP_OUTCOME_REJECT;
}

/* Its turn has come: the network is asked. A busy or dead number never rings. */
static void on_start(void *data)
{
	struct cp_leg *leg = data;
	leg->started_us = cp_line_clock_now(cp_leg_clock(leg));
	cp_callbacks_event(leg, CP_EVENT_INITIATED);
	if (rings(leg)) {
		set_status(leg, CP_LEG_RINGING);
		cp_story_add(leg, "ring", "{s:s}", "number", leg->to);
		cp_callbacks_event(leg, CP_EVENT_RINGING);
	}
	cp_wait_start(&leg->ring_limit, leg->timeout);
	if (!rings_out(leg))
		cp_wait_start(&leg->ring, leg->phone.answer_after);
}

void cp_leg_start(struct cp_leg *leg, double queue_seconds)
{
	leg->queue_ms = (unsigned)(queue_seconds * 1000);
	cp_wait_start(&leg->start, queue_seconds);
}

void cp_leg_answer(struct cp_leg *leg)
{
	if (leg->status != CP_LEG_RINGING)
		return;
	cp_wait_stop(&leg->ring);
	cp_wait_stop(&leg->ring_limit);
	set_status(leg, CP_LEG_IN_PROGRESS);
	cp_story_add(leg, "answer", NULL);
	cp_callbacks_event(leg, CP_EVENT_ANSWERED);
	if (leg->time_limit > 0)
		cp_wait_start(&leg->limit, leg->time_limit);
	cp_phone_reached(leg, CP_WHERE_ANSWER, CP_STR(""));
	if (leg->parent == NULL)
		cp_run_begin(leg);
	else
		cp_dial_answered(leg);
}

/* ---- the end */

static void stop_waits(struct cp_leg *leg)
{
	cp_wait_stop(&leg->start);
	cp_wait_stop(&leg->ring);
	cp_wait_stop(&leg->ring_limit);
	cp_wait_stop(&leg->limit);
	cp_wait_stop(&leg->hang_up);
	cp_wait_stop(&leg->star);
}

void cp_leg_end(struct cp_leg *leg, enum cp_leg_status status, const char *by)
{
	struct cp_leg *root = cp_leg_root(leg);
	if (cp_leg_has_ended(leg))
		return;
	cp_leg_pin(root); /* what follows may settle the call */
	stop_waits(leg);
	if (by != NULL)
		cp_story_add(leg, "hangup", "{s:s}", "by", by);
	set_status(leg, status);
	cp_run_hung_up(leg);
	cp_story_add(leg, "end", "{s:s,s:i}", "status", cp_leg_status_word(status), "duration", (int)cp_leg_duration(leg));
	if (leg->parent != NULL) {
		cp_callbacks_event(leg, CP_EVENT_COMPLETED);
		cp_dial_ended(leg);
	}
	cp_leg_unpin(root);
}

void cp_leg_hang_up(struct cp_leg *leg)
{
	const char *by = leg->parent == NULL ? "caller" : "callee";
	if (leg->status == CP_LEG_IN_PROGRESS)
		cp_leg_end(leg, CP_LEG_COMPLETED, by);
	else if (leg->status == CP_LEG_RINGING)
		cp_leg_end(leg, CP_LEG_BUSY, by);
}

void cp_leg_press(struct cp_leg *leg, const char *keys)
{
	if (leg->status != CP_LEG_IN_PROGRESS || keys[0] == '\0')
		return;
	cp_story_add(leg, "keys", "{s:s}", "keys", keys);
	for (; *keys != '\0' && leg->status == CP_LEG_IN_PROGRESS; ++keys)
		cp_run_key(leg, *keys);
}

void cp_leg_take_over(struct cp_leg *leg)
{
	if (leg->interactive || cp_leg_has_ended(leg))
		return;
	leg->interactive = true;
	cp_wait_stop(&leg->ring);
	cp_wait_stop(&leg->hang_up);
	cp_wait_stop(&leg->star);
	leg->run.gather.keys = NULL;
	cp_wait_stop(&leg->run.gather.key);
	cp_switchboard_leg_changed(leg);
}

/* ---- life */

static void on_hang_up(void *data)
{
	cp_leg_hang_up(data);
}

static void on_star(void *data)
{
	cp_leg_press(data, "*");
}

struct cp_leg *cp_leg_new(struct cp_switchboard *board, const struct cp_account *account, struct cp_leg *parent, const char *to,
                          const char *from)
{
	struct cp_leg *leg = cp_alloc(sizeof(*leg));
	leg->board = board;
	leg->account = account;
	leg->parent = parent;
	cp_list_init(&leg->children);
	cp_sid_new("CA", leg->sid);
	snprintf(leg->to, sizeof(leg->to), "%s", to);
	snprintf(leg->from, sizeof(leg->from), "%s", from);
	if (parent == NULL) {
		cp_line_clock_init(&leg->line_clock, board->loop, board->options.speed);
		leg->story = json_array();
	}
	struct cp_line_clock *clock = cp_leg_clock(leg);
	leg->created_us = cp_line_clock_now(clock);
	cp_wait_init(&leg->start, clock, on_start, leg);
	cp_wait_init(&leg->ring, clock, on_ring, leg);
	cp_wait_init(&leg->ring_limit, clock, on_ring_limit, leg);
	cp_wait_init(&leg->limit, clock, on_limit, leg);
	cp_wait_init(&leg->hang_up, clock, on_hang_up, leg);
	cp_wait_init(&leg->star, clock, on_star, leg);
	cp_scenario_phone(board->scenario, to, parent != NULL, &leg->phone);
	leg->interactive = leg->phone.outcome == CP_OUTCOME_INTERACTIVE ||
	                   (parent == NULL && board->options.interactive && leg->phone.outcome == CP_OUTCOME_ANSWER);
	cp_callbacks_init(&leg->callbacks);
	cp_run_init(&leg->run, leg);
	cp_switchboard_register(board, leg);
	cp_switchboard_leg_changed(leg);
	return leg;
}

struct cp_leg *cp_leg_free(struct cp_leg *leg)
{
	if (leg == NULL)
		return NULL;
	while (!cp_list_is_empty(&leg->children)) {
		struct cp_leg *child = CP_LIST_FIRST(&leg->children, struct cp_leg, link);
		cp_list_remove(&child->link);
		cp_leg_free(child);
	}
	cp_callbacks_free(&leg->callbacks);
	cp_run_free(&leg->run);
	if (leg->parent == NULL) {
		cp_line_clock_stop(&leg->line_clock);
		json_decref(leg->story);
	} else {
		stop_waits(leg);
	}
	/* a callback of the leg's may be what frees it */
	cp_loop_free_later(leg->board->loop, leg);
	return NULL;
}
