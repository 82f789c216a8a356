#include "sign.h"

#include "base/memory.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"

#include <stdlib.h>

static int by_name_and_value(const void *a, const void *b)
{
	const struct cp_form_field *left = *(const struct cp_form_field *const *)a,
	                           *right = *(const struct cp_form_field *const *)b;
	int order = cp_str_compare(left->name, right->name);
	return order != 0 ? order : cp_str_compare(left->value, right->value);
}

void cp_sign_webhook(struct cp_str token, struct cp_str url, const struct cp_form *form, char out[CP_SIGNATURE_SIZE])
{
	CP_CLEANUP(cp_free_ptr)
	const struct cp_form_field **sorted = cp_alloc_array(form->count + 1, sizeof(struct cp_form_field *));
	for (size_t i = 0; i < form->count; ++i)
		sorted[i] = &form->fields[i];
	qsort(sorted, form->count, sizeof(const struct cp_form_field *), by_name_and_value);

	unsigned char mac[CP_HMAC_SHA1_SIZE];
	struct cp_hmac_sha1 *hmac = cp_hmac_sha1_begin(token);
	cp_hmac_sha1_add(hmac, url);
	for (size_t i = 0; i < form->count; ++i) {
		if (i > 0 && by_name_and_value(&sorted[i - 1], &sorted[i]) == 0)
			continue;
		cp_hmac_sha1_add(hmac, sorted[i]->name);
		cp_hmac_sha1_add(hmac, sorted[i]->value);
	}
	cp_hmac_sha1_end(hmac, mac);
	cp_base64_encode(CP_BASE64_STANDARD, mac, sizeof(mac), out);
}
