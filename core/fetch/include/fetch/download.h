/*
 * Blocking download of one document into a file, for command-line programs.
 *
 * A proxy named by the environment (https_proxy, all_proxy) is used, and then decides which addresses may be reached; without one
 * the guard of fetch/fetch.h applies.
 */
#ifndef FETCH_DOWNLOAD_H
#define FETCH_DOWNLOAD_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct cp_download {
	const char *url;           /* https, or http where allow_http */
	const char *path;          /* written beside it first, then renamed: never a partial file under this name */
	const char *etag;          /* of the copy at hand: an unchanged document is CP_E_CONFLICT; NULL: none */
	uint64_t max_size;         /* bytes */
	unsigned stall_timeout_ms; /* gives up where nothing arrives for so long */
	bool allow_http;           /* and non-public addresses: tests and operators' mirrors */
	/* received and total (0 where unknown) in bytes; a non-zero answer gives up. May be NULL. */
	int (*progress)(void *data, uint64_t received, uint64_t total);
	void *data;
	char ret_etag[128]; /* out: as sent, "" where none */
};

/*
 * Follows at most 5 redirects, each to an allowed place. Needs cp_fetch_global_start().
 *
 * CP_E_CONFLICT (unchanged), CP_E_NOTFOUND (404, 410), CP_E_UNAVAILABLE (no connection, stalled, another status, given up),
 * CP_E_LIMIT (larger than max_size), CP_E_DENIED (guard), CP_E_INPUT (not such a URL), CP_E_SYSTEM (the disk).
 */
int cp_download(struct cp_download *download);

#endif
