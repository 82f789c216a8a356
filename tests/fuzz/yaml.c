/* YAML of strangers: trees stay inside their limits, whatever aliases and depths an input asks for. The first byte picks the
 * options. */
#include "kit/yaml.h"
#include "provider_host.h"

/* Counts as kit_yaml_node.weight does; depth 8 is the limit given below. */
static uint64_t walk(const struct kit_yaml_node *node, unsigned depth)
{
	uint64_t weight = 1;
	MUST_HOLD(depth <= 64 && node->line > 0); /* an alias may stand at the bottom of a tree, and be as deep again */
	if (node->type == KIT_YAML_SCALAR)
		MUST_HOLD(node->text.len <= 64 && memchr(node->text.ptr, 0, node->text.len) == NULL && node->count == 0);
	for (uint32_t i = 0; i < node->count; ++i) {
		if (node->type == KIT_YAML_MAPPING)
			MUST_HOLD(node->keys[i].len <= 64);
		weight += walk(node->values[i], depth + 1);
	}
	MUST_HOLD(weight == node->weight);
	return weight;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memory_used = 0;
	if (size == 0)
		return 0;
	struct kit_yaml_options options = {
	    .size = sizeof(options), .max_depth = 8, .max_scalar = 64, .max_values = 2000, .aliases = (data[0] & 1) != 0};
	struct kit_yaml *yaml = NULL;
	struct kit_error error = {0};
	const struct kit_yaml_node *node;
	char *content = malloc(size);
	memcpy(content, data + 1, size - 1);
	int rc = kit_yaml_open(&fuzz_call, (struct provider_str){content, size - 1}, &options, &yaml, &error);
	while (rc == 0 && (rc = kit_yaml_read(yaml, &node, &error)) == 0 && node != NULL)
		MUST_HOLD(walk(node, 1) <= 2000);
	MUST_HOLD(rc == 0 || error.text[0] != '\0');
	kit_yaml_close(yaml);
	free(content);
	return 0;
}
