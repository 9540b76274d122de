/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connection_programs.h"

#include <string.h>
#include <unistd.h>

#include "bpf/connection.h"
#include "connection.skel.h"
#include "connection_plain.skel.h"
#include "lib/cgroup.h"
#include "lib/environment.h"
#include "lib/filter.h"
#include "lib/linger.h"
#include "lib/skeleton.h"
#include "tools/connection_sockets.h"

#define RING_BYTES_LIVE (16U << 20) /* of records, for what reads flows at intervals */

#define SOCKETS_PREALLOCATED 65536 /* 15 MB */

DEFINE_SKELETON_OPEN(connection)

static void bpfp(struct connection_bpf **bpf)
{
	connection_bpf__destroy(*bpf);
}

static struct connection_config *settings_of(struct connection_bpf *bpf)
{
	return (struct connection_config *)&bpf->rodata->settings;
}

static void want(struct bpf_program *program, bool wanted)
{
	bpf_program__set_autoload(program, wanted);
}

/* Connects that fail before the socket changes its state. */
static void choose_for_connect(struct connection_bpf *bpf, const struct connection_features *f)
{
	bool exits = connection_uses(f, FEATURE_EXIT_CONNECT);

	want(bpf->progs.on_connect4_exit, exits);
	want(bpf->progs.on_connect6_exit, exits);
	settings_of(bpf)->watch_attempts = !exits;
	want(bpf->progs.on_connect4, !exits);
	want(bpf->progs.on_connect6, !exits);
	want(bpf->progs.on_lookup4, connection_uses(f, FEATURE_ROUTES_IPV4));
	want(bpf->progs.on_lookup6, connection_uses(f, FEATURE_ROUTES_IPV6));
}

/* What is sent and received, of datagrams or of TCP. */
static void want_calls(struct connection_bpf *bpf, const struct connection_features *f)
{
	want(bpf->progs.on_receive, true);
	want(bpf->progs.on_send, true);
	want(bpf->progs.on_receive_stand_in, connection_uses(f, FEATURE_STAND_IN));
	want(bpf->progs.on_send_stand_in, connection_uses(f, FEATURE_STAND_IN));
}

/* Who accepts: told by the function's return, else by the first touch. */
static void choose_for_accept(struct connection_bpf *bpf, const struct connection_features *f)
{
	bool exits = connection_uses(f, FEATURE_EXIT_ACCEPT);

	settings_of(bpf)->accept_hook = exits || connection_uses(f, FEATURE_PROBE_ACCEPT);
	want(bpf->progs.on_accept, exits && f->accept_parameters == 2);
	want(bpf->progs.on_accept_old, exits && f->accept_parameters != 2);
	want(bpf->progs.on_accept_probe, connection_uses(f, FEATURE_PROBE_ACCEPT));
	if (connection_uses(f, FEATURE_TOUCH_ACCEPT))
		want_calls(bpf, f);
	want(bpf->progs.resolve_accepts, connection_uses(f, FEATURE_TOUCH_ACCEPT));
}

static void choose_for_tcp(const struct connection_request *o, struct connection_bpf *bpf,
			   const struct connection_features *f)
{
	want(bpf->progs.on_state, true);
	want(bpf->progs.on_state_stand_in, true);
	want(bpf->progs.on_destroy, true);
	want(bpf->progs.on_destroy_stand_in, connection_uses(f, FEATURE_STAND_IN));
	if (o->events & EVENT_BIT(RECORD_CONNECT) && !o->live) /* they carry nothing */
		choose_for_connect(bpf, f);
	if (o->events & (EVENT_BIT(RECORD_ACCEPT) | EVENT_BIT(RECORD_CLOSE)))
		choose_for_accept(bpf, f);
}

/* What is sent and received. */
static void choose_for_flows(struct connection_bpf *bpf, const struct connection_features *f)
{
	bool exits = connection_uses(f, FEATURE_EXIT_DATAGRAMS);

	if (connection_uses(f, FEATURE_DATAGRAMS))
		want_calls(bpf, f);
	want(bpf->progs.on_inet_sendmsg, exits);
	want(bpf->progs.on_inet6_sendmsg, exits);
	want(bpf->progs.on_inet_recvmsg, exits);
	want(bpf->progs.on_inet6_recvmsg, exits);
	want(bpf->progs.on_common_recvmsg, exits);
	want(bpf->progs.on_inet_sendpage, f->has_sendpage);
	want(bpf->progs.on_packet_sendmsg, connection_uses(f, FEATURE_EXIT_PACKETS));
	want(bpf->progs.on_packet_recvmsg, connection_uses(f, FEATURE_EXIT_PACKETS));
	want(bpf->progs.on_create, !connection_uses(f, FEATURE_COOKIES));
	want(bpf->progs.on_release, true);
	want(bpf->progs.on_flow_owner_exit, true);
	want(bpf->progs.sweep_flows, true);
}

/* Who it goes to and comes from. */
static void choose_for_peers(const struct connection_request *o, struct connection_bpf *bpf,
			     const struct connection_features *f)
{
	bool udp = o->traffic->protocols & SELECT_UDP;
	bool others = o->traffic->protocols & (SELECT_ICMP | SELECT_RAW);
	bool consume = udp && connection_uses(f, FEATURE_EXIT_RECEIVE);
	bool arrivals = udp && connection_uses(f, FEATURE_ARRIVALS);

	want(bpf->progs.on_sendmsg4, udp);
	want(bpf->progs.on_sendmsg6, udp);
	want(bpf->progs.on_consume, consume);
	want(bpf->progs.on_recvmsg4, udp && !consume);
	want(bpf->progs.on_recvmsg6, udp && !consume);
	settings_of(bpf)->watch_arrivals = arrivals;
	want(bpf->progs.on_arrival, arrivals);
	want(bpf->progs.on_drop, arrivals);
	want(bpf->progs.on_copy, others && connection_uses(f, FEATURE_COPIES));
	settings_of(bpf)->watch_routes = others;
	if (others) {
		want(bpf->progs.on_lookup4, f->features[FEATURE_ROUTES_IPV4].available);
		want(bpf->progs.on_lookup6, f->features[FEATURE_ROUTES_IPV6].available);
	}
}

/* Who calls on sockets of TCP. */
static void choose_for_split(struct connection_bpf *bpf, const struct connection_features *f)
{
	bool exits = connection_uses(f, FEATURE_EXIT_DATAGRAMS);

	settings_of(bpf)->split = true;
	want(bpf->progs.live_shares, true);
	if (connection_uses(f, FEATURE_DATAGRAMS))
		want_calls(bpf, f);
	if (exits) {
		want(bpf->progs.on_inet_sendmsg, true);
		want(bpf->progs.on_inet6_sendmsg, true);
		want(bpf->progs.on_inet_recvmsg, true);
		want(bpf->progs.on_inet6_recvmsg, true);
		want(bpf->progs.on_inet_sendpage, f->has_sendpage);
	}
}

static void choose_for_datagrams(const struct connection_request *o, struct connection_bpf *bpf,
				 const struct connection_features *f)
{
	bool udp = o->traffic->protocols & SELECT_UDP;

	if (o->events & EVENT_BIT(RECORD_LISTEN)) {
		want(bpf->progs.on_bind4, udp);
		want(bpf->progs.on_bind6, udp);
		want(bpf->progs.on_state_sctp,
		     (o->traffic->protocols & (SELECT_SCTP | SELECT_TCP)) == SELECT_SCTP);
	}
	if (o->events & (EVENT_BIT(RECORD_FLOW) | EVENT_BIT(RECORD_CLOSE)) &&
	    connection_sees_datagrams(f)) {
		choose_for_flows(bpf, f);
		choose_for_peers(o, bpf, f);
	}
}

static void choose(const struct connection_request *o, struct connection_bpf *bpf,
		   const struct connection_features *f)
{
	bool preemptible = connection_uses(f, FEATURE_STAND_IN);
	struct bpf_program *program;

	bpf_object__for_each_program(program, bpf->obj)
	{
		want(program, false);
		bpf_program__set_autoattach(program, bpf_program__expected_attach_type(program) !=
							     BPF_TRACE_ITER);
	}
	want(bpf->progs.list_processes, connection_uses(f, FEATURE_ARGS));
	want(bpf->progs.list_processes_no_args, !connection_uses(f, FEATURE_ARGS));
	want(bpf->progs.list_sockets, true);
	want(bpf->progs.list_unheld, o->traffic->protocols & SELECT_TCP);
	want(bpf->progs.list_unheld_udp, o->traffic->protocols & SELECT_UDP && o->unheld);
	if (o->list)
		return;
	want(bpf->progs.on_exec, true);
	want(bpf->progs.on_fork, true);
	want(bpf->progs.on_exit, true);
	want(bpf->progs.on_free, settings_of(bpf)->filter.by_process);
	want(bpf->progs.on_move, true);
	want(bpf->progs.on_exec_stand_in, preemptible);
	want(bpf->progs.on_fork_stand_in, preemptible);
	want(bpf->progs.on_exit_stand_in, preemptible);
	want(bpf->progs.live_slots,
	     o->live && o->traffic->protocols & SELECT_TCP && connection_uses(f, FEATURE_CAST));
	want(bpf->progs.live_sockets, o->live && o->traffic->protocols & SELECT_TCP);
	want(bpf->progs.live_flows, o->live && o->traffic->protocols & SELECT_DATAGRAMS);
	if (o->traffic->protocols & SELECT_TCP)
		choose_for_tcp(o, bpf, f);
	if (o->traffic->protocols & SELECT_DATAGRAMS && !o->failed)
		choose_for_datagrams(o, bpf, f);
	if (o->split && o->traffic->protocols & SELECT_TCP)
		choose_for_split(bpf, f);
}

/* Maps that nobody will use take the least there is. */
static void forget_flows(struct connection_bpf *bpf)
{
	struct bpf_map *const maps[] = {bpf->maps.flows, bpf->maps.flow_queue,
					bpf->maps.flow_owners, bpf->maps.datagram_sockets,
					bpf->maps.peers};

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		bpf_map__set_max_entries(maps[i], 1);
}

static int load(const struct connection_request *o, const struct connection_features *f,
		struct connection_bpf **ret_bpf)
{
	bool can_cast = connection_uses(f, FEATURE_CAST);
	_cleanup_(bpfp) struct connection_bpf *bpf = connection_open(can_cast);
	struct connection_config *settings;
	int r;

	if (!bpf)
		return -errno;
	settings = settings_of(bpf);
	filter_configure(o->process, o->traffic, o->command, &settings->filter);
	settings->events = o->events;
	settings->failed_only = o->failed;
	settings->list_only = o->list;
	settings->has_cookie = connection_uses(f, FEATURE_COOKIES);
	settings->has_sock_from_file = connection_uses(f, FEATURE_SOCKET_FILES);
	settings->protocols = o->traffic->protocols;
	settings->touch =
		o->traffic->protocols & SELECT_TCP && connection_uses(f, FEATURE_TOUCH_ACCEPT);
	settings->idle_ns = o->idle_ns;
	settings->fold = o->live;
	bpf->bss->touch_now = true;
	bpf->rodata->preemptible = connection_uses(f, FEATURE_STAND_IN);
	bpf->rodata->hook_cpus = (uint32_t)libbpf_num_possible_cpus();
	bpf_map__set_max_entries(bpf->maps.processes, filter_processes_max(&settings->filter));
	if (o->list) /* nothing but paths of cgroups come by the ring buffer */
		bpf_map__set_max_entries(bpf->maps.records, 256 * 1024);
	if (o->live) /* the closes of FLOWS_MAX at once */
		bpf_map__set_max_entries(bpf->maps.records, RING_BYTES_LIVE);
	sockets_size(bpf, o->list, can_cast);
	if (!o->split)
		bpf_map__set_max_entries(bpf->maps.shares, 1);
	if (connection_uses(f, FEATURE_PROBE_ACCEPT) && f->must_preallocate) {
		bpf_map__set_map_flags(bpf->maps.sockets, 0);
		bpf_map__set_max_entries(bpf->maps.sockets, SOCKETS_PREALLOCATED);
	}
	choose(o, bpf, f);
	if (!bpf_program__autoload(bpf->progs.sweep_flows))
		forget_flows(bpf);
	environment_skip_modules(bpf->progs.on_fork);
	r = connection_bpf__load(bpf);
	if (r < 0)
		return r;
	if (!o->list && !can_cast)
		r = sockets_make_places(bpf);
	if (r < 0)
		return r;
	r = filter_fill_maps(o->process, o->traffic, bpf_map__fd(bpf->maps.processes),
			     bpf_map__fd(bpf->maps.users), bpf_map__fd(bpf->maps.ports));
	if (r < 0)
		return r;
	*ret_bpf = bpf;
	bpf = NULL;
	return 0;
}

/* For a list: to ask the kernel takes longer than what a new one needs for all the rest. */
static int load_assuming(const struct connection_request *o, struct connection_features *f,
			 struct connection_bpf **ret_bpf)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int r;

	connection_features_assume(f);
	r = load(o, f, ret_bpf);
	libbpf_set_print(print);
	return r;
}

int programs_load(const struct connection_request *o, struct connection_features *ret_features,
		  struct connection_bpf **ret_bpf, struct error *error)
{
	_cleanup_(environment_freep) struct environment *environment = NULL;
	struct connection_features *f = ret_features;
	int r = environment_new(&environment, error);

	if (!r)
		r = filter_check(o->process, o->command, error);
	if (r < 0)
		return r;
	if (o->list && !load_assuming(o, f, ret_bpf))
		return 0;
	r = connection_features_detect(environment, o->backend, f, error);
	if (r < 0)
		return r;
	environment_forget_types(environment); /* libbpf reads them once more for itself */
	r = load(o, f, ret_bpf);
	if (r < 0)
		return error_set(error, r,
				 "the kernel refused the BPF programs: %s; -v shows its reasons",
				 strerror(-r));
	return 0;
}

static bool stands_on_cgroup(const struct bpf_program *program)
{
	switch (bpf_program__type(program)) {
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_CGROUP_SKB:
		return bpf_program__autoload(program);
	default:
		return false;
	}
}

/* The programs that stand on the cgroup of all cgroups. */
static int attach_to_cgroup(struct connection_bpf *bpf)
{
	const struct bpf_object_skeleton *skeleton = bpf->skeleton;
	_cleanup_(closep) int root = -1;

	for (int i = 0; i < skeleton->prog_cnt; i++) {
		struct bpf_program *program = *skeleton->progs[i].prog;

		if (!stands_on_cgroup(program))
			continue;
		if (root < 0)
			root = cgroup_open_root();
		if (root < 0)
			return root;
		*skeleton->progs[i].link = bpf_program__attach_cgroup(program, root);
		if (!*skeleton->progs[i].link)
			return -errno;
	}
	return 0;
}

int programs_attach(struct connection_bpf *bpf, struct error *error)
{
	int r = connection_bpf__attach(bpf);

	if (r < 0)
		return error_set(error, r, "cannot attach the BPF programs: %s", strerror(-r));
	r = attach_to_cgroup(bpf);
	if (r < 0)
		return error_set(error, r, "cannot attach to the root cgroup (v2): %s",
				 strerror(-r));
	return 0;
}

void programs_free(struct connection_bpf *bpf)
{
	if (bpf)
		linger(bpf->skeleton);
	connection_bpf__destroy(bpf);
}
