/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF programs that see packets: what this kernel can run of them. */
#ifndef PACKETS_PROGRAMS_H
#define PACKETS_PROGRAMS_H

#include "bpf/packets.h"
#include "lib/base.h"

struct packets_bpf;

/* Opens and loads them. @config: has_* are set here. @traced_fd: the map of processes that are
 * traced, of the filter, if config->by_process. Returns 0, or a negative errno with the cause and
 * the remedy. */
int packets_load(const struct packets_config *config, int traced_fd, struct packets_bpf **ret_bpf,
		 struct error *error);
void packets_unload(struct packets_bpf *bpf);

/* Returns 0 or a negative errno with an error. */
int packets_attach(struct packets_bpf *bpf, struct error *error);

/* What is in the ring buffer stays there. */
void packets_detach(struct packets_bpf *bpf);

#endif
