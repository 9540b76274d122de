/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine as a whole: what its processors did (proc_stat(5)), its load (proc_loadavg(5)), its
 * memory (proc_meminfo(5)). */
#ifndef LIB_MACHINE_H
#define LIB_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base.h"

#define MACHINE_CPUS_MAX 64 /* processors that are told apart; all count in the sum */

/* Time of one processor or all, since boot, ns in steps of a clock tick (10 ms). */
struct machine_times {
	uint64_t idle_ns;
	uint64_t iowait_ns; /* idle, with storage still to answer */
	uint64_t irq_ns, softirq_ns;
	uint64_t steal_ns; /* run by the hypervisor for somebody else */
	uint64_t busy_ns;  /* all but idle and iowait */
};

struct machine_cpus {
	struct machine_times all;
	struct machine_times each[MACHINE_CPUS_MAX]; /* by order in the file */
	size_t n; /* processors online; may be more than `each` */
};

/* What was added since @then. Some of the kernel's counters fall at times, the time of waiting for
 * storage among them, and all do as a processor is taken away: nothing was added then. */
struct machine_times machine_times_since(const struct machine_times *now,
					 const struct machine_times *then);

/* Parses the text of /proc/stat. Returns 0, or -EBADMSG without a line for all processors. */
int machine_parse_stat(const char *text, struct machine_cpus *ret_cpus);

struct machine_memory {
	uint64_t total_bytes, available_bytes, cached_bytes; /* cached: page cache and buffers */
	uint64_t swap_total_bytes, swap_free_bytes;
};

/* Parses the text of /proc/meminfo. Returns 0, or -EBADMSG without a total. */
int machine_parse_meminfo(const char *text, struct machine_memory *ret_memory);

struct machine_load {
	double minutes[3]; /* averages over 1, 5, 15 minutes */
};

/* Parses the text of /proc/loadavg. Returns 0 or -EBADMSG. */
int machine_parse_loadavg(const char *text, struct machine_load *ret_load);

/* These read the file below @proc_fd, a directory such as /proc, and return as above, or what
 * opening or reading says. */
int machine_read_cpus(int proc_fd, struct machine_cpus *ret_cpus);
int machine_read_memory(int proc_fd, struct machine_memory *ret_memory);
int machine_read_load(int proc_fd, struct machine_load *ret_load);

#endif
