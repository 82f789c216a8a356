/*
 * What finding an organization and checking a webhook's signature cost, one JSON object a line. ratio: the time beside that with
 * a single tenant (look-ups: flat means 1), or value / limit; limit: what the architecture asks for, null where it asks for
 * nothing.
 */
#include "base/memory.h"
#include "base/random.h"
#include "crypto/hmac.h"
#include "tenants/hosts.h"
#include "tenants/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TOKEN_SIZE = 33, ROUNDS = 200000 };

static volatile uintptr_t sink; /* keeps the compiler from leaving the work out */

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void print(const char *name, double value, const char *unit, double limit, double ratio)
{
	printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", ", name, value, unit);
	printf(limit > 0 ? "\"limit\": %.4g, " : "\"limit\": null, ", limit);
	printf(ratio > 0 ? "\"ratio\": %.3g}\n" : "\"ratio\": null}\n", ratio);
	fflush(stdout);
}

static double resident_bytes(void)
{
	unsigned long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file != NULL && fscanf(file, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (file != NULL)
		fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* ---- organizations as they are: a domain, two numbers, all secrets */

static void token_of(size_t number, char out[TOKEN_SIZE])
{
	snprintf(out, TOKEN_SIZE, "t%031zu", number);
}

static const struct cp_tenant *make_tenant(struct cp_vault *vault, size_t number)
{
	static const char auth_token[] = "c0ffee00112233445566778899aabbcc";
	unsigned char wrapped[CP_VAULT_WRAPPED_SIZE], sealed[CP_TENANT_SECRETS][CP_VAULT_OVERHEAD + sizeof(auth_token) - 1];
	char slug[32], host[64], token[TOKEN_SIZE];
	snprintf(slug, sizeof(slug), "organization-%zu", number);
	snprintf(host, sizeof(host), "calls.organization-%zu.example", number);
	token_of(number, token);
	const struct cp_str hosts[] = {cp_str(host)}, numbers[] = {CP_STR("+14155550100"), CP_STR("+14155550101")};
	struct cp_tenant fields = {
	    .id = {(int64_t)number + 1},
	    .revision = 1,
	    .status = CP_TENANT_ACTIVE,
	    .slug = cp_str(slug),
	    .name = CP_STR("An Organization of Average Name Length"),
	    .voice_token = cp_str(token),
	    .account_sid = CP_STR("AC00112233445566778899aabbccddeeff"),
	    .carrier_host = CP_STR("api.twilio.com"),
	    .country = CP_STR("US"),
	    .language = CP_STR("en"),
	    .hosts = hosts,
	    .host_count = CP_COUNT(hosts),
	    .numbers = numbers,
	    .number_count = CP_COUNT(numbers),
	};
	cp_vault_new_data_key(vault, fields.id, wrapped);
	fields.wrapped_key = cp_str_n((const char *)wrapped, sizeof(wrapped));
	for (int i = 0; i < CP_TENANT_SECRETS; ++i) {
		if (cp_vault_seal_secret(vault, &fields, (enum cp_tenant_secret)i, cp_str(auth_token), sealed[i]) != 0)
			abort();
		fields.sealed[i] = cp_str_n((const char *)sealed[i], sizeof(sealed[i]));
	}
	return cp_tenant_new(&fields);
}

static struct cp_registry_snapshot *make_snapshot(struct cp_vault *vault, size_t count)
{
	const struct cp_tenant **tenants = cp_alloc_array(count, sizeof(*tenants));
	for (size_t i = 0; i < count; ++i)
		tenants[i] = make_tenant(vault, i);
	struct cp_registry_snapshot *snapshot = cp_registry_snapshot_new(tenants, count, CP_STR("callpower.example"));
	free(tenants);
	return snapshot;
}

/* ---- look-ups, over all tenants in random order */

static double time_tokens(const struct cp_registry_snapshot *all, char (*tokens)[TOKEN_SIZE], size_t count)
{
	double began = now_ns();
	for (size_t i = 0; i < ROUNDS; ++i)
		sink += (uintptr_t)cp_registry_by_voice_token(all, cp_str_n(tokens[i % count], TOKEN_SIZE - 1));
	return (now_ns() - began) / ROUNDS;
}

static double time_hosts(const struct cp_registry_snapshot *all, char (*hosts)[64], size_t count)
{
	double began = now_ns();
	for (size_t i = 0; i < ROUNDS; ++i) {
		const struct cp_tenant *tenant = NULL;
		struct cp_str path;
		if (cp_tenant_resolve(all, cp_str(hosts[i % count]), CP_STR("/call/create"), &tenant, &path) != 0)
			abort();
		sink += (uintptr_t)tenant;
	}
	return (now_ns() - began) / ROUNDS;
}

static void measure_lookups(struct cp_vault *vault, size_t count, double *first_token, double *first_host)
{
	char name[64];
	char(*tokens)[TOKEN_SIZE] = cp_alloc_array(count, TOKEN_SIZE), (*hosts)[64] = cp_alloc_array(count, 64);
	double resident = resident_bytes();
	struct cp_registry_snapshot *all = make_snapshot(vault, count);
	resident = resident_bytes() - resident;
	for (size_t i = 0; i < count; ++i) {
		size_t number = cp_random_below((uint32_t)count);
		token_of(number, tokens[i]);
		snprintf(hosts[i], 64, i % 2 == 0 ? "Calls.Organization-%zu.example:443" : "organization-%zu.callpower.example",
		         number);
	}
	/* The best of several rounds: what else the machine does only ever adds. */
	double token = time_tokens(all, tokens, count), host = time_hosts(all, hosts, count);
	for (int round = 1; round < 5; ++round) {
		double again = time_tokens(all, tokens, count);
		token = again < token ? again : token;
		again = time_hosts(all, hosts, count);
		host = again < host ? again : host;
	}
	if (*first_token == 0) {
		*first_token = token;
		*first_host = host;
	}
	snprintf(name, sizeof(name), "registry: by voice token, %zu tenants", count);
	print(name, token, "ns", 0, token / *first_token);
	snprintf(name, sizeof(name), "registry: by host, %zu tenants", count);
	print(name, host, "ns", 0, host / *first_host);
	if (count > 1) {
		snprintf(name, sizeof(name), "registry: heap a tenant, %zu tenants", count);
		print(name, (double)cp_registry_memory(all) / (double)count, "bytes", 0, 0);
		snprintf(name, sizeof(name), "registry: resident, %zu tenants", count);
		print(name, resident / 1048576, "MiB", 0, 0);
	}
	cp_registry_snapshot_unref(all);
	free(tokens);
	free(hosts);
}

/* ---- a webhook's signature */

static void sign_webhook(struct cp_str key, unsigned char mac[CP_HMAC_SHA1_SIZE])
{
	/* As many parameters as the carrier sends with a Gather's result. */
	static const char *const names[] = {
	    "AccountSid",  "ApiVersion", "CallSid",       "CallStatus", "Called",        "CalledCity",  "CalledCountry",
	    "CalledState", "CalledZip",  "Caller",        "CallerCity", "CallerCountry", "CallerState", "CallerZip",
	    "Digits",      "Direction",  "FinishedOnKey", "From",       "FromCity",      "FromCountry", "FromState",
	    "FromZip",     "To",         "ToCity",        "ToCountry",  "ToState",       "ToZip",       "msg"};
	struct cp_hmac_sha1 *hmac = cp_hmac_sha1_begin(key);
	cp_hmac_sha1_add(hmac, CP_STR("https://calls.example.org/voice/t0000000000000000000000000000001/"
	                              "01930000-0000-7000-8000-000000000000/human-try-1"));
	for (size_t i = 0; i < CP_COUNT(names); ++i) {
		cp_hmac_sha1_add(hmac, cp_str(names[i]));
		cp_hmac_sha1_add(hmac, CP_STR("SAN FRANCISCO"));
	}
	cp_hmac_sha1_end(hmac, mac);
}

static void measure_signature(struct cp_vault *vault)
{
	struct cp_registry_snapshot *all = make_snapshot(vault, 1000);
	unsigned char mac[CP_HMAC_SHA1_SIZE];
	double began = now_ns();
	for (int i = 0; i < ROUNDS; ++i)
		sign_webhook(CP_STR("c0ffee00112233445566778899aabbcc"), mac);
	double hmac = (now_ns() - began) / ROUNDS;
	print("crypto: HMAC-SHA1 of a webhook (28 parameters, 57 pieces)", hmac, "ns", 5000, hmac / 5000);

	began = now_ns();
	for (int i = 0; i < ROUNDS; ++i) {
		char token[TOKEN_SIZE];
		struct cp_secret secret = {0};
		token_of((size_t)i % 100, token);
		if (cp_vault_auth_token(vault, cp_registry_by_voice_token(all, cp_str(token)), &secret) != 0)
			abort();
		sign_webhook(secret.bytes, mac);
		sink += cp_hmac_sha1_matches(mac, CP_STR("RSOYDt4T1cUTdK1PDd93/VVr8B8="));
		cp_slab_release(&secret);
	}
	double whole = (now_ns() - began) / ROUNDS;
	print("webhook: tenant by token, its secret, signature check (100 of 1000 tenants active)", whole, "ns", 10000,
	      whole / 10000);
	cp_registry_snapshot_unref(all);
}

static void measure_vault(struct cp_vault *vault)
{
	const struct cp_tenant *tenant = make_tenant(vault, 7);
	const struct cp_vault_place place = {"call_session", "phone_sealed", CP_STR("01930000-0000-7000-8000-000000000000")};
	char sealed[12 + CP_VAULT_OVERHEAD], phone[12];
	unsigned char hash[CP_HASH_SIZE];
	size_t len;
	double began = now_ns();
	for (int i = 0; i < ROUNDS; ++i)
		if (cp_vault_seal(vault, tenant, &place, CP_STR("+14155550123"), sealed) != 0)
			abort();
	double seal = (now_ns() - began) / ROUNDS;
	began = now_ns();
	for (int i = 0; i < ROUNDS; ++i)
		if (cp_vault_open(vault, tenant, &place, cp_str_n(sealed, sizeof(sealed)), phone, sizeof(phone), &len) != 0)
			abort();
	double open = (now_ns() - began) / ROUNDS;
	began = now_ns();
	for (int i = 0; i < ROUNDS; ++i)
		if (cp_vault_phone_hash(vault, tenant, CP_STR("+14155550123"), hash) != 0)
			abort();
	double hashing = (now_ns() - began) / ROUNDS;
	began = now_ns();
	for (int i = 0; i < ROUNDS / 10; ++i) {
		struct cp_secret secret = {0};
		cp_vault_forget(vault, tenant->id);
		if (cp_vault_auth_token(vault, tenant, &secret) != 0)
			abort();
		cp_slab_release(&secret);
	}
	double cold = (now_ns() - began) / (ROUNDS / 10.0);
	print("vault: seal a number", seal, "ns", 0, 0);
	print("vault: open a number", open, "ns", 0, 0);
	print("vault: hash a number", hashing, "ns", 0, 0);
	print("vault: an idle tenant's secret (unwrap the key, open, forget again)", cold, "ns", 0, 0);
	cp_tenant_unref(tenant);
}

int main(void)
{
	struct cp_keyring *keyring;
	struct cp_vault *vault;
	double first_token = 0, first_host = 0;
	if (cp_keyring_parse(CP_STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), "bench", &keyring) != 0 ||
	    cp_vault_new(keyring, CP_VAULT_DEFAULT_SECRETS, &vault) != 0) {
		fprintf(stderr, "%s\n", cp_error_message());
		return 1;
	}
	measure_lookups(vault, 1, &first_token, &first_host);
	measure_lookups(vault, 1000, &first_token, &first_host);
	measure_lookups(vault, 10000, &first_token, &first_host);
	measure_signature(vault);
	measure_vault(vault);
	cp_vault_free(vault);
	return 0;
}
