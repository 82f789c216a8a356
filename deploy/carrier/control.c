/* The control API: what tests and the page ask of the board (README.md, "Control"). */
#include "base/memory.h"
#include "present.h"
#include "service.h"
#include "text/form.h"

#include <stdlib.h>

enum { MAX_CALLS_SHOWN = 10000, PRESET_CALLS_SHOWN = 50, ASK_TIMEOUT_MS = 10000 };

/* A person's keys at a time. */
enum { MAX_KEYS = 40 };

static void refuse(struct cp_http_request *request, int status, const char *code, const char *sentence)
{
	cp_http_reply_error(request, status, code, sentence);
}

/*
 * The body of a POST. Its content type must be JSON, which no page of another origin can send without being asked first. False:
 * answered.
 */
static bool read_body(struct cp_http_request *request, json_t **ret_json)
{
	struct cp_str body = cp_http_body(request);
	if (!cp_service_is_local(request))
		return false;
	if (!cp_str_starts(cp_http_header(request, "content-type"), CP_STR("application/json"))) {
		refuse(request, 415, "not_json", "Content-Type must be application/json.");
		return false;
	}
	if (body.len == 0) {
		*ret_json = json_object();
		return true;
	}
	if (cp_json_parse(body, ret_json) < 0) {
		refuse(request, 400, "bad_json", cp_error_message());
		return false;
	}
	return true;
}

void cp_control_health(struct cp_http_request *request, void *data)
{
	struct cp_service *service = data;
	struct cp_switchboard *board = service->board;
	if (!cp_service_is_local(request))
		return;
	cp_service_reply(request, 200,
	                 json_pack("{s:b,s:i,s:i,s:f,s:b,s:b}", "ok", 1, "running", (int)board->active, "calls",
	                           (int)board->root_count, "speed", board->options.speed, "interactive",
	                           (int)board->options.interactive, "can_ask", service->server != NULL));
}

void cp_control_calls(struct cp_http_request *request, void *data)
{
	struct cp_service *service = data;
	struct cp_list *roots = &service->board->roots;
	struct cp_form form;
	uint64_t limit = PRESET_CALLS_SHOWN;
	if (!cp_service_is_local(request))
		return;
	if (cp_form_parse(cp_http_query(request), cp_http_arena(request), &form) < 0 ||
	    (cp_form_get(&form, "limit").ptr != NULL &&
	     cp_str_to_u64(cp_form_get(&form, "limit"), MAX_CALLS_SHOWN, &limit) < 0)) {
		refuse(request, 400, "bad_limit", "limit must be a whole number up to 10000.");
		return;
	}
	json_t *calls = json_array();
	for (struct cp_list *link = roots->next; link != roots && json_array_size(calls) < limit; link = link->next)
		json_array_append_new(calls, cp_present_whole(CP_CONTAINER_OF(link, struct cp_leg, link)));
	cp_service_reply(request, 200, json_pack("{s:o}", "calls", calls));
}

/* The leg that the path names; NULL where there is none: answered. */
static struct cp_leg *find_leg(struct cp_http_request *request, struct cp_service *service)
{
	struct cp_leg *leg = cp_switchboard_leg(service->board, cp_http_param(request, "call"));
	if (leg == NULL)
		refuse(request, 404, "no_such_call", "There is no call with this sid, or it has been forgotten.");
	return leg;
}

void cp_control_call(struct cp_http_request *request, void *data)
{
	if (!cp_service_is_local(request))
		return;
	struct cp_leg *leg = find_leg(request, data);
	if (leg != NULL)
		cp_service_reply(request, 200, cp_present_whole(leg));
}

static bool press(struct cp_http_request *request, struct cp_leg *leg, const json_t *body)
{
	const char *keys = json_string_value(json_object_get(body, "keys"));
	if (keys == NULL || keys[0] == '\0' || strlen(keys) > MAX_KEYS || keys[strspn(keys, "0123456789*#")] != '\0') {
		refuse(request, 400, "bad_keys", "keys must be 1 to 40 of 0-9 * #.");
		return false;
	}
	cp_leg_take_over(leg);
	cp_leg_press(leg, keys);
	return true;
}

/* False where it was refused: answered. */
static bool act(struct cp_http_request *request, struct cp_leg *leg, struct cp_str word, const json_t *body)
{
	if (cp_str_eq(word, CP_STR("keys")))
		return press(request, leg, body);
	if (cp_str_eq(word, CP_STR("answer"))) {
		cp_leg_take_over(leg);
		cp_leg_answer(leg);
	} else if (cp_str_eq(word, CP_STR("hangup"))) {
		cp_leg_take_over(leg);
		cp_leg_hang_up(leg);
	} else if (cp_str_eq(word, CP_STR("take-over"))) {
		cp_leg_take_over(leg);
	} else {
		refuse(request, 404, "no_such_act", "A telephone can answer, hangup, press keys, or be taken over (take-over).");
		return false;
	}
	return true;
}

void cp_control_act(struct cp_http_request *request, void *data)
{
	json_t *body;
	if (!read_body(request, &body))
		return;
	struct cp_leg *leg = find_leg(request, data);
	if (leg != NULL) {
		cp_leg_pin(leg); /* it must not be forgotten before the answer is written */
		bool done = act(request, leg, cp_http_param(request, "act"), body);
		json_t *head = done ? cp_present_head(leg) : NULL;
		cp_leg_unpin(leg);
		if (done)
			cp_service_reply(request, 200, head);
	}
	json_decref(body);
}

void cp_control_scenarios(struct cp_http_request *request, void *data)
{
	struct cp_service *service = data;
	if (cp_service_is_local(request))
		cp_service_reply(request, 200, cp_scenario_json(service->board->scenario));
}

void cp_control_change_scenarios(struct cp_http_request *request, void *data)
{
	struct cp_service *service = data;
	json_t *body;
	if (!read_body(request, &body))
		return;
	if (cp_scenario_apply(service->board->scenario, body) < 0)
		refuse(request, 400, "bad_scenario", cp_error_message());
	else
		cp_service_reply(request, 200, cp_scenario_json(service->board->scenario));
	json_decref(body);
}

void cp_control_reset(struct cp_http_request *request, void *data)
{
	struct cp_service *service = data;
	json_t *body;
	if (!read_body(request, &body))
		return;
	cp_switchboard_reset(service->board);
	cp_service_reply(request, 200, json_pack("{s:b}", "ok", 1));
	json_decref(body);
}

/* ---- asking the server for a call, on behalf of the page */

static void on_asked(void *data, int error, const struct cp_fetch_answer *answer)
{
	struct cp_http_request *request = data;
	json_t *json = NULL;
	if (error != 0) {
		refuse(request, 502, "server_away", cp_error_message());
		return;
	}
	if (cp_json_parse(answer->body, &json) < 0)
		json = json_null();
	cp_service_reply(request, answer->status < 400 ? 200 : 502,
	                 json_pack("{s:i,s:o}", "status", answer->status, "answer", json));
}

static json_t *call_wanted(const struct cp_service *service, const json_t *body)
{
	const char *phone = json_string_value(json_object_get(body, "phone")),
	           *location = json_string_value(json_object_get(body, "location"));
	if (phone == NULL)
		return NULL;
	return json_pack("{s:o,s:s,s:s,s:s}", "campaignId", cp_service_campaign(service->campaign), "userPhone", phone,
	                 "userLocation", location != NULL ? location : "", "userCountry", "US");
}

void cp_control_ask(struct cp_http_request *request, void *data)
{
	struct cp_service *service = data;
	json_t *body;
	if (!read_body(request, &body))
		return;
	json_t *wanted = service->server != NULL ? call_wanted(service, body) : NULL;
	json_decref(body);
	if (wanted == NULL) {
		refuse(request, service->server != NULL ? 400 : 409, service->server != NULL ? "no_phone" : "no_server",
		       service->server != NULL ? "phone is missing."
		                               : "The sandbox was started without --server and --campaign.");
		return;
	}
	struct cp_arena *arena = cp_http_arena(request);
	struct cp_fetch_request fetch = {
	    .method = "POST",
	    .url = cp_arena_printf(arena, "%s%s", service->server, service->path).ptr,
	    .body = cp_json_text(wanted, arena),
	    .content_type = "application/json",
	    .timeout_ms = ASK_TIMEOUT_MS,
	    .operator_destination = true,
	};
	json_decref(wanted);
	if (cp_fetch_start(service->fetcher, &fetch, on_asked, request, NULL) < 0)
		refuse(request, 502, "server_away", cp_error_message());
}
