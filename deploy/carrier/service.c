#include "service.h"

#include "text/json.h"
#include "url.h"

#include <stdlib.h>

const struct cp_http_route cp_service_routes[] = {
    {CP_HTTP_GET | CP_HTTP_POST | CP_HTTP_PUT | CP_HTTP_DELETE, "/2010-04-01/{rest...}", cp_rest_handle, 0},
    {CP_HTTP_GET, "/_sandbox/health", cp_control_health, 0},
    {CP_HTTP_GET, "/_sandbox/calls", cp_control_calls, 0},
    {CP_HTTP_GET, "/_sandbox/calls/{call}", cp_control_call, 0},
    {CP_HTTP_POST, "/_sandbox/calls/{call}/{act}", cp_control_act, 0},
    {CP_HTTP_GET, "/_sandbox/scenarios", cp_control_scenarios, 0},
    {CP_HTTP_POST, "/_sandbox/scenarios", cp_control_change_scenarios, 0},
    {CP_HTTP_POST, "/_sandbox/reset", cp_control_reset, 0},
    {CP_HTTP_POST, "/_sandbox/ask", cp_control_ask, 0},
    {CP_HTTP_GET, "/_sandbox/events", cp_news_events, 0},
    {CP_HTTP_GET, "/_sandbox/idle", cp_news_idle, 0},
    {CP_HTTP_GET, "/", cp_page_file, 0},
    {CP_HTTP_GET, "/{file}", cp_page_file, 0},
};
const size_t cp_service_route_count = sizeof(cp_service_routes) / sizeof(cp_service_routes[0]);

json_t *cp_service_campaign(const char *id)
{
	uint64_t number;
	return cp_str_to_u64(cp_str(id), INT64_MAX, &number) == 0 ? json_integer((json_int_t)number) : json_string(id);
}

bool cp_service_is_local(struct cp_http_request *request)
{
	struct cp_url url;
	struct cp_str host = cp_http_host(request);
	struct cp_str text = cp_arena_printf(cp_http_arena(request), "http://%.*s/", CP_STR_ARG(host));
	if (cp_url_parse(text, &url) == 0 && cp_url_is_loopback(&url))
		return true;
	cp_http_reply_error(request, 403, "foreign_host", "The sandbox answers under loopback names only.");
	return false;
}

void cp_service_reply(struct cp_http_request *request, int status, json_t *json)
{
	char *body = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12)); /* 5.6, not 5.5999999999999996 */
	json_decref(json);
	if (cp_http_add_header(request, "Cache-Control", CP_STR("no-store")) == 0)
		cp_http_reply(request, status, "application/json", cp_str(body));
	free(body);
}
