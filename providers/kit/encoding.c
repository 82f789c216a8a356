#include "internal.h"

#include <string.h>

/* Length of the well-formed sequence at p (RFC 3629 section 4), 0 where there is none. */
static size_t sequence_length(const unsigned char *p, size_t left)
{
	unsigned char lowest = 0x80, highest = 0xBF;
	size_t length;
	if (p[0] < 0x80)
		return p[0] != 0;
	if (p[0] >= 0xC2 && p[0] <= 0xDF) {
		length = 2;
	} else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
		length = 3;
		lowest = p[0] == 0xE0 ? 0xA0 : 0x80;
		highest = p[0] == 0xED ? 0x9F : 0xBF;
	} else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
		length = 4;
		lowest = p[0] == 0xF0 ? 0x90 : 0x80;
		highest = p[0] == 0xF4 ? 0x8F : 0xBF;
	} else {
		return 0;
	}
	if (left < length || p[1] < lowest || p[1] > highest)
		return 0;
	for (size_t i = 2; i < length; ++i)
		if (p[i] < 0x80 || p[i] > 0xBF)
			return 0;
	return length;
}

int kit_check_utf8(struct provider_str text, struct kit_error *error)
{
	const unsigned char *p = (const unsigned char *)text.ptr;
	uint32_t line = 1;
	for (size_t i = 0; i < text.len;) {
		size_t length = sequence_length(p + i, text.len - i);
		if (length == 0 && p[i] == 0)
			return kit_fail(error, PROVIDER_E_INPUT, line, "there is a NUL byte in the text");
		if (length == 0)
			return kit_fail(error, PROVIDER_E_INPUT, line, "byte 0x%02X is not UTF-8", p[i]);
		line += p[i] == '\n';
		i += length;
	}
	return 0;
}

/* Code points of the bytes 0x80 to 0x9F (Unicode's CP1252.TXT); the others are those of Latin-1. 0: not assigned. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
    0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
};

static size_t put_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xC0 | (code >> 6));
		out[1] = (char)(0x80 | (code & 0x3F));
		return 2;
	}
	out[0] = (char)(0xE0 | (code >> 12));
	out[1] = (char)(0x80 | ((code >> 6) & 0x3F));
	out[2] = (char)(0x80 | (code & 0x3F));
	return 3;
}

int kit_from_windows_1252(const struct provider_call *call, struct provider_str text, struct provider_str *ret_utf8,
                          struct kit_error *error)
{
	if (text.len > SIZE_MAX / 3 - 1)
		return kit_fail_memory(error, 0);
	char *out = kit_alloc(call, text.len * 3 + 1);
	if (out == NULL)
		return kit_fail_memory(error, 0);
	size_t used = 0;
	uint32_t line = 1;
	for (size_t i = 0; i < text.len; ++i) {
		unsigned char byte = (unsigned char)text.ptr[i];
		uint32_t code = byte >= 0x80 && byte <= 0x9F ? windows_1252[byte - 0x80] : byte;
		if (code == 0 && byte == 0)
			return kit_fail(error, PROVIDER_E_INPUT, line, "there is a NUL byte in the text");
		if (code == 0)
			return kit_fail(error, PROVIDER_E_INPUT, line, "byte 0x%02X is not in code page 1252", byte);
		used += put_utf8(out + used, code);
		line += byte == '\n';
	}
	*ret_utf8 = (struct provider_str){out, used};
	return 0;
}
