#include "internal_yaml.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_DEPTH = 32, HIGHEST_DEPTH = 256, DEFAULT_SCALAR = 64 * 1024, DEFAULT_VALUES = 4 * 1000 * 1000 };

static void drop_event(struct kit_yaml *yaml)
{
	if (yaml->has_event)
		yaml_event_delete(&yaml->event);
	yaml->has_event = false;
}

/* Gets libyaml's next event; stream and document marks included. */
static int fetch(struct kit_yaml *yaml, struct kit_error *error)
{
	drop_event(yaml);
	if (!yaml_parser_parse(&yaml->parser, &yaml->event)) {
		const yaml_parser_t *parser = &yaml->parser;
		if (parser->error == YAML_MEMORY_ERROR)
			return kit_fail_memory(error, (uint32_t)parser->mark.line + 1);
		/* Where the text breaks off libyaml marks the last place it understood. */
		size_t line = parser->problem_mark.line != 0 ? parser->problem_mark.line : parser->mark.line;
		return kit_fail(error, PROVIDER_E_INPUT, (uint32_t)line + 1, "not well-formed YAML: %s%s%s",
		                parser->problem == NULL ? "unknown problem" : parser->problem,
		                parser->context == NULL ? "" : ", ", parser->context == NULL ? "" : parser->context);
	}
	yaml->has_event = true;
	return 0;
}

static uint32_t event_line(const struct kit_yaml *yaml)
{
	return (uint32_t)yaml->event.start_mark.line + 1;
}

int kit_yaml_open(const struct provider_call *call, struct provider_str content, const struct kit_yaml_options *options,
                  struct kit_yaml **ret_yaml, struct kit_error *error)
{
	static const struct kit_yaml_options presets = {.size = sizeof(presets)};
	if (options == NULL)
		options = &presets;
	int rc = kit_check_utf8(content, error);
	if (rc != 0)
		return rc;
	struct kit_yaml *yaml = kit_alloc(call, sizeof(*yaml));
	if (yaml == NULL || !yaml_parser_initialize(&yaml->parser))
		return kit_fail_memory(error, 0);
	yaml->call = call;
	yaml->max_depth = PROVIDER_HAS(options, max_depth) && options->max_depth != 0 ? options->max_depth : DEFAULT_DEPTH;
	if (yaml->max_depth > HIGHEST_DEPTH)
		yaml->max_depth = HIGHEST_DEPTH; /* trees are read by recursion */
	yaml->max_scalar = PROVIDER_HAS(options, max_scalar) && options->max_scalar != 0 ? options->max_scalar : DEFAULT_SCALAR;
	yaml->max_values = PROVIDER_HAS(options, max_values) && options->max_values != 0 ? options->max_values : DEFAULT_VALUES;
	yaml->aliases = PROVIDER_HAS(options, aliases) && options->aliases;
	yaml_parser_set_encoding(&yaml->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)(content.ptr == NULL ? "" : content.ptr), content.len);
	*ret_yaml = yaml;
	return 0;
}

struct kit_yaml *kit_yaml_close(struct kit_yaml *yaml)
{
	if (yaml == NULL)
		return NULL;
	drop_event(yaml);
	yaml_parser_delete(&yaml->parser);
	return NULL;
}

int kit_yaml_count(struct kit_yaml *yaml, uint64_t more, uint32_t line, struct kit_error *error)
{
	if (more > yaml->max_values - yaml->values)
		return kit_fail(error, PROVIDER_E_LIMIT, line, "the document has more than %llu values",
		                (unsigned long long)yaml->max_values);
	yaml->values += more;
	if (yaml->values % 1024 == 0 && kit_expired(yaml->call))
		return kit_fail(error, PROVIDER_E_LIMIT, line, "the time that a plugin may take is over");
	return 0;
}

struct provider_str kit_yaml_anchor_name(const struct kit_yaml *yaml)
{
	const unsigned char *name = NULL;
	if (yaml->event.type == YAML_SCALAR_EVENT)
		name = yaml->event.data.scalar.anchor;
	else if (yaml->event.type == YAML_SEQUENCE_START_EVENT)
		name = yaml->event.data.sequence_start.anchor;
	else if (yaml->event.type == YAML_MAPPING_START_EVENT)
		name = yaml->event.data.mapping_start.anchor;
	return (struct provider_str){(const char *)name, name == NULL ? 0 : strlen((const char *)name)};
}

static int enter(struct kit_yaml *yaml, enum kit_yaml_event_type type, struct kit_yaml_event *event, struct kit_error *error)
{
	if (yaml->depth == yaml->max_depth)
		return kit_fail(error, PROVIDER_E_LIMIT, event->line, "values are nested more than %u deep", yaml->max_depth);
	++yaml->depth;
	event->type = type;
	return kit_yaml_count(yaml, 1, event->line, error);
}

static int scalar(struct kit_yaml *yaml, struct kit_yaml_event *event, struct kit_error *error)
{
	if (yaml->event.data.scalar.length > yaml->max_scalar)
		return kit_fail(error, PROVIDER_E_LIMIT, event->line, "a value has more than %u bytes", yaml->max_scalar);
	event->type = KIT_YAML_SCALAR;
	event->text = (struct provider_str){(const char *)yaml->event.data.scalar.value, yaml->event.data.scalar.length};
	event->plain = yaml->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (memchr(event->text.ptr, 0, event->text.len) != NULL) /* "\0" in quotes */
		return kit_fail(error, PROVIDER_E_INPUT, event->line, "there is a NUL byte in the text");
	return kit_yaml_count(yaml, 1, event->line, error);
}

static int alias(struct kit_yaml *yaml, struct kit_yaml_event *event, struct kit_error *error)
{
	const char *name = (const char *)yaml->event.data.alias.anchor;
	if (!yaml->aliases)
		return kit_fail(error, PROVIDER_E_INPUT, event->line, "the alias *%.60s: this document may not use aliases",
		                name);
	event->type = KIT_YAML_ALIAS;
	event->text = (struct provider_str){name, strlen(name)};
	return kit_yaml_count(yaml, 1, event->line, error);
}

/* Document and stream marks pass unseen; after the document only the end may come. */
static int next_inside(struct kit_yaml *yaml, struct kit_yaml_event *event, struct kit_error *error, bool *ret_again)
{
	*ret_again = false;
	event->line = event_line(yaml);
	switch (yaml->event.type) {
	case YAML_SCALAR_EVENT:
		return scalar(yaml, event, error);
	case YAML_SEQUENCE_START_EVENT:
		return enter(yaml, KIT_YAML_SEQUENCE, event, error);
	case YAML_MAPPING_START_EVENT:
		return enter(yaml, KIT_YAML_MAPPING, event, error);
	case YAML_SEQUENCE_END_EVENT:
		--yaml->depth;
		event->type = KIT_YAML_SEQUENCE_END;
		return 0;
	case YAML_MAPPING_END_EVENT:
		--yaml->depth;
		event->type = KIT_YAML_MAPPING_END;
		return 0;
	case YAML_ALIAS_EVENT:
		return alias(yaml, event, error);
	case YAML_STREAM_END_EVENT:
		yaml->ended = true;
		event->type = KIT_YAML_END;
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		if (yaml->values != 0)
			return kit_fail(error, PROVIDER_E_INPUT, event->line, "a second document begins");
		break;
	default: /* stream start, document end */
		break;
	}
	*ret_again = true;
	return 0;
}

int kit_yaml_next(struct kit_yaml *yaml, struct kit_yaml_event *ret_event, struct kit_error *error)
{
	struct kit_yaml_event event = {0};
	bool again = !yaml->ended;
	while (again) {
		int rc = fetch(yaml, error);
		if (rc == 0)
			rc = next_inside(yaml, &event, error, &again);
		if (rc != 0)
			return rc;
	}
	*ret_event = event;
	return 0;
}
