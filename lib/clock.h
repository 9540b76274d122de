/* SPDX-License-Identifier: GPL-2.0-only */
/* From the kernel's stamps (bpf_ktime_get_ns(), CLOCK_MONOTONIC) to the time on the wall. */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>

/* What lies between the two clocks. Wrong after the wall clock was set: call clock_sync() now and
 * then, such as once a second. */
struct clock {
	int64_t offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};

/* CLOCK_MONOTONIC in ns. */
uint64_t clock_now_ns(void);

/* CLOCK_BOOTTIME in ns: what the starts of processes are told in. */
uint64_t clock_boot_now_ns(void);

/* Measures the offset anew, at a cost of about a microsecond. Off by less than the time between
 * two readings of a clock. */
void clock_sync(struct clock *clock);

/* Ns since the epoch of a stamp of CLOCK_MONOTONIC. */
uint64_t clock_realtime_ns(const struct clock *clock, uint64_t monotonic_ns);

#endif
