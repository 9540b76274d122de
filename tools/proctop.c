/* SPDX-License-Identifier: GPL-2.0-only */
/* proctop: who uses the machine. Options and life cycle. */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>

#include "bpf/proctop.h"
#include "proctop.skel.h"
#include "lib/clock.h"
#include "lib/command.h"
#include "lib/filter.h"
#include "lib/iterator.h"
#include "lib/loop.h"
#include "lib/privileges.h"
#include "tools/proctop_programs.h"
#include "tools/proctop_report.h"
#include "tools/proctop_stats.h"

#define END_GRACE_NS                                                                               \
	(3 * NSEC_PER_SEC) /* the kernel may take as long to free a COMMAND's threads */
#define EXITED_TICK_NS (10 * 1000 * 1000ULL) /* threads that exited are looked after so often */

struct proctop {
	struct proctop_options options;
	struct proctop_bpf *bpf;
	struct meter *meter;
	struct report *report;
	struct loop *loop;
	struct command command;
	uint64_t command_ended_ns; /* 0: it runs */
	uint64_t next_ns;	   /* end of the interval */
	int tasks_fd, exited_fd;   /* links of the iterators over threads, and those that exited */
	bool explained;		   /* why it failed has been said */
	int stats_fd;
};

/* The one place that says why the program could not go on. */
_printf_(3, 4) static int fail(struct proctop *p, int r, const char *format, ...)
{
	va_list arguments;

	p->explained = true;
	fputs("proctop: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return r < 0 ? r : -EIO;
}

static int libbpf_quiet(enum libbpf_print_level level _unused_, const char *format _unused_,
			va_list arguments _unused_)
{
	return 0;
}

static int libbpf_verbose(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, arguments);
}

static int start_command(struct proctop *p)
{
	int r = command_start(p->options.common.command, &p->command);

	if (r < 0)
		return fail(p, r, "cannot fork: %s", strerror(-r));
	p->bpf->bss->counters.followed = 1;
	r = filter_add_process(bpf_map__fd(p->bpf->maps.processes), (uint32_t)p->command.pid);
	if (r < 0)
		return fail(p, r, "cannot follow the command: %s", strerror(-r));
	return 0;
}

/* Has the kernel side threads that have exited and whose sums are not taken? */
static bool has_exited(const struct proctop *p)
{
	const volatile struct proctop_counters *totals = &p->bpf->bss->totals;

	return totals->exited_tasks != totals->gone_tasks;
}

/* Takes them before nobody can read them any more. */
static int take_exited(struct proctop *p)
{
	int r;

	if (!has_exited(p))
		return 0;
	r = iterator_run_link(p->exited_fd, &proctop_sizes, meter_listed, p->meter);
	return r < 0 ? fail(p, r, "cannot list exited threads: %s", strerror(-r)) : 0;
}

/* Brings the ledger up to date: what is gone first, then what is there, see ledger_begin_pass(). */
static int pass(struct proctop *p)
{
	int r = take_exited(p);

	if (!r)
		r = loop_drain(p->loop);
	if (r)
		return r;
	meter_begin_pass(p->meter);
	r = iterator_run_link(p->tasks_fd, &proctop_sizes, meter_listed, p->meter);
	if (r < 0)
		return fail(p, r, "cannot list the threads: %s", strerror(-r));
	meter_end_pass(p->meter, &p->bpf->bss->totals, &p->bpf->bss->counters);
	return 0;
}

/* Has the COMMAND, with all it left running, ended, and is every thread of it accounted for? The
 * kernel frees them some ms later. */
static bool command_is_over(struct proctop *p, uint64_t now_ns)
{
	if (!p->command.pid || !command_ended(&p->command) || p->bpf->bss->counters.followed)
		return false;
	if (!p->command_ended_ns)
		p->command_ended_ns = now_ns;
	return now_ns - p->command_ended_ns > END_GRACE_NS ||
	       (now_ns > p->command_ended_ns && !has_exited(p) &&
		!ledger_pending(p->meter->ledger));
}

static int on_event(void *context, const void *data, size_t size)
{
	struct proctop *p = context;

	return meter_record(p->meter, data, size);
}

static int on_tick(void *context, uint64_t now_ns)
{
	struct proctop *p = context;
	int r = take_exited(p);

	if (r)
		return r;
	loop_set_tick(p->loop, has_exited(p) ? EXITED_TICK_NS : LOOP_TICK_NS);
	if (command_is_over(p, now_ns))
		return LOOP_STOP;
	if (now_ns < p->next_ns)
		return 0;
	p->next_ns += p->options.interval_ns;
	if (p->next_ns <= now_ns) /* was stopped for a while */
		p->next_ns = now_ns + p->options.interval_ns;
	r = pass(p);
	return r ? r : report_interval(p->report, false);
}

/* Attached, listed, and no more rights than it takes to read on. */
static int attach(struct proctop *p)
{
	const struct options *o = &p->options.common;
	const struct privileges_keep keep = {.kill = o->command != NULL, .bpf = o->stats};
	const struct bpf_program *names = bpf_program__autoload(p->bpf->progs.list_processes)
						  ? p->bpf->progs.list_processes
						  : p->bpf->progs.list_processes_no_args;
	struct error error;
	int r;

	if (o->stats)
		p->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	r = programs_attach(p->bpf, &error);
	if (r < 0)
		return fail(p, r, "%s", error.text);
	r = iterator_run(names, &proctop_sizes, meter_listed, p->meter);
	if (r < 0)
		return fail(p, r, "cannot list the processes: %s", strerror(-r));
	p->tasks_fd = iterator_link(p->bpf->progs.list_tasks);
	if (p->tasks_fd < 0)
		return fail(p, p->tasks_fd, "cannot list the threads: %s", strerror(-p->tasks_fd));
	p->exited_fd =
		iterator_link_map(p->bpf->progs.list_exited, bpf_map__fd(p->bpf->maps.exited));
	if (p->exited_fd < 0)
		return fail(p, p->exited_fd, "cannot list exited threads: %s",
			    strerror(-p->exited_fd));
	r = privileges_drop(&keep);
	if (r < 0)
		return fail(p, r, "cannot drop privileges: %s", strerror(-r));
	return 0;
}

/* Runs until the end. Returns 0 or a negative errno; what to say about it is left to main(). */
static int trace(struct proctop *p)
{
	const struct options *o = &p->options.common;
	struct error error;
	int r = attach(p);

	if (!r)
		r = pass(p);
	if (r)
		return r;
	meter_next_interval(p->meter);
	p->next_ns = clock_now_ns() + p->options.interval_ns;
	if (o->verbose || o->command)
		fputs("ready\n", stderr);
	if (o->command) {
		r = command_release(&p->command, o->command, &error);
		if (r < 0)
			return fail(p, r, "%s", error.text);
	}
	return loop_run(p->loop);
}

/* What has happened since the last interval's end. */
static int last_interval(struct proctop *p)
{
	const struct proctop_options *o = &p->options;
	bool enough =
		o->intervals || (o->common.count && report_rows(p->report) >= o->common.count);
	int r;

	if (enough && !o->common.command)
		return 0;
	r = pass(p);
	return r < 0 ? r : report_interval(p->report, true);
}

static int run(struct proctop *p)
{
	_cleanup_(closep) int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct proctop_options *o = &p->options;
	struct loop_options loop = {
		.output_fd = STDOUT_FILENO,
		.duration_ns = o->common.duration_ns,
		.on_event = on_event,
		.on_tick = on_tick,
		.context = p,
	};
	struct error error;
	bool net;
	int r;

	if (o->common.command && (r = command_check(o->common.command, &error)) < 0)
		return fail(p, r, "%s", error.text);
	r = programs_load(o, &p->bpf, &net, &error);
	if (r < 0)
		return fail(p, r, "%s", error.text);
	loop.ring_fd = bpf_map__fd(p->bpf->maps.records);
	r = meter_new(o, proc_fd, &p->meter);
	if (!r)
		r = report_new(o, p->meter, STDOUT_FILENO, &p->report);
	if (!r)
		r = loop_new(&loop, &p->loop);
	if (r < 0)
		return fail(p, r, "cannot start: %s", strerror(-r));
	p->meter->net = net;
	if (o->common.command)
		r = start_command(p);
	if (!r)
		r = trace(p);
	if (!r)
		r = last_interval(p);
	command_stop(&p->command);
	if (r < 0 && r != -EPIPE && !p->explained)
		fail(p, r, "cannot go on: %s%s", strerror(-r),
		     r == -ENOMEM ? "" : " (writing the output)");
	return r;
}

static int exit_status(struct proctop *p, int r)
{
	if (!p->report || (r < 0 && r != -EPIPE))
		return EXIT_FAILURE;
	if (p->options.common.stats)
		stats_print(stderr, p->bpf, p->meter, report_rows(p->report));
	if (p->options.common.strict && p->bpf->bss->counters.lost_rows)
		return EXIT_LOST;
	if (p->command.pid)
		return command_exit_status(&p->command);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct proctop p = {.stats_fd = -1, .tasks_fd = -1, .exited_fd = -1};
	int r, status;

	setlocale(LC_CTYPE, "");
	proctop_options_parse(argc, argv, &p.options);
	p.options.output.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	libbpf_set_print(p.options.common.verbose ? libbpf_verbose : libbpf_quiet);
	r = run(&p);
	status = exit_status(&p, r);
	loop_free(p.loop);
	report_free(p.report);
	meter_free(p.meter);
	proctop_bpf__destroy(p.bpf);
	closep(&p.stats_fd);
	closep(&p.tasks_fd);
	closep(&p.exited_fd);
	return status;
}
