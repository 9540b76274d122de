/* SPDX-License-Identifier: GPL-2.0-only */
/* connsnoop's records as rows. Pure: no kernel, no I/O. */
#ifndef CONNSNOOP_ROW_H
#define CONNSNOOP_ROW_H

#include <stdbool.h>

#include "bpf/connection.h"
#include "lib/clock.h"
#include "lib/process.h"
#include "lib/row.h"

/* In the order of JSON's keys; connsnoop_fields describes each. */
enum connsnoop_field {
	FIELD_TYPE,
	FIELD_TS,
	FIELD_PID,
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
	FIELD_ERROR,
	FIELD_LATENCY,
	FIELD_LISTENER_PID,
	FIELD_BACKLOG,
	FIELD_DURATION,
	FIELD_TX_BYTES,
	FIELD_RX_BYTES,
	FIELD_TX_PACKETS,
	FIELD_RX_PACKETS,
	FIELD_RETRANSMITS,
	FIELD_RTT,
	FIELD_CLOSED_BY,
	FIELD_INFERRED,
	FIELD_DIRECTION,
	FIELD_STATE,
	FIELD_HOLDERS,
	FIELD_COUNT,
	/* made of others, for people */
	FIELD_TIME,
	FIELD_SECONDS,
	FIELD_LOCAL,
	FIELD_REMOTE,
	FIELD_DETAIL,
	FIELDS,
};

extern const struct field connsnoop_fields[FIELDS];

/* What a row needs beside its record; all borrowed. */
struct connsnoop_context {
	const struct clock *clock;
	uint64_t start_ns;		   /* of the program, CLOCK_MONOTONIC */
	const struct process_names *names; /* of the owner; ignored if there is none */
	const char *cgroup;		   /* path, or NULL: unknown */
	const uint32_t *holders;	   /* of an open record */
	size_t n_holders;
};

/* Fills @row (reset first) from a record of one of connsnoop's own types, whole and checked. */
void connsnoop_row(const struct record_header *record, const struct connsnoop_context *context,
		   struct row *row);

/* A row that says that @count records were lost up to now. */
void connsnoop_lost_row(uint64_t count, uint64_t monotonic_ns,
			const struct connsnoop_context *context, struct row *row);

#endif
