/* SPDX-License-Identifier: GPL-2.0-only */
/* flowattr's packets: the capture and who finds owners, made of the tool's options. */
#ifndef FLOWATTR_PACKETS_H
#define FLOWATTR_PACKETS_H

#include "lib/loop.h"
#include "tools/flowattr_capture.h"
#include "tools/flowattr_meter.h"
#include "tools/flowattr_owner.h"

struct connection_bpf;

struct packets {
	struct owner_finder *finder;
	struct capture *capture; /* NULL: flows are shown, not packets */
	const struct meter *meter;
	uint64_t told; /* of its records that are lost */
};

/* Loads the programs, begins the file, and has @loop be woken by packets. @bpf: as it is loaded.
 * Returns 0 or a negative errno with an error; bad usage ends the program. */
int packets_new(const struct flowattr_options *options, struct connection_bpf *bpf,
		struct meter *meter, struct loop_options *loop, struct packets *ret_packets,
		struct error *error);
void packets_release(struct packets *packets);

/* As capture_tick(), capture_settle(), capture_finish(), with an error unless it is -EPIPE. */
int packets_tick(struct packets *packets, uint64_t now_ns, struct error *error);
int packets_settle(struct packets *packets, struct error *error);
int packets_finish(struct packets *packets, struct error *error);

/* -r. Says what is wrong, and returns the exit status. */
int packets_read(const struct flowattr_options *options);

/* Packets that were lost in the kernel. */
uint64_t packets_lost(const struct packets *packets);

/* For --stats. */
void packets_print_stats(const struct packets *packets, FILE *file);

#endif
