/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_meter.h"

#include <string.h>

#include "lib/cgroup.h"

const struct record_sizes proctop_sizes = {.least = {
						   [RECORD_PROCESS] = sizeof(struct process_record),
						   [RECORD_CGROUP] = sizeof(struct cgroup_record),
						   [RECORD_TASK] = sizeof(struct task_record),
						   [RECORD_END] = sizeof(struct end_record),
						   [RECORD_GONE] = sizeof(struct gone_record),
					   }};

/* A process keeps its id for life, but not its user, its cgroup or its namespace. */
static struct ledger_options ledger_options(const struct proctop_options *options, bool threads)
{
	const struct process_filter *filter = &options->common.process;

	return (struct ledger_options){
		.threads = threads,
		.fixed = !filter->n_uids && !filter->cgroup_id && !filter->netns,
	};
}

int meter_new(const struct proctop_options *options, int proc_fd, struct meter **ret_meter)
{
	_cleanup_(meter_freep) struct meter *meter = calloc(1, sizeof(*meter));
	struct process_table_options table = {.proc_fd = proc_fd};
	struct ledger_options ledger = ledger_options(options, false);
	int r;

	if (!meter)
		return -ENOMEM;
	meter->options = options;
	meter->proc_fd = proc_fd;
	meter->start_ns = meter->begin_ns = meter->end_ns = clock_now_ns();
	clock_sync(&meter->clock);
	r = process_table_new(&table, &meter->processes);
	if (!r)
		r = cgroup_table_new(0, &meter->cgroups);
	if (!r)
		r = ledger_new(&ledger, &meter->ledger);
	if (!r)
		r = lines_new(&meter->lines);
	if (!r)
		r = users_new(&meter->users);
	if (r < 0)
		return r;
	*ret_meter = meter;
	meter = NULL;
	return 0;
}

void meter_free(struct meter *meter)
{
	if (!meter)
		return;
	users_free(meter->users);
	lines_free(meter->lines);
	ledger_free(meter->ledger);
	ledger_free(meter->threads);
	cgroup_table_free(meter->cgroups);
	process_table_free(meter->processes);
	free(meter);
}

static int end(struct meter *meter, const struct end_record *record)
{
	process_table_exit(meter->processes, &record->id);
	return ledger_end(meter->ledger, record);
}

/* A number that no other thread has had or will have: a start does not come again within the hour
 * that 42 bits of ns are. */
static uint64_t thread_number(uint64_t start_ns, uint32_t tid)
{
	return start_ns << 22 | tid;
}

static int task(struct meter *meter, const struct task_record *record)
{
	struct task_record thread;
	int r = ledger_task(meter->ledger, record);

	if (r < 0 || !meter->threads)
		return r;
	thread = *record;
	thread.group = thread_number(record->task_start_ns, record->id.tid);
	thread.released = (struct task_sums){};
	thread.threads = 1;
	return ledger_task(meter->threads, &thread);
}

static int gone(struct meter *meter, const struct gone_record *record)
{
	struct gone_record thread;
	int r = ledger_gone(meter->ledger, record);

	if (r < 0 || !meter->threads)
		return r;
	thread = *record;
	thread.group = thread_number(record->task_start_ns, record->tid);
	return ledger_gone(meter->threads, &thread);
}

int meter_record(void *context, const void *data, size_t size)
{
	struct meter *meter = context;
	int r;

	switch (record_check(data, size, &proctop_sizes)) {
	case RECORD_PROCESS:
		cgroup_table_find(meter->cgroups, /* is in use */
				  ((const struct process_record *)data)->id.cgroup_id);
		r = process_table_add(meter->processes, data, size);
		break;
	case RECORD_CGROUP:
		r = cgroup_table_add(meter->cgroups, data, size);
		break;
	case RECORD_TASK:
		r = task(meter, data);
		break;
	case RECORD_END:
		r = end(meter, data);
		break;
	case RECORD_GONE:
		r = gone(meter, data);
		break;
	default:
		r = -EBADMSG;
	}
	if (r == -EBADMSG) {
		meter->bad++;
		return 0;
	}
	return r;
}

int meter_listed(void *context, const struct record_header *record)
{
	return meter_record(context, record, record->length);
}

void meter_begin_pass(struct meter *meter)
{
	meter->boot_ns = clock_boot_now_ns();
	meter->end_ns = clock_now_ns();
	clock_sync(&meter->clock);
	/* where it cannot be read, the machine's part is not known: all 0 */
	if (machine_read_cpus(meter->proc_fd, &meter->cpus_end) < 0)
		meter->cpus_end = meter->cpus_begin;
	if (!meter->cpus_begin.n)
		meter->cpus_begin = meter->cpus_end;
	ledger_begin_pass(meter->ledger, meter->boot_ns);
	if (meter->threads)
		ledger_begin_pass(meter->threads, meter->boot_ns);
}

void meter_end_pass(struct meter *meter, const struct proctop_counters *totals,
		    const struct record_counters *counters)
{
	meter->totals = *totals;
	meter->counters = *counters;
	ledger_end_pass(meter->ledger, clock_boot_now_ns(), &meter->totals);
	if (meter->threads)
		ledger_end_pass(meter->threads, clock_boot_now_ns(), &meter->totals);
}

/* What the processors did besides being idle is measured as the rest: the kernel knows when they
 * are idle to the microsecond, but finds out what runs only at the ticks of a clock. */
void meter_total(const struct meter *meter, struct proctop_total *ret_total)
{
	struct machine_times machine =
		machine_times_since(&meter->cpus_end.all, &meter->cpus_begin.all);
	uint64_t interval_ns = meter->end_ns - meter->begin_ns;
	struct proctop_total total = {
		.machine = {.idle_ns = machine.idle_ns + machine.iowait_ns,
			    .irq_ns = machine.irq_ns,
			    .softirq_ns = machine.softirq_ns,
			    .steal_ns = machine.steal_ns},
		.accounted_ns = ledger_accounted_ns(meter->ledger),
		.forks = meter->counters.forks - meter->counters_begin.forks,
		.execs = meter->counters.execs - meter->counters_begin.execs,
		.exits = meter->totals.exits - meter->totals_begin.exits,
	};
	uint64_t capacity_ns = interval_ns * meter->cpus_end.n;

	if (capacity_ns > total.machine.idle_ns)
		total.machine.busy_ns = capacity_ns - total.machine.idle_ns;
	*ret_total = total;
}

struct proctop_context meter_context(const struct meter *meter)
{
	return (struct proctop_context){
		.clock = &meter->clock,
		.users = meter->users,
		.start_ns = meter->start_ns,
		.now_ns = meter->end_ns,
		.interval_ns = meter->end_ns - meter->begin_ns,
		.net = meter->net,
	};
}

void meter_name(struct meter *meter, const struct account *account, bool need_args,
		struct process_names *names, struct proctop_context *context)
{
	process_table_find(meter->processes, &account->id, need_args, names);
	context->names = names;
	context->cgroup = cgroup_table_find(meter->cgroups, account->id.cgroup_id);
}

int meter_watch_threads(struct meter *meter, bool watch)
{
	struct ledger_options options = ledger_options(meter->options, true);

	ledger_freep(&meter->threads);
	return watch ? ledger_new(&options, &meter->threads) : 0;
}

void meter_tell_all(struct meter *meter)
{
	ledger_tell_all(meter->ledger);
	if (meter->threads)
		ledger_tell_all(meter->threads);
}

void meter_next_interval(struct meter *meter)
{
	meter->begin_ns = meter->end_ns;
	meter->cpus_begin = meter->cpus_end;
	meter->totals_begin = meter->totals;
	meter->counters_begin = meter->counters;
	ledger_next_interval(meter->ledger);
	if (meter->threads)
		ledger_next_interval(meter->threads);
}
