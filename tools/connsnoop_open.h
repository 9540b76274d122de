/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that have begun and not ended, as far as the records tell. Some kernels keep programs
 * from events in the context of certain processes; a close may go unseen for that. Compared now
 * and then, and at the end, with the sockets that there are, this table knows which ones are gone.
 */
#ifndef CONNSNOOP_OPEN_H
#define CONNSNOOP_OPEN_H

#include "bpf/connection.h"
#include <stdbool.h>

#include "lib/base.h"
#include "lib/process.h"

#define OPEN_MAX 32768 /* beyond that the oldest is no longer watched */

struct open_table;

/* @processes: borrowed; owners are pinned there as long as they are in here. Returns 0 or -ENOMEM.
 */
int open_table_new(struct process_table *processes, struct open_table **ret_table);
void open_table_free(struct open_table *table);
static inline void open_table_freep(struct open_table **table)
{
	open_table_free(*table);
	*table = NULL;
}

/* A connection has begun; @now_ns: CLOCK_MONOTONIC; @lost: rows lost by then. Replaces one of the
 * same cookie (a better owner). Returns 0 or -ENOMEM. */
int open_table_add(struct open_table *table, const struct connection *connection,
		   uint32_t listener_pid, uint64_t now_ns, uint64_t lost);

/* It has ended. False: not in here. */
bool open_table_remove(struct open_table *table, uint64_t cookie);

size_t open_table_count(const struct open_table *table);

/* Is there one that began before @before_ns? */
bool open_table_has_older(const struct open_table *table, uint64_t before_ns);

/* The socket is there: noted for the next open_table_sweep(). */
void open_table_mark(struct open_table *table, uint64_t cookie);

/* Takes out those of network namespace @netns that began before @before_ns and have not been marked
 * since the last sweep, and gives each to @fn as a close record with CLOSE_GONE; but not those
 * behind whose beginning rows were lost (@lost: by now): their close may be one of them, and is
 * counted. Returns 0 or what @fn returned, if that is not 0. */
typedef int (*open_table_fn)(void *context, const struct close_record *record);
int open_table_sweep(struct open_table *table, uint32_t netns, uint64_t before_ns, uint64_t now_ns,
		     uint64_t lost, open_table_fn fn, void *context);

#endif
