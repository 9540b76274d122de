/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every flow that is open, or has ended in the interval: its ends, who owns it, what it has
 * carried. Fed by records of connects, accepts, first datagrams and closes, and by the iterators
 * over what is open. Both ends of a flow, if both are on this machine, know each other. Pure.
 */
#ifndef FLOWATTR_TABLE_H
#define FLOWATTR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "bpf/connection.h"
#include "lib/base.h"
#include "lib/process.h"

/* So long behind an accept record that is not final, a better owner may follow. */
#define ACCEPT_WAIT_NS (100 * 1000 * 1000ULL)

/* Flows at a time: more than the kernel side keeps (SOCKETS_MAX, FLOWS_MAX), so that only what has
 * ended within the interval may have to make room. */
#define TABLE_MAX 400000

/* What tells flows apart. Of TCP the cookie alone does; the rest is zero. */
struct flow_id {
	uint64_t cookie;
	uint8_t raddr[16];
	uint32_t tgid;
	uint16_t rport;
	uint16_t protocol;
	uint64_t past; /* 0; of what the same socket carried before: a number of its own */
};

struct flow_counts {
	uint64_t tx_bytes, rx_bytes;	 /* payload */
	uint64_t tx_packets, rx_packets; /* segments, datagrams */
	uint64_t retransmits;
};

/* How its other end sees it: laddr is this end. */
struct flow_nat {
	uint8_t laddr[16], raddr[16];
	uint16_t lport, rport;
};

struct flow {
	struct flow_id id;
	struct connection connection; /* as last told */
	struct flow_counts now;	      /* since it began, as far as read */
	struct flow_counts before;    /* at the interval's beginning */
	uint64_t began_ns;	      /* CLOCK_MONOTONIC; 0: not known (yet) */
	uint64_t ended_ns;	      /* likewise; 0: it is open */
	uint32_t rtt_us;	      /* 0: not known */
	uint8_t direction;	      /* enum flow_direction: who began it; 0: not known */
	bool based;		      /* `before` holds: else nothing has been read yet */
	bool turned;		      /* it stands for both ends, though the other began it */
	uint8_t unseen;		      /* passes over what is open since it was last told of */
	const uint32_t *holders; /* processes that hold the socket, borrowed; NULL: not known */
	size_t n_holders;
	struct split *split;   /* by who called; NULL: nobody has, or is not asked for */
	struct flow_nat *nat;  /* owned; NULL: no address is translated, as far as known */
	struct flow *peer;     /* the other end, if on this machine */
	struct remote *remote; /* those of the same ports and remote address: */
	struct flow *pair_prev, *pair_next;
	struct flow *ended_next; /* in the order of their ends */
	UT_hash_handle hh;
};

struct flow_table;
struct nat_ends;
struct nat_table;
struct process_filter;
struct remote; /* tools/flowattr_pairs.c */
struct split;  /* tools/flowattr_split.h */

struct flow_table_options {
	struct process_table *processes;     /* borrowed: owners of flows are kept in it */
	const struct process_filter *filter; /* likewise; NULL: none. Only -n is looked at, and
					      * only for what has to make room */
	const struct nat_table *nat;	     /* likewise; NULL: no address is translated */
	uint64_t retain_ns; /* what has ended is kept for so long, to be found by its packets */
	size_t max;	    /* 0: TABLE_MAX */
};

/* Returns 0 or -ENOMEM. */
int flow_table_new(const struct flow_table_options *options, struct flow_table **ret_table);
void flow_table_free(struct flow_table *table);
static inline void flow_table_freep(struct flow_table **table)
{
	flow_table_free(*table);
	*table = NULL;
}

/* A flow has begun, or its owner is known better now. @direction: 0: it was there before the tool.
 * @began_ns: CLOCK_MONOTONIC. Returns 0 or -ENOMEM. */
int flow_table_begin(struct flow_table *table, const struct connection *connection,
		     enum flow_direction direction, uint64_t began_ns);

/* What it has carried so far; a RECORD_CLOSE also ends it. Returns 0 or -ENOMEM. */
int flow_table_count(struct flow_table *table, const struct close_record *record);

/* Addresses are translated between these ends: what is in the table was added before that was
 * known. Returns 0 or -ENOMEM. */
int flow_table_translate(struct flow_table *table, const struct nat_ends *ends);

/* It was somebody else's: as if it had never been. */
void flow_table_forget(struct flow_table *table, const struct connection *connection);

/* What a process has called for on the socket of a flow of TCP; of a flow that is not known nothing
 * is kept. Returns 0 or -ENOMEM. */
int flow_table_share(struct flow_table *table, const struct share_record *record);

/* Behind a pass: shares out what was carried in the interval among those who called. */
void flow_table_split(struct flow_table *table);

/* Before a pass over all that is open, which counts each: what some passes have not shown is gone;
 * its close was lost, and is counted where it was. */
void flow_table_pass(struct flow_table *table, uint64_t now_ns);

/* The next interval: what has ended and been shown goes. @now_ns: where the last one ended. */
void flow_table_next_interval(struct flow_table *table, uint64_t now_ns);

/* The first flow; the others by hh.next. In the order in which they were added. */
struct flow *flow_table_first(struct flow_table *table);
size_t flow_table_size(const struct flow_table *table);

/* Flows of TCP that have not ended. */
size_t flow_table_open(const struct flow_table *table);

/* Flows that had to make room in this interval, and what they carried in it. */
struct flow_others {
	uint64_t flows, ends; /* ends: both, where both are on this machine */
	struct flow_counts counts, ends_counts;
};
const struct flow_others *flow_table_others(const struct flow_table *table);

/* So many more that found no room before they got here. */
void flow_table_fold(struct flow_table *table, uint64_t flows, const struct flow_counts *counts);

/* All that have been folded into "(others)" so far: ends. */
uint64_t flow_table_folded(const struct flow_table *table);

/* The flow of a packet between @wanted's ends, as seen from the one with laddr: protocol, laddr,
 * lport, raddr, rport, netns (0: any) are looked at. The one that was open at @ts_ns, or was so
 * nearest to that; NULL: none is known. Of datagrams, if the namespace is known, also what its port
 * has received from somebody unknown. */
struct flow *flow_table_find(struct flow_table *table, const struct connection *wanted,
			     uint64_t ts_ns);

/* It has just ended, and who accepted it at the other end is not known yet: it is shown in the next
 * interval. @now_ns: as for flow_table_next_interval(). */
bool flow_is_waiting(const struct flow *flow, uint64_t now_ns);

/* As far as is known. */
static inline bool flow_was_open(const struct flow *flow, uint64_t ts_ns)
{
	return ts_ns >= flow->began_ns && (!flow->ended_ns || ts_ns <= flow->ended_ns);
}

bool flow_counts_empty(const struct flow_counts *counts);
void flow_counts_add(struct flow_counts *to, const struct flow_counts *counts);

/* Takes what it has carried, as a record says. */
void flow_take_counts(struct flow *flow, const struct close_record *record);

/* What it carried in the interval. */
struct flow_counts flow_in_interval(const struct flow *flow);

#endif
