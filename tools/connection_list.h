/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets that are open now: the iterators' records, one for each holder, joined by socket. */
#ifndef CONNECTION_LIST_H
#define CONNECTION_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/connection.h"
#include "lib/base.h"

#define LIST_SOCKETS_MAX 4000000 /* beyond that -ENOBUFS: memory is not without end */

struct socket_list;

int socket_list_new(struct socket_list **ret_list);
void socket_list_free(struct socket_list *list);
static inline void socket_list_freep(struct socket_list **list)
{
	socket_list_free(*list);
	*list = NULL;
}

/* Takes an open record. The socket's owner becomes the process that opened it, if that is among
 * its holders, else the first holder seen. Returns 0, -ENOMEM or -ENOBUFS. */
int socket_list_add(struct socket_list *list, const struct open_record *record);

/* One socket; @holders: @n process ids, each once, borrowed. Returns 0 or what ends the walk. */
typedef int (*socket_list_fn)(void *context, const struct open_record *record,
			      const uint32_t *holders, size_t n);

/* In the order in which they were added. */
int socket_list_each(const struct socket_list *list, socket_list_fn fn, void *context);

#endif
