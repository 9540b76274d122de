/* SPDX-License-Identifier: GPL-2.0-only */
/* All that ran since the start, folded by name and parent's name. */
#ifndef PROCTOP_RUN_H
#define PROCTOP_RUN_H

#include "tools/proctop_row.h"

#define RUN_MAX 4096 /* folded lines; more fold into "(others)" */

struct run;

/* Returns 0 or -ENOMEM. */
int run_new(struct run **ret_run);
void run_free(struct run *run);
static inline void run_freep(struct run **run)
{
	run_free(*run);
	*run = NULL;
}

/* Adds a process with all that it used; texts are copied. Returns 0 or -ENOMEM. */
int run_add(struct run *run, const struct account *account, uint64_t age_ns, const char *name,
	    const char *parent);

/* Adds what has no process. */
void run_add_others(struct run *run, const struct usage *usage, uint64_t threads);

/* All lines, by that column. Borrowed. Returns how many, or -ENOMEM. */
ssize_t run_lines(struct run *run, enum proctop_field sort, const struct line **ret_lines);

#endif
