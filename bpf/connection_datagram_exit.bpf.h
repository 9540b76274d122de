/* SPDX-License-Identifier: GPL-2.0-only */
/* Datagrams, and calls on TCP sockets, where functions can be traced: instead of the tracepoints
 * that came in 6.3, and to see each UDP packet as it is received. */
#ifndef CONNECTION_DATAGRAM_EXIT_BPF_H
#define CONNECTION_DATAGRAM_EXIT_BPF_H

#include "connection_share.bpf.h"

static __always_inline int sendmsg_returned(struct socket *socket, int r)
{
	if (socket->sk && !is_stream(socket->type, socket->sk->sk_protocol))
		datagram_sent(socket->sk, r);
	else if (socket->sk)
		share_sent(socket->sk, r);
	return 0;
}

static __always_inline int recvmsg_returned(struct socket *socket, int flags, int r)
{
	if (socket->sk && !is_stream(socket->type, socket->sk->sk_protocol))
		datagram_received(socket->sk, r, flags);
	else if (socket->sk)
		share_received(socket->sk, r, flags);
	return 0;
}

SEC("fexit/inet_sendmsg")
int BPF_PROG(on_inet_sendmsg, struct socket *socket, void *message, size_t size, int r)
{
	return sendmsg_returned(socket, r);
}

SEC("fexit/inet6_sendmsg")
int BPF_PROG(on_inet6_sendmsg, struct socket *socket, void *message, size_t size, int r)
{
	return sendmsg_returned(socket, r);
}

SEC("fexit/packet_sendmsg")
int BPF_PROG(on_packet_sendmsg, struct socket *socket, void *message, size_t size, int r)
{
	return sendmsg_returned(socket, r);
}

/* sendfile(2) and splice(2), until 6.5. */
SEC("fexit/inet_sendpage")
int BPF_PROG(on_inet_sendpage, struct socket *socket, void *page, int offset, size_t size,
	     int flags, ssize_t r)
{
	return sendmsg_returned(socket, r);
}

SEC("fexit/inet_recvmsg")
int BPF_PROG(on_inet_recvmsg, struct socket *socket, void *message, size_t size, int flags, int r)
{
	return recvmsg_returned(socket, flags, r);
}

SEC("fexit/inet6_recvmsg")
int BPF_PROG(on_inet6_recvmsg, struct socket *socket, void *message, size_t size, int flags, int r)
{
	return recvmsg_returned(socket, flags, r);
}

/* Of ping and raw sockets of IPv6. */
SEC("fexit/sock_common_recvmsg")
int BPF_PROG(on_common_recvmsg, struct socket *socket, void *message, size_t size, int flags, int r)
{
	return recvmsg_returned(socket, flags, r);
}

SEC("fexit/packet_recvmsg")
int BPF_PROG(on_packet_recvmsg, struct socket *socket, void *message, size_t size, int flags, int r)
{
	return recvmsg_returned(socket, flags, r);
}

/* The packet that is being received, whether or not its address is asked for. */
SEC("fentry/skb_consume_udp")
int BPF_PROG(on_consume, struct sock *sk, struct sk_buff *skb, int length)
{
	__u64 raddr[2];
	__u16 rport;

	if (packet_source(skb, raddr, &rport))
		peer_put(raddr, rport, 0);
	return 0;
}

#endif
