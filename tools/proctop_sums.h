/* SPDX-License-Identifier: GPL-2.0-only */
/* Adding up what the kernel counts. */
#ifndef PROCTOP_SUMS_H
#define PROCTOP_SUMS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bpf/proctop.h"

/* What a process used. */
struct usage {
	struct task_sums sums;
	uint64_t rx_bytes, tx_bytes; /* network, since the hooks were attached */
};

static inline void sums_add(struct task_sums *to, const struct task_sums *from)
{
	__u64 *a = (__u64 *)to;
	const __u64 *b = (const __u64 *)from;

	for (size_t i = 0; i < TASK_SUMS; i++)
		a[i] += b[i];
}

static inline void sums_subtract(struct task_sums *from, const struct task_sums *what)
{
	__u64 *a = (__u64 *)from;
	const __u64 *b = (const __u64 *)what;

	for (size_t i = 0; i < TASK_SUMS; i++)
		a[i] -= b[i];
}

/* No sum ever falls. */
static inline void sum_raise(uint64_t *to, uint64_t from)
{
	if (from > *to)
		*to = from;
}

static inline void sums_raise(struct task_sums *to, const struct task_sums *from)
{
	__u64 *a = (__u64 *)to;
	const __u64 *b = (const __u64 *)from;

	for (size_t i = 0; i < TASK_SUMS; i++)
		if (b[i] > a[i])
			a[i] = b[i];
}

static inline void usage_add(struct usage *to, const struct usage *from)
{
	sums_add(&to->sums, &from->sums);
	to->rx_bytes += from->rx_bytes;
	to->tx_bytes += from->tx_bytes;
}

/* What was used since @before. */
static inline struct usage usage_since(const struct usage *now, const struct usage *before)
{
	struct usage usage = *now;

	sums_subtract(&usage.sums, &before->sums);
	usage.rx_bytes -= before->rx_bytes;
	usage.tx_bytes -= before->tx_bytes;
	return usage;
}

/* Of the states of its threads, the one that says most about a process. */
static inline char busier_state(char a, char b)
{
	static const char order[] = "RDTtSIPZX";
	const char *x = strchr(order, a), *y = strchr(order, b);

	if (!a || !x)
		return b;
	return !b || !y || x < y ? a : b;
}

#endif
