#include "crypto/hmac.h"
#include "base/memory.h"
#include "crypto/base64.h"
#include "crypto/secret.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PENDING_SIZE = 1024 };

struct cp_hmac_sha1 {
	EVP_MAC_CTX *context;
	size_t pending_len; /* a webhook's fields are many and short, and libcrypto takes each piece through four layers */
	unsigned char pending[PENDING_SIZE];
};

/*
 * Fetching the algorithm and naming its digest cost more than a short code itself: the template has both done, and each thread
 * keeps one context that is idle between two uses.
 */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MAC_CTX *template;
static pthread_key_t idle_key;

static void __attribute__((noreturn)) broken(const char *what)
{
	fprintf(stderr, "libcrypto: %s of HMAC-SHA1 failed\n", what);
	abort(); /* out of memory, or a libcrypto that lacks SHA-1: nothing could be verified */
}

static void free_idle(void *memory)
{
	struct cp_hmac_sha1 *hmac = memory;
	EVP_MAC_CTX_free(hmac->context);
	free(hmac);
}

static void start(void)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
	char digest[] = "SHA1";
	const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	                             OSSL_PARAM_construct_end()};
	template = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	if (template == NULL || EVP_MAC_CTX_set_params(template, params) != 1 || pthread_key_create(&idle_key, free_idle) != 0)
		broken("set-up");
}

struct cp_hmac_sha1 *cp_hmac_sha1_begin(struct cp_str key)
{
	pthread_once(&once, start);
	struct cp_hmac_sha1 *hmac = pthread_getspecific(idle_key);
	if (hmac != NULL) {
		pthread_setspecific(idle_key, NULL); /* in use: a nested one makes its own */
	} else {
		hmac = cp_alloc(sizeof(*hmac));
		hmac->context = EVP_MAC_CTX_dup(template);
	}
	if (hmac->context == NULL ||
	    EVP_MAC_init(hmac->context, (const unsigned char *)(key.len == 0 ? "" : key.ptr), key.len, NULL) != 1)
		broken("start");
	hmac->pending_len = 0;
	return hmac;
}

static void update(struct cp_hmac_sha1 *hmac, const void *bytes, size_t len)
{
	if (len != 0 && EVP_MAC_update(hmac->context, bytes, len) != 1)
		broken("update");
}

void cp_hmac_sha1_add(struct cp_hmac_sha1 *hmac, struct cp_str bytes)
{
	if (bytes.len > sizeof(hmac->pending) - hmac->pending_len) {
		update(hmac, hmac->pending, hmac->pending_len);
		hmac->pending_len = 0;
	}
	if (bytes.len > sizeof(hmac->pending)) {
		update(hmac, bytes.ptr, bytes.len);
	} else if (bytes.len != 0) {
		memcpy(hmac->pending + hmac->pending_len, bytes.ptr, bytes.len);
		hmac->pending_len += bytes.len;
	}
}

void cp_hmac_sha1_end(struct cp_hmac_sha1 *hmac, unsigned char out[CP_HMAC_SHA1_SIZE])
{
	unsigned char discarded[CP_HMAC_SHA1_SIZE];
	size_t len;
	update(hmac, hmac->pending, hmac->pending_len);
	if (EVP_MAC_final(hmac->context, out == NULL ? discarded : out, &len, CP_HMAC_SHA1_SIZE) != 1)
		broken("end");
	/* A new key makes libcrypto wipe the one before. */
	if (EVP_MAC_init(hmac->context, (const unsigned char *)"", 0, NULL) != 1)
		broken("wiping");
	if (pthread_getspecific(idle_key) != NULL || pthread_setspecific(idle_key, hmac) != 0)
		free_idle(hmac);
}

void cp_hmac_sha1(struct cp_str key, const struct cp_str *parts, size_t count, unsigned char out[CP_HMAC_SHA1_SIZE])
{
	struct cp_hmac_sha1 *hmac = cp_hmac_sha1_begin(key);
	for (size_t i = 0; i < count; ++i)
		cp_hmac_sha1_add(hmac, parts[i]);
	cp_hmac_sha1_end(hmac, out);
}

bool cp_hmac_sha1_matches(const unsigned char mac[CP_HMAC_SHA1_SIZE], struct cp_str base64)
{
	char expected[CP_BASE64_SIZE(CP_HMAC_SHA1_SIZE)];
	size_t len = cp_base64_encode(CP_BASE64_STANDARD, mac, CP_HMAC_SHA1_SIZE, expected);
	return cp_secret_eq(cp_str_n(expected, len), base64);
}
