/* Random bytes from the kernel (getrandom); any thread. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Never fails: a kernel without random numbers ends the process. */
void cp_random_bytes(void *out, size_t n);
/* Uniform in [0, bound); bound > 0. */
uint32_t cp_random_below(uint32_t bound);

enum { CP_UUID_SIZE = 37 };
/*
 * A UUID version 7 (RFC 9562 section 5.7): 48 bits of the clock's milliseconds, 74 random bits; text with NUL.
 * Rows keyed by it arrive in index order; 74 random bits keep it unguessable.
 */
void cp_uuid7(char out[CP_UUID_SIZE]);

#endif
