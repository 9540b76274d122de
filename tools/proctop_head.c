/* SPDX-License-Identifier: GPL-2.0-only */
/* The lines above the table: the machine as a whole. */
#include <stdarg.h>
#include <time.h>

#include "lib/human.h"
#include "tools/proctop_view.h"

_printf_(2, 3) static void append(struct buffer *text, const char *format, ...)
{
	char line[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	buffer_append_string(text, line);
}

static void head_times(const struct view *view, struct buffer *text)
{
	const struct meter *meter = view->meter;
	uint64_t now_ns = clock_realtime_ns(&meter->clock, meter->end_ns);
	uint64_t capacity_ns = (meter->end_ns - meter->begin_ns) * meter->cpus_end.n;
	uint64_t busy_ns = view->total.machine.busy_ns, rows_ns = view->total.accounted_ns;
	char busy[HUMAN_MAX], rows[HUMAN_MAX], rest[HUMAN_MAX], clock[16];
	time_t seconds = (time_t)(now_ns / NSEC_PER_SEC);
	struct tm tm = {};

	localtime_r(&seconds, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	human_percent(busy_ns, capacity_ns, busy);
	human_percent(rows_ns, capacity_ns, rows);
	human_percent(busy_ns > rows_ns ? busy_ns - rows_ns : 0, capacity_ns, rest);
	append(text, "proctop %s  load %.2f %.2f %.2f  busy %s%%: processes %s%%, others %s%%%s",
	       clock, view->load.minutes[0], view->load.minutes[1], view->load.minutes[2], busy,
	       rows, rest, view->paused ? "  PAUSED" : "");
}

/* A bar of @width columns for one processor. */
static void append_bar(struct buffer *text, size_t cpu, const struct machine_times *begin,
		       const struct machine_times *end, size_t width)
{
	struct machine_times times = machine_times_since(end, begin);
	uint64_t all_ns = times.busy_ns + times.idle_ns + times.iowait_ns;
	size_t room = width - 13;
	size_t full =
		all_ns ? (size_t)((double)times.busy_ns / (double)all_ns * (double)room + 0.5) : 0;
	char percent[HUMAN_MAX];

	human_percent(times.busy_ns, all_ns, percent);
	append(text, "%3zu[", cpu);
	for (size_t i = 0; i < room; i++)
		buffer_append_char(text, i < full ? '|' : ' ');
	append(text, "%6s%%] ", percent);
}

static void head_processors(const struct view *view, size_t width, struct buffer *text)
{
	const struct machine_cpus *begin = &view->meter->cpus_begin, *end = &view->meter->cpus_end;
	size_t n = end->n < MACHINE_CPUS_MAX ? end->n : MACHINE_CPUS_MAX, each;

	if (!n || begin->n != end->n)
		return;
	each = width / n > 40 ? 40 : width / n;
	if (each < 18) { /* too many for the line */
		size_t fit = width / 18;

		each = 18;
		n = n < fit ? n : fit;
	}
	for (size_t i = 0; i < n; i++)
		append_bar(text, i, &begin->each[i], &end->each[i], each);
	if (n < end->n)
		append(text, "+%zu", end->n - n);
}

static void head_memory(const struct view *view, struct buffer *text)
{
	const struct machine_memory *memory = &view->memory;
	char total[HUMAN_MAX], used[HUMAN_MAX], cached[HUMAN_MAX], swap[HUMAN_MAX],
		swap_used[HUMAN_MAX];

	human_bytes(memory->total_bytes, total);
	human_bytes(memory->total_bytes - memory->available_bytes, used);
	human_bytes(memory->cached_bytes, cached);
	human_bytes(memory->swap_total_bytes, swap);
	human_bytes(memory->swap_total_bytes - memory->swap_free_bytes, swap_used);
	append(text, "Memory %s of %s used, %s cached; swap %s of %s used", used, total, cached,
	       swap_used, swap);
}

/* What is not shown, by options or keys. */
static void append_wanted(const struct view *view, struct buffer *text)
{
	const struct lines_options *wanted = &view->wanted;
	const struct process_filter *filter = wanted->filter;

	if (filter->n_pids || filter->n_names || filter->n_uids || filter->cgroup_id ||
	    filter->netns || view->options->common.command)
		append(text, "; of those asked for");
	if (wanted->by_uid)
		append(text, "; of %s", users_name(view->meter->users, wanted->uid));
	if (wanted->text)
		append(text, "; with \"%s\"", wanted->text);
	if (wanted->no_kernel)
		append(text, "; no kernel threads");
}

static void head_processes(const struct view *view, struct buffer *text)
{
	const struct meter *meter = view->meter;
	uint64_t lost = meter->counters.lost_rows - meter->counters_begin.lost_rows +
			meter->totals.missed_tasks - meter->totals_begin.missed_tasks;
	char n[HUMAN_MAX + 8], born[HUMAN_MAX + 8], died[HUMAN_MAX + 8], interval[HUMAN_MAX];

	human_count(view->total.processes, n);
	human_count(view->total.forks, born);
	human_count(view->total.exits, died);
	human_duration(meter->end_ns - meter->begin_ns, interval);
	append(text, "Processes %s shown; in %s: %s born, %s died, %llu lost", n, interval, born,
	       died, (unsigned long long)lost);
	append_wanted(view, text);
}

void view_head(const struct view *view, int line, size_t width, struct buffer *text)
{
	switch (line) {
	case 0:
		head_times(view, text);
		break;
	case 1:
		head_processors(view, width, text);
		break;
	case 2:
		head_memory(view, text);
		break;
	case 3:
		head_processes(view, text);
		break;
	}
}
