/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A byte buffer that grows, and numbers into it without locale. Appending returns nothing: a
 * failure sticks in @failed, so that a whole line is written first and checked once.
 */
#ifndef LIB_BUFFER_H
#define LIB_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BUFFER_MAX (16U << 20) /* bytes that a buffer holds at most */

/* All zero is an empty buffer. */
struct buffer {
	char *data; /* not NUL-terminated */
	size_t length;
	size_t capacity;
	bool failed; /* no memory, or BUFFER_MAX reached: something is missing */
};

/* The slow half of buffer_reserve(). Returns 0, or -ENOMEM with @failed set. */
int buffer_grow(struct buffer *buffer, size_t n);

/* Makes room for @n more bytes. Returns where they go (@length is the caller's to raise), or NULL
 * with @failed set. */
static inline char *buffer_reserve(struct buffer *buffer, size_t n)
{
	/* "<=" leaves a byte to spare: data is never NULL here, not even for n == 0. */
	if (buffer->capacity - buffer->length <= n && buffer_grow(buffer, n) < 0)
		return NULL;
	return buffer->data + buffer->length;
}

static inline void buffer_append(struct buffer *buffer, const void *data, size_t n)
{
	char *to = buffer_reserve(buffer, n);

	if (!to)
		return;
	memcpy(to, data, n);
	buffer->length += n;
}

static inline void buffer_append_char(struct buffer *buffer, char c)
{
	char *to = buffer_reserve(buffer, 1);

	if (!to)
		return;
	*to = c;
	buffer->length++;
}

/* A NUL-terminated string, without its NUL. */
static inline void buffer_append_string(struct buffer *buffer, const char *string)
{
	buffer_append(buffer, string, strlen(string));
}

/* @n spaces. */
void buffer_append_spaces(struct buffer *buffer, size_t n);

/* Decimal. */
void buffer_append_uint(struct buffer *buffer, uint64_t value);
void buffer_append_int(struct buffer *buffer, int64_t value);
/* The last @digits decimal digits of @value, with leading zeros. */
void buffer_append_padded(struct buffer *buffer, uint32_t value, unsigned int digits);

/* Takes @n bytes off the front. */
void buffer_consume(struct buffer *buffer, size_t n);

/* Writes all of it to a descriptor, through short writes, EINTR and EAGAIN. Returns 0, or a
 * negative errno: -EPIPE when the reader has gone, or does not read while a signal of lib/signals.h
 * waits; what was not written stays. */
int buffer_write(struct buffer *buffer, int fd);

/* Frees the bytes and leaves an empty buffer. */
void buffer_release(struct buffer *buffer);

#endif
