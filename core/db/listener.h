/* The inside of a listener. */
#ifndef DB_LISTENER_H
#define DB_LISTENER_H

#include "link.h"

struct cp_db_listener {
	struct cp_db_link link;
	char **channels;
	size_t channel_count;
	void (*on_notify)(void *data, struct cp_str channel, struct cp_str payload);
	void *data;
	/* A dead peer over TCP says nothing; a question every so often finds out. */
	unsigned question_every_ms, answer_within_ms;
	struct cp_timer heartbeat;
	bool asked; /* a question (or LISTEN) is unanswered */
};

#endif
