/* SPDX-License-Identifier: GPL-2.0-only */
/* Everything that records are kept in: names, cgroups, flows; and the interfaces' own counters
 * beside it, from one interval to the next. */
#ifndef FLOWATTR_METER_H
#define FLOWATTR_METER_H

#include "lib/clock.h"
#include "lib/interfaces.h"
#include "lib/process.h"
#include "lib/users.h"
#include "tools/flowattr_holders.h"
#include "tools/flowattr_listeners.h"
#include "tools/flowattr_nat.h"
#include "tools/flowattr_options.h"
#include "tools/flowattr_row.h"
#include "tools/flowattr_wire.h"

struct cgroup_table;

struct meter {
	const struct flowattr_options *options;
	struct process_table *processes;
	struct cgroup_table *cgroups;
	struct flow_table *flows;
	struct listeners *listeners; /* for packets */
	struct holders holders;	     /* of the sockets of the last look at all descriptors */
	struct nat_table *nat;	     /* what addresses are translated to */
	uint64_t translated_ns;	     /* all that was translated by then is in it; CLOCK_MONOTONIC */
	struct flow_lines *lines;
	struct users *users;
	struct clock clock;
	int proc_fd;
	uint64_t start_ns;	   /* of the program, CLOCK_MONOTONIC */
	uint64_t begin_ns, end_ns; /* of the interval, CLOCK_MONOTONIC */
	bool last;		   /* there is no interval behind this one */
	uint32_t netns;		   /* inode number of the network namespace of this process */
	struct wire wire;	   /* of the interval, under --reconcile */
	bool ifaces_ours;	   /* what interfaces carry may be known: it is of this namespace */
	bool ifaces_seen;	   /* and was at the last look */
	bool ifaces;		   /* and is of the whole interval */
	struct interfaces interfaces;
	struct interface_bytes ifaces_begin; /* the sum at the interval's beginning */
	uint64_t arrived_ns; /* when the last connection came that nobody was seen to accept yet */
	struct flow_counters folded; /* as read last */
	uint64_t lost;		     /* rows lost in the kernel, as far as seen */
	uint64_t bad;		     /* records that were not whole */
};

/* @options, @proc_fd: borrowed. Returns 0 or -ENOMEM. */
int meter_new(const struct flowattr_options *options, int proc_fd, struct meter **ret_meter);
void meter_free(struct meter *meter);
static inline void meter_freep(struct meter **meter)
{
	meter_free(*meter);
	*meter = NULL;
}

/* One record, from the ring buffer or an iterator; a loop_event_fn. */
int meter_record(void *meter, const void *data, size_t size);
int meter_listed(void *meter, const struct record_header *record); /* an iterator_record_fn */

/* One socket that is open, with its holders; one that was before the tool: socket_list_fns. */
int meter_socket(void *meter, const struct open_record *record, const uint32_t *holders, size_t n);
int meter_existing(void *meter, const struct open_record *record, const uint32_t *holders,
		   size_t n);

/* What the kernel side has summed up so far, in place of records that found no room. */
void meter_fold(struct meter *meter, const struct flow_counters *folded);

/* Rows that are lost: in the kernel, as it says, and folded ones of which a filter of names cannot
 * tell whether they were wanted. */
uint64_t meter_lost(const struct meter *meter, uint64_t lost_rows);

/* The interval is over: its length, the interfaces. Behind the pass over what is open. */
void meter_end_interval(struct meter *meter, uint64_t lost);

/* What the interval was like in all. */
void meter_total(const struct meter *meter, struct flowattr_total *ret_total);

/* What a row of the interval needs, without names. */
struct flowattr_context meter_context(const struct meter *meter);

/* It has been shown: the next one begins where it ended. */
void meter_next_interval(struct meter *meter);

#endif
