/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/signals.h"

#include <signal.h>
#include <sys/signalfd.h>

#include "lib/base.h"

static void signals(sigset_t *ret_set)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction now;

	sigemptyset(ret_set);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		if (sigaction(ends[i], NULL, &now) < 0 || now.sa_handler != SIG_IGN)
			sigaddset(ret_set, ends[i]);
	}
}

int signals_block(void)
{
	sigset_t set;

	signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	return 0;
}

int signals_open(void)
{
	sigset_t set;
	int fd;

	signals(&set);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

void signals_unblock(void)
{
	sigset_t set;

	signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGPIPE, SIG_DFL);
}
