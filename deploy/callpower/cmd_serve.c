/*
 * callpower serve: threads that each have a loop with their own HTTP server, database connections and caches. The first one also keeps
 * what the process shares up to date: the organizations, the datasets, and call sessions that nobody ended.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "campaign/store.h"
#include "command.h"
#include "crypto/process.h"
#include "operator.h"
#include "start_checks.h"
#include "provider/cache.h"
#include "provider/store.h"
#include "tenants/feed.h"
#include "web/reconcile.h"
#include "web/web.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* A campaign's revision takes about 7 KB; the threads share the number out among them, so that memory does not grow with processors. */
enum { MAX_THREADS = 64, MAX_REVISIONS_CACHED = 4000, MAX_FETCHES = 256, DATASET_POLL_MS = 60000 };

static const struct cp_command *const self = &cp_command_serve;

struct server;

struct worker {
	struct server *server;
	pthread_t thread;
	struct cp_loop *loop;
	struct cp_http_server *http;
	struct cp_web web;
	int start_error;
	char start_message[512];
};

/* What the process has once. Only the first worker's thread touches what is below the line. */
struct server {
	const struct cp_settings *settings;
	struct cp_web_settings web_settings;
	struct cp_vault *vault;
	struct cp_registry *registry;
	struct cp_providers *providers;
	struct cp_countries *countries;
	_Atomic bool tenants_loaded;
	struct cp_arena *arena; /* of what lives as long as the process */
	struct cp_str cache_folder;
	char listen[512];
	unsigned worker_count;
	struct worker workers[MAX_THREADS];
	pthread_barrier_t started; /* every worker is listening, or has failed to */
	/* ---- */
	struct cp_db *operator_db;
	struct cp_db_exclusive *operator_exclusive;
	struct cp_db_listener *listener;
	struct cp_feed *feed;
	struct cp_dataset_store *datasets;
	struct cp_reconcile *reconcile;
	struct cp_timer dataset_timer;
	bool stopping;
};

static int64_t number(const struct server *server, const char *name)
{
	return cp_settings_number(server->settings, name);
}

/* ---- each worker */

static int worker_open(struct worker *worker)
{
	struct server *server = worker->server;
	static const struct cp_db_statement *const statements[] = {cp_session_statements, cp_campaign_cache_statements};
	const struct cp_db_options db = {
		.conninfo = cp_settings_text(server->settings, "CALLPOWER_DATABASE_APP"),
		.scope = CP_DB_TENANT,
		.connections = (unsigned)number(server, "CALLPOWER_DATABASE_CONNECTIONS"),
		.max_in_flight = 256,
		.max_waiting = (unsigned)number(server, "CALLPOWER_DATABASE_QUEUE"),
		.deadline_ms = (unsigned)number(server, "CALLPOWER_DATABASE_DEADLINE_MS"),
		.max_backoff_ms = 2000,
		.transaction_pooler = cp_settings_bool(server->settings, "CALLPOWER_DATABASE_POOLER"),
		.statements = statements,
		.statement_tables = CP_COUNT(statements),
	};
	struct cp_web *web = &worker->web;
	*web = (struct cp_web){
		.settings = &server->web_settings,
		.tenants_loaded = &server->tenants_loaded,
		.vault = server->vault,
		.providers = server->providers,
		.countries = server->countries,
	};
	int error = cp_loop_new(&worker->loop);
	if (error != 0)
		return error;
	web->loop = worker->loop;
	web->registry = cp_registry_reader_new(server->registry);
	if ((error = cp_db_new(worker->loop, &db, &web->db)) != 0)
		return cp_fail_in(error, "CALLPOWER_DATABASE_APP");
	if ((error = cp_fetcher_new(worker->loop, MAX_FETCHES, &web->fetcher)) != 0 ||
	    (error = cp_campaign_cache_new(web->db, MAX_REVISIONS_CACHED / server->worker_count, &web->campaigns)) != 0)
		return error;
	const struct cp_http_options http = {
		.routes = cp_web_routes,
		.route_count = cp_web_route_count,
		.data = web,
		.max_body = 64 * 1024,
		.deadline_ms = 20000,
		.idle_ms = 10000,
		.server_name = "callpower",
	};
	return cp_http_server_new(worker->loop, &http, &worker->http);
}

static void worker_close(struct worker *worker)
{
	worker->http = cp_http_server_free(worker->http);
	worker->web.fetcher = cp_fetcher_free(worker->web.fetcher);
	worker->web.campaigns = cp_campaign_cache_free(worker->web.campaigns);
	worker->web.db = cp_db_free(worker->web.db);
	worker->web.registry = cp_registry_reader_free(worker->web.registry);
	worker->loop = cp_loop_free(worker->loop);
}

static int worker_listen(struct worker *worker, uint16_t *ret_port)
{
	return cp_http_listen(worker->http, worker->server->listen, ret_port);
}

static void on_worker_drained(void *data)
{
	struct worker *worker = data;
	cp_loop_stop(worker->loop);
}

static void worker_stop(void *data)
{
	struct worker *worker = data;
	cp_http_shutdown(worker->http, (unsigned)number(worker->server, "CALLPOWER_SHUTDOWN_PATIENCE_MS"), on_worker_drained, worker);
}

static void *worker_main(void *data)
{
	struct worker *worker = data;
	int error = worker_open(worker);
	if (error == 0)
		error = worker_listen(worker, NULL);
	worker->start_error = error;
	snprintf(worker->start_message, sizeof(worker->start_message), "%s", error == 0 ? "" : cp_error_message());
	pthread_barrier_wait(&worker->server->started);
	if (error == 0)
		cp_loop_run(worker->loop);
	/* posts to this loop come from the first worker's thread, which joins this one first: it waits for it at the second barrier */
	pthread_barrier_wait(&worker->server->started);
	worker_close(worker);
	return NULL;
}

/* ---- what the first worker keeps up to date */

struct forget {
	struct worker *worker;
	char payload[64];
	bool all;
};

static void on_forget(void *data)
{
	CP_CLEANUP(cp_free_ptr) struct forget *forget = data;
	cp_campaign_cache_forget(forget->worker->web.campaigns, forget->all ? CP_STR_NULL : cp_str(forget->payload));
}

static void forget_campaign(struct server *server, struct cp_str payload)
{
	for (unsigned i = 0; i < server->worker_count; ++i) {
		struct forget *forget = cp_alloc(sizeof(*forget));
		forget->worker = &server->workers[i];
		forget->all = payload.ptr == NULL || payload.len >= sizeof(forget->payload);
		if (!forget->all)
			memcpy(forget->payload, payload.ptr, payload.len);
		cp_loop_post(server->workers[i].loop, on_forget, forget);
	}
}

static void on_notify(void *data, struct cp_str channel, struct cp_str payload)
{
	struct server *server = data;
	bool all = channel.ptr == NULL; /* connected again: anything may have been missed */
	if (all || cp_str_eq(channel, CP_STR(CP_CAMPAIGN_CHANNEL)))
		forget_campaign(server, all ? CP_STR_NULL : payload);
	if (all || cp_str_eq(channel, CP_STR(CP_TENANTS_CHANNEL)))
		cp_feed_wake(server->feed);
	if (all || cp_str_eq(channel, CP_STR(CP_DATASET_CHANNEL)))
		cp_dataset_store_refresh(server->datasets);
}

static void on_dataset_timer(void *data)
{
	struct server *server = data;
	cp_dataset_store_refresh(server->datasets);
	cp_timer_start(&server->dataset_timer, DATASET_POLL_MS);
}

static void on_dataset_changed(void *data, const struct cp_dataset *dataset)
{
	(void)data;
	const struct cp_dataset_info *info = cp_dataset_info(dataset);
	cp_log(CP_LOG_INFO, NULL, "dataset.active", "%.*s: %u people, %u postal codes", CP_STR_ARG(info->country), info->counts.people,
	       info->counts.postal_codes);
}

static void on_dataset_refused(void *data, int error, const char *sentence)
{
	(void)data;
	cp_log(CP_LOG_ERROR, NULL, "dataset.refused", "%s: %s", cp_error_word(error), sentence);
}

static void on_tenants_refreshed(void *data, int error)
{
	struct server *server = data;
	if (error != 0)
		cp_log(CP_LOG_WARNING, NULL, "tenants.not_loaded", "%s: %s", cp_error_word(error), cp_error_message());
	else if (!atomic_exchange(&server->tenants_loaded, true)) {
		cp_log(CP_LOG_INFO, NULL, "tenants.loaded", "the organizations are known");
		cp_check_master_key(server->vault, cp_registry_reader_get(server->workers[0].web.registry));
	}
}

static const char *direct_conninfo(const struct server *server)
{
	const char *direct = cp_settings_text(server->settings, "CALLPOWER_DATABASE_DIRECT");
	return direct != NULL ? direct : cp_settings_text(server->settings, "CALLPOWER_DATABASE_OPERATOR");
}

static int keeper_open(struct server *server)
{
	struct worker *first = &server->workers[0];
	static const struct cp_db_statement *const statements[] = {cp_tenants_operator_statements, cp_session_statements};
	static const char *const channels[] = {CP_TENANTS_CHANNEL, CP_CAMPAIGN_CHANNEL, CP_DATASET_CHANNEL};
	const char *conninfo = cp_settings_text(server->settings, "CALLPOWER_DATABASE_OPERATOR");
	const struct cp_db_options db = {
		.conninfo = conninfo,
		.scope = CP_DB_OPERATOR,
		.connections = 1,
		.max_in_flight = 16,
		.max_waiting = 1024,
		.deadline_ms = 10000,
		.max_backoff_ms = 2000,
		.transaction_pooler = cp_settings_bool(server->settings, "CALLPOWER_DATABASE_POOLER"),
		.statements = statements,
		.statement_tables = CP_COUNT(statements),
	};
	const struct cp_db_exclusive_options exclusive = {
		.conninfo = conninfo, .scope = CP_DB_OPERATOR, .connections = 2, .max_waiting = 64, .deadline_ms = 60000, .max_backoff_ms = 2000};
	int error;
	if ((error = cp_db_new(first->loop, &db, &server->operator_db)) != 0 ||
	    (error = cp_db_exclusive_new(first->loop, &exclusive, &server->operator_exclusive)) != 0)
		return cp_fail_in(error, "CALLPOWER_DATABASE_OPERATOR");
	const struct cp_feed_options feed = {
		.operator_db = server->operator_db,
		.registry = server->registry,
		.vault = server->vault,
		.on_refresh = on_tenants_refreshed,
		.data = server,
	};
	const struct cp_dataset_store_options datasets = {
		.loop = first->loop,
		.pool = server->operator_exclusive,
		.cache_dir = server->cache_folder.ptr,
		.countries = server->countries,
		.changed = on_dataset_changed,
		.refused = on_dataset_refused,
		.data = server,
	};
	if ((error = cp_feed_new(first->loop, &feed, &server->feed)) != 0 || (error = cp_dataset_store_new(&datasets, &server->datasets)) != 0 ||
	    (error = cp_reconcile_new(&first->web, server->operator_db, (unsigned)number(server, "CALLPOWER_RECONCILE_AFTER_S"), &server->reconcile)) != 0)
		return error;
	cp_timer_init(&server->dataset_timer, first->loop, on_dataset_timer, server);
	cp_timer_start(&server->dataset_timer, DATASET_POLL_MS);
	return cp_db_listen(first->loop, direct_conninfo(server), channels, CP_COUNT(channels), on_notify, server, &server->listener);
}

static void keeper_close(struct server *server)
{
	if (server->listener != NULL)
		cp_timer_stop(&server->dataset_timer);
	server->listener = cp_db_listener_free(server->listener);
	server->reconcile = cp_reconcile_free(server->reconcile);
	server->datasets = cp_dataset_store_free(server->datasets);
	server->feed = cp_feed_free(server->feed);
	server->operator_exclusive = cp_db_exclusive_free(server->operator_exclusive);
	server->operator_db = cp_db_free(server->operator_db);
}

/* ---- the process */

static int load_providers(struct server *server)
{
	int error = cp_providers_load(cp_settings_text(server->settings, "CALLPOWER_PROVIDERS_DIR"), &server->providers);
	for (size_t i = 0; error == 0 && i < cp_provider_refusal_count(server->providers); ++i) {
		struct cp_provider_refusal refusal = cp_provider_refusal(server->providers, i);
		cp_log(CP_LOG_ERROR, NULL, "provider.refused", "%.*s: %.*s", CP_STR_ARG(refusal.path), CP_STR_ARG(refusal.reason));
	}
	return error;
}

/* Connections are descriptors: as many as the system lets this process have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		cp_log(CP_LOG_WARNING, NULL, "server.descriptors", "the limit of open files cannot be raised to %llu", (unsigned long long)limit.rlim_max);
}

static int server_open(struct server *server)
{
	size_t loaded = 0;
	long threads = number(server, "CALLPOWER_THREADS");
	int error;
	server->worker_count = (unsigned)(threads != 0 ? threads : sysconf(_SC_NPROCESSORS_ONLN));
	if (server->worker_count > MAX_THREADS)
		server->worker_count = MAX_THREADS;
	snprintf(server->listen, sizeof(server->listen), "%s", cp_settings_text(server->settings, "CALLPOWER_LISTEN"));
	server->web_settings = (struct cp_web_settings){
		.public_url = cp_settings_text(server->settings, "CALLPOWER_PUBLIC_URL"),
		.carrier_url = cp_settings_text(server->settings, "CALLPOWER_CARRIER_URL"),
		.carrier_timeout_ms = (unsigned)number(server, "CALLPOWER_CARRIER_TIMEOUT_MS"),
		.ring_timeout_s = (unsigned)number(server, "CALLPOWER_RING_TIMEOUT_S"),
		.call_limit_s = (unsigned)number(server, "CALLPOWER_CALL_LIMIT_S"),
	};
	server->registry = cp_registry_new(cp_settings_text(server->settings, "CALLPOWER_BASE_DOMAIN"));
	server->countries = cp_countries_new();
	const char *cache = cp_settings_text(server->settings, "CALLPOWER_CACHE_DIR");
	if ((error = cp_crypto_start()) != 0 || (error = cp_process_forbid_dumps()) != 0 ||
	    (error = cp_open_vault(server->settings, CP_VAULT_DEFAULT_SECRETS, &server->vault)) != 0 || (error = load_providers(server)) != 0 ||
	    (error = cp_cache_folder(cache, server->arena, &server->cache_folder)) != 0 || (error = cp_check_database(server->settings)) != 0)
		return error;
	if (!cp_vault_is_locked(server->vault))
		cp_log(CP_LOG_WARNING, NULL, "vault.not_locked", "opened secrets may reach swap: raise the limit of locked memory (ulimit -l)");
	if (cp_countries_load_cache(server->countries, server->cache_folder.ptr, &loaded) != 0)
		cp_log(CP_LOG_WARNING, NULL, "dataset.cache", "%s", cp_error_message());
	return cp_fetch_global_start();
}

static void server_close(struct server *server)
{
	cp_fetch_global_stop();
	server->countries = cp_countries_free(server->countries);
	server->providers = cp_providers_free(server->providers);
	server->registry = cp_registry_free(server->registry);
	server->vault = cp_vault_free(server->vault);
	server->arena = cp_arena_free(server->arena);
}

static void on_signal(void *data, int signal)
{
	struct server *server = data;
	if (server->stopping)
		return;
	server->stopping = true;
	cp_log(CP_LOG_INFO, NULL, "server.stopping", "signal %d: finishing what is under way", signal);
	for (unsigned i = 0; i < server->worker_count; ++i)
		cp_loop_post(server->workers[i].loop, worker_stop, &server->workers[i]);
}

/* Starts the other workers at the address that the first one has; all are listening afterwards, or an error is returned. */
static int start_others(struct server *server)
{
	pthread_barrier_init(&server->started, NULL, server->worker_count);
	for (unsigned i = 1; i < server->worker_count; ++i) {
		server->workers[i].server = server;
		if (pthread_create(&server->workers[i].thread, NULL, worker_main, &server->workers[i]) != 0) {
			fprintf(stderr, "callpower serve: cannot start a thread\n");
			abort(); /* the barrier counts on it */
		}
	}
	pthread_barrier_wait(&server->started);
	for (unsigned i = 1; i < server->worker_count; ++i)
		if (server->workers[i].start_error != 0)
			return cp_fail(server->workers[i].start_error, "%s", server->workers[i].start_message);
	return 0;
}

static void join_others(struct server *server)
{
	pthread_barrier_wait(&server->started);
	for (unsigned i = 1; i < server->worker_count; ++i)
		pthread_join(server->workers[i].thread, NULL);
	pthread_barrier_destroy(&server->started);
}

static void announce(struct server *server, uint16_t port)
{
	if (port != 0) {
		char *colon = strrchr(server->listen, ':');
		snprintf(colon, sizeof(server->listen) - (size_t)(colon - server->listen), ":%u", port);
	}
	printf("listening on %s%s\n", port != 0 ? "http://" : "", server->listen);
	fflush(stdout);
	cp_log(CP_LOG_INFO, NULL, "server.listening", "%s, %u threads, webhooks under %s", server->listen, server->worker_count,
	       server->web_settings.public_url);
}

static int serve(struct server *server)
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct worker *first = &server->workers[0];
	uint16_t port = 0;
	first->server = server;
	int error = worker_open(first);
	if (error == 0)
		error = cp_loop_on_signals(first->loop, signals, CP_COUNT(signals), on_signal, server);
	if (error == 0)
		error = worker_listen(first, &port);
	if (error == 0) {
		announce(server, port);
		error = start_others(server);
		/* the keeper comes last: what it learns is posted to every worker's loop */
		if (error == 0)
			error = keeper_open(server);
		if (error == 0)
			cp_loop_run(first->loop);
		for (unsigned i = 1; error != 0 && i < server->worker_count; ++i)
			if (server->workers[i].start_error == 0)
				cp_loop_post(server->workers[i].loop, worker_stop, &server->workers[i]);
		keeper_close(server);
		join_others(server);
	}
	worker_close(first);
	return error;
}

static int run(const struct cp_settings *settings, int argc, char **argv)
{
	int count;
	if (cp_options_parse(NULL, 0, argc, argv, 1, &count) != 0)
		return cp_command_usage(self, "%s", cp_error_message());
	if (count != 0)
		return cp_command_usage(self, "\"%s\" is not expected here", argv[1]);
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	struct server *server = cp_alloc(sizeof(*server));
	server->settings = settings;
	server->arena = cp_arena_new();
	int error = server_open(server);
	if (error == 0)
		error = serve(server);
	int status = error == 0 ? 0 : cp_command_failed(self);
	server_close(server);
	free(server);
	return status;
}

const struct cp_command cp_command_serve = {"serve", "", "Run the server.", run, false};
