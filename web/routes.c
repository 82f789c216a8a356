#include "web/web.h"

#include "api/create.h"
#include "api/health.h"
#include "base/memory.h"
#include "voice/voice.h"

enum { MAX_CREATE = 64 * 1024, MAX_WEBHOOK = 64 * 1024 };

const struct cp_http_route cp_web_routes[] = {
	{CP_HTTP_POST, "/voice/{token}/{session}/{step}", cp_voice_handle, MAX_WEBHOOK},
	{CP_HTTP_POST, "/call/create", cp_create_handle, MAX_CREATE},
	{CP_HTTP_OPTIONS, "/call/create", cp_create_preflight, 0},
	{CP_HTTP_POST, "/o/{slug}/call/create", cp_create_handle, MAX_CREATE},
	{CP_HTTP_OPTIONS, "/o/{slug}/call/create", cp_create_preflight, 0},
	{CP_HTTP_GET, "/health", cp_health_handle, 0},
};
const size_t cp_web_route_count = CP_COUNT(cp_web_routes);
