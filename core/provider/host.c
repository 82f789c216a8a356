/* The functions that a plugin may call. */
#include "internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static void *host_alloc(void *ctx, struct provider_arena *arena, size_t size, size_t align)
{
	struct cp_host *host = ctx;
	(void)arena;
	if (align > 16 || size > host->memory_left)
		return NULL;
	host->memory_left -= size;
	return cp_arena_alloc(host->arena, size);
}

static void host_log(void *ctx, uint32_t level, const char *fmt, ...)
{
	(void)ctx;
	(void)level; /* whatever it thinks of itself: a plugin's word is for those who debug it */
	char text[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	cp_log(CP_LOG_DEBUG, NULL, "provider.log", "%s", text);
}

static int host_fail(void *ctx, int rc, struct provider_from where, const char *fmt, ...)
{
	struct cp_host *host = ctx;
	char text[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	struct cp_str file = where.document < host->file_count ? host->files[where.document] : CP_STR_NULL;
	int error = rc == PROVIDER_E_LIMIT ? CP_E_LIMIT : CP_E_INPUT;
	if (file.ptr == NULL)
		cp_fail(error, "%s", text);
	else if (where.line == 0)
		cp_fail(error, "%.*s: %s", CP_STR_ARG(file), text);
	else
		cp_fail(error, "%.*s:%u: %s", CP_STR_ARG(file), where.line, text);
	host->failed = true;
	return rc < 0 ? rc : PROVIDER_E_BUG;
}

static bool host_expired(void *ctx)
{
	struct cp_host *host = ctx;
	return cp_clock_monotonic_ms() > host->deadline_ms;
}

static int64_t host_now(void *ctx)
{
	(void)ctx;
	return cp_clock_now_us() / 1000000;
}

void cp_host_init(struct cp_host *host, struct cp_arena *arena, uint64_t memory, unsigned timeout_ms)
{
	*host = (struct cp_host){
	    .host = {.size = sizeof(host->host),
	             .abi = PROVIDER_ABI,
	             .alloc = host_alloc,
	             .log = host_log,
	             .fail = host_fail,
	             .expired = host_expired,
	             .now = host_now},
	    .arena = arena,
	    .memory_left = memory,
	    .deadline_ms = cp_clock_monotonic_ms() + timeout_ms,
	};
	host->host.ctx = host;
	host->call = (struct provider_call){.size = sizeof(host->call), .host = &host->host, .arena = NULL};
}

int cp_host_result(const struct cp_host *host, int rc, const char *what)
{
	switch (rc) {
	case PROVIDER_OK:
		return 0;
	case PROVIDER_E_LIMIT:
		return host->failed ? CP_E_LIMIT : cp_fail(CP_E_LIMIT, "%s: the plugin has used up its memory or its time", what);
	case PROVIDER_E_INPUT:
		return host->failed ? CP_E_INPUT : cp_fail(CP_E_INPUT, "%s: the plugin refused it and did not say why", what);
	case PROVIDER_E_UNSUPPORTED:
		return host->failed ? CP_E_UNSUPPORTED : cp_fail(CP_E_UNSUPPORTED, "%s: the plugin does not do that", what);
	default:
		return host->failed ? CP_E_BUG : cp_fail(CP_E_BUG, "%s: the plugin answered %d", what, rc);
	}
}
