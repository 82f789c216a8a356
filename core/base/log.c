#include "base/log.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_SIZE = 4096 };

static const char *program_name = "callpower";
static enum cp_log_format line_format = CP_LOG_TEXT;
static enum cp_log_level max_level_written = CP_LOG_INFO;

void cp_log_setup(const char *program, enum cp_log_format format, enum cp_log_level max_level)
{
	program_name = program;
	line_format = format;
	max_level_written = max_level;
}

bool cp_log_enabled(enum cp_log_level level)
{
	return level <= max_level_written;
}

static const char *level_word(enum cp_log_level level)
{
	switch (level) {
	case CP_LOG_ERROR:
		return "error";
	case CP_LOG_WARNING:
		return "warning";
	case CP_LOG_INFO:
		return "info";
	case CP_LOG_DEBUG:
		break;
	}
	return "debug";
}

void cp_mask_phone(struct cp_str e164, char out[CP_MASKED_PHONE_SIZE])
{
	size_t len = e164.len < CP_MASKED_PHONE_SIZE - 1 ? e164.len : CP_MASKED_PHONE_SIZE - 1;
	size_t shown_front = len >= 10 ? 5 : len >= 8 ? 2 : 0, shown_back = len >= 8 ? 2 : 0;
	for (size_t i = 0; i < len; ++i)
		out[i] = i < shown_front || i >= len - shown_back ? e164.ptr[i] : '*';
	out[len] = '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The safety net: masks "+" and 7 to 15 digits wherever they stand, and 10 to 15 digits that are no part of a longer word. */
static void mask_numbers(char *text)
{
	for (char *p = text; *p != '\0';) {
		size_t plus = *p == '+', digits = 0;
		while (is_digit(p[plus + digits]))
			++digits;
		bool in_word = plus == 0 && ((p != text && is_word(p[-1])) || is_word(p[digits]));
		if (digits >= (plus != 0 ? 7 : 10) && digits <= 15 && !in_word) {
			char masked[CP_MASKED_PHONE_SIZE];
			cp_mask_phone(cp_str_n(p, plus + digits), masked);
			memcpy(p, masked, plus + digits);
		}
		p += digits != 0 ? plus + digits : 1;
	}
}

struct line {
	char text[LINE_SIZE];
	size_t len;
};

static void add(struct line *line, const char *fmt, ...) CP_PRINTF(2, 3);
static void add(struct line *line, const char *fmt, ...)
{
	size_t room = LINE_SIZE - 1 - line->len; /* one byte is kept for the newline */
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(line->text + line->len, room, fmt, args);
	va_end(args);
	if (n > 0)
		line->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* Quotes for JSON; in text lines control characters alone are replaced, so that a line stays a line. */
static void add_escaped(struct line *line, struct cp_str text)
{
	for (size_t i = 0; i < text.len; ++i) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (LINE_SIZE - line->len < 16)
			return; /* leaves room for what closes the line */
		if (line_format == CP_LOG_JSON && (c == '"' || c == '\\'))
			add(line, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			add(line, line_format == CP_LOG_JSON ? "\\u%04x" : " ", c);
		else
			line->text[line->len++] = (char)c;
	}
}

static void add_id(struct line *line, const char *name, struct cp_str value)
{
	if (value.len == 0)
		return;
	add(line, line_format == CP_LOG_JSON ? ",\"%s\":\"" : " %s=", name);
	add_escaped(line, value);
	if (line_format == CP_LOG_JSON)
		add(line, "\"");
}

void cp_log(enum cp_log_level level, const struct cp_log_context *about, const char *event, const char *fmt, ...)
{
	if (!cp_log_enabled(level))
		return;
	char message[2048], time[CP_CLOCK_ISO_SIZE];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	mask_numbers(message);
	cp_clock_iso(cp_clock_now_us(), time);

	struct line line = {.len = 0};
	bool json = line_format == CP_LOG_JSON;
	if (json)
		add(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"event\":\"%s\"", time, level_word(level), program_name, event);
	else
		add(&line, "%s %s %s %s", time, program_name, level_word(level), event);
	if (about != NULL) {
		add_id(&line, "tenant", about->tenant);
		add_id(&line, "session", about->session);
		add_id(&line, "request", about->request);
	}
	add(&line, json ? ",\"message\":\"" : ": ");
	add_escaped(&line, cp_str(message));
	if (json)
		add(&line, "\"}");
	line.text[line.len++] = '\n';
	if (write(STDERR_FILENO, line.text, line.len) < 0)
		return; /* nowhere left to say it */
}

bool cp_log_budget_take(struct cp_log_budget *budget, unsigned lines_a_second, unsigned *ret_dropped)
{
	uint64_t second = cp_clock_monotonic_ms() / 1000;
	if (second != budget->second) {
		budget->second = second;
		budget->written = 0;
	}
	if (budget->written == lines_a_second) {
		++budget->dropped;
		return false;
	}
	++budget->written;
	*ret_dropped = budget->dropped;
	budget->dropped = 0;
	return true;
}
