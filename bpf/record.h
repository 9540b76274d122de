/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernel and user space both see: the head of every record, who a process is, and what is
 * known of its names. Included by BPF programs (types from vmlinux.h) and by user space
 * (types from linux/types.h). Records live in one ring buffer, in the order of the events.
 */
#ifndef RECORD_H
#define RECORD_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define COMM_SIZE	16 /* TASK_COMM_LEN of the kernel */
#define PATH_PARTS_MAX	32 /* components of a path, and mount points; deeper ones are marked cut */
#define ARGS_MAX	4096 /* bytes of a command line that are kept; longer ones are marked cut */
#define RECORD_DATA_MAX 16384 /* bytes of text behind a struct process_record, a power of two */

/* Types below 16 are the same for all tools; a tool's own begin at 16 (bpf/<tool>.h). */
enum record_type {
	RECORD_PROCESS = 1, /* struct process_record: exec, fork, or already running */
	RECORD_EXIT = 2,    /* struct exit_record: the last thread of a process has ended */
	RECORD_CGROUP = 3,  /* struct cgroup_record: the path of a cgroup, at its first sight */
	RECORD_UPDATE =
		15, /* counted only: a better version of a row that is out already was lost */
	RECORD_TOOL = 16,
	RECORD_TYPES_MAX = 32,
};

/* Begins every record. */
struct record_header {
	__u64 ts_ns;  /* when it happened: CLOCK_MONOTONIC, ns */
	__u64 lost;   /* records of the tool's own types that had been lost by then, ever */
	__u32 type;   /* enum record_type, or the tool's own */
	__u32 length; /* of the whole record with this head, bytes */
};
_Static_assert(sizeof(struct record_header) == 24, "record_header");

#define PROCESS_KTHREAD 0x1U /* a kernel thread that has not execed */

/* A process, and the thread of it that did something. Identity is (tgid, start_ns): it survives
 * exec, also from a thread that is not the leader, and is immune to the reuse of process ids. */
struct process_id {
	__u64 start_ns;	 /* start of the process, CLOCK_BOOTTIME, ns; 0: no process known */
	__u64 exec_id;	 /* task_struct.self_exec_id: grows with each exec, is inherited by fork */
	__u64 cgroup_id; /* cgroup v2, inode number in cgroupfs; 0 unknown */
	__u32 tgid;	 /* process id as user space says it */
	__u32 tid;	 /* thread id; 0 unknown */
	__u32 ppid;	 /* process id of the real parent, at that moment */
	__u32 uid;	 /* effective user id, in the initial user namespace */
	__u32 flags;	 /* PROCESS_* */
	__u32 pad;
	char comm[COMM_SIZE]; /* of the thread tid; raw bytes, NUL-terminated */
};
_Static_assert(sizeof(struct process_id) == 64, "process_id");

enum process_origin {
	PROCESS_EXEC = 1, /* seen at its exec */
	PROCESS_FORK = 2, /* seen at its fork: no text; name inherited from parent_tgid */
	PROCESS_ITER = 3, /* was running already: read by an iterator; filename, interp empty */
};

#define PROCESS_EXE_DELETED 0x1U /* the executable file had no name any more (unlinked) */
#define PROCESS_EXE_CUT	    0x2U /* path deeper than PATH_PARTS_MAX: the beginning is missing */
#define PROCESS_ARGS_CUT    0x4U /* command line longer than ARGS_MAX */
#define PROCESS_ARGS_KNOWN                                                                         \
	0x8U /* args were read; without this flag they are unknown, not empty                      \
	      */

/*
 * A process's names. Behind it, `data`, in this order, each of the length that the field says; a
 * length of 0: not known.
 *
 * exe: path of the executable, its components leaf first, each with its NUL ("ls\0bin\0usr\0").
 *
 * filename: what was given to exec (linux_binprm.filename), one string with its NUL.
 *
 * interp: what the kernel loaded for it in the end (linux_binprm.interp), with its NUL.
 *
 * args: the command line as the kernel has it, a NUL behind each argument.
 *
 * kthread: full name of a kernel thread (origin ITER only), with its NUL.
 */
struct process_record {
	struct record_header header;
	struct process_id id;  /* after the exec; comm is the leader's for origin ITER */
	__u64 parent_start_ns; /* FORK: start of the parent process, CLOCK_BOOTTIME, ns */
	__u64 parent_exec_id;  /* FORK: its exec_id */
	__u32 parent_tgid;     /* FORK: the process that forked (not the "real parent") */
	__u32 origin;	       /* enum process_origin */
	__u32 flags;	       /* PROCESS_EXE_*, PROCESS_ARGS_* */
	__u16 exe_length, filename_length, interp_length, args_length, kthread_length;
	__u16 pad;
	char data[];
};
_Static_assert(sizeof(struct process_record) == 128, "process_record");

struct exit_record {
	struct record_header header;
	struct process_id id;
};
_Static_assert(sizeof(struct exit_record) == 88, "exit_record");

/* What the kernel side counts, in the .bss of a tool's program: exact at any time. */
struct record_counters {
	__u64 lost[RECORD_TYPES_MAX]; /* records that found no room in the ring buffer, by type */
	__u64 lost_rows;    /* those of a tool's own types: rows that will never be printed */
	__u64 followed;	    /* processes alive in the map `processes` (COMMAND, --follow) */
	__u64 follow_lost;  /* descendants that the map had no room for */
	__u64 forks, execs; /* of processes that the filter by id selects */
	__u64 missed;	    /* ends of sockets that no hook was told of, inferred later */
};

#define CGROUP_ROOT_ID 1 /* of the root of the cgroup v2 hierarchy */
/* Path of a cgroup (v2), components leaf first, each NUL-terminated; empty for the root. */
struct cgroup_record {
	struct record_header header;
	__u64 cgroup_id;
	__u32 path_length; /* bytes of data */
	__u32 pad;
	char data[];
};
_Static_assert(sizeof(struct cgroup_record) == 40, "cgroup_record");

#endif
