/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs a BPF iterator once and hands its records out. */
#ifndef LIB_ITERATOR_H
#define LIB_ITERATOR_H

#include "lib/base.h"
#include "lib/record.h"

struct bpf_program;

/* Returns 0 or a negative errno that ends the walk. The record is 8-byte aligned. */
typedef int (*iterator_record_fn)(void *context, const struct record_header *record);

/* @program: an iterator, loaded; records are checked against @sizes. Returns 0 or a negative errno:
 * what the kernel said, -EBADMSG for a record that is not one, or what @fn said. */
int iterator_run(const struct bpf_program *program, const struct record_sizes *sizes,
		 iterator_record_fn fn, void *context);

#endif
