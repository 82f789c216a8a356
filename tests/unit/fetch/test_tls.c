/* A server whose certificate nobody vouches for must not get to see a request, whoever configured it. */
#include "base/clock.h"
#include "base/memory.h"
#include "check.h"
#include "fetch/download.h"
#include "fetch/fetch.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

static struct {
	pthread_t thread;
	SSL_CTX *context;
	int fd;
	uint16_t port;
	_Atomic int handshakes, requests;
} server;

static struct cp_loop *loop;
static struct cp_fetcher *fetcher;
static struct {
	int count, error;
	bool never_sent;
} result;

/* Signed by itself, for 127.0.0.1. */
static void make_certificate(SSL_CTX *context)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	assert_non_null(key);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"127.0.0.1", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	X509_add_ext(certificate, extension, -1);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	X509_EXTENSION_free(extension);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void *serve(void *data)
{
	int fd;
	while ((fd = accept(server.fd, NULL, NULL)) != -1) {
		char bytes[1024];
		SSL *ssl = SSL_new(server.context);
		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1)
			++server.handshakes;
		if (SSL_read(ssl, bytes, sizeof(bytes)) > 0)
			++server.requests;
		SSL_free(ssl);
		close(fd);
	}
	return data;
}

static int start_all(void **state)
{
	(void)state;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	server.context = SSL_CTX_new(TLS_server_method());
	make_certificate(server.context);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server.fd, 16), 0);
	getsockname(server.fd, (struct sockaddr *)&address, &len);
	server.port = ntohs(address.sin_port);
	assert_ok(cp_fetch_global_start());
	assert_ok(cp_loop_new(&loop));
	assert_ok(cp_fetcher_new(loop, 4, &fetcher));
	assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
	return 0;
}

static int stop_all(void **state)
{
	(void)state;
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.fd);
	SSL_CTX_free(server.context);
	cp_fetcher_free(fetcher);
	cp_loop_free(loop);
	cp_fetch_global_stop();
	return 0;
}

static void on_answer(void *data, int error, const struct cp_fetch_answer *answer)
{
	(void)data;
	++result.count;
	result.error = error;
	result.never_sent = answer->never_sent;
}

static void a_request_is_not_sent_to_an_unknown_server(void **state)
{
	(void)state;
	char url[64];
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", server.port);
	const struct cp_fetch_request request = {
	    .method = "POST", .url = url, .body = CP_STR("secret"), .user = "a", .secret = "b", .operator_destination = true};
	assert_ok(cp_fetch_start(fetcher, &request, on_answer, NULL, NULL));
	uint64_t end = cp_clock_monotonic_ms() + PATIENCE_MS;
	while (result.count == 0 && cp_clock_monotonic_ms() < end)
		cp_loop_turn(loop, 50);
	assert_int_equal(result.count, 1);
	assert_int_equal(result.error, CP_E_UNAVAILABLE);
	assert_true(result.never_sent);
	assert_int_equal(server.requests, 0);
}

static void nothing_is_downloaded_from_an_unknown_server(void **state)
{
	(void)state;
	char url[64], path[] = "/tmp/cp_test_tls_XXXXXX";
	close(mkstemp(path));
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", server.port);
	struct cp_download download = {.url = url, .path = path, .max_size = 1000, .stall_timeout_ms = 5000, .allow_http = true};
	assert_int_equal(cp_download(&download), CP_E_UNAVAILABLE);
	assert_int_equal(server.requests, 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_is_not_sent_to_an_unknown_server),
	    cmocka_unit_test(nothing_is_downloaded_from_an_unknown_server),
	};
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
