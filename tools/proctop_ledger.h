/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger: an account for each process, of what all of its threads used. Two sources feed it, in
 * an order in which nothing counts twice: threads that are gone, as their final sums come out of
 * the ring buffer; then, in a pass over all threads there are, the sums so far of the living.
 *
 * Between its release by the kernel and its last moment, a thread is in neither. The kernel's own
 * sums of the released threads of a process have it already, but without what it ran while leaving.
 * Both ways of adding up are too low at most, so the greater of them counts, and no total ever
 * falls.
 */
#ifndef PROCTOP_LEDGER_H
#define PROCTOP_LEDGER_H

#include <stdbool.h>
#include <string.h>
#include <sys/types.h>

#include "bpf/proctop.h"
#include "lib/base.h"
#include "tools/proctop_accounts.h"

#define EXIT_CODE_UNKNOWN 0xffffffffU

/* What has no account: more processes than the ledger holds, records that were lost. */
struct ledger_others {
	struct usage total, before;
	uint64_t threads, threads_before; /* folded into it */
};

struct ledger;

struct ledger_options {
	size_t processes_max; /* bound; 0: the default of 65,536 */
	bool threads;	      /* it is of single threads, of which ledger_gone() tells the end */
	bool fixed; /* after the first pass, what comes into the filter has just been born */
};

/* Returns 0 or -ENOMEM. */
int ledger_new(const struct ledger_options *options, struct ledger **ret_ledger);
void ledger_free(struct ledger *ledger);
static inline void ledger_freep(struct ledger **ledger)
{
	ledger_free(*ledger);
	*ledger = NULL;
}

/* From the ring buffer. Return 0 or -ENOMEM. */
int ledger_end(struct ledger *ledger, const struct end_record *record);
int ledger_gone(struct ledger *ledger, const struct gone_record *record);

/* A pass: first take what the ring buffer holds, then ledger_begin_pass(), ledger_task() for each
 * thread that the iterator tells of, and ledger_end_pass(), which brings all totals up to date.
 * The first pass is where the ledger begins: what was used before is in no interval.
 * @boot_ns: CLOCK_BOOTTIME now. @lost: the kernel side's counters of what did not get through. */
void ledger_begin_pass(struct ledger *ledger, uint64_t boot_ns);
int ledger_task(struct ledger *ledger, const struct task_record *record);
void ledger_end_pass(struct ledger *ledger, uint64_t boot_ns, const struct proctop_counters *lost);

/* All accounts, as of the last pass. Valid until the ledger changes. Returns how many, or -ENOMEM.
 */
ssize_t ledger_collect(struct ledger *ledger, struct account ***ret_accounts);

const struct ledger_others *ledger_get_others(const struct ledger *ledger);

/* Used in the interval by all, ns of CPU. */
uint64_t ledger_accounted_ns(const struct ledger *ledger);

/* Processes that have ended and are not final. */
size_t ledger_pending(const struct ledger *ledger);

/* Marks as told whatever has ended. */
void ledger_tell_all(struct ledger *ledger);

/* The interval is over: what was shown as ended and told is forgotten. */
void ledger_next_interval(struct ledger *ledger);

/* Has it something to show for the interval: alive, or ended in it, or with news of what it used?
 */
static inline bool account_has_news(const struct account *account)
{
	return account->here || (account->over && !account->shown) ||
	       memcmp(&account->total, &account->before, sizeof(account->total)) != 0;
}

/* How long it has lived by @boot_ns; 0 for one that was born while the pass was under way. */
static inline uint64_t account_age_ns(const struct account *account, uint64_t boot_ns)
{
	uint64_t end_ns = account->end_ns ? account->end_ns : boot_ns;

	return end_ns > account->id.start_ns ? end_ns - account->id.start_ns : 0;
}

/* CPU time in the interval. */
static inline uint64_t account_cpu_ns(const struct account *account)
{
	return account->total.sums.cpu_ns - account->before.sums.cpu_ns;
}

#endif
