/* SPDX-License-Identifier: GPL-2.0-only */
/* Who listens, by the cookie of the listening socket: what a listener answers before there is a
 * connection, and for those that never become one, is its process's. */
#ifndef FLOWATTR_LISTENERS_H
#define FLOWATTR_LISTENERS_H

#include "bpf/connection.h"
#include "lib/process.h"

#define LISTENERS_MAX 16384 /* that are kept; then the first one in is forgotten */

struct listeners;

/* @processes: borrowed, owners are kept in it. Returns 0 or -ENOMEM. */
int listeners_new(struct process_table *processes, struct listeners **ret_listeners);
void listeners_free(struct listeners *listeners);

/* A socket that has begun to listen, or has been found to; others are passed over. Returns 0 or
 * -ENOMEM. */
int listeners_add(struct listeners *listeners, const struct connection *connection);

/* NULL: not known. Borrowed until the next listeners_add(). */
const struct process_id *listeners_find(const struct listeners *listeners, uint64_t cookie);

#endif
