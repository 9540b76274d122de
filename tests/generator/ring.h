/* SPDX-License-Identifier: GPL-2.0-only */
/* io_uring without a library, one operation at a time. */
#ifndef GENERATOR_RING_H
#define GENERATOR_RING_H

#include <linux/io_uring.h>
#include <stdbool.h>

struct ring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *sq_flags, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	bool polled;
};

/* @polled: a thread of the kernel's takes what is submitted. */
void ring_open(struct ring *ring, bool polled);

/* Does it, waits for it, and returns what it returned, which must not be an error. */
int ring_do(struct ring *ring, const struct io_uring_sqe *sqe);

#endif
