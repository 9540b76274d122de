/* SPDX-License-Identifier: GPL-2.0-only */
/* Everything that records are kept in: names, cgroups, the ledger; and the machine's own counters
 * beside it, from one interval to the next. */
#ifndef PROCTOP_METER_H
#define PROCTOP_METER_H

#include "lib/clock.h"
#include "lib/process.h"
#include "lib/record.h"
#include "lib/users.h"
#include "tools/proctop_ledger.h"
#include "tools/proctop_lines.h"
#include "tools/proctop_options.h"

struct cgroup_table;

struct meter {
	const struct proctop_options *options;
	struct process_table *processes;
	struct cgroup_table *cgroups;
	struct ledger *ledger;
	struct ledger *threads; /* of threads as if each were a process; NULL: not watched */
	struct lines *lines;
	struct users *users;
	struct clock clock;
	int proc_fd;
	bool net;		   /* network bytes are counted */
	uint64_t start_ns;	   /* of the program, CLOCK_MONOTONIC */
	uint64_t begin_ns, end_ns; /* of the interval, CLOCK_MONOTONIC */
	uint64_t boot_ns;	   /* its end by CLOCK_BOOTTIME */
	struct machine_cpus cpus_begin, cpus_end;
	struct proctop_counters totals_begin, totals; /* the kernel side's */
	struct record_counters counters_begin, counters;
	uint64_t bad; /* records that were not whole */
};

/* Least lengths of all records that proctop takes. */
extern const struct record_sizes proctop_sizes;

/* @options, @proc_fd: borrowed. Returns 0 or -ENOMEM. */
int meter_new(const struct proctop_options *options, int proc_fd, struct meter **ret_meter);
void meter_free(struct meter *meter);
static inline void meter_freep(struct meter **meter)
{
	meter_free(*meter);
	*meter = NULL;
}

/* One record, from the ring buffer or an iterator; a loop_event_fn. */
int meter_record(void *meter, const void *data, size_t size);
int meter_listed(void *meter, const struct record_header *record); /* an iterator_record_fn */

/* Around a pass over all threads: see ledger_begin_pass(). */
void meter_begin_pass(struct meter *meter);
void meter_end_pass(struct meter *meter, const struct proctop_counters *totals,
		    const struct record_counters *counters);

/* What the interval was like in all; what a row of it needs, without names. */
void meter_total(const struct meter *meter, struct proctop_total *ret_total);
struct proctop_context meter_context(const struct meter *meter);

/* Names and cgroup of an account, into @context; @names is what it will point to. */
void meter_name(struct meter *meter, const struct account *account, bool need_args,
		struct process_names *names, struct proctop_context *context);

/* Threads one by one, from the next pass on. Returns 0 or -ENOMEM. */
int meter_watch_threads(struct meter *meter, bool watch);

/* All that has ended has been told. */
void meter_tell_all(struct meter *meter);

/* The interval has been shown: the next one begins where it ended. */
void meter_next_interval(struct meter *meter);

#endif
