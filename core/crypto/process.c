#include "crypto/process.h"
#include "crypto/secret.h"

#include <pthread.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int sodium_state;

static void start(void)
{
	sodium_state = sodium_init();
}

int cp_crypto_start(void)
{
	pthread_once(&once, start);
	return sodium_state < 0 ? cp_fail(CP_E_SYSTEM, "libsodium does not start") : 0;
}

int cp_process_forbid_dumps(void)
{
	const struct rlimit none = {0, 0};
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return cp_fail_errno("cannot forbid core dumps");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return cp_fail_errno("cannot forbid reading of this process's memory");
	return 0;
}

bool cp_process_dumps_forbidden(void)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
}
