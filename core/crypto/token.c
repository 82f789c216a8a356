#include "crypto/token.h"
#include "base/random.h"

void cp_token_new(char out[CP_TOKEN_SIZE])
{
	unsigned char bytes[CP_TOKEN_BYTES];
	cp_random_bytes(bytes, sizeof(bytes));
	cp_base64_encode(CP_BASE64_URL, bytes, sizeof(bytes), out);
}

bool cp_token_is_wellformed(struct cp_str text)
{
	if (text.len != CP_TOKEN_LEN)
		return false;
	for (size_t i = 0; i < text.len; ++i) {
		char c = text.ptr[i];
		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}
