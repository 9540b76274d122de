/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of flows of datagrams: their socket is released, their process exits, or a sweep finds
 * that they are over. */
#ifndef CONNECTION_OVER_BPF_H
#define CONNECTION_OVER_BPF_H

#include "connection_datagram.bpf.h"

#define FLOW_CLOSES 6 /* of one socket that are closed in its release; a sweep does the rest */

/* The socket is gone. */
static __always_inline void flow_socket_released(__u64 cookie)
{
	struct datagram_socket *socket = bpf_map_lookup_elem(&datagram_sockets, &cookie);
	struct flow_key key;
	struct flow *flow;

	if (!socket)
		return;
	socket->released_ns = bpf_ktime_get_ns();
	key = socket->last;
	for (int i = 0; i < FLOW_CLOSES; i++) {
		struct flow_key this = key;

		flow = key.cookie ? bpf_map_lookup_elem(&flows, &this) : NULL;
		if (!flow)
			break;
		key = flow->before;
		flow_close(&this, 0, 0);
	}
	socket = bpf_map_lookup_elem(&datagram_sockets, &cookie);
	if (!socket)
		return; /* gone with its last flow */
	if (!socket->flows) {
		bpf_map_delete_elem(&datagram_sockets, &cookie);
		return;
	}
	__sync_fetch_and_add(&flow_counters.sweeps, 1);
}

/* The process has ended: what it shared with others is swept. */
static __always_inline void flow_owner_exited(__u32 tgid)
{
	struct flow_owner *owner = bpf_map_lookup_elem(&flow_owners, &tgid);

	if (!owner)
		return;
	if (!owner->flows) {
		bpf_map_delete_elem(&flow_owners, &tgid);
		return;
	}
	owner->exited_ns = bpf_ktime_get_ns();
	__sync_fetch_and_add(&flow_counters.sweeps, 1);
}

/* Is the flow's socket the one that lives at its address? Memory that is read may be another's by
 * now, but a cookie is not given twice, and a socket that is released says so to its last. */
static __always_inline bool flow_socket_is_there(const struct flow_key *key,
						 const struct flow *flow)
{
	const struct sock *sk = (const void *)flow->sk;

	if (key->cookie & COOKIE_OWN)
		return true; /* not known */
	return (__u64)READ(sk, __sk_common.skc_cookie.counter) == key->cookie &&
	       !(READ(sk, __sk_common.skc_flags) & (1UL << SOCK_DEAD));
}

/* Closes the flow if its socket or its process is gone, or if nothing has come by for long. */
static __noinline int flow_sweep(const struct flow_key *key)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, key);
	struct datagram_socket *socket;
	struct flow_owner *owner;
	__u64 cookie = key->cookie;
	__u32 tgid = key->tgid;

	if (!flow)
		return 0;
	socket = bpf_map_lookup_elem(&datagram_sockets, &cookie);
	if (socket && socket->released_ns)
		return flow_close(key, socket->released_ns, 0);
	owner = bpf_map_lookup_elem(&flow_owners, &tgid);
	if (owner && owner->exited_ns > flow->began_ns) /* else of a process before it */
		return flow_close(key, owner->exited_ns, 0);
	if (!flow_socket_is_there(key, flow)) {
		flow_close(key, 0, CLOSE_INFERRED);
		if (socket && !socket->flows)
			bpf_map_delete_elem(&datagram_sockets, &cookie);
	} else if (bpf_ktime_get_ns() > flow->used_ns + settings.idle_ns) {
		flow_close(key, 0, CLOSE_IDLE);
	}
	return 0;
}

/* The last descriptor of a socket is closed; packet sockets do not come by here. */
SEC("cgroup/sock_release")
int on_release(struct bpf_sock *ctx)
{
	if (datagram_protocol(ctx->family, ctx->type, ctx->protocol))
		flow_socket_released(context_cookie(ctx));
	return 1;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_flow_owner_exit, struct task_struct *task)
{
	if (!READ(task, signal, live.counter))
		flow_owner_exited(task->tgid);
	return 0;
}

/* Flows that are over and that no hook has closed. */
SEC("iter/bpf_map_elem")
int sweep_flows(struct iterator_map *ctx)
{
	const struct flow_key *found = ctx->key;
	struct flow_key key;

	if (!found)
		return 0;
	key = *found;
	flow_sweep(&key);
	return 0;
}

#endif
