/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out of the kernel: one ring buffer in the order of events, and counters for what found no
 * room in it. Wake-ups are the dearest thing there is: user space looks every few ms by itself
 * and is woken only when RECORDS_WAKE_BYTES are waiting.
 */
#ifndef RECORDS_BPF_H
#define RECORDS_BPF_H

#include "record.h"

#define RECORDS_WAKE_BYTES (256 * 1024)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024); /* user space may set another size before load */
} records SEC(".maps");

struct record_counters counters = {};

static __always_inline void record_count_lost(__u32 type)
{
	__sync_fetch_and_add(&counters.lost[type & (RECORD_TYPES_MAX - 1)], 1);
	if (type >= RECORD_TOOL)
		__sync_fetch_and_add(&counters.lost_rows, 1);
}

static __always_inline void record_head(struct record_header *header, __u32 type, __u32 length)
{
	header->ts_ns = bpf_ktime_get_ns();
	header->lost = counters.lost_rows;
	header->type = type;
	header->length = length;
}

/* Room for a record of a constant size, its head filled in; NULL if there is none. */
static __always_inline void *record_try(__u32 type, __u64 size)
{
	struct record_header *header = bpf_ringbuf_reserve(&records, size, 0);

	if (!header)
		return NULL;
	record_head(header, type, size);
	return header;
}

/* The same; what found none is counted as lost. */
static __always_inline void *record_reserve(__u32 type, __u64 size)
{
	void *record = record_try(type, size);

	if (!record)
		record_count_lost(type);
	return record;
}

/* Wakes user space when the threshold is crossed, not at every record behind it. */
static __always_inline __u64 record_wake_flags(__u64 size)
{
	__u64 waiting = bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA);

	if (waiting >= RECORDS_WAKE_BYTES && waiting - size < RECORDS_WAKE_BYTES)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

static __always_inline void record_submit(void *record, __u64 size)
{
	bpf_ringbuf_submit(record, record_wake_flags(size + 8));
}

/* Copies a record of a variable size, head included, out of a scratch area. */
static __always_inline int record_output(struct record_header *header, __u64 size)
{
	int r = bpf_ringbuf_output(&records, header, size, record_wake_flags(size + 8));

	if (r)
		record_count_lost(header->type);
	return r;
}

#endif
