/* SPDX-License-Identifier: GPL-2.0-only */
/* One process as procfs shows it: proc_pid_stat(5), proc_pid_exe(5), proc_pid_cmdline(5). */
#ifndef LIB_PROCFS_H
#define LIB_PROCFS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"

struct procfs_stat {
	char comm[COMM_SIZE]; /* raw bytes, NUL-terminated */
	uint64_t start_ticks; /* field 22: since boot, CLOCK_BOOTTIME, in clock ticks */
};

/* Parses the text of a stat file. comm may hold anything, so it ends at the last ")".
 * Returns 0 or -EBADMSG. */
int procfs_parse_stat(const char *text, size_t length, struct procfs_stat *ret_stat);

struct procfs_process {
	char comm[COMM_SIZE]; /* of the thread group's leader */
	char exe[PATH_MAX];   /* path, without " (deleted)"; empty: unknown */
	bool exe_deleted;
	bool args_known;
	bool args_cut; /* more than ARGS_MAX bytes */
	size_t args_length;
	char args[ARGS_MAX + 1]; /* raw bytes of cmdline */
};

/* Reads the process that @id means below @proc_fd, a directory such as /proc. What is not readable
 * stays unknown. Returns 0, -ESTALE if another process has this id by now or this one has visibly
 * become another program since @id was taken, -EBADMSG, or what opening or reading says (-ENOENT
 * also if the process is hidden from the caller). @ret_process is undefined on failure. */
int procfs_read(int proc_fd, const struct process_id *id, struct procfs_process *ret_process);

#endif
