/* The addresses that a tenant's URL may lead to. */
#include "check.h"
#include "internal.h"

#include <unistd.h>

static const char *const refused[] = {
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "3fff:fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
};

static const char *const allowed[] = {
    "1.1.1.1",         "8.8.8.8",        "9.255.255.255",    "11.0.0.0",     "100.63.255.255",       "100.128.0.0",
    "126.255.255.255", "128.0.0.0",      "169.253.255.255",  "169.255.0.0",  "172.15.255.255",       "172.32.0.0",
    "192.0.1.0",       "192.0.3.0",      "192.167.255.255",  "192.169.0.0",  "198.17.255.255",       "198.20.0.0",
    "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::808:808", "2001:200::1",  "2001:4860:4860::8888", "2003::1",
    "2606:4700::1111", "2a00:1450::1",   "3ffe:ffff::1",     "3fff:1000::1",
};

static bool is_public(const char *text)
{
	struct sockaddr_storage address;
	if (!cp_address_parse(text, &address))
		fail_msg("%s is no address", text);
	return cp_address_is_public((struct sockaddr *)&address);
}

static void addresses_that_are_not_public_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < CP_COUNT(refused); ++i)
		if (is_public(refused[i]))
			fail_msg("%s passes", refused[i]);
}

static void public_addresses_are_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < CP_COUNT(allowed); ++i)
		if (!is_public(allowed[i]))
			fail_msg("%s does not pass", allowed[i]);
}

static void other_families_are_refused(void **state)
{
	(void)state;
	struct sockaddr address = {.sa_family = AF_UNIX};
	assert_false(cp_address_is_public(&address));
}

static struct curl_sockaddr curl_address(const char *text)
{
	struct sockaddr_storage parsed;
	assert_true(cp_address_parse(text, &parsed));
	struct curl_sockaddr address = {
	    .family = parsed.ss_family, .socktype = SOCK_STREAM, .addrlen = sizeof(struct sockaddr_in)};
	memcpy(&address.addr, &parsed, sizeof(address.addr));
	return address;
}

/* Whatever the names' look-up has let through, no socket is opened. */
static void no_socket_is_opened_for_a_refused_address(void **state)
{
	(void)state;
	bool denied = false;
	struct curl_sockaddr inside = curl_address("10.0.0.1"), outside = curl_address("8.8.8.8");
	assert_int_equal(cp_guard_open_socket(false, &inside, &denied), CURL_SOCKET_BAD);
	assert_true(denied);
	denied = false;
	curl_socket_t fd = cp_guard_open_socket(true, &inside, &denied);
	assert_true(fd >= 0 && !denied);
	close(fd);
	fd = cp_guard_open_socket(false, &outside, &denied);
	assert_true(fd >= 0 && !denied);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_that_are_not_public_are_refused),
	    cmocka_unit_test(public_addresses_are_allowed),
	    cmocka_unit_test(other_families_are_refused),
	    cmocka_unit_test(no_socket_is_opened_for_a_refused_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
