#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t offset;

int64_t cp_clock_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + atomic_load_explicit(&offset, memory_order_relaxed);
}

uint64_t cp_clock_monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void cp_clock_set_offset_us(int64_t offset_us)
{
	atomic_store(&offset, offset_us);
}

int64_t cp_clock_offset_us(void)
{
	return atomic_load(&offset);
}

static void split(int64_t time_us, struct tm *ret_tm, unsigned *ret_us)
{
	int64_t seconds = time_us / 1000000, us = time_us % 1000000;
	if (us < 0) {
		--seconds;
		us += 1000000;
	}
	time_t when = (time_t)seconds;
	gmtime_r(&when, ret_tm);
	*ret_us = (unsigned)us;
}

void cp_clock_iso(int64_t time_us, char out[CP_CLOCK_ISO_SIZE])
{
	struct tm tm;
	unsigned us;
	split(time_us, &tm, &us);
	size_t len = strftime(out, CP_CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, CP_CLOCK_ISO_SIZE - len, ".%06uZ", us % 1000000);
}

/* Names written out: strftime's depend on the locale. */
void cp_clock_rfc2822(int64_t time_us, char out[CP_CLOCK_RFC2822_SIZE])
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm;
	unsigned us;
	split(time_us, &tm, &us);
	snprintf(out, CP_CLOCK_RFC2822_SIZE, "%s, %02u %s %04u %02u:%02u:%02u +0000", days[tm.tm_wday % 7],
	         (unsigned)tm.tm_mday % 100, months[tm.tm_mon % 12], (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
	         (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}
