/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/linger.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base.h"
#include "lib/pidns.h"

#define HOOKS_MAX 64

static bool is_on_function(const struct bpf_program *program)
{
	enum bpf_attach_type type = bpf_program__expected_attach_type(program);

	return bpf_program__type(program) == BPF_PROG_TYPE_TRACING &&
	       (type == BPF_TRACE_FENTRY || type == BPF_TRACE_FEXIT);
}

static int compare(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void close_others(int *fds, size_t n)
{
	unsigned int next = 0;

	qsort(fds, n, sizeof(fds[0]), compare);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned int)fds[i] > next)
			close_range(next, (unsigned int)fds[i] - 1, 0);
		next = (unsigned int)fds[i] + 1;
	}
	close_range(next, ~0U, 0);
}

/* The child. @end: of a pipe, whose other end our parent has open as long as it is there. */
static _Noreturn void hold(int *fds, size_t n, int end)
{
	char byte;

	fds[n] = end;
	close_others(fds, n + 1);
	while (read(end, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

void linger(const struct bpf_object_skeleton *skeleton)
{
	int fds[HOOKS_MAX + 1], ends[2];
	size_t n = 0;

	for (int i = 0; i < skeleton->prog_cnt && n < HOOKS_MAX; i++) {
		const struct bpf_link *link = *skeleton->progs[i].link;

		if (link && is_on_function(*skeleton->progs[i].prog))
			fds[n++] = bpf_link__fd(link);
	}
	/* The first process of a PID namespace, as it ends, waits for the others, and Linux 6.1 has
	 * these wait for it in turn, for ever. */
	if (!n || pidns_is_initial("pid_for_children") != 1 || pipe2(ends, O_CLOEXEC) < 0)
		return;
	if (fork() == 0)
		hold(fds, n, ends[0]);
}
