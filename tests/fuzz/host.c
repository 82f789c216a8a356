/* Host headers of strangers: what is taken has one form, and is in it already when it comes out. */
#include "fuzz.h"

#include "tenants/hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char first[CP_HOST_SIZE], second[CP_HOST_SIZE];
	struct cp_str host, again, header = cp_str_n((const char *)data, size);
	(void)cp_slug_is_valid(header);
	if (cp_host_normalize(header, first, &host) != 0)
		return 0;
	MUST_HOLD(host.len > 0 && host.len < CP_HOST_SIZE);
	for (size_t i = 0; i < host.len; ++i)
		MUST_HOLD(host.ptr[i] > ' ' && host.ptr[i] != '/' && !(host.ptr[i] >= 'A' && host.ptr[i] <= 'Z'));
	MUST_HOLD(cp_host_normalize(host, second, &again) == 0 && cp_str_eq(host, again));
	(void)cp_custom_host_is_valid(host, CP_STR("example.org"));
	return 0;
}
