/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records with text of any length are put together in a scratch area and copied out. Running
 * numbers stand in the area and not in registers: the verifier then sees an unknown number
 * in each turn of a loop, all turns look alike to it, and it need not walk every combination.
 */
#ifndef TEXT_BPF_H
#define TEXT_BPF_H

#include "records.bpf.h"

#define TEXT_HEAD_MAX 128				/* bytes of a record before its text */
#define TEXT_PART_MAX 4096				/* bytes of one string */
#define TEXT_LAST     (RECORD_DATA_MAX - TEXT_PART_MAX) /* a string may begin here at the latest */

/* Tracepoints are not preempted (see pin()), iterators are: each has areas of its own. */
enum text_area {
	TEXT_PROCESS,
	TEXT_PROCESS_ITER,
	TEXT_CGROUP,
	TEXT_CGROUP_ITER,
	TEXT_AREAS,
};

struct text_scratch {
	__u8 head[TEXT_HEAD_MAX]; /* the record; its data[] is text */
	char text[RECORD_DATA_MAX];
	__u32 used; /* bytes of text */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TEXT_AREAS);
	__type(key, __u32);
	__type(value, struct text_scratch);
} text_scratch SEC(".maps");

static __always_inline struct text_scratch *text_begin(__u32 area)
{
	struct text_scratch *scratch = bpf_map_lookup_elem(&text_scratch, &area);

	if (scratch)
		scratch->used = 0;
	return scratch;
}

/* Appends a part of a path, at most 255 bytes, with its NUL. */
static __always_inline void text_append_part(volatile struct text_scratch *scratch,
					     const void *part)
{
	__u32 used = scratch->used;
	long length;

	if (used > TEXT_LAST)
		return;
	length = bpf_probe_read_kernel_str((void *)&scratch->text[used], 256, part);
	if (length > 0)
		scratch->used = used + length;
}

/* Appends a string of the kernel. Returns its length with the NUL, 0 if there is none. */
static __always_inline __u16 text_append(volatile struct text_scratch *scratch, const void *text)
{
	__u32 used = scratch->used;
	long length;

	if (used > TEXT_LAST || !text)
		return 0;
	length = bpf_probe_read_kernel_str((void *)&scratch->text[used], TEXT_PART_MAX, text);
	if (length <= 0)
		return 0;
	scratch->used = used + length;
	return length;
}

#endif
