/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of a row that says between whom: the process, the addresses, the socket. Pure. */
#ifndef CONNECTION_ROW_H
#define CONNECTION_ROW_H

#include "bpf/connection.h"
#include "lib/process.h"
#include "lib/row.h"

/* Fields of a tool that uses this, in this order, from some first one on. */
enum connection_field {
	CONNECTION_PID,
	CONNECTION_TID,
	CONNECTION_NAME,
	CONNECTION_COMM,
	CONNECTION_NAME_SRC,
	CONNECTION_EXE,
	CONNECTION_SCRIPT,
	CONNECTION_ARGS,
	CONNECTION_ARGS_CUT,
	CONNECTION_PPID,
	CONNECTION_UID,
	CONNECTION_CGROUP,
	CONNECTION_CONTAINER,
	CONNECTION_NETNS,
	CONNECTION_PROTO,
	CONNECTION_LADDR,
	CONNECTION_LPORT,
	CONNECTION_RADDR,
	CONNECTION_RPORT,
	CONNECTION_COOKIE,
	CONNECTION_OWNER_SRC,
};

/* Where they stand in that tool's table of fields. */
struct connection_columns {
	size_t first;	      /* CONNECTION_PID */
	size_t local, remote; /* address and port as one, for people */
};

/* Their descriptions, as initializers of an array of struct field. */
#define CONNECTION_FIELDS(first)                                                                   \
	[(first) +                                                                                 \
		CONNECTION_PID] = {"pid", "PID", "process id", 7, FIELD_RIGHT},                    \
		[(first) + CONNECTION_TID] = {"tid", "TID", "thread id", 7, FIELD_RIGHT},          \
		[(first) + CONNECTION_NAME] = {"name", "NAME", "full name of the process", 18, 0}, \
		[(first) + CONNECTION_COMM] = {"comm", "COMM",                                     \
					       "name of the thread, 15 bytes at most", 15, 0},     \
		[(first) + CONNECTION_NAME_SRC] =                                                  \
			{"name_src", "NAMESRC",                                                    \
			 "how name is known: exec iter fork exe cmdline kernel guess comm", 7, 0}, \
		[(first) + CONNECTION_EXE] = {"exe", "EXE", "path of the executable", 24, 0},      \
		[(first) + CONNECTION_SCRIPT] = {"script", "SCRIPT",                               \
						 "path of the script that an interpreter runs",    \
						 24, 0},                                           \
		[(first) + CONNECTION_ARGS] = {"args", "ARGS", "command line, an array", 30, 0},   \
		[(first) + CONNECTION_ARGS_CUT] = {"args_cut", "CUT",                              \
						   "true: the command line is longer", 3, 0},      \
		[(first) + CONNECTION_PPID] = {"ppid", "PPID", "process id of the parent", 7,      \
					       FIELD_RIGHT},                                       \
		[(first) + CONNECTION_UID] = {"uid", "UID", "effective user id", 6, FIELD_RIGHT},  \
		[(first) + CONNECTION_CGROUP] = {"cgroup", "CGROUP", "path of the cgroup (v2)",    \
						 30, 0},                                           \
		[(first) + CONNECTION_CONTAINER] = {"container", "CONTAINER",                      \
						    "container id found in cgroup", 12, 0},        \
		[(first) + CONNECTION_NETNS] = {"netns", "NETNS",                                  \
						"network namespace, inode number", 10,             \
						FIELD_RIGHT},                                      \
		[(first) + CONNECTION_PROTO] = {"proto", "PROTO",                                  \
						"tcp udp udplite sctp icmp raw packet", 5, 0},     \
		[(first) + CONNECTION_LADDR] = {"laddr", "LADDR", "local address", 15, 0},         \
		[(first) + CONNECTION_LPORT] = {"lport", "LPORT", "local port", 5, FIELD_RIGHT},   \
		[(first) + CONNECTION_RADDR] = {"raddr", "RADDR", "remote address", 15, 0},        \
		[(first) + CONNECTION_RPORT] = {"rport", "RPORT", "remote port", 5, FIELD_RIGHT},  \
		[(first) + CONNECTION_COOKIE] = {"cookie", "COOKIE",                               \
						 "the kernel's number of the socket", 8,           \
						 FIELD_RIGHT},                                     \
		[(first) + CONNECTION_OWNER_SRC] = {"owner_src", "OWNSRC",                         \
						    "how pid is known: connect accept listen "     \
						    "send recv close iter call unknown",           \
						    7, 0}

/* Fills those fields. @names: of the owner, ignored if there is none; @cgroup: its path, NULL if
 * not known. Both borrowed by the row. */
void connection_row(const struct connection *connection, const struct process_names *names,
		    const char *cgroup, const struct connection_columns *at, struct row *row);

/* An address and a port in fields of their own, and, for people, as one. */
void connection_row_end(struct row *row, size_t address_field, size_t port_field, size_t both,
			const uint8_t address[16], uint16_t port);

/* A listener has no peer: its zero address is not one. */
void connection_row_no_peer(const struct connection_columns *at, struct row *row);

#endif
