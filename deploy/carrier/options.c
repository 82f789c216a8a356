#include "options.h"

#include "base/memory.h"
#include "text/json.h"
#include "url.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_FILE = 16 * 1024 * 1024 };

enum flag {
	LISTEN = 256,
	READY_FILE,
	ACCOUNT,
	ACCOUNTS,
	SCENARIO,
	SPEED,
	CALLS_PER_SECOND,
	INTERACTIVE,
	TRANSCRIPT,
	ROUTE,
	SERVER,
	CAMPAIGN,
	KEEP,
	LOG_FORMAT,
	LOG_LEVEL,
	CALLS,
	CONCURRENCY,
	RATE,
	MAX_SECONDS,
	LOCATION,
	COUNTRY,
	HOST,
	PATH,
	HELP,
};

static const struct option flags[] = {
    {"listen", required_argument, NULL, LISTEN},
    {"ready-file", required_argument, NULL, READY_FILE},
    {"account", required_argument, NULL, ACCOUNT},
    {"accounts", required_argument, NULL, ACCOUNTS},
    {"scenario", required_argument, NULL, SCENARIO},
    {"speed", required_argument, NULL, SPEED},
    {"calls-per-second", required_argument, NULL, CALLS_PER_SECOND},
    {"interactive", no_argument, NULL, INTERACTIVE},
    {"transcript", required_argument, NULL, TRANSCRIPT},
    {"route", required_argument, NULL, ROUTE},
    {"server", required_argument, NULL, SERVER},
    {"campaign", required_argument, NULL, CAMPAIGN},
    {"keep", required_argument, NULL, KEEP},
    {"log-format", required_argument, NULL, LOG_FORMAT},
    {"log-level", required_argument, NULL, LOG_LEVEL},
    {"calls", required_argument, NULL, CALLS},
    {"concurrency", required_argument, NULL, CONCURRENCY},
    {"rate", required_argument, NULL, RATE},
    {"max-seconds", required_argument, NULL, MAX_SECONDS},
    {"location", required_argument, NULL, LOCATION},
    {"country", required_argument, NULL, COUNTRY},
    {"host", required_argument, NULL, HOST},
    {"path", required_argument, NULL, PATH},
    {"help", no_argument, NULL, HELP},
    {0},
};

static int read_unsigned(const char *name, const char *text, unsigned min, unsigned max, unsigned *ret_number)
{
	uint64_t number;
	if (cp_str_to_u64(cp_str(text), max, &number) < 0 || number < min)
		return cp_fail(CP_E_INPUT, "--%s must be a whole number from %u to %u", name, min, max);
	*ret_number = (unsigned)number;
	return 0;
}

static int read_double(const char *name, const char *text, double min, double max, double *ret_number)
{
	char *end;
	double number = strtod(text, &end);
	if (end == text || *end != '\0' || !(number >= min && number <= max))
		return cp_fail(CP_E_INPUT, "--%s must be a number from %g to %g", name, min, max);
	*ret_number = number;
	return 0;
}

static int add_text(const char *name, const char **texts, size_t *count, const char *text)
{
	if (*count == CP_MAX_REPEATED)
		return cp_fail(CP_E_INPUT, "--%s is given more than %d times", name, CP_MAX_REPEATED);
	texts[(*count)++] = text;
	return 0;
}

static int read_listen(struct cp_carrier_options *options, const char *text)
{
	char url_text[80];
	struct cp_url url;
	uint64_t port;
	snprintf(url_text, sizeof(url_text), "http://%s", text);
	if (strlen(text) > 60 || cp_url_parse(cp_str(url_text), &url) < 0 || url.path.len > 0 || !cp_url_is_loopback(&url))
		return cp_fail(
		    CP_E_INPUT,
		    "--listen must be a loopback address and a port, such as 127.0.0.1:8090; the sandbox listens nowhere else");
	const char *colon = strrchr(text, ':');
	if (colon == NULL || cp_str_to_u64(cp_str(colon + 1), 65535, &port) < 0)
		return cp_fail(CP_E_INPUT, "--listen needs a port, such as 127.0.0.1:8090");
	if (strncmp(text, "localhost:", 10) == 0)
		snprintf(options->listen, sizeof(options->listen), "127.0.0.1%s", colon);
	else
		snprintf(options->listen, sizeof(options->listen), "%s", text);
	return 0;
}

static int read_server(struct cp_carrier_options *options, const char *text)
{
	struct cp_url url;
	if (cp_url_parse(cp_str(text), &url) < 0 || !cp_url_is_loopback(&url) || url.path.len > 0)
		return cp_fail(CP_E_INPUT, "--server must be the origin of a server on loopback, such as http://127.0.0.1:8080");
	options->server = text;
	return 0;
}

static int read_log_level(struct cp_carrier_options *options, const char *text)
{
	static const struct {
		const char *word;
		enum cp_log_level level;
	} levels[] = {{"error", CP_LOG_ERROR}, {"warning", CP_LOG_WARNING}, {"info", CP_LOG_INFO}, {"debug", CP_LOG_DEBUG}};
	for (size_t i = 0; i < CP_COUNT(levels); ++i)
		if (strcmp(levels[i].word, text) == 0) {
			options->log_level = levels[i].level;
			return 0;
		}
	return cp_fail(CP_E_INPUT, "--log-level must be error, warning, info or debug");
}

static int read_log_format(struct cp_carrier_options *options, const char *text)
{
	if (strcmp(text, "text") != 0 && strcmp(text, "json") != 0)
		return cp_fail(CP_E_INPUT, "--log-format must be text or json");
	options->log_format = text[0] == 'j' ? CP_LOG_JSON : CP_LOG_TEXT;
	return 0;
}

/* Flags of the load mode only. */
static int read_load_flag(struct cp_carrier_options *options, int flag, const char *name, const char *text)
{
	if (!options->load)
		return cp_fail(CP_E_INPUT, "--%s belongs to `callpower-carrier load`", name);
	switch ((enum flag)flag) {
	case CALLS:
		return read_unsigned(name, text, 1, 10000000, &options->calls);
	case CONCURRENCY:
		return read_unsigned(name, text, 1, 5000, &options->concurrency);
	case RATE:
		return read_double(name, text, 0.01, 100000, &options->rate);
	case MAX_SECONDS:
		return read_unsigned(name, text, 1, 3600, &options->max_seconds);
	case LOCATION:
		return add_text(name, options->locations, &options->location_count, text);
	case COUNTRY:
		options->country = text;
		return 0;
	default:
		options->host = text;
		return 0;
	}
}

static int read_flag(struct cp_carrier_options *options, int flag, const char *name, const char *text)
{
	unsigned number = 0;
	int r;
	switch ((enum flag)flag) {
	case LISTEN:
		return read_listen(options, text);
	case READY_FILE:
		options->ready_file = text;
		return 0;
	case ACCOUNT:
		return add_text(name, options->accounts, &options->account_count, text);
	case ACCOUNTS:
		return add_text(name, options->account_files, &options->account_file_count, text);
	case SCENARIO:
		options->scenario = text;
		return 0;
	case SPEED:
		return read_double(name, text, 0.1, 1000000, &options->board.speed);
	case CALLS_PER_SECOND:
		return read_double(name, text, 0, 10000, &options->board.calls_per_second);
	case INTERACTIVE:
		options->board.interactive = true;
		return 0;
	case TRANSCRIPT:
		options->transcript = text;
		return 0;
	case ROUTE:
		return add_text(name, options->routes, &options->route_count, text);
	case SERVER:
		return read_server(options, text);
	case CAMPAIGN:
		options->campaign = text;
		return 0;
	case PATH:
		if (text[0] != '/')
			return cp_fail(CP_E_INPUT, "--path must begin with a slash, such as /o/one/call/create");
		options->path = text;
		return 0;
	case KEEP:
		r = read_unsigned(name, text, 1, 1000000, &number);
		options->board.keep = number;
		return r;
	case LOG_FORMAT:
		return read_log_format(options, text);
	case LOG_LEVEL:
		return read_log_level(options, text);
	default:
		return read_load_flag(options, flag, name, text);
	}
}

static int check(const struct cp_carrier_options *options)
{
	if (options->account_count + options->account_file_count == 0)
		return cp_fail(CP_E_INPUT, "--account or --accounts is needed: the sandbox serves no unknown account");
	if ((options->server == NULL) != (options->campaign == NULL))
		return cp_fail(CP_E_INPUT, "--server and --campaign belong together");
	if (options->load && (options->server == NULL || options->calls == 0 || options->max_seconds == 0))
		return cp_fail(CP_E_INPUT, "load needs --server, --campaign, --calls and --max-seconds");
	return 0;
}

int cp_carrier_options_read(int argc, char **argv, struct cp_carrier_options *ret_options, bool *ret_help)
{
	struct cp_carrier_options options = {.listen = "127.0.0.1:8090",
	                                     .board = {.speed = 1, .keep = 1000},
	                                     .log_format = CP_LOG_TEXT,
	                                     .log_level = CP_LOG_INFO,
	                                     .concurrency = 10,
	                                     .rate = 10,
	                                     .country = "US",
	                                     .path = "/call/create"};
	int flag, index = 0;
	*ret_help = false;
	if (argc > 1 && strcmp(argv[1], "load") == 0) {
		options.load = true;
		options.board.keep = 1; /* counted as they end, not kept */
		--argc;
		++argv;
	}
	opterr = 0;
	optind = 0;
	while ((flag = getopt_long(argc, argv, "", flags, &index)) != -1) {
		if (flag == HELP) {
			*ret_help = true;
			return 0;
		}
		if (flag == '?' || flag == ':')
			return cp_fail(CP_E_INPUT, "%s is unknown, or lacks its value", argv[optind - 1]);
		int r = read_flag(&options, flag, flags[index].name, optarg);
		if (r < 0)
			return r;
	}
	if (optind < argc)
		return cp_fail(CP_E_INPUT, "\"%s\" is not expected", argv[optind]);
	int r = check(&options);
	if (r == 0)
		*ret_options = options;
	return r;
}

/* ---- making the board */

static int read_json_file(const char *path, json_t **ret_json)
{
	FILE *file = fopen(path, "rbe");
	if (file == NULL)
		return cp_fail_errno("cannot read %s", path);
	CP_CLEANUP(cp_buf_free) struct cp_buf text = {0};
	char part[16384];
	for (size_t n; text.len <= MAX_FILE && (n = fread(part, 1, sizeof(part), file)) > 0;)
		cp_buf_add(&text, cp_str_n(part, n));
	bool failed = ferror(file) != 0;
	fclose(file);
	if (failed || text.len > MAX_FILE)
		return cp_fail(CP_E_INPUT, "%s cannot be read, or is larger than 16 MiB", path);
	int r = cp_json_parse(cp_buf_str(&text), ret_json);
	return r < 0 ? cp_fail_in(r, "%s", path) : 0;
}

/* SID:TOKEN:NUMBER[,NUMBER…] */
static int add_account(struct cp_switchboard *board, const char *text)
{
	struct cp_str rest, token, numbers[CP_MAX_REPEATED];
	struct cp_str sid = cp_str_split(cp_str(text), ':', &rest);
	size_t count = 0;
	token = cp_str_split(rest, ':', &rest);
	while (rest.ptr != NULL && count < CP_COUNT(numbers))
		numbers[count++] = cp_str_split(rest, ',', &rest);
	return cp_switchboard_add_account(board, sid, token, CP_STR(""), numbers, count);
}

static int add_account_json(struct cp_switchboard *board, json_t *account)
{
	struct cp_str numbers[CP_MAX_NUMBERS];
	json_t *list = json_object_get(account, "numbers"), *number;
	size_t i;
	if (json_array_size(list) > CP_MAX_NUMBERS)
		return cp_fail(CP_E_INPUT, "an account has more than %d numbers", CP_MAX_NUMBERS);
	json_array_foreach(list, i, number) numbers[i] = cp_str_n(json_string_value(number), json_string_length(number));
	return cp_switchboard_add_account(board, cp_json_str(account, "sid"), cp_json_str(account, "token"),
	                                  cp_json_str(account, "name"), numbers, json_array_size(list));
}

static int add_account_file(struct cp_switchboard *board, const char *path)
{
	json_t *json, *account;
	size_t i;
	int r = read_json_file(path, &json);
	if (r < 0)
		return r;
	json_array_foreach(json_object_get(json, "accounts"), i, account)
	{
		r = add_account_json(board, account);
		if (r < 0)
			break;
	}
	json_decref(json);
	return r < 0 ? cp_fail_in(r, "%s", path) : 0;
}

static int read_scenario(const char *path, struct cp_scenario *scenario)
{
	json_t *json;
	if (path == NULL)
		return 0;
	int r = read_json_file(path, &json);
	if (r < 0)
		return r;
	r = cp_scenario_apply(scenario, json);
	json_decref(json);
	return r < 0 ? cp_fail_in(r, "%s", path) : 0;
}

static int add_all(const struct cp_carrier_options *options, struct cp_switchboard *board)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < options->account_count; ++i)
		r = add_account(board, options->accounts[i]);
	for (size_t i = 0; r == 0 && i < options->account_file_count; ++i)
		r = add_account_file(board, options->account_files[i]);
	for (size_t i = 0; r == 0 && i < options->route_count; ++i) {
		struct cp_str target, origin = cp_str_split(cp_str(options->routes[i]), '=', &target);
		r = cp_switchboard_add_route(board, origin, target);
	}
	return r;
}

int cp_carrier_options_apply(const struct cp_carrier_options *options, struct cp_loop *loop, struct cp_switchboard **ret_exchange)
{
	struct cp_scenario *scenario = cp_scenario_new();
	int r = read_scenario(options->scenario, scenario);
	if (r < 0) {
		cp_scenario_free(scenario);
		return r;
	}
	struct cp_switchboard *board = cp_switchboard_new(loop, &options->board, scenario);
	r = add_all(options, board);
	if (r < 0)
		cp_switchboard_free(board);
	else
		*ret_exchange = board;
	return r;
}
