/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connection_features.h"

#include <string.h>

static const struct feature known[CONNECTION_FEATURES] = {
	[FEATURE_EXIT_ACCEPT] = {.name = "exit_accept",
				 .gives = "who accepts; at once (fexit of inet_csk_accept)"},
	[FEATURE_PROBE_ACCEPT] = {.name = "probe_accept",
				  .gives = "who accepts; at once (kretprobe of inet_csk_accept)"},
	[FEATURE_TOUCH_ACCEPT] = {.name = "touch_accept",
				  .gives = "who accepts; at the first receive or send "
					   "(tracepoints sock_recv_length and sock_send_length)"},
	[FEATURE_EXIT_CONNECT] = {.name = "exit_connect",
				  .gives = "why a connect fails before its first packet (fexit of "
					   "tcp_v4_connect and tcp_v6_connect)"},
	[FEATURE_ROUTES_IPV4] = {.name = "routes_ipv4",
				 .gives = "the same (cgroup hook and tracepoint "
					  "fib_table_lookup)"},
	[FEATURE_ROUTES_IPV6] = {.name = "routes_ipv6",
				 .gives = "the same for IPv6 (tracepoint fib6_table_lookup)"},
	[FEATURE_DATAGRAMS] = {.name = "datagrams",
			       .gives = "what UDP; ping; raw and packet sockets send and receive "
					"(tracepoints sock_recv_length and sock_send_length)"},
	[FEATURE_EXIT_DATAGRAMS] = {.name = "exit_datagrams",
				    .gives = "the same but for packet sockets (fexit of "
					     "inet_sendmsg; inet_recvmsg and those of IPv6)"},
	[FEATURE_EXIT_PACKETS] = {.name = "exit_packets",
				  .gives = "the same for packet sockets (fexit of packet_sendmsg "
					   "and packet_recvmsg)"},
	[FEATURE_EXIT_RECEIVE] = {.name = "entry_consume",
				  .gives = "who a UDP datagram came from (fentry of "
					   "skb_consume_udp)"},
	[FEATURE_ARRIVALS] = {.name = "arrivals",
			      .gives = "the same (cgroup hooks on addresses and packets)"},
	[FEATURE_COPIES] = {.name = "copies",
			    .gives = "who ping and raw sockets receive from (tracepoint "
				     "skb_copy_datagram_iovec)"},
	[FEATURE_COOKIES] = {.name = "cookies",
			     .gives = "a cookie for each socket; else only for those that have "
				      "one already"},
	[FEATURE_SOCKET_FILES] = {.name = "socket_files",
				  .gives = "bpf_sock_from_file; else the same by reading the file"},
	[FEATURE_ARGS] = {.name = "iterator_args",
			  .gives = "command lines of processes that ran before; else from "
				   "procfs when they are needed"},
	[FEATURE_CAST] = {.name = "cast", .gives = "cheaper reads of kernel memory"},
	[FEATURE_STAND_IN] = {.name = "stand_in",
			      .gives = "second programs for tracepoints that may be preempted "
				       "(from 7.0 on)"},
};

static void set(struct connection_features *f, enum connection_feature feature, bool available)
{
	f->features[feature].available = f->features[feature].used = available;
}

static int unavailable(const char *what, struct error *error)
{
	return error_set(error, -EOPNOTSUPP,
			 "this kernel does not let BPF programs use %s; leave --backend out to use "
			 "what it has",
			 what);
}

/* Of several ways to the same end one is taken. */
static int choose(struct connection_features *f, enum backend backend, struct error *error)
{
	bool fentry = backend == BACKEND_AUTO || backend == BACKEND_FENTRY;
	bool kprobe = backend == BACKEND_AUTO || backend == BACKEND_KPROBE;
	struct feature *all = f->features;

	if (backend == BACKEND_FENTRY && !all[FEATURE_EXIT_ACCEPT].available)
		return unavailable("function hooks (fentry, fexit)", error);
	if (backend == BACKEND_KPROBE && !all[FEATURE_PROBE_ACCEPT].available)
		return unavailable("kprobes", error);
	all[FEATURE_EXIT_ACCEPT].used &= fentry;
	all[FEATURE_PROBE_ACCEPT].used &= kprobe && !all[FEATURE_EXIT_ACCEPT].used;
	all[FEATURE_TOUCH_ACCEPT].used &=
		!all[FEATURE_EXIT_ACCEPT].used && !all[FEATURE_PROBE_ACCEPT].used;
	all[FEATURE_EXIT_CONNECT].used &= fentry;
	all[FEATURE_EXIT_DATAGRAMS].used &= fentry && !all[FEATURE_DATAGRAMS].used;
	all[FEATURE_EXIT_PACKETS].used &= fentry && !all[FEATURE_DATAGRAMS].used;
	all[FEATURE_EXIT_RECEIVE].used &= fentry;
	all[FEATURE_ARRIVALS].used &= !all[FEATURE_EXIT_RECEIVE].used;
	all[FEATURE_ROUTES_IPV4].used &= !all[FEATURE_EXIT_CONNECT].used;
	all[FEATURE_ROUTES_IPV6].used &= !all[FEATURE_EXIT_CONNECT].used;
	return 0;
}

/* Behind EXIT_ACCEPT: where one function can be traced, others can be. */
static void detect_for_datagrams(struct environment *environment, struct connection_features *f)
{
	bool exits = f->features[FEATURE_EXIT_ACCEPT].available;

	set(f, FEATURE_DATAGRAMS, f->features[FEATURE_TOUCH_ACCEPT].available);
	set(f, FEATURE_EXIT_DATAGRAMS,
	    exits && environment_has_function(environment, "inet_sendmsg") &&
		    environment_has_function(environment, "inet6_sendmsg") &&
		    environment_has_function(environment, "inet_recvmsg") &&
		    environment_has_function(environment, "inet6_recvmsg"));
	set(f, FEATURE_EXIT_PACKETS,
	    exits && environment_has_function(environment, "packet_sendmsg") &&
		    environment_has_function(environment, "packet_recvmsg"));
	set(f, FEATURE_EXIT_RECEIVE,
	    exits && environment_has_function(environment, "skb_consume_udp"));
	set(f, FEATURE_ARRIVALS,
	    f->features[FEATURE_COOKIES].available &&
		    environment_has_tracepoint(environment, "udp_fail_queue_rcv_skb"));
	set(f, FEATURE_COPIES, environment_has_tracepoint(environment, "skb_copy_datagram_iovec"));
	f->has_sendpage = exits && environment_has_function(environment, "inet_sendpage");
}

int connection_features_detect(struct environment *environment, enum backend backend,
			       struct connection_features *ret_features, struct error *error)
{
	struct connection_features f = {};
	unsigned int parameters;
	int r;

	memcpy(f.features, known, sizeof(known));
	set(&f, FEATURE_EXIT_ACCEPT,
	    environment_can_trace_return(environment, "inet_csk_accept", &f.accept_parameters));
	set(&f, FEATURE_PROBE_ACCEPT, environment_can_probe_return("inet_csk_accept"));
	f.must_preallocate = !environment_has_function(environment, "bpf_mem_alloc_init");
	set(&f, FEATURE_TOUCH_ACCEPT,
	    environment_has_tracepoint(environment, "sock_recv_length") &&
		    environment_has_tracepoint(environment, "sock_send_length"));
	set(&f, FEATURE_EXIT_CONNECT,
	    environment_can_trace_return(environment, "tcp_v4_connect", &parameters));
	set(&f, FEATURE_ROUTES_IPV4, environment_has_tracepoint(environment, "fib_table_lookup"));
	set(&f, FEATURE_ROUTES_IPV6, environment_has_tracepoint(environment, "fib6_table_lookup"));
	set(&f, FEATURE_COOKIES,
	    environment_has_function(environment, "bpf_get_socket_ptr_cookie"));
	set(&f, FEATURE_SOCKET_FILES, environment_has_function(environment, "bpf_sock_from_file"));
	set(&f, FEATURE_ARGS, environment_has_function(environment, "bpf_copy_from_user_task"));
	set(&f, FEATURE_CAST, environment_has_function(environment, "bpf_rdonly_cast"));
	set(&f, FEATURE_STAND_IN, environment_can_preempt_tracepoints(environment));
	detect_for_datagrams(environment, &f);
	r = choose(&f, backend, error);
	if (r < 0)
		return r;
	*ret_features = f;
	return 0;
}

void connection_features_assume(struct connection_features *ret_features)
{
	struct connection_features f = {};

	memcpy(f.features, known, sizeof(known));
	set(&f, FEATURE_COOKIES, true);
	set(&f, FEATURE_SOCKET_FILES, true);
	set(&f, FEATURE_ARGS, true);
	set(&f, FEATURE_CAST, true);
	*ret_features = f;
}
