/* What the HTTP handlers share: the board, the server that they answer on, and who waits for news. One thread. */
#ifndef CARRIER_SERVICE_H
#define CARRIER_SERVICE_H

#include "fetch/fetch.h"
#include "http/http.h"
#include "switchboard.h"

struct cp_news;

struct cp_service {
	struct cp_switchboard *board;
	struct cp_http_server *http;
	struct cp_transcript *transcript; /* NULL: none */
	struct cp_fetcher *fetcher;
	struct cp_news *news;
	char url[64];                  /* "http://127.0.0.1:8090" */
	const char *server, *campaign; /* for the page's own calls; NULL: none */
	const char *path;              /* of the address that they are asked for at */
};

/* Limits of request bodies, in bytes. */
enum { CP_SERVICE_MAX_BODY = 1024 * 1024 };

/* The routes of all of it. */
extern const struct cp_http_route cp_service_routes[];
extern const size_t cp_service_route_count;

/* rest.c: everything below /2010-04-01/ */
cp_http_handler cp_rest_handle;
/* control.c and news.c: everything below /_sandbox/ */
cp_http_handler cp_control_health, cp_control_calls, cp_control_call, cp_control_act, cp_control_scenarios,
    cp_control_change_scenarios, cp_control_reset, cp_control_ask, cp_news_events, cp_news_idle;
/* page.c */
cp_http_handler cp_page_file;

/* A campaign's id as POST /call/create takes it: a number where it is one. */
json_t *cp_service_campaign(const char *id);
/* False (and answered 403) where the Host is not loopback: a foreign page whose name was pointed at this machine. */
bool cp_service_is_local(struct cp_http_request *request);
/* Answers with JSON; takes the reference over. */
void cp_service_reply(struct cp_http_request *request, int status, json_t *json);

/* news.c: those who listen to the board over HTTP */
struct cp_news *cp_news_new(struct cp_switchboard *board);
/* Ends streams and waiting requests. */
void cp_news_stop(struct cp_news *news);
struct cp_news *cp_news_free(struct cp_news *news);

#endif
