/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/buffer.h"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>

#include "lib/base.h"
#include "lib/signals.h"

#define BUFFER_MIN  4096U /* bytes of the first allocation */
#define PATIENCE_MS 1000  /* with who does not read, behind a signal */

int buffer_grow(struct buffer *buffer, size_t n)
{
	size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_MIN;
	char *data;

	if (n >= BUFFER_MAX - buffer->length)
		goto fail;
	while (capacity - buffer->length <= n)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		goto fail;
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
fail:
	buffer->failed = true;
	return -ENOMEM;
}

void buffer_append_spaces(struct buffer *buffer, size_t n)
{
	char *to = buffer_reserve(buffer, n);

	if (!to)
		return;
	memset(to, ' ', n);
	buffer->length += n;
}

void buffer_append_uint(struct buffer *buffer, uint64_t value)
{
	char digits[20]; /* of UINT64_MAX */
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	buffer_append(buffer, digits + at, sizeof(digits) - at);
}

void buffer_append_int(struct buffer *buffer, int64_t value)
{
	if (value < 0)
		buffer_append_char(buffer, '-');
	/* Negated as unsigned: INT64_MIN has no positive counterpart. */
	buffer_append_uint(buffer, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void buffer_append_padded(struct buffer *buffer, uint32_t value, unsigned int digits)
{
	char *to = buffer_reserve(buffer, digits);

	if (!to)
		return;
	for (unsigned int i = digits; i > 0; i--) {
		to[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	buffer->length += digits;
}

void buffer_consume(struct buffer *buffer, size_t n)
{
	if (n == 0)
		return;
	buffer->length -= n;
	memmove(buffer->data, buffer->data + n, buffer->length);
}

void buffer_release(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){};
}

/* Waits until the descriptor takes more; errors of its own are left to the next write(2). After a
 * signal, who takes nothing for a while is one who has gone. */
static int wait_writable(int fd)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLOUT}, {.fd = -1, .events = POLLIN}};
	int r = poll(fds, 1, 0);

	if (r == 0) {
		_cleanup_(closep) int signal_fd = signals_open();

		fds[1].fd = signal_fd;
		r = poll(fds, ARRAY_SIZE(fds), -1);
	}
	if (r > 0 && !fds[0].revents)
		r = poll(fds, 1, PATIENCE_MS);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r ? 0 : -EPIPE;
}

/* What can be written at once without getting stuck in it, where signals find nobody: a pipe that
 * takes anything takes as much. */
static size_t piece_bytes(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? BUFFER_MAX : PIPE_BUF;
}

int buffer_write(struct buffer *buffer, int fd)
{
	size_t done = 0, most = buffer->length ? piece_bytes(fd) : 0;
	int r = 0;

	while (done < buffer->length && r == 0) {
		size_t rest = buffer->length - done;
		ssize_t n;

		r = wait_writable(fd);
		if (r < 0)
			break;
		n = write(fd, buffer->data + done, rest < most ? rest : most);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			r = -EIO;
		else if (errno != EINTR && errno != EAGAIN)
			r = -errno;
	}
	buffer_consume(buffer, done);
	return r;
}
