#include "line_clock.h"

#include "base/clock.h"

#include <time.h>

enum { SECOND_US = 1000000 };

static int64_t real_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

static double rate(const struct cp_line_clock *clock)
{
	return clock->network > 0 ? 1.0 : clock->speed;
}

int64_t cp_line_clock_now(struct cp_line_clock *clock)
{
	if (clock->in_wait)
		return clock->virtual_us;
	int64_t now = clock->virtual_us + (int64_t)((double)(real_now_us() - clock->real_us) * rate(clock));
	const struct cp_wait *first = CP_LIST_FIRST(&clock->waits, struct cp_wait, link);
	return first != NULL && now > first->due_us ? first->due_us : now;
}

/* Makes this moment the pair from which the clock counts on. */
static void rebase(struct cp_line_clock *clock)
{
	clock->virtual_us = cp_line_clock_now(clock);
	clock->real_us = real_now_us();
}

static void arm(struct cp_line_clock *clock)
{
	const struct cp_wait *first = CP_LIST_FIRST(&clock->waits, struct cp_wait, link);
	if (first == NULL) {
		cp_timer_stop(&clock->timer);
		return;
	}
	double left_us = (double)(first->due_us - cp_line_clock_now(clock)) / rate(clock);
	cp_timer_start(&clock->timer, left_us <= 0 ? 0 : (uint64_t)((left_us + 999) / 1000));
}

static void on_timer(void *data)
{
	struct cp_line_clock *clock = data;
	struct cp_wait *first = CP_LIST_FIRST(&clock->waits, struct cp_wait, link);
	if (first == NULL)
		return;
	if (cp_line_clock_now(clock) < first->due_us) { /* the pace changed meanwhile */
		arm(clock);
		return;
	}
	clock->virtual_us = first->due_us;
	cp_list_remove(&first->link);
	clock->in_wait = true;
	first->fn(first->data);
	clock->in_wait = false; /* the memory lives to the end of the turn, see cp_line_clock_stop() */
	clock->real_us = real_now_us();
	arm(clock);
}

void cp_line_clock_init(struct cp_line_clock *clock, struct cp_loop *loop, double speed)
{
	*clock = (struct cp_line_clock){.speed = speed, .virtual_us = cp_clock_now_us(), .real_us = real_now_us()};
	cp_list_init(&clock->waits);
	cp_timer_init(&clock->timer, loop, on_timer, clock);
}

void cp_line_clock_stop(struct cp_line_clock *clock)
{
	cp_timer_stop(&clock->timer);
	while (!cp_list_is_empty(&clock->waits))
		cp_list_remove(clock->waits.next);
}

void cp_line_clock_network_begin(struct cp_line_clock *clock)
{
	rebase(clock);
	++clock->network;
	arm(clock);
}

void cp_line_clock_network_end(struct cp_line_clock *clock)
{
	rebase(clock);
	--clock->network;
	arm(clock);
}

void cp_wait_init(struct cp_wait *wait, struct cp_line_clock *clock, void (*fn)(void *data), void *data)
{
	*wait = (struct cp_wait){.clock = clock, .fn = fn, .data = data};
}

void cp_wait_start(struct cp_wait *wait, double seconds)
{
	struct cp_line_clock *clock = wait->clock;
	rebase(clock);
	cp_list_remove(&wait->link);
	wait->due_us = clock->virtual_us + (int64_t)(seconds * SECOND_US + 0.5);
	struct cp_list *after = clock->waits.prev;
	while (after != &clock->waits && CP_CONTAINER_OF(after, struct cp_wait, link)->due_us > wait->due_us)
		after = after->prev;
	cp_list_push_front(after, &wait->link); /* right behind `after` */
	arm(clock);
}

void cp_wait_stop(struct cp_wait *wait)
{
	if (!cp_list_is_linked(&wait->link))
		return;
	rebase(wait->clock); /* the clock was held at this wait's moment at most */
	cp_list_remove(&wait->link);
	arm(wait->clock);
}

bool cp_wait_is_started(const struct cp_wait *wait)
{
	return cp_list_is_linked(&wait->link);
}
