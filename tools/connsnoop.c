/* SPDX-License-Identifier: GPL-2.0-only */
/* connsnoop: who talks to whom. Options and life cycle. */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>

#include "bpf/connsnoop.h"
#include "connsnoop.skel.h"
#include "lib/cgroup.h"
#include "lib/clock.h"
#include "lib/command.h"
#include "lib/environment.h"
#include "lib/filter.h"
#include "lib/loop.h"
#include "lib/privileges.h"
#include "tools/connsnoop_existing.h"
#include "tools/connsnoop_stats.h"
#include "tools/connsnoop_stream.h"

#define END_GRACE_NS NSEC_PER_SEC /* connections of a COMMAND that has ended may close as long */

struct connsnoop {
	struct connsnoop_options options;
	struct connsnoop_bpf *bpf;
	struct stream *stream;
	struct loop *loop;
	struct command command;
	uint64_t command_ended_ns; /* 0: it runs */
	bool explained;		   /* why it failed has been said */
	int stats_fd;
	int cgroup_fd; /* root of the cgroup v2 hierarchy; -1: not needed, or there is none */
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

static int libbpf_quiet(enum libbpf_print_level level _unused_, const char *format _unused_,
			va_list arguments _unused_)
{
	return 0;
}

static int libbpf_verbose(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, arguments);
}

/* Connects that fail before the socket changes its state. */
static void choose_for_connect(struct connsnoop *c, const struct environment *environment)
{
	struct connsnoop_bpf *bpf = c->bpf;
	unsigned int parameters;
	bool exits = environment_can_trace_return(environment, "tcp_v4_connect", &parameters);
	bool v6 = environment_has_function(environment, "tcp_v6_connect");
	bool lookups = environment_has_tracepoint(environment, "fib_table_lookup");
	bool lookups6 = environment_has_tracepoint(environment, "fib6_table_lookup");

	bpf_program__set_autoload(bpf->progs.on_connect4_exit, exits);
	bpf_program__set_autoload(bpf->progs.on_connect6_exit, exits && v6);
	if (exits)
		return;
	c->cgroup_fd = cgroup_open_root();
	if (c->cgroup_fd < 0)
		return;
	((struct connsnoop_config *)&bpf->rodata->settings)->watch_attempts = 1;
	bpf_program__set_autoload(bpf->progs.on_connect4, true);
	bpf_program__set_autoload(bpf->progs.on_connect6, true);
	bpf_program__set_autoload(bpf->progs.on_lookup4, lookups);
	bpf_program__set_autoload(bpf->progs.on_lookup6, lookups6);
}

/* Who accepts: told by the function's return, else by the first touch. */
static void choose_for_accept(struct connsnoop *c, const struct environment *environment)
{
	struct connsnoop_bpf *bpf = c->bpf;
	unsigned int parameters = 0;

	if (environment_can_trace_return(environment, "inet_csk_accept", &parameters)) {
		bpf_program__set_autoload(parameters == 2 ? bpf->progs.on_accept
							  : bpf->progs.on_accept_old,
					  true);
		return;
	}
	bpf_program__set_autoload(bpf->progs.on_receive,
				  environment_has_tracepoint(environment, "sock_recv_length"));
	bpf_program__set_autoload(bpf->progs.on_send,
				  environment_has_tracepoint(environment, "sock_send_length"));
}

/* Which programs this kernel can run and these options need. */
static void choose_programs(struct connsnoop *c, const struct environment *environment)
{
	struct connsnoop_bpf *bpf = c->bpf;
	const struct connsnoop_options *o = &c->options;
	bool sleepable = environment_has_sleepable_iterators(environment);
	struct bpf_program *program;

	bpf_object__for_each_program(program, bpf->obj) bpf_program__set_autoload(program, false);
	bpf_program__set_autoload(sleepable ? bpf->progs.list_processes
					    : bpf->progs.list_processes_no_args,
				  true);
	bpf_program__set_autoload(bpf->progs.list_sockets, true);
	bpf_program__set_autoload(bpf->progs.list_unheld, o->list || o->existing);
	if (o->list)
		return;
	bpf_program__set_autoload(bpf->progs.on_exec, true);
	bpf_program__set_autoload(bpf->progs.on_fork, true);
	bpf_program__set_autoload(bpf->progs.on_exit, true);
	bpf_program__set_autoload(bpf->progs.on_free, bpf->rodata->settings.filter.follow);
	bpf_program__set_autoload(bpf->progs.on_state, true);
	bpf_program__set_autoload(bpf->progs.on_destroy, true);
	if (o->events & EVENT_BIT(RECORD_CONNECT))
		choose_for_connect(c, environment);
	if (o->events & (EVENT_BIT(RECORD_ACCEPT) | EVENT_BIT(RECORD_CLOSE)))
		choose_for_accept(c, environment);
}

static int open_and_load(struct connsnoop *c)
{
	_cleanup_(environment_freep) struct environment *environment = NULL;
	const struct connsnoop_options *o = &c->options;
	struct connsnoop_config *settings;
	struct error error;
	int r;

	r = environment_new(&environment, &error);
	if (r < 0)
		return fail(c, r, "%s", error.text);
	c->bpf = connsnoop_bpf__open();
	if (!c->bpf)
		return fail(c, -errno, "cannot open the BPF programs: %s", strerror(errno));
	settings = (struct connsnoop_config *)&c->bpf->rodata->settings;
	filter_configure(&o->common.process, &o->traffic, o->common.command != NULL,
			 &settings->filter);
	settings->events = o->events;
	settings->failed_only = o->failed;
	settings->list_only = o->list;
	bpf_map__set_max_entries(c->bpf->maps.processes, filter_processes_max(&settings->filter));
	choose_programs(c, environment);
	r = connsnoop_bpf__load(c->bpf);
	if (r < 0)
		return fail(c, r, "the kernel refused the BPF programs: %s; -v shows its reasons",
			    strerror(-r));
	r = filter_fill_maps(&o->common.process, &o->traffic, bpf_map__fd(c->bpf->maps.processes),
			     bpf_map__fd(c->bpf->maps.users), bpf_map__fd(c->bpf->maps.ports));
	if (r < 0)
		return fail(c, r, "cannot set the filters: %s", strerror(-r));
	return 0;
}

static int start_command(struct connsnoop *c)
{
	int r = command_start(c->options.common.command, &c->command);

	if (r < 0)
		return fail(c, r, "cannot fork: %s", strerror(-r));
	c->bpf->bss->counters.followed = 1;
	r = filter_add_process(bpf_map__fd(c->bpf->maps.processes), (uint32_t)c->command.pid);
	if (r < 0)
		return fail(c, r, "cannot follow the command: %s", strerror(-r));
	return 0;
}

/* The COMMAND and all it left running have ended: connections still closing get a moment. */
static bool command_is_over(struct connsnoop *c, uint64_t now_ns)
{
	struct stream_stats stats;

	if (!c->command.pid || !command_ended(&c->command) || c->bpf->bss->counters.followed)
		return false;
	if (!c->command_ended_ns) {
		c->command_ended_ns = now_ns;
		return false; /* what the last exit left in the ring buffer comes with the next look
			       */
	}
	stream_get_stats(c->stream, &stats);
	return stats.open <= 0 || now_ns - c->command_ended_ns > END_GRACE_NS;
}

static int on_event(void *context, const void *data, size_t size)
{
	struct connsnoop *c = context;

	return stream_record(c->stream, data, size);
}

static int on_tick(void *context, uint64_t now_ns)
{
	struct connsnoop *c = context;
	int r = stream_tick(c->stream, now_ns, c->bpf->bss->counters.lost_rows, false);

	return r || !command_is_over(c, now_ns) ? r : LOOP_STOP;
}

static int attach_to_cgroup(struct connsnoop *c)
{
	struct connsnoop_bpf *bpf = c->bpf;

	if (c->cgroup_fd < 0)
		return 0;
	bpf->links.on_connect4 = bpf_program__attach_cgroup(bpf->progs.on_connect4, c->cgroup_fd);
	if (!bpf->links.on_connect4)
		return -errno;
	bpf->links.on_connect6 = bpf_program__attach_cgroup(bpf->progs.on_connect6, c->cgroup_fd);
	return bpf->links.on_connect6 ? 0 : -errno;
}

/* Attached, listed, and no more rights than it takes to read on. */
static int attach(struct connsnoop *c)
{
	const struct connsnoop_options *o = &c->options;
	const struct privileges_keep keep = {.kill = o->common.command != NULL,
					     .bpf = o->common.stats};
	int r;

	if (o->common.stats)
		c->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (!o->list) {
		r = connsnoop_bpf__attach(c->bpf);
		if (r < 0)
			return fail(c, r, "cannot attach: %s", strerror(-r));
		r = attach_to_cgroup(c);
		if (r < 0)
			return fail(c, r, "cannot attach to the root cgroup: %s", strerror(-r));
	}
	r = existing_read(o, c->bpf, c->stream);
	if (r < 0)
		return r;
	if (r == 0 && !o->list) {
		int dropped = privileges_drop(&keep);

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
	return loop_run(c->loop);
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
	struct error error;
	int r, last;

	if (o->common.command && (r = command_check(o->common.command, &error)) < 0)
		return fail(c, r, "%s", error.text);
	r = open_and_load(c);
	if (r < 0)
		return r;
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
	struct connsnoop c = {.stats_fd = -1, .cgroup_fd = -1};
	int r, status;

	setlocale(LC_CTYPE, "");
	connsnoop_options_parse(argc, argv, &c.options);
	c.options.output.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	libbpf_set_print(c.options.common.verbose ? libbpf_verbose : libbpf_quiet);
	r = run(&c);
	status = exit_status(&c, r);
	loop_free(c.loop);
	stream_free(c.stream);
	connsnoop_bpf__destroy(c.bpf);
	closep(&c.stats_fd);
	closep(&c.cgroup_fd);
	return status;
}
