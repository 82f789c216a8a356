/*
 * YAML: libyaml's events with limits, and on top of them small trees, one value at a time.
 *
 * Refused with their line: syntax errors, text that is not UTF-8, nesting, scalars or value counts beyond the limits, a second
 * document, a key that is not plain text or stands twice in one mapping. Aliases are refused unless allowed; where they are, a
 * value counts once for each place that names it, so that no bomb fits under max_values.
 *
 * Trees are the call's memory; the reader itself holds memory of libyaml's until kit_yaml_close().
 */
#ifndef KIT_YAML_H
#define KIT_YAML_H

#include "kit/error.h"

struct kit_yaml_options {
	uint32_t size;
	uint32_t max_depth;  /* 0: 32 */
	uint32_t max_scalar; /* bytes; 0: 64 KiB */
	uint64_t max_values; /* in the whole document, each alias counted as what it stands for; 0: 4 million */
	bool aliases;        /* allow them */
};

enum kit_yaml_event_type {
	KIT_YAML_END = 0, /* of the document */
	KIT_YAML_SCALAR = 1,
	KIT_YAML_SEQUENCE = 2,
	KIT_YAML_SEQUENCE_END = 3,
	KIT_YAML_MAPPING = 4,
	KIT_YAML_MAPPING_END = 5,
	KIT_YAML_ALIAS = 6,
};

struct kit_yaml_event {
	enum kit_yaml_event_type type;
	uint32_t line;
	struct provider_str text; /* of a scalar, or the alias's name; valid until the next event */
	bool plain;               /* scalar without quotes: what may mean a number, a date or null */
};

struct kit_yaml;

/* options may be NULL. content must outlive the reader. */
KIT_EXPORT int kit_yaml_open(const struct provider_call *call, struct provider_str content,
                             const struct kit_yaml_options *options, struct kit_yaml **ret_yaml, struct kit_error *ret_error);
/* Accepts NULL; returns NULL. */
KIT_EXPORT struct kit_yaml *kit_yaml_close(struct kit_yaml *yaml);
KIT_EXPORT int kit_yaml_next(struct kit_yaml *yaml, struct kit_yaml_event *ret_event, struct kit_error *ret_error);

/* ---- trees */

struct kit_yaml_node {
	enum kit_yaml_event_type type; /* SCALAR, SEQUENCE or MAPPING */
	uint32_t line;
	struct provider_str text; /* of a scalar */
	bool plain;
	uint32_t count; /* children of a sequence, pairs of a mapping */
	const struct kit_yaml_node *const *values;
	const struct provider_str *keys; /* of a mapping */
	uint64_t weight;                 /* values in it, itself included, aliases counted as what they stand for */
};

/* Reads one whole value; *ret_node is NULL at the end of the sequence or mapping that the reader stands in, or of the
 * document. */
KIT_EXPORT int kit_yaml_read(struct kit_yaml *yaml, const struct kit_yaml_node **ret_node, struct kit_error *ret_error);
/* The value of a key; NULL where node is NULL, not a mapping, or has no such key. */
KIT_EXPORT const struct kit_yaml_node *kit_yaml_get(const struct kit_yaml_node *node, const char *key);
/* The text of a scalar, absent where node is NULL, not a scalar, or null (plain "", "~", "null"). */
KIT_EXPORT struct provider_str kit_yaml_text(const struct kit_yaml_node *node);
/* kit_yaml_text(kit_yaml_get(node, key)). */
KIT_EXPORT struct provider_str kit_yaml_text_of(const struct kit_yaml_node *node, const char *key);
/* True with *ret_value where it is a plain scalar of decimal digits, with a sign, a point or an exponent. */
KIT_EXPORT bool kit_yaml_number(const struct kit_yaml_node *node, double *ret_value);

#endif
