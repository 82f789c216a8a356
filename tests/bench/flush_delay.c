/*
 * A slower disk: loaded into PostgreSQL with LD_PRELOAD, each flush of the write-ahead log takes CP_BENCH_FLUSH_US microseconds more.
 * PostgreSQL calls fdatasync() for it (wal_sync_method's default on Linux), and waits in it as it would for a disk.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	static int (*real)(int);
	static long delay_us = -1;
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	if (delay_us < 0) {
		const char *text = getenv("CP_BENCH_FLUSH_US");
		delay_us = text == NULL ? 0 : atol(text);
	}
	int result = real(fd), error = errno;
	if (delay_us > 0) {
		struct timespec rest = {.tv_sec = delay_us / 1000000, .tv_nsec = delay_us % 1000000 * 1000};
		while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
			;
	}
	errno = error;
	return result;
}
