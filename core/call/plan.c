#include "call/plan.h"

#include "base/memory.h"
#include "text/json.h"

struct cp_str cp_plan_write(const struct cp_plan *plan, struct cp_arena *arena)
{
	CP_CLEANUP(cp_json_free_ptr) json_t *json = json_object();
	json_t *targets = json_array();
	for (size_t i = 0; i < plan->count; ++i) {
		const struct cp_plan_target *target = &plan->targets[i];
		json_t *object = json_object();
		json_object_set_new(object, "key", cp_json_from_str(target->key));
		json_object_set_new(object, "title", cp_json_from_str(target->title));
		json_object_set_new(object, "name", cp_json_from_str(target->name));
		json_object_set_new(object, "district", cp_json_from_str(target->district));
		json_object_set_new(object, "location", cp_json_from_str(target->location));
		json_object_set_new(object, "phone", cp_json_from_str(target->phone));
		json_array_append_new(targets, object);
	}
	json_object_set_new(json, "targets", targets);
	return cp_json_text(json, arena);
}

static struct cp_str copy(const json_t *object, const char *key, struct cp_arena *arena)
{
	struct cp_str text = cp_json_str(object, key);
	return text.ptr == NULL ? text : cp_arena_str(arena, text);
}

int cp_plan_target_parse(struct cp_str text, struct cp_arena *arena, struct cp_plan_target *ret_target)
{
	CP_CLEANUP(cp_json_free_ptr) json_t *json = NULL;
	int error = cp_json_parse(text, &json);
	if (error != 0 || cp_json_str(json, "key").ptr == NULL || cp_json_str(json, "name").ptr == NULL)
		return cp_fail(CP_E_BUG, "a target of a stored plan is damaged");
	*ret_target = (struct cp_plan_target){
		.key = copy(json, "key", arena),
		.title = copy(json, "title", arena),
		.name = copy(json, "name", arena),
		.district = copy(json, "district", arena),
		.location = copy(json, "location", arena),
		.phone = copy(json, "phone", arena),
	};
	return 0;
}
