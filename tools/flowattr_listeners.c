/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_listeners.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <uthash.h>

struct listener {
	uint64_t cookie;
	struct process_id owner;
	UT_hash_handle hh; /* in the order in which they came */
};

struct listeners {
	struct process_table *processes;
	struct listener *all;
};

int listeners_new(struct process_table *processes, struct listeners **ret_listeners)
{
	struct listeners *listeners = calloc(1, sizeof(*listeners));

	if (!listeners)
		return -ENOMEM;
	listeners->processes = processes;
	*ret_listeners = listeners;
	return 0;
}

static void forget(struct listeners *listeners, struct listener *listener)
{
	process_table_unpin(listeners->processes, &listener->owner);
	HASH_DEL(listeners->all, listener);
	free(listener);
}

void listeners_free(struct listeners *listeners)
{
	if (!listeners)
		return;
	while (listeners->all)
		forget(listeners, listeners->all);
	free(listeners);
}

static struct listener *find(const struct listeners *listeners, uint64_t cookie)
{
	struct listener *listener;

	HASH_FIND(hh, listeners->all, &cookie, sizeof(cookie), listener);
	return listener;
}

int listeners_add(struct listeners *listeners, const struct connection *connection)
{
	struct listener *listener;

	if (connection->protocol != IPPROTO_TCP || connection->state != TCP_LISTEN ||
	    !connection->owner.tgid)
		return 0;
	listener = find(listeners, connection->cookie);
	if (listener)
		forget(listeners, listener);
	listener = calloc(1, sizeof(*listener));
	if (!listener)
		return -ENOMEM;
	listener->cookie = connection->cookie;
	listener->owner = connection->owner;
	HASH_ADD(hh, listeners->all, cookie, sizeof(listener->cookie), listener);
	process_table_pin(listeners->processes, &listener->owner);
	if (HASH_COUNT(listeners->all) > LISTENERS_MAX)
		forget(listeners, listeners->all);
	return 0;
}

const struct process_id *listeners_find(const struct listeners *listeners, uint64_t cookie)
{
	const struct listener *listener = find(listeners, cookie);

	return listener ? &listener->owner : NULL;
}
