/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connection_row.h"

#include <string.h>

#include "lib/cgroup.h"
#include "lib/cidr.h"
#include "tools/connection_words.h"

void connection_row_no_peer(const struct connection_columns *at, struct row *row)
{
	row_null(row, at->first + CONNECTION_RADDR);
	row_null(row, at->first + CONNECTION_RPORT);
	row_null(row, at->remote);
}

static void row_address(struct row *row, size_t field, size_t both, const uint8_t address[16],
			uint16_t port)
{
	char text[ADDRESS_TEXT_MAX];

	size_t length = address_format(address, text);

	row_text_copy(row, field, text, length);
	if (!port)
		row_text_printf(row, both, "%s", text);
	else if (strchr(text, ':'))
		row_text_printf(row, both, "[%s]:%u", text, port);
	else
		row_text_printf(row, both, "%s:%u", text, port);
}

void connection_row_end(struct row *row, size_t address_field, size_t port_field, size_t both,
			const uint8_t address[16], uint16_t port)
{
	row_address(row, address_field, both, address, port);
	if (port)
		row_uint(row, port_field, port);
	else
		row_null(row, port_field);
}

/* The address of a socket that has none yet is not known, rather than "any". */
static void row_local(struct row *row, const struct connection *connection,
		      const struct connection_columns *at)
{
	size_t first = at->first;

	if (address_is_any(connection->laddr) && !connection->lport) {
		row_null(row, first + CONNECTION_LADDR);
		row_null(row, first + CONNECTION_LPORT);
		row_null(row, at->local);
		return;
	}
	row_address(row, first + CONNECTION_LADDR, at->local, connection->laddr, connection->lport);
	if (connection->lport)
		row_uint(row, first + CONNECTION_LPORT, connection->lport);
	else
		row_null(row, first + CONNECTION_LPORT);
}

/* Of a listener there is none; of a datagram it may not be known. */
static void row_remote(struct row *row, const struct connection *connection,
		       const struct connection_columns *at)
{
	size_t first = at->first;
	static const uint8_t none[16];

	if (is_datagram(connection) && !memcmp(connection->raddr, none, 16)) {
		connection_row_no_peer(at, row);
		return;
	}
	row_address(row, first + CONNECTION_RADDR, at->remote, connection->raddr,
		    connection->rport);
	if (connection->rport || !is_datagram(connection))
		row_uint(row, first + CONNECTION_RPORT, connection->rport);
	else
		row_null(row, first + CONNECTION_RPORT);
}

static void fill_no_owner(struct row *row, size_t first)
{
	for (size_t i = first + CONNECTION_PID; i <= first + CONNECTION_CONTAINER; i++)
		if (i != first + CONNECTION_SCRIPT && i != first + CONNECTION_ARGS_CUT)
			row_null(row, i);
}

static void fill_owner(const struct process_id *owner, const struct process_names *names,
		       const char *cgroup, size_t first, struct row *row)
{
	size_t container_length = 0;
	const char *container = cgroup ? cgroup_container(cgroup, &container_length) : NULL;

	row_uint(row, first + CONNECTION_PID, owner->tgid);
	if (owner->tid)
		row_uint(row, first + CONNECTION_TID, owner->tid);
	else
		row_null(row, first + CONNECTION_TID);
	row_text(row, first + CONNECTION_NAME, names->name);
	row_text_n(row, first + CONNECTION_COMM, owner->comm, strnlen(owner->comm, COMM_SIZE));
	row_text(row, first + CONNECTION_NAME_SRC, process_name_source(names->source));
	row_text(row, first + CONNECTION_EXE, names->exe);
	if (names->script)
		row_text(row, first + CONNECTION_SCRIPT, names->script);
	row_texts(row, first + CONNECTION_ARGS, names->args, names->args_length);
	if (names->args_cut)
		row_bool(row, first + CONNECTION_ARGS_CUT, true);
	row_uint(row, first + CONNECTION_PPID, owner->ppid);
	row_uint(row, first + CONNECTION_UID, owner->uid);
	row_text(row, first + CONNECTION_CGROUP, cgroup);
	row_text_n(row, first + CONNECTION_CONTAINER, container, container_length);
}

void connection_row(const struct connection *connection, const struct process_names *names,
		    const char *cgroup, const struct connection_columns *at, struct row *row)
{
	size_t first = at->first;

	if (connection->owner.tgid)
		fill_owner(&connection->owner, names, cgroup, first, row);
	else
		fill_no_owner(row, first);
	row_uint(row, first + CONNECTION_NETNS, connection->netns);
	row_text(row, first + CONNECTION_PROTO, word_protocol(connection->protocol));
	row_local(row, connection, at);
	row_remote(row, connection, at);
	if (connection->cookie & COOKIE_OWN)
		row_null(row, first + CONNECTION_COOKIE);
	else
		row_uint(row, first + CONNECTION_COOKIE, connection->cookie);
	row_text(row, first + CONNECTION_OWNER_SRC, word_owner_source(connection->owner_src));
}
