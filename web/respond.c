#include "respond.h"

void cp_respond_json(struct cp_http_request *request, int status, json_t *json)
{
	struct cp_str text = cp_json_text(json, cp_http_arena(request));
	json_decref(json);
	cp_http_reply(request, status, "application/json; charset=utf-8", text);
}

void cp_respond_failure(struct cp_http_request *request, int error)
{
	bool away = error == CP_E_UNAVAILABLE || error == CP_E_TIMEOUT || error == CP_E_LIMIT;
	cp_log(away ? CP_LOG_WARNING : CP_LOG_ERROR, cp_http_log(request), "request.failed", "%s: %s", cp_error_word(error), cp_error_message());
	if (!away) {
		cp_http_reply_error(request, 500, "internal", "Something went wrong on our side. It has been noted.");
		return;
	}
	cp_http_add_header(request, "Retry-After", CP_STR("2"));
	cp_http_reply_error(request, 503, "unavailable", "We are very busy at the moment. Please try again in a few seconds.");
}
