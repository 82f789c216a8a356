#include "base/random.h"
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEFAULT_WRITE_MS = 30000, DEFAULT_CONNECTIONS = 10000, DEFAULT_BODY = 1024 * 1024, DEFAULT_MS = 10000 };

static void fill_defaults(struct cp_http_options *options)
{
	if (options->max_body == 0)
		options->max_body = DEFAULT_BODY;
	if (options->deadline_ms == 0)
		options->deadline_ms = DEFAULT_MS;
	if (options->idle_ms == 0)
		options->idle_ms = DEFAULT_MS;
	if (options->write_ms == 0)
		options->write_ms = DEFAULT_WRITE_MS;
	if (options->max_connections == 0)
		options->max_connections = DEFAULT_CONNECTIONS;
	if (options->server_name == NULL)
		options->server_name = "";
}

/* The largest body that any route takes: libh2o knows one limit only, and reads no further than it. */
static size_t largest_body(const struct cp_http_options *options)
{
	size_t largest = options->max_body;
	for (size_t i = 0; i < options->route_count; ++i)
		if (options->routes[i].max_body > largest)
			largest = options->routes[i].max_body;
	return largest;
}

static void configure(struct cp_http_server *server)
{
	h2o_globalconf_t *config = &server->config;
	const struct cp_http_options *options = &server->options;
	h2o_config_init(config);
	config->server_name = h2o_iovec_init(options->server_name, strlen(options->server_name));
	/* One more than allowed, as libh2o refuses chunked bodies of exactly its limit. */
	config->max_request_entity_size = largest_body(options) + 1;
	config->http1.req_timeout = options->idle_ms;
	/* Neither "Upgrade: h2c" nor the preface may reach HTTP/2, whose open weaknesses are why HTTP/1.1 is all we speak. */
	config->http1.upgrade_to_http2 = 0;
	/* With it a shutdown would arm a timer of a second, for connections that cannot exist. */
	config->http2.callbacks.request_shutdown = NULL;
	h2o_hostconf_t *host = h2o_config_register_host(config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
	cp_http_own_errors_register(server, &host->fallback_path);
	/* One path for all: the route table is ours. The pointer dangles after another registration. */
	h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
	struct cp_http_entry *handler = (struct cp_http_entry *)h2o_create_handler(path, sizeof(*handler));
	handler->super.on_req = cp_http_on_request;
	handler->server = server;
}

static void expired_answering(struct cp_exchange *exchange)
{
	cp_exchange_answer_on_behalf(exchange);
}

static void expired_writing(struct cp_exchange *exchange)
{
	cp_exchange_break(exchange);
}

static void on_accept_timer(void *data)
{
	cp_http_accept_resume(data);
}

int cp_http_server_new(struct cp_loop *loop, const struct cp_http_options *options, struct cp_http_server **ret_server)
{
	struct cp_http_server *server = cp_alloc(sizeof(*server));
	server->loop = loop;
	server->options = *options;
	fill_defaults(&server->options);
	int error = cp_http_routes_compile(server);
	if (error != 0) {
		cp_http_routes_free(server);
		free(server);
		return error;
	}
	cp_list_init(&server->listeners);
	cp_list_init(&server->connections);
	cp_list_init(&server->live);
	cp_list_init(&server->spare);
	cp_list_init(&server->lingering);
	cp_due_list_init(&server->answering, loop, server->options.deadline_ms, expired_answering);
	cp_due_list_init(&server->writing, loop, server->options.write_ms, expired_writing);
	cp_timer_init(&server->accept_timer, loop, on_accept_timer, server);
	cp_http_shutdown_init(server);
	unsigned char random[6];
	cp_random_bytes(random, sizeof(random));
	cp_hex(random, sizeof(random), server->id_prefix);
	server->id_prefix[12] = '-';
	configure(server);
	h2o_context_init(&server->context, cp_loop_h2o(loop), &server->config);
	server->accept_context = (h2o_accept_ctx_t){.ctx = &server->context, .hosts = server->config.hosts};
	*ret_server = server;
	return 0;
}

static void free_requests(struct cp_http_server *server)
{
	/* What handlers still hold outlives us: it is freed when they answer. */
	for (struct cp_http_request *request; (request = CP_LIST_FIRST(&server->live, struct cp_http_request, link)) != NULL;) {
		cp_list_remove(&request->link);
		request->server = NULL;
	}
	for (struct cp_http_request *request; (request = CP_LIST_FIRST(&server->spare, struct cp_http_request, link)) != NULL;) {
		cp_list_remove(&request->link);
		cp_http_request_free(request);
	}
}

struct cp_http_server *cp_http_server_free(struct cp_http_server *server)
{
	if (server == NULL)
		return NULL;
	if (server->connection_count != 0) {
		fprintf(stderr, "http: a server was freed with %zu connections open\n", server->connection_count);
		abort();
	}
	cp_http_listeners_close(server, false);
	cp_http_linger_stop_all(server);
	cp_timer_stop(&server->answering.timer);
	cp_timer_stop(&server->writing.timer);
	cp_timer_stop(&server->accept_timer);
	cp_timer_stop(&server->shutdown.patience);
	cp_task_stop(&server->shutdown.task);
	free_requests(server);
	h2o_context_dispose(&server->context);
	h2o_config_dispose(&server->config);
	cp_http_routes_free(server);
	free(server);
	return NULL;
}
