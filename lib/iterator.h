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

/* For one that is run again when privileges are gone: links it and returns the link's descriptor,
 * or a negative errno; iterator_run_link() runs it, as often as is wanted. */
int iterator_link(const struct bpf_program *program);
/* The same for one over the elements of a map. */
int iterator_link_map(const struct bpf_program *program, int map_fd);
int iterator_run_link(int link_fd, const struct record_sizes *sizes, iterator_record_fn fn,
		      void *context);

#endif
