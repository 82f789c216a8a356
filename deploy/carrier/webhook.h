/*
 * One request to the server on behalf of a call, by Twilio's rules: signed, timed, tried again as the URL's fragment says,
 * redirects of HTTP followed on loopback only. One thread.
 */
#ifndef CARRIER_WEBHOOK_H
#define CARRIER_WEBHOOK_H

#include "fetch/fetch.h"
#include "text/form.h"
#include "transcript.h"

/* How requests leave: libcurl in the program, something made up in tests. */
struct cp_transport {
	/* As cp_fetch_start(); *ret_handle is for cancel. */
	int (*start)(void *data, const struct cp_fetch_request *request, cp_fetch_fn *fn, void *fn_data, void **ret_handle);
	void (*cancel)(void *data, void *handle);
	void *data;
};

/* Webhooks to one origin go to another address, on loopback; both without a trailing slash. */
struct cp_route {
	char *origin, *target;
	struct cp_route *next;
};

/* What webhooks of one carrier share. Owned by the board. */
struct cp_webhook_service {
	struct cp_loop *loop;
	struct cp_transport transport;
	struct cp_transcript *transcript; /* NULL: none */
	struct cp_route *routes;
	/* Called for each answer or failure of a try, with its real time in microseconds; NULL: none. */
	void (*on_try)(void *data, int status, uint64_t micros);
	void *on_try_data;
};

struct cp_webhook_request {
	struct cp_str url;   /* absolute, with fragment */
	const char *method;  /* "GET" or "POST" */
	struct cp_str token; /* of the account: signs */
	const struct cp_form *form;
	const char *idempotency; /* value of I-Twilio-Idempotency-Token; NULL: a new one */
};

struct cp_webhook_result {
	int code;   /* 0, or Twilio's number of what went wrong */
	int status; /* of HTTP; 0 where no answer came */
	struct cp_str body;
	struct cp_str content_type;
	struct cp_str url;    /* that answered: after redirects, without fragment */
	const char *sentence; /* what went wrong; "" */
};

/* result is valid during the call; the webhook is gone after it. */
typedef void cp_webhook_fn(void *data, const struct cp_webhook_result *result);
struct cp_webhook;

enum { CP_IDEMPOTENCY_SIZE = 37 };

/* fn is called exactly once, from a later turn of the loop, unless cancelled. */
struct cp_webhook *cp_webhook_start(struct cp_webhook_service *service, const struct cp_webhook_request *request,
                                    cp_webhook_fn *fn, void *data) __attribute__((returns_nonnull));
/* No further try after the one under way. */
void cp_webhook_stop_retrying(struct cp_webhook *webhook);
/* Forgets it; fn is not called. Accepts NULL. */
void cp_webhook_cancel(struct cp_webhook *webhook);
/* The idempotency token, for a duplicate. */
const char *cp_webhook_idempotency(const struct cp_webhook *webhook);

#endif
