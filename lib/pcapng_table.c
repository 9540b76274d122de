/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/pcapng_table.h"

#include "lib/base.h"

#define CAPACITY_MIN 16U /* entries of the first allocation */

int pcapng_table_add(struct pcapng_table *table, uint32_t most, const char *block, size_t length,
		     struct pcapng_entry **ret_entry)
{
	struct pcapng_entry *entry;

	if (table->n >= most || length > PCAPNG_TABLE_BYTES_MAX - table->bytes)
		return -E2BIG;
	if (table->n == table->capacity) {
		uint32_t capacity = table->capacity ? table->capacity * 2 : CAPACITY_MIN;
		struct pcapng_entry **entries;

		entries = reallocarray(table->entries, capacity, sizeof(struct pcapng_entry *));
		if (!entries)
			return -ENOMEM;
		table->entries = entries;
		table->capacity = capacity;
	}
	entry = calloc(1, sizeof(*entry) + length);
	if (!entry)
		return -ENOMEM;
	memcpy(entry->block, block, length);
	table->bytes += length;
	table->entries[table->n++] = entry;
	*ret_entry = entry;
	return 0;
}

void pcapng_table_release(struct pcapng_table *table)
{
	for (uint32_t i = 0; i < table->n; i++)
		free(table->entries[i]);
	free(table->entries);
	*table = (struct pcapng_table){};
}
