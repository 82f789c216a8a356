/* Telephone numbers as people type them: what is taken is E.164, and E.164 is taken as it is, from everywhere. */
#include "fuzz.h"

#include "text/phone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const countries[] = {"US", "CA", "GB", "DE", "FR", "uk", "xx", ""};
	char e164[CP_PHONE_SIZE], again[CP_PHONE_SIZE];
	for (size_t i = 0; i < sizeof(countries) / sizeof(countries[0]); ++i) {
		if (cp_phone_parse(cp_str_n((const char *)data, size), cp_str(countries[i]), e164) != 0)
			continue;
		MUST_HOLD(cp_phone_is_e164(cp_str(e164)));
		MUST_HOLD(cp_phone_parse(cp_str(e164), CP_STR("US"), again) == 0 && cp_str_eq(cp_str(e164), cp_str(again)));
	}
	return 0;
}
