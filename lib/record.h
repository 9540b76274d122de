/* SPDX-License-Identifier: GPL-2.0-only */
/* Records as they come out of the ring buffer: is this one whole, and what was lost before it? */
#ifndef LIB_RECORD_H
#define LIB_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"

/* Least length of each type of record that a tool takes, bytes, by type; 0: not expected. */
struct record_sizes {
	uint32_t least[RECORD_TYPES_MAX];
};

/* Checks @size bytes against their own head. Returns the type, or -EBADMSG: shorter than its head,
 * than it says, or than its type needs, or of no known type. */
int record_check(const void *data, size_t size, const struct record_sizes *sizes);

/* Walks over records that stand one behind the other, as an iterator writes them: the record at
 * *@offset, or NULL at the end. @data is 8-byte aligned, and so is each record. One that is cut
 * off, or so long that the next would not be aligned, ends the walk, and *ret_bad is set to
 * -EBADMSG. */
const struct record_header *record_next(const void *data, size_t size, size_t *offset,
					const struct record_sizes *sizes, int *ret_bad);

/* A path as records have it, leaf first: writes "/a/b" and its NUL for "b\0a\0", "/" for no parts.
 * @length: with the last NUL. @ret_text holds @length + 2 bytes. Returns the length of the path. */
size_t record_join_path(const char *parts, size_t length, char *ret_text);

#endif
