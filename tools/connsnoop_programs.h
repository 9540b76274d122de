/* SPDX-License-Identifier: GPL-2.0-only */
/* connsnoop's BPF programs: which of them this kernel can run and these options need. */
#ifndef CONNSNOOP_PROGRAMS_H
#define CONNSNOOP_PROGRAMS_H

#include "lib/base.h"
#include "tools/connsnoop_features.h"
#include "tools/connsnoop_options.h"

struct connsnoop_bpf;

/* Checks the environment, then opens, configures and loads the programs. Returns 0 and what the
 * kernel offers, or a negative errno with the cause and the remedy. */
int programs_load(const struct connsnoop_options *options, struct connsnoop_features *ret_features,
		  struct connsnoop_bpf **ret_bpf, struct error *error);

/* Attaches all but the iterators. From its return on nothing is missed. */
int programs_attach(struct connsnoop_bpf *bpf, struct error *error);

#endif
