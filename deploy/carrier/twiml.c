#include "twiml.h"

#include "base/memory.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>

struct reader {
	XML_Parser parser;
	struct cp_arena *arena;
	struct cp_twiml_element *root, *current;
	struct cp_buf text[CP_TWIML_MAX_DEPTH]; /* collected per open element */
	unsigned depth, elements;
	int error;
	char message[200];
};

static void stop(struct reader *reader, int error, const char *message)
{
	if (reader->error != 0)
		return;
	reader->error = error;
	snprintf(reader->message, sizeof(reader->message), "line %lu: %s",
	         (unsigned long)XML_GetCurrentLineNumber(reader->parser), message);
	XML_StopParser(reader->parser, XML_FALSE);
}

static bool read_attributes(struct reader *reader, const char **pairs, struct cp_twiml_element *element)
{
	size_t count = 0;
	while (pairs[2 * count] != NULL)
		++count;
	if (count > CP_TWIML_MAX_ATTRIBUTES) {
		stop(reader, CP_E_LIMIT, "an element has too many attributes");
		return false;
	}
	struct cp_twiml_attribute *attributes = cp_arena_alloc_array(reader->arena, count + 1, sizeof(*attributes));
	for (size_t i = 0; i < count; ++i) {
		attributes[i].name = cp_arena_str(reader->arena, cp_str(pairs[2 * i]));
		attributes[i].value = cp_arena_str(reader->arena, cp_str(pairs[2 * i + 1]));
	}
	element->attributes = attributes;
	element->attribute_count = count;
	return true;
}

static void XMLCALL on_start(void *data, const char *name, const char **pairs)
{
	struct reader *reader = data;
	if (reader->error != 0)
		return;
	if (reader->depth == CP_TWIML_MAX_DEPTH) {
		stop(reader, CP_E_LIMIT, "elements are nested too deeply");
		return;
	}
	if (++reader->elements > CP_TWIML_MAX_ELEMENTS) {
		stop(reader, CP_E_LIMIT, "the document has too many elements");
		return;
	}
	struct cp_twiml_element *element = cp_arena_alloc(reader->arena, sizeof(*element));
	element->name = cp_arena_str(reader->arena, cp_str(name));
	element->line = (unsigned)XML_GetCurrentLineNumber(reader->parser);
	element->depth = reader->depth;
	if (!read_attributes(reader, pairs, element))
		return;
	struct cp_twiml_element *parent = reader->current;
	element->parent = parent;
	if (parent == NULL) {
		reader->root = element;
	} else {
		if (parent->last_child == NULL)
			parent->first_child = element;
		else
			parent->last_child->next = element;
		parent->last_child = element;
	}
	reader->current = element;
	reader->text[reader->depth++].len = 0;
}

static void XMLCALL on_end(void *data, const char *name)
{
	struct reader *reader = data;
	(void)name;
	if (reader->error != 0)
		return;
	struct cp_buf *text = &reader->text[--reader->depth];
	reader->current->text = cp_arena_str(reader->arena, cp_str_trim(cp_buf_str(text)));
	if (reader->depth > 0)
		cp_buf_add(&reader->text[reader->depth - 1], cp_buf_str(text));
	reader->current = reader->current->parent;
}

static void XMLCALL on_text(void *data, const char *text, int len)
{
	struct reader *reader = data;
	if (reader->error != 0 || reader->depth == 0)
		return;
	struct cp_str part = {text, (size_t)len};
	if (cp_str_trim(part).len > 0)
		reader->current->has_own_text = true;
	cp_buf_add(&reader->text[reader->depth - 1], part);
}

/* Without a document type no entity can be declared, and without one nothing expands and nothing outside is named. */
static void XMLCALL on_doctype(void *data, const char *name, const char *system, const char *public, int has_internal)
{
	(void)name, (void)system, (void)public, (void)has_internal;
	stop(data, CP_E_INPUT, "a document type declaration is not allowed");
}

static int parse(struct reader *reader, struct cp_str document)
{
	XML_SetUserData(reader->parser, reader);
	XML_SetElementHandler(reader->parser, on_start, on_end);
	XML_SetCharacterDataHandler(reader->parser, on_text);
	XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
	enum XML_Status status = XML_Parse(reader->parser, document.ptr, (int)document.len, XML_TRUE);
	if (reader->error != 0)
		return cp_fail(reader->error, "%s", reader->message);
	if (status != XML_STATUS_OK)
		return cp_fail(CP_E_INPUT, "line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(reader->parser),
		               XML_ErrorString(XML_GetErrorCode(reader->parser)));
	if (!cp_str_eq(reader->root->name, CP_STR("Response")))
		return cp_fail(CP_E_INPUT, "line 1: the root element is <%.*s> where <Response> belongs",
		               CP_STR_ARG(reader->root->name));
	return 0;
}

int cp_twiml_parse(struct cp_str document, struct cp_arena *arena, struct cp_twiml_element **ret_root)
{
	if (document.len > CP_TWIML_MAX_SIZE)
		return cp_fail(CP_E_LIMIT, "the document is larger than %d bytes", CP_TWIML_MAX_SIZE);
	if (document.len == 0)
		return cp_fail(CP_E_INPUT, "line 1: the document is empty");
	struct reader *reader = cp_alloc(sizeof(*reader));
	reader->arena = arena;
	reader->parser = XML_ParserCreate(NULL);
	if (reader->parser == NULL)
		abort();
	int r = parse(reader, document);
	XML_ParserFree(reader->parser);
	for (size_t i = 0; i < CP_COUNT(reader->text); ++i)
		cp_buf_free(&reader->text[i]);
	if (r == 0)
		*ret_root = reader->root;
	free(reader);
	return r;
}

struct cp_str cp_twiml_attribute(const struct cp_twiml_element *element, const char *name)
{
	for (size_t i = 0; i < element->attribute_count; ++i)
		if (cp_str_eq(element->attributes[i].name, cp_str(name)))
			return element->attributes[i].value;
	return CP_STR_NULL;
}

bool cp_twiml_is(const struct cp_twiml_element *element, const char *name)
{
	return cp_str_eq(element->name, cp_str(name));
}
