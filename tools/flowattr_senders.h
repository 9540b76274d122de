/* SPDX-License-Identifier: GPL-2.0-only */
/* Who sent packets between two ends: for what has no flow yet, or never gets one, and for what the
 * kernel sends when the flow is over. Pure. */
#ifndef FLOWATTR_SENDERS_H
#define FLOWATTR_SENDERS_H

#include <stdbool.h>

#include "bpf/connection.h"

/* That are kept; then the one that was last told of first is forgotten. A connection that has ended
 * may be sent for by the kernel for a minute, out of TIME_WAIT. 200 bytes each. */
#define SENDERS_MAX 65536

struct senders; /* NULL: none */

struct sender {
	struct process_id id;
	uint32_t netns; /* that it sent in */
};

/* @id has sent on @connection: protocol, laddr, lport, raddr, rport, netns count. @ends: its
 * connection does: it is remembered as if it had come last. Without memory it is not remembered. */
void senders_remember(struct senders **senders, const struct connection *connection,
		      const struct process_id *id, bool ends);

/* In connection->netns; 0: in any, but for loopback, which is one in each. NULL: not known;
 * borrowed until the next is remembered. */
const struct sender *senders_find(struct senders *senders, const struct connection *connection);

void senders_free(struct senders *senders);

#endif
