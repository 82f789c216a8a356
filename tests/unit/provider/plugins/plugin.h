/* A plugin that is right in every part; each bad one includes this and is wrong in one. */
#include "provider.h"

#include <stdlib.h>
#include <string.h>

#ifndef COUNTRY
#define COUNTRY "xa"
#endif

__attribute__((unused)) static int right_normalize(const struct provider_call *call, struct provider_str input,
                                                   struct provider_str *ret_code)
{
	(void)call;
	if (input.len == 0 || input.ptr[0] == '-')
		return PROVIDER_E_INPUT;
	*ret_code = input;
	return 0;
}

#ifndef COMPILE
static int right_compile(const struct provider_call *call, const struct provider_content *const *documents, uint32_t count,
                         const struct provider_sink *sink)
{
	(void)call;
	(void)documents;
	(void)count;
	struct provider_division country = {
	    .size = sizeof(country), .id = {"ocd-division/country:xa", 23}, .name = {"Xa", 2}, .from = {0, 1}};
	return sink->division(sink->ctx, &country);
}
#define COMPILE right_compile
#endif
#ifndef NORMALIZE
#define NORMALIZE right_normalize
#endif

static const char *const files[] = {"all.txt", NULL};
static const struct provider_document document = {.size = sizeof(document),
                                                  .name = "all",
                                                  .files = files,
                                                  .address = "https://example.org/all.txt",
                                                  .licence = "CC0-1.0",
                                                  .max_size = 1 << 20};
static const struct provider_document *const documents[] = {&document, NULL};
static const struct provider_subtype subtype = {
    .size = sizeof(subtype), .chambers = PROVIDER_LOWER, .name = "all", .label = "All"};
static const struct provider_subtype *const subtypes[] = {&subtype, NULL};
static const struct provider_order order = {
    .size = sizeof(order), .rule = PROVIDER_ORDER_AS_LISTED, .name = "in-order", .label = "As listed"};
static const struct provider_order *const orders[] = {&order, NULL};
static const struct provider_campaign campaign = {.size = sizeof(campaign),
                                                  .locate = PROVIDER_LOCATE_POSTAL,
                                                  .name = "council",
                                                  .label = "Council",
                                                  .subtypes = subtypes,
                                                  .orders = orders};
static const struct provider_campaign *const campaigns[] = {&campaign, NULL};
static const struct provider_ops ops = {.size = sizeof(ops), .compile = COMPILE, .normalize_postcode = NORMALIZE};

#define RIGHT_MANIFEST                                                                                                           \
	.size = sizeof(struct provider_manifest), .abi = PROVIDER_ABI, .min_host_abi = 1, .country = COUNTRY, .name = "Xaland",  \
	.version = "1", .licence = "CC0-1.0", .documents = documents, .campaigns = campaigns, .ops = &ops

/* WRONG overrides members of the right manifest. */
#ifndef WRONG
#define WRONG .abi = PROVIDER_ABI
#endif

#ifndef NO_ENTRY
const struct provider_manifest *provider_manifest(void)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif
	static const struct provider_manifest manifest = {RIGHT_MANIFEST, WRONG};
#pragma GCC diagnostic pop
	return &manifest;
}
#endif
