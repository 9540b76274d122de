/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_words.h"

#include <netinet/in.h>

#include "tools/connsnoop_row.h"

const char *const connsnoop_events[] = {"connect", "accept", "listen", "flow",
					"close",   "open",   NULL};

const struct field connsnoop_fields[FIELDS] = {
	[FIELD_TYPE] = {"type", "EVENT", "connect, accept, listen, flow, close, open, lost", 7, 0},
	[FIELD_TS] = {"ts", "TS", "when it happened, RFC 3339 UTC with ns", 12, 0},
	[FIELD_PID] = {"pid", "PID", "process id", 7, FIELD_RIGHT},
	[FIELD_TID] = {"tid", "TID", "thread id", 7, FIELD_RIGHT},
	[FIELD_NAME] = {"name", "NAME", "full name of the process", 18, 0},
	[FIELD_COMM] = {"comm", "COMM", "name of the thread, 15 bytes at most", 15, 0},
	[FIELD_NAME_SRC] = {"name_src", "NAMESRC",
			    "how name is known: exec iter fork exe cmdline kernel guess comm", 7,
			    0},
	[FIELD_EXE] = {"exe", "EXE", "path of the executable", 24, 0},
	[FIELD_SCRIPT] = {"script", "SCRIPT", "path of the script that an interpreter runs", 24, 0},
	[FIELD_ARGS] = {"args", "ARGS", "command line, an array", 30, 0},
	[FIELD_ARGS_CUT] = {"args_cut", "CUT", "true: the command line is longer", 3, 0},
	[FIELD_PPID] = {"ppid", "PPID", "process id of the parent", 7, FIELD_RIGHT},
	[FIELD_UID] = {"uid", "UID", "effective user id", 6, FIELD_RIGHT},
	[FIELD_CGROUP] = {"cgroup", "CGROUP", "path of the cgroup (v2)", 30, 0},
	[FIELD_CONTAINER] = {"container", "CONTAINER", "container id found in cgroup", 12, 0},
	[FIELD_NETNS] = {"netns", "NETNS", "network namespace, inode number", 10, FIELD_RIGHT},
	[FIELD_PROTO] = {"proto", "PROTO", "tcp udp udplite icmp raw packet", 5, 0},
	[FIELD_LADDR] = {"laddr", "LADDR", "local address", 15, 0},
	[FIELD_LPORT] = {"lport", "LPORT", "local port", 5, FIELD_RIGHT},
	[FIELD_RADDR] = {"raddr", "RADDR", "remote address", 15, 0},
	[FIELD_RPORT] = {"rport", "RPORT", "remote port", 5, FIELD_RIGHT},
	[FIELD_COOKIE] = {"cookie", "COOKIE", "the kernel's number of the socket", 8, FIELD_RIGHT},
	[FIELD_OWNER_SRC] = {"owner_src", "OWNSRC",
			     "how pid is known: connect accept listen send recv close iter unknown",
			     7, 0},
	[FIELD_ERROR] = {"error", "ERROR", "errno that ended it, such as ECONNREFUSED", 12, 0},
	[FIELD_LATENCY] = {"latency_ns", "LATENCY", "from connect to its end, ns", 10, FIELD_RIGHT},
	[FIELD_LISTENER_PID] = {"listener_pid", "LISTENER", "process that listened for it", 8,
				FIELD_RIGHT},
	[FIELD_BACKLOG] = {"backlog", "BACKLOG", "connections that may wait for accept", 7,
			   FIELD_RIGHT},
	[FIELD_DURATION] = {"duration_ns", "DURATION",
			    "from established, or the first datagram, to its end, ns", 12,
			    FIELD_RIGHT},
	[FIELD_TX_BYTES] = {"tx_bytes", "TX", "payload sent, bytes", 10, FIELD_RIGHT},
	[FIELD_RX_BYTES] = {"rx_bytes", "RX", "payload received, bytes", 10, FIELD_RIGHT},
	[FIELD_TX_PACKETS] = {"tx_packets", "TXPKT", "segments, datagrams sent (wraps at 2^32)", 7,
			      FIELD_RIGHT},
	[FIELD_RX_PACKETS] = {"rx_packets", "RXPKT", "segments, datagrams received (wraps at 2^32)",
			      7, FIELD_RIGHT},
	[FIELD_RETRANSMITS] = {"retransmits", "RETRANS", "segments sent again", 7, FIELD_RIGHT},
	[FIELD_RTT] = {"rtt_us", "RTT", "smoothed round-trip time, us", 7, FIELD_RIGHT},
	[FIELD_CLOSED_BY] = {"closed_by", "CLOSEDBY", "who closed first: local remote reset", 8, 0},
	[FIELD_INFERRED] = {"inferred", "INFERRED",
			    "true: the end itself was not seen, ts is when it was noticed", 8, 0},
	[FIELD_DIRECTION] = {"direction", "DIR", "who sent the first datagram: out in", 3, 0},
	[FIELD_STATE] = {"state", "STATE", "state", 11, 0},
	[FIELD_HOLDERS] = {"holders", "HOLDERS", "all processes that hold the socket, an array", 12,
			   0},
	[FIELD_COUNT] = {"count", "COUNT", "records lost", 7, FIELD_RIGHT},
	[FIELD_TIME] = {"time", "TIME", "wall clock, local time", 12, FIELD_TABLE},
	[FIELD_SECONDS] = {"seconds", "SECONDS", "since the start of connsnoop, s", 11,
			   FIELD_RIGHT | FIELD_TABLE},
	[FIELD_LOCAL] = {"local", "LOCAL", "local address and port", 17, FIELD_TABLE},
	[FIELD_REMOTE] = {"remote", "REMOTE", "remote address and port", 17, FIELD_TABLE},
	[FIELD_DETAIL] = {"detail", "DETAIL", "what the event has to say, in short", 26,
			  FIELD_TABLE},
};

const char *word_owner_source(uint8_t source)
{
	static const char *const names[OWNER_SOURCES] = {
		[OWNER_UNKNOWN] = "unknown", [OWNER_CONNECT] = "connect", [OWNER_ACCEPT] = "accept",
		[OWNER_LISTEN] = "listen",   [OWNER_SEND] = "send",	  [OWNER_RECV] = "recv",
		[OWNER_CLOSE] = "close",     [OWNER_ITER] = "iter",	  [OWNER_PROCFS] = "procfs",
	};

	return source < OWNER_SOURCES ? names[source] : "unknown";
}

const char *word_protocol(uint16_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_UDPLITE:
		return "udplite";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	case PROTOCOL_RAW:
		return "raw";
	case PROTOCOL_PACKET:
		return "packet";
	}
	return NULL;
}

bool is_datagram(const struct connection *connection)
{
	return connection->protocol != IPPROTO_TCP;
}

bool takes_datagrams(const struct connection *connection)
{
	return (connection->protocol == IPPROTO_UDP || connection->protocol == IPPROTO_UDPLITE) &&
	       connection->state == TCP_CLOSE && connection->lport;
}

static const char *tcp_state_name(uint8_t state)
{
	/* include/net/tcp_states.h */
	static const char *const names[] = {
		NULL,	     "ESTABLISHED", "SYN_SENT", "SYN_RECV",   "FIN_WAIT1",
		"FIN_WAIT2", "TIME_WAIT",   "CLOSE",	"CLOSE_WAIT", "LAST_ACK",
		"LISTEN",    "CLOSING",	    "SYN_RECV",
	};

	return state < ARRAY_SIZE(names) ? names[state] : NULL;
}

/* As ss has it: a datagram socket that is not connected. */
const char *word_state(const struct connection *connection)
{
	if (is_datagram(connection) && connection->state == TCP_CLOSE)
		return "UNCONN";
	return tcp_state_name(connection->state);
}
