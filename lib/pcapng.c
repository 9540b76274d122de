/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/pcapng.h"

#include "lib/base.h"
#include "lib/text.h"

#define WORD	       4U	  /* bytes that everything is padded to */
#define NANOSECONDS    9U	  /* if_tsresol: 10 to the power of -9 seconds */
#define SECTION_LENGTH UINT64_MAX /* of a section that goes on: not given */

/* Each byte of a text becomes four at most, and an option's length has 16 bits. */
_Static_assert(PCAPNG_TEXT_MAX * 4 <= UINT16_MAX, "an escaped text fits into an option");

/* A block that grows at the end of a buffer. */
struct block {
	struct buffer *buffer;
	size_t start;	/* of the block */
	size_t options; /* where its options begin */
};

static void append_u32(struct buffer *buffer, uint32_t value)
{
	buffer_append(buffer, &value, sizeof(value));
}

/* Pads what was appended since @start, the beginning of a word. */
static void append_padding(struct buffer *buffer, size_t start)
{
	static const char zeros[WORD];

	buffer_append(buffer, zeros, -(buffer->length - start) % WORD);
}

static struct block block_begin(struct buffer *buffer, uint32_t type, const uint32_t *fixed,
				size_t n_fixed)
{
	struct block block = {.buffer = buffer, .start = buffer->length};

	append_u32(buffer, type);
	append_u32(buffer, 0); /* the length: block_end() */
	buffer_append(buffer, fixed, n_fixed * sizeof(*fixed));
	block.options = buffer->length;
	return block;
}

static void append_option(struct block *block, uint16_t code, const void *data, uint16_t length)
{
	const uint16_t head[2] = {code, length};

	buffer_append(block->buffer, head, sizeof(head));
	buffer_append(block->buffer, data, length);
	append_padding(block->buffer, block->buffer->length - length);
}

static void append_u64_option(struct block *block, uint16_t code, uint64_t value)
{
	if (value != PCAPNG_UNKNOWN)
		append_option(block, code, &value, sizeof(value));
}

/* Times are not a 64-bit number but two halves, the upper one first in either byte order. */
static void append_time_option(struct block *block, uint16_t code, uint64_t ns)
{
	const uint32_t halves[2] = {(uint32_t)(ns >> 32), (uint32_t)ns};

	if (ns != PCAPNG_UNKNOWN)
		append_option(block, code, halves, sizeof(halves));
}

/* The length up to PCAPNG_TEXT_MAX, without a character that would be cut in two. */
static size_t text_length(const struct pcapng_text *text)
{
	size_t length = PCAPNG_TEXT_MAX;

	if (text->length <= length)
		return text->length;
	while (length > PCAPNG_TEXT_MAX - 3 && ((uint8_t)text->data[length] & 0xc0) == 0x80)
		length--;
	return length;
}

static void append_text_option(struct block *block, uint16_t code, const struct pcapng_text *text)
{
	struct buffer *buffer = block->buffer;
	uint16_t head[2] = {code, 0};
	size_t start;

	if (text->length == 0)
		return;
	buffer_append(buffer, head, sizeof(head));
	start = buffer->length;
	text_append(buffer, text->data, text_length(text));
	if (buffer->failed)
		return;
	head[1] = (uint16_t)(buffer->length - start);
	memcpy(buffer->data + start - sizeof(head), head, sizeof(head));
	append_padding(buffer, start);
}

/* Ends the block, or takes it away again if something of it is missing. */
static int block_end(struct block *block)
{
	struct buffer *buffer = block->buffer;
	uint32_t length;

	if (buffer->length > block->options)
		append_u32(buffer, PCAPNG_OPTION_END);
	length = (uint32_t)(buffer->length - block->start + sizeof(length));
	append_u32(buffer, length);
	if (buffer->failed) {
		buffer->length = block->start;
		buffer->failed = false;
		return -ENOMEM;
	}
	memcpy(buffer->data + block->start + sizeof(uint32_t), &length, sizeof(length));
	return 0;
}

int pcapng_append_section(struct pcapng_writer *writer, const struct pcapng_section *section)
{
	const uint64_t length = SECTION_LENGTH;
	const uint16_t version[2] = {PCAPNG_VERSION_MAJOR, PCAPNG_VERSION_MINOR};
	uint32_t fixed[4] = {PCAPNG_BYTE_ORDER};
	struct block block;
	int r;

	if (writer->begun)
		return -EINVAL;
	memcpy(&fixed[1], version, sizeof(version));
	memcpy(&fixed[2], &length, sizeof(length));
	block = block_begin(&writer->blocks, PCAPNG_BLOCK_SECTION, fixed, ARRAY_SIZE(fixed));
	append_text_option(&block, PCAPNG_SECTION_HARDWARE, &section->hardware);
	append_text_option(&block, PCAPNG_SECTION_OS, &section->os);
	append_text_option(&block, PCAPNG_SECTION_APPLICATION, &section->application);
	r = block_end(&block);
	writer->begun = r == 0;
	return r;
}

static uint32_t count_interfaces(const struct pcapng_writer *writer)
{
	return (uint32_t)(writer->snaplens.length / sizeof(uint32_t));
}

static uint32_t interface_snaplen(const struct pcapng_writer *writer, uint32_t interface)
{
	uint32_t snaplen;

	memcpy(&snaplen, writer->snaplens.data + interface * sizeof(snaplen), sizeof(snaplen));
	return snaplen;
}

/* Ends a block that readers keep, if there is still room for it in what they keep. */
static int table_block_end(struct pcapng_writer *writer, struct block *block)
{
	int r = block_end(block);
	size_t length = writer->blocks.length - block->start;

	if (r < 0)
		return r;
	if (length > PCAPNG_TABLE_BYTES_MAX - writer->table_bytes) {
		writer->blocks.length = block->start;
		return -ENOSPC;
	}
	writer->table_bytes += length;
	return 0;
}

int pcapng_append_interface(struct pcapng_writer *writer, const struct pcapng_interface *interface,
			    uint32_t *ret_interface)
{
	const uint8_t resolution = NANOSECONDS;
	const uint16_t link_type[2] = {interface->link_type, 0};
	const uint32_t number = count_interfaces(writer);
	uint32_t snaplen = interface->snaplen, fixed[2];
	struct block block;
	int r;

	if (!writer->begun)
		return -EINVAL;
	if (number >= PCAPNG_INTERFACES_MAX)
		return -ENOSPC;
	if (!buffer_reserve(&writer->snaplens, sizeof(snaplen))) {
		writer->snaplens.failed = false;
		return -ENOMEM;
	}
	if (snaplen == 0 || snaplen > PCAPNG_PACKET_MAX)
		snaplen = PCAPNG_PACKET_MAX;
	memcpy(&fixed[0], link_type, sizeof(link_type));
	fixed[1] = snaplen;
	block = block_begin(&writer->blocks, PCAPNG_BLOCK_INTERFACE, fixed, ARRAY_SIZE(fixed));
	append_text_option(&block, PCAPNG_INTERFACE_NAME, &interface->name);
	append_text_option(&block, PCAPNG_INTERFACE_DESCRIPTION, &interface->description);
	append_option(&block, PCAPNG_INTERFACE_RESOLUTION, &resolution, sizeof(resolution));
	append_text_option(&block, PCAPNG_INTERFACE_OS, &interface->os);
	append_text_option(&block, PCAPNG_INTERFACE_HARDWARE, &interface->hardware);
	r = table_block_end(writer, &block);
	if (r < 0)
		return r;
	append_u32(&writer->snaplens, snaplen);
	*ret_interface = number;
	return 0;
}

int pcapng_append_process(struct pcapng_writer *writer, const struct pcapng_process *process,
			  uint32_t *ret_process)
{
	struct block block;
	int r;

	if (!writer->begun)
		return -EINVAL;
	if (writer->n_processes >= PCAPNG_PROCESSES_MAX)
		return -ENOSPC;
	block = block_begin(&writer->blocks, PCAPNG_BLOCK_PROCESS, &process->pid, 1);
	append_text_option(&block, PCAPNG_PROCESS_NAME, &process->name);
	append_text_option(&block, PCAPNG_PROCESS_PATH, &process->path);
	if (process->uuid)
		append_option(&block, PCAPNG_PROCESS_UUID, process->uuid, PCAPNG_UUID_SIZE);
	r = table_block_end(writer, &block);
	if (r < 0)
		return r;
	*ret_process = writer->n_processes++;
	return 0;
}

int pcapng_append_packet(struct pcapng_writer *writer, const struct pcapng_packet *packet)
{
	const uint32_t ids[2] = {packet->pid, packet->tid};
	uint32_t fixed[5] = {
		packet->interface,	 (uint32_t)(packet->ts_ns >> 32),
		(uint32_t)packet->ts_ns, packet->length,
		packet->original,
	};
	struct block block;

	if (packet->interface >= count_interfaces(writer) || packet->original < packet->length ||
	    (packet->flags & PCAPNG_FLAGS_RESERVED) ||
	    (packet->process != PCAPNG_NO_PROCESS && packet->process >= writer->n_processes))
		return -EINVAL;
	if (fixed[3] > interface_snaplen(writer, packet->interface))
		fixed[3] = interface_snaplen(writer, packet->interface);
	block = block_begin(&writer->blocks, PCAPNG_BLOCK_PACKET, fixed, ARRAY_SIZE(fixed));
	if (fixed[3] > 0)
		buffer_append(&writer->blocks, packet->data, fixed[3]);
	append_padding(&writer->blocks, block.options);
	block.options = writer->blocks.length;
	append_text_option(&block, PCAPNG_OPTION_COMMENT, &packet->comment);
	if (packet->flags)
		append_option(&block, PCAPNG_PACKET_FLAGS, &packet->flags, sizeof(packet->flags));
	if (packet->pid)
		append_option(&block, PCAPNG_PACKET_PROCESS_IDS, ids, sizeof(ids));
	if (packet->process != PCAPNG_NO_PROCESS)
		append_option(&block, PCAPNG_PACKET_PROCESS, &packet->process,
			      sizeof(packet->process));
	return block_end(&block);
}

int pcapng_append_statistics(struct pcapng_writer *writer,
			     const struct pcapng_statistics *statistics)
{
	const uint32_t fixed[3] = {
		statistics->interface,
		(uint32_t)(statistics->ts_ns >> 32),
		(uint32_t)statistics->ts_ns,
	};
	struct block block;

	if (statistics->interface >= count_interfaces(writer))
		return -EINVAL;
	block = block_begin(&writer->blocks, PCAPNG_BLOCK_STATISTICS, fixed, ARRAY_SIZE(fixed));
	append_time_option(&block, PCAPNG_STATISTICS_START, statistics->start_ns);
	append_time_option(&block, PCAPNG_STATISTICS_END, statistics->end_ns);
	append_u64_option(&block, PCAPNG_STATISTICS_RECEIVED, statistics->received);
	append_u64_option(&block, PCAPNG_STATISTICS_IF_DROPPED, statistics->if_dropped);
	append_u64_option(&block, PCAPNG_STATISTICS_ACCEPTED, statistics->accepted);
	append_u64_option(&block, PCAPNG_STATISTICS_OS_DROPPED, statistics->os_dropped);
	append_u64_option(&block, PCAPNG_STATISTICS_DELIVERED, statistics->delivered);
	return block_end(&block);
}

void pcapng_writer_release(struct pcapng_writer *writer)
{
	buffer_release(&writer->blocks);
	buffer_release(&writer->snaplens);
	*writer = (struct pcapng_writer){};
}
