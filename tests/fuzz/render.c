/*
 * From a campaigner's texts and a plan's names to TwiML: whatever they hold, the sandbox's strict reader takes each document of a call.
 * Input: a byte that chooses the message, its text to the end of the line, a language, then name, title, district and location of the target.
 */
#include "fuzz.h"

#include "call/render.h"
#include "text/json.h"
#include "verbs.h"

static struct cp_campaign_settings *make_settings(enum cp_prompt prompt, struct cp_str text, struct cp_str language)
{
	struct cp_campaign_settings *settings = NULL;
	json_t *json = json_object(), *prompts = json_object(), *numbers = json_array();
	struct cp_arena *arena = cp_arena_new();
	json_object_set_new(json, "country", json_string("us"));
	json_object_set_new(json, "type", json_string("congress"));
	json_object_set_new(json, "language", cp_json_from_str(language.len == 0 ? CP_STR("en-US") : language));
	json_array_append_new(numbers, json_string("+15005550006"));
	json_object_set_new(json, "numbers", numbers);
	json_object_set_new(prompts, cp_prompt_info(prompt)->key, cp_json_from_str(text));
	json_object_set_new(json, "prompts", prompts);
	if (cp_campaign_settings_parse(cp_json_text(json, arena), &settings) != 0)
		settings = NULL;
	cp_arena_free(arena);
	json_decref(json);
	return settings;
}

static void check_document(const struct cp_call_scene *scene, struct cp_call_position position, const char *outcome)
{
	struct cp_arena *arena = cp_arena_new();
	struct cp_twiml_element *root;
	struct cp_buf document = {0};
	int code;
	MUST_HOLD(cp_call_render(scene, position, cp_str(outcome), &document) == 0);
	MUST_HOLD(cp_twiml_parse(cp_buf_str(&document), arena, &root) == 0);
	MUST_HOLD(cp_verbs_check(root, &code) == 0);
	cp_buf_free(&document);
	cp_arena_free(arena);
}

static void check_call(struct cp_campaign_settings *settings, const struct cp_plan *plan)
{
	const struct cp_plan_target *first = &plan->targets[0], *second = &plan->targets[1];
	struct cp_call_scene scene = {.settings = settings, .organization = first->name, .target_count = 2, .caller_id = CP_STR("+14155550123"),
	                              .session_url = CP_STR("https://x/voice/t/s"), .ring_timeout_s = 60, .talk_limit_s = 3600};
	check_document(&scene, (struct cp_call_position){CP_STATE_HUMAN, 0, 1}, "");
	check_document(&scene, (struct cp_call_position){CP_STATE_HUMAN, 0, 2}, "");
	scene.next = first;
	check_document(&scene, (struct cp_call_position){CP_STATE_TARGET, 1, 1}, "");
	scene.next = second;
	scene.done = first;
	check_document(&scene, (struct cp_call_position){CP_STATE_TARGET, 2, 1}, "busy");
	check_document(&scene, (struct cp_call_position){CP_STATE_TARGET, 2, 1}, "no-answer");
	scene.next = NULL;
	scene.done = second;
	check_document(&scene, (struct cp_call_position){CP_STATE_THANKS, 0, 0}, "unreachable");
	check_document(&scene, (struct cp_call_position){CP_STATE_GOODBYE, 0, 0}, "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cp_str text, rest;
	struct cp_plan_target targets[2] = {{.key = CP_STR("a"), .phone = CP_STR("+12025550101")}, {.key = CP_STR("b")}};
	struct cp_str *parts[] = {&targets[0].name, &targets[0].title, &targets[0].district, &targets[0].location};
	if (size == 0 || !cp_str_is_utf8(cp_str_n((const char *)data, size)))
		return 0;
	text = cp_str_split(cp_str_n((const char *)data + 1, size - 1), '\n', &rest);
	struct cp_campaign_settings *settings = make_settings((enum cp_prompt)(data[0] % CP_PROMPT_COUNT), text, cp_str_split(rest, '\n', &rest));
	if (settings == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); ++i)
		*parts[i] = cp_str_split(rest, '\n', &rest);
	targets[1].name = targets[0].location;
	check_call(settings, &(struct cp_plan){targets, 2});
	cp_campaign_settings_unref(settings);
	return 0;
}
