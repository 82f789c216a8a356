#include "present.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "switchboard.h"

#include <stdio.h>

#define API "/2010-04-01/Accounts/"

/* ---- Twilio's */

static json_t *rfc2822(int64_t time_us)
{
	char text[CP_CLOCK_RFC2822_SIZE];
	if (time_us == 0)
		return json_null();
	cp_clock_rfc2822(time_us, text);
	return json_string(text);
}

/* "(415) 555-0123" for North America; others as they are. */
static json_t *formatted(const char *number)
{
	if (strncmp(number, "+1", 2) != 0 || strlen(number) != 12)
		return json_string(number);
	return json_sprintf("(%.3s) %.3s-%s", number + 2, number + 5, number + 8);
}

static json_t *subresources(const struct cp_leg *leg)
{
	static const char *const names[][2] = {
	    {"notifications", "Notifications"},
	    {"recordings", "Recordings"},
	    {"payments", "Payments"},
	    {"events", "Events"},
	    {"siprec", "Siprec"},
	    {"streams", "Streams"},
	    {"transcriptions", "Transcriptions"},
	    {"user_defined_messages", "UserDefinedMessages"},
	    {"user_defined_message_subscriptions", "UserDefinedMessageSubscriptions"},
	};
	json_t *json = json_object();
	for (size_t i = 0; i < CP_COUNT(names); ++i)
		json_object_set_new(json, names[i][0],
		                    json_sprintf(API "%s/Calls/%s/%s.json", leg->account->sid, leg->sid, names[i][1]));
	return json;
}

/* A made-up sid that is the same for the same text each time. */
static json_t *derived_sid(const char *prefix, const char *text)
{
	return json_sprintf("%s%016llx%016llx", prefix, (unsigned long long)cp_hash(text, strlen(text)),
	                    (unsigned long long)cp_hash(text, strlen(text) + 1));
}

json_t *cp_present_resource(struct cp_leg *leg)
{
	bool has_duration = cp_leg_has_ended(leg) && leg->answered_us != 0;
	int64_t updated = leg->ended_us != 0      ? leg->ended_us
	                  : leg->answered_us != 0 ? leg->answered_us
	                  : leg->started_us != 0  ? leg->started_us
	                                          : leg->created_us;
	json_t *json = json_object();
	json_object_set_new(json, "sid", json_string(leg->sid));
	json_object_set_new(json, "date_created", rfc2822(leg->created_us));
	json_object_set_new(json, "date_updated", rfc2822(updated));
	json_object_set_new(json, "parent_call_sid", leg->parent != NULL ? json_string(leg->parent->sid) : json_null());
	json_object_set_new(json, "account_sid", json_string(leg->account->sid));
	json_object_set_new(json, "to", json_string(leg->to));
	json_object_set_new(json, "to_formatted", formatted(leg->to));
	json_object_set_new(json, "from", json_string(leg->from));
	json_object_set_new(json, "from_formatted", formatted(leg->from));
	json_object_set_new(json, "phone_number_sid", derived_sid("PN", leg->from));
	json_object_set_new(json, "status", json_string(cp_leg_status_word(leg->status)));
	json_object_set_new(json, "start_time", rfc2822(leg->started_us));
	json_object_set_new(json, "end_time", rfc2822(leg->ended_us));
	json_object_set_new(json, "duration", has_duration ? json_sprintf("%u", cp_leg_duration(leg)) : json_null());
	json_object_set_new(json, "price", json_null());
	json_object_set_new(json, "price_unit", json_string("USD"));
	json_object_set_new(json, "direction", json_string(cp_leg_direction(leg)));
	static const char *const nulls[] = {"answered_by", "forwarded_from", "group_sid", "annotation", "trunk_sid"};
	for (size_t i = 0; i < CP_COUNT(nulls); ++i)
		json_object_set_new(json, nulls[i], json_null());
	json_object_set_new(json, "caller_name", json_string(""));
	json_object_set_new(json, "api_version", json_string("2010-04-01"));
	json_object_set_new(json, "queue_time", json_sprintf("%u", leg->queue_ms));
	json_object_set_new(json, "uri", json_sprintf(API "%s/Calls/%s.json", leg->account->sid, leg->sid));
	json_object_set_new(json, "subresource_uris", subresources(leg));
	return json;
}

json_t *cp_present_account(const struct cp_account *account)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:s,s:o,s:{s:o,s:o}}", "sid", account->sid, "friendly_name", account->name,
	                 "status", "active", "type", "Full", "date_created", rfc2822(account->created_us), "date_updated",
	                 rfc2822(account->created_us), "owner_account_sid", account->sid, "auth_token", "[hidden]", "uri",
	                 json_sprintf(API "%s.json", account->sid), "subresource_uris", "calls",
	                 json_sprintf(API "%s/Calls.json", account->sid), "incoming_phone_numbers",
	                 json_sprintf(API "%s/IncomingPhoneNumbers.json", account->sid));
}

json_t *cp_present_number(const struct cp_account *account, const char *number)
{
	json_t *json = json_pack("{s:o,s:s,s:o,s:s,s:{s:b,s:b,s:b,s:b},s:b,s:s,s:o,s:o}", "sid", derived_sid("PN", number),
	                         "account_sid", account->sid, "friendly_name", formatted(number), "phone_number", number,
	                         "capabilities", "voice", 1, "sms", 1, "mms", 0, "fax", 0, "beta", 0, "api_version", "2010-04-01",
	                         "date_created", rfc2822(account->created_us), "date_updated", rfc2822(account->created_us));
	static const char *const empty[] = {"voice_url", "voice_fallback_url", "status_callback", "voice_application_sid",
	                                    "sms_url",   "trunk_sid"};
	for (size_t i = 0; i < CP_COUNT(empty); ++i)
		json_object_set_new(json, empty[i], json_string(""));
	json_object_set_new(json, "voice_method", json_string("POST"));
	json_object_set_new(
	    json, "uri",
	    json_sprintf(API "%s/IncomingPhoneNumbers/%s.json", account->sid, json_string_value(json_object_get(json, "sid"))));
	return json;
}

/* ---- our own */

static json_t *iso(int64_t time_us)
{
	char text[CP_CLOCK_ISO_SIZE];
	if (time_us == 0)
		return json_null();
	cp_clock_iso(time_us, text);
	return json_string(text);
}

json_t *cp_present_head(struct cp_leg *leg)
{
	json_t *legs = json_array();
	for (struct cp_list *link = leg->children.next; link != &leg->children; link = link->next)
		json_array_append_new(legs, cp_present_head(CP_CONTAINER_OF(link, struct cp_leg, link)));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:o,s:o,s:o,s:i,s:s?,s:o}", "sid", leg->sid, "account",
	                 leg->account->sid, "direction", cp_leg_direction(leg), "from", leg->from, "to", leg->to, "status",
	                 cp_leg_status_word(leg->status), "interactive", (int)leg->interactive, "settled",
	                 (int)cp_leg_root(leg)->settled, "created", iso(leg->created_us), "answered", iso(leg->answered_us),
	                 "ended", iso(leg->ended_us), "duration", (int)cp_leg_duration(leg), "parent",
	                 leg->parent != NULL ? leg->parent->sid : NULL, "legs", legs);
}

json_t *cp_present_whole(struct cp_leg *leg)
{
	json_t *json = cp_present_head(leg);
	json_object_set(json, "story", cp_leg_root(leg)->story);
	return json;
}
