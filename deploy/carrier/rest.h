/* Twilio's REST API, among its files: rest.c (who may, what there is), rest_create.c, rest_call.c, rest_list.c. One thread. */
#ifndef CARRIER_REST_H
#define CARRIER_REST_H

#include "service.h"
#include "text/form.h"

struct cp_rest {
	struct cp_http_request *request;
	struct cp_service *service;
	struct cp_account *account;
	struct cp_form form; /* the body's, or the query's for GET */
};

/* Each answers exactly once and writes both messages to the transcript. json: the reference is taken over; NULL: no body. */
void cp_rest_reply(struct cp_rest *rest, int status, json_t *json);
/* An error in Twilio's shape. */
void cp_rest_error(struct cp_rest *rest, int status, int code, const char *fmt, ...) CP_PRINTF(4, 5);

/* Checks a URL parameter. False where it is wrong: answered. An absent one is right. */
bool cp_rest_check_url(struct cp_rest *rest, const char *name, int code);
/* "GET" or "POST" (the preset), NULL where it is neither: answered. */
const char *cp_rest_method(struct cp_rest *rest, const char *name);
/* A number within bounds, preset where it is absent. False where it is wrong: answered. */
bool cp_rest_number(struct cp_rest *rest, const char *name, unsigned min, unsigned max, unsigned preset, unsigned *ret_number);
/* False where the form has a name that is not in names (ended by NULL): answered. A misspelt parameter is worth an error. */
bool cp_rest_known(struct cp_rest *rest, const char *const *names);
/* A copy of a parameter, or NULL where it is absent or empty. */
char *cp_rest_copy(struct cp_rest *rest, const char *name);

/* The resources. */
void cp_rest_create_call(struct cp_rest *rest);
void cp_rest_list_calls(struct cp_rest *rest);
void cp_rest_list_numbers(struct cp_rest *rest);
void cp_rest_update_call(struct cp_rest *rest, struct cp_leg *leg);
void cp_rest_delete_call(struct cp_rest *rest, struct cp_leg *leg);

#endif
