/* Answers that many handlers give. */
#ifndef WEB_RESPOND_H
#define WEB_RESPOND_H

#include "web/web.h"

#include "text/json.h"

/* {"status": 400, "error": code, "description": sentence}; code is a stable word, sentence is for people. Gives the request back. */
void cp_respond_error(struct cp_http_request *request, int status, const char *code, const char *sentence);
/* Takes over json's reference. */
void cp_respond_json(struct cp_http_request *request, int status, json_t *json);
/* For failures of the database layer: 503 with Retry-After, or 500; logs what is not the caller's to know. */
void cp_respond_failure(struct cp_http_request *request, int error);

#endif
