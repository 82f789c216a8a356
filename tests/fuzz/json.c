/* JSON of strangers: what is taken is written out as text that is taken again, and means the same. */
#include "fuzz.h"

#include "base/arena.h"
#include "text/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json, *again;
	if (cp_json_parse(cp_str_n((const char *)data, size), &json) != 0)
		return 0;
	struct cp_arena *arena = cp_arena_new();
	MUST_HOLD(cp_json_parse(cp_json_text(json, arena), &again) == 0);
	MUST_HOLD(json_equal(json, again));
	json_decref(again);
	json_decref(json);
	cp_arena_free(arena);
	return 0;
}
