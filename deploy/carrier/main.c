/* callpower-carrier: the telephone company on this machine (README.md). */
#include "base/memory.h"
#include "load.h"
#include "options.h"
#include "service.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
	MAX_WEBHOOK_CONNECTIONS = 512,
	DEADLINE_MS = 660000, /* longer than any wait for idleness */
	IDLE_MS = 60000,
	SHUTDOWN_MS = 1000,
};

struct program {
	struct cp_carrier_options options;
	struct cp_loop *loop;
	struct cp_service service;
	struct cp_load *load;
	struct cp_listener listener;
	bool stopping;
};

static int start_fetch(void *data, const struct cp_fetch_request *request, cp_fetch_fn *fn, void *fn_data, void **ret_handle)
{
	struct cp_fetch *fetch;
	int r = cp_fetch_start(data, request, fn, fn_data, &fetch);
	if (r == 0)
		*ret_handle = fetch;
	return r;
}

static void cancel_fetch(void *data, void *handle)
{
	(void)data;
	cp_fetch_cancel(handle);
}

/* Written beside it and renamed, so that nobody reads half a URL. */
static int write_ready_file(const char *path, const char *url)
{
	char text[80];
	CP_CLEANUP(cp_buf_free) struct cp_buf temporary = {0};
	cp_buf_printf(&temporary, "%s.new", path);
	int fd = open(temporary.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return cp_fail_errno("cannot write %s", temporary.ptr);
	int len = snprintf(text, sizeof(text), "%s\n", url);
	bool written = write(fd, text, (size_t)len) == len;
	close(fd);
	if (!written || rename(temporary.ptr, path) < 0)
		return cp_fail_errno("cannot write %s", path);
	return 0;
}

static void on_shut_down(void *data)
{
	struct program *program = data;
	cp_loop_stop(program->loop);
}

static void stop(struct program *program)
{
	if (program->stopping)
		return;
	program->stopping = true;
	cp_news_stop(program->service.news);
	cp_http_shutdown(program->service.http, SHUTDOWN_MS, on_shut_down, program);
}

static void on_signal(void *data, int signal)
{
	(void)signal;
	stop(data);
}

static void on_load_done(void *data)
{
	stop(data);
}

/* One line a call, but not thousands under load. */
static void on_settled(void *data, struct cp_leg *root)
{
	struct program *program = data;
	cp_log(program->options.load ? CP_LOG_DEBUG : CP_LOG_INFO, NULL, "call.ended", "%s to %s: %s after %u s, %zu documents",
	       root->sid, root->to, cp_leg_status_word(root->status), cp_leg_duration(root), (size_t)root->run.documents);
}

static int make_http(struct program *program)
{
	struct cp_http_options http = {
	    .routes = cp_service_routes,
	    .route_count = cp_service_route_count,
	    .data = &program->service,
	    .max_body = CP_SERVICE_MAX_BODY,
	    .deadline_ms = DEADLINE_MS,
	    .idle_ms = IDLE_MS,
	};
	return cp_http_server_new(program->loop, &http, &program->service.http);
}

static int open_port(struct program *program)
{
	struct cp_service *service = &program->service;
	uint16_t port;
	int r = cp_http_listen(service->http, program->options.listen, &port);
	if (r < 0)
		return r;
	const char *colon = strrchr(program->options.listen, ':');
	snprintf(service->url, sizeof(service->url), "http://%.*s:%u", (int)(colon - program->options.listen),
	         program->options.listen, port);
	if (program->options.ready_file != NULL && write_ready_file(program->options.ready_file, service->url) < 0)
		return CP_E_SYSTEM;
	fprintf(program->options.load ? stderr : stdout, "listening on %s\n",
	        service->url); /* load: standard output is for the figures */
	fflush(stdout);
	return 0;
}

static int make_service(struct program *program)
{
	struct cp_service *service = &program->service;
	int r = cp_carrier_options_apply(&program->options, program->loop, &service->board);
	if (r < 0)
		return r;
	service->server = program->options.server;
	service->campaign = program->options.campaign;
	service->path = program->options.path;
	if (program->options.transcript != NULL && cp_transcript_open(program->options.transcript, &service->transcript) < 0)
		return CP_E_SYSTEM;
	r = cp_fetcher_new(program->loop, MAX_WEBHOOK_CONNECTIONS, &service->fetcher);
	if (r < 0)
		return r;
	service->board->webhooks.transport = (struct cp_transport){start_fetch, cancel_fetch, service->fetcher};
	service->board->webhooks.transcript = service->transcript;
	service->news = cp_news_new(service->board);
	program->listener = (struct cp_listener){.on_settled = on_settled, .data = program};
	cp_switchboard_listen(service->board, &program->listener);
	return make_http(program);
}

static void free_all(struct program *program)
{
	struct cp_service *service = &program->service;
	program->load = cp_load_free(program->load);
	service->http = cp_http_server_free(service->http);
	service->news = cp_news_free(service->news);
	service->board = cp_switchboard_free(service->board);
	service->fetcher = cp_fetcher_free(service->fetcher);
	service->transcript = cp_transcript_close(service->transcript);
	if (program->loop != NULL)
		cp_loop_turn(program->loop, 0); /* what was to be freed later */
	program->loop = cp_loop_free(program->loop);
}

static int start(struct program *program)
{
	static const int signals[] = {SIGTERM, SIGINT};
	int r = cp_loop_new(&program->loop);
	if (r == 0)
		r = cp_loop_on_signals(program->loop, signals, CP_COUNT(signals), on_signal, program);
	if (r == 0)
		r = make_service(program);
	if (r == 0)
		r = open_port(program);
	if (r == 0 && program->options.load)
		program->load = cp_load_start(&program->service, &program->options, on_load_done, program);
	return r;
}

static const char usage[] =
    "usage: callpower-carrier --account SID:TOKEN:NUMBER[,NUMBER...] [--listen 127.0.0.1:8090] [--ready-file FILE]\n"
    "           [--accounts FILE] [--scenario FILE] [--speed N] [--calls-per-second N] [--interactive] [--transcript FILE]\n"
    "           [--route ORIGIN=LOOPBACK] [--server URL --campaign ID [--path PATH]] [--keep N] [--log-format text|json] "
    "[--log-level LEVEL]\n"
    "       callpower-carrier load --server URL --campaign ID --calls N --max-seconds S [--concurrency N] [--rate N]\n"
    "           [--location ZIP] [--country CC] [--host NAME] and the flags above\n"
    "Its README.md explains them.\n";

int main(int argc, char **argv)
{
	static struct program program;
	bool help;
	if (cp_carrier_options_read(argc, argv, &program.options, &help) < 0) {
		fprintf(stderr, "callpower-carrier: %s\n%s", cp_error_message(), usage);
		return 2;
	}
	if (help) {
		fputs(usage, stdout);
		return 0;
	}
	cp_log_setup("callpower-carrier", program.options.log_format, program.options.log_level);
	int r = cp_fetch_global_start();
	if (r == 0)
		r = start(&program);
	bool fine = r == 0;
	if (fine)
		cp_loop_run(program.loop);
	else
		fprintf(stderr, "callpower-carrier: %s\n", cp_error_message());
	if (program.load != NULL)
		fine = cp_load_report(program.load);
	free_all(&program);
	cp_fetch_global_stop();
	return fine ? 0 : 1;
}
