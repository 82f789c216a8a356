/* Made-up organizations and a vault for the tests of this folder. */
#ifndef TESTS_TENANTS_SAMPLE_H
#define TESTS_TENANTS_SAMPLE_H

#include "tenants/vault.h"

/* A tenant with slug, host "SLUG.example.net" and voice token made of its number, without secrets. The caller's reference. */
const struct cp_tenant *sample_tenant(int64_t number, const char *slug, int64_t revision);
struct cp_str sample_token(int64_t number); /* static memory */
/* A snapshot of tenants 1..count ("org-1" ...). */
struct cp_registry_snapshot *sample_snapshot(int64_t count, const char *base_domain);

/* A vault under a master key of its own. */
struct cp_vault *sample_vault(size_t max_secrets);
/* A tenant with a data key and all three secrets: the auth token is "token of NUMBER". */
const struct cp_tenant *sample_sealed_tenant(struct cp_vault *vault, int64_t number, const char *slug);

#endif
