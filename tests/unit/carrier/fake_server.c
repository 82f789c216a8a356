#include "fake_server.h"

#include "base/clock.h"
#include "base/memory.h"
#include "text/form.h"
#include "url.h"

#include <stdlib.h>

/* Texts handed to assertions live until the program ends. */
static struct cp_arena *texts;

struct pending {
	struct cp_list link;
	struct fake_server *server;
	struct cp_timer timer;
	const struct fake_answer *answer;
	cp_fetch_fn *fn;
	void *data;
};

static const char *location_at_hand;

static struct cp_str location_header(const struct cp_fetch_answer *answer, const char *name)
{
	(void)answer;
	return strcmp(name, "Location") == 0 ? cp_str(location_at_hand) : CP_STR_NULL;
}

static void give(struct pending *pending)
{
	const struct fake_answer *from = pending->answer;
	struct cp_fetch_answer answer = {.header = location_header};
	CP_CLEANUP(cp_buf_free) struct cp_buf body = {0};
	int error = 0;
	location_at_hand = from->location;
	switch (from->failure) {
	case FAKE_FINE:
		answer.status = from->status == 0 ? 200 : from->status;
		if (from->raw)
			cp_buf_add_cstr(&body, from->body);
		else
			cp_buf_printf(&body, "<Response>%s</Response>", from->body == NULL ? "" : from->body);
		answer.body = cp_buf_str(&body);
		answer.content_type = cp_str(from->content_type == NULL ? "text/xml; charset=utf-8" : from->content_type);
		break;
	case FAKE_NO_CONNECTION:
		answer.never_sent = true;
		error = cp_fail(CP_E_UNAVAILABLE, "connection refused");
		break;
	case FAKE_READ_TIMEOUT:
		error = cp_fail(CP_E_TIMEOUT, "no answer in time");
		break;
	case FAKE_TOO_LARGE:
		error = cp_fail(CP_E_LIMIT, "the answer is too large");
		break;
	}
	pending->fn(pending->data, error, &answer);
}

static void on_due(void *data)
{
	struct pending *pending = data;
	cp_list_remove(&pending->link);
	give(pending);
	free(pending);
}

static const struct fake_answer *choose(struct fake_server *server, struct cp_str step)
{
	static const struct fake_answer nothing = {.body = ""},
	                                missing = {
	                                    .body = "no such step", .status = 404, .content_type = "text/plain", .raw = true};
	for (size_t i = 0; server->answers != NULL && server->answers[i].step != NULL; ++i) {
		const struct fake_answer *answer = &server->answers[i];
		if (!cp_str_eq(step, cp_str(answer->step)) || (answer->times > 0 && server->used[i] == answer->times))
			continue;
		++server->used[i];
		return answer;
	}
	return cp_str_eq(step, CP_STR("status")) ? &nothing : &missing;
}

static const char *header_of(const struct cp_fetch_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; ++i)
		if (strcmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return "";
}

static int start(void *data, const struct cp_fetch_request *request, cp_fetch_fn *fn, void *fn_data, void **ret_handle)
{
	struct fake_server *server = data;
	assert_true(server->request_count < FAKE_MAX_REQUESTS);
	server->requests[server->request_count++] = (struct fake_request){
	    .method = cp_strdup(request->method),
	    .url = cp_strdup(request->url),
	    .body = cp_strndup(request->body.ptr, request->body.len),
	    .signature = cp_strdup(header_of(request, "X-Twilio-Signature")),
	    .idempotency = cp_strdup(header_of(request, "I-Twilio-Idempotency-Token")),
	    .timeout_ms = request->timeout_ms,
	    .connect_timeout_ms = request->connect_timeout_ms,
	};
	assert_true(request->operator_destination);
	struct pending *pending = cp_alloc(sizeof(*pending));
	*pending = (struct pending){
	    .server = server, .answer = choose(server, cp_url_step(cp_str(request->url))), .fn = fn, .data = fn_data};
	cp_list_push(&server->pending, &pending->link);
	cp_timer_init(&pending->timer, server->loop, on_due, pending);
	cp_timer_start(&pending->timer, 0);
	*ret_handle = pending;
	return 0;
}

static void cancel(void *data, void *handle)
{
	struct pending *pending = handle;
	(void)data;
	cp_timer_stop(&pending->timer);
	cp_list_remove(&pending->link);
	free(pending);
}

int fake_server_setup(void **state)
{
	struct fake_server *server = cp_alloc(sizeof(*server));
	struct cp_switchboard_options options = {.speed = FAKE_SPEED, .keep = 100};
	struct cp_str number = CP_STR("+15005550006");
	static const char sid[] = "AC00000000000000000000000000000001";
	if (texts == NULL)
		texts = cp_arena_new();
	cp_list_init(&server->pending);
	assert_ok(cp_loop_new(&server->loop));
	server->board = cp_switchboard_new(server->loop, &options, cp_scenario_new());
	server->board->webhooks.transport = (struct cp_transport){start, cancel, server};
	assert_ok(cp_switchboard_add_account(server->board, cp_str(sid), CP_STR("secret"), CP_STR(""), &number, 1));
	server->account = cp_switchboard_account(server->board, cp_str(sid));
	*state = server;
	return 0;
}

int fake_server_teardown(void **state)
{
	struct fake_server *server = *state;
	cp_switchboard_free(server->board);
	assert_true(cp_list_is_empty(&server->pending));
	cp_loop_turn(server->loop, 0);
	cp_loop_free(server->loop);
	for (size_t i = 0; i < server->request_count; ++i) {
		struct fake_request *request = &server->requests[i];
		free(request->method);
		free(request->url);
		free(request->body);
		free(request->signature);
		free(request->idempotency);
	}
	free(server);
	texts = cp_arena_free(texts);
	return 0;
}

void fake_server_scenario(struct fake_server *server, const char *text)
{
	json_t *json;
	assert_ok(cp_json_parse(cp_str(text), &json));
	assert_ok(cp_scenario_apply(server->board->scenario, json));
	json_decref(json);
}

struct cp_leg *fake_call_new(struct fake_server *server)
{
	struct cp_leg *leg = cp_leg_new(server->board, server->account, NULL, "+14155550123", "+15005550006");
	leg->timeout = 60;
	leg->time_limit = 14400;
	leg->run.url = cp_strdup("http://127.0.0.1:9/voice/token/session/answer");
	leg->callbacks.url = cp_strdup("http://127.0.0.1:9/voice/token/session/status");
	leg->callbacks.events = CP_EVENT_INITIATED | CP_EVENT_RINGING | CP_EVENT_ANSWERED | CP_EVENT_COMPLETED;
	return leg;
}

void fake_call_until(struct fake_server *server, struct cp_leg *leg, enum cp_leg_status status)
{
	uint64_t deadline = cp_clock_monotonic_ms() + 20000;
	while (leg->status != status) {
		assert_true(cp_clock_monotonic_ms() < deadline);
		cp_loop_turn(server->loop, 10);
	}
}

void fake_call_run(struct fake_server *server, struct cp_leg *leg)
{
	uint64_t deadline = cp_clock_monotonic_ms() + 20000;
	if (leg->started_us == 0)
		cp_leg_start(leg, 0);
	while (!leg->settled) {
		if (cp_clock_monotonic_ms() > deadline)
			fail_msg("the call does not end; so far: %s", fake_steps(server));
		cp_loop_turn(server->loop, 10);
	}
}

static const char *keep(struct cp_str text)
{
	return cp_arena_cstr(texts, text);
}

const char *fake_steps(struct fake_server *server)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf out = {0};
	for (size_t i = 0; i < server->request_count; ++i) {
		struct cp_str step = cp_url_step(cp_str(server->requests[i].url));
		struct cp_form form;
		cp_buf_printf(&out, "%s%.*s", i > 0 ? " " : "", CP_STR_ARG(step));
		assert_ok(cp_form_parse(cp_str(server->requests[i].body), texts, &form));
		if (cp_str_eq(step, CP_STR("status")))
			cp_buf_printf(&out, ":%.*s", CP_STR_ARG(cp_form_get(&form, "CallStatus")));
	}
	return keep(cp_buf_str(&out));
}

const char *fake_field(struct fake_server *server, const char *step, unsigned nth, const char *name)
{
	for (size_t i = 0; i < server->request_count; ++i) {
		struct cp_form form;
		if (!cp_str_eq(cp_url_step(cp_str(server->requests[i].url)), cp_str(step)) || nth-- > 0)
			continue;
		assert_ok(cp_form_parse(cp_str(server->requests[i].body), texts, &form));
		struct cp_str value = cp_form_get(&form, name);
		return value.ptr == NULL ? "(none)" : keep(value);
	}
	return "(none)";
}

static bool has_word(const char *words, const char *word)
{
	struct cp_str rest = cp_str(words);
	while (rest.ptr != NULL)
		if (cp_str_eq(cp_str_split(rest, ' ', &rest), cp_str(word)))
			return true;
	return false;
}

const char *fake_story(struct cp_leg *leg, const char *kinds)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf out = {0};
	size_t i;
	json_t *entry;
	json_array_foreach(leg->story, i, entry)
	{
		const char *kind = json_string_value(json_object_get(entry, "kind"));
		if (has_word(kinds, kind))
			cp_buf_printf(&out, "%s%s", out.len > 0 ? " " : "", kind);
	}
	return keep(cp_buf_str(&out));
}

const char *fake_story_member(struct cp_leg *leg, const char *kind, unsigned nth, const char *name)
{
	size_t i;
	json_t *entry;
	json_array_foreach(leg->story, i, entry)
	{
		if (strcmp(json_string_value(json_object_get(entry, "kind")), kind) != 0 || nth-- > 0)
			continue;
		const json_t *value = json_object_get(entry, name);
		if (json_is_string(value))
			return json_string_value(value);
		if (json_is_integer(value))
			return keep(cp_arena_printf(texts, "%lld", (long long)json_integer_value(value)));
		return value == NULL ? "(none)" : json_is_true(value) ? "true" : "false";
	}
	return "(none)";
}
