/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connection_list.h"

#define HASH_NONFATAL_OOM 1 /* then an element without a table has not been added */
#include <uthash.h>

struct entry {
	struct open_record record;
	uint32_t *holders; /* room for a power of two of them */
	size_t n_holders;
	UT_hash_handle hh; /* by record.connection.cookie; in order of arrival */
};

struct socket_list {
	struct entry *table;
};

int socket_list_new(struct socket_list **ret_list)
{
	struct socket_list *list = calloc(1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	*ret_list = list;
	return 0;
}

void socket_list_free(struct socket_list *list)
{
	struct entry *entry, *next;

	if (!list)
		return;
	HASH_ITER (hh, list->table, entry, next) {
		HASH_DEL(list->table, entry);
		free(entry->holders);
		free(entry);
	}
	free(list);
}

static int add_holder(struct entry *entry, uint32_t pid)
{
	size_t n = entry->n_holders;

	if (!pid)
		return 0;
	/* from the end: descriptors of one process come one behind the other, but for those of a
	 * thread that has a table of its own */
	for (size_t i = n; i > 0; i--)
		if (entry->holders[i - 1] == pid)
			return 0;
	if (!(n & (n - 1))) {
		uint32_t *grown = realloc(entry->holders, (n ? 2 * n : 1) * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		entry->holders = grown;
	}
	entry->holders[entry->n_holders++] = pid;
	return 0;
}

int socket_list_add(struct socket_list *list, const struct open_record *record)
{
	uint64_t cookie = record->connection.cookie;
	struct entry *entry;

	HASH_FIND(hh, list->table, &cookie, sizeof(cookie), entry);
	if (!entry) {
		if (HASH_COUNT(list->table) >= LIST_SOCKETS_MAX)
			return -ENOBUFS;
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		entry->record = *record;
		HASH_ADD(hh, list->table, record.connection.cookie, sizeof(cookie), entry);
		if (!entry->hh.tbl) {
			free(entry);
			return -ENOMEM;
		}
	} else if (record->opener && !entry->record.opener) {
		uint8_t live = entry->record.live;

		entry->record = *record;
		entry->record.live |= live;
	}
	return add_holder(entry, record->connection.owner.tgid);
}

int socket_list_each(const struct socket_list *list, socket_list_fn fn, void *context)
{
	struct entry *entry, *next;
	int r;

	HASH_ITER (hh, list->table, entry, next) {
		r = fn(context, &entry->record, entry->holders, entry->n_holders);
		if (r)
			return r;
	}
	return 0;
}
