/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connection_words.h"

#include <netinet/in.h>

#include "lib/base.h"

const char *const connection_events[] = {"connect", "accept", "listen", "flow",
					 "close",   "open",   NULL};

const char *const connection_protocols[] = {"tcp", "udp", "icmp", "raw", "packet", "sctp", NULL};

const struct record_sizes connection_sizes = {
	.least = {
		[RECORD_PROCESS] = sizeof(struct process_record),
		[RECORD_EXIT] = sizeof(struct exit_record),
		[RECORD_CGROUP] = sizeof(struct cgroup_record),
		[RECORD_CONNECT] = sizeof(struct connect_record),
		[RECORD_ACCEPT] = sizeof(struct accept_record),
		[RECORD_LISTEN] = sizeof(struct listen_record),
		[RECORD_FLOW] = sizeof(struct flow_record),
		[RECORD_CLOSE] = sizeof(struct close_record),
		[RECORD_OPEN] = sizeof(struct open_record),
		[RECORD_LIVE] = sizeof(struct close_record),
		[RECORD_SHARE] = sizeof(struct share_record),
	}};

const char *word_owner_source(uint8_t source)
{
	static const char *const names[OWNER_SOURCES] = {
		[OWNER_UNKNOWN] = "unknown", [OWNER_CONNECT] = "connect", [OWNER_ACCEPT] = "accept",
		[OWNER_LISTEN] = "listen",   [OWNER_SEND] = "send",	  [OWNER_RECV] = "recv",
		[OWNER_CLOSE] = "close",     [OWNER_ITER] = "iter",	  [OWNER_PROCFS] = "procfs",
		[OWNER_CALL] = "call",
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
	case IPPROTO_SCTP:
		return "sctp";
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
	if (connection->protocol == IPPROTO_SCTP)
		return connection->state == TCP_LISTEN;
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
