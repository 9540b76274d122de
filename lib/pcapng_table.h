/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interfaces or the processes of a section that is read, by their numbers: what
 * lib/pcapng_parse.h keeps while it goes on.
 */
#ifndef LIB_PCAPNG_TABLE_H
#define LIB_PCAPNG_TABLE_H

#include "lib/pcapng.h"

/* What was made of a block, and the block's body, which that points into. */
struct pcapng_entry {
	union {
		struct pcapng_interface interface;
		struct pcapng_process process;
	};
	int64_t offset_seconds; /* added to the times of an interface */
	uint8_t resolution;	/* of the times of an interface, as if_tsresol has it */
	char block[];
};

/* All zero is an empty table. */
struct pcapng_table {
	struct pcapng_entry **entries; /* @n of them */
	uint32_t n;
	uint32_t capacity;
	size_t bytes; /* of all blocks: at most PCAPNG_TABLE_BYTES_MAX */
};

/* Adds a copy of a block's body, for the caller to fill in the rest, which is zero. The table owns
 * it. Returns 0, -E2BIG if there are @most already or PCAPNG_TABLE_BYTES_MAX is reached, or
 * -ENOMEM. */
int pcapng_table_add(struct pcapng_table *table, uint32_t most, const char *block, size_t length,
		     struct pcapng_entry **ret_entry);

/* The entry of a number, or NULL. */
static inline const struct pcapng_entry *pcapng_table_find(const struct pcapng_table *table,
							   uint32_t number)
{
	return number < table->n ? table->entries[number] : NULL;
}

/* Frees what is inside; the table is empty again. */
void pcapng_table_release(struct pcapng_table *table);

#endif
