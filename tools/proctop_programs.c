/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_programs.h"

#include <string.h>

#include "bpf/proctop.h"
#include "proctop.skel.h"
#include "lib/environment.h"
#include "lib/filter.h"

static void bpfp(struct proctop_bpf **bpf)
{
	proctop_bpf__destroy(*bpf);
}

static void want(struct bpf_program *program, bool wanted)
{
	bpf_program__set_autoload(program, wanted);
}

/* @args: the iterator that also reads command lines. */
static void choose(struct proctop_bpf *bpf, bool args, bool net)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, bpf->obj)
	{
		want(program, true);
		bpf_program__set_autoattach(program, bpf_program__expected_attach_type(program) !=
							     BPF_TRACE_ITER);
	}
	want(bpf->progs.list_processes, args);
	want(bpf->progs.list_processes_no_args, !args);
	want(bpf->progs.on_exit, false); /* on_end and on_freed stand in for them */
	want(bpf->progs.on_free, false);
	want(bpf->progs.on_send, net);
	want(bpf->progs.on_receive, net);
}

static int load(const struct proctop_options *o, bool args, bool net, struct proctop_bpf **ret_bpf)
{
	_cleanup_(bpfp) struct proctop_bpf *bpf = proctop_bpf__open();
	struct proctop_config *settings;
	int r;

	if (!bpf)
		return -errno;
	settings = (struct proctop_config *)&bpf->rodata->settings;
	filter_configure(&o->common.process, NULL, o->common.command != NULL, &settings->filter);
	settings->page_bytes = (uint32_t)sysconf(_SC_PAGESIZE);
	bpf_map__set_max_entries(bpf->maps.processes, filter_processes_max(&settings->filter));
	choose(bpf, args, net);
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

int programs_load(const struct proctop_options *o, struct proctop_bpf **ret_bpf, bool *ret_net,
		  struct error *error)
{
	_cleanup_(environment_freep) struct environment *environment = NULL;
	int r = environment_new(&environment, error);
	bool net;

	if (r < 0)
		return r;
	net = !o->no_net && environment_has_tracepoint(environment, "sock_send_length") &&
	      environment_has_tracepoint(environment, "sock_recv_length");
	environment_forget_types(environment); /* libbpf reads them once more for itself */
	r = load(o, true, net, ret_bpf);
	if (r < 0) /* before 5.18 no iterator may sleep, and so none can read command lines */
		r = load(o, false, net, ret_bpf);
	if (r < 0)
		return error_set(error, r,
				 "the kernel refused the BPF programs: %s; -v shows its reasons",
				 strerror(-r));
	*ret_net = net;
	return 0;
}

int programs_attach(struct proctop_bpf *bpf, struct error *error)
{
	int r = proctop_bpf__attach(bpf);

	if (r < 0)
		return error_set(error, r, "cannot attach the BPF programs: %s", strerror(-r));
	return 0;
}
