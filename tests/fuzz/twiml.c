/* The sandbox's TwiML reader and its table of verbs: a document is a tree within its limits, or an error with a sentence. */
#include "fuzz.h"

#include "twiml.h"
#include "verbs.h"

static void check_tree(const struct cp_twiml_element *element, unsigned depth, size_t *elements)
{
	MUST_HOLD(depth < CP_TWIML_MAX_DEPTH && element->depth == depth);
	MUST_HOLD(++*elements <= CP_TWIML_MAX_ELEMENTS && element->attribute_count <= CP_TWIML_MAX_ATTRIBUTES);
	MUST_HOLD(cp_str_is_utf8(element->text) && cp_str_is_utf8(element->name));
	for (const struct cp_twiml_element *child = element->first_child; child != NULL; child = child->next) {
		MUST_HOLD(child->parent == element);
		check_tree(child, depth + 1, elements);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cp_arena *arena = cp_arena_new();
	struct cp_twiml_element *root = NULL;
	size_t elements = 0;
	int code = 0, error = cp_twiml_parse(cp_str_n((const char *)data, size), arena, &root);
	if (error < 0) {
		MUST_HOLD(root == NULL && cp_error_message()[0] != '\0');
	} else {
		check_tree(root, 0, &elements);
		MUST_HOLD(cp_verbs_check(root, &code) == 0 || (code >= 12200 && code < 14000));
	}
	cp_arena_free(arena);
	return 0;
}
