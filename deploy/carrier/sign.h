/*
 * Twilio's webhook signature: base64 of HMAC-SHA1 over the URL and, for forms, each name and value in the order of names. Written
 * apart from the server's own check, so that one mistake cannot sit on both sides; Twilio's SDK judges both. Any thread.
 */
#ifndef CARRIER_SIGN_H
#define CARRIER_SIGN_H

#include "text/form.h"

enum { CP_SIGNATURE_SIZE = 29 }; /* 28 characters and NUL */

/*
 * url: as configured, with its query, without its fragment. fields: of the form, in any order; several values of one name are
 * signed sorted, equal ones once.
 */
void cp_sign_webhook(struct cp_str token, struct cp_str url, const struct cp_form *form, char out[CP_SIGNATURE_SIZE]);

#endif
