/* The load mode: asks the server for calls, within bounds, while being the carrier for them. One thread. */
#ifndef CARRIER_LOAD_H
#define CARRIER_LOAD_H

#include "options.h"
#include "service.h"

struct cp_load;

/* done is called once, when all calls have ended or the time is over. */
struct cp_load *cp_load_start(struct cp_service *service, const struct cp_carrier_options *options, void (*done)(void *data),
                              void *data);
/* Prints the figures as one line of JSON to standard output. True where every call ended. */
bool cp_load_report(struct cp_load *load);
struct cp_load *cp_load_free(struct cp_load *load);

#endif
