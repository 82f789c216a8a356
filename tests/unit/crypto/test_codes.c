/* HMAC, base64, hashes, tokens. */
#include "check.h"

#include "base/memory.h"
#include "crypto/base64.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"
#include "crypto/process.h"
#include "crypto/token.h"

#include <pthread.h>

static void expect_mac(struct cp_str key, struct cp_str data, const char *hex)
{
	unsigned char mac[CP_HMAC_SHA1_SIZE];
	char text[2 * CP_HMAC_SHA1_SIZE + 1];
	cp_hmac_sha1(key, &data, 1, mac);
	cp_hex(mac, sizeof(mac), text);
	assert_string_equal(text, hex);
}

static void test_hmac__rfc2202_vectors(void **state)
{
	(void)state;
	char bytes[80], key[80], counted[25];
	for (size_t i = 0; i < sizeof(counted); ++i)
		counted[i] = (char)(i + 1);
	memset(key, 0x0b, 20);
	expect_mac(cp_str_n(key, 20), CP_STR("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00");
	expect_mac(CP_STR("Jefe"), CP_STR("what do ya want for nothing?"), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	memset(key, 0xaa, 80);
	memset(bytes, 0xdd, 50);
	expect_mac(cp_str_n(key, 20), cp_str_n(bytes, 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
	memset(bytes, 0xcd, 50);
	expect_mac(cp_str_n(counted, 25), cp_str_n(bytes, 50), "4c9007f4026250c6bc8414f9bf50c86c2d7235da");
	memset(bytes, 0x0c, 20);
	expect_mac(cp_str_n(bytes, 20), CP_STR("Test With Truncation"), "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04");
	expect_mac(cp_str_n(key, 80), CP_STR("Test Using Larger Than Block-Size Key - Hash Key First"),
	           "aa4ae5e15272d00e95705637ce8a3b55ed402112");
	expect_mac(cp_str_n(key, 80), CP_STR("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
	           "e8e99d0f45237d786d6bbaa7965c7808bbff1a91");
	expect_mac(CP_STR_NULL, CP_STR_NULL, "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
}

static void test_hmac__pieces_are_the_whole(void **state)
{
	(void)state;
	/* The carrier's documented form: the URL, then each parameter's name and value in the names' order. */
	const struct cp_str pieces[] = {CP_STR("https://mycompany.com/myapp.php?foo=1&bar=2"),
	                                CP_STR("CallSid"),
	                                CP_STR("CA1234567890ABCDE"),
	                                CP_STR("Caller"),
	                                CP_STR("+14158675309"),
	                                CP_STR("Digits"),
	                                CP_STR("1234"),
	                                CP_STR(""),
	                                CP_STR("From"),
	                                CP_STR("+14158675309"),
	                                CP_STR("To"),
	                                CP_STR("+18005551212")};
	struct cp_hmac_sha1 *hmac = cp_hmac_sha1_begin(CP_STR("12345"));
	for (size_t i = 0; i < CP_COUNT(pieces); ++i)
		cp_hmac_sha1_add(hmac, pieces[i]);
	unsigned char mac[CP_HMAC_SHA1_SIZE];
	cp_hmac_sha1_end(hmac, mac);
	assert_true(cp_hmac_sha1_matches(mac, CP_STR("RSOYDt4T1cUTdK1PDd93/VVr8B8=")));
	assert_false(cp_hmac_sha1_matches(mac, CP_STR("RSOYDt4T1cUTdK1PDd93/VVr8B8")));
	assert_false(cp_hmac_sha1_matches(mac, CP_STR("RSOYDt4T1cUTdK1PDd93/VVr8B9=")));
	assert_false(cp_hmac_sha1_matches(mac, CP_STR_NULL));
}

/* Pieces are collected before libcrypto gets them: whatever their lengths, the code is that of the whole. */
static void test_hmac__any_pieces_are_the_whole(void **state)
{
	static char text[5000];
	unsigned char whole[CP_HMAC_SHA1_SIZE], pieces[CP_HMAC_SHA1_SIZE];
	(void)state;
	for (size_t i = 0; i < sizeof(text); ++i)
		text[i] = (char)(i * 7 + i / 251);
	for (size_t first = 0; first < sizeof(text); first += 97) {
		struct cp_hmac_sha1 *hmac = cp_hmac_sha1_begin(CP_STR("key"));
		cp_hmac_sha1_add(hmac, cp_str_n(text, first));
		for (size_t at = first; at < sizeof(text); at += 100)
			cp_hmac_sha1_add(hmac, cp_str_n(text + at, sizeof(text) - at < 100 ? sizeof(text) - at : 100));
		cp_hmac_sha1_end(hmac, pieces);
		cp_hmac_sha1(CP_STR("key"), &(struct cp_str){text, sizeof(text)}, 1, whole);
		assert_memory_equal(whole, pieces, sizeof(whole));
	}
}

static void test_hmac__two_at_once_on_a_thread(void **state)
{
	(void)state;
	unsigned char outer[CP_HMAC_SHA1_SIZE], inner[CP_HMAC_SHA1_SIZE], expected[CP_HMAC_SHA1_SIZE];
	struct cp_hmac_sha1 *first = cp_hmac_sha1_begin(CP_STR("a"));
	cp_hmac_sha1_add(first, CP_STR("1"));
	struct cp_hmac_sha1 *second = cp_hmac_sha1_begin(CP_STR("b"));
	cp_hmac_sha1_add(second, CP_STR("2"));
	cp_hmac_sha1_add(first, CP_STR("1"));
	cp_hmac_sha1_end(first, outer);
	cp_hmac_sha1_end(second, inner);
	cp_hmac_sha1(CP_STR("a"), &CP_STR("11"), 1, expected);
	assert_memory_equal(outer, expected, sizeof(expected));
	cp_hmac_sha1(CP_STR("b"), &CP_STR("2"), 1, expected);
	assert_memory_equal(inner, expected, sizeof(expected));
	cp_hmac_sha1_end(cp_hmac_sha1_begin(CP_STR("given up")), NULL);
}

static void *sign_often(void *data)
{
	unsigned char mac[CP_HMAC_SHA1_SIZE];
	char key[16];
	snprintf(key, sizeof(key), "key %d", *(int *)data);
	for (int i = 0; i < 2000; ++i)
		cp_hmac_sha1(cp_str(key), &CP_STR("data"), 1, mac);
	char *hex = cp_alloc(2 * sizeof(mac) + 1);
	cp_hex(mac, sizeof(mac), hex);
	return hex;
}

static void test_hmac__threads_do_not_mix(void **state)
{
	(void)state;
	pthread_t threads[4];
	int numbers[4];
	for (int i = 0; i < 4; ++i) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, sign_often, &numbers[i]);
	}
	for (int i = 0; i < 4; ++i) {
		char key[16];
		void *hex;
		snprintf(key, sizeof(key), "key %d", i);
		pthread_join(threads[i], &hex);
		expect_mac(cp_str(key), CP_STR("data"), hex);
		cp_free_ptr(&hex);
	}
}

static void test_base64__rfc4648_vectors(void **state)
{
	(void)state;
	static const char *const vectors[][3] = {{"", "", ""},
	                                         {"f", "Zg==", "Zg"},
	                                         {"fo", "Zm8=", "Zm8"},
	                                         {"foo", "Zm9v", "Zm9v"},
	                                         {"foob", "Zm9vYg==", "Zm9vYg"},
	                                         {"fooba", "Zm9vYmE=", "Zm9vYmE"},
	                                         {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	                                         {"\xfb\xff", "+/8=", "-_8"}};
	for (size_t i = 0; i < CP_COUNT(vectors); ++i)
		for (int url = 0; url < 2; ++url) {
			char text[CP_BASE64_SIZE(6)], bytes[6];
			size_t len = 99, plain_len = strlen(vectors[i][0]);
			const char *expected = vectors[i][1 + url];
			assert_int_equal(cp_base64_encode((enum cp_base64)url, vectors[i][0], plain_len, text), strlen(expected));
			assert_string_equal(text, expected);
			assert_int_equal(cp_base64_decode((enum cp_base64)url, cp_str(expected), bytes, sizeof(bytes), &len), 0);
			assert_int_equal(len, plain_len);
			assert_memory_equal(bytes, vectors[i][0], plain_len);
		}
}

static void test_base64__strict(void **state)
{
	(void)state;
	static const char *const wrong[] = {"Zg",    "Zg=", "Zg===", "Zm9v\n", " Zm9v",
	                                    "Zm9v=", "Z",   "Zh==",  "Zm9-",   "Zm9vZm9vZg=="};
	for (size_t i = 0; i < CP_COUNT(wrong); ++i) {
		char bytes[6];
		size_t len = 99;
		assert_int_equal(cp_base64_decode(CP_BASE64_STANDARD, cp_str(wrong[i]), bytes, sizeof(bytes), &len), CP_E_INPUT);
		assert_int_equal(len, 99);
	}
}

static void test_hash__vectors(void **state)
{
	(void)state;
	unsigned char out[CP_HASH_SIZE], key[CP_HASH_KEY_SIZE];
	char hex[2 * CP_HASH_SIZE + 1];
	cp_sha256((struct cp_str[]){CP_STR("a"), CP_STR("bc")}, 2, out); /* FIPS 180-4's example */
	cp_hex(out, sizeof(out), hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	for (size_t i = 0; i < sizeof(key); ++i)
		key[i] = (unsigned char)i;
	/* Computed with Python's hashlib.blake2b(b"+15555550123", key=bytes(range(32)), digest_size=32). */
	cp_keyed_hash(key, (struct cp_str[]){CP_STR("+1555"), CP_STR(""), CP_STR("5550123")}, 3, out);
	cp_hex(out, sizeof(out), hex);
	assert_string_equal(hex, "10d73018a606f0043fc3b1ed036782d07afcbdec84925165265b374edc5de269");
	key[0] = 1;
	cp_keyed_hash(key, &CP_STR("+15555550123"), 1, out);
	char other[2 * CP_HASH_SIZE + 1];
	cp_hex(out, sizeof(out), other);
	assert_string_not_equal(hex, other);
}

static void test_token__form(void **state)
{
	(void)state;
	char one[CP_TOKEN_SIZE], two[CP_TOKEN_SIZE];
	for (int i = 0; i < 200; ++i) {
		cp_token_new(one);
		cp_token_new(two);
		assert_int_equal(strlen(one), CP_TOKEN_LEN);
		assert_true(cp_token_is_wellformed(cp_str(one)));
		assert_string_not_equal(one, two);
	}
	one[5] = '/';
	assert_false(cp_token_is_wellformed(cp_str(one)));
	assert_false(cp_token_is_wellformed(cp_str_n(two, CP_TOKEN_LEN - 1)));
	assert_false(cp_token_is_wellformed(CP_STR_NULL));
}

int main(void)
{
	if (cp_crypto_start() != 0)
		return 1;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hmac__rfc2202_vectors),
	    cmocka_unit_test(test_hmac__pieces_are_the_whole),
	    cmocka_unit_test(test_hmac__any_pieces_are_the_whole),
	    cmocka_unit_test(test_hmac__two_at_once_on_a_thread),
	    cmocka_unit_test(test_hmac__threads_do_not_mix),
	    cmocka_unit_test(test_base64__rfc4648_vectors),
	    cmocka_unit_test(test_base64__strict),
	    cmocka_unit_test(test_hash__vectors),
	    cmocka_unit_test(test_token__form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
