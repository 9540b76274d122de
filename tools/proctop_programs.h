/* SPDX-License-Identifier: GPL-2.0-only */
/* proctop's BPF programs: which of them this kernel can run and these options need. */
#ifndef PROCTOP_PROGRAMS_H
#define PROCTOP_PROGRAMS_H

#include "lib/base.h"
#include "tools/proctop_options.h"

struct proctop_bpf;

/* Checks the environment, then opens, configures and loads the programs. *ret_net: network bytes
 * will be counted. Returns 0, or a negative errno with the cause and the remedy. */
int programs_load(const struct proctop_options *options, struct proctop_bpf **ret_bpf,
		  bool *ret_net, struct error *error);

/* --features: what the kernel offers, and what of it is used. Returns 0, or a negative errno with
 * the cause. */
int programs_print_features(const struct proctop_options *options, FILE *file, struct error *error);

/* Attaches all but the iterators. From its return on nothing is missed. */
int programs_attach(struct proctop_bpf *bpf, struct error *error);

#endif
