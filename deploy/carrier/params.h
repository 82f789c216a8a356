/* The parameters of webhooks, as Twilio names them. One thread. */
#ifndef CARRIER_PARAMS_H
#define CARRIER_PARAMS_H

#include "leg.h"
#include "text/form.h"

enum { CP_PARAMS_MAX = 64 };

/* Zero it to start, free it at the end. */
struct cp_params {
	struct cp_arena *arena;
	struct cp_form_field fields[CP_PARAMS_MAX];
	size_t count;
};

void cp_params_free(struct cp_params *params); /* also for CP_CLEANUP */
/* Copies the value. name is static. */
void cp_params_add(struct cp_params *params, const char *name, struct cp_str value);
void cp_params_add_number(struct cp_params *params, const char *name, int64_t value);
void cp_params_add_all(struct cp_params *params, const struct cp_params *more);
/* What every voice request says of its leg; status: of CallStatus. */
void cp_params_add_leg(struct cp_params *params, struct cp_leg *leg, const char *status);
/* What status callbacks add; event: CP_EVENT_*. */
void cp_params_add_event(struct cp_params *params, struct cp_leg *leg, unsigned event, unsigned sequence);
struct cp_form cp_params_form(const struct cp_params *params); /* borrowed */

#endif
