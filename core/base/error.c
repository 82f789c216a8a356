#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 2048 };

static _Thread_local char message[MESSAGE_SIZE];

/* Formats into a buffer of its own first: an argument may be the current message. */
static void set_message(const char *fmt, va_list args, const char *suffix)
{
	char text[MESSAGE_SIZE];
	vsnprintf(text, sizeof(text), fmt, args);
	snprintf(message, sizeof(message), "%s%s%s", text, suffix[0] == '\0' ? "" : ": ", suffix);
}

int cp_fail(int code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	set_message(fmt, args, "");
	va_end(args);
	return code;
}

int cp_fail_errno(const char *fmt, ...)
{
	int saved = errno;
	char reason[128];
	va_list args;
	va_start(args, fmt);
	set_message(fmt, args, strerror_r(saved, reason, sizeof(reason)));
	va_end(args);
	errno = saved;
	return CP_E_SYSTEM;
}

int cp_fail_in(int code, const char *fmt, ...)
{
	char inner[MESSAGE_SIZE];
	snprintf(inner, sizeof(inner), "%s", message);
	va_list args;
	va_start(args, fmt);
	set_message(fmt, args, inner);
	va_end(args);
	return code;
}

const char *cp_error_message(void)
{
	return message;
}

const char *cp_error_word(int code)
{
	switch (code) {
	case CP_OK:
		return "ok";
	case CP_E_INPUT:
		return "input";
	case CP_E_NOTFOUND:
		return "notfound";
	case CP_E_LIMIT:
		return "limit";
	case CP_E_UNAVAILABLE:
		return "unavailable";
	case CP_E_TIMEOUT:
		return "timeout";
	case CP_E_DENIED:
		return "denied";
	case CP_E_CONFLICT:
		return "conflict";
	case CP_E_UNSUPPORTED:
		return "unsupported";
	case CP_E_SYSTEM:
		return "system";
	case CP_E_BUG:
		return "bug";
	default:
		return "unknown";
	}
}
