#include "crypto/base64.h"

#include <sodium.h>

static int variant(enum cp_base64 alphabet)
{
	return alphabet == CP_BASE64_URL ? sodium_base64_VARIANT_URLSAFE_NO_PADDING : sodium_base64_VARIANT_ORIGINAL;
}

size_t cp_base64_encode(enum cp_base64 alphabet, const void *bytes, size_t n, char *out)
{
	sodium_bin2base64(out, sodium_base64_encoded_len(n, variant(alphabet)), n == 0 ? (const void *)"" : bytes, n,
	                  variant(alphabet));
	return strlen(out);
}

int cp_base64_decode(enum cp_base64 alphabet, struct cp_str text, void *out, size_t size, size_t *ret_len)
{
	const char *end = NULL;
	size_t len = 0;
	if (text.len == 0) {
		*ret_len = 0;
		return 0;
	}
	/* libsodium 1.0.18 takes some bytes above 127 for characters of the alphabet */
	for (size_t i = 0; i < text.len; ++i)
		if ((unsigned char)text.ptr[i] > 127)
			return cp_fail(CP_E_INPUT, "this is not base64 of at most %zu bytes", size);
	if (sodium_base642bin(out, size, text.ptr, text.len, NULL, &len, &end, variant(alphabet)) != 0 ||
	    end != text.ptr + text.len)
		return cp_fail(CP_E_INPUT, "this is not base64 of at most %zu bytes", size);
	*ret_len = len;
	return 0;
}
