/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of TCP sockets on the kernel side, bpf/connection_socket.bpf.h: how large they are. */
#ifndef CONNECTION_SOCKETS_H
#define CONNECTION_SOCKETS_H

#include <stdbool.h>

struct connection_bpf;

/* Before load. @list: nothing will be kept; @slots: the programs can cast, and look in slots first.
 */
void sockets_size(struct connection_bpf *bpf, bool list, bool slots);

/* Behind load, where there are no slots: the places for copies stand among the sockets. Returns 0
 * or a negative errno. */
int sockets_make_places(struct connection_bpf *bpf);

#endif
