/*
 * A bare client for tests of the HTTP server: it writes the bytes it is told to, and turns the server's loop (which runs on the
 * same thread) until what the test waits for has come. Nothing here knows more of HTTP than where an answer ends.
 */
#ifndef TESTS_HTTP_CLIENT_H
#define TESTS_HTTP_CLIENT_H

#include "check.h"
#include "http/http.h"

enum { PATIENCE_MS = 20000 };

struct client {
	int fd;
	struct cp_buf in;
	bool closed; /* the server has ended the connection, in order */
	bool reset;  /* or not in order */
};

struct answer {
	int status; /* 0: the connection ended without one */
	struct cp_str head, body;
};

/* The fixture: one loop, one server, one port of 127.0.0.1. */
extern struct cp_loop *test_loop;
extern struct cp_http_server *test_server;
extern uint16_t test_port;

void fixture_start(const struct cp_http_options *options);
/* Shuts down and frees; ends the test where a connection does not go away. */
void fixture_stop(void);
int fixture_teardown(void **state);

void client_open(struct client *client);
void client_open_unix(struct client *client, const char *path);
void client_close(struct client *client);
/* Closes with a reset. */
void client_abort(struct client *client);

/* Writes all of it, turning the loop where the server must read first. False where the connection broke before. */
bool client_write(struct client *client, const char *bytes, size_t len);
void client_send(struct client *client, const char *text);
/* One turn; reads what has come. */
void client_turn(struct client *client);
/* Turns until the connection is closed. */
void client_until_closed(struct client *client);
/* Turns until one whole answer is there and takes it out of the buffer; valid until the next call. */
struct answer client_answer(struct client *client);
struct answer client_answer_to_head(struct client *client);
/* Sends on a connection of its own and gives the answer. */
struct answer ask(const char *request);

struct cp_str answer_header(const struct answer *answer, const char *name);
bool contains(struct cp_str text, const char *part);

/* Turns until *condition is at least wanted. */
void turn_until(const int *condition, int wanted);

#endif
