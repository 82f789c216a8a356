#include "load.h"

#include "base/clock.h"
#include "base/memory.h"
#include "text/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CREATE_TIMEOUT_MS = 15000, MAX_SAMPLES = 4000000 };

/* Area codes of the United States; with 555 01xx behind them they are reserved for stories, tests and us. */
static const short area_codes[] = {
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234, 239, 240,
    248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 303, 304, 305, 307, 308, 309, 310, 312, 313, 314,
    315, 316, 317, 318, 319, 320, 321, 323, 325, 330, 334, 336, 337, 339, 347, 351, 352, 360, 361, 386, 401, 402, 404, 405, 406,
    407, 408, 409, 410, 412, 413, 414, 415, 417, 419, 423, 424, 425, 430, 432, 434, 435, 440, 443, 478, 479, 480, 484, 501, 502,
    503, 504, 505, 507, 508, 509, 510, 512, 513, 515, 516, 517, 518, 520, 530, 540, 541, 551, 559, 561, 562, 563, 567, 570, 571,
    573, 574, 580, 585, 586, 601, 602, 603, 605, 606, 607, 608, 609, 610, 612, 614, 615, 616, 617, 618, 619, 620, 623, 626, 630,
    631, 636, 641, 646, 650, 651, 660, 661, 662, 678, 682, 701, 702, 703, 704, 706, 707, 708, 712, 713, 714, 715, 716, 717, 718,
    719, 720, 724, 727, 731, 732, 734, 740, 754, 757, 760, 763, 765, 770, 772, 773, 774, 775, 781, 785, 786, 801, 802, 803, 804,
    805, 806, 808, 810, 812, 813, 814, 815, 816, 817, 818, 828, 830, 831, 832, 843, 845, 847, 848, 850, 856, 857, 858, 859, 860,
    862, 863, 864, 865, 870, 901, 903, 904, 906, 907, 908, 909, 910, 912, 913, 914, 915, 916, 917, 918, 919, 920, 925, 928, 931,
    936, 937, 940, 941, 947, 949, 951, 952, 954, 956, 970, 971, 972, 973, 978, 979, 980, 985, 989,
};

/* Milliseconds, in no order until asked for a part of them. */
struct samples {
	float *ms;
	size_t count, room;
};

struct cp_load {
	struct cp_service *service;
	const struct cp_carrier_options *options;
	struct cp_listener listener;
	struct cp_timer tick, limit;
	void (*done)(void *data);
	void *done_data;
	bool is_done;
	uint64_t started_ms, finished_ms;
	unsigned asked, created, ended, under_way;
	uint64_t webhooks, webhook_errors;
	json_t *outcomes, *errors, *targets; /* name to count */
	struct cp_map *slots;                /* number to slot */
	struct samples webhook_ms, create_ms;
};

/* One call under way: done when the server has answered and, where it agreed, the call has settled. */
struct slot {
	struct cp_load *load;
	char number[CP_NUMBER_SIZE];
	uint64_t asked_us;
	bool answered, agreed, settled;
};

static uint64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void add_sample(struct samples *samples, uint64_t micros)
{
	if (samples->count == MAX_SAMPLES)
		return;
	if (samples->count == samples->room) {
		samples->room = samples->room == 0 ? 1024 : samples->room * 2;
		samples->ms = cp_realloc(samples->ms, samples->room * sizeof(*samples->ms));
	}
	samples->ms[samples->count++] = (float)micros / 1000;
}

static void count(json_t *object, const char *name)
{
	json_object_set_new(object, name, json_integer(json_integer_value(json_object_get(object, name)) + 1));
}

static void finish(struct cp_load *load)
{
	if (load->is_done)
		return;
	load->is_done = true;
	load->finished_ms = cp_clock_monotonic_ms();
	cp_timer_stop(&load->tick);
	cp_timer_stop(&load->limit);
	load->done(load->done_data);
}

static void close_slot(struct slot *slot)
{
	struct cp_load *load = slot->load;
	if (!slot->answered || (slot->agreed && !slot->settled))
		return;
	cp_map_remove(load->slots, cp_str(slot->number));
	free(slot);
	--load->under_way;
	if (load->asked == load->options->calls && load->under_way == 0)
		finish(load);
	else if (!cp_timer_is_started(&load->tick))
		cp_timer_start(&load->tick, 0);
}

/* ---- asking */

static void count_error(struct cp_load *load, const struct cp_fetch_answer *answer)
{
	char name[120];
	json_t *json = NULL;
	const char *code = NULL;
	if (cp_json_parse(answer->body, &json) == 0)
		code = json_string_value(json_object_get(json, "error"));
	snprintf(name, sizeof(name), "%d %s", answer->status, code != NULL ? code : "");
	count(load->errors, name);
	json_decref(json);
}

static void on_answer(void *data, int error, const struct cp_fetch_answer *answer)
{
	struct slot *slot = data;
	struct cp_load *load = slot->load;
	add_sample(&load->create_ms, now_us() - slot->asked_us);
	slot->answered = true;
	if (error != 0)
		count(load->errors, cp_error_word(error));
	else if (answer->status < 200 || answer->status > 299)
		count_error(load, answer);
	else
		slot->agreed = true;
	if (slot->agreed)
		++load->created;
	close_slot(slot);
}

/* Each call under way has a number of its own; they come round again after some thirty thousand. */
static void make_number(unsigned index, char out[CP_NUMBER_SIZE])
{
	unsigned codes = CP_COUNT(area_codes);
	snprintf(out, CP_NUMBER_SIZE, "+1%d55501%02u", area_codes[index % codes], index / codes % 100);
}

static json_t *wanted(const struct cp_load *load, const char *number)
{
	const struct cp_carrier_options *options = load->options;
	const char *location = options->location_count > 0 ? options->locations[load->asked % options->location_count] : "94110";
	return json_pack("{s:o,s:s,s:s,s:s}", "campaignId", cp_service_campaign(options->campaign), "userPhone", number,
	                 "userCountry", options->country, "userLocation", location);
}

static void ask(struct cp_load *load)
{
	struct slot *slot = cp_alloc(sizeof(*slot));
	struct cp_arena *arena = cp_arena_new();
	struct cp_fetch_header host = {"Host", load->options->host};
	slot->load = load;
	slot->asked_us = now_us();
	make_number(load->asked, slot->number);
	json_t *json = wanted(load, slot->number);
	struct cp_fetch_request request = {
	    .method = "POST",
	    .url = cp_arena_printf(arena, "%s%s", load->options->server, load->options->path).ptr,
	    .body = cp_json_text(json, arena),
	    .content_type = "application/json",
	    .headers = &host,
	    .header_count = load->options->host != NULL ? 1 : 0,
	    .timeout_ms = CREATE_TIMEOUT_MS,
	    .operator_destination = true,
	};
	++load->asked;
	++load->under_way;
	cp_map_set(load->slots, cp_str(slot->number), slot);
	if (cp_fetch_start(load->service->fetcher, &request, on_answer, slot, NULL) < 0) {
		count(load->errors, "not sent");
		slot->answered = true;
		close_slot(slot);
	}
	json_decref(json);
	cp_arena_free(arena);
}

/* Asks for as many calls as time, rate and concurrency allow by now. */
static void on_tick(void *data)
{
	struct cp_load *load = data;
	const struct cp_carrier_options *options = load->options;
	double due = (double)(cp_clock_monotonic_ms() - load->started_ms) / 1000 * options->rate + 1;
	while (!load->is_done && load->asked < options->calls && load->under_way < options->concurrency &&
	       (double)load->asked < due) {
		char number[CP_NUMBER_SIZE];
		make_number(load->asked, number);
		if (cp_map_get(load->slots, cp_str(number)) != NULL)
			break; /* its last call is still under way */
		ask(load);
	}
	if (!load->is_done && load->asked < options->calls)
		cp_timer_start(&load->tick, options->rate >= 1000 ? 1 : (uint64_t)(1000 / options->rate) + 1);
}

static void on_limit(void *data)
{
	finish(data);
}

/* ---- listening to the board */

static void on_settled(void *data, struct cp_leg *root)
{
	struct cp_load *load = data;
	++load->ended;
	count(load->outcomes, cp_leg_status_word(root->status));
	for (struct cp_list *link = root->children.next; link != &root->children; link = link->next)
		count(load->targets, cp_leg_status_word(CP_CONTAINER_OF(link, struct cp_leg, link)->status));
	struct slot *slot = cp_map_get(load->slots, cp_str(root->to));
	if (slot == NULL)
		return;
	slot->settled = true;
	close_slot(slot);
}

static void on_try(void *data, int status, uint64_t micros)
{
	struct cp_load *load = data;
	++load->webhooks;
	if (status < 200 || status > 299)
		++load->webhook_errors;
	add_sample(&load->webhook_ms, micros);
}

/* ---- the figures */

static int by_size(const void *a, const void *b)
{
	float left = *(const float *)a, right = *(const float *)b;
	return (left > right) - (left < right);
}

static double part_of(const struct samples *samples, double part)
{
	if (samples->count == 0)
		return 0;
	size_t index = (size_t)(part * (double)samples->count);
	return (double)samples->ms[index < samples->count ? index : samples->count - 1];
}

static json_t *percentiles(struct samples *samples)
{
	if (samples->count > 0)
		qsort(samples->ms, samples->count, sizeof(*samples->ms), by_size);
	return json_pack("{s:f,s:f,s:f,s:f}", "p50", part_of(samples, 0.5), "p95", part_of(samples, 0.95), "p99",
	                 part_of(samples, 0.99), "max", part_of(samples, 1));
}

bool cp_load_report(struct cp_load *load)
{
	double seconds = (double)(load->finished_ms - load->started_ms) / 1000;
	json_t *json = json_pack("{s:i,s:i,s:i,s:O,s:O,s:O,s:I,s:I,s:f,s:f,s:o,s:o}", "calls", (int)load->options->calls,
	                         "created", (int)load->created, "ended", (int)load->ended, "outcomes", load->outcomes, "errors",
	                         load->errors, "targets", load->targets, "webhooks", (json_int_t)load->webhooks, "webhook_errors",
	                         (json_int_t)load->webhook_errors, "seconds", seconds, "webhooks_per_second",
	                         seconds > 0 ? (double)load->webhooks / seconds : 0, "latency_ms", percentiles(&load->webhook_ms),
	                         "create_latency_ms", percentiles(&load->create_ms));
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
	puts(text);
	fflush(stdout);
	free(text);
	json_decref(json);
	return load->created == load->options->calls && load->ended >= load->options->calls;
}

/* ---- life */

struct cp_load *cp_load_start(struct cp_service *service, const struct cp_carrier_options *options, void (*done)(void *data),
                              void *data)
{
	struct cp_load *load = cp_alloc(sizeof(*load));
	load->service = service;
	load->options = options;
	load->done = done;
	load->done_data = data;
	load->outcomes = json_object();
	load->errors = json_object();
	load->targets = json_object();
	load->slots = cp_map_new();
	load->started_ms = cp_clock_monotonic_ms();
	load->listener = (struct cp_listener){.on_settled = on_settled, .data = load};
	cp_switchboard_listen(service->board, &load->listener);
	service->board->webhooks.on_try = on_try;
	service->board->webhooks.on_try_data = load;
	cp_timer_init(&load->tick, service->board->loop, on_tick, load);
	cp_timer_init(&load->limit, service->board->loop, on_limit, load);
	cp_timer_start(&load->limit, (uint64_t)options->max_seconds * 1000);
	cp_timer_start(&load->tick, 0);
	return load;
}

struct cp_load *cp_load_free(struct cp_load *load)
{
	if (load == NULL)
		return NULL;
	cp_switchboard_unlisten(&load->listener);
	load->service->board->webhooks.on_try = NULL;
	cp_map_free(load->slots, free);
	json_decref(load->outcomes);
	json_decref(load->errors);
	json_decref(load->targets);
	free(load->webhook_ms.ms);
	free(load->create_ms.ms);
	free(load);
	return NULL;
}
