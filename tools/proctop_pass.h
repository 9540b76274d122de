/* SPDX-License-Identifier: GPL-2.0-only */
/* Bringing the ledger up to date, in the order that it wants. */
#ifndef PROCTOP_PASS_H
#define PROCTOP_PASS_H

#include "tools/proctop_meter.h"

struct proctop_bpf;
struct loop;

struct pass {
	struct proctop_bpf *bpf; /* borrowed, as what follows */
	struct meter *meter;
	struct loop *loop;
	int tasks_fd, exited_fd; /* links of the iterators over threads, and those that exited */
};

/* Links the iterators, which then run without privileges. All else is set. Returns 0, or a negative
 * errno with an error. */
int pass_link(struct pass *pass, struct error *error);
void pass_unlink(struct pass *pass);

/* Can the iterators not be run without capabilities? (Before 5.19 no bpf(2) can.) */
bool pass_needs_rights(struct pass *pass);

/* Reads the names of all processes that run, and extends the filter to descendants as it must.
 * Before the first pass_run(), with privileges. Returns 0 or a negative errno. */
int pass_read_processes(struct pass *pass);

/* Has the kernel side threads that have exited and whose sums are not taken? */
bool pass_has_exited(const struct pass *pass);

/* Takes them before nobody can read them any more. Returns 0 or a negative errno. */
int pass_take_exited(struct pass *pass);

/* What is gone, then what is there: see ledger_begin_pass(). Returns 0, LOOP_STOP, or a negative
 * errno. */
int pass_run(struct pass *pass);

#endif
