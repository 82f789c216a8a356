/*
 * callpower compile-provider PLUGIN FOLDER FILE: one plugin over one folder of documents into one dataset. Hidden: `data update`
 * and `lookup` start it as their child, with limits, so that a plugin that crashes or loops costs that child only.
 */
#include "base/memory.h"
#include "command.h"
#include "datasets.h"
#include "provider/compile.h"

#include <stdio.h>

int cp_datasets_load_providers(const struct cp_settings *settings, const char *command, struct cp_providers **ret_set)
{
	int error = cp_providers_load(cp_settings_text(settings, "CALLPOWER_PROVIDERS_DIR"), ret_set);
	for (size_t i = 0; error == 0 && i < cp_provider_refusal_count(*ret_set); ++i) {
		struct cp_provider_refusal refusal = cp_provider_refusal(*ret_set, i);
		fprintf(stderr, "callpower %s: the plugin %.*s is refused: %.*s\n", command, CP_STR_ARG(refusal.path),
		        CP_STR_ARG(refusal.reason));
	}
	return error;
}

static int run(const struct cp_settings *settings, int argc, char **argv)
{
	(void)settings;
	if (argc != 4)
		return cp_command_usage(&cp_command_compile_provider, "three arguments are expected");
	CP_CLEANUP(cp_providers_free_ptr) struct cp_providers *set = NULL;
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	struct cp_compile_document *documents;
	size_t count;
	int error = cp_providers_load_file(argv[1], &set);
	if (error == 0)
		error = cp_compile_read(cp_provider_at(set, 0), argv[2], arena, &documents, &count);
	if (error == 0)
		error = cp_compile(cp_provider_at(set, 0), documents, count, NULL, argv[3]);
	return error == 0 ? 0 : cp_command_failed(&cp_command_compile_provider);
}

const struct cp_command cp_command_compile_provider = {"compile-provider", "PLUGIN FOLDER FILE",
                                                       "Compile a folder of documents with one plugin.", run, true};
