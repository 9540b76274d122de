/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading sockets: addresses, ports, and which process opened an accepted one. What stands in the
 * socket itself by typed direct loads, what lies behind a pointer by READ().
 */
#ifndef SOCK_BPF_H
#define SOCK_BPF_H

#define AF_INET	 2
#define AF_INET6 10

#define SOCK_SHUTDOWN_MASK 3 /* RCV_SHUTDOWN | SEND_SHUTDOWN */

/* Both ends of a socket, as records have them. */
struct endpoints {
	__u64 laddr[2]; /* network order, IPv4 as ::ffff:a.b.c.d */
	__u64 raddr[2];
	__u16 lport; /* host order */
	__u16 rport;
};

static __always_inline void address_from_ipv4(__u64 address[2], __be32 ipv4)
{
	address[0] = 0;
	address[1] = (__u64)bpf_htonl(0xffff) | (__u64)ipv4 << 32;
}

static __always_inline void address_from_ipv6(__u64 address[2], const struct in6_addr *ipv6)
{
	address[0] = ipv6->in6_u.u6_addr32[0] | (__u64)ipv6->in6_u.u6_addr32[1] << 32;
	address[1] = ipv6->in6_u.u6_addr32[2] | (__u64)ipv6->in6_u.u6_addr32[3] << 32;
}

static __always_inline void sock_read_endpoints(const struct sock_common *common,
						struct endpoints *ends)
{
	if (common->skc_family == AF_INET6) {
		address_from_ipv6(ends->laddr, &common->skc_v6_rcv_saddr);
		address_from_ipv6(ends->raddr, &common->skc_v6_daddr);
	} else {
		address_from_ipv4(ends->laddr, common->skc_rcv_saddr);
		address_from_ipv4(ends->raddr, common->skc_daddr);
	}
	ends->lport = common->skc_num;
	ends->rport = bpf_ntohs(common->skc_dport);
}

/* The same of a socket whose type the verifier does not know. */
static __always_inline void sock_probe_endpoints(const struct sock_common *common,
						 struct endpoints *ends)
{
	if (READ(common, skc_family) == AF_INET6) {
		struct in6_addr address;

		BPF_CORE_READ_INTO(&address, common, skc_v6_rcv_saddr);
		address_from_ipv6(ends->laddr, &address);
		BPF_CORE_READ_INTO(&address, common, skc_v6_daddr);
		address_from_ipv6(ends->raddr, &address);
	} else {
		address_from_ipv4(ends->laddr, READ(common, skc_rcv_saddr));
		address_from_ipv4(ends->raddr, READ(common, skc_daddr));
	}
	ends->lport = READ(common, skc_num);
	ends->rport = bpf_ntohs(READ(common, skc_dport));
}

static __always_inline __u32 sock_netns(const struct sock_common *common)
{
	return READ(common, skc_net.net, ns.inum);
}

/* The local port of a socket that may have given it back already: skc_num is 0 then. */
static __always_inline __u16 sock_bound_port(const struct sock *sk)
{
	const struct inet_sock *inet = (const void *)sk;

	return bpf_ntohs(READ(inet, inet_sport));
}

/* Did the peer's FIN arrive? tcp_fin() sets SOCK_DONE, nothing else does. */
static __always_inline bool sock_got_fin(const struct sock *sk)
{
	return sk->__sk_common.skc_flags & (1UL << SOCK_DONE);
}

/* Credentials that the socket's file was opened with. fork() copies credentials, threads share
 * them: equal pointers mean that the file was opened (socket(2), accept(2)) by this very process.
 * NULL: no file, nobody has accepted it yet. */
static __always_inline const struct cred *sock_file_cred(const struct sock *sk)
{
	struct socket *socket = READ(sk, sk_socket);
	struct file *file;

	if (!socket)
		return NULL;
	file = READ(socket, file);
	return file ? READ(file, f_cred) : NULL;
}

#endif
