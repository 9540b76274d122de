/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_programs.h"

#include <string.h>

#include "bpf/proctop.h"
#include "proctop.skel.h"
#include "proctop_plain.skel.h"
#include "lib/clock.h"
#include "lib/environment.h"
#include "lib/features.h"
#include "lib/filter.h"
#include "lib/skeleton.h"

DEFINE_SKELETON_OPEN(proctop)

static void bpfp(struct proctop_bpf **bpf)
{
	proctop_bpf__destroy(*bpf);
}

static void want(struct bpf_program *program, bool wanted)
{
	bpf_program__set_autoload(program, wanted);
}

/* What this kernel offers. */
struct features {
	bool args;	  /* an iterator may read command lines (5.18) */
	bool net;	  /* tracepoints of sockets (6.3), and they are wanted */
	bool cast;	  /* cheap reads (6.2) */
	bool preemptible; /* tracepoints may be preempted (7.0): hooks need stand-ins */
};

static void choose(struct proctop_bpf *bpf, const struct features *features)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, bpf->obj)
	{
		want(program, false);
		bpf_program__set_autoattach(program, bpf_program__expected_attach_type(program) !=
							     BPF_TRACE_ITER);
	}
	want(bpf->progs.list_processes, features->args);
	want(bpf->progs.list_processes_no_args, !features->args);
	want(bpf->progs.list_tasks, true);
	want(bpf->progs.list_exited, true);
	want(bpf->progs.on_exec, true);
	want(bpf->progs.on_fork, true);
	want(bpf->progs.on_thread, true);
	want(bpf->progs.on_end, true);
	want(bpf->progs.on_freed, true);
	want(bpf->progs.on_move, true);
	want(bpf->progs.on_exec_stand_in, features->preemptible);
	want(bpf->progs.on_fork_stand_in, features->preemptible);
	want(bpf->progs.on_thread_stand_in, features->preemptible);
	want(bpf->progs.on_end_stand_in, features->preemptible);
	want(bpf->progs.on_send, features->net);
	want(bpf->progs.on_receive, features->net);
	want(bpf->progs.on_send_stand_in, features->net && features->preemptible);
	want(bpf->progs.on_receive_stand_in, features->net && features->preemptible);
}

static int load(const struct proctop_options *o, const struct features *features,
		struct proctop_bpf **ret_bpf)
{
	_cleanup_(bpfp) struct proctop_bpf *bpf = proctop_open(features->cast);
	struct proctop_config *settings;
	int r;

	if (!bpf)
		return -errno;
	settings = (struct proctop_config *)&bpf->rodata->settings;
	filter_configure(&o->common.process, NULL, o->common.command != NULL, &settings->filter);
	settings->start_ns = clock_boot_now_ns();
	settings->page_bytes = (uint32_t)sysconf(_SC_PAGESIZE);
	bpf->rodata->preemptible = features->preemptible;
	bpf->rodata->hook_cpus = (uint32_t)libbpf_num_possible_cpus();
	bpf_map__set_max_entries(bpf->maps.processes, filter_processes_max(&settings->filter));
	choose(bpf, features);
	environment_skip_modules(bpf->progs.on_fork);
	r = proctop_bpf__load(bpf);
	if (r < 0)
		return r;
	r = filter_fill_maps(&o->common.process, NULL, bpf_map__fd(bpf->maps.processes),
			     bpf_map__fd(bpf->maps.users), bpf_map__fd(bpf->maps.ports));
	if (r < 0)
		return r;
	*ret_bpf = bpf;
	bpf = NULL;
	return 0;
}

static struct features detect(const struct proctop_options *o, struct environment *environment)
{
	return (struct features){
		.args = environment_has_function(environment, "bpf_copy_from_user_task"),
		.net = !o->no_net && environment_has_tracepoint(environment, "sock_send_length") &&
		       environment_has_tracepoint(environment, "sock_recv_length"),
		.cast = environment_has_function(environment, "bpf_rdonly_cast"),
		.preemptible = environment_can_preempt_tracepoints(environment),
	};
}

int programs_load(const struct proctop_options *o, struct proctop_bpf **ret_bpf, bool *ret_net,
		  struct error *error)
{
	_cleanup_(environment_freep) struct environment *environment = NULL;
	int r = environment_new(&environment, error);
	struct features features;

	if (!r)
		r = filter_check(&o->common.process, o->common.command != NULL, error);
	if (r < 0)
		return r;
	features = detect(o, environment);
	environment_forget_types(environment); /* libbpf reads them once more for itself */
	r = load(o, &features, ret_bpf);
	if (r < 0)
		return error_set(error, r,
				 "the kernel refused the BPF programs: %s; -v shows its reasons",
				 strerror(-r));
	*ret_net = features.net;
	return 0;
}

int programs_print_features(const struct proctop_options *o, FILE *file, struct error *error)
{
	_cleanup_(environment_freep) struct environment *environment = NULL;
	int r = environment_new(&environment, error);
	struct features found;

	if (r < 0)
		return r;
	found = detect(o, environment);
	const struct feature features[] = {
		{"network_bytes", "bytes sent and received (sock_send_length; sock_recv_length)",
		 found.net ||
			 (o->no_net && environment_has_tracepoint(environment, "sock_send_length")),
		 found.net},
		{"iterator_args", "command lines of processes that ran before", found.args,
		 found.args},
		{"cast", "cheaper reads of kernel memory", found.cast, found.cast},
		{"stand_in", "second programs for tracepoints that may be preempted (from 7.0 on)",
		 found.preemptible, found.preemptible},
	};

	r = features_print(file, "proctop", features, ARRAY_SIZE(features), o->common.format,
			   o->common.header);
	return r < 0 && r != -EPIPE ? error_set(error, r, "cannot write: %s", strerror(-r)) : 0;
}

int programs_attach(struct proctop_bpf *bpf, struct error *error)
{
	int r = proctop_bpf__attach(bpf);

	if (r < 0)
		return error_set(error, r, "cannot attach the BPF programs: %s", strerror(-r));
	return 0;
}
