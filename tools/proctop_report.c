/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_report.h"

#include <string.h>

#include "lib/filter.h"
#include "lib/human.h"
#include "lib/loop.h"
#include "tools/proctop_run.h"

#define EXIT_WAIT_NS (2 * NSEC_PER_SEC) /* an end is told without its last sums after that long */

struct report {
	const struct proctop_options *options;
	struct meter *meter;
	struct output *output;
	struct run *run; /* under proctop_options_sum_up() */
	bool need_args;
	uint64_t rows, intervals;
	uint64_t lost; /* as far as told */
	struct row row;
};

int report_new(const struct proctop_options *options, struct meter *meter, int output_fd,
	       struct report **ret_report)
{
	_cleanup_(report_freep) struct report *report = calloc(1, sizeof(*report));
	struct output_options output = options->output;
	int r;

	if (!report)
		return -ENOMEM;
	report->options = options;
	report->meter = meter;
	report->need_args = proctop_options_need_args(options);
	report->row.limit = proctop_options_need_table_fields(options) ? FIELDS : FIELD_TIME;
	output.fd = output_fd;
	r = output_new(proctop_fields, FIELDS, &output, &report->output);
	if (!r && proctop_options_sum_up(options))
		r = run_new(&report->run);
	if (r < 0)
		return r;
	*ret_report = report;
	report = NULL;
	return 0;
}

void report_free(struct report *report)
{
	if (!report)
		return;
	run_free(report->run);
	output_free(report->output);
	free(report);
}

uint64_t report_rows(const struct report *report)
{
	return report->rows;
}

bool report_is_complete(const struct report *report)
{
	const struct options *o = &report->options->common;
	uint64_t count = report->options->interval.count;

	return (count && report->intervals >= count) || (o->count && report->rows >= o->count);
}

/* Returns 0, LOOP_STOP if that was the last one wanted, or a negative errno. */
static int print_row(struct report *report)
{
	int r = output_row(report->output, &report->row);

	if (r < 0)
		return r;
	report->rows++;
	return report->rows == report->options->common.count ? LOOP_STOP : 0;
}

/* Says in the stream that records are missing. Their sums are in "(others)", if all of them is
 * news. */
static int print_lost(struct report *report)
{
	struct proctop_context context = meter_context(report->meter);
	const struct meter *meter = report->meter;
	uint64_t lost = meter->counters.lost_rows + meter->totals.missed_tasks;
	uint64_t count = lost - report->lost;

	if (!count)
		return 0;
	report->lost = lost;
	if (report->options->output.format == OUTPUT_TABLE) {
		fprintf(stderr,
			"proctop: %llu records lost here; what is known of them is in "
			"\"(others)\"\n",
			(unsigned long long)count);
		return 0;
	}
	proctop_lost_row(count, &context, &report->row);
	return output_row(report->output, &report->row);
}

static int print_lines(struct report *report, const struct line *lines, size_t n)
{
	struct proctop_context context = meter_context(report->meter);
	struct process_names names;
	int r = 0;

	if (report->options->rows_max && n > report->options->rows_max)
		n = report->options->rows_max;
	for (size_t i = 0; i < n && !r; i++) {
		context.names = NULL;
		context.cgroup = NULL;
		if (lines[i].account && !lines[i].folded)
			meter_name(report->meter, lines[i].account, report->need_args, &names,
				   &context);
		proctop_row(&lines[i], &context, &report->row);
		r = print_row(report);
	}
	return r;
}

/* Is it time to tell of this one's end? */
static bool wants_exit(const struct report *report, const struct account *account, bool last)
{
	if (!account->over || account->told)
		return false;
	return account->final || last ||
	       account->end_ns + EXIT_WAIT_NS < report->meter->boot_ns; /* may be before the end */
}

/* In a table an end is a column of the line; what is told has been shown. */
static int print_exits(struct report *report, bool last)
{
	bool table = report->options->output.format == OUTPUT_TABLE;
	struct proctop_context context = meter_context(report->meter);
	const struct process_filter *filter = &report->options->common.process;
	struct process_names names;
	struct account **accounts;
	ssize_t n = ledger_collect(report->meter->ledger, &accounts);
	int r = 0;

	if (table) {
		meter_tell_all(report->meter);
		return 0;
	}
	for (ssize_t i = 0; i < n && !r; i++) {
		if (!wants_exit(report, accounts[i], last))
			continue;
		accounts[i]->told = true;
		meter_name(report->meter, accounts[i], report->need_args, &names, &context);
		if (!filter_wants_name(filter, names.name))
			continue;
		proctop_exit_row(accounts[i], &context, &report->row);
		r = print_row(report);
	}
	return n < 0 ? (int)n : r;
}

static void format_summary(const struct report *report, const struct proctop_total *total,
			   char *text, size_t size)
{
	const struct meter *meter = report->meter;
	uint64_t interval_ns = meter->end_ns - meter->begin_ns;
	uint64_t capacity_ns = interval_ns * meter->cpus_end.n;
	uint64_t rest_ns = total->machine.busy_ns > total->accounted_ns
				   ? total->machine.busy_ns - total->accounted_ns
				   : 0;
	char interval[HUMAN_MAX], busy[HUMAN_MAX], rows[HUMAN_MAX], rest[HUMAN_MAX];

	human_duration(interval_ns, interval);
	human_percent(total->machine.busy_ns, capacity_ns, busy);
	human_percent(total->accounted_ns, capacity_ns, rows);
	human_percent(rest_ns, capacity_ns, rest);
	snprintf(text, size,
		 "%s: %zu processors %s%% busy, %s%% by the processes below, %s%% by others; "
		 "processes: +%llu -%llu, %llu programs",
		 interval, meter->cpus_end.n, busy, rows, rest, (unsigned long long)total->forks,
		 (unsigned long long)total->exits, (unsigned long long)total->execs);
}

static int print_head(struct report *report, const struct proctop_total *total)
{
	char text[256];

	if (report->options->output.format != OUTPUT_TABLE || !report->options->common.header)
		return 0;
	format_summary(report, total, text, sizeof(text));
	return output_table(report->output, text);
}

static int print_interval(struct report *report, bool last)
{
	const struct proctop_options *options = report->options;
	bool table = options->output.format == OUTPUT_TABLE;
	struct lines_options wanted = {.filter = &options->common.process,
				       .fold = table,
				       .sort = options->sort};
	struct meter *meter = report->meter;
	struct proctop_context context = meter_context(meter);
	struct proctop_total total;
	struct line *lines;
	ssize_t n = lines_make(meter->lines, meter->ledger, meter->processes, &wanted,
			       meter->boot_ns, &lines);
	int r;

	if (n < 0)
		return (int)n;
	meter_total(meter, &total);
	total.accounted_ns = 0; /* of all lines, shown or not: some processes are not wanted */
	for (ssize_t i = 0; i < n; i++) {
		total.processes += lines[i].account ? lines[i].count : 0;
		total.accounted_ns += lines[i].used.sums.cpu_ns;
	}
	r = print_head(report, &total);
	if (!r)
		r = print_lines(report, lines, (size_t)n);
	if (!r)
		r = print_exits(report, last);
	if (!r && !table) {
		proctop_total_row(&total, &context, &report->row);
		r = print_row(report);
	}
	return r;
}

/* What has ended goes into the sum; at the end all does. */
static int sum_up(struct report *report, bool last)
{
	struct meter *meter = report->meter;
	const struct process_filter *filter = &report->options->common.process;
	const struct ledger_others *others = ledger_get_others(meter->ledger);
	struct account **accounts;
	ssize_t n = ledger_collect(meter->ledger, &accounts);
	struct buffer parent = {};
	int r = 0;

	for (ssize_t i = 0; i < n && !r; i++) {
		const struct account *account = accounts[i];
		struct process_names names;

		/* a zombie stays when it has been added */
		if (account->told || (!last && !account->final))
			continue;
		accounts[i]->told = true;
		parent.length = 0;
		lines_parent_name(meter->processes, account, &parent);
		process_table_find(meter->processes, &account->id, false, &names);
		if (parent.failed)
			r = -ENOMEM;
		else if (filter_wants_name(filter, names.name))
			r = run_add(report->run, account, account_age_ns(account, meter->boot_ns),
				    names.name, parent.data);
	}
	buffer_release(&parent);
	if (last)
		run_add_others(report->run, &others->total, others->threads);
	return n < 0 ? (int)n : r;
}

static int print_sum(struct report *report)
{
	struct meter *meter = report->meter;
	const struct line *lines;
	char count[HUMAN_MAX + 8], time[HUMAN_MAX], cpu[HUMAN_MAX], text[256];
	uint64_t processes = 0, cpu_ns = 0;
	ssize_t n = run_lines(report->run, report->options->sort, &lines);
	int r = 0;

	if (n < 0)
		return (int)n;
	for (ssize_t i = 0; i < n; i++) {
		processes += lines[i].count;
		cpu_ns += lines[i].cpu_ns;
	}
	meter->begin_ns = meter->start_ns;
	human_count(processes, count);
	human_duration(meter->end_ns - meter->start_ns, time);
	human_duration(cpu_ns, cpu);
	snprintf(text, sizeof(text), "%s: %s process%s, %s of CPU time", time, count,
		 processes == 1 ? "" : "es", cpu);
	if (report->options->common.header)
		r = output_table(report->output, text);
	return r < 0 ? r : print_lines(report, lines, (size_t)n);
}

int report_interval(struct report *report, bool last)
{
	const struct proctop_options *options = report->options;
	int r = print_lost(report), flush;

	if (r < 0)
		return r;
	if (!report->run)
		r = print_interval(report, last);
	else
		r = sum_up(report, last);
	if (!r && report->run && last)
		r = print_sum(report);
	meter_next_interval(report->meter);
	flush = output_pending(report->output) ? output_flush(report->output) : 0;
	if (flush < 0)
		return flush;
	report->intervals++;
	if (!r && options->interval.count && report->intervals == options->interval.count)
		r = LOOP_STOP;
	return r;
}
