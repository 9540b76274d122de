/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_senders.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "lib/cidr.h"

/* One of them. */
struct senders {
	struct sender_key {
		uint8_t laddr[16], raddr[16]; /* both ends as the sender sees them */
		uint32_t netns;		      /* 0, unless they are loopback */
		uint16_t lport, rport;
		uint32_t protocol;
	} key;
	struct sender sender;
	UT_hash_handle hh; /* in the order in which they came, or their connection ended */
};

static struct sender_key key_of(const struct connection *c)
{
	struct sender_key key = {.netns = address_is_loopback(c->laddr) ? c->netns : 0,
				 .lport = c->lport,
				 .rport = c->rport,
				 .protocol = c->protocol};

	memcpy(key.laddr, c->laddr, sizeof(key.laddr));
	memcpy(key.raddr, c->raddr, sizeof(key.raddr));
	return key;
}

static struct senders *find(struct senders *senders, const struct sender_key *key)
{
	struct senders *found;

	HASH_FIND(hh, senders, key, sizeof(*key), found);
	return found;
}

void senders_remember(struct senders **senders, const struct connection *connection,
		      const struct process_id *id, bool ends)
{
	const struct sender_key key = key_of(connection);
	struct senders *known = find(*senders, &key);

	if (known && ends) {
		HASH_DEL(*senders, known);
		HASH_ADD(hh, *senders, key, sizeof(known->key), known);
	}
	if (!known) {
		known = calloc(1, sizeof(*known));
		if (!known)
			return;
		known->key = key;
		HASH_ADD(hh, *senders, key, sizeof(known->key), known);
	}
	known->sender = (struct sender){*id, connection->netns};
	if (HASH_COUNT(*senders) <= SENDERS_MAX)
		return;
	known = *senders;
	HASH_DEL(*senders, known);
	free(known);
}

const struct sender *senders_find(struct senders *senders, const struct connection *connection)
{
	const struct sender_key key = key_of(connection);
	const struct senders *found = find(senders, &key);

	if (!found || (connection->netns && found->sender.netns != connection->netns))
		return NULL;
	return &found->sender;
}

void senders_free(struct senders *senders)
{
	struct senders *sender, *next;

	HASH_ITER (hh, senders, sender, next) {
		HASH_DEL(senders, sender);
		free(sender);
	}
}
