#include "sample.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

struct cp_str sample_token(int64_t number)
{
	static char text[40];
	snprintf(text, sizeof(text), "token%027lld", (long long)number);
	return cp_str(text);
}

static struct cp_tenant sample_fields(int64_t number, const char *slug, struct cp_str *host, char host_text[64])
{
	snprintf(host_text, 64, "%s.example.net", slug);
	*host = cp_str(host_text);
	return (struct cp_tenant){
	    .id = {number},
	    .revision = 1,
	    .status = CP_TENANT_ACTIVE,
	    .slug = cp_str(slug),
	    .name = CP_STR("An Organization for Tests"),
	    .voice_token = sample_token(number),
	    .account_sid = CP_STR("AC00112233445566778899aabbccddeeff"),
	    .carrier_host = CP_STR("api.twilio.com"),
	    .country = CP_STR("US"),
	    .language = CP_STR("en"),
	    .hosts = host,
	    .host_count = 1,
	};
}

const struct cp_tenant *sample_tenant(int64_t number, const char *slug, int64_t revision)
{
	char host_text[64];
	struct cp_str host;
	struct cp_tenant fields = sample_fields(number, slug, &host, host_text);
	fields.revision = revision;
	return cp_tenant_new(&fields);
}

struct cp_registry_snapshot *sample_snapshot(int64_t count, const char *base_domain)
{
	CP_CLEANUP(cp_free_ptr) const struct cp_tenant **tenants = cp_alloc_array((size_t)count, sizeof(*tenants));
	for (int64_t i = 0; i < count; ++i) {
		char slug[32];
		snprintf(slug, sizeof(slug), "org-%lld", (long long)(count - i));
		tenants[i] = sample_tenant(count - i, slug, 1);
	}
	return cp_registry_snapshot_new(tenants, (size_t)count, cp_str(base_domain));
}

struct cp_vault *sample_vault(size_t max_secrets)
{
	struct cp_keyring *keyring;
	struct cp_vault *vault;
	if (cp_keyring_parse(CP_STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), "test", &keyring) != 0 ||
	    cp_vault_new(keyring, max_secrets, &vault) != 0)
		abort();
	return vault;
}

const struct cp_tenant *sample_sealed_tenant(struct cp_vault *vault, int64_t number, const char *slug)
{
	unsigned char wrapped[CP_VAULT_WRAPPED_SIZE], sealed[CP_TENANT_SECRETS][CP_VAULT_MAX_SECRET + CP_VAULT_OVERHEAD];
	char host_text[64], token[64];
	struct cp_str host;
	struct cp_tenant fields = sample_fields(number, slug, &host, host_text);
	cp_vault_new_data_key(vault, fields.id, wrapped);
	fields.wrapped_key = cp_str_n((const char *)wrapped, sizeof(wrapped));
	fields.api_key_sid = CP_STR("SK00112233445566778899aabbccddeeff");
	snprintf(token, sizeof(token), "token of %lld", (long long)number);
	const struct cp_str plain[CP_TENANT_SECRETS] = {
	    [CP_TENANT_AUTH_TOKEN] = cp_str(token),
	    [CP_TENANT_API_KEY_SECRET] = CP_STR("secret of an API key"),
	    [CP_TENANT_PHONE_HASH_KEY] = CP_STR("0123456789abcdef0123456789abcdef"),
	};
	for (int i = 0; i < CP_TENANT_SECRETS; ++i) {
		if (cp_vault_seal_secret(vault, &fields, (enum cp_tenant_secret)i, plain[i], sealed[i]) != 0)
			abort();
		fields.sealed[i] = cp_str_n((const char *)sealed[i], plain[i].len + CP_VAULT_OVERHEAD);
	}
	return cp_tenant_new(&fields);
}
