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

int cp_plan_parse(struct cp_str text, struct cp_arena *arena, struct cp_plan *ret_plan)
{
	CP_CLEANUP(cp_json_free_ptr) json_t *json = NULL;
	int error = cp_json_parse(text, &json);
	const json_t *array = error == 0 ? json_object_get(json, "targets") : NULL;
	size_t count = json_array_size(array);
	if (count == 0)
		return cp_fail(CP_E_BUG, "a stored plan has no targets");
	struct cp_plan_target *targets = cp_arena_alloc_array(arena, count, sizeof(*targets));
	for (size_t i = 0; i < count; ++i) {
		const json_t *object = json_array_get(array, i);
		targets[i] = (struct cp_plan_target){
			.key = copy(object, "key", arena),
			.title = copy(object, "title", arena),
			.name = copy(object, "name", arena),
			.district = copy(object, "district", arena),
			.location = copy(object, "location", arena),
			.phone = copy(object, "phone", arena),
		};
	}
	*ret_plan = (struct cp_plan){targets, count};
	return 0;
}
