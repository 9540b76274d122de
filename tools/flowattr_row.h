/* SPDX-License-Identifier: GPL-2.0-only */
/* flowattr's lines and totals as rows. Pure: no kernel, no I/O. */
#ifndef FLOWATTR_ROW_H
#define FLOWATTR_ROW_H

#include "lib/clock.h"
#include "lib/process.h"
#include "lib/row.h"
#include "tools/flowattr_lines.h"
#include "tools/flowattr_wire.h"

/* In the order of JSON's keys; flowattr_fields describes each. */
enum flowattr_field {
	FIELD_TYPE,
	FIELD_TS,
	FIELD_PID, /* from here on as enum connection_field */
	FIELD_TID,
	FIELD_NAME,
	FIELD_COMM,
	FIELD_NAME_SRC,
	FIELD_EXE,
	FIELD_SCRIPT,
	FIELD_ARGS,
	FIELD_ARGS_CUT,
	FIELD_PPID,
	FIELD_UID,
	FIELD_CGROUP,
	FIELD_CONTAINER,
	FIELD_NETNS,
	FIELD_PROTO,
	FIELD_LADDR,
	FIELD_LPORT,
	FIELD_RADDR,
	FIELD_RPORT,
	FIELD_COOKIE,
	FIELD_OWNER_SRC,
	FIELD_DIRECTION,
	FIELD_STATE,
	FIELD_INTERVAL,
	FIELD_TX_BYTES,
	FIELD_RX_BYTES,
	FIELD_TX_PACKETS,
	FIELD_RX_PACKETS,
	FIELD_TX_TOTAL,
	FIELD_RX_TOTAL,
	FIELD_RTT,
	FIELD_RETRANSMITS,
	FIELD_HOLDERS,
	FIELD_PEER_PID,
	FIELD_PEER_NAME,
	FIELD_NAT_LADDR,
	FIELD_NAT_LPORT,
	FIELD_NAT_RADDR,
	FIELD_NAT_RPORT,
	FIELD_FLOWS,
	FIELD_IFACE_TX,
	FIELD_IFACE_RX,
	FIELD_ATTRIBUTED,
	FIELD_HEADER,
	FIELD_KERNEL,
	FIELD_FORWARDED,
	FIELD_NO_SOCKET,
	FIELD_UNATTRIBUTED,
	FIELD_RESIDUAL,
	FIELD_COUNT,
	/* made of others, for people */
	FIELD_TIME,
	FIELD_SECONDS,
	FIELD_USER,
	FIELD_LOCAL,
	FIELD_REMOTE,
	FIELD_TX_RATE,
	FIELD_RX_RATE,
	FIELD_PEER,
	FIELD_NAT_LOCAL,
	FIELD_NAT_REMOTE,
	FIELDS,
};

extern const struct field flowattr_fields[FIELDS];

/* What a row needs beside its line; all borrowed. */
struct flowattr_context {
	const struct clock *clock;
	uint64_t start_ns;		   /* of the program, CLOCK_MONOTONIC */
	uint64_t begin_ns, end_ns;	   /* of the interval, CLOCK_MONOTONIC */
	const struct process_names *names; /* of the owner; NULL: there is none */
	const char *cgroup;		   /* path, or NULL: unknown */
	const char *user;		   /* name of the owner's user; NULL: not needed */
	const char *peer_name;		   /* NULL: no peer */
};

/* An interval's sums. */
struct flowattr_total {
	uint64_t flows;
	struct flow_counts counts;
	const struct wire *wire; /* borrowed; NULL: packets were not counted */
	bool ifaces;		 /* the next two are known */
	uint64_t iface_tx_bytes, iface_rx_bytes;
};

/* What the interfaces counted, less what was seen of it; `wire` and `ifaces` are known. */
int64_t flowattr_residual(const struct flowattr_total *total);

/* Each fills @row, reset first. */
void flowattr_row(const struct flow_line *line, enum flow_lines_by by,
		  const struct flowattr_context *context, struct row *row);
void flowattr_total_row(const struct flowattr_total *total, const struct flowattr_context *context,
			struct row *row);
void flowattr_lost_row(uint64_t count, const struct flowattr_context *context, struct row *row);

#endif
