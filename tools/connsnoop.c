/* SPDX-License-Identifier: GPL-2.0-only */
/* connsnoop: who talks to whom. Options and life cycle. */
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
#include "lib/iterator.h"
#include "lib/loop.h"
#include "lib/privileges.h"
#include "tools/connection_existing.h"
#include "tools/connection_programs.h"
#include "tools/connsnoop_gone.h"
#include "tools/connsnoop_stats.h"
#include "tools/connsnoop_stream.h"
#include "tools/connection_sweep.h"
#include "tools/connection_touch.h"

#define SWEEP_NS     (10 * NSEC_PER_SEC) /* so often, connections that are gone are looked for */
#define SWEEP_AGE_NS (2 * NSEC_PER_SEC)	 /* if any are older than this */
#define END_GRACE_NS NSEC_PER_SEC /* connections of a COMMAND that has ended may close as long */

struct connsnoop {
	struct connsnoop_options options;
	struct connection_bpf *bpf;
	struct stream *stream;
	struct loop *loop;
	struct command command;
	uint64_t command_ended_ns; /* 0: it runs */
	struct touch touch;
	struct sweep sweep;
	int gone_fd; /* link of the iterator for gone_sweep(); -1: none */
	uint64_t swept_ns;
	bool explained; /* why it failed has been said */
	int stats_fd;
};

/* The one place that says why the program could not go on. */
_printf_(3, 4) static int fail(struct connsnoop *c, int r, const char *format, ...)
{
	va_list arguments;

	c->explained = true;
	fputs("connsnoop: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return r < 0 ? r : -EIO;
}

static int start_command(struct connsnoop *c)
{
	const struct options *o = &c->options.common;
	bool apart = o->format != OUTPUT_TABLE;
	struct error error;
	int r = command_start_traced(o->command, apart, bpf_map__fd(c->bpf->maps.processes),
				     &c->bpf->bss->counters, &c->command, &error);

	return r < 0 ? fail(c, r, "%s", error.text) : 0;
}

/* The COMMAND and all it left running have ended: connections still closing get a moment. */
static bool command_is_over(struct connsnoop *c, uint64_t now_ns)
{
	struct stream_stats stats;

	if (!c->command.pid || !command_ended(&c->command) || c->bpf->bss->counters.followed)
		return false;
	if (!c->command_ended_ns) {
		c->command_ended_ns = now_ns;
		return false; /* the next look brings what the last exit left */
	}
	stream_get_stats(c->stream, &stats);
	return !stats.open || now_ns - c->command_ended_ns > END_GRACE_NS;
}

static int on_event(void *context, const void *data, size_t size)
{
	struct connsnoop *c = context;

	return stream_record(c->stream, data, size);
}

static int on_tick(void *context, uint64_t now_ns)
{
	struct connsnoop *c = context;
	int r = touch_tick(&c->touch, now_ns, stream_is_waiting(c->stream));

	if (r < 0)
		return fail(c, r, "cannot watch who accepts any more: %s", strerror(-r));
	r = sweep_tick(&c->sweep, now_ns, false);
	if (r < 0)
		return fail(c, r, "cannot look for idle flows any more: %s", strerror(-r));
	if (now_ns - c->swept_ns > SWEEP_NS) {
		c->swept_ns = now_ns;
		if (stream_has_older(c->stream, now_ns - SWEEP_AGE_NS))
			r = gone_sweep(c->stream, c->loop, c->bpf, c->gone_fd);
	}
	if (!r)
		r = stream_tick(c->stream, now_ns, c->bpf->bss->counters.lost_rows, false);
	return r || !command_is_over(c, now_ns) ? r : LOOP_STOP;
}

/* Attached, listed, and no more rights than it takes to read on. */
static int attach(struct connsnoop *c)
{
	const struct connsnoop_options *o = &c->options;
	struct privileges_keep keep = {.kill = o->common.command != NULL, .bpf = o->common.stats};
	bool print = (o->list || o->existing) && o->events & EVENT_BIT(RECORD_OPEN);
	struct existing_options existing = {
		.process = &o->common.process,
		.loop = c->loop,
		.on_record = stream_record,
		.on_socket = print ? stream_open_socket : NULL,
		.context = c->stream,
	};
	struct error error;
	int r;

	if (o->common.stats)
		c->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (!o->list) {
		r = programs_attach(c->bpf, &error);
		if (r < 0)
			return fail(c, r, "%s", error.text);
		r = touch_init(&c->touch, c->bpf);
		if (!r)
			r = sweep_init(&c->sweep, c->bpf, o->idle_ns);
		if (r < 0)
			return r;
	}
	r = existing_read(&existing, c->bpf);
	if (r < 0)
		return r;
	if (bpf_program__autoload(c->bpf->progs.list_unheld))
		c->gone_fd = iterator_link(c->bpf->progs.list_unheld);
	c->swept_ns = clock_now_ns();
	if (r == 0 && !o->list) {
		int dropped;

		keep.bpf = keep.bpf || sweep_needs_rights(&c->sweep);
		dropped = privileges_drop(&keep);

		if (dropped < 0)
			return fail(c, dropped, "cannot drop privileges: %s", strerror(-dropped));
	}
	return r;
}

/* Runs until the end. Returns 0 or a negative errno; what to say about it is left to main(). */
static int trace(struct connsnoop *c)
{
	const struct options *o = &c->options.common;
	struct error error;
	int r = attach(c);

	if (r == LOOP_STOP || (r == 0 && c->options.list))
		return loop_drain(c->loop) < 0 ? -EIO : 0;
	if (r < 0)
		return r;
	r = stream_tick(c->stream, clock_now_ns(), 0, false);
	if (r < 0)
		return r;
	if (o->verbose || o->command)
		fputs("ready\n", stderr);
	if (o->command) {
		r = command_release(&c->command, o->command, &error);
		if (r < 0)
			return fail(c, r, "%s", error.text);
	}
	r = loop_run(c->loop);
	return r < 0 ? r : gone_sweep(c->stream, c->loop, c->bpf, c->gone_fd);
}

static int load(struct connsnoop *c, struct connection_features *ret_features)
{
	const struct connsnoop_options *o = &c->options;
	struct connection_request request = {
		.process = &o->common.process,
		.traffic = &o->traffic,
		.command = o->common.command != NULL,
		.backend = o->common.backend,
		.events = o->events,
		.idle_ns = o->idle_ns,
		.failed = o->failed,
		.list = o->list,
		.unheld = o->list || o->existing,
	};
	struct error error;
	int r = programs_load(&request, ret_features, &c->bpf, &error);

	return r < 0 ? fail(c, r, "%s", error.text) : 0;
}

/* Loads the programs, but attaches none. Returns 0 or a negative errno that has been explained. */
static int show_features(struct connsnoop *c)
{
	const struct options *o = &c->options.common;
	struct connection_features f;
	int r = load(c, &f);

	if (r < 0)
		return r;
	r = features_print(stdout, "connsnoop", f.features, CONNECTION_FEATURES, o->format,
			   o->header);
	if (r < 0 && r != -EPIPE)
		return fail(c, r, "cannot write: %s", strerror(-r));
	return 0;
}

static int run(struct connsnoop *c)
{
	_cleanup_(closep) int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct connsnoop_options *o = &c->options;
	struct loop_options loop = {
		.output_fd = STDOUT_FILENO,
		.duration_ns = o->common.duration_ns,
		.on_event = on_event,
		.on_tick = on_tick,
		.context = c,
	};
	struct connection_features features;
	struct error error;
	int r, last;

	if (o->common.command && (r = command_check(o->common.command, &error)) < 0)
		return fail(c, r, "%s", error.text);
	r = load(c, &features);
	if (r < 0)
		return r;
	if (!o->list && !o->failed && o->traffic.protocols & SELECT_DATAGRAMS &&
	    !connection_sees_datagrams(&features)) {
		const char *text = "this kernel has neither the tracepoints nor the function hooks "
				   "to see datagrams with (Linux 6.3, or fexit)";

		if (!(o->traffic.protocols & SELECT_TCP))
			return fail(c, -EOPNOTSUPP, "%s", text);
		fprintf(stderr, "connsnoop: %s: only TCP is shown\n", text);
	}
	loop.ring_fd = bpf_map__fd(c->bpf->maps.records);
	r = stream_new(o, proc_fd, STDOUT_FILENO, &c->stream);
	if (!r)
		r = loop_new(&loop, &c->loop);
	if (r < 0)
		return fail(c, r, "cannot start: %s", strerror(-r));
	if (o->common.command)
		r = start_command(c);
	if (!r)
		r = trace(c);
	last = stream_tick(c->stream, clock_now_ns(), c->bpf->bss->counters.lost_rows, true);
	if (command_is_unread(&c->command, STDOUT_FILENO)) {
		connection_bpf__detach(c->bpf);
		command_wait(&c->command);
	}
	command_stop(&c->command);
	if (r >= 0)
		r = last;
	if (r < 0 && r != -EPIPE && !c->explained)
		fail(c, r, "cannot go on: %s%s", strerror(-r),
		     r == -ENOMEM ? "" : " (writing the output)");
	return r;
}

static int exit_status(struct connsnoop *c, int r)
{
	struct stream_stats stats;

	if (!c->stream || (r < 0 && r != -EPIPE))
		return EXIT_FAILURE;
	stream_get_stats(c->stream, &stats);
	if (c->options.common.stats)
		stats_print(stderr, c->bpf, &stats);
	if (c->options.common.strict && c->bpf->bss->counters.lost_rows)
		return EXIT_LOST;
	if (c->command.pid)
		return command_exit_status(&c->command);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct connsnoop c = {.touch = TOUCH_NONE,
			      .sweep = SWEEP_NONE,
			      .stats_fd = -1,
			      .gone_fd = -1};
	int r, status;

	setlocale(LC_CTYPE, "");
	connsnoop_options_parse(argc, argv, &c.options);
	c.options.output.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	environment_set_verbose(c.options.common.verbose);
	if (c.options.common.features) {
		status = show_features(&c) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	} else {
		r = run(&c);
		status = exit_status(&c, r);
	}
	loop_free(c.loop);
	stream_free(c.stream);
	programs_free(c.bpf);
	closep(&c.stats_fd);
	closep(&c.gone_fd);
	touch_release(&c.touch);
	sweep_release(&c.sweep);
	return status;
}
