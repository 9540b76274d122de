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
#include "lib/environment.h"
#include "lib/loop.h"
#include "lib/privileges.h"
#include "tools/proctop_pass.h"
#include "tools/proctop_programs.h"
#include "tools/proctop_report.h"
#include "tools/proctop_stats.h"
#include "tools/proctop_view.h"

#define END_GRACE_NS                                                                               \
	(3 * NSEC_PER_SEC) /* the kernel may take as long to free a COMMAND's threads */
#define EXITED_TICK_NS (10 * 1000 * 1000ULL) /* threads that exited are looked after so often */

struct proctop {
	struct proctop_options options;
	struct proctop_bpf *bpf;
	struct meter *meter;
	struct report *report;
	struct view *view; /* NULL: batch mode */
	uint64_t view_intervals;
	struct loop *loop;
	struct command command;
	uint64_t command_ended_ns; /* 0: it runs */
	uint64_t next_ns;	   /* end of the interval */
	struct pass pass;
	bool explained; /* why it failed has been said */
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

static int start_command(struct proctop *p)
{
	const struct options *o = &p->options.common;
	bool apart = o->format != OUTPUT_TABLE;
	struct error error;
	int r = command_start_traced(o->command, apart, bpf_map__fd(p->bpf->maps.processes),
				     &p->bpf->bss->counters, &p->command, &error);

	return r < 0 ? fail(p, r, "%s", error.text) : 0;
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
	       (now_ns > p->command_ended_ns && !pass_has_exited(&p->pass) &&
		!ledger_pending(p->meter->ledger));
}

static int on_event(void *context, const void *data, size_t size)
{
	struct proctop *p = context;

	return meter_record(p->meter, data, size);
}

/* The view still shows the last interval until here, and keys may have it drawn again. */
static int view_refresh(struct proctop *p)
{
	int r;

	if (p->view->paused)
		return 0;
	meter_next_interval(p->meter);
	r = pass_run(&p->pass);
	if (!r)
		r = view_interval(p->view);
	p->view_intervals++;
	return r || p->view_intervals != p->options.interval.count ? r : LOOP_STOP;
}

static int batch_refresh(struct proctop *p)
{
	int r = pass_run(&p->pass);

	return r ? r : report_interval(p->report, false);
}

/* What only makes sense for what is printed. */
static void check_view(const struct options *o)
{
	if (o->count || o->timestamp || o->time || !o->header)
		options_usage(
			"-c, -t, -T and --no-header are for tables: leave them out, or use -b");
}

static int on_tick(void *context, uint64_t now_ns)
{
	struct proctop *p = context;
	int r = pass_take_exited(&p->pass);

	if (!r && p->view)
		r = view_keys(p->view);
	if (r)
		return r;
	loop_set_tick(p->loop, pass_has_exited(&p->pass) ? EXITED_TICK_NS : LOOP_TICK_NS);
	if (command_is_over(p, now_ns))
		return LOOP_STOP;
	if (now_ns < p->next_ns)
		return 0;
	p->next_ns += p->options.interval.ns;
	if (p->next_ns <= now_ns) /* was stopped for a while */
		p->next_ns = now_ns + p->options.interval.ns;
	r = p->view ? view_refresh(p) : batch_refresh(p);
	return r;
}

static bool shows_view(const struct proctop *p)
{
	const struct proctop_options *o = &p->options;

	return !o->batch && !o->common.command && o->common.format == OUTPUT_TABLE &&
	       isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* Attached, listed, and no more rights than it takes to read on. */
static int attach(struct proctop *p)
{
	const struct options *o = &p->options.common;
	struct privileges_keep keep = {.kill = o->command || shows_view(p), .bpf = o->stats};
	struct error error;
	int r;

	if (o->stats)
		p->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	r = programs_attach(p->bpf, &error);
	if (r < 0)
		return fail(p, r, "%s", error.text);
	r = pass_read_processes(&p->pass);
	if (r < 0)
		return fail(p, r, "cannot list the processes: %s", strerror(-r));
	r = pass_link(&p->pass, &error);
	if (r < 0)
		return fail(p, r, "%s", error.text);
	keep.bpf = keep.bpf || pass_needs_rights(&p->pass);
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
		r = pass_run(&p->pass);
	if (r)
		return r;
	if (shows_view(p)) {
		r = view_new(&p->options, p->meter, &p->view, &error);
		if (r < 0)
			return fail(p, r, "%s", error.text);
		r = view_interval(p->view);
		if (r < 0)
			return r;
	} else {
		meter_next_interval(p->meter);
	}
	p->next_ns = clock_now_ns() + p->options.interval.ns;
	if ((o->verbose || o->command) && !p->view)
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
	bool cut = o->interval.count && !o->common.command; /* by a signal, or -d */
	int r;

	if (cut || report_is_complete(p->report))
		return 0;
	r = pass_run(&p->pass);
	return r < 0 ? r : report_interval(p->report, true);
}

static int run(struct proctop *p)
{
	_cleanup_(closep) int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct proctop_options *o = &p->options;
	struct loop_options loop = {
		.output_fd = STDOUT_FILENO,
		.duration_ns = o->common.duration_ns,
		.keyboard = shows_view(p),
		.on_event = on_event,
		.on_tick = on_tick,
		.context = p,
	};
	struct error error;
	bool net;
	int r;

	if (loop.keyboard)
		check_view(&o->common);
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
	p->pass.bpf = p->bpf;
	p->pass.meter = p->meter;
	p->pass.loop = p->loop;
	if (o->common.command)
		r = start_command(p);
	if (!r)
		r = trace(p);
	view_freep(&p->view);
	if (!r && !shows_view(p))
		r = last_interval(p);
	if (command_is_unread(&p->command, STDOUT_FILENO)) {
		proctop_bpf__detach(p->bpf);
		command_wait(&p->command);
	}
	command_stop(&p->command);
	if (r < 0 && r != -EPIPE && !p->explained)
		fail(p, r, "cannot go on: %s", strerror(-r));
	return r;
}

static int exit_status(struct proctop *p, int r)
{
	if (!p->report || (r < 0 && r != -EPIPE))
		return EXIT_FAILURE;
	if (p->options.common.stats)
		stats_print(stderr, p->bpf, p->meter, report_rows(p->report));
	if (p->options.common.strict &&
	    p->bpf->bss->counters.lost_rows + p->bpf->bss->totals.missed_tasks)
		return EXIT_LOST;
	if (p->command.pid)
		return command_exit_status(&p->command);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct proctop p = {.stats_fd = -1, .pass = {.tasks_fd = -1, .exited_fd = -1}};
	int r, status;

	setlocale(LC_CTYPE, "");
	proctop_options_parse(argc, argv, &p.options);
	p.options.output.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	environment_set_verbose(p.options.common.verbose);
	if (p.options.common.features) {
		struct error error;

		r = programs_print_features(&p.options, stdout, &error);
		if (r < 0)
			fprintf(stderr, "proctop: %s\n", error.text);
		return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	r = run(&p);
	status = exit_status(&p, r);
	loop_free(p.loop);
	report_free(p.report);
	meter_free(p.meter);
	proctop_bpf__destroy(p.bpf);
	closep(&p.stats_fd);
	pass_unlink(&p.pass);
	return status;
}
