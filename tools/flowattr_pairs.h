/* SPDX-License-Identifier: GPL-2.0-only */
/* Which flows are two ends of one, and which is a packet's: by protocol, ports and addresses, as
 * they are, or translated. Pure. */
#ifndef FLOWATTR_PAIRS_H
#define FLOWATTR_PAIRS_H

#include "tools/flowattr_nat.h"
#include "tools/flowattr_table.h"

struct pairs {		    /* all zero: empty */
	struct pair *pairs; /* hashes of them */
	struct remote *remotes;
};

/* Sets flow->peer, and the peer's, if the other end is in here, and flow->nat, if @nat (NULL: none
 * is known) has it. Returns 0, or -ENOMEM: then it is not in here. */
int pairs_add(struct pairs *pairs, const struct nat_table *nat, struct flow *flow);
void pairs_remove(struct pairs *pairs, struct flow *flow);

/* The same for what is in here already, now that this is known. Returns 0 or -ENOMEM. */
int pairs_translate(const struct pairs *pairs, const struct nat_ends *ends);

/* See flow_table_find(). */
struct flow *pairs_find(const struct pairs *pairs, const struct connection *wanted, uint64_t ts_ns);

#endif
