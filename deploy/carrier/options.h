/* The command line (README.md, "Flags" and "Load"). Main thread, once. */
#ifndef CARRIER_OPTIONS_H
#define CARRIER_OPTIONS_H

#include "switchboard.h"

#include "base/log.h"

enum { CP_MAX_REPEATED = 100 };

/* All texts are argv's. */
struct cp_carrier_options {
	bool load;
	char listen[64]; /* with a numeric address */
	const char *ready_file, *scenario, *transcript, *server, *campaign;
	const char *accounts[CP_MAX_REPEATED], *account_files[CP_MAX_REPEATED], *routes[CP_MAX_REPEATED],
	    *locations[CP_MAX_REPEATED];
	size_t account_count, account_file_count, route_count, location_count;
	struct cp_switchboard_options board;
	enum cp_log_format log_format;
	enum cp_log_level log_level;
	/* of the load mode */
	unsigned calls, concurrency, max_seconds;
	double rate;
	const char *country, *host, *path;
};

/* CP_E_INPUT with a sentence. *ret_help: help was asked for, nothing else counts. */
int cp_carrier_options_read(int argc, char **argv, struct cp_carrier_options *ret_options, bool *ret_help);
/* Makes the board that the options describe, accounts, routes and scenario included. */
int cp_carrier_options_apply(const struct cp_carrier_options *options, struct cp_loop *loop,
                             struct cp_switchboard **ret_exchange);

#endif
