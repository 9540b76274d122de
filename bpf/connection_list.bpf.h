/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets that exist already: listed, and tagged with their owners. */
#ifndef CONNECTION_LIST_BPF_H
#define CONNECTION_LIST_BPF_H

#include "connection_accept.bpf.h"
#include "connection_datagram.bpf.h"
#include "connection_mptcp.bpf.h"

#define SOCKFS_MAGIC 0x534f434b

/* Sockets that no descriptor holds: not accepted yet, closing, TIME_WAIT. Of the network namespace
 * that the iterator is made in; user space leaves out those that list_sockets has told of. */
SEC("iter/tcp")
int list_unheld(struct iterator_tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct open_record record = {};
	struct socket_state found = {};
	struct socket_brief brief = {};
	struct tcp_sock *tcp;

	if (!common)
		return 0;
	found.netns = sock_netns(common);
	sock_read_endpoints(common, &found.ends);
	if (!netns_wanted(found.netns) || !traffic_wanted(&found))
		return 0;
	tcp = bpf_skc_to_tcp_sock(common); /* NULL: TIME_WAIT, or a request to connect */
	if (tcp)
		socket_look(tcp, &brief);
	record.live = !!(brief.flags & SOCKET_LIVE);
	if (brief.flags) {
		found.cookie = brief.cookie;
	} else if (settings.has_cookie && !mptcp_is_below(tcp)) {
		found.cookie = bpf_get_socket_cookie(common);
	} else {
		found.cookie = READ(common, skc_cookie.counter); /* as list_sockets */
		if (!found.cookie)
			found.cookie = (__u64)common; /* has COOKIE_OWN */
	}
	record_head(&record.header, RECORD_OPEN, sizeof(record));
	connection_fill(&record.connection, &found, common->skc_state);
	if (tcp && common->skc_state == BPF_TCP_LISTEN)
		record.backlog = READ((struct sock *)tcp, sk_max_ack_backlog);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

/* The holder last seen: descriptors of one process come one behind the other. */
struct process_id last_holder = {};

static __always_inline void holder_read_id(struct task_struct *task, struct process_id *id)
{
	if (last_holder.tid != (__u32)task->pid || last_holder.exec_id != task->self_exec_id ||
	    last_holder.start_ns != READ(task, group_leader, start_boottime))
		task_read_id(task, &last_holder);
	*id = last_holder;
}

/* The socket behind a file, if it is one, and its cookie. */
static __always_inline struct sock *file_sock(struct file *file, __u64 *cookie)
{
	struct socket *socket;

	if (settings.has_sock_from_file) {
		struct sock *sk;

		socket = bpf_sock_from_file(file);
		sk = socket ? socket->sk : NULL;
		if (sk && settings.has_cookie)
			*cookie = bpf_get_socket_cookie(sk);
		return sk;
	}
	if (READ(file, f_inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return NULL;
	socket = READ(file, private_data);
	return READ(socket, sk);
}

/* Not by a slot: a hook may be putting the same socket there, on another CPU. */
static __noinline int list_put(const struct sock *sk, const struct socket_state *fresh)
{
	struct socket_slot *slot = socket_slot(sk);
	__u64 key = (__u64)sk;

	socket_put_slotless(sk, fresh);
	if (slot && slot->sk == key && !bpf_map_delete_elem(&sockets, &key))
		__sync_fetch_and_add(&sockets_slotless, -1);
	return 0;
}

/* Tags a socket that the hooks have not seen begin with its owner. */
static __noinline void list_tag(const struct sock *sk, struct socket_state *fresh, __u8 *tcp_state)
{
	struct socket_state *state;
	__u32 flags = SOCKET_OPEN;

	if (*tcp_state == BPF_TCP_LISTEN)
		flags = SOCKET_LISTENING;
	else if (*tcp_state == BPF_TCP_SYN_SENT)
		flags = SOCKET_CONNECTING;
	fresh->flags |= blur(flags);
	if (blur(flags) & SOCKET_LISTENING) {
		fresh->listener_pid = fresh->owner.tgid;
		fresh->listen_cred = (__u64)sock_file_cred(sk);
	}
	list_put(sk, fresh);
	if (*tcp_state != BPF_TCP_SYN_SENT)
		return;
	/* connected while the tag was made: its connect record will not come */
	*tcp_state = READ(sk, __sk_common.skc_state);
	state = socket_find(sk);
	if (*tcp_state != BPF_TCP_SYN_SENT && state && state->flags & SOCKET_CONNECTING)
		state->flags ^= SOCKET_CONNECTING | SOCKET_OPEN;
}

/* IPPROTO_* or PROTOCOL_* of a datagram socket that is to be listed, and its ends; 0: it is not. A
 * UDP or ping socket without a port has nothing to show, nor anything that could come in. */
static __always_inline __u16 list_datagram(const struct sock *sk, struct endpoints *ends)
{
	__u16 protocol = datagram_protocol(READ(sk, __sk_common.skc_family), READ(sk, sk_type),
					   READ(sk, sk_protocol));

	__builtin_memset(ends, 0, sizeof(*ends));
	if (!protocol)
		return 0;
	if (protocol == PROTOCOL_PACKET)
		return settings.filter.ipv4_only || settings.filter.ipv6_only ? 0 : protocol;
	sock_probe_endpoints(&sk->__sk_common, ends);
	if (protocol == PROTOCOL_RAW)
		ends->lport = 0;
	else if (!ends->lport)
		return 0;
	if (!peer_is_connected(&sk->__sk_common))
		ends->raddr[0] = ends->raddr[1] = ends->rport = 0;
	return protocol;
}

/* A UDP socket of the kernel's own, as tunnels have them. As list_unheld. */
SEC("iter/udp")
int list_unheld_udp(struct iterator_udp *ctx)
{
	const struct sock *sk = (const void *)ctx->udp_sk;
	struct open_record record = {};
	struct socket_state found = {};
	__u16 protocol;

	if (!sk)
		return 0;
	found.netns = sock_netns(&sk->__sk_common);
	protocol = list_datagram(sk, &found.ends);
	if (!protocol || !netns_wanted(found.netns) || !traffic_wanted(&found))
		return 0;
	found.cookie = datagram_cookie((struct sock *)sk);
	record_head(&record.header, RECORD_OPEN, sizeof(record));
	connection_fill(&record.connection, &found, READ(sk, __sk_common.skc_state));
	record.connection.protocol = protocol;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

/* Of a datagram socket: a record for this holder of it. */
static __noinline int list_held_datagram(struct iterator_task_file *ctx, struct task_struct *task,
					 struct file *file, struct sock *sk, __u64 cookie)
{
	struct open_record record = {};
	struct socket_state found = {.owner_src = OWNER_ITER};
	__u16 protocol = list_datagram(sk, &found.ends);

	if (!protocol || !traffic_wanted(&found))
		return 0;
	found.netns = sock_netns(&sk->__sk_common);
	if (!netns_wanted(found.netns))
		return 0;
	holder_read_id(task, &found.owner);
	if (!filter_wants_task(&settings.filter, task, &found.owner))
		return 0;
	found.owner.tid = 0;
	found.cookie = cookie ? cookie : datagram_cookie(sk);
	record.opener = READ(file, f_cred) == READ(task, cred);
	record_head(&record.header, RECORD_OPEN, sizeof(record));
	connection_fill(&record.connection, &found, READ(sk, __sk_common.skc_state));
	record.connection.protocol = protocol;
	if (record.connection.state == BPF_TCP_LISTEN) /* of SCTP */
		record.backlog = READ(sk, sk_max_ack_backlog);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

static __noinline __u64 list_cookie(const struct sock *sk, __u64 cookie,
				    const struct socket_brief *known)
{
	__u64 number;

	if (known->flags)
		return known->cookie;
	if (!cookie)
		cookie = READ(sk, __sk_common.skc_cookie.counter);
	if (cookie)
		return cookie;
	/* its address: has COOKIE_OWN; to the verifier that is no number */
	bpf_probe_read_kernel(&number, sizeof(number), &sk);
	return number;
}

/* The same of a TCP socket, which the live hooks are told of as well. */
static __noinline int list_held_tcp(struct iterator_task_file *ctx, struct task_struct *task,
				    struct file *file, struct sock *sk, __u64 cookie)
{
	struct open_record record = {};
	struct socket_state fresh = {};
	struct socket_brief brief;
	__u8 tcp_state = READ(sk, __sk_common.skc_state);
	__u16 family = READ(sk, __sk_common.skc_family);
	__u32 wanted, tag;

	if (family != AF_INET && family != AF_INET6)
		return 0;
	fresh.netns = sock_netns(&sk->__sk_common);
	if (tcp_state == BPF_TCP_CLOSE || !netns_wanted(fresh.netns))
		return 0;
	holder_read_id(task, &fresh.owner);
	wanted = blur(filter_wants_task(&settings.filter, task, &fresh.owner));
	if (!wanted && tcp_state != BPF_TCP_LISTEN)
		return 0;
	fresh.owner.tid = 0;
	fresh.owner_src = OWNER_ITER;
	sock_probe_endpoints(&sk->__sk_common, &fresh.ends);
	record.opener = blur(READ(file, f_cred) == READ(task, cred));
	socket_look(sk, &brief);
	fresh.cookie = list_cookie(sk, cookie, &brief);
	record.live = blur(!!(brief.flags & SOCKET_LIVE));
	tag = !brief.flags || (record.opener && !(brief.flags & (SOCKET_LIVE | SOCKET_OPENER)));
	if (!settings.list_only && blur(tag)) {
		fresh.flags = blur(record.opener ? SOCKET_OPENER : 0);
		fresh.who = blur(wanted ? SOCKET_WANTED : 0);
		list_tag(sk, &fresh, &tcp_state);
	}
	if (!wanted || !traffic_wanted(&fresh))
		return 0;
	record_head(&record.header, RECORD_OPEN, sizeof(record));
	connection_fill(&record.connection, &fresh, tcp_state);
	if (tcp_state == BPF_TCP_LISTEN)
		record.backlog = READ(sk, sk_max_ack_backlog);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

/* The TCP socket behind that of an application, which may be itself, and its cookie; NULL: none. No
 * program may ask for the cookie of one that is only pointed to. */
static __always_inline struct sock *list_tcp(struct sock *sk, __u64 *cookie)
{
	struct sock *first;

	if (READ(sk, sk_protocol) == IPPROTO_TCP)
		return sk;
	first = (struct sock *)mptcp_first(sk);
	if (first)
		*cookie = READ(first, __sk_common.skc_cookie.counter);
	return first;
}

/* Sockets that exist already: one record for each descriptor that holds one. */
SEC("iter/task_file")
int list_sockets(struct iterator_task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	__u64 cookie = 0;
	struct sock *sk;

	if (!task || !file)
		return 0;
	sk = file_sock(file, &cookie);
	if (!sk)
		return 0;
	if (!is_stream(READ(sk, sk_type), READ(sk, sk_protocol))) {
		if (selects(SELECT_DATAGRAMS))
			list_held_datagram(ctx, task, file, sk, cookie);
	} else if (selects(SELECT_TCP)) {
		sk = list_tcp(sk, &cookie);
		if (sk)
			list_held_tcp(ctx, task, file, sk, cookie);
	}
	return 0;
}

/* Connections that were accepted, and perhaps touched, while no hook could see it: the process that
 * opened the socket's file has accepted it. Prints nothing: the records go by the ring buffer. */
SEC("iter/task_file")
int resolve_accepts(struct iterator_task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket_state *state;
	const struct sock *first;
	struct sock *sk;
	__u64 cookie;

	if (!task || !file || READ(file, f_cred) != READ(task, cred))
		return 0;
	sk = file_sock(file, &cookie);
	first = sk ? mptcp_first(sk) : NULL;
	if (first)
		sk = (struct sock *)first;
	state = sk ? socket_open(sk, PLACE_ITERATOR) : NULL;
	if (!state || !(state->who & SOCKET_UNRESOLVED))
		return 0;
	own_by_acceptor(state, task);
	if (READ(task, signal, nr_threads) > 1)
		state->owner.tid = 0;
	accept_tell(sk, state);
	return 0;
}

#endif
