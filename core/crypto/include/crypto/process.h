/* What a program that holds secrets does once, first thing in main(). */
#ifndef CRYPTO_PROCESS_H
#define CRYPTO_PROCESS_H

#include "base/error.h"

#include <stdbool.h>

/*
 * Starts the cryptographic libraries. Keyrings, slabs and guarded memory do it by themselves; a program does it before anything
 * else all the same, to learn of a failure early and to have the fastest implementations for its processor from the beginning.
 */
int cp_crypto_start(void);

/*
 * No core dumps, and no reading of this process's memory by another one of the same user (PR_SET_DUMPABLE, RLIMIT_CORE). A side
 * effect: the files of /proc/PID belong to root then. exec() resets it: every program calls it for itself. CP_E_SYSTEM.
 */
int cp_process_forbid_dumps(void);
/* True where both are forbidden. */
bool cp_process_dumps_forbidden(void);

#endif
