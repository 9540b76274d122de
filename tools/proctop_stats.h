/* SPDX-License-Identifier: GPL-2.0-only */
/* --stats: the summary at the end. */
#ifndef PROCTOP_STATS_H
#define PROCTOP_STATS_H

#include <stdio.h>

#include "tools/proctop_meter.h"

struct proctop_bpf;

/* @rows: printed. */
void stats_print(FILE *file, struct proctop_bpf *bpf, const struct meter *meter, uint64_t rows);

#endif
