#include "check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

static struct cp_loop *loop;

static int setup(void **state)
{
	(void)state;
	return cp_loop_new(&loop);
}

static int teardown(void **state)
{
	(void)state;
	loop = cp_loop_free(loop);
	return 0;
}

/* Turns until *condition is at least wanted. */
static void turn_until(const int *condition, int wanted)
{
	uint64_t end = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (*condition < wanted) {
		assert_true(cp_clock_monotonic_ms() < end);
		cp_loop_turn(loop, 100);
	}
}

static void count_up(void *data)
{
	++*(int *)data;
}

/* ---- timers */

struct ordered {
	struct cp_timer timer;
	int id;
	int *count;
	int *order;
};

static void note_order(void *data)
{
	struct ordered *ordered = data;
	ordered->order[(*ordered->count)++] = ordered->id;
}

static void timers_fire_in_order_of_due_time(void **state)
{
	(void)state;
	static const unsigned delays[] = {40, 10, 30, 0, 50, 20, 60, 5};
	static const int expected[] = {3, 7, 1, 5, 2, 0, 4, 6};
	struct ordered ordered[CP_COUNT(delays)];
	int count = 0, order[CP_COUNT(delays)];
	for (size_t i = 0; i < CP_COUNT(delays); ++i) {
		ordered[i] = (struct ordered){.id = (int)i, .count = &count, .order = order};
		cp_timer_init(&ordered[i].timer, loop, note_order, &ordered[i]);
		cp_timer_start(&ordered[i].timer, delays[i]);
	}
	turn_until(&count, CP_COUNT(delays));
	assert_memory_equal(order, expected, sizeof(expected));
}

static void a_timer_waits_at_least_its_delay_and_runs_once(void **state)
{
	(void)state;
	int count = 0;
	struct cp_timer timer;
	cp_timer_init(&timer, loop, count_up, &count);
	assert_false(cp_timer_is_started(&timer));
	struct timespec before, after;
	clock_gettime(CLOCK_MONOTONIC, &before);
	cp_timer_start(&timer, 30);
	assert_true(cp_timer_is_started(&timer));
	turn_until(&count, 1);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >= 30000000L);
	assert_false(cp_timer_is_started(&timer));
	for (int i = 0; i < 3; ++i)
		cp_loop_turn(loop, 0);
	assert_int_equal(count, 1);
}

/* The loop must sleep until a timer is due, not spin and not oversleep. */
static void waiting_for_a_timer_costs_few_turns(void **state)
{
	(void)state;
	int count = 0, turns = 0;
	struct cp_timer timer;
	cp_timer_init(&timer, loop, count_up, &count);
	uint64_t start = cp_clock_monotonic_ms();
	cp_timer_start(&timer, 50);
	while (count == 0) {
		cp_loop_turn(loop, PATIENCE_MS);
		++turns;
	}
	assert_true(turns <= 3);
	assert_true(cp_clock_monotonic_ms() - start < PATIENCE_MS / 2);
}

static void a_stopped_timer_does_not_fire_and_a_restarted_one_fires_once(void **state)
{
	(void)state;
	int stopped = 0, restarted = 0, last = 0;
	struct cp_timer a, b, c;
	cp_timer_init(&a, loop, count_up, &stopped);
	cp_timer_init(&b, loop, count_up, &restarted);
	cp_timer_init(&c, loop, count_up, &last);
	cp_timer_start(&a, 5);
	cp_timer_start(&b, 5);
	cp_timer_start(&b, 10);
	cp_timer_start(&c, 20);
	cp_timer_stop(&a);
	cp_timer_stop(&a);
	turn_until(&last, 1);
	assert_int_equal(stopped, 0);
	assert_int_equal(restarted, 1);
}

/* Random starts and stops: the heap's places must stay right. */
static void a_thousand_timers_keep_their_order(void **state)
{
	(void)state;
	enum { COUNT = 1000 };
	struct ordered *ordered = cp_alloc_array(COUNT, sizeof(*ordered));
	int *order = cp_alloc_array(COUNT, sizeof(*order)), count = 0, expected = 0;
	unsigned seed = 7;
	for (int i = 0; i < COUNT; ++i) {
		ordered[i] = (struct ordered){.id = i, .count = &count, .order = order};
		cp_timer_init(&ordered[i].timer, loop, note_order, &ordered[i]);
		cp_timer_start(&ordered[i].timer, (unsigned)rand_r(&seed) % 50);
	}
	for (int i = 0; i < COUNT; i += 3)
		cp_timer_stop(&ordered[i].timer);
	for (int i = 0; i < COUNT; i += 9)
		cp_timer_start(&ordered[i].timer, (unsigned)rand_r(&seed) % 50);
	for (int i = 0; i < COUNT; ++i)
		expected += cp_timer_is_started(&ordered[i].timer);
	turn_until(&count, expected);
	assert_int_equal(count, expected);
	for (int i = 1; i < count; ++i)
		assert_true(ordered[order[i - 1]].timer.due_ns <= ordered[order[i]].timer.due_ns);
	free(order);
	free(ordered);
}

struct again {
	struct cp_timer timer;
	int count;
};

static void start_again(void *data)
{
	struct again *again = data;
	++again->count;
	cp_timer_start(&again->timer, 0);
}

static void a_timer_that_restarts_itself_runs_once_a_turn(void **state)
{
	(void)state;
	struct again again = {.count = 0};
	cp_timer_init(&again.timer, loop, start_again, &again);
	cp_timer_start(&again.timer, 0);
	for (int i = 0; i < 5; ++i) {
		int before = again.count;
		cp_loop_turn(loop, 10);
		assert_true(again.count <= before + 1);
	}
	turn_until(&again.count, 10);
	cp_timer_stop(&again.timer);
}

static void free_self(void *data)
{
	struct ordered *ordered = data;
	++*ordered->count;
	free(ordered);
}

static void a_timer_may_free_what_it_belongs_to(void **state)
{
	(void)state;
	int count = 0;
	struct ordered *ordered = cp_alloc(sizeof(*ordered));
	ordered->count = &count;
	cp_timer_init(&ordered->timer, loop, free_self, ordered);
	cp_timer_start(&ordered->timer, 1);
	turn_until(&count, 1);
}

/* ---- watches */

struct pair {
	int fds[2];
	struct cp_watch *watch;
	int count;
	unsigned events;
	struct pair *victim;
};

static void on_pair(void *data, unsigned events)
{
	struct pair *pair = data;
	++pair->count;
	pair->events = events;
	if (pair->victim != NULL) {
		pair->victim->watch = cp_watch_free(pair->victim->watch);
		pair->victim->victim = NULL;
		pair->victim = NULL;
	}
}

static void pair_open(struct pair *pair, unsigned events)
{
	*pair = (struct pair){.count = 0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair->fds), 0);
	assert_int_equal(cp_watch_new(loop, pair->fds[0], events, on_pair, pair, &pair->watch), 0);
}

static void pair_close(struct pair *pair)
{
	cp_watch_free(pair->watch);
	close(pair->fds[0]);
	if (pair->fds[1] != -1)
		close(pair->fds[1]);
}

static void a_watch_tells_what_is_ready(void **state)
{
	(void)state;
	struct pair pair;
	pair_open(&pair, CP_WATCH_READ);
	cp_loop_turn(loop, 0);
	assert_int_equal(pair.count, 0);
	assert_int_equal(write(pair.fds[1], "x", 1), 1);
	turn_until(&pair.count, 1);
	assert_int_equal(pair.events, CP_WATCH_READ);
	turn_until(&pair.count, 2); /* level-triggered: it was not read */
	cp_watch_set(pair.watch, CP_WATCH_READ | CP_WATCH_WRITE);
	turn_until(&pair.count, 3);
	assert_int_equal(pair.events, CP_WATCH_READ | CP_WATCH_WRITE);
	cp_watch_set(pair.watch, 0);
	cp_loop_turn(loop, 0);
	assert_int_equal(pair.count, 3);
	pair_close(&pair);
}

static void a_watch_for_nothing_is_not_told_of_hangups(void **state)
{
	(void)state;
	struct pair pair;
	pair_open(&pair, CP_WATCH_READ);
	cp_watch_set(pair.watch, 0);
	close(pair.fds[1]);
	pair.fds[1] = -1;
	for (int i = 0; i < 3; ++i)
		cp_loop_turn(loop, 0);
	assert_int_equal(pair.count, 0);
	cp_watch_set(pair.watch, CP_WATCH_READ);
	turn_until(&pair.count, 1);
	assert_int_equal(pair.events, CP_WATCH_READ);
	pair_close(&pair);
}

/* Two watches are ready in one batch and the first to run frees the other: the other must stay silent. */
static void a_freed_watch_gets_no_further_callback(void **state)
{
	(void)state;
	struct pair a, b;
	pair_open(&a, CP_WATCH_READ);
	pair_open(&b, CP_WATCH_READ);
	a.victim = &b;
	b.victim = &a;
	assert_int_equal(write(a.fds[1], "x", 1), 1);
	assert_int_equal(write(b.fds[1], "x", 1), 1);
	cp_loop_turn(loop, 100);
	cp_loop_turn(loop, 0);
	assert_true((a.watch == NULL) != (b.watch == NULL));
	assert_true((a.count == 0) != (b.count == 0));
	pair_close(&a);
	pair_close(&b);
}

static void a_callback_may_free_its_own_watch(void **state)
{
	(void)state;
	struct pair pair;
	pair_open(&pair, CP_WATCH_READ);
	pair.victim = &pair;
	assert_int_equal(write(pair.fds[1], "x", 1), 1);
	turn_until(&pair.count, 1);
	cp_loop_turn(loop, 0);
	assert_int_equal(pair.count, 1);
	assert_null(pair.watch);
	pair_close(&pair);
}

static void more_watches_than_one_batch_are_all_served(void **state)
{
	(void)state;
	enum { COUNT = 150 };
	struct pair *pairs = cp_alloc_array(COUNT, sizeof(*pairs));
	for (int i = 0; i < COUNT; ++i) {
		pair_open(&pairs[i], CP_WATCH_READ);
		assert_int_equal(write(pairs[i].fds[1], "x", 1), 1);
	}
	for (int i = 0; i < COUNT; ++i)
		turn_until(&pairs[i].count, 1);
	for (int i = 0; i < COUNT; ++i)
		pair_close(&pairs[i]);
	free(pairs);
}

static void what_cannot_be_watched_is_an_error(void **state)
{
	(void)state;
	struct cp_watch *watch = NULL;
	FILE *file = tmpfile();
	assert_int_equal(cp_watch_new(loop, fileno(file), CP_WATCH_READ, on_pair, NULL, &watch), CP_E_SYSTEM);
	assert_null(watch);
	fclose(file);
}

/* ---- tasks */

struct chain {
	struct cp_task task, second;
	int first_runs, second_runs;
};

static void run_first(void *data)
{
	struct chain *chain = data;
	++chain->first_runs;
	cp_task_start(&chain->second);
}

static void run_second(void *data)
{
	++((struct chain *)data)->second_runs;
}

static void a_task_runs_once_at_the_end_of_the_turn(void **state)
{
	(void)state;
	struct chain chain = {.first_runs = 0};
	cp_task_init(&chain.task, loop, run_first, &chain);
	cp_task_init(&chain.second, loop, run_second, &chain);
	cp_task_start(&chain.task);
	cp_task_start(&chain.task);
	cp_loop_turn(loop, PATIENCE_MS); /* does not wait */
	assert_int_equal(chain.first_runs, 1);
	assert_int_equal(chain.second_runs, 0);
	cp_loop_turn(loop, PATIENCE_MS);
	assert_int_equal(chain.first_runs, 1);
	assert_int_equal(chain.second_runs, 1);
}

struct stopper {
	struct cp_task task;
	struct stopper *other;
	int runs;
};

static void stop_other(void *data)
{
	struct stopper *stopper = data;
	++stopper->runs;
	cp_task_stop(&stopper->other->task);
}

static void a_task_may_stop_the_next(void **state)
{
	(void)state;
	struct stopper a = {.runs = 0}, b = {.runs = 0};
	a.other = &b;
	b.other = &a;
	cp_task_init(&a.task, loop, stop_other, &a);
	cp_task_init(&b.task, loop, stop_other, &b);
	cp_task_start(&a.task);
	cp_task_start(&b.task);
	cp_loop_turn(loop, 0);
	assert_int_equal(a.runs, 1);
	assert_int_equal(b.runs, 0);
}

static void start_task_from_timer(void *data)
{
	struct chain *chain = data;
	cp_task_start(&chain->second);
}

static void a_task_started_by_a_timer_belongs_to_its_turn(void **state)
{
	(void)state;
	struct chain chain = {.first_runs = 0};
	struct cp_timer timer;
	cp_task_init(&chain.second, loop, run_second, &chain);
	cp_timer_init(&timer, loop, start_task_from_timer, &chain);
	cp_timer_start(&timer, 1);
	while (cp_timer_is_started(&timer))
		cp_loop_turn(loop, 100);
	assert_int_equal(chain.second_runs, 1);
}

/* ---- parked memory */

static void park(void *data)
{
	int *value = data;
	cp_loop_free_later(loop, value);
	*value = 2; /* an address sanitizer would object */
}

static void parked_memory_lives_until_the_turn_is_over(void **state)
{
	(void)state;
	int *value = cp_alloc(sizeof(*value));
	cp_loop_post(loop, park, value);
	cp_loop_turn(loop, 100);
	cp_loop_free_later(loop, cp_alloc(10)); /* outside a turn: freed at once */
	cp_loop_free_later(loop, NULL);
}

/* ---- posts */

struct poster {
	int id;
	struct posted *out;
};

struct posted { /* the loop's thread only, but for count of posts made */
	int next_expected[4];
	int total;
};

struct message {
	struct posted *posted;
	int sender, number;
};

static void receive(void *data)
{
	struct message *message = data;
	assert_int_equal(message->posted->next_expected[message->sender]++, message->number);
	if (++message->posted->total == 4 * 5000)
		cp_loop_stop(loop);
	free(message);
}

static void *post_many(void *data)
{
	struct poster *poster = data;
	for (int i = 0; i < 5000; ++i) {
		struct message *message = cp_alloc(sizeof(*message));
		*message = (struct message){.posted = poster->out, .sender = poster->id, .number = i};
		cp_loop_post(loop, receive, message);
	}
	return NULL;
}

static void posts_of_four_threads_arrive_in_order(void **state)
{
	(void)state;
	struct posted posted = {.total = 0};
	struct poster posters[4];
	pthread_t threads[4];
	for (int i = 0; i < 4; ++i) {
		posters[i] = (struct poster){.id = i, .out = &posted};
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
	}
	cp_loop_run(loop);
	for (int i = 0; i < 4; ++i)
		pthread_join(threads[i], NULL);
	assert_int_equal(posted.total, 4 * 5000);
}

static void stop_loop(void *data)
{
	(void)data;
	cp_loop_stop(loop);
}

static void *post_stop(void *data)
{
	cp_loop_post(loop, stop_loop, data);
	return NULL;
}

static void a_post_wakes_a_loop_that_has_nothing_to_do(void **state)
{
	(void)state;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, post_stop, NULL), 0);
	cp_loop_run(loop);
	pthread_join(thread, NULL);
}

static void posts_that_never_ran_are_dropped(void **state)
{
	(void)state;
	int count = 0;
	cp_loop_post(loop, count_up, &count);
	cp_loop_free(loop);
	assert_int_equal(count, 0);
	assert_int_equal(cp_loop_new(&loop), 0);
}

/* ---- signals */

static int last_signal;

static void on_signal(void *data, int number)
{
	last_signal = number;
	++*(int *)data;
}

static void signals_become_callbacks(void **state)
{
	(void)state;
	static const int wanted[] = {SIGUSR1, SIGTERM};
	int count = 0;
	assert_int_equal(cp_loop_on_signals(loop, wanted, 2, on_signal, &count), 0);
	assert_int_equal(cp_loop_on_signals(loop, wanted, 2, on_signal, &count), CP_E_BUG);
	raise(SIGUSR1);
	turn_until(&count, 1);
	assert_int_equal(last_signal, SIGUSR1);
	raise(SIGTERM);
	turn_until(&count, 2);
	assert_int_equal(last_signal, SIGTERM);
}

static void ignore_signal(int number)
{
	(void)number;
}

/* epoll_wait is never restarted after a handler: a turn that is interrupted must end well, and the loop go on. */
static void an_interrupted_wait_is_no_error(void **state)
{
	(void)state;
	struct sigaction action = {.sa_handler = ignore_signal}, before;
	sigaction(SIGALRM, &action, &before);
	timer_t interval_timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &interval_timer), 0);
	struct itimerspec every = {.it_value = {.tv_nsec = 1000000}, .it_interval = {.tv_nsec = 1000000}};
	timer_settime(interval_timer, 0, &every, NULL);
	int count = 0;
	struct cp_timer timer;
	cp_timer_init(&timer, loop, count_up, &count);
	cp_timer_start(&timer, 50);
	while (count == 0)
		cp_loop_turn(loop, PATIENCE_MS);
	timer_delete(interval_timer);
	sigaction(SIGALRM, &before, NULL);
}

static void a_write_to_a_closed_peer_does_not_end_the_process(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	close(fds[1]);
	assert_int_equal(write(fds[0], "x", 1), -1);
	close(fds[0]);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(timers_fire_in_order_of_due_time),
	    TEST(a_timer_waits_at_least_its_delay_and_runs_once),
	    TEST(waiting_for_a_timer_costs_few_turns),
	    TEST(a_stopped_timer_does_not_fire_and_a_restarted_one_fires_once),
	    TEST(a_thousand_timers_keep_their_order),
	    TEST(a_timer_that_restarts_itself_runs_once_a_turn),
	    TEST(a_timer_may_free_what_it_belongs_to),
	    TEST(a_watch_tells_what_is_ready),
	    TEST(a_watch_for_nothing_is_not_told_of_hangups),
	    TEST(a_freed_watch_gets_no_further_callback),
	    TEST(a_callback_may_free_its_own_watch),
	    TEST(more_watches_than_one_batch_are_all_served),
	    TEST(what_cannot_be_watched_is_an_error),
	    TEST(a_task_runs_once_at_the_end_of_the_turn),
	    TEST(a_task_may_stop_the_next),
	    TEST(a_task_started_by_a_timer_belongs_to_its_turn),
	    TEST(parked_memory_lives_until_the_turn_is_over),
	    TEST(posts_of_four_threads_arrive_in_order),
	    TEST(a_post_wakes_a_loop_that_has_nothing_to_do),
	    TEST(posts_that_never_ran_are_dropped),
	    TEST(signals_become_callbacks),
	    TEST(an_interrupted_wait_is_no_error),
	    TEST(a_write_to_a_closed_peer_does_not_end_the_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
