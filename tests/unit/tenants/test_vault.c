#include "check.h"

#include "base/memory.h"
#include "sample.h"

#include <pthread.h>

static const struct cp_vault_place here = {"call_session", "phone_sealed", {"session-1", 9}};

static void test_vault__secrets_open(void **state)
{
	(void)state;
	struct cp_vault *vault = sample_vault(8);
	const struct cp_tenant *one = sample_sealed_tenant(vault, 1, "one");
	struct cp_secret secret = {0};
	struct cp_str user;
	assert_int_equal(cp_vault_auth_token(vault, one, &secret), 0);
	assert_str(secret.bytes, "token of 1");
	cp_slab_release(&secret);
	assert_int_equal(cp_vault_carrier_login(vault, one, &user, &secret), 0);
	assert_str(user, "SK00112233445566778899aabbccddeeff");
	assert_str(secret.bytes, "secret of an API key");
	cp_slab_release(&secret);
	struct cp_tenant without = *one;
	without.api_key_sid = CP_STR_NULL;
	assert_int_equal(cp_vault_carrier_login(vault, &without, &user, &secret), 0);
	assert_str(user, "AC00112233445566778899aabbccddeeff");
	assert_str(secret.bytes, "token of 1");
	cp_slab_release(&secret);
	without.sealed[CP_TENANT_AUTH_TOKEN] = CP_STR_NULL;
	assert_int_equal(cp_vault_auth_token(vault, &without, &secret), CP_E_NOTFOUND);
	/* No clear text in what the registry holds. */
	for (int i = 0; i < CP_TENANT_SECRETS; ++i)
		assert_null(memmem(one->sealed[i].ptr, one->sealed[i].len, "token of", 8));
	cp_tenant_unref(one);
	cp_vault_free(vault);
}

static void test_vault__columns_open_in_their_place_only(void **state)
{
	(void)state;
	struct cp_vault *vault = sample_vault(8);
	const struct cp_tenant *one = sample_sealed_tenant(vault, 1, "one"), *two = sample_sealed_tenant(vault, 2, "two");
	char sealed[12 + CP_VAULT_OVERHEAD], out[12];
	size_t len = 0;
	struct cp_str whole = cp_str_n(sealed, sizeof(sealed));
	assert_int_equal(cp_vault_seal(vault, one, &here, CP_STR("+14155550123"), sealed), 0);
	assert_int_equal(cp_vault_open(vault, one, &here, whole, out, sizeof(out), &len), 0);
	assert_str(cp_str_n(out, len), "+14155550123");
	const struct cp_vault_place others[] = {{"call_attempt", "phone_sealed", {"session-1", 9}},
	                                        {"call_session", "phone", {"session-1", 9}},
	                                        {"call_session", "phone_sealed", {"session-2", 9}},
	                                        {"call_session", "phone_sealed", {"session-", 8}}};
	for (size_t i = 0; i < CP_COUNT(others); ++i)
		assert_int_equal(cp_vault_open(vault, one, &others[i], whole, out, sizeof(out), &len), CP_E_DENIED);
	assert_int_equal(cp_vault_open(vault, two, &here, whole, out, sizeof(out), &len), CP_E_DENIED);
	/* Even under the same data key, another tenant's row does not open. */
	struct cp_tenant thief = *two;
	thief.wrapped_key = one->wrapped_key;
	assert_int_not_equal(cp_vault_open(vault, &thief, &here, whole, out, sizeof(out), &len), 0);
	assert_int_equal(cp_vault_open(vault, one, &here, whole, out, sizeof(out) - 1, &len), CP_E_INPUT);
	assert_int_equal(cp_vault_open(vault, one, &here, cp_str_n(sealed, 20), out, sizeof(out), &len), CP_E_INPUT);
	for (size_t i = 0; i < sizeof(sealed); ++i) {
		sealed[i] = (char)(sealed[i] ^ 1);
		assert_int_not_equal(cp_vault_open(vault, one, &here, whole, out, sizeof(out), &len), 0);
		sealed[i] = (char)(sealed[i] ^ 1);
	}
	char row[CP_VAULT_MAX_ROW + 1];
	memset(row, 'r', sizeof(row));
	const struct cp_vault_place too_long = {"call_session", "phone_sealed", {row, sizeof(row)}};
	assert_int_equal(cp_vault_seal(vault, one, &too_long, CP_STR("x"), out), CP_E_INPUT);
	cp_tenant_unref(one);
	cp_tenant_unref(two);
	cp_vault_free(vault);
}

static void test_vault__a_secret_of_another_tenant_or_kind_is_refused(void **state)
{
	(void)state;
	struct cp_vault *vault = sample_vault(8);
	const struct cp_tenant *one = sample_sealed_tenant(vault, 1, "one"), *two = sample_sealed_tenant(vault, 2, "two");
	struct cp_secret secret = {0};
	assert_int_equal(cp_vault_auth_token(vault, one, &secret), 0); /* opened and cached: the cache must not give it away */
	cp_slab_release(&secret);
	struct cp_tenant thief = *two;
	thief.sealed[CP_TENANT_AUTH_TOKEN] = one->sealed[CP_TENANT_AUTH_TOKEN];
	assert_int_equal(cp_vault_auth_token(vault, &thief, &secret), CP_E_DENIED);
	thief.wrapped_key = one->wrapped_key;
	assert_int_equal(cp_vault_auth_token(vault, &thief, &secret), CP_E_DENIED);
	struct cp_tenant mixed = *one;
	mixed.sealed[CP_TENANT_PHONE_HASH_KEY] = one->sealed[CP_TENANT_AUTH_TOKEN];
	unsigned char hash[CP_HASH_SIZE];
	assert_int_equal(cp_vault_phone_hash(vault, &mixed, CP_STR("+14155550123"), hash), CP_E_DENIED);
	assert_null(secret.bytes.ptr);
	cp_tenant_unref(one);
	cp_tenant_unref(two);
	cp_vault_free(vault);
}

static void test_vault__phone_hashes(void **state)
{
	(void)state;
	struct cp_vault *vault = sample_vault(8);
	const struct cp_tenant *one = sample_sealed_tenant(vault, 1, "one");
	unsigned char hash[CP_HASH_SIZE], again[CP_HASH_SIZE], expected[CP_HASH_SIZE];
	struct cp_str phone = CP_STR("+14155550123");
	assert_int_equal(cp_vault_phone_hash(vault, one, phone, hash), 0);
	assert_int_equal(cp_vault_phone_hash(vault, one, phone, again), 0);
	cp_keyed_hash((const unsigned char *)"0123456789abcdef0123456789abcdef", &phone, 1, expected);
	assert_memory_equal(hash, expected, sizeof(hash));
	assert_memory_equal(hash, again, sizeof(hash));
	assert_int_equal(cp_vault_phone_hash(vault, one, CP_STR("+14155550124"), again), 0);
	assert_memory_not_equal(hash, again, sizeof(hash));
	cp_tenant_unref(one);
	cp_vault_free(vault);
}

static void test_vault__rotation_keeps_what_is_sealed(void **state)
{
	(void)state;
	static const char old_key[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
	                  new_key[] = "/wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
	char both[128];
	struct cp_keyring *keyring;
	struct cp_vault *before = sample_vault(8), *during, *after;
	snprintf(both, sizeof(both), "%s\n%s\n", new_key, old_key);
	assert_int_equal(cp_keyring_parse(cp_str(both), "both", &keyring), 0);
	assert_int_equal(cp_vault_new(keyring, 8, &during), 0);
	assert_int_equal(cp_keyring_parse(cp_str(new_key), "new", &keyring), 0);
	assert_int_equal(cp_vault_new(keyring, 8, &after), 0);

	const struct cp_tenant *one = sample_sealed_tenant(before, 1, "one");
	unsigned char wrapped[CP_VAULT_WRAPPED_SIZE];
	struct cp_secret secret = {0};
	assert_true(cp_vault_is_current(before, one));
	assert_false(cp_vault_is_current(during, one));
	assert_int_equal(cp_vault_auth_token(after, one, &secret), CP_E_NOTFOUND); /* not rewrapped yet: the key is missing */
	assert_int_equal(cp_vault_rewrap(during, one, wrapped), 0);
	struct cp_tenant rewrapped = *one;
	rewrapped.wrapped_key = cp_str_n((const char *)wrapped, sizeof(wrapped));
	assert_true(cp_vault_is_current(during, &rewrapped));
	assert_int_equal(cp_vault_auth_token(after, &rewrapped, &secret), 0);
	assert_str(secret.bytes, "token of 1");
	cp_slab_release(&secret);
	cp_tenant_unref(one);
	cp_vault_free(before);
	cp_vault_free(during);
	cp_vault_free(after);
}

static void test_vault__changed_secret_is_seen_at_once(void **state)
{
	(void)state;
	struct cp_vault *vault = sample_vault(8);
	const struct cp_tenant *one = sample_sealed_tenant(vault, 1, "one");
	struct cp_secret secret = {0};
	char sealed[9 + CP_VAULT_OVERHEAD];
	assert_int_equal(cp_vault_auth_token(vault, one, &secret), 0);
	cp_slab_release(&secret);
	struct cp_tenant changed = *one;
	assert_int_equal(cp_vault_seal_secret(vault, one, CP_TENANT_AUTH_TOKEN, CP_STR("new token"), sealed), 0);
	changed.sealed[CP_TENANT_AUTH_TOKEN] = cp_str_n(sealed, sizeof(sealed));
	assert_int_equal(cp_vault_auth_token(vault, &changed, &secret), 0);
	assert_str(secret.bytes, "new token");
	cp_slab_release(&secret);
	cp_tenant_unref(one);
	cp_vault_free(vault);
}

static void test_vault__destroyed_key(void **state)
{
	(void)state;
	struct cp_vault *vault = sample_vault(8);
	const struct cp_tenant *one = sample_sealed_tenant(vault, 1, "one");
	struct cp_secret secret = {0};
	char sealed[5 + CP_VAULT_OVERHEAD], out[5];
	size_t len;
	assert_int_equal(cp_vault_seal(vault, one, &here, CP_STR("phone"), sealed), 0);
	struct cp_tenant erased = *one;
	erased.wrapped_key = CP_STR_NULL;
	cp_vault_forget(vault, one->id);
	assert_int_equal(cp_vault_open(vault, &erased, &here, cp_str_n(sealed, sizeof(sealed)), out, sizeof(out), &len),
	                 CP_E_NOTFOUND);
	assert_int_equal(cp_vault_auth_token(vault, &erased, &secret), CP_E_NOTFOUND);
	assert_int_equal(cp_vault_rewrap(vault, &erased, (unsigned char[CP_VAULT_WRAPPED_SIZE]){0}), CP_E_NOTFOUND);
	cp_tenant_unref(one);
	cp_vault_free(vault);
}

/* More active tenants than places: all still work, and no more is in clear than there are places. */
static void test_vault__more_tenants_than_places(void **state)
{
	(void)state;
	enum { TENANTS = 20, PLACES = 4 };
	struct cp_vault *vault = sample_vault(PLACES);
	const struct cp_tenant *tenants[TENANTS];
	for (int i = 0; i < TENANTS; ++i) {
		char slug[16];
		snprintf(slug, sizeof(slug), "org-%d", i + 1);
		tenants[i] = sample_sealed_tenant(vault, i + 1, slug);
	}
	for (int round = 0; round < 3; ++round)
		for (int i = 0; i < TENANTS; ++i) {
			struct cp_secret secret = {0};
			char expected[32];
			snprintf(expected, sizeof(expected), "token of %d", i + 1);
			assert_int_equal(cp_vault_auth_token(vault, tenants[i], &secret), 0);
			assert_str(secret.bytes, expected);
			cp_slab_release(&secret);
		}
	for (int i = 0; i < TENANTS; ++i)
		cp_tenant_unref(tenants[i]);
	cp_vault_free(vault);
}

struct use {
	struct cp_vault *vault;
	const struct cp_tenant *tenants[3];
	unsigned wrong;
};

static void *use_often(void *data)
{
	struct use *use = data;
	for (int i = 0; i < 500; ++i) {
		const struct cp_tenant *tenant = use->tenants[i % 3];
		struct cp_secret secret = {0};
		char sealed[12 + CP_VAULT_OVERHEAD], out[12];
		size_t len = 0;
		use->wrong +=
		    cp_vault_auth_token(use->vault, tenant, &secret) != 0 || !cp_str_starts(secret.bytes, CP_STR("token of "));
		cp_slab_release(&secret);
		use->wrong += cp_vault_seal(use->vault, tenant, &here, CP_STR("+14155550123"), sealed) != 0;
		use->wrong +=
		    cp_vault_open(use->vault, tenant, &here, cp_str_n(sealed, sizeof(sealed)), out, sizeof(out), &len) != 0;
		if (i % 50 == 0)
			cp_vault_forget(use->vault, tenant->id);
	}
	return NULL;
}

static void test_vault__threads(void **state)
{
	(void)state;
	struct use uses[4];
	pthread_t threads[4];
	struct cp_vault *vault = sample_vault(8);
	const struct cp_tenant *tenants[3];
	for (int i = 0; i < 3; ++i)
		tenants[i] = sample_sealed_tenant(vault, i + 1, "org");
	for (int i = 0; i < 4; ++i) {
		uses[i] = (struct use){vault, {tenants[0], tenants[1], tenants[2]}, 0};
		pthread_create(&threads[i], NULL, use_often, &uses[i]);
	}
	for (int i = 0; i < 4; ++i) {
		pthread_join(threads[i], NULL);
		assert_int_equal(uses[i].wrong, 0);
	}
	for (int i = 0; i < 3; ++i)
		cp_tenant_unref(tenants[i]);
	cp_vault_free(vault);
}

/* Whatever goes wrong, no message holds what was to be protected. */
static void test_vault__messages_hold_no_secret(void **state)
{
	(void)state;
	struct cp_vault *vault = sample_vault(1);
	const struct cp_tenant *one = sample_sealed_tenant(vault, 1, "one");
	struct cp_secret secret = {0}, second = {0};
	struct cp_tenant broken = *one;
	char damaged[128], longer[CP_VAULT_MAX_SECRET + 1], out[256];
	memset(longer, 's', sizeof(longer));
	assert_int_equal(cp_vault_auth_token(vault, one, &secret), 0);
	assert_int_equal(cp_vault_carrier_login(vault, one, &(struct cp_str){0}, &second), CP_E_LIMIT);
	assert_null(strstr(cp_error_message(), "token of"));
	cp_slab_release(&secret);
	memcpy(damaged, one->sealed[0].ptr, one->sealed[0].len);
	damaged[40] ^= 1;
	broken.sealed[0] = cp_str_n(damaged, one->sealed[0].len);
	assert_int_equal(cp_vault_auth_token(vault, &broken, &secret), CP_E_DENIED);
	assert_null(strstr(cp_error_message(), "token of"));
	assert_non_null(strstr(cp_error_message(), "one")); /* but whose it is */
	assert_int_equal(cp_vault_seal_secret(vault, one, CP_TENANT_AUTH_TOKEN, cp_str_n(longer, sizeof(longer)), out),
	                 CP_E_INPUT);
	assert_null(strstr(cp_error_message(), "sss"));
	cp_tenant_unref(one);
	cp_vault_free(vault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vault__secrets_open),
	    cmocka_unit_test(test_vault__columns_open_in_their_place_only),
	    cmocka_unit_test(test_vault__a_secret_of_another_tenant_or_kind_is_refused),
	    cmocka_unit_test(test_vault__phone_hashes),
	    cmocka_unit_test(test_vault__rotation_keeps_what_is_sealed),
	    cmocka_unit_test(test_vault__changed_secret_is_seen_at_once),
	    cmocka_unit_test(test_vault__destroyed_key),
	    cmocka_unit_test(test_vault__more_tenants_than_places),
	    cmocka_unit_test(test_vault__threads),
	    cmocka_unit_test(test_vault__messages_hold_no_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
