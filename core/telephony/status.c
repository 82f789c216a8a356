#include "telephony/status.h"

#include "base/memory.h"

static const char *const words[] = {
	[CP_CALL_UNKNOWN] = "unknown",     [CP_CALL_QUEUED] = "queued",           [CP_CALL_INITIATED] = "initiated",
	[CP_CALL_RINGING] = "ringing",     [CP_CALL_IN_PROGRESS] = "in-progress", [CP_CALL_COMPLETED] = "completed",
	[CP_CALL_BUSY] = "busy",           [CP_CALL_NO_ANSWER] = "no-answer",     [CP_CALL_FAILED] = "failed",
	[CP_CALL_CANCELED] = "canceled",
};

enum cp_call_status cp_call_status_parse(struct cp_str word)
{
	for (size_t i = CP_CALL_QUEUED; i < CP_COUNT(words); ++i)
		if (cp_str_eq(word, cp_str(words[i])))
			return (enum cp_call_status)i;
	return CP_CALL_UNKNOWN;
}

const char *cp_call_status_word(enum cp_call_status status)
{
	return words[status];
}

bool cp_call_status_is_terminal(enum cp_call_status status)
{
	return status >= CP_CALL_COMPLETED;
}

bool cp_call_status_may_follow(enum cp_call_status current, enum cp_call_status next)
{
	return !cp_call_status_is_terminal(current) && next > current;
}

bool cp_call_sid_is_valid(struct cp_str sid)
{
	unsigned char bytes[16];
	return sid.len == CP_CALL_SID_SIZE - 1 && cp_str_starts(sid, CP_STR("CA")) && cp_unhex(cp_str_n(sid.ptr + 2, 32), bytes, 16) == 0;
}
