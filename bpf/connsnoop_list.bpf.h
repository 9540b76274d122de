/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets that exist already: listed, and tagged with their owners. */
#ifndef CONNSNOOP_LIST_BPF_H
#define CONNSNOOP_LIST_BPF_H

#include "connsnoop_state.bpf.h"

/* Sockets that no descriptor holds: not accepted yet, closing, TIME_WAIT. Of the network namespace
 * that the iterator is made in; user space leaves out those that list_sockets has told of. */
SEC("iter/tcp")
int list_unheld(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct open_record record = {};
	struct socket_state found = {}, *state;
	struct tcp_sock *tcp;

	if (!common || (settings.filter.netns && sock_netns(common) != settings.filter.netns))
		return 0;
	found.netns = sock_netns(common);
	sock_read_endpoints(common, &found.ends);
	if (!traffic_wanted(&found))
		return 0;
	tcp = bpf_skc_to_tcp_sock(common); /* NULL: TIME_WAIT, or a request to connect */
	state = tcp ? socket_find((struct sock *)tcp) : NULL;
	record.live = state && state->flags & SOCKET_LIVE;
	record_head(&record.header, RECORD_OPEN, sizeof(record));
	connection_fill(&record.connection, bpf_get_socket_cookie(common), &found,
			common->skc_state);
	if (tcp && common->skc_state == BPF_TCP_LISTEN)
		record.backlog = BPF_CORE_READ((struct sock *)tcp, sk_max_ack_backlog);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

/* The holder last seen: descriptors of one process come one behind the other. */
struct process_id last_holder = {};

static __always_inline void holder_read_id(struct task_struct *task, struct process_id *id)
{
	if (last_holder.tid != (__u32)task->pid || last_holder.exec_id != task->self_exec_id ||
	    last_holder.start_ns != BPF_CORE_READ(task, group_leader, start_boottime))
		task_read_id(task, TEXT_CGROUP_ITER, &last_holder);
	*id = last_holder;
}

/* Sockets that exist already: one record for each descriptor that holds one. */
SEC("iter/task_file")
int list_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct open_record record = {};
	struct socket_state fresh = {}, *state;
	const struct cred *cred;
	struct socket *socket;
	struct sock *sk;
	__u8 tcp_state;
	bool wanted;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || sk->sk_protocol != IPPROTO_TCP ||
	    (sk->__sk_common.skc_family != AF_INET && sk->__sk_common.skc_family != AF_INET6))
		return 0;
	tcp_state = sk->__sk_common.skc_state;
	if (tcp_state == BPF_TCP_CLOSE || !netns_wanted(sk))
		return 0;
	holder_read_id(task, &fresh.owner);
	wanted = filter_wants_task(&settings.filter, task, &fresh.owner);
	if (!wanted && tcp_state != BPF_TCP_LISTEN)
		return 0;
	fresh.owner.tid = 0;
	fresh.owner_src = OWNER_ITER;
	fresh.netns = sock_netns(&sk->__sk_common);
	sock_read_endpoints(&sk->__sk_common, &fresh.ends);
	cred = BPF_CORE_READ(file, f_cred);
	record.opener = cred == BPF_CORE_READ(task, cred);
	if (!settings.list_only) {
		state = socket_make(sk);
		if (state && state->flags & SOCKET_LIVE) {
			record.live = 1;
		} else if (state &&
			   (!state->flags || (record.opener && !(state->flags & SOCKET_OPENER)))) {
			fresh.flags = wanted ? SOCKET_WANTED : 0;
			if (record.opener)
				fresh.flags |= SOCKET_OPENER;
			if (tcp_state == BPF_TCP_LISTEN) {
				fresh.flags |= SOCKET_LISTENING;
				fresh.listener_pid = fresh.owner.tgid;
				fresh.listen_cred = (__u64)cred;
			} else if (tcp_state == BPF_TCP_SYN_SENT) {
				fresh.flags |= SOCKET_CONNECTING;
			} else {
				fresh.flags |= SOCKET_OPEN;
			}
			*state = fresh;
			/* connected while the tag was made: its connect record will not come */
			if (tcp_state == BPF_TCP_SYN_SENT &&
			    sk->__sk_common.skc_state != BPF_TCP_SYN_SENT &&
			    state->flags & SOCKET_CONNECTING) {
				state->flags ^= SOCKET_CONNECTING | SOCKET_OPEN;
				tcp_state = sk->__sk_common.skc_state;
			}
		}
	}
	if (!wanted || !traffic_wanted(&fresh))
		return 0;
	record_head(&record.header, RECORD_OPEN, sizeof(record));
	connection_fill(&record.connection, bpf_get_socket_cookie(sk), &fresh, tcp_state);
	if (tcp_state == BPF_TCP_LISTEN)
		record.backlog = sk->sk_max_ack_backlog;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

#endif
