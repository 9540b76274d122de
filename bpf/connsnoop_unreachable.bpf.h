/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connects that fail before the socket changes its state: no route, or a forbidden address. Where
 * functions can be traced their result says it all. Elsewhere: connect(2) passes a cgroup hook,
 * then the routing tables, whose failures have tracepoints, then SYN_SENT. A thread that was at the
 * first two and never came to the third has failed. A lookup that fails may be followed by one that
 * does not (policy routing): the record waits in user space, and SYN_SENT takes it back.
 */
#ifndef CONNSNOOP_UNREACHABLE_BPF_H
#define CONNSNOOP_UNREACHABLE_BPF_H

#include "connsnoop_state.bpf.h"

#define ATTEMPTS_MAX                                                                               \
	16384 /* threads that are between connect and SYN_SENT, or have failed there               \
	       */

#define EAGAIN	     11
#define EACCES	     13
#define EINVAL	     22
#define ENETUNREACH  101
#define EHOSTUNREACH 113

#define RTF_REJECT	0x0200
#define RTN_UNREACHABLE 7
#define RTN_PROHIBIT	8
#define RTN_BLACKHOLE	6

struct attempt {
	struct endpoints ends;
	__u64 cookie;
	__u64 began_ns;
	__u32 netns;
	__u32 error; /* told already; 0: none so far */
};

/* By thread: pid_tgid. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ATTEMPTS_MAX);
	__type(key, __u64);
	__type(value, struct attempt);
} attempts SEC(".maps");

/* The thread of the attempt is current. @area: as for task_read_id(). */
static __noinline void attempt_submit(const struct attempt *attempt, __u32 error, __u32 flags,
				      __u32 area)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct socket_state state = {.owner_src = OWNER_CONNECT};
	struct connect_record *record;

	if (!event_wanted(RECORD_CONNECT) ||
	    (settings.filter.netns && attempt->netns != settings.filter.netns))
		return;
	task_read_id(task, area, &state.owner);
	state.ends = attempt->ends;
	state.netns = attempt->netns;
	if (!filter_wants_task(&settings.filter, task, &state.owner) || !traffic_wanted(&state))
		return;
	record = record_reserve(RECORD_CONNECT, sizeof(*record));
	if (!record)
		return;
	connection_fill(&record->connection, attempt->cookie, &state, BPF_TCP_CLOSE);
	record->latency_ns = record->header.ts_ns - attempt->began_ns;
	record->error = error;
	record->flags = flags;
	record_submit(record, sizeof(*record));
}

/* SYN_SENT: the thread's attempt has got there. */
static __always_inline void attempt_succeeded(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct attempt *attempt = bpf_map_lookup_elem(&attempts, &thread);

	if (!attempt)
		return;
	if (attempt->error)
		attempt_submit(attempt, attempt->error, CONNECT_TENTATIVE | CONNECT_CANCELLED,
			       TEXT_CGROUP);
	bpf_map_delete_elem(&attempts, &thread);
}

static __always_inline void attempt_failed(__u32 error)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct attempt *attempt = bpf_map_lookup_elem(&attempts, &thread);

	if (!attempt || attempt->error == error)
		return;
	attempt->error = error;
	attempt_submit(attempt, error, CONNECT_TENTATIVE, TEXT_CGROUP);
}

/* An attempt that nothing was heard of since: it failed, and no lookup said why. */
static __always_inline void attempt_forget(__u64 thread, __u32 area)
{
	struct attempt *attempt = bpf_map_lookup_elem(&attempts, &thread);

	if (!attempt)
		return;
	if (!attempt->error)
		attempt_submit(attempt, CONNECT_ERROR_UNKNOWN, 0, area);
	bpf_map_delete_elem(&attempts, &thread);
}

static __always_inline void unreachable_thread_exit(void)
{
	if (settings.watch_attempts)
		attempt_forget(bpf_get_current_pid_tgid(), TEXT_CGROUP);
}

static __always_inline __u32 attempt_netns(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
}

/* Cgroup programs have no bpf_get_current_pid_tgid() before 6.10. */
static __always_inline __u64 current_thread(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return (__u64)BPF_CORE_READ(task, tgid) << 32 | (__u32)BPF_CORE_READ(task, pid);
}

static __always_inline int attempt_begin(struct bpf_sock_addr *ctx, const struct endpoints *ends)
{
	__u64 thread = current_thread();
	struct attempt attempt = {.ends = *ends};

	if (ctx->protocol != IPPROTO_TCP)
		return 1;
	attempt_forget(thread, TEXT_NONE); /* preemptible: no scratch of its own */
	attempt.cookie = bpf_get_socket_cookie(ctx);
	attempt.began_ns = bpf_ktime_get_ns();
	attempt.netns = attempt_netns();
	bpf_map_update_elem(&attempts, &thread, &attempt, BPF_ANY);
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

/* The result of connecting, where functions can be traced: only what did not get to SYN_SENT. */
static __always_inline int connect_returned(struct sock *sk, const struct endpoints *ends, int r)
{
	struct attempt attempt = {.ends = *ends};
	struct socket_state *state;

	if (r >= 0)
		return 0;
	state = socket_find(sk);
	if (state && state->flags & SOCKET_FAILED) {
		state->flags &= ~SOCKET_FAILED; /* it did, and its end has been told */
		return 0;
	}
	attempt.cookie = bpf_get_socket_cookie(sk);
	attempt.began_ns = bpf_ktime_get_ns();
	attempt.netns = sock_netns(&sk->__sk_common);
	attempt_submit(&attempt, -r, 0, TEXT_CGROUP);
	return 0;
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(on_connect4_exit, struct sock *sk, void *address, int length, int r)
{
	const struct sockaddr_in *to = address;
	struct endpoints ends = {.rport = bpf_ntohs(BPF_CORE_READ(to, sin_port))};

	address_from_ipv4(ends.laddr, 0);
	address_from_ipv4(ends.raddr, BPF_CORE_READ(to, sin_addr.s_addr));
	return connect_returned(sk, &ends, r);
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(on_connect6_exit, struct sock *sk, void *address, int length, int r)
{
	const struct sockaddr_in6 *to = address;
	struct endpoints ends = {.rport = bpf_ntohs(BPF_CORE_READ(to, sin6_port))};

	bpf_probe_read_kernel(ends.raddr, sizeof(ends.raddr), &to->sin6_addr);
	if (address_is_ipv4(ends.raddr)) /* tcp_v4_connect() has been called for it */
		return 0;
	return connect_returned(sk, &ends, r);
}

SEC("tp_btf/fib_table_lookup")
int BPF_PROG(on_lookup4, u32 table, const struct flowi4 *flow, const struct fib_nh_common *hop,
	     int error)
{
	if (error < 0)
		attempt_failed(error == -EAGAIN ? ENETUNREACH : -error);
	return 0;
}

SEC("tp_btf/fib6_table_lookup")
int BPF_PROG(on_lookup6, const struct net *net, const struct fib6_result *result)
{
	__u8 type;

	if (!(result->fib6_flags & RTF_REJECT))
		return 0;
	type = result->fib6_type;
	if (result->f6i == net->ipv6.fib6_null_entry)
		attempt_failed(ENETUNREACH);
	else if (type == RTN_PROHIBIT)
		attempt_failed(EACCES);
	else if (type == RTN_BLACKHOLE)
		attempt_failed(EINVAL);
	else
		attempt_failed(EHOSTUNREACH);
	return 0;
}

#endif
