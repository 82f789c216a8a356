/* What a script's telephone does while a call goes on: keys, star, hanging up at a given place. */
#include "switchboard.h"

static bool matches(const char *pattern, struct cp_str step)
{
	size_t len = strlen(pattern);
	if (len > 0 && pattern[len - 1] == '*')
		return cp_str_starts(step, cp_str_n(pattern, len - 1));
	return cp_str_eq(step, cp_str(pattern));
}

void cp_phone_reached(struct cp_leg *leg, enum cp_where where, struct cp_str step)
{
	const struct cp_phone_script *phone = &leg->phone;
	if (leg->interactive || phone->hang_up_at != where || (where == CP_WHERE_STEP && !matches(phone->hang_up_step, step)))
		return;
	if (++leg->reached == phone->hang_up_nth)
		cp_wait_start(&leg->hang_up, phone->hang_up_after);
}

void cp_phone_connected(struct cp_leg *leg)
{
	const struct cp_phone_script *phone = &leg->phone;
	++leg->talks;
	cp_phone_reached(leg, CP_WHERE_TALK, CP_STR(""));
	if (leg->interactive)
		return;
	if (phone->star && (phone->star_nth == 0 || phone->star_nth == leg->talks))
		cp_wait_start(&leg->star, phone->star_after);
	if (leg->parent != NULL && phone->hang_up_at == CP_WHERE_NOWHERE)
		cp_wait_start(&leg->hang_up, phone->talk);
}

const char *cp_phone_gather_keys(struct cp_leg *leg)
{
	const struct cp_phone_script *phone = &leg->phone;
	unsigned index = leg->gathers++;
	if (leg->interactive)
		return "";
	if (phone->same_keys)
		return phone->keys[0];
	return index < phone->key_count ? phone->keys[index] : "";
}
