/* SPDX-License-Identifier: GPL-2.0-only */
/* What the network interfaces have carried, by their own counters (proc_pid_net_dev(5)). */
#ifndef LIB_INTERFACES_H
#define LIB_INTERFACES_H

#include <stdint.h>

#include "lib/base.h"

struct interface_bytes {
	uint64_t tx_bytes, rx_bytes; /* headers included; wrap at 2^64 */
};

/* What has been carried since the first look, by each interface that was there at a look: sums that
 * never fall, whatever comes and goes. All zero is empty. */
struct interfaces {
	struct interface *by_name; /* uthash */
	uint64_t looks;
	struct interface_bytes sum;
};

void interfaces_release(struct interfaces *interfaces);

/* Takes the text of /proc/net/dev. @name: only that interface; NULL: all. Returns 0, -ENODEV if
 * there is none of that name, -EBADMSG, or -ENOMEM. */
int interfaces_take(struct interfaces *interfaces, const char *text, const char *name);

/* The same of the file below @proc_fd, a directory such as /proc, in the network namespace of this
 * process. Returns as above, or what opening or reading says. */
int interfaces_look(struct interfaces *interfaces, int proc_fd, const char *name);

#endif
