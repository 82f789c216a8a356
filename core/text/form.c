#include "text/form.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static struct cp_str decode(struct cp_str text, struct cp_arena *arena)
{
	char *out = cp_arena_alloc(arena, text.len + 1);
	size_t n = 0;
	for (size_t i = 0; i < text.len; ++i) {
		char c = text.ptr[i];
		if (c == '+') {
			c = ' ';
		} else if (c == '%' && i + 2 < text.len && hex_digit(text.ptr[i + 1]) >= 0 && hex_digit(text.ptr[i + 2]) >= 0) {
			c = (char)(hex_digit(text.ptr[i + 1]) << 4 | hex_digit(text.ptr[i + 2]));
			i += 2;
		}
		out[n++] = c;
	}
	return cp_str_n(out, n);
}

int cp_form_parse(struct cp_str encoded, struct cp_arena *arena, struct cp_form *ret_form)
{
	size_t count = 0;
	if (encoded.len != 0)
		++count;
	for (size_t i = 0; i < encoded.len; ++i)
		count += encoded.ptr[i] == '&';
	if (count > CP_FORM_MAX_FIELDS)
		return cp_fail(CP_E_LIMIT, "a form may have at most %d fields", CP_FORM_MAX_FIELDS);
	struct cp_form_field *fields = cp_arena_alloc_array(arena, count, sizeof(*fields));
	count = 0;
	for (struct cp_str rest = encoded; rest.len != 0;) {
		struct cp_str value, pair = cp_str_split(rest, '&', &rest);
		if (pair.len == 0)
			continue;
		struct cp_str name = cp_str_split(pair, '=', &value);
		fields[count].name = decode(name, arena);
		fields[count].value = decode(value, arena);
		if (!cp_str_is_utf8(fields[count].name) || !cp_str_is_utf8(fields[count].value))
			return cp_fail(CP_E_INPUT, "a field of the form is not UTF-8 text");
		++count;
	}
	*ret_form = (struct cp_form){fields, count};
	return 0;
}

struct cp_str cp_form_get(const struct cp_form *form, const char *name)
{
	struct cp_str wanted = cp_str(name);
	for (size_t i = 0; i < form->count; ++i)
		if (cp_str_eq(form->fields[i].name, wanted))
			return form->fields[i].value;
	return CP_STR_NULL;
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

void cp_url_encode(struct cp_buf *buf, struct cp_str text)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < text.len; ++i) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (is_unreserved(c))
			cp_buf_add_char(buf, (char)c);
		else
			cp_buf_add(buf, cp_str_n((char[]){'%', digits[c >> 4], digits[c & 15]}, 3));
	}
}

void cp_form_add(struct cp_buf *buf, const char *name, struct cp_str value)
{
	if (buf->len != 0)
		cp_buf_add_char(buf, '&');
	cp_url_encode(buf, cp_str(name));
	cp_buf_add_char(buf, '=');
	cp_url_encode(buf, value);
}
