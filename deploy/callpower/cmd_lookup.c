/*
 * callpower lookup: who represents a postal code, as one line of JSON for each line of input. It needs no server and no database:
 * it reads the active dataset where this machine has one, else it compiles the folder of sources into the cache.
 */
#include "base/memory.h"
#include "campaign/targets.h"
#include "command.h"
#include "datasets.h"
#include "text/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct lookup {
	const struct cp_provider *provider;
	struct cp_dataset *dataset;
	struct cp_targets_query query; /* but for the postal code */
	struct cp_arena *arena;        /* of one line */
};

/* ---- one line */

/* Input may be any bytes, JSON may not: a question mark stands for what is not text. */
static struct cp_str printable(struct cp_str input, struct cp_arena *arena)
{
	if (cp_str_is_utf8(input))
		return input;
	char *copy = cp_arena_cstr(arena, input);
	for (size_t i = 0; i < input.len; ++i)
		if ((unsigned char)copy[i] >= 0x80 || copy[i] == '\0')
			copy[i] = '?';
	return cp_str_n(copy, input.len);
}

static json_t *target_json(const struct cp_target *target)
{
	json_t *object = json_object();
	json_object_set_new(object, "key", cp_json_from_str(target->key));
	json_object_set_new(object, "name", cp_json_from_str(target->name));
	json_object_set_new(object, "title", cp_json_from_str(target->title));
	json_object_set_new(object, "district", cp_json_from_str(target->district));
	json_object_set_new(object, "phone", cp_json_from_str(target->phone));
	return object;
}

static json_t *answer_json(struct cp_str input, const char *error, const struct cp_targets *found)
{
	json_t *object = json_object(), *divisions = json_array(), *targets = json_array(), *warnings = json_array();
	json_object_set_new(object, "input", cp_json_from_str(input));
	if (error != NULL)
		json_object_set_new(object, "error", cp_json_from_str(cp_str(error)));
	json_object_set_new(object, "divisions", divisions);
	json_object_set_new(object, "split", json_boolean(found->split));
	json_object_set_new(object, "targets", targets);
	for (size_t i = 0; i < found->division_count; ++i)
		json_array_append_new(divisions, cp_json_from_str(found->divisions[i]));
	for (size_t i = 0; i < found->count; ++i)
		json_array_append_new(targets, target_json(&found->targets[i]));
	for (size_t i = 0; i < found->warning_count; ++i)
		json_array_append_new(warnings, cp_json_from_str(found->warnings[i].text));
	if (found->warning_count != 0)
		json_object_set(object, "warnings", warnings);
	json_decref(warnings);
	return object;
}

/* A line that leads nowhere is answered and passed over; only what makes every line fail ends the command. */
static int answer_line(struct lookup *lookup, struct cp_str line)
{
	struct cp_targets found = {0};
	struct cp_str input = printable(cp_str_trim(line), lookup->arena);
	int error = cp_provider_normalize_postcode(lookup->provider, input, lookup->arena, &lookup->query.postal_code);
	if (error == 0) {
		error = cp_targets_select(lookup->dataset, &lookup->query, lookup->arena, &found);
		if (error == CP_E_INPUT)
			return error;
	}
	json_t *answer = answer_json(input, error == 0 ? NULL : cp_error_message(), &found);
	struct cp_str text = cp_json_text(answer, lookup->arena);
	json_decref(answer);
	if (fwrite(text.ptr, 1, text.len, stdout) != text.len || fputc('\n', stdout) == EOF)
		return cp_fail_errno("the answer cannot be written");
	return 0;
}

static int answer_file(struct lookup *lookup, const char *path)
{
	FILE *file = cp_str_eq(cp_str(path), CP_STR("-")) ? stdin : fopen(path, "re");
	if (file == NULL)
		return cp_fail_errno("%s cannot be opened", path);
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len;
	int error = 0;
	while (error == 0 && (len = getline(&line, &capacity, file)) >= 0) {
		error = answer_line(lookup, cp_str_n(line, (size_t)len));
		cp_arena_reset(lookup->arena);
	}
	if (error == 0 && ferror(file))
		error = cp_fail_errno("%s cannot be read", path);
	if (error == 0 && fflush(stdout) != 0)
		error = cp_fail_errno("the answer cannot be written");
	free(line);
	if (file != stdin)
		fclose(file);
	return error;
}

/* ---- the command */

/* What is not given is the country's first. */
static int choose_campaign(struct lookup *lookup, const char *type, const char *subtype, const char *order)
{
	struct cp_targets_query *query = &lookup->query;
	struct cp_campaign_kind kind = {0};
	struct cp_campaign_order found;
	query->type = type != NULL ? cp_str(type) : cp_campaign_kind(lookup->dataset, 0).type;
	query->subtype = cp_str(subtype);
	query->order = cp_str(order);
	for (size_t i = 0; subtype == NULL && i < cp_campaign_kind_count(lookup->dataset) && query->subtype.len == 0; ++i) {
		kind = cp_campaign_kind(lookup->dataset, i);
		if (cp_str_eq(kind.type, query->type))
			query->subtype = kind.subtype;
	}
	int error = cp_campaign_kind_find(lookup->dataset, query->type, query->subtype, &kind);
	return error == 0 ? cp_campaign_order_find(lookup->dataset, query->type, query->order, &found) : error;
}

static int open_dataset(const struct cp_settings *settings, struct lookup *lookup)
{
	struct cp_str cache;
	int error = cp_cache_folder(cp_settings_text(settings, "CALLPOWER_CACHE_DIR"), lookup->arena, &cache);
	if (error != 0)
		return error;
	error = cp_cache_open_active(cache, lookup->provider->country, &lookup->dataset);
	if (error == 0)
		return 0;
	if (error != CP_E_NOTFOUND) /* a damaged copy: say so, go on with the sources */
		fprintf(stderr, "callpower lookup: %s\n", cp_error_message());
	const char *sources = cp_settings_text(settings, "CALLPOWER_DATA");
	if (sources == NULL)
		return cp_fail(CP_E_NOTFOUND,
		               "there is no active dataset of %.*s in %.*s, and CALLPOWER_DATA names no folder of sources; run "
		               "`callpower data update %.*s`, or set CALLPOWER_DATA",
		               CP_STR_ARG(lookup->provider->name), CP_STR_ARG(cache), CP_STR_ARG(lookup->provider->country));
	return cp_cache_open_compiled(cache, NULL, lookup->provider, sources, &lookup->dataset);
}

static int run(const struct cp_settings *settings, int argc, char **argv)
{
	const char *type = NULL, *subtype = NULL, *order = NULL, *file = NULL;
	const struct cp_option options[] = {{"type", false, .text = &type},
	                                    {"subtype", false, .text = &subtype},
	                                    {"order", false, .text = &order},
	                                    {"postal-file", false, .text = &file}};
	int count;
	if (cp_options_parse(options, CP_COUNT(options), argc, argv, 1, &count) != 0)
		return cp_command_usage(&cp_command_lookup, "%s", cp_error_message());
	if (count != 1)
		return cp_command_usage(&cp_command_lookup, count == 0 ? "which country?" : "one country at a time");
	if (file == NULL)
		return cp_command_usage(&cp_command_lookup, "--postal-file is missing; - reads standard input");
	CP_CLEANUP(cp_providers_free_ptr) struct cp_providers *set = NULL;
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *kept = cp_arena_new();
	struct lookup lookup = {.arena = kept};
	int error = cp_datasets_load_providers(settings, "lookup", &set);
	if (error == 0)
		error = cp_provider_find(set, cp_str(argv[1]), &lookup.provider);
	if (error == 0)
		error = open_dataset(settings, &lookup);
	if (error == 0)
		error = choose_campaign(&lookup, type, subtype, order);
	if (error == 0) {
		CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *line_arena = cp_arena_new();
		lookup.arena = line_arena;
		error = answer_file(&lookup, file);
	}
	cp_dataset_unref(lookup.dataset);
	return error == 0 ? 0 : cp_command_failed(&cp_command_lookup);
}

const struct cp_command cp_command_lookup = {
    "lookup", "COUNTRY --postal-file FILE|- [--type TYPE] [--subtype SUBTYPE] [--order ORDER]",
    "Say who represents each postal code of a file, as a line of JSON each; needs no server.", run, false};
