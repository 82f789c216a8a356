/*
 * callpower data: versions of countries' data in the database: made from sources, activated, rolled back, listed.
 *
 * An update changes nothing until all of it has succeeded: the sources are read or downloaded, compiled in a child process,
 * looked at as a whole, stored, and only then activated.
 */
#include "base/memory.h"
#include "command.h"
#include "datasets.h"
#include "fetch/download.h"
#include "fetch/fetch.h"
#include "operator.h"
#include "provider.h"
#include "provider/compile.h"
#include "provider/store.h"
#include "text/json.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- downloading */

enum { STALL_TIMEOUT_MS = 30 * 1000, BAR_WIDTH = 30 };

struct progress {
	const char *name;
	bool terminal;
	uint64_t shown; /* percent, or MiB where the size is unknown */
	bool drawn;
};

static int draw(void *data, uint64_t received, uint64_t total)
{
	struct progress *progress = data;
	uint64_t step = total == 0 ? received >> 20 : received * 100 / total;
	if (!progress->terminal || (progress->drawn && step == progress->shown))
		return 0;
	progress->shown = step;
	progress->drawn = true;
	char bar[BAR_WIDTH + 1];
	int filled = total == 0 ? 0 : (int)(received * BAR_WIDTH / total);
	for (int i = 0; i < BAR_WIDTH; ++i)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	if (total == 0)
		printf("\r  %-12s %.1f MB", progress->name, (double)received / 1e6);
	else
		printf("\r  %-12s [%s] %3llu %% of %.1f MB", progress->name, bar, (unsigned long long)step, (double)total / 1e6);
	fflush(stdout);
	return 0;
}

static int download(const struct provider_document *document, const char *folder)
{
	struct cp_buf path CP_CLEANUP(cp_buf_free) = {0};
	struct progress progress = {.name = document->name, .terminal = isatty(STDOUT_FILENO) == 1};
	struct stat info;
	cp_buf_printf(&path, "%s/%s", folder, document->files[0]);
	struct cp_download request = {
	    .url = document->address,
	    .path = path.ptr,
	    .max_size = document->max_size,
	    .stall_timeout_ms = STALL_TIMEOUT_MS,
	    .progress = draw,
	    .data = &progress,
	};
	int error = cp_download(&request);
	if (progress.drawn)
		putchar('\n');
	if (error != 0)
		return cp_fail_in(error, "the document \"%s\" could not be downloaded (--from reads a folder instead)",
		                  document->name);
	if (!progress.terminal && stat(path.ptr, &info) == 0)
		printf("  %-12s %.1f MB\n", document->name, (double)info.st_size / 1e6);
	return 0;
}

static int download_sources(const struct cp_provider *provider, struct cp_str cache, struct cp_arena *arena,
                            const char **ret_folder)
{
	struct cp_str folder = cp_arena_printf(arena, "%.*s/%.*s-sources", CP_STR_ARG(cache), CP_STR_ARG(provider->country));
	if (mkdir(folder.ptr, 0700) != 0 && errno != EEXIST)
		return cp_fail_errno("the folder %s cannot be made", folder.ptr);
	printf("downloading the sources of %.*s\n", CP_STR_ARG(provider->name));
	fflush(stdout); /* before what goes wrong, which goes to standard error */
	int error = cp_fetch_global_start();
	if (error != 0)
		return error;
	for (size_t i = 0; provider->manifest->documents[i] != NULL && error == 0; ++i)
		error = download(provider->manifest->documents[i], folder.ptr);
	cp_fetch_global_stop();
	if (error == 0)
		*ret_folder = folder.ptr;
	return error;
}

/* ---- update */

struct update {
	const struct cp_provider *provider;
	struct cp_db_blocking *connection;
	struct cp_arena *arena;
	struct cp_str cache;
	const char *from; /* NULL: download */
};

static double seconds_since(const struct timespec *start)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Is it a country's data at all? A source that was emptied must not become the active version. */
static int check_dataset(const struct cp_dataset *dataset)
{
	const struct cp_dataset_counts *counts = &cp_dataset_info(dataset)->counts;
	if (counts->holders == 0 || counts->postal_codes == 0)
		return cp_fail(CP_E_INPUT, "the sources give %u members and %u postal codes; nothing was changed",
		               counts->holders, counts->postal_codes);
	if (counts->vacant_seats * 2 > counts->seats)
		return cp_fail(CP_E_INPUT, "%u of %u seats would be vacant; nothing was changed", counts->vacant_seats,
		               counts->seats);
	return 0;
}

static void print_warnings(const struct cp_dataset *dataset)
{
	enum { SHOWN = 20 };
	size_t count = cp_dataset_warning_count(dataset);
	for (size_t i = 0; i < count && i < SHOWN; ++i) {
		struct cp_dataset_warning warning = cp_dataset_warning(dataset, i);
		struct cp_dataset_source source = cp_dataset_source(dataset, warning.from.source);
		if (warning.from.line != 0)
			printf("  warning: %.*s (%.*s:%u)\n", CP_STR_ARG(warning.text), CP_STR_ARG(source.file),
			       warning.from.line);
		else
			printf("  warning: %.*s\n", CP_STR_ARG(warning.text));
	}
	if (count > SHOWN)
		printf("  and %zu more warnings\n", count - SHOWN);
}

static void print_summary(const struct cp_dataset *dataset, double seconds)
{
	const struct cp_dataset_counts *counts = &cp_dataset_info(dataset)->counts;
	printf("compiled in %.2f s: %u people, %u seats (%u vacant), %u offices, %u postal codes; %u members cannot be reached "
	       "by telephone\n",
	       seconds, counts->people, counts->seats, counts->vacant_seats, counts->offices, counts->postal_codes,
	       counts->unreachable_holders);
	print_warnings(dataset);
}

static int compile(struct update *update, struct cp_str path)
{
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *dataset = NULL;
	struct timespec start;
	clock_gettime(CLOCK_MONOTONIC, &start);
	int error = cp_compile_in_child(NULL, update->provider, update->from, NULL, path.ptr);
	if (error == 0)
		error = cp_dataset_open(path.ptr, &dataset);
	if (error != 0)
		return error;
	print_summary(dataset, seconds_since(&start));
	return check_dataset(dataset);
}

/* The version was made from the same sources before, and it is what servers use. */
static bool is_active(struct update *update, int64_t version)
{
	struct cp_dataset_version *versions;
	size_t count;
	if (cp_dataset_store_list(update->connection, update->provider->country, update->arena, &versions, &count) != 0)
		return false;
	for (size_t i = 0; i < count; ++i)
		if (versions[i].id == version)
			return versions[i].active;
	return false;
}

static int store(struct update *update, struct cp_str path)
{
	int64_t version;
	int error = cp_dataset_store_put(update->connection, path.ptr, &version);
	if (error == 0 && is_active(update, version)) {
		error = cp_dataset_store_fetch(update->connection, version, update->cache.ptr);
		if (error == 0)
			printf("the sources have not changed; version %lld of %.*s stays active\n", (long long)version,
			       CP_STR_ARG(update->provider->country));
		return error;
	}
	if (error == 0)
		error = cp_dataset_store_activate(update->connection, update->provider->country, version);
	if (error == 0)
		error = cp_dataset_store_fetch(update->connection, version, update->cache.ptr);
	if (error == 0)
		printf("version %lld of %.*s is active\n", (long long)version, CP_STR_ARG(update->provider->country));
	return error;
}

static int run_update(const struct cp_settings *settings, const char *country, const char *from)
{
	CP_CLEANUP(cp_providers_free_ptr) struct cp_providers *set = NULL;
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *connection = NULL;
	struct update update = {.arena = arena, .from = from != NULL ? from : cp_settings_text(settings, "CALLPOWER_DATA")};
	int error = cp_datasets_load_providers(settings, "data", &set);
	if (error == 0)
		error = cp_provider_find(set, cp_str(country), &update.provider);
	if (error == 0)
		error = cp_open_operator_database(settings, &connection);
	if (error == 0)
		error = cp_cache_folder(cp_settings_text(settings, "CALLPOWER_CACHE_DIR"), arena, &update.cache);
	update.connection = connection;
	if (error == 0 && update.from == NULL)
		error = download_sources(update.provider, update.cache, arena, &update.from);
	if (error != 0)
		return error;
	struct cp_str path = cp_arena_printf(arena, "%.*s/%.*s-update.%ld", CP_STR_ARG(update.cache),
	                                     CP_STR_ARG(update.provider->country), (long)getpid());
	error = compile(&update, path);
	if (error == 0)
		error = store(&update, path);
	unlink(path.ptr);
	return error;
}

/* ---- the others */

static long long count_of(const json_t *counts, const char *name)
{
	return (long long)json_integer_value(json_object_get(counts, name));
}

static void print_version(const struct cp_dataset_version *version)
{
	CP_CLEANUP(cp_json_free_ptr) json_t *counts = NULL;
	printf("%-8.*s %8lld  %-6s %-20.*s  %-20.*s", CP_STR_ARG(version->country), (long long)version->id,
	       version->active ? "yes" : "", CP_STR_ARG(version->created_at), CP_STR_ARG(version->activated_at));
	if (cp_json_parse(version->counts, &counts) == 0)
		printf("  %lld people, %lld seats (%lld vacant), %lld postal codes, %lld warnings", count_of(counts, "people"),
		       count_of(counts, "seats"), count_of(counts, "vacant_seats"), count_of(counts, "postal_codes"),
		       (long long)version->warnings);
	putchar('\n');
}

static int run_status(struct cp_db_blocking *connection, const char *country)
{
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	struct cp_dataset_version *versions;
	size_t count;
	int error = cp_dataset_store_list(connection, cp_str(country), arena, &versions, &count);
	if (error != 0)
		return error;
	if (count == 0) {
		puts("no data yet; `callpower data update COUNTRY` gets some");
		return 0;
	}
	printf("%-8s %8s  %-6s %-20s  %-20s\n", "country", "version", "active", "made", "activated last");
	for (size_t i = 0; i < count; ++i)
		print_version(&versions[i]);
	return 0;
}

/* This machine's cache follows at once; servers follow the notification. */
static int follow(const struct cp_settings *settings, struct cp_db_blocking *connection, const char *country, int64_t version)
{
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	struct cp_str cache;
	int error = cp_cache_folder(cp_settings_text(settings, "CALLPOWER_CACHE_DIR"), arena, &cache);
	if (error == 0)
		error = cp_dataset_store_fetch(connection, version, cache.ptr);
	if (error == 0)
		printf("version %lld of %s is active\n", (long long)version, country);
	return error;
}

static int run_activate(const struct cp_settings *settings, struct cp_db_blocking *connection, const char *country,
                        const char *text)
{
	uint64_t version;
	int error = cp_str_to_u64(cp_str(text), INT64_MAX, &version);
	if (error != 0)
		return cp_fail(CP_E_INPUT, "\"%s\" is no number of a version", text);
	error = cp_dataset_store_activate(connection, cp_str(country), (int64_t)version);
	return error == 0 ? follow(settings, connection, country, (int64_t)version) : error;
}

static int run_rollback(const struct cp_settings *settings, struct cp_db_blocking *connection, const char *country)
{
	int64_t version;
	int error = cp_dataset_store_rollback(connection, cp_str(country), &version);
	return error == 0 ? follow(settings, connection, country, version) : error;
}

static int run(const struct cp_settings *settings, int argc, char **argv)
{
	const char *from = NULL;
	const struct cp_option options[] = {{"from", false, .text = &from}};
	int count;
	if (cp_options_parse(options, CP_COUNT(options), argc, argv, 1, &count) != 0)
		return cp_command_usage(&cp_command_data, "%s", cp_error_message());
	struct cp_str verb = count == 0 ? CP_STR("") : cp_str(argv[1]);
	if (from != NULL && !cp_str_eq(verb, CP_STR("update")))
		return cp_command_usage(&cp_command_data, "--from belongs to `data update`");
	if (cp_str_eq(verb, CP_STR("update")) && count == 2)
		return run_update(settings, argv[2], from) == 0 ? 0 : cp_command_failed(&cp_command_data);
	bool status = cp_str_eq(verb, CP_STR("status")) && (count == 1 || count == 2);
	bool activate = cp_str_eq(verb, CP_STR("activate")) && count == 3;
	bool rollback = cp_str_eq(verb, CP_STR("rollback")) && count == 2;
	if (!status && !activate && !rollback)
		return cp_command_usage(&cp_command_data,
		                        count == 0 ? "what is to be done?" : "these arguments are not understood");
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *connection = NULL;
	int error = cp_open_operator_database(settings, &connection);
	if (error == 0)
		error = status     ? run_status(connection, count == 2 ? argv[2] : NULL)
		        : activate ? run_activate(settings, connection, argv[2], argv[3])
		                   : run_rollback(settings, connection, argv[2]);
	return error == 0 ? 0 : cp_command_failed(&cp_command_data);
}

const struct cp_command cp_command_data = {
    "data", "update COUNTRY [--from FOLDER]\nstatus [COUNTRY]\nactivate COUNTRY VERSION\nrollback COUNTRY",
    "Get a country's people and places, see which versions there are, switch between them.", run, false};
