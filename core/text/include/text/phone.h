/*
 * Telephone numbers as people type them, to E.164 ("+14155550123", ITU-T E.164: at most 15 digits).
 *
 * Numbers with "+" or the country's international prefix are taken for any country. National forms are understood for the North American
 * Numbering Plan and the countries in the table of phone.c. A number is never refused only because its area code is unknown: new ones
 * are opened every year.
 */
#ifndef TEXT_PHONE_H
#define TEXT_PHONE_H

#include "base/str.h"

enum { CP_PHONE_SIZE = 17 }; /* "+", 15 digits, NUL */

/*
 * country: ISO 3166-1 alpha-2 of the place the number was typed in, either case ("uk" is taken as "GB"). Spaces, dots, dashes, slashes and
 * brackets are passed over. CP_E_INPUT with a sentence for the person who typed it.
 */
int cp_phone_parse(struct cp_str typed, struct cp_str country, char ret_e164[CP_PHONE_SIZE]);
/* True for "+" and 7 to 15 digits that do not start with 0. */
bool cp_phone_is_e164(struct cp_str text);
/* The country calling code of an ISO country ("US": 1); 0 where it is not in the table. */
unsigned cp_phone_calling_code(struct cp_str country);
/*
 * True where e164 belongs to country's numbering plan. Those of +1 are one plan: the United States with their territories, and Canada; not the
 * Caribbean countries that share the calling code, nor 900 numbers.
 */
bool cp_phone_in_country(struct cp_str e164, struct cp_str country);

#endif
