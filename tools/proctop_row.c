/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_row.h"

#include <string.h>
#include <sys/wait.h>

#include "lib/cgroup.h"
#include "lib/human.h"

_Static_assert(FIELDS <= ROW_CELLS_MAX, "fields");

const struct field proctop_fields[FIELDS] = {
	[FIELD_TYPE] = {"type", "TYPE", "sample exit total lost", 6, 0},
	[FIELD_TS] = {"ts", "TS", "end of the interval, or of the process, RFC 3339 UTC", 30, 0},
	[FIELD_PID] = {"pid", "PID", "process id", 6, FIELD_RIGHT},
	[FIELD_TID] = {"tid", "TID", "thread id: the first, at an exit the last", 6, FIELD_RIGHT},
	[FIELD_NAME] = {"name", "PROCESS", "full name of the process", 15, 0},
	[FIELD_COMM] = {"comm", "COMM", "name of the thread, at most 15 bytes", 15, 0},
	[FIELD_NAME_SRC] = {"name_src", "NAMESRC",
			    "how name is known: exec iter fork exe cmdline kernel guess comm", 7,
			    0},
	[FIELD_EXE] = {"exe", "EXE", "path of the executable", 20, 0},
	[FIELD_SCRIPT] = {"script", "SCRIPT", "path of the script, if it runs one", 20, 0},
	[FIELD_ARGS] = {"args", "ARGS", "command line, an array", 20, 0},
	[FIELD_ARGS_CUT] = {"args_cut", "ARGSCUT", "true: the command line went on", 7, 0},
	[FIELD_PPID] = {"ppid", "PPID", "process id of the parent", 6, FIELD_RIGHT},
	[FIELD_UID] = {"uid", "UID", "effective user id", 5, FIELD_RIGHT},
	[FIELD_CGROUP] = {"cgroup", "CGROUP", "path of the cgroup (v2)", 20, 0},
	[FIELD_CONTAINER] = {"container", "CONTAINER", "id found in the cgroup's path", 12, 0},
	[FIELD_NETNS] = {"netns", "NETNS", "network namespace, inode number", 10, FIELD_RIGHT},
	[FIELD_INTERVAL] = {"interval_ns", "INTERVAL", "length of the interval, ns", 10,
			    FIELD_RIGHT},
	[FIELD_CPU] = {"cpu_ns", "CPUNS",
		       "sample: CPU time in the interval; exit: in all; total: of the machine, ns",
		       10, FIELD_RIGHT},
	[FIELD_CPU_FINAL] = {"cpu_final", "FINAL",
			     "true: it has ended, all of its threads are gone, nothing will follow",
			     5, 0},
	[FIELD_WAIT] = {"wait_ns", "WAITNS", "runnable without a processor in the interval, ns", 10,
			FIELD_RIGHT},
	[FIELD_STATE] = {"state", "S", "of the busiest thread: R S D T t Z I P, X: gone", 1, 0},
	[FIELD_RSS] = {"rss_bytes", "RSSBYTES", "resident memory, bytes", 10, FIELD_RIGHT},
	[FIELD_READ] = {"read_bytes", "READ", "from storage in the interval, bytes", 9,
			FIELD_RIGHT},
	[FIELD_WRITE] = {"write_bytes", "WRITE", "to storage in the interval, bytes", 9,
			 FIELD_RIGHT},
	[FIELD_RX] = {"rx_bytes", "RX", "received by sockets in the interval, bytes", 9,
		      FIELD_RIGHT},
	[FIELD_TX] = {"tx_bytes", "TX", "sent by sockets in the interval, bytes", 9, FIELD_RIGHT},
	[FIELD_THREADS] = {"threads", "THR", "threads that live", 3, FIELD_RIGHT},
	[FIELD_AGE] = {"age_ns", "AGENS", "since the process began, ns", 12, FIELD_RIGHT},
	[FIELD_VOLUNTARY] = {"voluntary", "VCSW", "context switches in the interval, to wait", 6,
			     FIELD_RIGHT},
	[FIELD_INVOLUNTARY] = {"involuntary", "ICSW", "the same, to give way", 6, FIELD_RIGHT},
	[FIELD_MINOR_FAULTS] = {"minor_faults", "MINFLT",
				"page faults in the interval, from memory", 6, FIELD_RIGHT},
	[FIELD_MAJOR_FAULTS] = {"major_faults", "MAJFLT", "the same, from storage", 6, FIELD_RIGHT},
	[FIELD_EXIT_CODE] = {"exit_code", "CODE", "as exit(3) was given it; null: by a signal", 4,
			     FIELD_RIGHT},
	[FIELD_EXIT_SIGNAL] = {"exit_signal", "SIGNAL", "number of the signal that ended it", 6,
			       FIELD_RIGHT},
	[FIELD_LIFETIME] = {"lifetime_ns", "LIFETIME", "from start to end, ns", 12, FIELD_RIGHT},
	[FIELD_ACCOUNTED] = {"accounted_ns", "ACCOUNTED", "total: CPU time of all samples, ns", 10,
			     FIELD_RIGHT},
	[FIELD_UNACCOUNTED] = {"unaccounted_ns", "UNACCOUNTED", "total: cpu_ns - accounted_ns", 11,
			       FIELD_RIGHT},
	[FIELD_IDLE] = {"idle_ns", "IDLE", "total: processors that had nothing to do, ns", 10,
			FIELD_RIGHT},
	[FIELD_IRQ] = {"irq_ns", "IRQ", "total: interrupts, ns", 10, FIELD_RIGHT},
	[FIELD_SOFTIRQ] = {"softirq_ns", "SOFTIRQ", "total: soft interrupts, ns", 10, FIELD_RIGHT},
	[FIELD_STEAL] = {"steal_ns", "STEAL", "total: taken by the hypervisor, ns", 10,
			 FIELD_RIGHT},
	[FIELD_PROCESSES] = {"processes", "PROCS", "total: processes with a sample", 6,
			     FIELD_RIGHT},
	[FIELD_FORKS] = {"forks", "FORKS", "total: processes that began", 6, FIELD_RIGHT},
	[FIELD_EXECS] = {"execs", "EXECS", "total: programs that were started", 6, FIELD_RIGHT},
	[FIELD_EXITS] = {"exits", "EXITS", "total: processes that ended", 6, FIELD_RIGHT},
	[FIELD_COUNT] = {"count", "COUNT", "processes in a folded line; records lost", 6,
			 FIELD_RIGHT},
	[FIELD_TIME] = {"time", "TIME", "wall clock, local time", 12, FIELD_TABLE},
	[FIELD_SECONDS] = {"seconds", "SECONDS", "since the start of proctop, s", 11,
			   FIELD_RIGHT | FIELD_TABLE},
	[FIELD_USER] = {"user", "USER", "effective user", 8, FIELD_TABLE},
	[FIELD_CPU_PERCENT] = {"cpu_percent", "CPU%", "CPU time, 100 = one processor", 5,
			       FIELD_RIGHT | FIELD_TABLE},
	[FIELD_CPU_TIME] = {"cpu_time", "TIME+", "CPU time in all, minutes:seconds", 7,
			    FIELD_RIGHT | FIELD_TABLE},
	[FIELD_WAIT_PERCENT] = {"wait_percent", "WAIT%", "runnable without a processor", 5,
				FIELD_RIGHT | FIELD_TABLE},
	[FIELD_RSS_SHORT] = {"rss", "RSS", "resident memory, bytes", 4, FIELD_RIGHT | FIELD_TABLE},
	[FIELD_READ_RATE] = {"read_rate", "RD/s", "from storage, bytes per second", 4,
			     FIELD_RIGHT | FIELD_TABLE},
	[FIELD_WRITE_RATE] = {"write_rate", "WR/s", "to storage, bytes per second", 4,
			      FIELD_RIGHT | FIELD_TABLE},
	[FIELD_RX_RATE] = {"rx_rate", "RX/s", "received by sockets, bytes per second", 4,
			   FIELD_RIGHT | FIELD_TABLE},
	[FIELD_TX_RATE] = {"tx_rate", "TX/s", "sent by sockets, bytes per second", 4,
			   FIELD_RIGHT | FIELD_TABLE},
	[FIELD_AGE_SHORT] = {"age", "AGE", "since it began; of an ended one all its life", 5,
			     FIELD_RIGHT | FIELD_TABLE},
	[FIELD_EXIT] = {"exit", "EXIT", "exit code, or the signal that ended it", 4,
			FIELD_RIGHT | FIELD_TABLE},
	[FIELD_LABEL] = {"label", "NAME", "name; how many in a folded line", 15, FIELD_TABLE},
	[FIELD_COMMAND] = {"command", "COMMAND", "command line; of a folded line the parent", 10,
			   FIELD_TABLE},
};

static void fill_time(uint64_t monotonic_ns, const struct proctop_context *context, struct row *row)
{
	uint64_t realtime_ns = clock_realtime_ns(context->clock, monotonic_ns);
	uint64_t since = monotonic_ns > context->start_ns ? monotonic_ns - context->start_ns : 0;

	row_time(row, FIELD_TS, realtime_ns);
	row_time(row, FIELD_TIME, realtime_ns);
	row_text_printf(row, FIELD_SECONDS, "%llu.%06llu",
			(unsigned long long)(since / NSEC_PER_SEC),
			(unsigned long long)(since % NSEC_PER_SEC / 1000));
}

static void uint_or_null(struct row *row, size_t field, uint64_t value, bool known)
{
	if (known)
		row_uint(row, field, value);
	else
		row_null(row, field);
}

/* Who: as all tools have it. */
static void fill_process(const struct account *account, const struct proctop_context *context,
			 struct row *row)
{
	const struct process_names *names = context->names;
	const struct process_id *id = &account->id;
	size_t container_length = 0;
	const char *container =
		context->cgroup ? cgroup_container(context->cgroup, &container_length) : NULL;

	row_uint(row, FIELD_PID, id->tgid);
	uint_or_null(row, FIELD_TID, id->tid, id->tid);
	row_text_n(row, FIELD_COMM, id->comm, strnlen(id->comm, COMM_SIZE));
	row_uint(row, FIELD_PPID, id->ppid);
	row_uint(row, FIELD_UID, id->uid);
	row_text(row, FIELD_CGROUP, context->cgroup);
	row_text_n(row, FIELD_CONTAINER, container, container_length);
	uint_or_null(row, FIELD_NETNS, account->netns, account->netns);
	if (!names)
		return;
	row_text(row, FIELD_NAME, names->name);
	row_text(row, FIELD_NAME_SRC, process_name_source(names->source));
	row_text(row, FIELD_EXE, names->exe);
	if (names->script)
		row_text(row, FIELD_SCRIPT, names->script);
	row_texts(row, FIELD_ARGS, names->args, names->args_length);
	if (names->args_cut)
		row_bool(row, FIELD_ARGS_CUT, true);
	row_texts(row, FIELD_COMMAND, names->args, names->args_length);
}

/* Several, of which one stands for all only where they are alike. */
static void fill_folded(const struct line *line, struct row *row)
{
	row_null(row, FIELD_PID);
	row_null(row, FIELD_TID);
	for (size_t i = FIELD_COMM; i <= FIELD_CONTAINER; i++)
		if (i != FIELD_PPID && i != FIELD_UID && i != FIELD_SCRIPT && i != FIELD_ARGS_CUT)
			row_null(row, i);
	if (!line->account || line->many_ppids)
		row_null(row, FIELD_PPID);
	else
		row_uint(row, FIELD_PPID, line->account->id.ppid);
	if (!line->account || line->many_uids)
		row_null(row, FIELD_UID);
	else
		row_uint(row, FIELD_UID, line->account->id.uid);
	row_uint(row, FIELD_COUNT, line->count);
}

static void fill_used(const struct line *line, const struct proctop_context *context,
		      struct row *row)
{
	const struct task_sums *sums = &line->used.sums;
	uint32_t flags = line->account ? line->account->flags : (TASK_WAIT_KNOWN | TASK_IO_KNOWN);

	row_uint(row, FIELD_INTERVAL, context->interval_ns);
	row_uint(row, FIELD_CPU, sums->cpu_ns);
	row_bool(row, FIELD_CPU_FINAL, line->final);
	uint_or_null(row, FIELD_WAIT, sums->wait_ns, flags & TASK_WAIT_KNOWN);
	row_text_copy(row, FIELD_STATE, line->account ? &line->account->state : "X", 1);
	uint_or_null(row, FIELD_RSS, line->rss_bytes, !line->ended);
	uint_or_null(row, FIELD_READ, sums->read_bytes, flags & TASK_IO_KNOWN);
	uint_or_null(row, FIELD_WRITE, sums->write_bytes, flags & TASK_IO_KNOWN);
	uint_or_null(row, FIELD_RX, line->used.rx_bytes, context->net);
	uint_or_null(row, FIELD_TX, line->used.tx_bytes, context->net);
	row_uint(row, FIELD_THREADS, line->threads);
	uint_or_null(row, FIELD_AGE, line->age_ns, line->account);
	row_uint(row, FIELD_VOLUNTARY, sums->voluntary);
	row_uint(row, FIELD_INVOLUNTARY, sums->involuntary);
	row_uint(row, FIELD_MINOR_FAULTS, sums->minor_faults);
	row_uint(row, FIELD_MAJOR_FAULTS, sums->major_faults);
}

static void row_rate(struct row *row, size_t field, uint64_t bytes, bool known,
		     uint64_t interval_ns)
{
	char text[HUMAN_MAX];

	if (!known || !interval_ns) {
		row_null(row, field);
		return;
	}
	human_bytes((uint64_t)((double)bytes * 1e9 / (double)interval_ns), text);
	row_text_copy(row, field, text, strlen(text));
}

static void fill_exit_short(const struct line *line, struct row *row)
{
	uint32_t code = line->account ? line->account->exit_code : EXIT_CODE_UNKNOWN;
	const char *signal;

	row_null(row, FIELD_EXIT);
	if (!line->ended || code == EXIT_CODE_UNKNOWN || line->many_exits)
		return;
	signal = WIFSIGNALED(code) ? sigabbrev_np(WTERMSIG(code)) : NULL;
	if (signal)
		row_text(row, FIELD_EXIT, signal);
	else if (WIFSIGNALED(code))
		row_text_printf(row, FIELD_EXIT, "SIG%d", WTERMSIG(code));
	else
		row_uint(row, FIELD_EXIT, WEXITSTATUS(code));
}

static void fill_label(const struct line *line, struct row *row)
{
	char count[HUMAN_MAX + 8];
	int indent = 2 * line->depth;

	if (line->count <= 1 && !indent) {
		row_text(row, FIELD_LABEL, line->name);
		return;
	}
	human_count(line->count, count);
	if (line->count <= 1)
		row_text_printf(row, FIELD_LABEL, "%*s%s", indent, "", line->name);
	else
		row_text_printf(row, FIELD_LABEL, "%*s%s \303\227 %s", indent, "", line->name,
				count);
}

static void fill_short(const struct line *line, const struct proctop_context *context,
		       struct row *row)
{
	const struct task_sums *sums = &line->used.sums;
	uint32_t flags = line->account ? line->account->flags : (TASK_WAIT_KNOWN | TASK_IO_KNOWN);
	uint64_t interval_ns = context->interval_ns;
	char text[HUMAN_MAX];

	if (row->cells[FIELD_UID].kind == CELL_UINT)
		row_text(row, FIELD_USER,
			 users_name(context->users, (uint32_t)row->cells[FIELD_UID].u));
	human_percent(sums->cpu_ns, interval_ns, text);
	row_text_copy(row, FIELD_CPU_PERCENT, text, strlen(text));
	human_cpu_time(line->cpu_ns, text);
	row_text_copy(row, FIELD_CPU_TIME, text, strlen(text));
	human_percent(sums->wait_ns, interval_ns, text);
	if (flags & TASK_WAIT_KNOWN)
		row_text_copy(row, FIELD_WAIT_PERCENT, text, strlen(text));
	human_bytes(line->rss_bytes, text);
	if (!line->ended)
		row_text_copy(row, FIELD_RSS_SHORT, text, strlen(text));
	row_rate(row, FIELD_READ_RATE, sums->read_bytes, flags & TASK_IO_KNOWN, interval_ns);
	row_rate(row, FIELD_WRITE_RATE, sums->write_bytes, flags & TASK_IO_KNOWN, interval_ns);
	row_rate(row, FIELD_RX_RATE, line->used.rx_bytes, context->net, interval_ns);
	row_rate(row, FIELD_TX_RATE, line->used.tx_bytes, context->net, interval_ns);
	human_duration(line->age_ns, text);
	if (line->account)
		row_text_copy(row, FIELD_AGE_SHORT, text, strlen(text));
	fill_exit_short(line, row);
	fill_label(line, row);
}

void proctop_row(const struct line *line, const struct proctop_context *context, struct row *row)
{
	row_reset(row);
	row_text(row, FIELD_TYPE, "sample");
	fill_time(context->now_ns, context, row);
	if (!line->folded && line->account)
		fill_process(line->account, context, row);
	else
		fill_folded(line, row);
	if (line->thread && line->account && !line->folded)
		row_uint(row, FIELD_PID, line->account->id.tid);
	row_text(row, FIELD_NAME, line->name); /* names of the ended may be forgotten by now */
	if (line->parent && *line->parent && (!context->names || !context->names->args))
		row_text_printf(row, FIELD_COMMAND, "(%s)", line->parent);
	fill_used(line, context, row);
	if (row_wants(row, FIELD_USER))
		fill_short(line, context, row);
}

void proctop_exit_row(const struct account *account, const struct proctop_context *context,
		      struct row *row)
{
	uint32_t code = account->exit_code;
	bool known = code != EXIT_CODE_UNKNOWN;

	row_reset(row);
	row_text(row, FIELD_TYPE, "exit");
	fill_time(account->end_ts_ns ? account->end_ts_ns : context->now_ns, context, row);
	fill_process(account, context, row);
	row_uint(row, FIELD_CPU, account->total.sums.cpu_ns);
	row_bool(row, FIELD_CPU_FINAL, account->final);
	uint_or_null(row, FIELD_EXIT_CODE, WEXITSTATUS(code), known && !WIFSIGNALED(code));
	uint_or_null(row, FIELD_EXIT_SIGNAL, WTERMSIG(code), known && WIFSIGNALED(code));
	uint_or_null(row, FIELD_LIFETIME, account->end_ns - account->id.start_ns, account->end_ns);
}

void proctop_total_row(const struct proctop_total *total, const struct proctop_context *context,
		       struct row *row)
{
	row_reset(row);
	row_text(row, FIELD_TYPE, "total");
	fill_time(context->now_ns, context, row);
	row_uint(row, FIELD_INTERVAL, context->interval_ns);
	row_uint(row, FIELD_CPU, total->machine.busy_ns);
	row_uint(row, FIELD_ACCOUNTED, total->accounted_ns);
	row_int(row, FIELD_UNACCOUNTED, (int64_t)(total->machine.busy_ns - total->accounted_ns));
	row_uint(row, FIELD_IDLE, total->machine.idle_ns);
	row_uint(row, FIELD_IRQ, total->machine.irq_ns);
	row_uint(row, FIELD_SOFTIRQ, total->machine.softirq_ns);
	row_uint(row, FIELD_STEAL, total->machine.steal_ns);
	row_uint(row, FIELD_PROCESSES, total->processes);
	row_uint(row, FIELD_FORKS, total->forks);
	row_uint(row, FIELD_EXECS, total->execs);
	row_uint(row, FIELD_EXITS, total->exits);
}

void proctop_lost_row(uint64_t count, const struct proctop_context *context, struct row *row)
{
	row_reset(row);
	row_text(row, FIELD_TYPE, "lost");
	fill_time(context->now_ns, context, row);
	row_uint(row, FIELD_COUNT, count);
}
