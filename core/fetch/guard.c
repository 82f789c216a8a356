/*
 * Which addresses a tenant's URL may lead to: those that the registries call globally reachable, and no other.
 *
 * Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and what updates it); IANA IPv6 unicast assignments,
 * by which everything global lies in 2000::/3.
 */
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

struct block4 {
	uint8_t bytes[4];
	unsigned prefix; /* bits */
};

static const struct block4 special4[] = {
    {{0, 0, 0, 0}, 8},       /* "this network" */
    {{10, 0, 0, 0}, 8},      /* private */
    {{100, 64, 0, 0}, 10},   /* shared with the carrier, RFC 6598 */
    {{127, 0, 0, 0}, 8},     /* loopback */
    {{169, 254, 0, 0}, 16},  /* link-local, and clouds' metadata */
    {{172, 16, 0, 0}, 12},   /* private */
    {{192, 0, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2, 0}, 24},    /* documentation */
    {{192, 88, 99, 0}, 24},  /* 6to4 relays */
    {{192, 168, 0, 0}, 16},  /* private */
    {{198, 18, 0, 0}, 15},   /* benchmarks */
    {{198, 51, 100, 0}, 24}, /* documentation */
    {{203, 0, 113, 0}, 24},  /* documentation */
    {{224, 0, 0, 0}, 4},     /* multicast */
    {{240, 0, 0, 0}, 4},     /* reserved, and broadcast */
};

struct block6 {
	uint8_t bytes[6];
	unsigned prefix;
};

static const struct block6 special6[] = {
    /* within 2000::/3 */
    {{0x20, 0x01, 0x00, 0x00}, 23}, /* protocol assignments, Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4: an IPv4 address in disguise */
    {{0x3f, 0xff, 0x00}, 20},       /* documentation */
};

static bool in_block(const uint8_t *address, const uint8_t *block, unsigned prefix)
{
	unsigned bytes = prefix / 8, bits = prefix % 8;
	if (memcmp(address, block, bytes) != 0)
		return false;
	return bits == 0 || ((address[bytes] ^ block[bytes]) >> (8 - bits)) == 0;
}

static bool is_public4(const uint8_t *address)
{
	for (size_t i = 0; i < CP_COUNT(special4); ++i)
		if (in_block(address, special4[i].bytes, special4[i].prefix))
			return false;
	return true;
}

static bool is_public6(const uint8_t *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	if (memcmp(address, mapped, 12) == 0 || memcmp(address, nat64, 12) == 0)
		return is_public4(address + 12);
	if ((address[0] & 0xe0) != 0x20)
		return false;
	for (size_t i = 0; i < CP_COUNT(special6); ++i)
		if (in_block(address, special6[i].bytes, special6[i].prefix))
			return false;
	return true;
}

bool cp_address_is_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return is_public4((const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr);
	if (address->sa_family == AF_INET6)
		return is_public6((const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
	return false;
}

bool cp_address_parse(const char *host, struct sockaddr_storage *ret_address)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};
	if (inet_pton(AF_INET, host, &((struct sockaddr_in *)&address)->sin_addr) != 1) {
		address.ss_family = AF_INET6;
		if (inet_pton(AF_INET6, host, &((struct sockaddr_in6 *)&address)->sin6_addr) != 1)
			return false;
	}
	*ret_address = address;
	return true;
}

/* The last gate: whatever way an address came, no socket is opened for one that is not allowed. */
curl_socket_t cp_guard_open_socket(bool allow_any, struct curl_sockaddr *address, bool *denied)
{
	if (!allow_any && !cp_address_is_public(&address->addr)) {
		*denied = true;
		errno = EACCES;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
