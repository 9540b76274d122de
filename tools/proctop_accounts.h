/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The accounts of a ledger, found by the number of their group. The kernel gives a number to
 * another process as soon as one is over, and a pass over what there is now may meet that one while
 * records of the one before still wait in the ring buffer: each record goes to the account of its
 * own time.
 */
#ifndef PROCTOP_ACCOUNTS_H
#define PROCTOP_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/proctop_sums.h"

struct account {
	uint64_t group;	       /* key, see struct task_record */
	struct process_id id;  /* start_ns 0: not known yet, only the process id is */
	struct usage total;    /* since the process began */
	struct usage before;   /* the same at the last interval's end, or when it was first met */
	struct task_sums gone; /* its threads that are gone */
	/* Of the last pass: threads that are there; those of them that cannot be in `released` yet;
	 * the kernel's own sums of those that are not there. */
	struct task_sums living, staying, released;
	uint64_t rx_bytes, tx_bytes; /* as last told, by a pass or by its end */
	uint64_t rss_bytes;
	uint64_t end_ns;			  /* CLOCK_BOOTTIME; 0: not known */
	uint64_t end_ts_ns;			  /* CLOCK_MONOTONIC */
	uint64_t parent_start_ns, parent_exec_id; /* once it has ended */
	char parent_comm[COMM_SIZE];
	uint64_t join_ns;   /* `joined`: begin of the pass that met it, CLOCK_BOOTTIME */
	uint32_t pass;	    /* the last one that saw it */
	uint32_t n_gone;    /* threads that `gone` is of */
	uint32_t n_tasks;   /* all threads it will have had: see account_is_final(); 0: not known */
	uint32_t n_joined;  /* threads that were there as it was met */
	uint32_t born;	    /* what the kernel side had counted by then */
	uint32_t netns;	    /* inode number; 0: not known */
	uint32_t threads;   /* of the last pass */
	uint32_t exit_code; /* as wait4(2) has it; EXIT_CODE_UNKNOWN */
	uint32_t flags;	    /* TASK_*_KNOWN */
	char state;	    /* of its busiest thread; 'X': gone */
	bool here;	    /* seen by the last pass */
	bool joined; /* was there before the ledger (or the filter) knew it: `before` is not 0 */
	bool based;  /* and that is set */
	bool ended;  /* its last thread has exited */
	bool listed; /* as of the last pass: it is there to be shown */
	bool over;   /* as of the last pass: it has ended */
	bool final;  /* all threads are gone: total is exact */
	bool shown;  /* as ended, in an interval */
	bool told;   /* its exit has been told: user's mark */
	struct account *prev, *next; /* of the ledger's list */
	UT_hash_handle hh;
};

/* To begin with: all 0 but for `max`. */
struct accounts {
	struct account *numbered; /* uthash, by group */
	struct account *list;	  /* utlist: those, and those whose number is another's by now */
	size_t n;		  /* on the list */
	size_t max;
};

void accounts_release(struct accounts *accounts);

static inline bool accounts_full(const struct accounts *accounts)
{
	return accounts->n >= accounts->max;
}

/* The account that a record belongs to, NULL if there is none. @start_ns: of the process, 0: not
 * known. @at_ns: what the record tells of had begun by then, CLOCK_BOOTTIME. The number of an
 * account that was another process's before then is free. */
struct account *accounts_find(struct accounts *accounts, uint64_t group, uint32_t tgid,
			      uint64_t start_ns, uint64_t at_ns);

/* A new one, all 0 but for its group: under that number, unless that is another's who came later.
 * NULL: no memory. */
struct account *accounts_add(struct accounts *accounts, uint64_t group);

/* The number may be used again; the account stays on the list until it has been shown. */
void accounts_retire(struct accounts *accounts, struct account *account);

/* Frees it. */
void accounts_remove(struct accounts *accounts, struct account *account);

#endif
