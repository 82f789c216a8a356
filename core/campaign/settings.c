#include "campaign/settings.h"

#include "base/arena.h"
#include "base/memory.h"
#include "text/json.h"
#include "text/phone.h"
#include "text/template.h"

#include <stdlib.h>

/* A text member and what it may look like. */
struct member {
	const char *name;
	size_t offset; /* of a struct cp_str in the settings */
	const char *preset; /* NULL: required */
	size_t max;
	bool (*fits)(struct cp_str text);
	const char *expected;
};

static bool is_word(struct cp_str text) /* letters, digits and dashes */
{
	for (size_t i = 0; i < text.len; ++i) {
		char c = text.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return text.len != 0;
}

static bool is_tag(struct cp_str text) /* letters, digits, dashes, dots, underscores: language tags and voice names */
{
	for (size_t i = 0; i < text.len; ++i) {
		char c = text.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
			return false;
	}
	return true;
}

static bool is_language(struct cp_str text)
{
	return text.len >= 2 && is_tag(text);
}

static bool is_postal(struct cp_str text)
{
	return cp_str_eq(text, CP_STR("postal"));
}

static bool is_redirect(struct cp_str text)
{
	if (text.len == 0)
		return true;
	for (size_t i = 0; i < text.len; ++i)
		if (text.ptr[i] <= ' ' || text.ptr[i] == '"' || text.ptr[i] == '<')
			return false;
	return cp_str_starts(text, CP_STR("https://"));
}

static bool is_any(struct cp_str text)
{
	(void)text;
	return true;
}

#define AT(member) offsetof(struct cp_campaign_settings, member)
static const struct member members[] = {
	{"country", AT(country), NULL, 8, is_word, "the code of a country in lower case, such as \"us\""},
	{"type", AT(type), NULL, 64, is_word, "one of the country's types of campaigns, such as \"congress\""},
	{"subtype", AT(subtype), "both", 64, is_word, "one of the type's subtypes, such as \"both\""},
	{"order", AT(order), "in-order", 64, is_word, "one of the type's orders, such as \"upper-first\""},
	{"locate_by", AT(locate_by), "postal", 16, is_postal, "\"postal\""},
	{"language", AT(language), NULL, 16, is_language, "a language tag such as \"en-US\""},
	{"voice", AT(voice), "", 64, is_tag, "the name of one of the carrier's voices, such as \"Polly.Joanna-Neural\""},
	{"organization", AT(organization), "", 255, is_any, "a name of at most 255 bytes"},
	{"script", AT(script), "", 65536, is_any, "a text of at most 64 KiB"},
	{"redirect", AT(redirect), "", 2048, is_redirect, "an https:// address"},
};

static int read_members(const json_t *json, struct cp_campaign_settings *settings)
{
	for (size_t i = 0; i < CP_COUNT(members); ++i) {
		const struct member *member = &members[i];
		struct cp_str text = cp_json_str(json, member->name);
		bool given = json_object_get(json, member->name) != NULL;
		if (!given && member->preset == NULL)
			return cp_fail(CP_E_INPUT, "%s is missing: it is %s", member->name, member->expected);
		if (!given)
			text = cp_str(member->preset);
		else if (text.ptr == NULL || text.len > member->max || !member->fits(text))
			return cp_fail(CP_E_INPUT, "%s must be %s", member->name, member->expected);
		struct cp_str copy = cp_arena_str(settings->arena, text);
		memcpy((char *)settings + member->offset, &copy, sizeof(copy));
	}
	return 0;
}

static int read_numbers(const json_t *json, struct cp_campaign_settings *settings)
{
	const json_t *numbers = json_object_get(json, "numbers"), *number;
	size_t i;
	if (json_array_size(numbers) == 0 || json_array_size(numbers) > CP_CAMPAIGN_MAX_NUMBERS)
		return cp_fail(CP_E_INPUT, "numbers must list 1 to %d of the organization's phone numbers", CP_CAMPAIGN_MAX_NUMBERS);
	json_array_foreach(numbers, i, number)
	{
		struct cp_str text = json_is_string(number) ? cp_str(json_string_value(number)) : CP_STR_NULL;
		if (!cp_phone_is_e164(text))
			return cp_fail(CP_E_INPUT, "numbers must be in the form +15005550006");
		settings->numbers[settings->number_count++] = cp_arena_str(settings->arena, text);
	}
	return 0;
}

static int read_choices(const json_t *json, struct cp_campaign_settings *settings)
{
	const json_t *maximum = json_object_get(json, "call_maximum");
	if (maximum != NULL && (!json_is_integer(maximum) || json_integer_value(maximum) < 0 || json_integer_value(maximum) > CP_CAMPAIGN_MAX_CALLS))
		return cp_fail(CP_E_INPUT, "call_maximum must be a number from 0 (no limit) to %d", CP_CAMPAIGN_MAX_CALLS);
	settings->call_maximum = (unsigned)json_integer_value(maximum);
	struct cp_str caller_id = json_object_get(json, "caller_id") == NULL ? CP_STR("supporter") : cp_json_str(json, "caller_id");
	if (cp_str_eq(caller_id, CP_STR("campaign")))
		settings->caller_id = CP_CALLER_ID_CAMPAIGN;
	else if (!cp_str_eq(caller_id, CP_STR("supporter")))
		return cp_fail(CP_E_INPUT, "caller_id must be \"supporter\" or \"campaign\"");
	return 0;
}

static size_t count_variables(const struct cp_prompt_info *info)
{
	size_t count = 0;
	while (info->variables[count] != NULL)
		++count;
	return count;
}

static int read_prompts(const json_t *json, struct cp_campaign_settings *settings)
{
	json_t *prompts = json_object_get(json, "prompts"), *text;
	const char *key;
	for (int i = 0; i < CP_PROMPT_COUNT; ++i)
		settings->prompts[i] = cp_prompt_preset((enum cp_prompt)i, settings->language);
	if (prompts != NULL && !json_is_object(prompts))
		return cp_fail(CP_E_INPUT, "prompts must be an object of message names and texts");
	json_object_foreach(prompts, key, text)
	{
		enum cp_prompt prompt;
		int error = cp_prompt_by_key(cp_str(key), &prompt);
		if (error != 0)
			return cp_fail(CP_E_INPUT, "prompts: there is no message %s", key);
		const struct cp_prompt_info *info = cp_prompt_info(prompt);
		if (!json_is_string(text))
			return cp_fail(CP_E_INPUT, "prompts: %s must be a text", key);
		struct cp_str template = cp_str_n(json_string_value(text), json_string_length(text));
		/* Twilio, "TwiML Voice: Say": 4,096 characters at most; the rest is for names. Longer ones would end every call. */
		if (template.len > CP_CAMPAIGN_MAX_PROMPT)
			return cp_fail(CP_E_INPUT, "prompts: %s may have at most %d bytes, as the carrier speaks no longer text", key, CP_CAMPAIGN_MAX_PROMPT);
		error = cp_template_check(template, info->variables, count_variables(info));
		if (error != 0)
			return cp_fail_in(error, "prompts: %s", key);
		settings->prompts[prompt] = cp_arena_str(settings->arena, template);
	}
	return 0;
}

static int refuse_unknown(json_t *json)
{
	static const char *const others[] = {"numbers", "call_maximum", "caller_id", "prompts"};
	const char *key;
	json_t *value;
	json_object_foreach(json, key, value)
	{
		bool known = false;
		for (size_t i = 0; i < CP_COUNT(members) && !known; ++i)
			known = strcmp(key, members[i].name) == 0;
		for (size_t i = 0; i < CP_COUNT(others) && !known; ++i)
			known = strcmp(key, others[i]) == 0;
		if (!known)
			return cp_fail(CP_E_INPUT, "a campaign has no member \"%s\"", key);
	}
	return 0;
}

int cp_campaign_settings_parse(struct cp_str text, struct cp_campaign_settings **ret_settings)
{
	CP_CLEANUP(cp_json_free_ptr) json_t *json = NULL;
	int error;
	if (text.len > CP_CAMPAIGN_MAX_JSON)
		return cp_fail(CP_E_LIMIT, "a campaign's settings may have at most %d bytes", CP_CAMPAIGN_MAX_JSON);
	if ((error = cp_json_parse(text, &json)) != 0)
		return error;
	if (!json_is_object(json))
		return cp_fail(CP_E_INPUT, "a campaign's settings are a JSON object");
	struct cp_campaign_settings *settings = cp_alloc(sizeof(*settings));
	settings->references = 1;
	settings->arena = cp_arena_new();
	if ((error = refuse_unknown(json)) != 0 || (error = read_members(json, settings)) != 0 || (error = read_numbers(json, settings)) != 0 ||
	    (error = read_choices(json, settings)) != 0 || (error = read_prompts(json, settings)) != 0) {
		cp_campaign_settings_unref(settings);
		return error;
	}
	*ret_settings = settings;
	return 0;
}

struct cp_campaign_settings *cp_campaign_settings_ref(struct cp_campaign_settings *settings)
{
	++settings->references;
	return settings;
}

struct cp_campaign_settings *cp_campaign_settings_unref(struct cp_campaign_settings *settings)
{
	if (settings == NULL || --settings->references != 0)
		return NULL;
	cp_arena_free(settings->arena);
	free(settings);
	return NULL;
}
