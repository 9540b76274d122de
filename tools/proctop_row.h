/* SPDX-License-Identifier: GPL-2.0-only */
/* proctop's lines as rows. Pure: no kernel, no I/O. */
#ifndef PROCTOP_ROW_H
#define PROCTOP_ROW_H

#include <stdbool.h>

#include "bpf/proctop.h"
#include "lib/clock.h"
#include "lib/machine.h"
#include "lib/process.h"
#include "lib/row.h"
#include "lib/users.h"
#include "tools/proctop_ledger.h"

/* In the order of JSON's keys; proctop_fields describes each. */
enum proctop_field {
	FIELD_TYPE,
	FIELD_TS,
	FIELD_PID,
	FIELD_TID,
	FIELD_NAME,
	FIELD_COMM,
	FIELD_NAME_SRC,
	FIELD_EXE,
	FIELD_SCRIPT,
	FIELD_ARGS,
	FIELD_ARGS_CUT,
	FIELD_PPID,
	FIELD_UID,
	FIELD_CGROUP,
	FIELD_CONTAINER,
	FIELD_NETNS,
	FIELD_INTERVAL,
	FIELD_CPU,
	FIELD_CPU_FINAL,
	FIELD_WAIT,
	FIELD_STATE,
	FIELD_RSS,
	FIELD_READ,
	FIELD_WRITE,
	FIELD_RX,
	FIELD_TX,
	FIELD_THREADS,
	FIELD_AGE,
	FIELD_VOLUNTARY,
	FIELD_INVOLUNTARY,
	FIELD_MINOR_FAULTS,
	FIELD_MAJOR_FAULTS,
	FIELD_EXIT_CODE,
	FIELD_EXIT_SIGNAL,
	FIELD_LIFETIME,
	FIELD_ACCOUNTED,
	FIELD_UNACCOUNTED,
	FIELD_IDLE,
	FIELD_IRQ,
	FIELD_SOFTIRQ,
	FIELD_STEAL,
	FIELD_PROCESSES,
	FIELD_FORKS,
	FIELD_EXECS,
	FIELD_EXITS,
	FIELD_COUNT,
	/* made of others, for people */
	FIELD_TIME,
	FIELD_SECONDS,
	FIELD_USER,
	FIELD_CPU_PERCENT,
	FIELD_CPU_TIME,
	FIELD_WAIT_PERCENT,
	FIELD_RSS_SHORT,
	FIELD_READ_RATE,
	FIELD_WRITE_RATE,
	FIELD_RX_RATE,
	FIELD_TX_RATE,
	FIELD_AGE_SHORT,
	FIELD_EXIT,
	FIELD_LABEL,
	FIELD_COMMAND,
	FIELDS,
};

extern const struct field proctop_fields[FIELDS];

/* One line of an interval: a process, or several that have ended, folded. */
struct line {
	const struct account *account; /* of the only process, or of the first; NULL: "(others)" */
	const char *name;	       /* of the process */
	const char *parent;	       /* name of its parent; folded lines only */
	struct usage used;	       /* in the interval */
	uint64_t cpu_ns;	       /* in all of its life */
	uint64_t rss_bytes;
	uint64_t age_ns;  /* life up to now, or all of it; folded: the longest */
	uint32_t count;	  /* processes that are not in a line before; "(others)": threads */
	uint32_t threads; /* alive */
	bool ended, final;
	bool folded; /* of several */
	bool thread; /* a single thread */
	/* folded: not all of them have the same of these */
	bool many_ppids, many_uids, many_exits;
	uint8_t depth; /* in a tree */
};

/* What a row needs beside its line; all borrowed. */
struct proctop_context {
	const struct clock *clock;
	struct users *users;
	uint64_t start_ns;		   /* of the program, CLOCK_MONOTONIC */
	uint64_t now_ns;		   /* end of the interval, CLOCK_MONOTONIC */
	uint64_t interval_ns;		   /* its length */
	bool net;			   /* network bytes are known */
	const struct process_names *names; /* of the process; NULL: no more than line.name */
	const char *cgroup;		   /* path, or NULL: unknown */
};

/* A line as a `sample`, or of a table. */
void proctop_row(const struct line *line, const struct proctop_context *context, struct row *row);

/* The end of a process. */
void proctop_exit_row(const struct account *account, const struct proctop_context *context,
		      struct row *row);

/* What there was in an interval, in all. */
struct proctop_total {
	struct machine_times machine; /* differences */
	uint64_t accounted_ns;
	uint64_t processes;
	uint64_t forks, execs, exits;
};

void proctop_total_row(const struct proctop_total *total, const struct proctop_context *context,
		       struct row *row);

/* @count records were lost up to now. */
void proctop_lost_row(uint64_t count, const struct proctop_context *context, struct row *row);

#endif
