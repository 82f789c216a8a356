#include "params.h"

#include "base/clock.h"
#include "base/memory.h"
#include "switchboard.h"

void cp_params_free(struct cp_params *params)
{
	params->arena = cp_arena_free(params->arena);
	params->count = 0;
}

static struct cp_arena *arena_of(struct cp_params *params)
{
	if (params->arena == NULL)
		params->arena = cp_arena_new();
	return params->arena;
}

void cp_params_add(struct cp_params *params, const char *name, struct cp_str value)
{
	if (params->count < CP_PARAMS_MAX)
		params->fields[params->count++] = (struct cp_form_field){cp_str(name), cp_arena_str(arena_of(params), value)};
}

void cp_params_add_number(struct cp_params *params, const char *name, int64_t value)
{
	cp_params_add(params, name, cp_arena_printf(arena_of(params), "%lld", (long long)value));
}

void cp_params_add_all(struct cp_params *params, const struct cp_params *more)
{
	for (size_t i = 0; more != NULL && i < more->count; ++i)
		cp_params_add(params, more->fields[i].name.ptr, more->fields[i].value);
}

/* The country of a number, where its calling code has only one that matters to tests. */
static const char *country_of(const char *number)
{
	static const struct {
		const char *prefix, *country;
	} countries[] = {{"+1", "US"},  {"+44", "GB"}, {"+33", "FR"},  {"+34", "ES"}, {"+39", "IT"}, {"+48", "PL"},
	                 {"+49", "DE"}, {"+52", "MX"}, {"+353", "IE"}, {"+61", "AU"}, {"+64", "NZ"}, {"+91", "IN"}};
	for (size_t i = 0; i < CP_COUNT(countries); ++i)
		if (cp_str_starts(cp_str(number), cp_str(countries[i].prefix)))
			return countries[i].country;
	return "";
}

/* One end of the call: Twilio names it twice. City, state and postal code are empty, as they often are. */
static void add_place(struct cp_params *params, const char *const names[4], const char *country)
{
	for (size_t i = 0; i < 3; ++i)
		cp_params_add(params, names[i], CP_STR(""));
	cp_params_add(params, names[3], cp_str(country));
}

void cp_params_add_leg(struct cp_params *params, struct cp_leg *leg, const char *status)
{
	static const char *const from[] = {"FromCity", "FromState", "FromZip", "FromCountry"};
	static const char *const caller[] = {"CallerCity", "CallerState", "CallerZip", "CallerCountry"};
	static const char *const to[] = {"ToCity", "ToState", "ToZip", "ToCountry"};
	static const char *const called[] = {"CalledCity", "CalledState", "CalledZip", "CalledCountry"};
	cp_params_add(params, "CallSid", cp_str(leg->sid));
	cp_params_add(params, "AccountSid", cp_str(leg->account->sid));
	cp_params_add(params, "From", cp_str(leg->from));
	cp_params_add(params, "To", cp_str(leg->to));
	cp_params_add(params, "Caller", cp_str(leg->from));
	cp_params_add(params, "Called", cp_str(leg->to));
	cp_params_add(params, "CallStatus", cp_str(status));
	cp_params_add(params, "ApiVersion", CP_STR("2010-04-01"));
	cp_params_add(params, "Direction", cp_str(cp_leg_direction(leg)));
	if (leg->parent != NULL)
		cp_params_add(params, "ParentCallSid", cp_str(leg->parent->sid));
	add_place(params, from, country_of(leg->from));
	add_place(params, caller, country_of(leg->from));
	add_place(params, to, country_of(leg->to));
	add_place(params, called, country_of(leg->to));
}

static int sip_code(enum cp_leg_status status)
{
	switch (status) {
	case CP_LEG_BUSY:
		return 486;
	case CP_LEG_NO_ANSWER:
	case CP_LEG_CANCELED:
		return 487;
	case CP_LEG_FAILED:
		return 404;
	default:
		return 200;
	}
}

void cp_params_add_event(struct cp_params *params, struct cp_leg *leg, unsigned event, unsigned sequence)
{
	char time[CP_CLOCK_RFC2822_SIZE];
	cp_clock_rfc2822(cp_line_clock_now(cp_leg_clock(leg)), time);
	cp_params_add(params, "CallbackSource", CP_STR("call-progress-events"));
	cp_params_add_number(params, "SequenceNumber", sequence);
	cp_params_add(params, "Timestamp", cp_str(time));
	if (event != CP_EVENT_COMPLETED)
		return;
	unsigned duration = cp_leg_duration(leg);
	cp_params_add_number(params, "CallDuration", duration);
	cp_params_add_number(params, "Duration", (duration + 59) / 60);
	cp_params_add_number(params, "SipResponseCode", sip_code(leg->status));
}

struct cp_form cp_params_form(const struct cp_params *params)
{
	return (struct cp_form){params->fields, params->count};
}
