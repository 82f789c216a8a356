/*
 * The one clock. Everything that asks what time it is for people (rows, logs, limits, schedules) asks here, so that a test can
 * move it; SQL asks app_now(), which adds the same offset, handed to each connection as app.clock_offset_us. Time-outs use the
 * monotonic clock, which nobody can move. Any thread.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Microseconds since 1970-01-01 UTC, with the offset. */
int64_t cp_clock_now_us(void);

/* Milliseconds of CLOCK_MONOTONIC; only differences mean anything. */
uint64_t cp_clock_monotonic_ms(void);

/* Moves the clock by offset_us from the real time (0: real time). For tests and rehearsals. */
void cp_clock_set_offset_us(int64_t offset_us);
int64_t cp_clock_offset_us(void);

enum { CP_CLOCK_ISO_SIZE = 28 };
/* "2026-11-22T16:45:00.123456Z"; out holds CP_CLOCK_ISO_SIZE bytes. */
void cp_clock_iso(int64_t time_us, char out[CP_CLOCK_ISO_SIZE]);

enum { CP_CLOCK_RFC2822_SIZE = 32 };
/* "Sun, 22 Nov 2026 16:45:00 +0000" (RFC 5322 section 3.3), as the carrier writes dates. */
void cp_clock_rfc2822(int64_t time_us, char out[CP_CLOCK_RFC2822_SIZE]);

#endif
