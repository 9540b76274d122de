/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's connection tracking says of the connections that pass a network namespace: each
 * as it looks before its addresses are translated and after. Read from the kernel by netlink
 * (linux/netfilter/nfnetlink_conntrack.h); of its messages no more than two tuples are read, which
 * takes no library.
 *
 *	conntrack_open()  subscribes to what begins and ends, and asks for what is there
 *	conntrack_read()  takes what has come since; needs no rights any more
 *	conntrack_close()
 */
#ifndef LIB_CONNTRACK_H
#define LIB_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base.h"

/* Both ends of what goes one way. All zero behind the fields. */
struct conntrack_tuple {
	uint8_t source[16]; /* network order, IPv4 as ::ffff:a.b.c.d */
	uint8_t destination[16];
	uint16_t source_port; /* host order; of an ICMP echo its id, as both */
	uint16_t destination_port;
	uint8_t protocol; /* IPPROTO_* */
	uint8_t pad;
};

/* Original: what came from who began it, as he sent it. Reply: what comes back, as the other end
 * sends it; with nothing translated it is the original the other way round. */
struct conntrack_entry {
	struct conntrack_tuple original, reply;
	uint32_t netns; /* inode number of the namespace that it passes */
	bool gone;	/* it is tracked no longer */
};

/* Returns 0, or a negative errno that ends reading. */
typedef int (*conntrack_fn)(void *context, const struct conntrack_entry *entry);

struct conntrack;

/* Of the network namespace that this process is in, whose inode number is @netns; what has begun
 * behind its return is told of. Needs CAP_NET_ADMIN. Returns 0; -ENOENT: nothing is tracked by this
 * kernel (yet), and nothing has been loaded to do so; or a negative errno. */
int conntrack_open(uint32_t netns, struct conntrack **ret_conntrack);
void conntrack_close(struct conntrack *conntrack);

/* Hands over what has come, without waiting. Of what was there before it takes a part at a time.
 * Returns 0 or the negative errno of @fn. */
int conntrack_read(struct conntrack *conntrack, conntrack_fn fn, void *context);

/* So often the kernel had more to say than there was room for: some connections are not known. */
uint64_t conntrack_lost(const struct conntrack *conntrack);

/* The messages of one datagram; for conntrack_read(), and for tests. What is not whole is passed
 * over. Returns 0 or the negative errno of @fn. */
int conntrack_parse(const void *data, size_t size, uint32_t netns, conntrack_fn fn, void *context);

#endif
