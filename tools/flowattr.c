/* SPDX-License-Identifier: GPL-2.0-only */
/* flowattr: which process a flow belongs to. Options and life cycle. */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>

#include "bpf/connection.h"
#include "connection.skel.h"
#include "lib/clock.h"
#include "lib/command.h"
#include "lib/environment.h"
#include "lib/loop.h"
#include "lib/privileges.h"
#include "tools/connection_programs.h"
#include "tools/connection_sweep.h"
#include "tools/connection_touch.h"
#include "tools/flowattr_packets.h"
#include "tools/flowattr_pass.h"
#include "tools/flowattr_report.h"
#include "tools/flowattr_stats.h"
#include "tools/flowattr_track.h"
#include "tools/flowattr_view.h"

#define IDLE_NS	     (60 * NSEC_PER_SEC) /* a flow of datagrams is over after that */
#define END_GRACE_NS NSEC_PER_SEC /* connections of a COMMAND that has ended may close as long */

struct flowattr {
	struct flowattr_options options;
	struct connection_bpf *bpf;
	struct meter *meter;
	struct report *report;	/* of flows; NULL: packets */
	struct view *view;	/* NULL: tables one below the other */
	struct packets packets; /* of packets */
	struct loop *loop;
	struct command command;
	uint64_t command_ended_ns; /* 0: it runs */
	uint64_t next_ns;	   /* end of the interval */
	struct touch touch;
	struct sweep sweep;
	struct pass pass;
	struct track track;
	bool explained; /* why it failed has been said */
	int stats_fd;
};

/* The one place that says why the program could not go on. */
_printf_(3, 4) static int fail(struct flowattr *f, int r, const char *format, ...)
{
	va_list arguments;

	f->explained = true;
	fputs("flowattr: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return r < 0 ? r : -EIO;
}

static int start_command(struct flowattr *f)
{
	const struct options *o = &f->options.common;
	const char *file = f->options.write_file;
	bool apart = o->format != OUTPUT_TABLE || (file && strcmp(file, "-") == 0);
	struct error error;
	int r = command_start_traced(o->command, apart, bpf_map__fd(f->bpf->maps.processes),
				     &f->bpf->bss->counters, &f->command, &error);

	return r < 0 ? fail(f, r, "%s", error.text) : 0;
}

/* The COMMAND and all it left running have ended: what is still closing gets a moment. */
static bool command_is_over(struct flowattr *f, uint64_t now_ns)
{
	if (!f->command.pid || !command_ended(&f->command) || f->bpf->bss->counters.followed)
		return false;
	if (!f->command_ended_ns) {
		f->command_ended_ns = now_ns;
		return false; /* the next look brings what the last exit left */
	}
	return !flow_table_open(f->meter->flows) || now_ns - f->command_ended_ns > END_GRACE_NS;
}

static int on_event(void *context, const void *data, size_t size)
{
	struct flowattr *f = context;

	return meter_record(f->meter, data, size);
}

/* Brings all up to date at the end of an interval. */
static int look(struct flowattr *f)
{
	struct error error;
	int r = pass_run(&f->pass);

	if (!r && f->next_ns) /* not at the start: of what was there before there may be much */
		r = track_read(&f->track);
	if (r || !f->options.reconcile)
		return r;
	r = packets_settle(&f->packets, &error);
	f->meter->lost += packets_lost(&f->packets); /* their bytes are missing, too */
	return r < 0 && r != -EPIPE ? fail(f, r, "%s", error.text) : r;
}

static int end_interval(struct flowattr *f)
{
	int r = look(f);

	if (r)
		return r;
	if (f->report) {
		r = report_interval(f->report);
		return r || !f->view ? r : view_show(f->view);
	}
	meter_next_interval(f->meter);
	return 0;
}

static int on_tick(void *context, uint64_t now_ns)
{
	struct flowattr *f = context;
	struct error error;
	int r = touch_tick(&f->touch, now_ns, f->meter->arrived_ns + ACCEPT_WAIT_NS > now_ns);

	if (r < 0)
		return fail(f, r, "cannot watch who accepts any more: %s", strerror(-r));
	r = sweep_tick(&f->sweep, now_ns, false);
	if (r < 0)
		return fail(f, r, "cannot look for idle flows any more: %s", strerror(-r));
	r = track_read(&f->track);
	if (r < 0)
		return r;
	if (f->packets.capture && (r = packets_tick(&f->packets, now_ns, &error)) < 0)
		return r == -EPIPE ? r : fail(f, r, "%s", error.text);
	if (f->view)
		r = view_keys(f->view);
	if (r || command_is_over(f, now_ns))
		return LOOP_STOP;
	if (now_ns < f->next_ns)
		return 0;
	f->next_ns += f->options.interval.ns;
	if (f->next_ns <= now_ns) /* was stopped for a while */
		f->next_ns = now_ns + f->options.interval.ns;
	if (f->view && view_is_paused(f->view))
		return 0;
	return end_interval(f);
}

/* Attached, listed, and no more rights than it takes to read on. */
static int attach(struct flowattr *f)
{
	const struct options *o = &f->options.common;
	struct privileges_keep keep = {.kill = o->command != NULL, .bpf = o->stats};
	struct error error;
	int r;

	if (o->stats)
		f->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	track_open(&f->track, f->meter);
	r = programs_attach(f->bpf, &error);
	if (!r)
		r = pass_begin(&f->pass, &error);
	if (r < 0)
		return fail(f, r, "%s", error.text);
	r = touch_init(&f->touch, f->bpf);
	if (!r)
		r = sweep_init(&f->sweep, f->bpf, IDLE_NS);
	if (r < 0)
		return fail(f, r, "cannot start: %s", strerror(-r));
	if (f->packets.capture && (r = capture_start(f->packets.capture, &error)) < 0)
		return fail(f, r, "%s", error.text);
	keep.bpf = keep.bpf || sweep_needs_rights(&f->sweep) || pass_needs_rights(&f->pass);
	r = privileges_drop(&keep);
	return r < 0 ? fail(f, r, "cannot drop privileges: %s", strerror(-r)) : 0;
}

static int start_output(struct flowattr *f)
{
	struct error error;
	int r = f->options.view ? view_new(&f->options, &f->view, &error) : 0;

	if (r < 0)
		return fail(f, r, "%s", error.text);
	r = report_new(&f->options, f->meter, f->view ? view_fd(f->view) : STDOUT_FILENO,
		       &f->report);
	if (!r && f->view)
		r = report_begin(f->report);
	return !r && f->view ? view_show(f->view) : r;
}

/* Runs until the end. Returns 0 or a negative errno; what to say about it is left to main(). */
static int trace(struct flowattr *f)
{
	const struct options *o = &f->options.common;
	struct error error;
	int r = attach(f);

	if (!r)
		r = look(f); /* what was carried before */
	if (r)
		return r;
	meter_next_interval(f->meter);
	r = f->options.packets ? 0 : start_output(f);
	if (r < 0)
		return r;
	f->next_ns = clock_now_ns() + f->options.interval.ns;
	if ((o->verbose || o->command) && !f->view)
		fputs("ready\n", stderr);
	if (o->command) {
		r = command_release(&f->command, o->command, &error);
		if (r < 0)
			return fail(f, r, "%s", error.text);
	}
	return loop_run(f->loop);
}

/* What has happened since the last interval's end. */
static int last_interval(struct flowattr *f)
{
	const struct flowattr_options *o = &f->options;
	bool cut = o->interval.count && !o->common.command; /* by a signal, or -d */
	struct error error;
	int r;

	if (f->options.packets) {
		r = pass_run(&f->pass);
		if (r >= 0)
			r = track_read(&f->track);
		if (r >= 0)
			r = packets_finish(&f->packets, &error);
		return r >= 0 || r == -EPIPE ? r : fail(f, r, "%s", error.text);
	}
	if (cut || report_is_complete(f->report))
		return 0;
	f->meter->last = true;
	r = look(f);
	return r < 0 ? r : report_interval(f->report);
}

static int load(struct flowattr *f, struct connection_features *ret_features)
{
	/* packets may quote others, and have a peer at the other end: which are shown is theirs */
	static const struct traffic_filter all = {.protocols = SELECT_ALL};
	const struct flowattr_options *o = &f->options;
	struct connection_request request = {
		.process = &o->common.process,
		.traffic = o->packets ? &all : &o->traffic,
		.command = o->common.command != NULL,
		.backend = o->common.backend,
		.events = EVENT_BIT(RECORD_CONNECT) | EVENT_BIT(RECORD_ACCEPT) |
			  EVENT_BIT(RECORD_CLOSE) |
			  (flowattr_options_need_packets(o)
				   ? EVENT_BIT(RECORD_LISTEN) | EVENT_BIT(RECORD_FLOW)
				   : 0),
		.idle_ns = IDLE_NS,
		.live = true,
		.split = o->split,
	};
	struct error error;
	int r = programs_load(&request, ret_features, &f->bpf, &error);

	return r < 0 ? fail(f, r, "%s", error.text) : 0;
}

/* Loads the programs, but attaches none. Returns 0 or a negative errno that has been explained. */
static int show_features(struct flowattr *f)
{
	const struct options *o = &f->options.common;
	struct connection_features features;
	int r = load(f, &features);

	if (r < 0)
		return r;
	features.features[FEATURE_EXIT_CONNECT].used = false; /* no bytes, no flow */
	r = features_print(stdout, "flowattr", features.features, CONNECTION_FEATURES, o->format,
			   o->header);
	return r < 0 && r != -EPIPE ? fail(f, r, "cannot write: %s", strerror(-r)) : 0;
}

static int start(struct flowattr *f, int proc_fd)
{
	struct loop_options loop = {
		.ring_fd = bpf_map__fd(f->bpf->maps.records),
		.output_fd = STDOUT_FILENO,
		.duration_ns = f->options.common.duration_ns,
		.keyboard = f->options.view,
		.on_event = on_event,
		.on_tick = on_tick,
		.context = f,
	};
	struct error error;
	int r = meter_new(&f->options, proc_fd, &f->meter);

	if (!r && flowattr_options_need_packets(&f->options) &&
	    (r = packets_new(&f->options, f->bpf, f->meter, &loop, &f->packets, &error)) < 0)
		return fail(f, r, "%s", error.text);
	if (!r)
		r = loop_new(&loop, &f->loop);
	if (r < 0)
		return fail(f, r, "cannot start: %s", strerror(-r));
	f->pass.bpf = f->bpf;
	f->pass.meter = f->meter;
	f->pass.loop = f->loop;
	return f->options.common.command ? start_command(f) : 0;
}

static int run(struct flowattr *f)
{
	_cleanup_(closep) int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct flowattr_options *o = &f->options;
	struct connection_features features;
	struct error error;
	int r;

	if (o->common.command && (r = command_check(o->common.command, &error)) < 0)
		return fail(f, r, "%s", error.text);
	r = load(f, &features);
	if (r < 0)
		return r;
	if (o->traffic.protocols & SELECT_DATAGRAMS && !connection_sees_datagrams(&features))
		fputs("flowattr: this kernel has neither the tracepoints nor the function hooks to "
		      "see datagrams with (Linux 6.3, or fexit): only TCP is shown\n",
		      stderr);
	if (o->split && o->traffic.protocols & SELECT_TCP && !connection_sees_datagrams(&features))
		return fail(f, -EOPNOTSUPP,
			    "--split-shared: this kernel has neither the tracepoints nor the "
			    "function hooks to see who calls (Linux 6.3, or fexit)");
	r = start(f, proc_fd);
	if (!r)
		r = trace(f);
	view_freep(&f->view);
	if (!r && !f->options.view)
		r = last_interval(f);
	if (command_is_unread(&f->command, STDOUT_FILENO)) {
		connection_bpf__detach(f->bpf);
		command_wait(&f->command);
	}
	command_stop(&f->command);
	if (r < 0 && r != -EPIPE && !f->explained)
		fail(f, r, "cannot go on: %s", strerror(-r));
	return r;
}

static int exit_status(struct flowattr *f, int r)
{
	uint64_t lost;

	if (!f->meter || !f->loop || (r < 0 && r != -EPIPE))
		return EXIT_FAILURE;
	lost = meter_lost(f->meter, f->bpf->bss->counters.lost_rows);
	if (f->packets.capture)
		lost += packets_lost(&f->packets);
	if (f->options.common.stats)
		stats_print(stderr, f->bpf, f->meter, &f->packets, &f->track,
			    f->report ? report_rows(f->report) : 0, lost);
	if (f->options.common.strict && lost)
		return EXIT_LOST;
	if (f->command.pid)
		return command_exit_status(&f->command);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct flowattr f = {.touch = TOUCH_NONE,
			     .sweep = SWEEP_NONE,
			     .pass = PASS_NONE,
			     .stats_fd = -1};
	int r, status;

	setlocale(LC_CTYPE, "");
	flowattr_options_parse(argc, argv, &f.options);
	f.options.output.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && !f.options.view;
	environment_set_verbose(f.options.common.verbose);
	if (f.options.common.features) {
		status = show_features(&f) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	} else if (f.options.read_file) {
		status = packets_read(&f.options);
	} else {
		r = run(&f);
		status = exit_status(&f, r);
	}
	loop_free(f.loop);
	report_free(f.report);
	packets_release(&f.packets);
	meter_free(f.meter);
	programs_free(f.bpf);
	closep(&f.stats_fd);
	pass_release(&f.pass);
	track_release(&f.track);
	touch_release(&f.touch);
	sweep_release(&f.sweep);
	return status;
}
