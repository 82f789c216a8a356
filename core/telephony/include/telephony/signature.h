/*
 * The signature that Twilio puts on its webhooks (X-Twilio-Signature; "Webhooks security", Twilio documentation): base64 of HMAC-SHA1, keyed
 * with the account's primary auth token, over the URL as configured and the form's fields sorted by name.
 */
#ifndef TELEPHONY_SIGNATURE_H
#define TELEPHONY_SIGNATURE_H

#include "text/form.h"

enum { CP_SIGNATURE_SIZE = 29 }; /* 28 base64 characters and NUL */

/*
 * Signs url (absolute, with query, without fragment) and the fields of a POSTed form; a GET request has none. Values of a repeated name are
 * taken once each, sorted. Any thread.
 */
void cp_signature_make(struct cp_str token, struct cp_str url, const struct cp_form *form, char ret_signature[CP_SIGNATURE_SIZE]);

/*
 * True where signature fits. As Twilio's own library does, the URL is also tried with its scheme's standard port added or any
 * port removed, and with "'" in the query percent-encoded. Compares in constant time.
 */
bool cp_signature_check(struct cp_str token, struct cp_str url, const struct cp_form *form, struct cp_str signature);

/* The same for a body that is no form: the URL's bodySHA256 must be the body's SHA-256, and the URL alone is signed. */
bool cp_signature_check_body(struct cp_str token, struct cp_str url, struct cp_str body, struct cp_str signature);

#endif
