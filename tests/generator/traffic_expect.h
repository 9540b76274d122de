/* SPDX-License-Identifier: GPL-2.0-only */
/* Records that are expected of connections. */
#ifndef GENERATOR_TRAFFIC_EXPECT_H
#define GENERATOR_TRAFFIC_EXPECT_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/generator/process.h"

struct who {
	pid_t pid, tid, ppid;
	uid_t uid;
	ino_t netns;
	char comm[16];
	struct exe exe;
};

struct who who_self(void);

/* Two ends; an empty address or port 0 is not certain and so not expected. */
struct ends {
	char laddr[INET6_ADDRSTRLEN], raddr[INET6_ADDRSTRLEN];
	uint16_t lport, rport;
	uint64_t cookie;
	ino_t netns; /* of the socket, where that is not the process's; else 0 */
};

/* Prints that a record of @type is expected, of @who and @ends; @format: further keys. */
void __attribute__((format(printf, 4, 5)))
expect(const char *type, const struct who *who, const struct ends *ends, const char *format, ...);

#endif
