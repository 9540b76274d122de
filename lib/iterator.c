/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/iterator.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#define CHUNK_BYTES (64 * 1024) /* more than the kernel fills at a time */

/* Records may be cut by the end of a read: the rest is kept at the buffer's front. */
static int read_all(int fd, char *buffer, const struct record_sizes *sizes, iterator_record_fn fn,
		    void *context)
{
	size_t have = 0;

	for (;;) {
		const struct record_header *record;
		ssize_t n = read(fd, buffer + have, CHUNK_BYTES - have);
		size_t offset = 0;
		int r, bad;

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return have ? -EBADMSG : 0;
		have += (size_t)n;
		while ((record = record_next(buffer, have, &offset, sizes, &bad))) {
			r = fn(context, record);
			if (r < 0)
				return r;
		}
		if (bad && (have - offset) > CHUNK_BYTES / 2)
			return bad;
		have -= offset;
		memmove(buffer, buffer + offset, have);
	}
}

int iterator_link(const struct bpf_program *program)
{
	/* as bpf_program__attach_iter() does, but the link lives and dies with its descriptor */
	int fd = bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, NULL);

	return fd < 0 ? -errno : fd;
}

int iterator_link_map(const struct bpf_program *program, int map_fd)
{
	union bpf_iter_link_info info = {.map.map_fd = (uint32_t)map_fd};
	LIBBPF_OPTS(bpf_link_create_opts, options, .iter_info = &info,
		    .iter_info_len = sizeof(info));
	int fd = bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, &options);

	return fd < 0 ? -errno : fd;
}

int iterator_run_link(int link_fd, const struct record_sizes *sizes, iterator_record_fn fn,
		      void *context)
{
	_cleanup_(closep) int fd = bpf_iter_create(link_fd);
	_cleanup_(freep) char *buffer = NULL;

	if (fd < 0)
		return -errno;
	buffer = malloc(CHUNK_BYTES);
	if (!buffer)
		return -ENOMEM;
	return read_all(fd, buffer, sizes, fn, context);
}

int iterator_run(const struct bpf_program *program, const struct record_sizes *sizes,
		 iterator_record_fn fn, void *context)
{
	_cleanup_(closep) int link = iterator_link(program);

	return link < 0 ? link : iterator_run_link(link, sizes, fn, context);
}
