#include "text/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cp_xml_start(struct cp_xml *xml, struct cp_buf *out)
{
	*xml = (struct cp_xml){.out = out};
	cp_buf_add_cstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
}

static void end_tag(struct cp_xml *xml)
{
	if (xml->in_tag)
		cp_buf_add_char(xml->out, '>');
	xml->in_tag = false;
}

/* The length of the well-formed UTF-8 sequence at text, 0 where there is none. */
static size_t sequence_length(struct cp_str text)
{
	unsigned char c = (unsigned char)text.ptr[0];
	size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	return len != 0 && len <= text.len && cp_str_is_utf8(cp_str_n(text.ptr, len)) ? len : 0;
}

/* XML 1.0, production 2: of the characters below U+0020 only tab, line feed and carriage return; not U+FFFE and U+FFFF. */
static bool is_xml_char(struct cp_str sequence)
{
	unsigned char c = (unsigned char)sequence.ptr[0];
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return !(sequence.len == 3 && memcmp(sequence.ptr, "\xef\xbf", 2) == 0 && (unsigned char)sequence.ptr[2] >= 0xbe);
}

/* How many characters at the start of text stand for themselves: ASCII that is printable and means nothing in XML. */
static size_t plain_length(struct cp_str text)
{
	size_t len = 0;
	while (len < text.len && text.ptr[len] >= ' ' && text.ptr[len] < 0x7f && memchr("&<>\"", text.ptr[len], 4) == NULL)
		++len;
	return len;
}

static void add_escaped(struct cp_buf *out, struct cp_str text)
{
	while (text.len != 0) {
		size_t plain = plain_length(text);
		cp_buf_add(out, cp_str_n(text.ptr, plain));
		text = cp_str_n(text.ptr + plain, text.len - plain);
		if (text.len == 0)
			return;
		size_t len = sequence_length(text);
		struct cp_str sequence = cp_str_n(text.ptr, len);
		if (len == 0)
			len = 1;
		else if (is_xml_char(sequence))
			switch (sequence.ptr[0]) {
			case '&':
				cp_buf_add_cstr(out, "&amp;");
				break;
			case '<':
				cp_buf_add_cstr(out, "&lt;");
				break;
			case '>':
				cp_buf_add_cstr(out, "&gt;");
				break;
			case '"':
				cp_buf_add_cstr(out, "&quot;");
				break;
			case '\r':
				cp_buf_add_cstr(out, "&#13;");
				break;
			default:
				cp_buf_add(out, sequence);
			}
		text.ptr += len;
		text.len -= len;
	}
}

bool cp_xml_is_blank(struct cp_str text)
{
	while (text.len != 0) {
		size_t len = sequence_length(text);
		if (len != 0 && is_xml_char(cp_str_n(text.ptr, len)) && strchr(" \t\r\n", text.ptr[0]) == NULL)
			return false;
		text = cp_str_n(text.ptr + (len == 0 ? 1 : len), text.len - (len == 0 ? 1 : len));
	}
	return true;
}

void cp_xml_open(struct cp_xml *xml, const char *name)
{
	if (xml->depth == CP_XML_MAX_DEPTH)
		abort(); /* documents are ours: a bug */
	end_tag(xml);
	cp_buf_add_char(xml->out, '<');
	cp_buf_add_cstr(xml->out, name);
	xml->open[xml->depth++] = name;
	xml->in_tag = true;
}

void cp_xml_attribute(struct cp_xml *xml, const char *name, struct cp_str value)
{
	if (!xml->in_tag)
		abort();
	cp_buf_add_char(xml->out, ' ');
	cp_buf_add_cstr(xml->out, name);
	cp_buf_add_cstr(xml->out, "=\"");
	add_escaped(xml->out, value);
	cp_buf_add_char(xml->out, '"');
}

void cp_xml_attribute_number(struct cp_xml *xml, const char *name, int64_t value)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%lld", (long long)value);
	cp_xml_attribute(xml, name, cp_str_n(text, (size_t)len));
}

void cp_xml_text(struct cp_xml *xml, struct cp_str text)
{
	end_tag(xml);
	add_escaped(xml->out, text);
}

void cp_xml_close(struct cp_xml *xml)
{
	if (xml->depth == 0)
		abort();
	const char *name = xml->open[--xml->depth];
	if (xml->in_tag) {
		cp_buf_add_cstr(xml->out, "/>");
		xml->in_tag = false;
		return;
	}
	cp_buf_add_cstr(xml->out, "</");
	cp_buf_add_cstr(xml->out, name);
	cp_buf_add_char(xml->out, '>');
}
