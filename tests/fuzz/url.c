/* References of TwiML against a base: what comes of them is a URL that can be called, of the same origin where no other is named.
 */
#include "fuzz.h"

#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cp_str reference = cp_str_n((const char *)data, size), resolved;
	struct cp_arena *arena = cp_arena_new();
	struct cp_url url;
	if (cp_url_resolve(CP_STR("https://call.example.org/voice/a/b?c#d"), reference, arena, &resolved) == 0) {
		MUST_HOLD(cp_url_parse(resolved, &url) == 0 && url.host.len > 0);
		MUST_HOLD(cp_url_origin(resolved).len >= 8 && cp_url_without_fragment(resolved).len <= resolved.len);
		struct cp_connection_rules rules = cp_url_rules(resolved);
		MUST_HOLD(rules.retries <= 5 && rules.connect_ms >= 100 && rules.connect_ms <= 10000 && rules.total_ms <= 15000);
		cp_url_is_loopback(&url);
		cp_url_step(resolved);
	}
	cp_arena_free(arena);
	return 0;
}
