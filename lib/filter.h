/* SPDX-License-Identifier: GPL-2.0-only */
/* The filters of the command line, handed to the kernel side. */
#ifndef LIB_FILTER_H
#define LIB_FILTER_H

#include "bpf/filter.h"
#include "lib/base.h"
#include "lib/options.h"

/* Can process ids be told to the kernel side? In a PID namespace of its own a program does not know
 * those that the kernel goes by: the same numbers are other processes. @command: a COMMAND will be
 * followed. Returns 0, or -EOPNOTSUPP with the cause and the remedy. */
int filter_check(const struct process_filter *process, bool command, struct error *error);

/* Fills the read-only configuration; @traffic may be NULL. @command: a COMMAND will be followed. */
void filter_configure(const struct process_filter *process, const struct traffic_filter *traffic,
		      bool command, struct filter_config *ret_config);

/* Entries that the map `processes` needs. */
uint32_t filter_processes_max(const struct filter_config *config);

/* Fills the maps after load; descriptors borrowed. @traffic may be NULL. Returns 0 or a negative
 * errno. */
int filter_fill_maps(const struct process_filter *process, const struct traffic_filter *traffic,
		     int processes_fd, int users_fd, int ports_fd);

/* Adds one process to the map `processes`. */
int filter_add_process(int processes_fd, uint32_t pid);

/* Adds to the map `processes` the descendants of those in it
 * that run already. @pids and @ppids: @n each, in any order. Returns how many were added, or a
 * negative errno. */
int filter_add_descendants(int processes_fd, const uint32_t *pids, const uint32_t *ppids, size_t n);

/* Does a name pass -n? True without such a filter. @name: raw bytes. */
bool filter_wants_name(const struct process_filter *process, const char *name);

#endif
