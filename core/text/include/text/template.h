/*
 * Prompt templates: mustache variables {{name}} and sections {{#name}}...{{/name}}, {{^name}}...{{/name}} on texts. The result is plain
 * text and is never escaped here: O'Rourke is read as O'Rourke; the XML writer escapes what XML needs.
 */
#ifndef TEXT_TEMPLATE_H
#define TEXT_TEMPLATE_H

#include "base/str.h"

struct cp_template_variable {
	const char *name;
	struct cp_str value; /* empty or absent: false for sections */
};

enum { CP_TEMPLATE_MAX_SIZE = 4096, CP_TEMPLATE_MAX_DEPTH = 8 };

/* CP_E_INPUT with a sentence for people: a variable that is not in names, a tag or section left open. */
int cp_template_check(struct cp_str text, const char *const *names, size_t count);
/* Appends the filled-in text. Unknown variables are empty; a template that does not pass the check is rendered as far as it goes. */
void cp_template_render(struct cp_buf *out, struct cp_str text, const struct cp_template_variable *variables, size_t count);

#endif
