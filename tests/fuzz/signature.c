/*
 * Signatures of webhooks: two implementations that were written apart, the server's and the sandbox's, agree on every form and address;
 * what is signed passes, and does not pass with anything changed. Input: the address behind the host, a newline, the form.
 */
#include "fuzz.h"

#include "base/arena.h"
#include "telephony/signature.h"

#include <string.h>

/* deploy/carrier/sign.h, which cannot be included beside the other: both name the size. */
void cp_sign_webhook(struct cp_str token, struct cp_str url, const struct cp_form *form, char out[CP_SIGNATURE_SIZE]);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct cp_str token = CP_STR("c0ffee00112233445566778899aabbcc");
	char made[CP_SIGNATURE_SIZE], other[CP_SIGNATURE_SIZE];
	struct cp_str body, path = cp_str_split(cp_str_n((const char *)data, size), '\n', &body);
	struct cp_arena *arena = cp_arena_new();
	struct cp_form form;
	/* a fragment is not signed, and nothing sends one */
	if (cp_form_parse(body, arena, &form) == 0 && memchr(data, '#', path.len) == NULL) {
		struct cp_str url = cp_arena_printf(arena, "https://calls.example.org/%.*s", CP_STR_ARG(path));
		cp_signature_make(token, url, &form, made);
		cp_sign_webhook(token, url, &form, other);
		MUST_HOLD(strcmp(made, other) == 0);
		MUST_HOLD(cp_signature_check(token, url, &form, cp_str(made)));
		MUST_HOLD(!cp_signature_check(CP_STR("c0ffee00112233445566778899aabbcd"), url, &form, cp_str(made)));
		MUST_HOLD(!cp_signature_check(token, cp_arena_printf(arena, "%.*sx", CP_STR_ARG(url)), &form, cp_str(made)));
		made[size % (CP_SIGNATURE_SIZE - 1)] ^= 1;
		MUST_HOLD(!cp_signature_check(token, url, &form, cp_str(made)));
		(void)cp_signature_check(token, path, &form, body); /* addresses that are none, signatures of any length */
		(void)cp_signature_check_body(token, url, body, cp_str(other));
	}
	cp_arena_free(arena);
	return 0;
}
