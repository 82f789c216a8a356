#include "internal_yaml.h"
#include "kit/text.h"

#include <stdlib.h>
#include <string.h>

static int read_value(struct kit_yaml *yaml, const struct kit_yaml_event *event, const struct kit_yaml_node **ret_node,
                      struct kit_error *error);

static int keep_text(struct kit_yaml *yaml, struct provider_str text, struct provider_str *ret_text, uint32_t line,
                     struct kit_error *error)
{
	char *copy = kit_alloc(yaml->call, text.len + 1);
	if (copy == NULL)
		return kit_fail_memory(error, line);
	memcpy(copy, text.ptr, text.len);
	*ret_text = (struct provider_str){copy, text.len};
	return 0;
}

/* An array that grows in the call's memory; what it outgrows is at most as much again. */
static int grow(struct kit_yaml *yaml, void *array, uint32_t count, size_t width, uint32_t line, struct kit_error *error)
{
	void **slot = array;
	if (count != 0 && (count < 4 || (count & (count - 1)) != 0))
		return 0;
	size_t capacity = count == 0 ? 4 : (size_t)count * 2;
	void *bigger = kit_alloc(yaml->call, capacity * width);
	if (bigger == NULL)
		return kit_fail_memory(error, line);
	if (count != 0)
		memcpy(bigger, *slot, count * width);
	*slot = bigger;
	return 0;
}

struct children {
	const struct kit_yaml_node **values;
	struct provider_str *keys;
};

static int by_text(const void *a, const void *b)
{
	const struct provider_str *x = *(const struct provider_str *const *)a, *y = *(const struct provider_str *const *)b;
	int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);
	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Two equal keys: one of the values would silently be lost. */
static int check_keys(struct kit_yaml *yaml, const struct kit_yaml_node *node, struct kit_error *error)
{
	if (node->count < 2)
		return 0;
	const struct provider_str *few[32], **sorted = few;
	if (node->count > 32 && (sorted = kit_alloc(yaml->call, node->count * sizeof(*sorted))) == NULL)
		return kit_fail_memory(error, node->line);
	for (uint32_t i = 0; i < node->count; ++i)
		sorted[i] = &node->keys[i];
	qsort(sorted, node->count, sizeof(*sorted), by_text);
	for (uint32_t i = 1; i < node->count; ++i)
		if (kit_str_eq(*sorted[i], *sorted[i - 1])) {
			uint32_t second = (uint32_t)((sorted[i] > sorted[i - 1] ? sorted[i] : sorted[i - 1]) - node->keys);
			return kit_fail(error, PROVIDER_E_INPUT, node->values[second]->line,
			                "the key \"%.60s\" stands twice in one mapping", node->keys[second].ptr);
		}
	return 0;
}

static int read_children(struct kit_yaml *yaml, struct kit_yaml_node *node, struct kit_error *error)
{
	struct children children = {0};
	enum kit_yaml_event_type end = node->type == KIT_YAML_MAPPING ? KIT_YAML_MAPPING_END : KIT_YAML_SEQUENCE_END;
	struct kit_yaml_event event;
	int rc;
	while ((rc = kit_yaml_next(yaml, &event, error)) == 0 && event.type != end) {
		if ((rc = grow(yaml, &children.values, node->count, sizeof(*children.values), event.line, error)) != 0)
			return rc;
		if (node->type == KIT_YAML_MAPPING) {
			if (event.type != KIT_YAML_SCALAR)
				return kit_fail(error, PROVIDER_E_INPUT, event.line, "a key is not plain text");
			if ((rc = grow(yaml, &children.keys, node->count, sizeof(*children.keys), event.line, error)) != 0 ||
			    (rc = keep_text(yaml, event.text, &children.keys[node->count], event.line, error)) != 0 ||
			    (rc = kit_yaml_next(yaml, &event, error)) != 0)
				return rc;
		}
		if ((rc = read_value(yaml, &event, &children.values[node->count], error)) != 0)
			return rc;
		node->weight += children.values[node->count++]->weight;
	}
	if (rc != 0)
		return rc;
	node->values = children.values;
	node->keys = children.keys;
	return node->type == KIT_YAML_MAPPING ? check_keys(yaml, node, error) : 0;
}

static int read_alias(struct kit_yaml *yaml, const struct kit_yaml_event *event, const struct kit_yaml_node **ret_node,
                      struct kit_error *error)
{
	for (const struct kit_yaml_anchor *anchor = yaml->anchors; anchor != NULL; anchor = anchor->next)
		if (kit_str_eq(anchor->name, event->text)) {
			*ret_node = anchor->node;
			return kit_yaml_count(yaml, anchor->node->weight, event->line, error);
		}
	/* Also where the anchor's own value is still being read: a value that holds itself. */
	return kit_fail(error, PROVIDER_E_INPUT, event->line, "the alias *%.*s has no complete value before it",
	                (int)(event->text.len > 60 ? 60 : event->text.len), event->text.ptr);
}

static int keep_anchor(struct kit_yaml *yaml, struct kit_yaml_anchor *anchor, const struct kit_yaml_node *node)
{
	anchor->node = node;
	anchor->next = yaml->anchors; /* the latest of one name counts */
	yaml->anchors = anchor;
	return 0;
}

static int read_value(struct kit_yaml *yaml, const struct kit_yaml_event *event, const struct kit_yaml_node **ret_node,
                      struct kit_error *error)
{
	if (event->type == KIT_YAML_ALIAS)
		return read_alias(yaml, event, ret_node, error);
	struct kit_yaml_node *node = kit_alloc(yaml->call, sizeof(*node));
	if (node == NULL)
		return kit_fail_memory(error, event->line);
	*node = (struct kit_yaml_node){.type = event->type, .line = event->line, .plain = event->plain, .weight = 1};
	struct kit_yaml_anchor *anchor = NULL;
	struct provider_str name = kit_yaml_anchor_name(yaml);
	int rc = 0;
	if (name.ptr != NULL && yaml->aliases) {
		if ((anchor = kit_alloc(yaml->call, sizeof(*anchor))) == NULL)
			return kit_fail_memory(error, event->line);
		rc = keep_text(yaml, name, &anchor->name, event->line, error);
	}
	if (rc == 0)
		rc = event->type == KIT_YAML_SCALAR ? keep_text(yaml, event->text, &node->text, event->line, error)
		                                    : read_children(yaml, node, error);
	if (rc != 0)
		return rc;
	*ret_node = node;
	return anchor == NULL ? 0 : keep_anchor(yaml, anchor, node);
}

int kit_yaml_read(struct kit_yaml *yaml, const struct kit_yaml_node **ret_node, struct kit_error *error)
{
	struct kit_yaml_event event;
	int rc = kit_yaml_next(yaml, &event, error);
	if (rc != 0)
		return rc;
	if (event.type == KIT_YAML_SEQUENCE_END || event.type == KIT_YAML_MAPPING_END || event.type == KIT_YAML_END) {
		*ret_node = NULL;
		return 0;
	}
	return read_value(yaml, &event, ret_node, error);
}

const struct kit_yaml_node *kit_yaml_get(const struct kit_yaml_node *node, const char *key)
{
	if (node == NULL || node->type != KIT_YAML_MAPPING)
		return NULL;
	size_t len = strlen(key);
	for (uint32_t i = 0; i < node->count; ++i)
		if (node->keys[i].len == len && memcmp(node->keys[i].ptr, key, len) == 0)
			return node->values[i];
	return NULL;
}

struct provider_str kit_yaml_text(const struct kit_yaml_node *node)
{
	static const struct provider_str absent = {NULL, 0};
	if (node == NULL || node->type != KIT_YAML_SCALAR)
		return absent;
	if (node->plain && (node->text.len == 0 || kit_str_is(node->text, "~") || kit_str_is(node->text, "null")))
		return absent;
	return node->text;
}

struct provider_str kit_yaml_text_of(const struct kit_yaml_node *node, const char *key)
{
	return kit_yaml_text(kit_yaml_get(node, key));
}

bool kit_yaml_number(const struct kit_yaml_node *node, double *ret_value)
{
	struct provider_str text = kit_yaml_text(node);
	if (text.len == 0 || text.len > 40 || !node->plain)
		return false;
	for (size_t i = 0; i < text.len; ++i)
		if (strchr("0123456789+-.eE", text.ptr[i]) == NULL)
			return false;
	char *end;
	double value =
	    strtod(text.ptr, &end); /* the text is NUL-terminated by keep_text(); the locale is "C": no plugin sets another */
	if (end != text.ptr + text.len)
		return false;
	*ret_value = value;
	return true;
}
