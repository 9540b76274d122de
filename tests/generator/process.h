/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes of a scenario, and how they, and the test, wait for each other. */
#ifndef GENERATOR_PROCESS_H
#define GENERATOR_PROCESS_H

#include <sys/types.h>

#define LIFE_SECONDS 120 /* no process of a scenario lives longer */

struct exe {
	char path[512];
};

/* The file that this process runs. */
struct exe own_exe(void);

/* The last part of @path. */
const char *base_name(const char *path);

/* fork(), where the child dies with its parent, and at the latest after LIFE_SECONDS. */
pid_t spawn(void);

/* Waits for the end of @child, which must end well, or by signal @signal. */
void reap(pid_t child, int signal);

/* Until the main thread of @pid sleeps in system call @a or @b. */
void wait_for_syscall(pid_t pid, long a, long b);

/* A gate lets a byte through from one process to another. */
void gate_new(int ret_gate[2]);
void gate_open(const int gate[2]);
void gate_wait(const int gate[2]);

/* Writes "phase NAME" to stderr and waits for a line on stdin: it is the test's turn. */
void phase(const char *name);

#endif
