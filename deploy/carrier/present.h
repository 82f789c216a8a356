/* Calls as JSON: Twilio's resource, and the sandbox's own view with its story. New references. One thread. */
#ifndef CARRIER_PRESENT_H
#define CARRIER_PRESENT_H

#include "leg.h"

json_t *cp_present_resource(struct cp_leg *leg);
json_t *cp_present_account(const struct cp_account *account);
json_t *cp_present_number(const struct cp_account *account, const char *number);
/* Without the story, with dialled legs. */
json_t *cp_present_head(struct cp_leg *leg);
json_t *cp_present_whole(struct cp_leg *leg);

#endif
