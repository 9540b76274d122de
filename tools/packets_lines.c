/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/packets_lines.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "bpf/packets.h"
#include "lib/base.h"
#include "lib/text.h"

#define INTERFACE_COLUMNS 5
#define SECONDS_COLUMNS	  4 /* in front of the point */

static const char *const kind_words[PACKET_OWNER_KINDS] = {
	[PACKET_OWNER_PROCESS] = "process",
	[PACKET_OWNER_KERNEL] = "kernel",
	[PACKET_OWNER_FORWARDED] = "forwarded",
};

const struct field packet_fields[PACKET_FIELDS] = {
	[PACKET_FIELD_TYPE] = {"type", "TYPE", "packet lost", 6, 0},
	[PACKET_FIELD_TS] = {"ts", "TIME", "when it passed", 30, 0},
	[PACKET_FIELD_INTERFACE] = {"iface", "IFACE", "network interface", 8, 0},
	[PACKET_FIELD_DIRECTION] = {"direction", "DIR", "in out", 3, 0},
	CONNECTION_FIELDS(PACKET_FIELD_CONNECTION),
	[PACKET_FIELD_LOCAL] = {"local", "LOCAL", "local address and port", 21, FIELD_TABLE},
	[PACKET_FIELD_REMOTE] = {"remote", "REMOTE", "remote address and port", 21, FIELD_TABLE},
	[PACKET_FIELD_LENGTH] = {"length", "LENGTH", "bytes on the wire", 6, FIELD_RIGHT},
	[PACKET_FIELD_PAYLOAD] = {"payload_bytes", "PAYLOAD", "bytes behind the headers", 7,
				  FIELD_RIGHT},
	[PACKET_FIELD_OWNER] = {"owner", "OWNER", "process kernel forwarded", 9, 0},
	[PACKET_FIELD_PEER_PID] = {"peer_pid", "PEERPID",
				   "process id at the other end, if that is on this machine", 7,
				   FIELD_RIGHT},
	[PACKET_FIELD_PEER_NAME] = {"peer_name", "PEER", "its full name", 18, 0},
	[PACKET_FIELD_PEER_NETNS] = {"peer_netns", "PEERNETNS", "its network namespace", 10,
				     FIELD_RIGHT},
	[PACKET_FIELD_IFACE_NETNS] = {"iface_netns", "IFNETNS",
				      "network namespace of the interface", 10, FIELD_RIGHT},
	[PACKET_FIELD_TEXT] = {"text", "PACKET", "what the packet says, as tcpdump has it", 60, 0},
	[PACKET_FIELD_COMMENT] = {"comment", "COMMENT", "that the file has of it", 20, 0},
	[PACKET_FIELD_COUNT] = {"count", "COUNT", "packets lost", 7, FIELD_RIGHT},
	[PACKET_FIELD_TIME] = {"time", "TIME", "wall clock, local time", 12, FIELD_TABLE},
	[PACKET_FIELD_SECONDS] = {"seconds", "SECONDS",
				  "since the start of flowattr; -r: since the first packet, s", 11,
				  FIELD_RIGHT | FIELD_TABLE},
};

static bool is_known(const struct packet_process *process)
{
	return process->id.tgid != 0;
}

static const char *name_of(const struct packet_process *process)
{
	return process->names.name ? process->names.name : process->id.comm;
}

static void append_name(struct buffer *buffer, const struct packet_process *process)
{
	const char *name = name_of(process);

	text_append(buffer, name, strlen(name));
}

static void append_seconds(struct buffer *buffer, uint64_t since_ns)
{
	uint64_t seconds = since_ns / NSEC_PER_SEC;
	size_t digits = 1;

	if (since_ns == UINT64_MAX) {
		buffer_append_string(buffer, "   -.------ ");
		return;
	}
	for (uint64_t rest = seconds; rest >= 10; rest /= 10)
		digits++;
	if (digits < SECONDS_COLUMNS)
		buffer_append_spaces(buffer, SECONDS_COLUMNS - digits);
	buffer_append_uint(buffer, seconds);
	buffer_append_char(buffer, '.');
	buffer_append_padded(buffer, (uint32_t)(since_ns % NSEC_PER_SEC / 1000), 6);
	buffer_append_char(buffer, ' ');
}

/* As tcpdump: the time of the day, where we are. */
static void append_time(struct buffer *buffer, uint64_t ts_ns)
{
	time_t seconds = (time_t)(ts_ns / NSEC_PER_SEC);
	struct tm tm;

	if (ts_ns == UINT64_MAX || !localtime_r(&seconds, &tm)) {
		buffer_append_string(buffer, "--:--:--.------ ");
		return;
	}
	buffer_append_padded(buffer, (uint32_t)tm.tm_hour, 2);
	buffer_append_char(buffer, ':');
	buffer_append_padded(buffer, (uint32_t)tm.tm_min, 2);
	buffer_append_char(buffer, ':');
	buffer_append_padded(buffer, (uint32_t)tm.tm_sec, 2);
	buffer_append_char(buffer, '.');
	buffer_append_padded(buffer, (uint32_t)(ts_ns % NSEC_PER_SEC / 1000), 6);
	buffer_append_char(buffer, ' ');
}

static void append_interface(struct buffer *buffer, const struct packet_view *view)
{
	size_t columns = 1;

	if (view->interface)
		columns = text_append(buffer, view->interface, view->interface_length);
	else
		buffer_append_char(buffer, '-');
	if (columns < INTERFACE_COLUMNS)
		buffer_append_spaces(buffer, INTERFACE_COLUMNS - columns);
	buffer_append_string(buffer, view->direction == PACKET_OUT  ? " Out "
				     : view->direction == PACKET_IN ? " In  "
								    : " ?   ");
}

/* What takes a process's place where there is none. */
static const char *kind_word(const struct packet_owner *owner, const char *unknown)
{
	bool has_word = owner->kind == PACKET_OWNER_KERNEL || owner->kind == PACKET_OWNER_FORWARDED;

	return has_word ? kind_words[owner->kind] : unknown;
}

static void append_bracketed(struct buffer *buffer, const struct packet_owner *owner,
			     const struct packet_process *process)
{
	if (!is_known(process)) {
		buffer_append_string(buffer, kind_word(owner, "?"));
		return;
	}
	append_name(buffer, process);
	buffer_append_char(buffer, '[');
	buffer_append_uint(buffer, process->id.tgid);
	buffer_append_char(buffer, ']');
}

/* " from 123 curl [4026532301]" */
static void append_forwarded(struct buffer *buffer, const char *how,
			     const struct packet_process *process)
{
	if (!is_known(process))
		return;
	buffer_append_string(buffer, how);
	buffer_append_uint(buffer, process->id.tgid);
	buffer_append_char(buffer, ' ');
	append_name(buffer, process);
	if (!process->netns)
		return;
	buffer_append_string(buffer, " [");
	buffer_append_uint(buffer, process->netns);
	buffer_append_char(buffer, ']');
}

static void append_owner(struct buffer *buffer, const struct packet_view *view)
{
	const struct packet_owner *owner = view->owner;
	bool in = view->direction == PACKET_IN;

	if (owner->kind == PACKET_OWNER_FORWARDED) {
		buffer_append_string(buffer, kind_words[owner->kind]);
		append_forwarded(buffer, owner->gets ? " to " : " from ", &owner->local);
		append_forwarded(buffer, " to ", &owner->peer);
	} else if (is_known(&owner->peer)) {
		append_bracketed(buffer, owner, in ? &owner->peer : &owner->local);
		buffer_append_string(buffer, " > ");
		append_bracketed(buffer, owner, in ? &owner->local : &owner->peer);
	} else if (is_known(&owner->local)) {
		buffer_append_uint(buffer, owner->local.id.tgid);
		buffer_append_char(buffer, ' ');
		append_name(buffer, &owner->local);
	} else {
		buffer_append_string(buffer, kind_word(owner, "-"));
	}
}

void packet_line(struct buffer *buffer, const struct packet_view *view)
{
	if (view->seconds)
		append_seconds(buffer, view->since_ns);
	else
		append_time(buffer, view->ts_ns);
	append_interface(buffer, view);
	packet_append(buffer, view->packet);
	buffer_append_string(buffer, "  ");
	append_owner(buffer, view);
	if (view->comment) {
		buffer_append_string(buffer, "  # ");
		text_append(buffer, view->comment, view->comment_length);
	}
	buffer_append_char(buffer, '\n');
}

/* The packet's tuple as a connection has it: from this end. */
static struct connection connection_of(const struct packet_view *view)
{
	const struct packet_tuple *tuple = &view->packet->tuple;
	const struct packet_owner *owner = view->owner;
	bool forwarded = owner->kind == PACKET_OWNER_FORWARDED && is_known(&owner->local);
	bool in = forwarded ? owner->gets : view->direction == PACKET_IN;
	struct connection connection = {
		.owner = owner->local.id,
		.cookie = view->cookie,
		.netns = forwarded ? owner->local.netns : view->netns,
		.lport = in ? tuple->destination_port : tuple->source_port,
		.rport = in ? tuple->source_port : tuple->destination_port,
		.protocol = tuple->protocol,
		.owner_src = owner->owner_src,
	};

	memcpy(connection.laddr, in ? tuple->destination : tuple->source, 16);
	memcpy(connection.raddr, in ? tuple->source : tuple->destination, 16);
	return connection;
}

static void row_ports(struct row *row, const struct packet *packet)
{
	if (packet->has & (PACKET_HAS_PORTS | PACKET_HAS_ECHO))
		return;
	row_null(row, PACKET_FIELD_CONNECTION + CONNECTION_LPORT);
	row_null(row, PACKET_FIELD_CONNECTION + CONNECTION_RPORT);
}

/* What a file does not say. */
static void row_bare(struct row *row)
{
	static const size_t unknown[] = {CONNECTION_COMM, CONNECTION_NAME_SRC, CONNECTION_PPID,
					 CONNECTION_UID, CONNECTION_OWNER_SRC};

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		row_null(row, PACKET_FIELD_CONNECTION + unknown[i]);
}

static void row_connection(struct row *row, const struct packet_view *view)
{
	static const struct connection_columns at = {PACKET_FIELD_CONNECTION, PACKET_FIELD_LOCAL,
						     PACKET_FIELD_REMOTE};
	const struct packet_process *local = &view->owner->local;
	const struct connection connection = connection_of(view);
	const size_t first = PACKET_FIELD_CONNECTION;

	connection_row(&connection, &local->names, local->cgroup, &at, row);
	if (is_known(local)) /* the row outlives `connection` */
		row_text_n(row, first + CONNECTION_COMM, local->id.comm,
			   strnlen(local->id.comm, sizeof(local->id.comm)));
	row_text(row, first + CONNECTION_PROTO, packet_protocol(view->packet));
	row_ports(row, view->packet);
	if (!view->packet->tuple.family) {
		row_null(row, first + CONNECTION_LADDR);
		row_null(row, first + CONNECTION_RADDR);
		row_null(row, at.local);
		row_null(row, at.remote);
	}
	if (!connection.netns)
		row_null(row, first + CONNECTION_NETNS);
	if (!view->cookie)
		row_null(row, first + CONNECTION_COOKIE);
	if (!is_known(&view->owner->local))
		row_null(row, first + CONNECTION_OWNER_SRC);
	else if (view->owner->local.bare)
		row_bare(row);
}

static void row_netns(struct row *row, size_t field, uint32_t netns)
{
	if (netns)
		row_uint(row, field, netns);
	else
		row_null(row, field);
}

static void row_peer(struct row *row, const struct packet_process *peer)
{
	row_netns(row, PACKET_FIELD_PEER_NETNS, peer->netns);
	if (!is_known(peer)) {
		row_null(row, PACKET_FIELD_PEER_PID);
		row_null(row, PACKET_FIELD_PEER_NAME);
		return;
	}
	row_uint(row, PACKET_FIELD_PEER_PID, peer->id.tgid);
	row_text(row, PACKET_FIELD_PEER_NAME, name_of(peer));
}

static void row_times(struct row *row, uint64_t ts_ns, uint64_t since_ns)
{
	uint64_t us = since_ns / 1000;

	if (ts_ns == UINT64_MAX) {
		row_null(row, PACKET_FIELD_TS);
		row_null(row, PACKET_FIELD_TIME);
	} else {
		row_time(row, PACKET_FIELD_TS, ts_ns);
		row_time(row, PACKET_FIELD_TIME, ts_ns);
	}
	if (since_ns == UINT64_MAX)
		row_null(row, PACKET_FIELD_SECONDS);
	else
		row_text_printf(row, PACKET_FIELD_SECONDS, "%llu.%06llu",
				(unsigned long long)(us / 1000000),
				(unsigned long long)(us % 1000000));
}

void packet_row(const struct packet_view *view, struct row *row)
{
	static const char *const directions[] = {[PACKET_OUT] = "out", [PACKET_IN] = "in"};
	struct buffer text = {};

	row_reset(row);
	row_text(row, PACKET_FIELD_TYPE, "packet");
	row_times(row, view->ts_ns, view->since_ns);
	row_text_n(row, PACKET_FIELD_INTERFACE, view->interface, view->interface_length);
	row_text(row, PACKET_FIELD_DIRECTION, directions[view->direction]);
	row_connection(row, view);
	row_uint(row, PACKET_FIELD_LENGTH, view->bytes);
	row_uint(row, PACKET_FIELD_PAYLOAD, view->packet->payload_bytes);
	row_text(row, PACKET_FIELD_OWNER, kind_words[view->owner->kind]);
	row_peer(row, &view->owner->peer);
	row_netns(row, PACKET_FIELD_IFACE_NETNS, view->netns);
	packet_append(&text, view->packet);
	row_text_copy(row, PACKET_FIELD_TEXT, text.failed ? "" : text.data,
		      text.failed ? 0 : text.length);
	buffer_release(&text);
	if (view->comment)
		row_text_n(row, PACKET_FIELD_COMMENT, view->comment, view->comment_length);
}

void packet_lost_row(uint64_t count, uint64_t ts_ns, uint64_t since_ns, struct row *row)
{
	row_reset(row);
	row_text(row, PACKET_FIELD_TYPE, "lost");
	row_times(row, ts_ns, since_ns);
	row_uint(row, PACKET_FIELD_COUNT, count);
}
