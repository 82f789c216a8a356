/*
 * The members of Congress (legislators-current.yaml). Who stands in the file serves: a listed end of term that has passed is only
 * warned of, since appointed senators keep serving past it. The last term is the present one.
 */
#include "us.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static struct provider_str member_name(struct us *us, const struct kit_yaml_node *name, const struct us_member *member)
{
	struct provider_str full = kit_yaml_text_of(name, "official_full");
	if (full.len != 0)
		return full;
	struct provider_str given = kit_yaml_text_of(name, "nickname"), suffix = kit_yaml_text_of(name, "suffix");
	if (given.len == 0)
		given = member->given_name;
	return kit_printf(us->call, "%.*s %.*s%s%.*s", KIT_STR_ARG(given), KIT_STR_ARG(member->family_name),
	                  suffix.len == 0 ? "" : ", ", KIT_STR_ARG(suffix));
}

/* A member who was elected again may stand there without the new term's phone for some weeks: the old one rings in the same
 * office. */
static struct provider_str phone_of(struct us *us, const struct kit_yaml_node *terms, const struct kit_yaml_node *term)
{
	struct provider_str phone = kit_yaml_text_of(term, "phone");
	if (phone.len == 0 && terms->count >= 2) {
		const struct kit_yaml_node *before = terms->values[terms->count - 2];
		if (kit_str_eq(kit_yaml_text_of(before, "type"), kit_yaml_text_of(term, "type")) &&
		    kit_str_eq(kit_yaml_text_of(before, "state"), kit_yaml_text_of(term, "state")))
			phone = kit_yaml_text_of(before, "phone");
	}
	return us_phone(us, phone);
}

static uint32_t rank_of(struct provider_str state_rank)
{
	return kit_str_is(state_rank, "senior") ? 1 : kit_str_is(state_rank, "junior") ? 2 : 0;
}

/* The seat: a district of the House, or a class of the Senate; nobody else may hold it. */
static int take_district(struct us *us, struct us_member *member, const struct kit_yaml_node *term)
{
	struct provider_str district = kit_yaml_text_of(term, "district");
	if (!kit_str_number(district, 99, &member->number))
		return us_fail(us, PROVIDER_E_INPUT, US_MEMBERS, term->line, "%.*s has no district", KIT_STR_ARG(member->name));
	uint32_t index = us_district(us, member->state, member->number, us_from(US_MEMBERS, term->line));
	if (index == UINT32_MAX)
		return us_out_of_memory(us);
	struct us_district *seat = &us->districts[index];
	if (seat->member != UINT32_MAX)
		return us_fail(us, PROVIDER_E_INPUT, US_MEMBERS, term->line,
		               "%.*s and %.*s (line %u) both sit for district %u of %s", KIT_STR_ARG(member->name),
		               KIT_STR_ARG(us->members[seat->member].name), us->members[seat->member].line, member->number,
		               member->state->code);
	seat->member = us->member_count;
	return 0;
}

static int take_senate_seat(struct us *us, struct us_member *member, const struct kit_yaml_node *term)
{
	const struct us_state *state = member->state;
	if (!kit_str_number(kit_yaml_text_of(term, "class"), 3, &member->number) || member->number == 0 ||
	    (member->number != state->first_class && member->number != state->second_class))
		return us_fail(us, PROVIDER_E_INPUT, US_MEMBERS, term->line, "%.*s: %s has no seat of that class in the Senate",
		               KIT_STR_ARG(member->name), state->name);
	uint32_t *seat = &us->senators[us_state_index(state)][member->number == state->second_class];
	if (*seat != 0)
		return us_fail(us, PROVIDER_E_INPUT, US_MEMBERS, term->line,
		               "%.*s and %.*s (line %u) both hold the seat of class %u of %s", KIT_STR_ARG(member->name),
		               KIT_STR_ARG(us->members[*seat - 1].name), us->members[*seat - 1].line, member->number,
		               state->code);
	*seat = us->member_count + 1;
	return 0;
}

static int read_identity(struct us *us, const struct kit_yaml_node *person, struct us_member *member)
{
	const struct kit_yaml_node *name = kit_yaml_get(person, "name");
	struct provider_str id = kit_yaml_text_of(kit_yaml_get(person, "id"), "bioguide");
	if (id.len == 0)
		return us_fail(us, PROVIDER_E_INPUT, US_MEMBERS, person->line, "a person has no bioguide id");
	member->id = kit_printf(us->call, "bioguide:%.*s", KIT_STR_ARG(id));
	member->given_name = kit_yaml_text_of(name, "first");
	member->family_name = kit_yaml_text_of(name, "last");
	member->name = member_name(us, name, member);
	if (member->id.ptr == NULL || member->name.ptr == NULL)
		return us_out_of_memory(us);
	if (member->family_name.len == 0)
		return us_fail(us, PROVIDER_E_INPUT, US_MEMBERS, person->line, "%.*s has no family name",
		               KIT_STR_ARG(member->id));
	return 0;
}

static int read_member(struct us *us, const struct kit_yaml_node *person)
{
	struct us_member member = {.line = person->line};
	int rc = read_identity(us, person, &member);
	if (rc != 0)
		return rc;
	const struct kit_yaml_node *terms = kit_yaml_get(person, "terms");
	if (terms == NULL || terms->type != KIT_YAML_SEQUENCE || terms->count == 0)
		return us_fail(us, PROVIDER_E_INPUT, US_MEMBERS, person->line, "%.*s has no terms", KIT_STR_ARG(member.name));
	const struct kit_yaml_node *term = terms->values[terms->count - 1];
	struct provider_str type = kit_yaml_text_of(term, "type"), state = kit_yaml_text_of(term, "state");
	member.state = us_state_find(state);
	if (member.state == NULL)
		return us_fail(us, PROVIDER_E_INPUT, US_MEMBERS, term->line, "%.*s: \"%.*s\" is no state",
		               KIT_STR_ARG(member.name), KIT_STR_ARG(state));
	if (!kit_str_is(type, "sen") && !kit_str_is(type, "rep"))
		return us_fail(us, PROVIDER_E_INPUT, US_MEMBERS, term->line, "%.*s: \"%.*s\" is neither sen nor rep",
		               KIT_STR_ARG(member.name), KIT_STR_ARG(type));
	member.chamber = kit_str_is(type, "sen") ? US_SENATE : US_HOUSE;
	member.party = kit_yaml_text_of(term, "party");
	member.caucus = kit_yaml_text_of(term, "caucus");
	member.start = kit_yaml_text_of(term, "start");
	member.end = kit_yaml_text_of(term, "end");
	member.rank = rank_of(kit_yaml_text_of(term, "state_rank"));
	member.office = kit_yaml_text_of(term, "address");
	member.phone = phone_of(us, terms, term);
	if (us_grow(us, &us->members, us->member_count, &us->member_capacity, sizeof(*us->members)) != 0)
		return us_out_of_memory(us);
	int added = kit_map_add(us->member_index, member.id, us->member_count);
	if (added == 0)
		return us_fail(us, PROVIDER_E_INPUT, US_MEMBERS, person->line, "%.*s (%.*s) is listed twice, first in line %u",
		               KIT_STR_ARG(member.name), KIT_STR_ARG(member.id),
		               us->members[kit_map_get(us->member_index, member.id)].line);
	if (added < 0)
		return us_out_of_memory(us);
	rc = member.chamber == US_HOUSE ? take_district(us, &member, term) : take_senate_seat(us, &member, term);
	if (rc != 0)
		return rc;
	us->members[us->member_count++] = member;
	return 0;
}

int us_read_members(struct us *us)
{
	struct kit_yaml *yaml;
	struct kit_error error;
	struct kit_yaml_event first = {0};
	const struct kit_yaml_node *person;
	int rc = kit_yaml_open(us->call, us->documents[US_MEMBERS]->content, NULL, &yaml, &error);
	if (rc != 0)
		return us_fail_kit(us, rc, US_MEMBERS, &error);
	rc = kit_yaml_next(yaml, &first, &error);
	if (rc == 0 && first.type != KIT_YAML_SEQUENCE) {
		kit_yaml_close(yaml);
		return us_fail(us, PROVIDER_E_INPUT, US_MEMBERS, first.line, "the document is no list of people");
	}
	bool explained = false;
	while (rc == 0 && (rc = kit_yaml_read(yaml, &person, &error)) == 0 && person != NULL) {
		rc = read_member(us, person);
		explained = rc != 0;
	}
	kit_yaml_close(yaml);
	return rc == 0 || explained ? rc : us_fail_kit(us, rc, US_MEMBERS, &error);
}

/* ---- emission */

static int emit_person(struct us *us, const struct us_member *member)
{
	struct provider_person record = {
	    .size = sizeof(record),
	    .id = member->id,
	    .name = member->name,
	    .given_name = member->given_name,
	    .family_name = member->family_name,
	    .from = us_from(US_MEMBERS, member->line),
	};
	return us->sink->person(us->sink->ctx, &record);
}

static int emit_membership(struct us *us, const struct us_member *member)
{
	struct provider_membership record = {
	    .size = sizeof(record),
	    .person = member->id,
	    .post = us_post_id(us, member->chamber, member->state, member->number),
	    .party = member->party,
	    .caucus = member->caucus,
	    .start = member->start,
	    .end = member->end,
	    .phone = member->phone,
	    .phone_location = KIT_STR("DC"),
	    .rank = member->rank,
	    .from = us_from(US_MEMBERS, member->line),
	};
	return record.post.ptr == NULL ? us_out_of_memory(us) : us->sink->membership(us->sink->ctx, &record);
}

static int emit_capitol_office(struct us *us, const struct us_member *member)
{
	if (member->office.len == 0 && member->phone.len == 0)
		return 0;
	struct provider_office record = {
	    .size = sizeof(record),
	    .id = kit_printf(us->call, "%.*s-capitol", (int)(member->id.len - strlen("bioguide:")),
	                     member->id.ptr + strlen("bioguide:")),
	    .person = member->id,
	    .kind = KIT_STR("capitol"),
	    .phone = member->phone,
	    .address = member->office,
	    .city = KIT_STR("Washington"),
	    .region = KIT_STR("DC"),
	    .from = us_from(US_MEMBERS, member->line),
	};
	return record.id.ptr == NULL ? us_out_of_memory(us) : us->sink->office(us->sink->ctx, &record);
}

static int warn_of_member(struct us *us, const struct us_member *member, const char *today)
{
	int rc = 0;
	if (member->phone.len == 0)
		rc = us_warn(
		    us, PROVIDER_W_NO_PHONE, member->id, US_MEMBERS, member->line,
		    kit_printf(us->call, "%.*s has no telephone number; callers are told so.", KIT_STR_ARG(member->name)));
	if (rc == 0 && member->end.len == 10 && memcmp(member->end.ptr, today, 10) < 0)
		rc = us_warn(
		    us, PROVIDER_W_TERM_ENDED, member->id, US_MEMBERS, member->line,
		    kit_printf(us->call,
		               "The term of %.*s is listed to have ended on %.*s; still in the file of those who serve, so kept.",
		               KIT_STR_ARG(member->name), KIT_STR_ARG(member->end)));
	return rc;
}

int us_emit_members(struct us *us)
{
	char today[16] = "";
	struct tm parts;
	time_t now = (time_t)us->call->host->now(us->call->host->ctx);
	if (gmtime_r(&now, &parts) != NULL)
		strftime(today, sizeof(today), "%Y-%m-%d", &parts);
	for (uint32_t i = 0; i < us->member_count; ++i) {
		const struct us_member *member = &us->members[i];
		int rc = emit_person(us, member);
		if (rc == 0)
			rc = emit_membership(us, member);
		if (rc == 0)
			rc = emit_capitol_office(us, member);
		if (rc == 0)
			rc = warn_of_member(us, member, today);
		if (rc != 0)
			return rc;
	}
	return 0;
}
