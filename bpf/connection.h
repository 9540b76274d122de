/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of connections and flows, and their read-only configuration, for BPF program and user
 * space. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "record.h"
#include "filter.h"

enum connection_record_type {
	RECORD_CONNECT = RECORD_TOOL, /* struct connect_record */
	RECORD_ACCEPT,		      /* struct accept_record */
	RECORD_LISTEN,		      /* struct listen_record */
	RECORD_FLOW,		      /* struct flow_record */
	RECORD_CLOSE,		      /* struct close_record */
	RECORD_OPEN,		      /* struct open_record, from the iterators */
	RECORD_LIVE,		      /* struct close_record of what is still open, likewise */
	RECORD_SHARE,		      /* struct share_record */
};

#ifndef __VMLINUX_H__
#include <netinet/tcp.h>    /* TCP_ESTABLISHED and so on */
#define TCP_NEW_SYN_RECV 12 /* a request to connect, include/net/tcp_states.h */
#endif

/* Connections and listeners that are kept in mind at most; what is beyond is counted as lost. The
 * kernel's memory for them grows as needed, about 250 bytes each. On a machine with less memory
 * than would do for so many there are fewer: to look through them all costs as much as if there
 * were. A connection takes the kernel 4 KB and more. */
#define SOCKETS_MAX	   262144
#define SOCKETS_MIN	   16384
#define BYTES_FOR_A_SOCKET 16384 /* memory of the machine */

/* Those of them that are found in one step, and not by a search; 180 bytes each, always there. */
#define SOCKET_SLOT_BITS 14
#define SOCKET_SLOTS	 (1U << SOCKET_SLOT_BITS)

/* Programs that may be at work on a copy of one at the same time on a CPU. For each of them there
 * is a place, with the numbers behind SOCKET_SLOTS, in `socket_slots`, or in `sockets` if programs
 * cannot cast. */
#define SOCKET_PLACES	  6
#define SOCKET_KEYS_BEGIN (1ULL << 32) /* in `sockets` keys below are of places */

/* Flows of datagrams that are kept in mind at most; at the bound the one that was used least lately
 * is closed early. About 350 bytes each in the kernel. */
#define FLOWS_MAX 65536

/* Callers of sockets that are kept in mind at most, with connection_config.split; bytes of what is
 * beyond stay with the socket's owner. About 200 bytes each in the kernel. */
#define SHARES_MAX 65536

/* In place of a cookie where the kernel gave none: tells records of one socket from others. */
#define COOKIE_OWN (1ULL << 63)

/* In place of IPPROTO_* for sockets that are no transport protocol's. */
#define PROTOCOL_RAW	0x1000
#define PROTOCOL_PACKET 0x1001

/* What --proto selects: bits in the order of its words. */
#define SELECT_TCP	 0x01U
#define SELECT_UDP	 0x02U /* and UDP-Lite */
#define SELECT_ICMP	 0x04U /* ping sockets */
#define SELECT_RAW	 0x08U
#define SELECT_PACKET	 0x10U
#define SELECT_SCTP	 0x20U /* what it carries is told as datagrams are */
#define SELECT_ALL	 0x3fU
#define SELECT_DATAGRAMS (SELECT_ALL & ~SELECT_TCP)

#define EVENT_BIT(type) (1U << ((type)-RECORD_TOOL))

/* How a socket's owner is known; the words of owner_src. */
enum owner_source {
	OWNER_UNKNOWN = 0,
	OWNER_CONNECT, /* called connect */
	OWNER_ACCEPT,  /* called accept: seen there, or it opened the accepted socket's file */
	OWNER_LISTEN,  /* listens (or, for a connection nobody has accepted yet, listened for it) */
	OWNER_SEND,    /* was the first to send on it */
	OWNER_RECV,    /* was the first to receive on it */
	OWNER_CLOSE,   /* closed it */
	OWNER_ITER,    /* holds it, seen by an iterator */
	OWNER_PROCFS,  /* holds it, found in procfs */
	OWNER_CALL,    /* sent or received these bytes on a socket that is another's */
	OWNER_SOURCES,
};

/* A socket and who it belongs to. */
struct connection {
	struct process_id owner;
	__u64 cookie; /* of the socket, as in `ss -e` (sk:, in decimal), never reused; or COOKIE_OWN
		       */
	__u8 laddr[16]; /* network order, IPv4 as ::ffff:a.b.c.d */
	__u8 raddr[16]; /* as laddr; zero for a listener, and where it is not known */
	__u32 netns;	/* inode number of the socket's network namespace */
	__u16 lport;	/* host order; 0: none (yet) */
	__u16 rport;	/* host order */
	__u16 protocol; /* IPPROTO_*, PROTOCOL_* */
	__u8 owner_src; /* enum owner_source */
	__u8 state;	/* TCP_* of the kernel at that moment */
	__u32 pad;
};
_Static_assert(sizeof(struct connection) == 120, "connection");

/* A connect has ended; header.ts_ns is that moment. */
struct connect_record {
	struct record_header header;
	struct connection connection;
	__u64 latency_ns; /* since connect was called; 0: began before the tool */
	__u32 error;	  /* errno; 0: connected; CONNECT_ERROR_UNKNOWN */
	__u32 flags;	  /* CONNECT_* */
};
_Static_assert(sizeof(struct connect_record) == 160, "connect_record");

#define CONNECT_TENTATIVE 0x1U /* failed, unless a record with CONNECT_CANCELLED follows soon */
#define CONNECT_CANCELLED 0x2U /* the tentative record of the same cookie is void: no row */

#define CONNECT_ERROR_UNKNOWN 0xffffffffU /* it failed, and the kernel kept no errno */

#define ACCEPT_FINAL	 0x1U /* the owner is who accepted; else a better record may follow */
#define ACCEPT_CANCELLED 0x2U /* the owner turned out to be outside of the filter: no row */
#define ACCEPT_LATE	 0x4U /* a record without ACCEPT_FINAL went before */

/* A connection arrived; header.ts_ns is the moment it was established. There may be two records
 * of one cookie: the first without ACCEPT_FINAL, owner = the listening process. */
struct accept_record {
	struct record_header header;
	struct connection connection;
	__u32 listener_pid; /* 0: not known */
	__u32 flags;	    /* ACCEPT_* */
};
_Static_assert(sizeof(struct accept_record) == 152, "accept_record");

struct listen_record {
	struct record_header header;
	struct connection connection;
	__u32 backlog; /* connections that may wait to be accepted */
	__u32 pad;
};
_Static_assert(sizeof(struct listen_record) == 152, "listen_record");

enum flow_direction {
	FLOW_OUT = 1, /* its first datagram was sent */
	FLOW_IN,      /* was received */
};

/* First datagram between a socket and a peer, by this process; header.ts_ns is when it was sent or
 * received. */
struct flow_record {
	struct record_header header;
	struct connection connection;
	__u32 direction; /* enum flow_direction */
	__u32 pad;
};
_Static_assert(sizeof(struct flow_record) == 152, "flow_record");

enum closed_by {
	CLOSED_BY_NONE = 0, /* nobody: timeout (see error), idle */
	CLOSED_BY_LOCAL,    /* this end's FIN or RST came first */
	CLOSED_BY_REMOTE,   /* the peer's FIN came first */
	CLOSED_BY_RESET,    /* the peer sent an RST */
};

#define CLOSE_INFERRED 0x1U /* seen at the socket's end only: ts is late */
#define CLOSE_GONE     0x2U /* seen by nobody: the socket is gone; made by user space, no counters */
#define CLOSE_IDLE     0x4U  /* a flow without a datagram for as long as --idle says */
#define CLOSE_EARLY    0x8U  /* a flow that had to make room for others: FLOWS_MAX */
#define CLOSE_PINNED   0x10U /* its flow record went before */
#define CLOSE_BORN     0x20U /* the hooks saw it begin: the counters are all of it */

struct close_record {
	struct record_header header;
	struct connection connection;
	__u64 opened_ns;	  /* when it was established, CLOCK_MONOTONIC; 0: before the tool;
				   * of a flow: its first datagram */
	__u64 tx_bytes, rx_bytes; /* payload, as the application sees it */
	__u32 tx_packets, rx_packets; /* TCP segments, or datagrams; wrap at 2^32 */
	__u32 retransmits;	      /* segments sent again */
	__u32 rtt_us;		      /* smoothed round trip at the end; 0: never measured */
	__u32 error;		      /* errno that ended it; 0: none */
	__u32 listener_pid;	      /* accepted connections; 0: not known */
	__u8 closed_by;		      /* enum closed_by */
	__u8 flags;		      /* CLOSE_* */
	__u16 pad;
	__u32 pad2;
};
_Static_assert(sizeof(struct close_record) == 200, "close_record");

#define SHARE_UNWANTED 0x1U /* the filter of processes does not want the caller */

/* What one process has sent and received on one TCP socket, as its calls returned it. The first one
 * comes at its first call and counts nothing yet. */
struct share_record {
	struct record_header header;
	struct process_id caller;
	__u64 cookie;		  /* as in struct connection */
	__u64 tx_bytes, rx_bytes; /* since its first call */
	__u32 flags;		  /* SHARE_* */
	__u32 pad;
};
_Static_assert(sizeof(struct share_record) == 120, "share_record");

/* One file descriptor of one process, or (tgid 0) a socket that no descriptor holds: the iterators
 * give one record each, user space joins those of one cookie. */
struct open_record {
	struct record_header header;
	struct connection connection; /* owner: this holder */
	__u32 backlog;		      /* listeners */
	__u8 opener; /* 1: this process opened (connected, accepted, created) the socket */
	__u8 live;   /* 1: the hooks saw its beginning: its own record told of it */
	__u16 pad;
};
_Static_assert(sizeof(struct open_record) == 152, "open_record");

/* Set before load; the verifier drops what a kernel or a user does not want. */
struct connection_config {
	struct filter_config filter;
	__u32 events;	      /* EVENT_BIT()s that user space wants */
	__u32 failed_only;    /* only connects with an error */
	__u32 watch_attempts; /* the programs that see connects fail at once are loaded */
	__u32 accept_hook;    /* a program sees accept(2) return */
	__u32 list_only;      /* the iterators only list: no socket is tagged */
	__u32 has_cookie;     /* bpf_get_socket_cookie() may be called by tracing programs (5.12) */
	__u32 has_sock_from_file; /* bpf_sock_from_file() is there (5.11) */
	__u32 protocols;	  /* SELECT_* */
	__u32 watch_routes;	  /* where raw and ping sockets send to is taken from routes */
	__u32 touch;		  /* who touches accepted sockets is of interest */
	__u32 watch_arrivals;	  /* packets are noted as they arrive, in want of anything better */
	__u32 split; /* bytes of TCP are counted by who calls, and received ones once they are read
		      */
	__u32 fold;  /* what finds no room is summed up, not lost: struct flow_counters */
	__u64 idle_ns; /* a flow without a datagram for so long is over */
};

/* What the kernel side counts of datagrams, in .bss. */
struct flow_counters {
	__u64 sweeps;	/* flows wait for a sweep to close them: grows */
	__u64 early;	/* flows closed early, for others needed the room */
	__u64 no_peer;	/* datagrams whose peer could not be told */
	__u64 no_share; /* calls on TCP sockets that found no room: SHARES_MAX */
	__u64 folded;	/* flows that found no room anywhere, and what no record tells of them: */
	__u64 folded_tx_bytes, folded_rx_bytes;
	__u64 folded_tx_packets, folded_rx_packets;
};

#endif
