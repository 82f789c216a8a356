/*
 * The transcript: every HTTP message between server and carrier, one JSON object a line, as README.md describes. The value of
 * Authorization never gets into it. One thread.
 */
#ifndef CARRIER_TRANSCRIPT_H
#define CARRIER_TRANSCRIPT_H

#include "base/arena.h"

struct cp_transcript;

struct cp_transcript_header {
	struct cp_str name, value;
};

struct cp_transcript_message {
	bool from_carrier; /* else from the server */
	bool is_answer;
	const char *method;
	struct cp_str url; /* absolute */
	const struct cp_transcript_header *headers;
	size_t header_count;
	int status;         /* of an answer; 0 where none came */
	struct cp_str body; /* where the Content-Type of a request is a form's, its fields are written too */
};

/* Empties the file. */
int cp_transcript_open(const char *path, struct cp_transcript **ret_transcript);
struct cp_transcript *cp_transcript_close(struct cp_transcript *transcript);
/* Writes one line at once; transcript may be NULL: none is kept. */
void cp_transcript_write(struct cp_transcript *transcript, const struct cp_transcript_message *message);

#endif
