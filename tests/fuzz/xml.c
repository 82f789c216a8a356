/* The XML writer: whatever is said to a caller, the text stays text: no tag and no character that XML 1.0 forbids comes of it. */
#include "fuzz.h"

#include "text/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cp_str text = cp_str_n((const char *)data, size);
	struct cp_buf out = {0};
	struct cp_xml xml;
	size_t tags = 0;
	cp_xml_start(&xml, &out);
	cp_xml_open(&xml, "Response");
	cp_xml_open(&xml, "Say");
	cp_xml_attribute(&xml, "voice", text);
	cp_xml_text(&xml, text);
	cp_xml_close(&xml);
	cp_xml_close(&xml);
	for (size_t i = 0; i < out.len; ++i) {
		unsigned char c = (unsigned char)out.ptr[i];
		tags += c == '<';
		MUST_HOLD(c >= 0x20 || c == '\t' || c == '\n' || c == '\r');
	}
	MUST_HOLD(tags == (size == 0 ? tags : 5)); /* the declaration, and two elements opened and closed */
	MUST_HOLD(cp_str_is_utf8(cp_buf_str(&out)));
	cp_buf_free(&out);
	return 0;
}
