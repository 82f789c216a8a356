/* Answers that many handlers give. */
#ifndef WEB_RESPOND_H
#define WEB_RESPOND_H

#include "web/web.h"

#include "text/json.h"

/* Takes over json's reference. */
void cp_respond_json(struct cp_http_request *request, int status, json_t *json);
/* For failures of the database layer: 503 with Retry-After, or 500; logs what is not the caller's to know. */
void cp_respond_failure(struct cp_http_request *request, int error);

#endif
