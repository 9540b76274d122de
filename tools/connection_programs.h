/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF programs that see connections, for connsnoop and flowattr: which of them this kernel can
 * run and a request needs. */
#ifndef CONNECTION_PROGRAMS_H
#define CONNECTION_PROGRAMS_H

#include "bpf/connection.h"
#include "lib/base.h"
#include "lib/options.h"
#include "tools/connection_features.h"

struct connection_bpf;

/* What a tool wants of them. */
struct connection_request {
	const struct process_filter *process; /* borrowed, as are the others */
	const struct traffic_filter *traffic;
	bool command; /* only the descendants of a COMMAND */
	enum backend backend;
	uint32_t events;  /* EVENT_BIT()s */
	uint64_t idle_ns; /* a flow of datagrams is over after that */
	bool failed;	  /* only connects that failed */
	bool list;	  /* what is open now, and no more: no hook is attached */
	bool unheld;	  /* sockets without a process are listed, too */
	bool live;	  /* what is open is to be read at times */
	bool split;	  /* what TCP sockets carry is counted by who calls; needs
			   * connection_sees_datagrams() */
};

/* Checks the environment, then opens, configures and loads the programs. Returns 0 and what the
 * kernel offers, or a negative errno with the cause and the remedy. */
int programs_load(const struct connection_request *request,
		  struct connection_features *ret_features, struct connection_bpf **ret_bpf,
		  struct error *error);

/* Attaches all but the iterators. From its return on nothing is missed. */
int programs_attach(struct connection_bpf *bpf, struct error *error);

/* Lets go of them as the tool ends. NULL is allowed. */
void programs_free(struct connection_bpf *bpf);

#endif
