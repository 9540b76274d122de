/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/buffer.h"

#include <poll.h>

#include "lib/base.h"

#define BUFFER_MIN 4096U /* bytes of the first allocation */

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

/* Waits until the descriptor takes more; errors of its own are left to the next write(2). */
static int wait_writable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

	return poll(&poll_fd, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

int buffer_write(struct buffer *buffer, int fd)
{
	size_t done = 0;
	int r = 0;

	while (done < buffer->length && r == 0) {
		ssize_t n = write(fd, buffer->data + done, buffer->length - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			r = -EIO;
		else if (errno == EAGAIN)
			r = wait_writable(fd);
		else if (errno != EINTR)
			r = -errno;
	}
	buffer_consume(buffer, done);
	return r;
}
