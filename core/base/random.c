#include "base/random.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void cp_random_bytes(void *out, size_t n)
{
	unsigned char *p = out;
	while (n != 0) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			perror("getrandom");
			abort();
		}
		p += got;
		n -= (size_t)got;
	}
}

/* Lemire's method, "Fast random integer generation in an interval" (2019): rejects the few values that would bias the result. */
uint32_t cp_random_below(uint32_t bound)
{
	uint32_t least = -bound % bound;
	for (;;) {
		uint32_t word;
		cp_random_bytes(&word, sizeof(word));
		uint64_t product = (uint64_t)word * bound;
		if ((uint32_t)product >= least)
			return (uint32_t)(product >> 32);
	}
}

void cp_uuid7(char out[CP_UUID_SIZE])
{
	unsigned char b[16];
	uint64_t ms = (uint64_t)(cp_clock_now_us() / 1000);
	cp_random_bytes(b, sizeof(b));
	for (int i = 0; i < 6; ++i)
		b[i] = (unsigned char)(ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | (b[6] & 0x0f)); /* version 7 */
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f)); /* variant of RFC 9562 */
	snprintf(out, CP_UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4],
	         b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}
