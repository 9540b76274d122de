/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/pcapng_read.h"

#include <byteswap.h>
#include <inttypes.h>

#define READ_AHEAD 65536U /* bytes */
#define HEAD	   8U	  /* bytes of a block's type and length */
#define FRAME	   12U	  /* and of the length behind it */

_Static_assert(PCAPNG_BLOCK_MAX + READ_AHEAD < BUFFER_MAX, "a block fits into a buffer");

struct pcapng_reader {
	struct buffer in; /* what was read */
	size_t at;	  /* in @in, of the next block */
	uint64_t offset;  /* in the file, of the next block */
	uint64_t skipped;
	struct pcapng_parser parser;
	pcapng_wait_fn wait;
	void *context;
	int fd;
	bool begun; /* a section header was there */
};

int pcapng_reader_new(int fd, pcapng_wait_fn wait, void *context, struct pcapng_reader **ret_reader)
{
	struct pcapng_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	reader->fd = fd;
	reader->wait = wait;
	reader->context = context;
	*ret_reader = reader;
	return 0;
}

void pcapng_reader_free(struct pcapng_reader *reader)
{
	if (!reader)
		return;
	pcapng_parser_release(&reader->parser);
	buffer_release(&reader->in);
	free(reader);
}

/* Reads until there are @n bytes at @at, or all that is left: says how many there are. */
static int fill(struct pcapng_reader *reader, size_t n, size_t *ret_n)
{
	struct buffer *in = &reader->in;

	while (in->length - reader->at < n) {
		int r = reader->wait ? reader->wait(reader->context) : 0;
		ssize_t got;

		if (r < 0)
			return r;
		buffer_consume(in, reader->at);
		reader->at = 0;
		if (!buffer_reserve(in, n - in->length + READ_AHEAD))
			return -ENOMEM;
		got = read(reader->fd, in->data + in->length, in->capacity - in->length);
		if (got == 0)
			break;
		if (got > 0)
			in->length += (size_t)got;
		else if (errno != EINTR)
			return -errno;
	}
	*ret_n = in->length - reader->at;
	return 0;
}

static uint32_t get_u32(const char *data, bool swapped)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return swapped ? bswap_32(value) : value;
}

static int bad(struct pcapng_reader *reader, const char *why)
{
	reader->parser.why = why;
	return -EBADMSG;
}

/* Learns the byte order of a section from its header. */
static int begin_section(struct pcapng_reader *reader)
{
	size_t n = 0;
	int r = fill(reader, FRAME, &n);
	uint32_t order;

	if (r < 0)
		return r;
	if (n < FRAME)
		return bad(reader, "cut short");
	order = get_u32(reader->in.data + reader->at + HEAD, false);
	if (order != PCAPNG_BYTE_ORDER && order != bswap_32(PCAPNG_BYTE_ORDER))
		return bad(reader, "a section header without its byte order");
	reader->parser.swapped = order != PCAPNG_BYTE_ORDER;
	reader->begun = true;
	return 0;
}

/* Reads a whole block and goes on behind it. Returns 1, 0 at the end, or a negative errno. */
static int take_block(struct pcapng_reader *reader, uint32_t *ret_type, const char **ret_body,
		      size_t *ret_length)
{
	uint32_t type, length;
	const char *block;
	size_t n = 0;
	int r;

	r = fill(reader, HEAD, &n);
	if (r < 0)
		return r;
	if (n == 0 && reader->begun)
		return 0;
	/* The type of a section header is the same in both byte orders. */
	if (n >= HEAD && get_u32(reader->in.data + reader->at, false) == PCAPNG_BLOCK_SECTION) {
		r = begin_section(reader);
		if (r < 0)
			return r;
	}
	if (!reader->begun)
		return bad(reader, "not a pcapng file");
	if (n < HEAD)
		return bad(reader, "cut short");
	type = get_u32(reader->in.data + reader->at, reader->parser.swapped);
	length = get_u32(reader->in.data + reader->at + 4, reader->parser.swapped);
	if (length < FRAME || length % 4)
		return bad(reader, "a block of an impossible length");
	if (length > PCAPNG_BLOCK_MAX) {
		reader->parser.why = "a block that is too long";
		return -E2BIG;
	}
	r = fill(reader, length, &n);
	if (r < 0)
		return r;
	if (n < length)
		return bad(reader, "cut short");
	block = reader->in.data + reader->at;
	if (get_u32(block + length - 4, reader->parser.swapped) != length)
		return bad(reader, "the two lengths of a block differ");
	reader->at += length;
	*ret_type = type;
	*ret_body = block + HEAD;
	*ret_length = length - FRAME;
	return 1;
}

static int read_block(struct pcapng_reader *reader, struct pcapng_event *ret_event)
{
	const char *body;
	size_t length;
	uint32_t type;
	int r;

	while ((r = take_block(reader, &type, &body, &length)) > 0) {
		r = pcapng_parse(&reader->parser, type, body, length, ret_event);
		if (r < 0)
			return r;
		reader->offset += length + FRAME;
		if (r > 0)
			return r;
		reader->skipped++;
	}
	return r;
}

int pcapng_reader_next(struct pcapng_reader *reader, struct pcapng_event *ret_event,
		       struct error *error)
{
	int r;

	reader->parser.why = NULL;
	r = read_block(reader, ret_event);
	if (r < 0)
		return error_set(error, r, "at byte %" PRIu64 ": %s", reader->offset,
				 reader->parser.why ? reader->parser.why : strerror(-r));
	return r;
}

const struct pcapng_interface *pcapng_reader_interface(const struct pcapng_reader *reader,
						       uint32_t number)
{
	const struct pcapng_entry *entry = pcapng_table_find(&reader->parser.interfaces, number);

	return entry ? &entry->interface : NULL;
}

const struct pcapng_process *pcapng_reader_process(const struct pcapng_reader *reader,
						   uint32_t number)
{
	const struct pcapng_entry *entry = pcapng_table_find(&reader->parser.processes, number);

	return entry ? &entry->process : NULL;
}

uint64_t pcapng_reader_skipped(const struct pcapng_reader *reader)
{
	return reader->skipped;
}
