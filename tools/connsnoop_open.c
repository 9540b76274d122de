/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_open.h"

#define HASH_NONFATAL_OOM 1 /* then an element without a table has not been added */
#include <uthash.h>

struct entry {
	struct connection connection;
	uint64_t since_ns;
	uint64_t lost; /* rows that had been lost when it began */
	uint32_t listener_pid;
	bool marked;
	UT_hash_handle hh; /* by connection.cookie; in order of their beginning */
};

struct open_table {
	struct entry *entries;
	struct process_table *processes; /* owners are pinned there */
};

int open_table_new(struct process_table *processes, struct open_table **ret_table)
{
	struct open_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->processes = processes;
	*ret_table = table;
	return 0;
}

static void entry_remove(struct open_table *table, struct entry *entry)
{
	HASH_DEL(table->entries, entry);
	process_table_unpin(table->processes, &entry->connection.owner);
	free(entry);
}

void open_table_free(struct open_table *table)
{
	struct entry *entry, *next;

	if (!table)
		return;
	HASH_ITER (hh, table->entries, entry, next)
		entry_remove(table, entry);
	free(table);
}

static struct entry *entry_find(struct open_table *table, uint64_t cookie)
{
	struct entry *entry;

	HASH_FIND(hh, table->entries, &cookie, sizeof(cookie), entry);
	return entry;
}

int open_table_add(struct open_table *table, const struct connection *connection,
		   uint32_t listener_pid, uint64_t now_ns, uint64_t lost)
{
	struct entry *entry = entry_find(table, connection->cookie);

	if (!entry) {
		if (HASH_COUNT(table->entries) >= OPEN_MAX)
			entry_remove(table, table->entries);
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		entry->since_ns = now_ns;
		entry->lost = lost;
		entry->connection.cookie = connection->cookie;
		HASH_ADD(hh, table->entries, connection.cookie, sizeof(uint64_t), entry);
		if (!entry->hh.tbl) {
			free(entry);
			return -ENOMEM;
		}
	}
	process_table_pin(table->processes, &connection->owner);
	process_table_unpin(table->processes, &entry->connection.owner);
	entry->connection = *connection;
	entry->listener_pid = listener_pid;
	return 0;
}

bool open_table_remove(struct open_table *table, uint64_t cookie)
{
	struct entry *entry = entry_find(table, cookie);

	if (!entry)
		return false;
	entry_remove(table, entry);
	return true;
}

size_t open_table_count(const struct open_table *table)
{
	return HASH_COUNT(table->entries);
}

bool open_table_has_older(const struct open_table *table, uint64_t before_ns)
{
	return table->entries && table->entries->since_ns < before_ns;
}

void open_table_mark(struct open_table *table, uint64_t cookie)
{
	struct entry *entry = entry_find(table, cookie);

	if (entry)
		entry->marked = true;
}

int open_table_sweep(struct open_table *table, uint32_t netns, uint64_t before_ns, uint64_t now_ns,
		     uint64_t lost, open_table_fn fn, void *context)
{
	struct entry *entry, *next;
	int r = 0;

	HASH_ITER (hh, table->entries, entry, next) {
		bool gone = !entry->marked && entry->connection.netns == netns &&
			    entry->since_ns < before_ns;
		struct close_record record = {
			.header = {.ts_ns = now_ns, .type = RECORD_CLOSE, .length = sizeof(record)},
			.connection = entry->connection,
			.listener_pid = entry->listener_pid,
			.flags = CLOSE_GONE,
		};

		entry->marked = false;
		if (!gone || r)
			continue;
		if (entry->lost == lost)
			r = fn(context, &record);
		entry_remove(table, entry);
	}
	return r;
}
