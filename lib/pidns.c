/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/pidns.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define INITIAL_PIDNS 0xeffffffcU /* PROC_PID_INIT_INO of the kernel */

int pidns_is_initial(const char *which)
{
	char path[64];
	struct stat ns;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", which);
	if (stat(path, &ns) < 0)
		return -errno;
	return ns.st_ino == INITIAL_PIDNS;
}
