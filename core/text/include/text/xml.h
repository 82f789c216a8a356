/*
 * An XML writer for small documents: elements, attributes, text. Names are the program's own; values may be anything: what XML 1.0
 * cannot carry (control characters, bytes that are not UTF-8) is left out. The document is well-formed once every element is closed.
 */
#ifndef TEXT_XML_H
#define TEXT_XML_H

#include "base/str.h"

enum { CP_XML_MAX_DEPTH = 16 };

struct cp_xml {
	struct cp_buf *out; /* borrowed */
	const char *open[CP_XML_MAX_DEPTH];
	unsigned depth;
	bool in_tag; /* the start tag is not closed yet: attributes may follow */
};

/* Writes the XML declaration. */
void cp_xml_start(struct cp_xml *xml, struct cp_buf *out);
void cp_xml_open(struct cp_xml *xml, const char *name);
/* Only right after cp_xml_open or another attribute. */
void cp_xml_attribute(struct cp_xml *xml, const char *name, struct cp_str value);
void cp_xml_attribute_number(struct cp_xml *xml, const char *name, int64_t value);
void cp_xml_text(struct cp_xml *xml, struct cp_str text);
/* True where nothing but white space is left of text when it is written. */
bool cp_xml_is_blank(struct cp_str text);
void cp_xml_close(struct cp_xml *xml); /* the innermost open element */

#endif
