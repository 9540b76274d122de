/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a pcapng file: read to its end or to what is refused, everything looked at that an
 * event points to, and every packet shown. And any packet, process and interface written, to be
 * read back as it was. Input: a byte, modulo 3. 0: the rest is a file. 1: a section header stands
 * before it (of the other byte order if the byte's top bit is set), and it is blocks: a byte for
 * the type, two for the length, and what is between head and trailer. 2: the rest is written, and
 * read back.
 */
#include <byteswap.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base.h"
#include "lib/pcapng_read.h"
#include "tools/packets_event.h"

#define FRAME 3

static void check(bool good)
{
	if (!good)
		abort();
}

static uint32_t sum(const void *data, size_t n)
{
	const uint8_t *bytes = data;
	uint32_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += bytes[i];
	return total;
}

/* A text is there or not, and has no NUL. */
static void check_text(const struct pcapng_text *text)
{
	check((text->data != NULL) == (text->length != 0));
	check(text->length <= UINT16_MAX);
	check(!text->data || !memchr(text->data, '\0', text->length));
}

static void check_interface(const struct pcapng_interface *interface)
{
	check_text(&interface->name);
	check_text(&interface->description);
	check_text(&interface->os);
	check_text(&interface->hardware);
}

static void check_process(const struct pcapng_process *process)
{
	check_text(&process->name);
	check_text(&process->path);
	check(!process->uuid || sum(process->uuid, PCAPNG_UUID_SIZE) <= 255 * PCAPNG_UUID_SIZE);
}

/* As `flowattr -r` shows it: a line of printable text, and a row. */
static void check_shown(const struct pcapng_reader *reader, const struct pcapng_packet *packet)
{
	static struct packet_event event;
	struct buffer line = {};
	struct row row = {};

	packet_event_read(reader, packet, &event);
	packet_line(&line, &event.view);
	check(!line.failed && line.length > 0 && line.data[line.length - 1] == '\n');
	for (size_t i = 0; i + 1 < line.length; i++)
		check((uint8_t)line.data[i] >= ' ' && line.data[i] != 0x7f);
	packet_row(&event.view, &row);
	check(row.cells[PACKET_FIELD_TYPE].kind == CELL_TEXT);
	buffer_release(&line);
}

static void check_packet(const struct pcapng_reader *reader, const struct pcapng_packet *packet)
{
	const struct pcapng_interface *interface;

	check_text(&packet->comment);
	check(packet->length <= packet->original && packet->length < PCAPNG_BLOCK_MAX);
	check(sum(packet->data, packet->length) <= 255 * packet->length);
	interface = pcapng_reader_interface(reader, packet->interface);
	check(interface);
	check_interface(interface);
	check_shown(reader, packet);
	if (packet->process == PCAPNG_NO_PROCESS)
		return;
	check(pcapng_reader_process(reader, packet->process));
	check_process(pcapng_reader_process(reader, packet->process));
}

static void check_event(const struct pcapng_reader *reader, const struct pcapng_event *event)
{
	switch (event->kind) {
	case PCAPNG_SECTION:
		check_text(&event->section.hardware);
		check_text(&event->section.os);
		check_text(&event->section.application);
		check(!pcapng_reader_interface(reader, 0) && !pcapng_reader_process(reader, 0));
		break;
	case PCAPNG_INTERFACE:
		check_interface(&event->interface);
		check(pcapng_reader_interface(reader, event->number));
		check(!pcapng_reader_interface(reader, event->number + 1));
		break;
	case PCAPNG_PROCESS:
		check_process(&event->process);
		check(pcapng_reader_process(reader, event->number));
		check(!pcapng_reader_process(reader, event->number + 1));
		break;
	case PCAPNG_PACKET:
		check_packet(reader, &event->packet);
		break;
	case PCAPNG_STATISTICS:
		check(pcapng_reader_interface(reader, event->statistics.interface));
		break;
	default:
		abort();
	}
}

static int open_bytes(const void *data, size_t size)
{
	int fd = memfd_create("fuzz_pcapng", MFD_CLOEXEC);

	check(fd >= 0);
	check(write(fd, data, size) == (ssize_t)size);
	check(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void read_file(const void *data, size_t size)
{
	_cleanup_(pcapng_reader_freep) struct pcapng_reader *reader = NULL;
	_cleanup_(closep) int fd = open_bytes(data, size);
	struct pcapng_event event;
	struct error error = {};
	int r;

	check(pcapng_reader_new(fd, NULL, NULL, &reader) == 0);
	while ((r = pcapng_reader_next(reader, &event, &error)) > 0)
		check_event(reader, &event);
	check(r == 0 || r == -EBADMSG || r == -E2BIG || r == -EPROTONOSUPPORT);
	check((r == 0) == (error.text[0] == '\0'));
}

static void append_u32(struct buffer *buffer, uint32_t value, bool swapped)
{
	value = swapped ? bswap_32(value) : value;
	buffer_append(buffer, &value, sizeof(value));
}

static void append_block(struct buffer *file, uint32_t type, const void *body, size_t size,
			 bool swapped)
{
	const uint32_t padding = (uint32_t)(-size % 4);
	const uint32_t length = (uint32_t)(12 + size + padding);

	append_u32(file, type, swapped);
	append_u32(file, length, swapped);
	buffer_append(file, body, size);
	buffer_append(file, "\0\0\0", padding);
	append_u32(file, length, swapped);
}

/* Puts heads and trailers around what is in @data, so that little of it is needed to get far. */
static void read_framed(const uint8_t *data, size_t size, bool swapped)
{
	static const uint32_t types[] = {
		PCAPNG_BLOCK_SECTION, PCAPNG_BLOCK_INTERFACE,  PCAPNG_BLOCK_PROCESS,
		PCAPNG_BLOCK_PACKET,  PCAPNG_BLOCK_STATISTICS, 4,
	};
	const uint16_t version = swapped ? bswap_16(PCAPNG_VERSION_MAJOR) : PCAPNG_VERSION_MAJOR;
	struct buffer file = {}, header = {};

	append_u32(&header, PCAPNG_BYTE_ORDER, swapped);
	buffer_append(&header, &version, sizeof(version));
	buffer_append(&header, "\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 10);
	append_block(&file, PCAPNG_BLOCK_SECTION, header.data, header.length, swapped);
	while (size >= FRAME) {
		uint32_t type = types[data[0] % ARRAY_SIZE(types)];
		size_t length = data[1] | (size_t)data[2] << 8;

		data += FRAME;
		size -= FRAME;
		length = length < size ? length : size;
		append_block(&file, type, data, length, swapped);
		data += length;
		size -= length;
	}
	check(!file.failed && !header.failed);
	read_file(file.data, file.length);
	buffer_release(&file);
	buffer_release(&header);
}

/* Reads the next block, of which it knows what it is. */
static void expect(struct pcapng_reader *reader, enum pcapng_kind kind, struct pcapng_event *event)
{
	check(pcapng_reader_next(reader, event, NULL) == 1);
	check(event->kind == kind);
	check_event(reader, event);
}

static void read_back(const struct buffer *file, const struct pcapng_process *process,
		      const struct pcapng_packet *packet,
		      const struct pcapng_statistics *statistics)
{
	_cleanup_(pcapng_reader_freep) struct pcapng_reader *reader = NULL;
	_cleanup_(closep) int fd = open_bytes(file->data, file->length);
	struct pcapng_event event;
	uint32_t snaplen;

	check(pcapng_reader_new(fd, NULL, NULL, &reader) == 0);
	expect(reader, PCAPNG_SECTION, &event);
	expect(reader, PCAPNG_INTERFACE, &event);
	snaplen = event.interface.snaplen;
	expect(reader, PCAPNG_PROCESS, &event);
	check(event.process.pid == process->pid);
	check((event.process.name.length == 0) == (process->name.length == 0));
	expect(reader, PCAPNG_PACKET, &event);
	check(event.packet.ts_ns == packet->ts_ns && event.packet.flags == packet->flags);
	check(event.packet.pid == packet->pid && event.packet.process == packet->process);
	check(event.packet.tid == (packet->pid ? packet->tid : 0));
	check(event.packet.length == (packet->length < snaplen ? packet->length : snaplen));
	check(event.packet.original == packet->original);
	check(memcmp(event.packet.data, packet->data, event.packet.length) == 0);
	expect(reader, PCAPNG_STATISTICS, &event);
	check(event.statistics.start_ns == statistics->start_ns);
	check(event.statistics.os_dropped == statistics->os_dropped);
	check(pcapng_reader_next(reader, &event, NULL) == 0);
	check(pcapng_reader_skipped(reader) == 0);
}

/* Numbers from the front of the input; texts and the packet are all of the rest. */
static void write_back(const uint8_t *data, size_t size)
{
	const struct pcapng_section section = {.os = {(const char *)data, size}};
	struct {
		uint64_t ts_ns, count;
		uint32_t pid, tid, flags, snaplen;
	} numbers = {};
	struct pcapng_interface interface = {};
	struct pcapng_process process = {};
	struct pcapng_packet packet = {};
	struct pcapng_statistics statistics = {};
	struct pcapng_writer writer = {};
	size_t used = size < sizeof(numbers) ? size : sizeof(numbers);
	struct pcapng_text text = {(const char *)data + used, size - used};

	memcpy(&numbers, data, used);
	interface = (struct pcapng_interface){.name = text, .snaplen = numbers.snaplen};
	process = (struct pcapng_process){.pid = numbers.pid, .name = text, .path = text};
	packet = (struct pcapng_packet){
		.ts_ns = numbers.ts_ns,
		.data = text.data,
		.length = (uint32_t)text.length,
		.original = (uint32_t)text.length + 1,
		.flags = numbers.flags & ~PCAPNG_FLAGS_RESERVED,
		.pid = numbers.pid,
		.tid = numbers.tid,
		.comment = text,
	};
	statistics = (struct pcapng_statistics){
		.start_ns = numbers.ts_ns,
		.os_dropped = numbers.count,
	};
	check(pcapng_append_section(&writer, &section) == 0);
	check(pcapng_append_interface(&writer, &interface, &packet.interface) == 0);
	check(pcapng_append_process(&writer, &process, &packet.process) == 0);
	check(pcapng_append_packet(&writer, &packet) == 0);
	check(pcapng_append_statistics(&writer, &statistics) == 0);
	read_back(&writer.blocks, &process, &packet, &statistics);
	pcapng_writer_release(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] % 3) {
	case 0:
		read_file(data + 1, size - 1);
		break;
	case 1:
		read_framed(data + 1, size - 1, data[0] & 0x80);
		break;
	default:
		write_back(data + 1, size - 1);
	}
	return 0;
}
