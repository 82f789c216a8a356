#include "internal.h"

#include <stdlib.h>

static size_t count_segments(struct cp_str path)
{
	size_t count = 0;
	for (size_t i = 0; i < path.len; ++i)
		count += path.ptr[i] == '/';
	return count;
}

static int parse_segment(struct cp_str text, bool last, struct cp_segment *segment)
{
	if (text.len < 2 || text.ptr[0] != '{') {
		*segment = (struct cp_segment){text, CP_SEGMENT_LITERAL};
		return 0;
	}
	if (text.ptr[text.len - 1] != '}')
		return CP_E_BUG;
	text = cp_str_n(text.ptr + 1, text.len - 2);
	if (cp_str_ends(text, CP_STR("..."))) {
		*segment = (struct cp_segment){cp_str_n(text.ptr, text.len - 3), CP_SEGMENT_REST};
		return last ? 0 : CP_E_BUG;
	}
	*segment = (struct cp_segment){text, CP_SEGMENT_PARAM};
	return 0;
}

static int compile(const struct cp_http_route *route, struct cp_compiled_route *compiled)
{
	struct cp_str path = cp_str(route->path);
	if (path.len == 0 || path.ptr[0] != '/' || route->handler == NULL || route->methods == 0)
		return cp_fail(CP_E_BUG, "route %s: needs a path that starts with a slash, a method and a handler", route->path);
	const char *brace = strchr(route->path, '{');
	compiled->route = route;
	compiled->is_literal = brace == NULL;
	compiled->prefix = brace == NULL ? path : cp_str_n(path.ptr, (size_t)(brace - path.ptr));
	compiled->segments = cp_alloc_array(count_segments(path), sizeof(*compiled->segments));
	size_t params = 0;
	struct cp_str rest = cp_str_n(path.ptr + 1, path.len - 1);
	while (rest.ptr != NULL) {
		struct cp_str segment = cp_str_split(rest, '/', &rest);
		struct cp_segment *slot = &compiled->segments[compiled->segment_count++];
		if (parse_segment(segment, rest.ptr == NULL, slot) != 0)
			return cp_fail(CP_E_BUG, "route %s: bad segment %.*s", route->path, CP_STR_ARG(segment));
		params += slot->kind != CP_SEGMENT_LITERAL;
	}
	if (params > CP_HTTP_MAX_PARAMS)
		return cp_fail(CP_E_BUG, "route %s: more than %d parameters", route->path, CP_HTTP_MAX_PARAMS);
	return 0;
}

int cp_http_routes_compile(struct cp_http_server *server)
{
	const struct cp_http_options *options = &server->options;
	server->routes = cp_alloc_array(options->route_count, sizeof(*server->routes));
	for (size_t i = 0; i < options->route_count; ++i) {
		int error = compile(&options->routes[i], &server->routes[i]);
		if (error != 0)
			return error;
	}
	return 0;
}

void cp_http_routes_free(struct cp_http_server *server)
{
	for (size_t i = 0; server->routes != NULL && i < server->options.route_count; ++i)
		free(server->routes[i].segments);
	free(server->routes);
	server->routes = NULL;
}

/* Most routes of a table are rejected here: by the length where there is no parameter, else by the last byte of the prefix. */
static bool may_match(const struct cp_compiled_route *route, struct cp_str path)
{
	struct cp_str prefix = route->prefix;
	if (route->is_literal ? path.len != prefix.len : path.len < prefix.len)
		return false;
	return path.ptr[prefix.len - 1] == prefix.ptr[prefix.len - 1] && memcmp(path.ptr, prefix.ptr, prefix.len) == 0;
}

static bool matches(const struct cp_compiled_route *route, struct cp_str path, struct cp_str params[CP_HTTP_MAX_PARAMS])
{
	if (!may_match(route, path))
		return false;
	if (route->is_literal)
		return true;
	struct cp_str rest = cp_str_n(path.ptr + 1, path.len - 1);
	size_t param = 0;
	for (size_t i = 0; i < route->segment_count; ++i) {
		const struct cp_segment *wanted = &route->segments[i];
		if (rest.ptr == NULL)
			return false;
		if (wanted->kind == CP_SEGMENT_REST) {
			params[param] = rest;
			return rest.len != 0;
		}
		struct cp_str segment = cp_str_split(rest, '/', &rest);
		if (wanted->kind == CP_SEGMENT_LITERAL) {
			if (!cp_str_eq(segment, wanted->text))
				return false;
		} else {
			if (segment.len == 0)
				return false;
			params[param++] = segment;
		}
	}
	return rest.ptr == NULL;
}

bool cp_http_route_find(struct cp_http_request *request, unsigned *ret_allowed)
{
	const struct cp_http_server *server = request->server;
	unsigned allowed = 0, wanted = request->method == CP_HTTP_HEAD ? CP_HTTP_HEAD | CP_HTTP_GET : request->method;
	for (size_t i = 0; i < server->options.route_count; ++i) {
		const struct cp_compiled_route *route = &server->routes[i];
		if (!matches(route, request->path, request->params))
			continue;
		if (route->route->methods & wanted) {
			request->route = route;
			return true;
		}
		allowed |= route->route->methods;
	}
	*ret_allowed = allowed;
	return false;
}

struct cp_str cp_http_param(const struct cp_http_request *request, const char *name)
{
	const struct cp_compiled_route *route = request->route;
	size_t param = 0;
	for (size_t i = 0; route != NULL && i < route->segment_count; ++i) {
		if (route->segments[i].kind == CP_SEGMENT_LITERAL)
			continue;
		if (cp_str_eq(route->segments[i].text, cp_str(name)))
			return request->params[param];
		++param;
	}
	return CP_STR_NULL;
}
