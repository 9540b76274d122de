/* SPDX-License-Identifier: GPL-2.0-only */
/* The COMMAND of the command line: started, held back until every hook is attached, waited for. */
#ifndef LIB_COMMAND_H
#define LIB_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "bpf/record.h"
#include "lib/base.h"

struct command {
	pid_t pid;   /* 0: none */
	int gate;    /* closing it lets the child exec */
	int failure; /* the child writes errno here if it cannot */
	bool ended;
	int status; /* as waitpid(2) gives it, once ended */
};

/* Can argv[0] be run, by the rules of execvp(3)? Returns 0, or a negative errno with an error:
 * asked before anything is set up, so that a slip of the pen ends at once. */
int command_check(char **argv, struct error *error);

/* Forks; the child waits at the gate. @apart: its stdout is this process's stderr, as the stdout of
 * this process is for a program to read. Returns 0 or a negative errno. */
int command_start(char **argv, bool apart, struct command *ret_command);

/* The same, and the child is the first process in the map of those that are traced (@processes_fd,
 * see filter_fill_maps()), and counted in @counters->followed. */
int command_start_traced(char **argv, bool apart, int processes_fd,
			 struct record_counters *counters, struct command *ret_command,
			 struct error *error);

/* Lets the child exec @argv and waits until it has. Returns 0, or the negative errno of its exec
 * with an error that says what to change. */
int command_release(struct command *command, char **argv, struct error *error);

/* Has the COMMAND itself ended? Never blocks; notes the status. */
bool command_ended(struct command *command);

/* Does it still run, while nobody reads @output_fd any more? That is the end of tracing, not of
 * what the COMMAND is at: see command_wait(). */
bool command_is_unread(struct command *command, int output_fd);

/* Waits until the COMMAND has ended, or a signal of signals_block() has come. */
void command_wait(struct command *command);

/* Ends a COMMAND that still runs (SIGTERM, as perf(1) does) and waits for it; SIGINT and SIGTERM
 * act on this process again from here on. Does nothing for a struct command without a child. */
void command_stop(struct command *command);

/* The exit status to pass on: its own, or 128 + the signal that ended it. */
int command_exit_status(const struct command *command);

#endif
