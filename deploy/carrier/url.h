/*
 * URLs of webhooks: parts, relative references (RFC 3986 section 5), loopback only, and the connection settings in a fragment.
 * Any thread; results belong to the arena handed in.
 */
#ifndef CARRIER_URL_H
#define CARRIER_URL_H

#include "base/arena.h"

/* An absolute http or https URL in its parts; all borrowed from the text it was parsed from. */
struct cp_url {
	struct cp_str scheme;    /* as written */
	struct cp_str authority; /* with user information and port where given */
	struct cp_str host;      /* without brackets and port */
	struct cp_str path;      /* "" or from "/" */
	struct cp_str query;     /* without "?"; absent where there is none */
	struct cp_str fragment;  /* without "#"; absent where there is none */
};

enum { CP_URL_MAX = 4000 }; /* bytes, as Twilio */

/* CP_E_INPUT where it is not an absolute http(s) URL with a host, is too long, or holds anything but visible ASCII. */
int cp_url_parse(struct cp_str text, struct cp_url *ret_url);
/* Resolves reference against the absolute base, which loses its fragment. An empty reference gives the base. */
int cp_url_resolve(struct cp_str base, struct cp_str reference, struct cp_arena *arena, struct cp_str *ret_url);
/* Everything before the fragment. */
struct cp_str cp_url_without_fragment(struct cp_str url);
/* scheme://authority, as written. */
struct cp_str cp_url_origin(struct cp_str url);
/* The last segment of the path: the name of a step ("answer"); "" where there is none. */
struct cp_str cp_url_step(struct cp_str url);
/* True for 127.0.0.0/8, ::1, localhost and names below it: nothing else is ever called. */
bool cp_url_is_loopback(const struct cp_url *url);

/* What is worth another try, in the words of Twilio's connection overrides. */
enum { CP_RETRY_4XX = 1, CP_RETRY_5XX = 2, CP_RETRY_CONNECT = 4, CP_RETRY_READ = 8, CP_RETRY_ALL = 15 };

/* Twilio's rules for one webhook; real milliseconds. */
struct cp_connection_rules {
	unsigned connect_ms, read_ms, total_ms;
	unsigned retries;
	unsigned retry_on; /* CP_RETRY_*, or-ed */
	bool bad_policy;   /* rp held a word that is none (Twilio's 11243); the rest holds */
};

/* The defaults (5 s, 15 s, 15 s, once more after a failed connect), changed by ct, rt, tt, rc and rp of a fragment; out-of-range
 * numbers are brought into range, unknown names are passed over. */
struct cp_connection_rules cp_url_rules(struct cp_str url);

#endif
