/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/record.h"

#include <errno.h>
#include <string.h>

#define RECORD_ALIGN _Alignof(struct record_header)

int record_check(const void *data, size_t size, const struct record_sizes *sizes)
{
	const struct record_header *header = data;

	if (size < sizeof(*header) || header->length < sizeof(*header) || header->length > size)
		return -EBADMSG;
	if (header->type >= RECORD_TYPES_MAX || !sizes->least[header->type])
		return -EBADMSG;
	if (header->length < sizes->least[header->type])
		return -EBADMSG;
	return (int)header->type;
}

const struct record_header *record_next(const void *data, size_t size, size_t *offset,
					const struct record_sizes *sizes, int *ret_bad)
{
	const struct record_header *header;
	int r;

	*ret_bad = 0;
	if (*offset >= size)
		return NULL;
	header = (const void *)((const char *)data + *offset);
	r = record_check(header, size - *offset, sizes);
	if (r >= 0 && header->length % RECORD_ALIGN)
		r = -EBADMSG;
	if (r < 0) {
		*ret_bad = r;
		return NULL;
	}
	*offset += header->length;
	return header;
}

size_t record_join_path(const char *parts, size_t length, char *ret_text)
{
	size_t end = length ? length : 1, at = end;

	ret_text[0] = '/';
	ret_text[end] = '\0';
	for (size_t i = 0, n; i < length; i += n + 1) {
		n = strlen(parts + i);
		at -= n + 1;
		ret_text[at] = '/';
		memcpy(ret_text + at + 1, parts + i, n);
	}
	return end;
}
