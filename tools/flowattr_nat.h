/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections whose addresses are translated on their way: how each end sees them. Fed by
 * connection tracking; what is not translated is not kept. Pure. */
#ifndef FLOWATTR_NAT_H
#define FLOWATTR_NAT_H

#include <stdbool.h>

#include "bpf/connection.h"
#include "lib/conntrack.h"

#define NAT_MAX 65536 /* that are kept; then the one that began first is forgotten */

struct nat_table;

/* @max: 0: NAT_MAX. Returns 0 or -ENOMEM. */
int nat_table_new(size_t max, struct nat_table **ret_table);
void nat_table_free(struct nat_table *table);

/* How each end sees it: protocol, laddr, lport, raddr, rport (of an ICMP echo 0), and netns, which
 * is 0 (any) unless an address is loopback. */
struct nat_ends {
	struct connection began; /* who began it */
	struct connection other;
};

/* Something is tracked, or no longer. Returns 1 and how both ends see it if it is translated; 0 if
 * not, or gone; -ENOMEM. */
int nat_table_add(struct nat_table *table, const struct conntrack_entry *entry,
		  struct nat_ends *ret_ends);

/* How the other end sees what one end sees as @end: its laddr may be any, its netns counts if an
 * address is loopback. False: it is not translated. */
bool nat_table_find(const struct nat_table *table, const struct connection *end,
		    struct connection *ret_other);

size_t nat_table_size(const struct nat_table *table);
uint64_t nat_table_forgotten(const struct nat_table *table);

#endif
