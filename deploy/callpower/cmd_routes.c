/* callpower routes: the route table, for the test that holds web/openapi.yaml against it. */
#include "base/memory.h"
#include "command.h"
#include "web/web.h"

#include <stdio.h>

static int run(const struct cp_settings *settings, int argc, char **argv)
{
	static const struct {
		enum cp_http_method method;
		const char *name;
	} methods[] = {{CP_HTTP_GET, "get"}, {CP_HTTP_POST, "post"}, {CP_HTTP_PUT, "put"}, {CP_HTTP_DELETE, "delete"}, {CP_HTTP_OPTIONS, "options"}};
	(void)settings;
	(void)argv;
	if (argc > 1)
		return cp_command_usage(&cp_command_routes, "no argument is expected");
	for (size_t i = 0; i < cp_web_route_count; ++i)
		for (size_t j = 0; j < CP_COUNT(methods); ++j)
			if (cp_web_routes[i].methods & methods[j].method)
				printf("%s %s\n", methods[j].name, cp_web_routes[i].path);
	return 0;
}

const struct cp_command cp_command_routes = {"routes", "", "List the routes of the server.", run, true};
