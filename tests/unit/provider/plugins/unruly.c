/* Plugins that pass the checks and misbehave when they compile; the build defines how. */
#include "provider.h"

static int unruly(const struct provider_call *call, const struct provider_content *const *documents, uint32_t count,
                  const struct provider_sink *sink);
#define COMPILE unruly
#include "plugin.h"

#include <stdio.h>
#include <unistd.h>

static int unruly(const struct provider_call *call, const struct provider_content *const *given, uint32_t count,
                  const struct provider_sink *sink)
{
	const struct provider_host *host = call->host;
	struct provider_from from = {0, 7};
	(void)given;
	(void)count;
	(void)sink;
	(void)from;
	(void)host;
#if defined(CRASHES)
	fprintf(stderr, "about to fall\n");
	abort(); /* sanitizers take a SIGSEGV for themselves */
#elif defined(LOOPS)
	for (volatile int i = 0; i >= 0; i = i == 1000 ? 0 : i + 1)
		;
	return 0;
#elif defined(SLEEPS)
	while (sleep(1) == 0)
		;
	return 0;
#elif defined(EXITS)
	_exit(9);
#elif defined(EATS_MEMORY)
	while (host->alloc(host->ctx, call->arena, 1 << 20, 16) != NULL)
		;
	return PROVIDER_E_LIMIT;
#elif defined(POLITE) /* asks whether its time is up */
	while (!host->expired(host->ctx))
		;
	return PROVIDER_E_LIMIT;
#elif defined(REFUSES)
	return host->fail(host->ctx, PROVIDER_E_INPUT, from, "the word \"%s\" is not welcome", "x");
#elif defined(SILENT)
	return PROVIDER_E_INPUT;
#elif defined(LIES)       /* a record was refused, and it says that all is well */
	struct provider_division nonsense = {.size = sizeof(nonsense), .id = {"nonsense", 8}, .name = {"n", 1}, .from = {0, 3}};
	sink->division(sink->ctx, &nonsense);
	return 0;
#elif defined(OLD_RECORD) /* a record of a size that no ABI had */
	struct provider_division small = {.size = 8};
	return sink->division(sink->ctx, &small);
#elif defined(PEEKS)      /* what it finds in its surroundings must be harmless */
	if (getenv("CALLPOWER_DATABASE_OPERATOR") != NULL || getenv("SECRET") != NULL)
		return host->fail(host->ctx, PROVIDER_E_INPUT, from, "a secret lies open");
	if (write(20, "x", 1) == 1)
		return host->fail(host->ctx, PROVIDER_E_INPUT, from, "a descriptor lies open");
	{
		struct provider_division country = {
		    .size = sizeof(country), .id = {"ocd-division/country:xa", 23}, .name = {"Xa", 2}, .from = {0, 1}};
		return sink->division(sink->ctx, &country);
	}
#endif
}
