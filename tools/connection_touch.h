/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hooks that see the first touch of an accepted socket run at every send and receive of the
 * machine. They are attached only while connections arrive: steady traffic costs nothing. Where
 * they are needed for datagrams, too, they stay, and are told when to look at TCP. With a filter of
 * processes no record tells of what arrives for others, which one of them may accept: they look at
 * all.
 */
#ifndef CONNECTION_TOUCH_H
#define CONNECTION_TOUCH_H

#include <stdbool.h>

#include "lib/base.h"

struct connection_bpf;

struct touch {
	struct connection_bpf *bpf; /* NULL: this kernel needs no such hooks */
	int resolve_fd;		    /* link of the iterator that finds who has accepted; -1: none */
	uint64_t needed_ns;	    /* when they were last needed */
	bool attached;
	bool shared; /* with datagrams, or with the count of calls */
	bool stays;  /* with a filter of processes */
};

#define TOUCH_NONE ((struct touch){.resolve_fd = -1})

/* Behind programs_attach(), which attaches the hooks. @bpf is borrowed. Returns 0 or a negative
 * errno. */
int touch_init(struct touch *touch, struct connection_bpf *bpf);
void touch_release(struct touch *touch);

/* Attaches and detaches. @waiting: there are connections that nobody has been seen to accept. Those
 * that were accepted and touched while the hooks were away are found by an iterator, and their
 * records come by the ring buffer. Returns 0 or a negative errno. */
int touch_tick(struct touch *touch, uint64_t now_ns, bool waiting);

#endif
