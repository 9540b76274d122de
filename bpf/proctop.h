/* SPDX-License-Identifier: GPL-2.0-only */
/* proctop's records and its read-only configuration, for BPF program and user space. */
#ifndef PROCTOP_H
#define PROCTOP_H

#include "record.h"
#include "filter.h"

enum proctop_record_type {
	RECORD_TASK = RECORD_TOOL, /* struct task_record, from the iterator: a thread there is */
	RECORD_END,		   /* struct end_record: the last thread of a process has exited */
	RECORD_GONE,		   /* struct gone_record: a thread will not run again */
};

/* What the kernel counts for a thread since its start. All absolute, none ever falls. */
struct task_sums {
	__u64 cpu_ns;	    /* time on a processor, by the scheduler's clock */
	__u64 wait_ns;	    /* time runnable without a processor */
	__u64 voluntary;    /* context switches because it waited for something */
	__u64 involuntary;  /* and because it had to give way */
	__u64 minor_faults; /* page faults served from memory */
	__u64 major_faults; /* and from storage */
	__u64 read_bytes;   /* from storage (task I/O accounting) */
	__u64 write_bytes;  /* to storage, as pages were dirtied */
};
_Static_assert(sizeof(struct task_sums) == 64, "task_sums");

#define TASK_SUMS (sizeof(struct task_sums) / sizeof(__u64))

#define TASK_WAIT_KNOWN 0x1U  /* the kernel keeps wait_ns */
#define TASK_IO_KNOWN	0x2U  /* the kernel keeps read_bytes, write_bytes */
#define TASK_RELEASING	0x4U  /* about to leave, may be in `released` already */
#define TASK_COUNTED	0x8U  /* has had its struct gone_record, and is still to be seen */
#define TASK_OLD	0x10U /* had exited before the hooks were there: will not have one */

/* One thread at the moment that the iterator came by. */
struct task_record {
	struct record_header header;
	struct process_id id; /* comm is this thread's */
	__u64 group;	      /* number of the process while any thread of it is not freed */
	struct task_sums sums;
	/* Sums of the threads that have left the process, as the kernel has them: without what they
	 * ran while leaving, and without wait_ns. Read before `flags`. */
	struct task_sums released;
	__u64 task_start_ns;	  /* start of the thread, CLOCK_BOOTTIME, ns */
	__u64 rss_bytes;	  /* of the process; 0 for a kernel thread */
	__u64 rx_bytes, tx_bytes; /* of the process, since the hooks were attached */
	__u32 netns;		  /* inode number of its network namespace; 0: unknown */
	__u32 threads;		  /* of the process, those that have not been released */
	__u32 born;		  /* threads of the process that the hooks saw begin */
	__u32 flags;		  /* TASK_* */
	__u32 pad2;
	__u8 state; /* letter, as ps(1) has it: R S D T t X Z P I */
	__u8 pad[3];
};
_Static_assert(sizeof(struct task_record) == 280, "task_record");

/* A process has ended. Its threads need not be freed, nor even off their processors. */
struct end_record {
	struct record_header header;
	struct process_id id; /* of the thread that ended it */
	__u64 group;
	__u64 end_ns;		  /* CLOCK_BOOTTIME, ns */
	__u64 rx_bytes, tx_bytes; /* as in struct task_record */
	__u64 parent_start_ns;	  /* of the parent process, as start_ns in struct process_id */
	__u64 parent_exec_id;
	char parent_comm[COMM_SIZE]; /* of its leader */
	__u32 netns;
	__u32 exit_code; /* as wait4(2) tells it */
	__u32 born;	 /* threads that the hooks saw begin, without the first */
	__u32 pad;
};
_Static_assert(sizeof(struct end_record) == 168, "end_record");

struct gone_record {
	struct record_header header;
	__u64 group;
	struct task_sums sums; /* final */
	__u64 task_start_ns;   /* start of the thread, CLOCK_BOOTTIME, ns */
	__u64 exit_ns;	       /* its exit */
	__u32 tgid, tid;
	__u32 flags; /* TASK_*_KNOWN */
	__u32 pad;
};
_Static_assert(sizeof(struct gone_record) == 128, "gone_record");

/* Counted in the kernel, exact whatever the ring buffer has room for. */
struct proctop_counters {
	__u64 exits;	     /* processes that ended, of those that the filter by id selects */
	__u64 exited_tasks;  /* threads that exited, of those that the filter wants */
	__u64 gone_tasks;    /* of these, those whose sums were taken, or cannot be any more */
	__u64 missed_tasks;  /* these last: nothing told of their free */
	__u64 put_off_tasks; /* found no room for their gone_record yet: the iterator comes again */
	__u64 lost_tasks;    /* threads whose gone_record found no room */
	struct task_sums lost;	/* the sums of those of them that are in no task_record either */
	__u64 lost_rx, lost_tx; /* network bytes of processes that `traffic` had no room for, or
				 * whose end_record found none, as with `lost` */
};

struct proctop_config {
	struct filter_config filter;
	__u64 start_ns; /* the names of what began before are listed; CLOCK_BOOTTIME, ns */
	__u32 page_bytes;
	__u32 pad;
};

#endif
