/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/record.h"

#include <errno.h>

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
