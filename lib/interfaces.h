/* SPDX-License-Identifier: GPL-2.0-only */
/* What the network interfaces have carried, by their own counters (proc_pid_net_dev(5)). */
#ifndef LIB_INTERFACES_H
#define LIB_INTERFACES_H

#include <stdint.h>

#include "lib/base.h"

struct interface_bytes {
	uint64_t tx_bytes, rx_bytes; /* headers included; wrap at 2^64 */
};

/* Sums the text of /proc/net/dev. @name: only that interface; NULL: all. Returns 0, -ENODEV if
 * there is none of that name, or -EBADMSG. */
int interfaces_parse(const char *text, const char *name, struct interface_bytes *ret_bytes);

/* The same of the file below @proc_fd, a directory such as /proc, in the network namespace of this
 * process. Returns as above, or what opening or reading says. */
int interfaces_read(int proc_fd, const char *name, struct interface_bytes *ret_bytes);

#endif
