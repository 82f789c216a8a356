#include "scenario.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_SECONDS = 86400, MAX_DELAY_MS = 600000, MAX_FAILURES = 1000000 };

struct cp_scenario {
	json_t *parts; /* as given, with the names of `parts_known` */
	unsigned failures_left;
};

static const char *const outcomes[] = {
    [CP_OUTCOME_ANSWER] = "answer",           [CP_OUTCOME_BUSY] = "busy",     [CP_OUTCOME_NO_ANSWER] = "no-answer",
    [CP_OUTCOME_REJECT] = "reject",           [CP_OUTCOME_FAILED] = "failed", [CP_OUTCOME_INTERACTIVE] = "interactive",
    [CP_OUTCOME_INVALID] = "invalid",         [CP_OUTCOME_REGION] = "region", [CP_OUTCOME_BLOCKED] = "blocked",
    [CP_OUTCOME_UNREACHABLE] = "unreachable",
};

const char *cp_outcome_word(enum cp_outcome outcome)
{
	return outcomes[outcome];
}

/* ---- reading, with the name at fault in the message */

static int wrong(const char *name, const char *wanted)
{
	return cp_fail(CP_E_INPUT, "\"%s\" must be %s", name, wanted);
}

static int read_number(const char *name, json_t *value, double max, double *ret_number)
{
	if (!json_is_number(value) || !(json_number_value(value) >= 0) || json_number_value(value) > max)
		return cp_fail(CP_E_INPUT, "\"%s\" must be a number from 0 to %.0f", name, max);
	*ret_number = json_number_value(value);
	return 0;
}

static int read_count(const char *name, json_t *value, unsigned max, unsigned *ret_count)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
		return cp_fail(CP_E_INPUT, "\"%s\" must be a whole number from 0 to %u", name, max);
	*ret_count = (unsigned)json_integer_value(value);
	return 0;
}

static int read_bool(const char *name, json_t *value, bool *ret_bool)
{
	if (!json_is_boolean(value))
		return wrong(name, "true or false");
	*ret_bool = json_is_true(value);
	return 0;
}

static int read_keys_text(json_t *value, char out[CP_SCENARIO_KEYS_SIZE])
{
	const char *text = json_is_null(value) ? "" : json_string_value(value);
	if (text == NULL || strlen(text) >= CP_SCENARIO_KEYS_SIZE || text[strspn(text, "0123456789*#")] != '\0')
		return wrong("keys", "keys 0-9 * #, fewer than 40 at a time");
	snprintf(out, CP_SCENARIO_KEYS_SIZE, "%s", text);
	return 0;
}

static int read_keys(json_t *value, struct cp_phone_script *phone)
{
	phone->same_keys = json_is_string(value);
	phone->key_count = 0;
	if (phone->same_keys)
		return read_keys_text(value, phone->keys[0]);
	if (json_is_null(value))
		return 0;
	if (!json_is_array(value) || json_array_size(value) > CP_SCENARIO_MAX_KEYS)
		return wrong("keys", "text, or an array of at most 32 texts");
	size_t i;
	json_t *item;
	json_array_foreach(value, i, item)
	{
		int r = read_keys_text(item, phone->keys[i]);
		if (r < 0)
			return r;
	}
	phone->key_count = (unsigned)json_array_size(value);
	return 0;
}

static int read_where(json_t *value, struct cp_phone_script *phone)
{
	static const struct {
		const char *word;
		enum cp_where where;
	} words[] = {{"answer", CP_WHERE_ANSWER}, {"gather", CP_WHERE_GATHER}, {"dial", CP_WHERE_DIAL}, {"talk", CP_WHERE_TALK}};
	const char *text = json_string_value(value);
	for (size_t i = 0; text != NULL && i < CP_COUNT(words); ++i)
		if (strcmp(text, words[i].word) == 0) {
			phone->hang_up_at = words[i].where;
			return 0;
		}
	if (text == NULL || strncmp(text, "step:", 5) != 0 || text[5] == '\0' || strlen(text) - 5 >= CP_SCENARIO_WHERE_SIZE)
		return wrong("at", "answer, gather, dial, talk or step:NAME");
	snprintf(phone->hang_up_step, sizeof(phone->hang_up_step), "%s", text + 5);
	phone->hang_up_at = CP_WHERE_STEP;
	return 0;
}

static int read_hang_up(json_t *value, struct cp_phone_script *phone)
{
	phone->hang_up_at = CP_WHERE_NOWHERE;
	phone->hang_up_nth = 1;
	phone->hang_up_after = 0;
	if (json_is_null(value))
		return 0;
	if (!json_is_object(value))
		return wrong("hang_up", "an object");
	phone->hang_up_at = CP_WHERE_ANSWER;
	const char *name;
	json_t *item;
	json_object_foreach(value, name, item)
	{
		int r;
		if (strcmp(name, "at") == 0)
			r = read_where(item, phone);
		else if (strcmp(name, "nth") == 0)
			r = read_count(name, item, 1000, &phone->hang_up_nth);
		else if (strcmp(name, "after") == 0)
			r = read_number(name, item, MAX_SECONDS, &phone->hang_up_after);
		else
			r = cp_fail(CP_E_INPUT, "\"hang_up\" has no part \"%s\"", name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_star(json_t *value, struct cp_phone_script *phone)
{
	phone->star = !json_is_null(value);
	phone->star_nth = 1;
	phone->star_after = 0;
	if (!phone->star)
		return 0;
	if (!json_is_object(value))
		return wrong("star", "an object");
	const char *name;
	json_t *item;
	json_object_foreach(value, name, item)
	{
		int r;
		if (strcmp(name, "nth") == 0)
			r = read_count(name, item, 1000, &phone->star_nth);
		else if (strcmp(name, "after") == 0)
			r = read_number(name, item, MAX_SECONDS, &phone->star_after);
		else
			r = cp_fail(CP_E_INPUT, "\"star\" has no part \"%s\"", name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_disorder(json_t *value, struct cp_disorder *disorder)
{
	if (!json_is_object(value))
		return wrong("callbacks", "an object");
	const char *name;
	json_t *item;
	json_object_foreach(value, name, item)
	{
		int r;
		if (strcmp(name, "duplicate") == 0)
			r = read_bool(name, item, &disorder->duplicate);
		else if (strcmp(name, "reorder") == 0)
			r = read_bool(name, item, &disorder->reorder);
		else if (strcmp(name, "drop") == 0)
			r = read_bool(name, item, &disorder->drop);
		else if (strcmp(name, "delay_ms") == 0)
			r = read_count(name, item, MAX_DELAY_MS, &disorder->delay_ms);
		else
			r = cp_fail(CP_E_INPUT, "\"callbacks\" has no part \"%s\"", name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_outcome(json_t *value, enum cp_outcome *ret_outcome)
{
	const char *text = json_string_value(value);
	for (size_t i = 0; text != NULL && i < CP_COUNT(outcomes); ++i)
		if (strcmp(text, outcomes[i]) == 0) {
			*ret_outcome = (enum cp_outcome)i;
			return 0;
		}
	return wrong("outcome", "answer, busy, no-answer, reject, failed, interactive, invalid, unreachable, region or blocked");
}

static int read_part(const char *name, json_t *value, struct cp_phone_script *phone)
{
	if (strcmp(name, "outcome") == 0)
		return read_outcome(value, &phone->outcome);
	if (strcmp(name, "answer_after") == 0)
		return read_number(name, value, MAX_SECONDS, &phone->answer_after);
	if (strcmp(name, "key_after") == 0)
		return read_number(name, value, MAX_SECONDS, &phone->key_after);
	if (strcmp(name, "talk") == 0)
		return read_number(name, value, MAX_SECONDS, &phone->talk);
	if (strcmp(name, "barge_in") == 0)
		return read_bool(name, value, &phone->barge_in);
	if (strcmp(name, "keys") == 0)
		return read_keys(value, phone);
	if (strcmp(name, "hang_up") == 0)
		return read_hang_up(value, phone);
	if (strcmp(name, "star") == 0)
		return read_star(value, phone);
	if (strcmp(name, "callbacks") == 0) {
		phone->has_disorder = true;
		phone->disorder = (struct cp_disorder){0};
		return read_disorder(value, &phone->disorder);
	}
	return cp_fail(CP_E_INPUT, "a telephone has no part \"%s\"", name);
}

static int read_phone(json_t *value, struct cp_phone_script *phone)
{
	if (!json_is_object(value))
		return cp_fail(CP_E_INPUT, "a telephone must be an object");
	const char *name;
	json_t *item;
	json_object_foreach(value, name, item)
	{
		int r = read_part(name, item, phone);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- checking a change before it is made */

static int check_phones(json_t *value)
{
	struct cp_phone_script phone = {0};
	if (!json_is_object(value) || json_object_size(value) > CP_SCENARIO_MAX_PHONES)
		return wrong("phones", "an object of at most 10000 numbers");
	const char *number;
	json_t *item;
	json_object_foreach(value, number, item)
	{
		size_t digits = number[0] == '+' ? strspn(number + 1, "0123456789") : 0;
		const char *end = number + 1 + digits;
		if (number[0] != '+' || digits > 15 || !(end[0] == '\0' || strcmp(end, "*") == 0))
			return cp_fail(CP_E_INPUT, "\"phones\": \"%s\" is neither an E.164 number nor a prefix with * at its end",
			               number);
		int r = read_phone(item, &phone);
		if (r < 0)
			return cp_fail_in(r, "\"%s\"", number);
	}
	return 0;
}

static int check_webhooks(json_t *value)
{
	bool ignored;
	if (!json_is_object(value))
		return wrong("webhooks", "an object");
	const char *name;
	json_t *item;
	json_object_foreach(value, name, item)
	{
		int r = strcmp(name, "duplicate") == 0 ? read_bool(name, item, &ignored)
		                                       : cp_fail(CP_E_INPUT, "\"webhooks\" has no part \"%s\"", name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_rest(json_t *value)
{
	unsigned ignored = 0;
	if (!json_is_object(value))
		return wrong("rest", "an object");
	const char *name;
	json_t *item;
	json_object_foreach(value, name, item)
	{
		int r;
		if (strcmp(name, "fail_next") == 0)
			r = read_count(name, item, MAX_FAILURES, &ignored);
		else if (strcmp(name, "status") == 0)
			r = read_count(name, item, 599, &ignored) < 0 || ignored < 400
			        ? wrong(name, "an HTTP status from 400 to 599")
			        : 0;
		else if (strcmp(name, "code") == 0)
			r = read_count(name, item, 999999, &ignored);
		else if (strcmp(name, "message") == 0)
			r = json_is_string(item) ? 0 : wrong(name, "text");
		else
			r = cp_fail(CP_E_INPUT, "\"rest\" has no part \"%s\"", name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_part(const char *name, json_t *value)
{
	struct cp_phone_script phone = {0};
	if (strcmp(name, "supporter") == 0 || strcmp(name, "target") == 0)
		return read_phone(value, &phone);
	if (strcmp(name, "phones") == 0)
		return check_phones(value);
	if (strcmp(name, "callbacks") == 0)
		return read_disorder(value, &phone.disorder);
	if (strcmp(name, "webhooks") == 0)
		return check_webhooks(value);
	if (strcmp(name, "rest") == 0)
		return check_rest(value);
	return cp_fail(CP_E_INPUT, "a scenario has no part \"%s\"", name);
}

int cp_scenario_apply(struct cp_scenario *scenario, json_t *change)
{
	if (!json_is_object(change))
		return cp_fail(CP_E_INPUT, "a scenario is a JSON object");
	const char *name;
	json_t *item;
	json_object_foreach(change, name, item)
	{
		int r = check_part(name, item);
		if (r < 0)
			return strcmp(name, "phones") == 0 ? r : cp_fail_in(r, "%s", name);
	}
	json_object_foreach(change, name, item)
	{
		json_object_set_new(scenario->parts, name, json_deep_copy(item));
		if (strcmp(name, "rest") == 0)
			scenario->failures_left = (unsigned)json_integer_value(json_object_get(item, "fail_next"));
	}
	return 0;
}

/* ---- life */

struct cp_scenario *cp_scenario_new(void)
{
	struct cp_scenario *scenario = cp_alloc(sizeof(*scenario));
	scenario->parts = json_pack("{s:{s:s,s:i,s:s,s:i}, s:{s:s,s:i,s:i}, s:{}, s:{}, s:{}, s:{}}",                 /**/
	                            "supporter", "outcome", "answer", "answer_after", 2, "keys", "1", "key_after", 1, /**/
	                            "target", "outcome", "answer", "answer_after", 3, "talk", 20,                     /**/
	                            "phones", "callbacks", "webhooks", "rest");
	return scenario;
}

struct cp_scenario *cp_scenario_copy(const struct cp_scenario *scenario)
{
	struct cp_scenario *copy = cp_alloc(sizeof(*copy));
	copy->parts = json_deep_copy(scenario->parts);
	copy->failures_left = scenario->failures_left;
	return copy;
}

struct cp_scenario *cp_scenario_free(struct cp_scenario *scenario)
{
	if (scenario != NULL)
		json_decref(scenario->parts);
	free(scenario);
	return NULL;
}

json_t *cp_scenario_json(const struct cp_scenario *scenario)
{
	return json_deep_copy(scenario->parts);
}

/* ---- asking */

/* The telephone's own part: the number itself, else the longest prefix. */
static json_t *own_part(const json_t *phones, const char *number)
{
	json_t *own = json_object_get(phones, number);
	for (size_t len = strlen(number); own == NULL && len > 0; --len) {
		char prefix[32];
		snprintf(prefix, sizeof(prefix), "%.*s*", (int)(len < 30 ? len : 30), number);
		own = json_object_get(phones, prefix);
	}
	return own;
}

void cp_scenario_phone(const struct cp_scenario *scenario, const char *number, bool target, struct cp_phone_script *ret_phone)
{
	*ret_phone = (struct cp_phone_script){.outcome = CP_OUTCOME_ANSWER,
	                                      .answer_after = target ? 3 : 2,
	                                      .key_after = 1,
	                                      .talk = target ? 20 : 0,
	                                      .same_keys = !target};
	if (!target)
		snprintf(ret_phone->keys[0], sizeof(ret_phone->keys[0]), "1");
	json_t *own = own_part(json_object_get(scenario->parts, "phones"), number);
	/* checked when they were applied */
	if (read_phone(json_object_get(scenario->parts, target ? "target" : "supporter"), ret_phone) < 0 ||
	    (own != NULL && read_phone(own, ret_phone) < 0))
		abort();
}

struct cp_disorder cp_scenario_callbacks(const struct cp_scenario *scenario)
{
	struct cp_disorder disorder = {0};
	if (read_disorder(json_object_get(scenario->parts, "callbacks"), &disorder) < 0)
		abort();
	return disorder;
}

bool cp_scenario_duplicates_webhooks(const struct cp_scenario *scenario)
{
	return json_is_true(json_object_get(json_object_get(scenario->parts, "webhooks"), "duplicate"));
}

bool cp_scenario_take_failure(struct cp_scenario *scenario, struct cp_rest_failure *ret_failure)
{
	if (scenario->failures_left == 0)
		return false;
	--scenario->failures_left;
	const json_t *rest = json_object_get(scenario->parts, "rest");
	const json_t *status = json_object_get(rest, "status"), *code = json_object_get(rest, "code");
	const char *message = json_string_value(json_object_get(rest, "message"));
	ret_failure->status = status == NULL ? 429 : (int)json_integer_value(status);
	ret_failure->code = code == NULL ? 20429 : (int)json_integer_value(code);
	ret_failure->message = message == NULL ? "Too Many Requests" : message;
	return true;
}
