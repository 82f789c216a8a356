/* Base64 of strangers (signatures, tokens): what decodes encodes to the same text again. The first byte chooses the alphabet. */
#include "fuzz.h"

#include "base/str.h"
#include "crypto/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char bytes[512];
	char again[CP_BASE64_SIZE(sizeof(bytes))];
	size_t len;
	if (size == 0)
		return 0;
	enum cp_base64 alphabet = data[0] & 1 ? CP_BASE64_URL : CP_BASE64_STANDARD;
	struct cp_str text = cp_str_n((const char *)data + 1, size - 1);
	if (cp_base64_decode(alphabet, text, bytes, sizeof(bytes), &len) != 0)
		return 0;
	MUST_HOLD(len <= sizeof(bytes));
	size_t again_len = cp_base64_encode(alphabet, bytes, len, again);
	MUST_HOLD(cp_str_eq(text, cp_str_n(again, again_len)));
	return 0;
}
