/* The YAML reader's state, shared by events (yaml.c) and trees (yaml_tree.c). */
#ifndef KIT_INTERNAL_YAML_H
#define KIT_INTERNAL_YAML_H

#include "internal.h"
#include "kit/yaml.h"

#include <yaml.h>

struct kit_yaml_anchor {
	struct kit_yaml_anchor *next;
	struct provider_str name;
	const struct kit_yaml_node *node;
};

struct kit_yaml {
	yaml_parser_t parser;
	yaml_event_t event; /* the latest; its text is lent to the caller */
	bool has_event, ended;
	const struct provider_call *call;
	uint32_t max_depth, max_scalar, depth;
	uint64_t max_values, values;
	bool aliases;
	struct kit_yaml_anchor *anchors;
};

/* Counts more values against the limit. */
int kit_yaml_count(struct kit_yaml *yaml, uint64_t more, uint32_t line, struct kit_error *error);
/* The anchor of the latest event; absent where it has none. Valid until the next event. */
struct provider_str kit_yaml_anchor_name(const struct kit_yaml *yaml);

#endif
