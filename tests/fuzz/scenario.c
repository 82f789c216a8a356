/* Scenarios: what is taken can be asked for any telephone; what is refused changes nothing. */
#include "fuzz.h"

#include "scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json;
	if (cp_json_parse(cp_str_n((const char *)data, size), &json) < 0)
		return 0;
	struct cp_scenario *scenario = cp_scenario_new();
	struct cp_phone_script phone;
	json_t *before = cp_scenario_json(scenario);
	if (cp_scenario_apply(scenario, json) < 0) {
		json_t *after = cp_scenario_json(scenario);
		MUST_HOLD(json_equal(before, after));
		json_decref(after);
	}
	cp_scenario_phone(scenario, "+12025550101", false, &phone);
	cp_scenario_phone(scenario, "+12025550101", true, &phone);
	cp_scenario_callbacks(scenario);
	json_decref(before);
	json_decref(json);
	cp_scenario_free(scenario);
	return 0;
}
