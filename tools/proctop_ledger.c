/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_ledger.h"

#include <utlist.h>

#define PROCESSES_MAX 65536
#define LAG_MAX_NS    (60 * NSEC_PER_SEC) /* a free that takes longer is not waited for */
#define PASSES_GONE   2			  /* a process that as many passes do not see is gone */

struct ledger {
	struct accounts accounts;
	struct account **collected;
	size_t collected_max;
	struct ledger_options options;
	struct ledger_others others;
	struct proctop_counters lost; /* as far as `others` has it */
	uint32_t pass;		      /* 0: none yet */
	uint64_t first_ns, pass_ns;   /* begin of the first and of the last pass */
	uint64_t known_ns, seen_ns;   /* begin and end of the last whole pass */
	uint64_t older_ns;	      /* begin of the one before */
};

int ledger_new(const struct ledger_options *options, struct ledger **ret_ledger)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return -ENOMEM;
	ledger->options = *options;
	ledger->accounts.max = options->processes_max ? options->processes_max : PROCESSES_MAX;
	*ret_ledger = ledger;
	return 0;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	accounts_release(&ledger->accounts);
	free(ledger->collected);
	free(ledger);
}

static struct account *account_new(struct ledger *ledger, uint64_t group)
{
	struct account *account = accounts_add(&ledger->accounts, group);

	if (!account)
		return NULL;
	account->exit_code = EXIT_CODE_UNKNOWN;
	account->pass = ledger->pass;
	account->n_tasks = ledger->options.threads;
	return account;
}

/* The last of its threads is gone when as many are as the process ever had. That number is known
 * when it ends: nothing is born any more. */
static void account_check_final(struct account *account)
{
	if (!account->n_tasks || account->n_gone < account->n_tasks)
		return;
	account->ended = account->final = true;
}

/* New here, and yet a whole pass could have seen it: outside of the filter until now. One that
 * ended while the pass was under way may have been gone when its turn came. (Where the filter never
 * takes in what runs already, `older_ns` and `known_ns` stay at the first pass: between the start
 * that the kernel notes and the moment that a pass can see it, a process may have to wait for its
 * processor, for longer than a pass takes.) */
static bool was_elsewhere(const struct ledger *ledger, const struct end_record *record)
{
	return record->id.start_ns < ledger->older_ns ||
	       (record->id.start_ns < ledger->known_ns && record->end_ns > ledger->seen_ns);
}

int ledger_end(struct ledger *ledger, const struct end_record *record)
{
	struct account *account = accounts_find(&ledger->accounts, record->group, record->id.tgid,
						record->id.start_ns, record->end_ns);

	if (!account) {
		if (!ledger->pass || record->end_ns < ledger->first_ns ||
		    accounts_full(&ledger->accounts))
			return 0; /* not ours; or its threads tell what there is to tell */
		account = account_new(ledger, record->group);
		if (!account)
			return -ENOMEM;
	}
	if (!account->id.start_ns && was_elsewhere(ledger, record))
		account->joined = true;
	account->id = record->id;
	account->ended = true;
	account->end_ns = record->end_ns;
	account->end_ts_ns = record->header.ts_ns;
	account->parent_start_ns = record->parent_start_ns;
	account->parent_exec_id = record->parent_exec_id;
	memcpy(account->parent_comm, record->parent_comm, COMM_SIZE);
	account->netns = record->netns;
	account->exit_code = record->exit_code;
	if (!account->joined)
		account->n_tasks = 1 + record->born;
	else if (account->based)
		account->n_tasks = account->n_joined + record->born - account->born;
	sum_raise(&account->rx_bytes, record->rx_bytes);
	sum_raise(&account->tx_bytes, record->tx_bytes);
	account_check_final(account);
	return 0;
}

/* What one used before the ledger began is in no interval, and how much that was, nobody noted. */
static void others_add(struct ledger *ledger, const struct task_sums *sums, uint64_t start_ns)
{
	if (start_ns >= ledger->first_ns)
		sums_add(&ledger->others.total.sums, sums);
	ledger->others.threads++;
}

int ledger_gone(struct ledger *ledger, const struct gone_record *record)
{
	struct account *account =
		accounts_find(&ledger->accounts, record->group, record->tgid, 0, record->exit_ns);

	if (account && account->final) { /* nothing more can come of that one */
		accounts_retire(&ledger->accounts, account);
		account = NULL;
	}
	if (!ledger->pass || (!account && record->exit_ns < ledger->first_ns))
		return 0; /* not ours */
	if (!account) {
		if (accounts_full(&ledger->accounts)) {
			others_add(ledger, &record->sums, record->task_start_ns);
			return 0;
		}
		account = account_new(ledger, record->group);
		if (!account)
			return -ENOMEM;
		account->id.tgid = record->tgid;
	}
	/* had been released by then: it is among the sums that the account began with */
	if (account->joined && record->tid != record->tgid && record->exit_ns < account->join_ns)
		return 0;
	sums_add(&account->gone, &record->sums);
	account->n_gone++;
	account->flags |= record->flags;
	account_check_final(account);
	return 0;
}

void ledger_begin_pass(struct ledger *ledger, uint64_t boot_ns)
{
	if (!ledger->pass)
		ledger->first_ns = ledger->known_ns = ledger->older_ns = boot_ns;
	ledger->pass_ns = boot_ns;
	ledger->pass++;
}

static void account_begin_pass(struct ledger *ledger, struct account *account,
			       const struct task_record *record)
{
	account->pass = ledger->pass;
	account->here = true;
	account->living = account->staying = (struct task_sums){};
	account->released = record->released;
	account->threads = record->threads;
	account->rss_bytes = 0;
	account->state = 0;
	if (!account->joined || account->based)
		return;
	account->join_ns = ledger->pass_ns;
	account->born = record->born;
	account->n_joined = 0;
}

int ledger_task(struct ledger *ledger, const struct task_record *record)
{
	const struct process_id *id = &record->id;
	uint64_t start_ns = ledger->options.threads ? record->task_start_ns : id->start_ns;
	struct account *account =
		accounts_find(&ledger->accounts, record->group, id->tgid, id->start_ns, UINT64_MAX);

	if (!account && accounts_full(&ledger->accounts))
		return 0;
	if (!account) {
		account = account_new(ledger, record->group);
		if (!account)
			return -ENOMEM;
	}
	if (!account->id.start_ns && start_ns < ledger->known_ns)
		account->joined = true;
	if (!account->here || account->pass != ledger->pass)
		account_begin_pass(ledger, account, record);
	if (!account->end_ns && !account->final)
		account->ended = false; /* had only left the filter for a while */
	if (!account->ended && (id->tid == id->tgid || !account->id.start_ns))
		account->id = *id;
	if (!(record->flags & TASK_COUNTED))
		sums_add(&account->living, &record->sums);
	if (!(record->flags & TASK_RELEASING))
		sums_add(&account->staying, &record->sums);
	account->n_joined += !account->based && !(record->flags & (TASK_COUNTED | TASK_OLD));
	account->flags |= record->flags & (TASK_WAIT_KNOWN | TASK_IO_KNOWN);
	account->state = busier_state(account->state, (char)record->state);
	account->netns = record->netns ? record->netns : account->netns;
	sum_raise(&account->rss_bytes, record->rss_bytes);
	sum_raise(&account->rx_bytes, record->rx_bytes);
	sum_raise(&account->tx_bytes, record->tx_bytes);
	return 0;
}

static void account_sum_up(struct account *account)
{
	struct task_sums sums = account->gone;

	if (account->here) {
		sums_add(&sums, &account->living);
		sums_add(&account->released, &account->staying);
		sums_raise(&account->total.sums, &account->released);
	}
	sums_raise(&account->total.sums, &sums);
	sum_raise(&account->total.rx_bytes, account->rx_bytes);
	sum_raise(&account->total.tx_bytes, account->tx_bytes);
}

static void account_end_pass(struct ledger *ledger, struct account *account)
{
	account->here = account->here && account->pass == ledger->pass;
	if (account->joined && !account->based && account->here) {
		account->gone = account->released;
		account->n_gone = 0;
	}
	account_sum_up(account);
	if (account->joined && !account->based) {
		account->before = account->total;
		account->based = account->here;
	}
	if (account->pass + PASSES_GONE <= ledger->pass)
		account->ended = true; /* if nothing has told of it */
	if (account->ended && !account->here) {
		account->threads = 0;
		account->state = 'X';
	}
	account->listed = account->id.start_ns != 0;
	account->over = account->ended;
	if (account->listed || account->pass + PASSES_GONE > ledger->pass)
		return;
	others_add(ledger, &account->gone, ledger->first_ns); /* what told of its end was lost */
	ledger->others.threads += account->n_gone - 1;
	accounts_remove(&ledger->accounts, account);
}

/* @now - what `others` has already. */
static void others_add_lost(struct ledger *ledger, const struct proctop_counters *now)
{
	struct ledger_others *others = &ledger->others;
	const struct proctop_counters *before = &ledger->lost;
	struct task_sums sums = now->lost;

	sums_subtract(&sums, &before->lost);
	sums_add(&others->total.sums, &sums);
	others->threads += now->lost_tasks - before->lost_tasks;
	others->total.rx_bytes += now->lost_rx - before->lost_rx;
	others->total.tx_bytes += now->lost_tx - before->lost_tx;
	ledger->lost = *now;
}

void ledger_end_pass(struct ledger *ledger, uint64_t boot_ns, const struct proctop_counters *lost)
{
	struct account *account, *next;

	DL_FOREACH_SAFE (ledger->accounts.list, account, next)
		account_end_pass(ledger, account);
	others_add_lost(ledger, lost);
	ledger->seen_ns = boot_ns;
	if (ledger->options.fixed)
		return;
	ledger->older_ns = ledger->known_ns;
	ledger->known_ns = ledger->pass_ns;
}

ssize_t ledger_collect(struct ledger *ledger, struct account ***ret_accounts)
{
	struct account *account;
	size_t n = 0;

	if (ledger->accounts.n > ledger->collected_max) {
		size_t max = ledger->accounts.n + ledger->accounts.n / 4 + 16;
		struct account **collected = realloc(ledger->collected, max * sizeof(void *));

		if (!collected)
			return -ENOMEM;
		ledger->collected = collected;
		ledger->collected_max = max;
	}
	DL_FOREACH (ledger->accounts.list, account)
		if (account->listed)
			ledger->collected[n++] = account;
	*ret_accounts = ledger->collected;
	return (ssize_t)n;
}

const struct ledger_others *ledger_get_others(const struct ledger *ledger)
{
	return &ledger->others;
}

uint64_t ledger_accounted_ns(const struct ledger *ledger)
{
	const struct ledger_others *others = &ledger->others;
	uint64_t ns = others->total.sums.cpu_ns - others->before.sums.cpu_ns;
	const struct account *account;

	DL_FOREACH (ledger->accounts.list, account)
		if (account->id.start_ns)
			ns += account_cpu_ns(account);
	return ns;
}

size_t ledger_pending(const struct ledger *ledger)
{
	const struct account *account;
	size_t n = 0;

	DL_FOREACH (ledger->accounts.list, account)
		n += account->ended && !account->final && !account->here;
	return n;
}

void ledger_tell_all(struct ledger *ledger)
{
	struct account *account;

	DL_FOREACH (ledger->accounts.list, account)
		account->told = account->over;
}

void ledger_next_interval(struct ledger *ledger)
{
	struct account *account, *next;

	DL_FOREACH_SAFE (ledger->accounts.list, account, next) {
		bool late = !account->here && account->end_ns + LAG_MAX_NS < ledger->pass_ns;

		account->before = account->total;
		account->shown = account->over;
		if (account->over && account->told && !account->here && (account->final || late))
			accounts_remove(&ledger->accounts, account);
	}
	ledger->others.before = ledger->others.total;
	ledger->others.threads_before = ledger->others.threads;
}
