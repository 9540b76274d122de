/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connects that fail before the socket changes its state: no route, or a forbidden address. Where
 * functions can be traced their result says it all. Elsewhere: connect(2) passes a cgroup hook,
 * then the routing tables, whose failures have tracepoints, then SYN_SENT. What was at the first
 * two and does not come to the third has failed. A lookup that fails may be followed by one that
 * does not (policy routing): the record waits in user space, and SYN_SENT takes it back.
 */
#ifndef CONNECTION_ATTEMPT_BPF_H
#define CONNECTION_ATTEMPT_BPF_H

#include "connection_connect.bpf.h"
#include "connection_peer.bpf.h"

#define EAGAIN	     11
#define EACCES	     13
#define EINVAL	     22
#define ENETUNREACH  101
#define EHOSTUNREACH 113

#define RTF_REJECT    0x0200
#define RTN_BLACKHOLE 6
#define RTN_PROHIBIT  8

/* The connect that last began on this CPU. */
struct attempt {
	struct endpoints ends;
	__u64 thread; /* pid_tgid; 0: it has come to SYN_SENT */
	__u64 cookie;
	__u64 began_ns;
	__u32 netns;
	__u32 error; /* told already; 0: none so far */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct attempt);
} attempt_now SEC(".maps");

/* Sockets whose attempt has been told to have failed: nothing more to say at their end. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64); /* cookie */
	__type(value, __u8);
} attempts_told SEC(".maps");

static __always_inline struct attempt *attempt_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&attempt_now, &zero);
}

/* The thread of the attempt is current. */
static __noinline void attempt_submit(const struct attempt *attempt, __u32 error, __u32 flags)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct socket_state state = {.owner_src = OWNER_CONNECT};
	struct connect_record *record;

	if (!event_wanted(RECORD_CONNECT) || !netns_wanted(attempt->netns))
		return;
	task_read_id(task, &state.owner);
	state.cookie = attempt->cookie;
	state.ends = attempt->ends;
	state.netns = attempt->netns;
	if (!filter_wants_task(&settings.filter, task, &state.owner) || !traffic_wanted(&state))
		return;
	record = record_reserve(RECORD_CONNECT, sizeof(*record));
	if (!record)
		return;
	connection_fill(&record->connection, &state, BPF_TCP_CLOSE);
	record->latency_ns = record->header.ts_ns - attempt->began_ns;
	record->error = error;
	record->flags = flags;
	record_submit(record, sizeof(*record));
}

/* The same where another thread has connected on this CPU meanwhile, or this one has come to
 * another CPU. */
static __noinline int attempt_succeeded_elsewhere(struct sock *sk)
{
	const struct socket_state *state = socket_find(sk); /* for a copy the stack has no room */
	struct attempt attempt = {};

	if (!state || !(state->flags & SOCKET_ATTEMPT))
		return 0;
	attempt.ends = state->ends;
	attempt.cookie = state->cookie;
	attempt.began_ns = state->began_ns;
	attempt.netns = state->netns;
	if (bpf_map_delete_elem(&attempts_told, &attempt.cookie))
		return 0;
	attempt_submit(&attempt, 0, CONNECT_TENTATIVE | CONNECT_CANCELLED);
	return 0;
}

/* SYN_SENT: the attempt has got there, whatever a lookup had said. */
static __always_inline void attempt_succeeded(struct sock *sk)
{
	struct attempt *attempt = attempt_find();

	if (!attempt || attempt->thread != bpf_get_current_pid_tgid()) {
		attempt_succeeded_elsewhere(sk);
		return;
	}
	attempt->thread = 0;
	if (!attempt->error)
		return;
	attempt_submit(attempt, attempt->error, CONNECT_TENTATIVE | CONNECT_CANCELLED);
	bpf_map_delete_elem(&attempts_told, &attempt->cookie);
}

/* A lookup of a route has failed. Other lookups than connect's own come by here as well: it is the
 * one to the same address and port, by the same thread. */
static __always_inline void attempt_failed(const __u64 *raddr, __u16 rport, __u32 error)
{
	struct attempt *attempt = attempt_find();
	__u8 one = 1;

	if (!attempt || attempt->thread != bpf_get_current_pid_tgid() || attempt->error == error ||
	    attempt->ends.rport != rport || attempt->ends.raddr[0] != raddr[0] ||
	    attempt->ends.raddr[1] != raddr[1])
		return;
	attempt->error = error;
	bpf_map_update_elem(&attempts_told, &attempt->cookie, &one, BPF_ANY);
	attempt_submit(attempt, error, CONNECT_TENTATIVE);
}

/* A socket that connects anew, or ends, and whose last attempt never came to SYN_SENT: it failed,
 * perhaps for a reason that no lookup knew. */
static __noinline int attempt_forget(const struct socket_state *state)
{
	struct connect_record *record;
	__u64 cookie = state->cookie;

	if (!bpf_map_delete_elem(&attempts_told, &cookie) || !event_wanted(RECORD_CONNECT) ||
	    !traffic_wanted(state))
		return 0;
	record = record_reserve(RECORD_CONNECT, sizeof(*record));
	if (!record)
		return 0;
	connection_fill(&record->connection, state, BPF_TCP_CLOSE);
	record->latency_ns = 0;
	record->error = CONNECT_ERROR_UNKNOWN;
	record->flags = 0;
	record_submit(record, sizeof(*record));
	return 0;
}

static __noinline int attempt_forget_last(const void *sk)
{
	struct socket_state state;

	socket_load(sk, &state);
	return attempt_forget(&state);
}

/* connect(2) begins. */
static __always_inline int attempt_begin(struct bpf_sock_addr *ctx, const struct endpoints *ends)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct attempt *attempt = attempt_find();
	struct socket_state fresh = {.owner_src = OWNER_CONNECT}, *last;
	struct tcp_sock *tcp;

	if (ctx->protocol != IPPROTO_TCP || !ctx->sk || !attempt)
		return 1;
	tcp = bpf_skc_to_tcp_sock(ctx->sk);
	if (!tcp)
		return 1;
	fresh.netns = sock_netns((void *)tcp);
	if (!netns_wanted(fresh.netns))
		return 1;
	task_read_id(task, &fresh.owner);
	if (!filter_wants_task(&settings.filter, task, &fresh.owner))
		return 1;
	fresh.cookie = bpf_get_socket_cookie(ctx);
	last = socket_find(tcp);
	if (last && last->flags & SOCKET_ATTEMPT && last->cookie == fresh.cookie)
		attempt_forget_last(tcp);
	fresh.flags = SOCKET_ATTEMPT | SOCKET_LIVE;
	fresh.who = SOCKET_WANTED;
	fresh.began_ns = bpf_ktime_get_ns();
	fresh.ends = *ends;
	if (!socket_put(tcp, &fresh))
		return 1; /* counted at SYN_SENT */
	attempt->ends = *ends;
	attempt->cookie = fresh.cookie;
	attempt->began_ns = fresh.began_ns;
	attempt->netns = fresh.netns;
	attempt->error = 0;
	attempt->thread = (__u64)fresh.owner.tgid << 32 | fresh.owner.tid;
	return 1; /* let it pass */
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *ctx)
{
	struct endpoints ends = {.rport = bpf_ntohs(ctx->user_port)};

	address_from_ipv4(ends.laddr, 0);
	address_from_ipv4(ends.raddr, ctx->user_ip4);
	return attempt_begin(ctx, &ends);
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *ctx)
{
	struct endpoints ends = {.rport = bpf_ntohs(ctx->user_port)};

	ends.raddr[0] = ctx->user_ip6[0] | (__u64)ctx->user_ip6[1] << 32;
	ends.raddr[1] = ctx->user_ip6[2] | (__u64)ctx->user_ip6[3] << 32;
	if (address_is_ipv4(ends.raddr))
		address_from_ipv4(ends.laddr, 0);
	return attempt_begin(ctx, &ends);
}

SEC("tp_btf/fib_table_lookup")
int BPF_PROG(on_lookup4, u32 table, const struct flowi4 *flow, const struct fib_nh_common *hop,
	     int error)
{
	__u64 raddr[2];

	if (flow->__fl_common.flowic_proto == IPPROTO_UDP && flow->uli.ports.dport)
		return 0; /* by far the commonest, and known by other hooks */
	address_from_ipv4(raddr, flow->daddr);
	if (settings.watch_routes)
		peer_by_route(flow, flow->__fl_common.flowic_proto, raddr, flow->uli.ports.dport);
	if (error >= 0 || flow->__fl_common.flowic_proto != IPPROTO_TCP || !settings.watch_attempts)
		return 0;
	attempt_failed(raddr, bpf_ntohs(flow->uli.ports.dport),
		       error == -EAGAIN ? ENETUNREACH : -error);
	return 0;
}

SEC("tp_btf/fib6_table_lookup")
int BPF_PROG(on_lookup6, const struct net *net, const struct fib6_result *result,
	     struct fib6_table *table, const struct flowi6 *flow)
{
	__u32 error = EHOSTUNREACH;
	__u64 raddr[2];

	if (flow->__fl_common.flowic_proto == IPPROTO_UDP && flow->uli.ports.dport)
		return 0;
	address_from_ipv6(raddr, &flow->daddr);
	if (settings.watch_routes)
		peer_by_route(flow, flow->__fl_common.flowic_proto, raddr, flow->uli.ports.dport);
	if (!(result->fib6_flags & RTF_REJECT) || !settings.watch_attempts ||
	    flow->__fl_common.flowic_proto != IPPROTO_TCP)
		return 0;
	if (READ(result, f6i) == READ(net, ipv6.fib6_null_entry))
		error = ENETUNREACH;
	else if (result->fib6_type == RTN_PROHIBIT)
		error = EACCES;
	else if (result->fib6_type == RTN_BLACKHOLE)
		error = EINVAL;
	attempt_failed(raddr, bpf_ntohs(flow->uli.ports.dport), error);
	return 0;
}

/* The result of connecting, where functions can be traced: only what did not get to SYN_SENT. What
 * did in this very call has been told as its end; an earlier call on the socket has returned. */
static __always_inline int connect_returned(struct sock *sk, const struct endpoints *ends, int r)
{
	struct attempt attempt = {.ends = *ends};
	struct socket_state *state = socket_find(sk);
	bool sent = state && state->flags & SOCKET_CALLING;

	if (state)
		attempt.cookie = state->cookie;
	if (sent)
		state->flags &= ~SOCKET_CALLING;
	if (sent || r >= 0)
		return 0;
	if (!attempt.cookie)
		attempt.cookie = socket_cookie(sk);
	attempt.began_ns = bpf_ktime_get_ns();
	attempt.netns = sock_netns(&sk->__sk_common);
	attempt_submit(&attempt, -r, 0);
	return 0;
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(on_connect4_exit, struct sock *sk, void *address, int length, int r)
{
	const struct sockaddr_in *to = address;
	struct endpoints ends = {.rport = bpf_ntohs(READ(to, sin_port))};

	address_from_ipv4(ends.laddr, 0);
	address_from_ipv4(ends.raddr, READ(to, sin_addr.s_addr));
	return connect_returned(sk, &ends, r);
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(on_connect6_exit, struct sock *sk, void *address, int length, int r)
{
	const struct sockaddr_in6 *to = address;
	struct endpoints ends = {.rport = bpf_ntohs(READ(to, sin6_port))};

	bpf_probe_read_kernel(ends.raddr, sizeof(ends.raddr), &to->sin6_addr);
	if (address_is_ipv4(ends.raddr)) /* tcp_v4_connect() has been called for it */
		return 0;
	return connect_returned(sk, &ends, r);
}

#endif
