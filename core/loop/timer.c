/* Timers: a binary heap, ordered by due time. Each timer knows its place, so that stopping one costs no search. */
#include "internal.h"

#include <stdlib.h>
#include <time.h>

enum { NANOSECONDS_PER_MS = 1000000 };

uint64_t cp_loop_clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * NANOSECONDS_PER_MS + (uint64_t)now.tv_nsec;
}

static void place(struct cp_loop *loop, struct cp_timer *timer, size_t index)
{
	loop->timers.heap[index] = timer;
	timer->heap_index = index;
}

/* Moves what stands at index towards the root until its parent is due no later. */
static void sift_up(struct cp_loop *loop, size_t index)
{
	struct cp_timer *timer = loop->timers.heap[index];
	while (index > 0) {
		struct cp_timer *parent = loop->timers.heap[(index - 1) / 2];
		if (parent->due_ns <= timer->due_ns)
			break;
		place(loop, parent, index);
		index = (index - 1) / 2;
	}
	place(loop, timer, index);
}

/* Moves what stands at index away from the root until no child is due earlier. */
static void sift_down(struct cp_loop *loop, size_t index)
{
	struct cp_timer *timer = loop->timers.heap[index];
	for (size_t child; (child = index * 2 + 1) < loop->timers.count; index = child) {
		if (child + 1 < loop->timers.count && loop->timers.heap[child + 1]->due_ns < loop->timers.heap[child]->due_ns)
			++child;
		if (timer->due_ns <= loop->timers.heap[child]->due_ns)
			break;
		place(loop, loop->timers.heap[child], index);
	}
	place(loop, timer, index);
}

void cp_timer_init(struct cp_timer *timer, struct cp_loop *loop, cp_timer_fn *fn, void *data)
{
	*timer = (struct cp_timer){.loop = loop, .heap_index = SIZE_MAX, .fn = fn, .data = data};
}

void cp_timer_start(struct cp_timer *timer, uint64_t delay_ms)
{
	struct cp_loop *loop = timer->loop;
	uint64_t delay_ns;
	cp_timer_stop(timer);
	if (__builtin_mul_overflow(delay_ms, (uint64_t)NANOSECONDS_PER_MS, &delay_ns) ||
	    __builtin_add_overflow(cp_loop_clock_ns(), delay_ns, &timer->due_ns))
		timer->due_ns = UINT64_MAX;
	if (loop->timers.count == loop->timers.capacity) {
		loop->timers.capacity = loop->timers.capacity == 0 ? 64 : loop->timers.capacity * 2;
		loop->timers.heap = cp_realloc(loop->timers.heap, loop->timers.capacity * sizeof(struct cp_timer *));
	}
	place(loop, timer, loop->timers.count++);
	sift_up(loop, timer->heap_index);
}

void cp_timer_stop(struct cp_timer *timer)
{
	struct cp_loop *loop = timer->loop;
	size_t index = timer->heap_index;
	if (index == SIZE_MAX)
		return;
	timer->heap_index = SIZE_MAX;
	struct cp_timer *last = loop->timers.heap[--loop->timers.count];
	if (last == timer)
		return;
	place(loop, last, index);
	sift_up(loop, index);
	sift_down(loop, last->heap_index);
}

bool cp_timer_is_started(const struct cp_timer *timer)
{
	return timer->heap_index != SIZE_MAX;
}

int cp_timers_wait_ms(const struct cp_loop *loop, int max_ms)
{
	if (loop->timers.count == 0)
		return max_ms;
	uint64_t now = cp_loop_clock_ns(), due = loop->timers.heap[0]->due_ns;
	if (due <= now)
		return 0;
	uint64_t wait_ms = (due - now - 1) / NANOSECONDS_PER_MS + 1;
	return wait_ms < (uint64_t)max_ms ? (int)wait_ms : max_ms;
}

void cp_timers_run(struct cp_loop *loop)
{
	if (loop->timers.count == 0)
		return;
	/* Strictly earlier than now: a timer that a callback starts with no delay is due now at the earliest, and must wait. */
	uint64_t now = cp_loop_clock_ns();
	while (loop->timers.count != 0 && loop->timers.heap[0]->due_ns < now) {
		struct cp_timer *timer = loop->timers.heap[0];
		cp_timer_stop(timer);
		timer->fn(timer->data);
	}
}
