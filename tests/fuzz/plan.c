/*
 * A session's plan as it comes from the database. What the reader takes is JSON, means what jansson says it means, and is written out and read
 * again the same. (jansson takes more: our reader knows plans only.)
 */
#include "fuzz.h"

#include "call/plan.h"
#include "text/json.h"

static bool same(struct cp_str a, struct cp_str b)
{
	return (a.ptr == NULL) == (b.ptr == NULL) && cp_str_eq(a, b);
}

static bool same_target(const struct cp_plan_target *a, const struct cp_plan_target *b)
{
	return same(a->key, b->key) && same(a->title, b->title) && same(a->name, b->name) && same(a->district, b->district) &&
	       same(a->location, b->location) && same(a->phone, b->phone);
}

static void check_against_json(const struct cp_plan *plan, const json_t *array)
{
	MUST_HOLD(json_array_size(array) == plan->count);
	for (size_t i = 0; i < plan->count; ++i) {
		const json_t *object = json_array_get(array, i);
		const struct cp_plan_target wanted = {cp_json_str(object, "key"),      cp_json_str(object, "title"),    cp_json_str(object, "name"),
		                                      cp_json_str(object, "district"), cp_json_str(object, "location"), cp_json_str(object, "phone")};
		MUST_HOLD(same_target(&plan->targets[i], &wanted));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cp_arena *arena = cp_arena_new();
	struct cp_str text = cp_str_n((const char *)data, size);
	struct cp_plan plan, again;
	json_t *json;
	/* the database holds text only, and never a name twice: jansson refuses both, our reader need not */
	if (cp_plan_parse(text, arena, &plan) == 0 && cp_json_parse(text, &json) == 0) {
		check_against_json(&plan, json_object_get(json, "targets"));
		json_decref(json);
		MUST_HOLD(cp_plan_parse(cp_plan_write(&plan, arena), arena, &again) == 0 && again.count == plan.count);
		for (size_t i = 0; i < plan.count; ++i)
			MUST_HOLD(same_target(&plan.targets[i], &again.targets[i]));
	}
	cp_arena_free(arena);
	return 0;
}
