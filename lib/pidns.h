/* SPDX-License-Identifier: GPL-2.0-only */
/* pid_namespaces(7): whose process ids are those that the kernel goes by? */
#ifndef LIB_PIDNS_H
#define LIB_PIDNS_H

/* Is it the initial PID namespace that we (@which: "pid") or our children ("pid_for_children") are
 * in? Returns 1, 0, or a negative errno if procfs does not tell. */
int pidns_is_initial(const char *which);

#endif
