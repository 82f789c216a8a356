/*
 * A TwiML document as a tree, read with libexpat from a stranger's bytes.
 *
 * A document type declaration is refused, so that no entity of the document's own is ever expanded; size, depth, elements,
 * attributes and text are limited. Whether verbs and attributes are TwiML is cp_verbs_check()'s business. Any thread.
 */
#ifndef CARRIER_TWIML_H
#define CARRIER_TWIML_H

#include "base/arena.h"

enum {
	CP_TWIML_MAX_SIZE = 64 * 1024, /* bytes of the document */
	CP_TWIML_MAX_DEPTH = 16,       /* elements in elements */
	CP_TWIML_MAX_ELEMENTS = 1000,
	CP_TWIML_MAX_ATTRIBUTES = 32, /* of one element */
};

struct cp_twiml_attribute {
	struct cp_str name, value;
};

struct cp_twiml_element {
	struct cp_str name;
	const struct cp_twiml_attribute *attributes;
	size_t attribute_count;
	struct cp_str text; /* all text in it, that of its descendants (SSML) included, white space trimmed */
	unsigned line;      /* 1-based */
	unsigned depth;     /* 0: the root */
	bool has_own_text;  /* text directly in it, not only white space */
	struct cp_twiml_element *parent, *first_child, *last_child, *next;
};

/*
 * Parses into arena. The root is checked to be <Response>. CP_E_INPUT or CP_E_LIMIT with a sentence that names the line; comments
 * and processing instructions are passed over.
 */
int cp_twiml_parse(struct cp_str document, struct cp_arena *arena, struct cp_twiml_element **ret_root);

/* Absent where the element has no such attribute. */
struct cp_str cp_twiml_attribute(const struct cp_twiml_element *element, const char *name);
bool cp_twiml_is(const struct cp_twiml_element *element, const char *name);

#endif
