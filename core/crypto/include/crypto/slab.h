/*
 * A small cache of opened secrets: one region of guarded, non-dumpable memory, locked against swapping where the system allows
 * it, cut into equal slots. What was used least recently is wiped to make room. One a process, shared by its threads: so that
 * the number of secrets in clear has one limit, and forgetting a tenant is one act. A look-up holds the lock for some tens of
 * nanoseconds; opening what is absent happens outside of it.
 *
 * A name is 16 bytes that stand for one sealed form (a hash of it): a secret that was replaced has another name, so nothing
 * stale is ever found.
 */
#ifndef CRYPTO_SLAB_H
#define CRYPTO_SLAB_H

#include "base/str.h"

struct cp_slab;

enum { CP_SLAB_SLOT_SIZE = 128, CP_SLAB_NAME_SIZE = 16, CP_SLAB_MAX_SLOTS = 65536, CP_SLAB_MAX_SEALED = 256 };

struct cp_slab_name {
	unsigned char bytes[CP_SLAB_NAME_SIZE];
};

/* Bytes on loan: they stay where they are until cp_slab_release(). {0} is no loan, and releasing it does nothing. */
struct cp_secret {
	struct cp_str bytes;
	struct cp_slab *slab; /* private */
	uint32_t slot;        /* private */
};

/* slots: at least 1, at most CP_SLAB_MAX_SLOTS. CP_E_SYSTEM where the memory is not to be had. */
int cp_slab_new(size_t slots, struct cp_slab **ret_slab);
/* Wipes. No loan may be out. Accepts NULL; returns NULL. */
struct cp_slab *cp_slab_free(struct cp_slab *slab);
/* False where the system refused to lock the memory (RLIMIT_MEMLOCK): it may reach swap then. Worth a warning at start. */
bool cp_slab_is_locked(const struct cp_slab *slab);

/*
 * The name of owner's sealed bytes (at most CP_SLAB_MAX_SEALED; more is CP_E_INPUT) of that kind: SipHash-2-4 with 128 bits under
 * the slab's own random key, so that nobody who can write to the database can make two of them meet.
 */
int cp_slab_name_make(const struct cp_slab *slab, uint64_t owner, uint64_t kind, struct cp_str sealed,
                      struct cp_slab_name *ret_name);
/* Lends the named secret; false where it is not here. */
bool cp_slab_get(struct cp_slab *slab, const struct cp_slab_name *name, struct cp_secret *ret_secret);
/*
 * Stores bytes (at most CP_SLAB_SLOT_SIZE; more is CP_E_INPUT) for owner and lends them; where another thread was faster, lends
 * what it stored. CP_E_LIMIT where every slot is on loan.
 */
int cp_slab_put(struct cp_slab *slab, const struct cp_slab_name *name, uint64_t owner, struct cp_str bytes,
                struct cp_secret *ret_secret);
/* Ends a loan and zeroes *secret. */
void cp_slab_release(struct cp_secret *secret);
/* Wipes all of owner's secrets; what is on loan is wiped when it comes back. */
void cp_slab_forget(struct cp_slab *slab, uint64_t owner);
/* How many secrets it holds now. */
size_t cp_slab_count(struct cp_slab *slab);

#endif
