#include "check.h"

#include "base/memory.h"
#include "base/random.h"
#include "crypto/process.h"
#include "crypto/seal.h"

static const unsigned char key[CP_SEAL_KEY_SIZE] = {7, 7, 7};

static void test_seal__round_trip(void **state)
{
	(void)state;
	for (size_t len = 0; len < 200; len = len * 2 + 1) {
		char plain[200], sealed[200 + CP_SEAL_OVERHEAD], again[200 + CP_SEAL_OVERHEAD], opened[200];
		uint32_t key_id = 0;
		cp_random_bytes(plain, sizeof(plain));
		cp_seal(key, 0xdeadbeef, CP_STR("tenant|table"), cp_str_n(plain, len), sealed);
		cp_seal(key, 0xdeadbeef, CP_STR("tenant|table"), cp_str_n(plain, len), again);
		assert_memory_not_equal(sealed, again, len + CP_SEAL_OVERHEAD); /* another nonce */
		struct cp_str whole = cp_str_n(sealed, len + CP_SEAL_OVERHEAD);
		assert_int_equal(cp_seal_key_id(whole, &key_id), 0);
		assert_int_equal(key_id, 0xdeadbeef);
		assert_int_equal(cp_seal_open(key, CP_STR("tenant|table"), whole, opened), 0);
		assert_memory_equal(opened, plain, len);
	}
}

static void test_seal__every_changed_byte_is_noticed(void **state)
{
	(void)state;
	char sealed[5 + CP_SEAL_OVERHEAD], opened[5] = "....", zeros[5] = "";
	cp_seal(key, 1, CP_STR("here"), CP_STR("token"), sealed);
	for (size_t i = 0; i < sizeof(sealed); ++i)
		for (int bit = 0; bit < 8; ++bit) {
			sealed[i] = (char)(sealed[i] ^ 1 << bit);
			assert_int_not_equal(cp_seal_open(key, CP_STR("here"), cp_str_n(sealed, sizeof(sealed)), opened), 0);
			sealed[i] = (char)(sealed[i] ^ 1 << bit);
		}
	for (size_t len = 0; len < sizeof(sealed); ++len)
		assert_int_not_equal(cp_seal_open(key, CP_STR("here"), cp_str_n(sealed, len), opened), 0);
	assert_memory_equal(opened, zeros, 5);
	assert_int_equal(cp_seal_open(key, CP_STR("here"), cp_str_n(sealed, sizeof(sealed)), opened), 0);
	assert_memory_equal(opened, "token", 5);
}

static void test_seal__other_place_or_key(void **state)
{
	(void)state;
	unsigned char other_key[CP_SEAL_KEY_SIZE] = {7, 7, 8};
	char sealed[5 + CP_SEAL_OVERHEAD], opened[5];
	struct cp_str whole = cp_str_n(sealed, sizeof(sealed));
	cp_seal(key, 1, CP_STR("1|secret|token"), CP_STR("token"), sealed);
	assert_int_equal(cp_seal_open(key, CP_STR("2|secret|token"), whole, opened), CP_E_DENIED);
	assert_int_equal(cp_seal_open(key, CP_STR("1|secret|token "), whole, opened), CP_E_DENIED);
	assert_int_equal(cp_seal_open(key, CP_STR_NULL, whole, opened), CP_E_DENIED);
	assert_int_equal(cp_seal_open(other_key, CP_STR("1|secret|token"), whole, opened), CP_E_DENIED);
	assert_int_equal(cp_seal_open(key, CP_STR("1|secret|token"), whole, opened), 0);
}

static void test_seal__version_and_size_are_named(void **state)
{
	(void)state;
	char sealed[CP_SEAL_OVERHEAD];
	uint32_t key_id = 5;
	cp_seal(key, 9, CP_STR_NULL, CP_STR_NULL, sealed);
	assert_int_equal(sealed[0], 1);
	sealed[0] = 2;
	assert_int_equal(cp_seal_key_id(cp_str_n(sealed, sizeof(sealed)), &key_id), CP_E_INPUT);
	assert_non_null(strstr(cp_error_message(), "version 2"));
	assert_int_equal(cp_seal_key_id(cp_str_n(sealed, sizeof(sealed) - 1), &key_id), CP_E_INPUT);
	assert_int_equal(key_id, 5);
}

/* Sealed by an earlier build: this must open in every later version, or what is stored is lost. */
static void test_seal__stored_forms_stay_readable(void **state)
{
	(void)state;
	unsigned char sealed[11 + CP_SEAL_OVERHEAD];
	char opened[11];
	assert_int_equal(cp_unhex(CP_STR("010000000104c3dadc2832163fcd8d2194a4dac74e87bbad28727d65de3659c040d585e81ee205ba8600124"
	                                 "ad7674adb46ae1f9aa9adf492"),
	                          sealed, sizeof(sealed)),
	                 0);
	assert_int_equal(cp_seal_open(key, CP_STR("stored"), cp_str_n((const char *)sealed, sizeof(sealed)), opened), 0);
	assert_memory_equal(opened, "hello world", 11);
}

int main(void)
{
	if (cp_crypto_start() != 0)
		return 1;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_seal__round_trip),
	    cmocka_unit_test(test_seal__every_changed_byte_is_noticed),
	    cmocka_unit_test(test_seal__other_place_or_key),
	    cmocka_unit_test(test_seal__version_and_size_are_named),
	    cmocka_unit_test(test_seal__stored_forms_stay_readable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
