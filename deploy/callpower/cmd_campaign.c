/* callpower campaign: makes and changes campaigns from the command line. */
#include "base/arena.h"
#include "base/memory.h"
#include "campaign/store.h"
#include "campaign/targets.h"
#include "command.h"
#include "operator.h"
#include "provider/cache.h"
#include "provider/countries.h"
#include "tenants/feed.h"
#include "text/json.h"

#include <stdio.h>
#include <string.h>

static const struct cp_command *const self = &cp_command_campaign;

struct work {
	struct cp_arena *arena;
	struct cp_registry *registry;
	struct cp_registry_snapshot *snapshot;
	const struct cp_tenant *tenant; /* of the snapshot */
	struct cp_db_blocking *app;
};

static void work_done(struct work *work)
{
	work->app = cp_db_blocking_close(work->app);
	work->snapshot = cp_registry_snapshot_unref(work->snapshot);
	work->registry = cp_registry_free(work->registry);
	work->arena = cp_arena_free(work->arena);
}

/* Finds the organization and opens a connection of the role that is bound to one tenant at a time. */
static int work_start(const struct cp_settings *settings, const char *slug, struct work *work)
{
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *operator_connection = NULL;
	work->arena = cp_arena_new();
	work->registry = cp_registry_new(NULL);
	const char *conninfo = cp_settings_text(settings, "CALLPOWER_DATABASE_APP");
	int error = cp_open_operator_database(settings, &operator_connection);
	if (error == 0)
		error = cp_registry_refresh_blocking(work->registry, operator_connection);
	if (error != 0)
		return error;
	work->snapshot = cp_registry_current(work->registry);
	work->tenant = cp_registry_by_slug(work->snapshot, cp_str(slug));
	if (work->tenant == NULL)
		return cp_fail(CP_E_NOTFOUND, "there is no organization \"%s\"; `callpower tenant list` names them", slug);
	if (conninfo == NULL)
		return cp_fail(CP_E_INPUT, "the setting CALLPOWER_DATABASE_APP is missing: the connection string of the role that serves organizations");
	return cp_db_blocking_open(conninfo, &work->app);
}

/* ---- what a campaign is made of */

struct flags {
	const char *name, *settings, *country, *type, *subtype, *order, *language, *voice, *organization, *caller_id, *maximum;
	const char *numbers[CP_CAMPAIGN_MAX_NUMBERS];
	size_t number_count;
};

struct request {
	const struct cp_settings *program;
	struct flags flags;
	char **arguments; /* behind the word */
	int count;
};

static int read_stream(const char *path, struct cp_buf *content)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char chunk[4096];
	size_t n;
	if (file == NULL)
		return cp_fail_errno("cannot read %s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) != 0 && content->len <= CP_CAMPAIGN_MAX_JSON)
		cp_buf_add(content, cp_str_n(chunk, n));
	bool failed = ferror(file) != 0;
	if (file != stdin)
		fclose(file);
	return failed ? cp_fail(CP_E_SYSTEM, "cannot read %s", path) : 0;
}

static void set_text(json_t *json, const char *name, const char *text)
{
	if (text != NULL)
		json_object_set_new(json, name, cp_json_from_str(cp_str(text)));
}

/* The document of --settings with what the other options say set in it. */
static int build_settings(const struct flags *flags, const struct cp_tenant *tenant, struct cp_arena *arena, struct cp_str *ret_settings)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf content = {0};
	CP_CLEANUP(cp_json_free_ptr) json_t *json = NULL;
	int error = flags->settings == NULL ? 0 : read_stream(flags->settings, &content);
	if (error == 0)
		error = cp_json_parse(flags->settings == NULL ? CP_STR("{}") : cp_buf_str(&content), &json);
	if (error == 0 && !json_is_object(json))
		error = cp_fail(CP_E_INPUT, "a campaign's settings are a JSON object");
	if (error != 0)
		return error;
	set_text(json, "country", flags->country);
	set_text(json, "type", flags->type);
	set_text(json, "subtype", flags->subtype);
	set_text(json, "order", flags->order);
	set_text(json, "language", flags->language);
	set_text(json, "voice", flags->voice);
	set_text(json, "organization", flags->organization);
	set_text(json, "caller_id", flags->caller_id);
	if (flags->maximum != NULL) {
		uint64_t maximum;
		if ((error = cp_str_to_u64(cp_str(flags->maximum), CP_CAMPAIGN_MAX_CALLS, &maximum)) != 0)
			return cp_fail_in(error, "--call-maximum");
		json_object_set_new(json, "call_maximum", json_integer((json_int_t)maximum));
	}
	if (flags->number_count != 0 || json_object_get(json, "numbers") == NULL) {
		json_t *numbers = json_array();
		for (size_t i = 0; i < flags->number_count; ++i)
			json_array_append_new(numbers, cp_json_from_str(cp_str(flags->numbers[i])));
		for (size_t i = 0; i < tenant->number_count && flags->number_count == 0; ++i)
			json_array_append_new(numbers, cp_json_from_str(tenant->numbers[i]));
		json_object_set_new(json, "numbers", numbers);
	}
	*ret_settings = cp_json_text(json, arena);
	return 0;
}

static int check_numbers(const struct cp_campaign_settings *settings, const struct cp_tenant *tenant)
{
	for (size_t i = 0; i < settings->number_count; ++i) {
		bool owned = false;
		for (size_t j = 0; j < tenant->number_count && !owned; ++j)
			owned = cp_str_eq(settings->numbers[i], tenant->numbers[j]);
		if (!owned)
			return cp_fail(CP_E_INPUT, "%.*s is not one of the organization's numbers; `callpower tenant number add` adds it",
			               CP_STR_ARG(settings->numbers[i]));
	}
	return 0;
}

/* What the country's data says of the campaign's kind; where no data is here yet, that is said and nothing is refused. */
static int check_kind(const struct cp_settings *program, const struct cp_campaign_settings *settings, struct cp_arena *arena)
{
	struct cp_str folder;
	size_t loaded;
	struct cp_campaign_kind kind;
	struct cp_campaign_order order;
	struct cp_countries *countries = cp_countries_new();
	int error = cp_cache_folder(cp_settings_text(program, "CALLPOWER_CACHE_DIR"), arena, &folder);
	if (error == 0)
		error = cp_countries_load_cache(countries, folder.ptr, &loaded);
	struct cp_dataset *dataset = error == 0 ? cp_countries_get(countries, settings->country) : NULL;
	if (dataset == NULL) {
		fprintf(stderr, "callpower campaign: no data of \"%.*s\" is at hand here, so its type could not be checked; `callpower data update %.*s` loads it\n",
		        CP_STR_ARG(settings->country), CP_STR_ARG(settings->country));
		error = 0;
	} else {
		error = cp_campaign_kind_find(dataset, settings->type, settings->subtype, &kind);
		if (error == 0)
			error = cp_campaign_order_find(dataset, settings->type, settings->order, &order);
	}
	cp_dataset_unref(dataset);
	cp_countries_free(countries);
	return error;
}

static int check(const struct request *request, struct cp_str json, const struct work *work)
{
	struct cp_campaign_settings *settings;
	int error = cp_campaign_settings_parse(json, &settings);
	if (error != 0)
		return error;
	error = check_numbers(settings, work->tenant);
	if (error == 0)
		error = check_kind(request->program, settings, work->arena);
	cp_campaign_settings_unref(settings);
	return error;
}

/* ---- the subcommands: argv[0] is the word, argv[1] the organization's slug */

static int create(const struct request *request, struct work *work)
{
	struct cp_str settings;
	int32_t id;
	if (request->flags.name == NULL)
		return cp_fail(CP_E_INPUT, "--name is missing");
	int error = build_settings(&request->flags, work->tenant, work->arena, &settings);
	if (error == 0)
		error = check(request, settings, work);
	if (error == 0)
		error = cp_campaign_create(work->app, work->tenant->id, cp_str(request->flags.name), settings, &id);
	if (error == 0)
		printf("campaign %d \"%s\" of %.*s made, as a draft; `callpower campaign launch %.*s %d` makes it live\n", id, request->flags.name,
		       CP_STR_ARG(work->tenant->slug), CP_STR_ARG(work->tenant->slug), id);
	return error;
}

static int parse_id(const struct request *request, int32_t *ret_id)
{
	uint64_t id;
	if (request->count < 2 || cp_str_to_u64(cp_str(request->arguments[1]), INT32_MAX, &id) != 0 || id == 0)
		return cp_fail(CP_E_INPUT, "the campaign's number is missing");
	*ret_id = (int32_t)id;
	return 0;
}

static int edit(const struct request *request, struct work *work)
{
	struct cp_str settings;
	int32_t id, revision;
	int error = parse_id(request, &id);
	if (error == 0 && request->flags.settings == NULL)
		error = cp_fail(CP_E_INPUT, "--settings is missing: the whole document, as `campaign show` prints it");
	if (error == 0)
		error = build_settings(&request->flags, work->tenant, work->arena, &settings);
	if (error == 0)
		error = check(request, settings, work);
	if (error == 0)
		error = cp_campaign_edit(work->app, work->tenant->id, id, settings, &revision);
	if (error == 0)
		printf("campaign %d is now at revision %d\n", id, revision);
	return error;
}

static int set_status(const struct request *request, struct work *work, enum cp_campaign_status status)
{
	struct cp_campaign_row *row;
	size_t count;
	int32_t id;
	int error = parse_id(request, &id);
	if (error == 0)
		error = cp_campaign_list(work->app, work->tenant->id, id, work->arena, &row, &count);
	if (error == 0 && status == CP_CAMPAIGN_LIVE)
		error = check(request, row->settings, work);
	if (error == 0)
		error = cp_campaign_set_status(work->app, work->tenant->id, id, status);
	if (error == 0)
		printf("campaign %d \"%.*s\" is %s\n", id, CP_STR_ARG(row->name), cp_campaign_status_word(status));
	return error;
}

static int launch(const struct request *request, struct work *work)
{
	return set_status(request, work, CP_CAMPAIGN_LIVE);
}

static int pause_campaign(const struct request *request, struct work *work)
{
	return set_status(request, work, CP_CAMPAIGN_PAUSED);
}

static int archive(const struct request *request, struct work *work)
{
	return set_status(request, work, CP_CAMPAIGN_ARCHIVED);
}

static int list(const struct request *request, struct work *work)
{
	(void)request;
	struct cp_campaign_row *rows;
	size_t count;
	int error = cp_campaign_list(work->app, work->tenant->id, 0, work->arena, &rows, &count);
	for (size_t i = 0; error == 0 && i < count; ++i)
		printf("%d\t%s\t%.*s\n", rows[i].id, cp_campaign_status_word(rows[i].status), CP_STR_ARG(rows[i].name));
	return error;
}

static int show(const struct request *request, struct work *work)
{
	CP_CLEANUP(cp_json_free_ptr) json_t *json = NULL;
	struct cp_campaign_row *row;
	size_t count;
	int32_t id;
	int error = parse_id(request, &id);
	if (error == 0)
		error = cp_campaign_list(work->app, work->tenant->id, id, work->arena, &row, &count);
	if (error == 0)
		error = cp_json_parse(row->settings, &json);
	if (error == 0) {
		json_dumpf(json, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	return error;
}

static const struct {
	const char *word;
	int (*run)(const struct request *request, struct work *work);
} words[] = {
	{"create", create}, {"edit", edit}, {"launch", launch}, {"pause", pause_campaign}, {"archive", archive}, {"list", list}, {"show", show},
};

static int run(const struct cp_settings *settings, int argc, char **argv)
{
	struct request request = {.program = settings};
	struct flags *flags = &request.flags;
	const struct cp_option options[] = {
		{"name", .text = &flags->name},           {"settings", .text = &flags->settings},   {"country", .text = &flags->country},
		{"type", .text = &flags->type},           {"subtype", .text = &flags->subtype},     {"order", .text = &flags->order},
		{"language", .text = &flags->language},   {"voice", .text = &flags->voice},         {"organization", .text = &flags->organization},
		{"caller-id", .text = &flags->caller_id}, {"call-maximum", .text = &flags->maximum},
		{"number", .many = flags->numbers, .many_size = CP_CAMPAIGN_MAX_NUMBERS, .many_count = &flags->number_count},
	};
	int count;
	if (cp_options_parse(options, CP_COUNT(options), argc, argv, 1, &count) != 0)
		return cp_command_usage(self, "%s", cp_error_message());
	if (count < 2)
		return cp_command_usage(self, "say what to do, and for which organization");
	for (size_t i = 0; i < CP_COUNT(words); ++i) {
		if (strcmp(argv[1], words[i].word) != 0)
			continue;
		struct work work = {0};
		request.arguments = argv + 2;
		request.count = count - 1;
		int error = work_start(settings, argv[2], &work);
		if (error == 0)
			error = words[i].run(&request, &work);
		int status = error == 0 ? 0 : cp_command_failed(self);
		work_done(&work);
		return status;
	}
	return cp_command_usage(self, "\"%s\" is nothing that can be done with a campaign", argv[1]);
}

const struct cp_command cp_command_campaign = {
	"campaign",
	"list ORGANIZATION\n"
	"create ORGANIZATION --name NAME [--settings FILE|-] [--country us --type congress --subtype both --order upper-first "
	"--language en-US --number +1... --voice VOICE --organization TEXT --caller-id supporter|campaign --call-maximum N]\n"
	"show|launch|pause|archive ORGANIZATION NUMBER\n"
	"edit ORGANIZATION NUMBER --settings FILE|-",
	"Make, show and change an organization's campaigns.", run, false};
