/* Plugins that are wrong in one part each; the build defines which (meson.build lists them). */
#if defined(WRONG_ABI)
#define WRONG .abi = 2
#elif defined(NEEDS_NEWER_HOST)
#define WRONG .min_host_abi = 2
#elif defined(NO_SYMBOL)
#define NO_ENTRY
#elif defined(NULL_MANIFEST)
#define NO_ENTRY
#elif defined(NULL_NAME)
#define WRONG .name = NULL
#elif defined(NULL_OPS)
#define WRONG .ops = NULL
#elif defined(NULL_DOCUMENTS)
#define WRONG .documents = NULL
#elif defined(NULL_CAMPAIGNS)
#define WRONG .campaigns = NULL
#elif defined(TINY)
#define WRONG .size = 4
#elif defined(SHORT)
#define WRONG .size = 24
#elif defined(HUGE_SIZE)
#define WRONG .size = 1u << 20
#elif defined(UPPER_COUNTRY)
#define WRONG .country = "XA"
#elif defined(ENDLESS_COUNTRY)
#define WRONG .country = {'x', 'a', 'x', 'a', 'x', 'a', 'x', 'a'}
#elif defined(NULL_FUNCTION)
#define NORMALIZE NULL
#endif
#include "plugin.h"

#ifdef NULL_MANIFEST
const struct provider_manifest *provider_manifest(void)
{
	return NULL;
}
#endif
#ifdef NO_SYMBOL
PROVIDER_EXPORT const void *something_else(void);
const void *something_else(void)
{
	return &ops;
}
#endif
#if defined(NULL_MANIFEST) || defined(NO_SYMBOL)
PROVIDER_EXPORT const void *use_what_is_there(void);
const void *use_what_is_there(void)
{
	static const struct provider_manifest manifest = {RIGHT_MANIFEST};
	return &manifest;
}
#endif
