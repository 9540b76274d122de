/* SPDX-License-Identifier: GPL-2.0-only */
/* Rights that are needed to attach and not to read: given up as soon as everything is attached. */
#ifndef LIB_PRIVILEGES_H
#define LIB_PRIVILEGES_H

#include <stdbool.h>

#include "lib/base.h"

/* What stays after privileges_drop(). CAP_SYS_PTRACE always does: it is what /proc/PID/exe of
 * another user's process takes. */
struct privileges_keep {
	bool kill; /* CAP_KILL: a COMMAND will have to be ended */
	bool bpf;  /* CAP_BPF, CAP_PERFMON: statistics will be asked for at the end */
};

/* Becomes user and group 65534 ("nobody") without supplementary groups, keeps only the capabilities
 * named, sets no_new_privs. Does nothing without CAP_SETUID: then there is no root to give up.
 * Returns 0 or a negative errno. */
int privileges_drop(const struct privileges_keep *keep);

/* Runs @fn with no capability in effect, and gives them back. Returns what it returns, or a
 * negative errno: what will be possible after privileges_drop()? */
int privileges_run_without(int (*fn)(void *context), void *context);

#endif
