/*
 * Divisions and seats. A district exists where a postal code or a member names it; a seat without a member is a vacancy.
 *
 * Ids are those of the Open Civic Data project: a state is .../state:ca, the capital .../district:dc, a territory
 * .../territory:pr, a numbered district .../state:ca/cd:11. Where one member sits for the whole, the state's own id serves (the
 * project's alias cd:1 or cd:at-large is not used), so that Wyoming's member of the House and its senators share one division.
 */
#include "us.h"

#include <string.h>

static struct provider_str state_division(struct us *us, const struct us_state *state)
{
	static const char *const words[] = {[US_STATE] = "state", [US_DISTRICT] = "district", [US_TERRITORY] = "territory"};
	char code[3] = {(char)(state->code[0] | 0x20), (char)(state->code[1] | 0x20), '\0'};
	return kit_printf(us->call, "ocd-division/country:us/%s:%s", words[state->kind], code);
}

static int emit_division(struct us *us, struct provider_str id, struct provider_str parent, struct provider_str name,
                         struct provider_from from)
{
	struct provider_division record = {.size = sizeof(record), .id = id, .parent = parent, .name = name, .from = from};
	return id.ptr == NULL || name.ptr == NULL ? us_out_of_memory(us) : us->sink->division(us->sink->ctx, &record);
}

static int emit_states(struct us *us, bool *used)
{
	struct provider_str country = KIT_STR("ocd-division/country:us"), none = {NULL, 0};
	int rc = emit_division(us, country, none, KIT_STR("United States"), us_from(US_MEMBERS, 0));
	for (size_t i = 0; i < us_state_count && rc == 0; ++i)
		if (used[i])
			rc = emit_division(us, state_division(us, &us_states[i]), country, kit_str(us_states[i].name),
			                   us_from(US_MEMBERS, 0));
	return rc;
}

static const char *ordinal(uint32_t number)
{
	if (number % 100 >= 11 && number % 100 <= 13)
		return "th";
	return number % 10 == 1 ? "st" : number % 10 == 2 ? "nd" : number % 10 == 3 ? "rd" : "th";
}

static int emit_district_division(struct us *us, struct us_district *district)
{
	struct provider_str parent = state_division(us, district->state);
	if (parent.ptr == NULL)
		return us_out_of_memory(us);
	if (district->number == 0) {
		district->division = parent;
		return 0;
	}
	district->division = kit_printf(us->call, "%.*s/cd:%u", KIT_STR_ARG(parent), district->number);
	return emit_division(us, district->division, parent,
	                     kit_printf(us->call, "%s, %u%s congressional district", district->state->name, district->number,
	                                ordinal(district->number)),
	                     district->from);
}

static int emit_house_seat(struct us *us, const struct us_district *district)
{
	const struct us_state *state = district->state;
	const char *title = state->kind == US_STATE          ? "Representative"
	                    : strcmp(state->code, "PR") == 0 ? "Resident Commissioner"
	                                                     : "Delegate";
	struct provider_post record = {
	    .size = sizeof(record),
	    .id = us_post_id(us, US_HOUSE, state, district->number),
	    .division = district->division,
	    .body = KIT_STR("congress"),
	    .chamber = KIT_STR("house"),
	    .title = kit_str(title),
	    .district = us_district_label(us, state, district->number),
	    .classification = PROVIDER_LOWER,
	    .flags = state->kind == US_STATE ? PROVIDER_POST_VOTING : 0,
	    .from = district->from,
	};
	if (record.id.ptr == NULL || record.district.ptr == NULL)
		return us_out_of_memory(us);
	int rc = us->sink->post(us->sink->ctx, &record);
	if (rc != 0 || district->member != UINT32_MAX)
		return rc;
	return us_warn(us, PROVIDER_W_VACANCY, record.id, district->from.document, district->from.line,
	               kit_printf(us->call, "%.*s has no member of the House: the list of members names nobody for it.",
	                          KIT_STR_ARG(record.district)));
}

static int emit_senate_seat(struct us *us, const struct us_state *state, uint32_t class, bool vacant)
{
	struct provider_post record = {
	    .size = sizeof(record),
	    .id = us_post_id(us, US_SENATE, state, class),
	    .division = state_division(us, state),
	    .body = KIT_STR("congress"),
	    .chamber = KIT_STR("senate"),
	    .title = KIT_STR("Senator"),
	    .district = kit_str(state->code),
	    .classification = PROVIDER_UPPER,
	    .flags = PROVIDER_POST_VOTING,
	    .from = us_from(US_MEMBERS, 0),
	};
	if (record.id.ptr == NULL || record.division.ptr == NULL)
		return us_out_of_memory(us);
	int rc = us->sink->post(us->sink->ctx, &record);
	if (rc != 0 || !vacant)
		return rc;
	return us_warn(us, PROVIDER_W_VACANCY, record.id, US_MEMBERS, 0,
	               kit_printf(us->call, "The seat of class %u of %s in the Senate has no holder in the list of members.",
	                          class, state->name));
}

int us_emit_districts(struct us *us)
{
	bool used[64] = {false};
	for (uint32_t i = 0; i < us->district_count; ++i)
		used[us_state_index(us->districts[i].state)] = true;
	for (size_t i = 0; i < us_state_count; ++i)
		used[i] = used[i] || us_states[i].kind == US_STATE;
	int rc = emit_states(us, used);
	for (uint32_t i = 0; i < us->district_count && rc == 0; ++i)
		rc = emit_district_division(us, &us->districts[i]);
	for (uint32_t i = 0; i < us->district_count && rc == 0; ++i)
		rc = emit_house_seat(us, &us->districts[i]);
	for (size_t i = 0; i < us_state_count && rc == 0; ++i) {
		const struct us_state *state = &us_states[i];
		if (state->kind == US_STATE)
			rc = emit_senate_seat(us, state, state->first_class, us->senators[i][0] == 0);
		if (rc == 0 && state->kind == US_STATE)
			rc = emit_senate_seat(us, state, state->second_class, us->senators[i][1] == 0);
	}
	return rc;
}
