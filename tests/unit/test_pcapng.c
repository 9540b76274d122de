/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "lib/base.h"
#include "lib/pcapng_read.h"

#define TS_NS 1700000000123456789ULL /* 0x17979cfe3a0bcd15 */

/* A file by hand: words in either byte order. */
struct file {
	struct buffer bytes;
	bool swapped;
	size_t block; /* where the last block begins */
};

static void put16(struct file *file, uint16_t value)
{
	value = file->swapped ? __builtin_bswap16(value) : value;
	buffer_append(&file->bytes, &value, sizeof(value));
}

static void put32(struct file *file, uint32_t value)
{
	value = file->swapped ? __builtin_bswap32(value) : value;
	buffer_append(&file->bytes, &value, sizeof(value));
}

static void put64(struct file *file, uint64_t value)
{
	value = file->swapped ? __builtin_bswap64(value) : value;
	buffer_append(&file->bytes, &value, sizeof(value));
}

static void put_bytes(struct file *file, const void *data, size_t n)
{
	buffer_append(&file->bytes, data, n);
	while ((file->bytes.length - file->block) % 4)
		buffer_append_char(&file->bytes, '\0');
}

static void put_option(struct file *file, uint16_t code, const void *data, size_t n)
{
	put16(file, code);
	put16(file, (uint16_t)n);
	put_bytes(file, data, n);
}

static void begin_block(struct file *file, uint32_t type)
{
	file->block = file->bytes.length;
	put32(file, type);
	put32(file, 0);
}

static void end_block(struct file *file)
{
	uint32_t length = (uint32_t)(file->bytes.length - file->block + 4);

	put32(file, length);
	memcpy(file->bytes.data + file->block + 4, file->bytes.data + file->bytes.length - 4, 4);
}

static void put_section(struct file *file)
{
	begin_block(file, 0x0a0d0d0a);
	put32(file, 0x1a2b3c4d);
	put16(file, 1);
	put16(file, 0);
	put64(file, UINT64_MAX);
	end_block(file);
}

/* An Ethernet interface whose times have if_tsresol @resolution, or none if that is negative. */
static void put_interface(struct file *file, int resolution)
{
	const uint8_t byte = (uint8_t)resolution;

	begin_block(file, 1);
	put16(file, 1);
	put16(file, 0);
	put32(file, 96);
	put_option(file, 2, "eth0", 4);
	if (resolution >= 0)
		put_option(file, 9, &byte, 1);
	put32(file, 0);
	end_block(file);
}

static void begin_packet(struct file *file, uint32_t interface, uint64_t ticks, uint32_t length)
{
	begin_block(file, 6);
	put32(file, interface);
	put32(file, (uint32_t)(ticks >> 32));
	put32(file, (uint32_t)ticks);
	put32(file, length);
	put32(file, length);
}

static void put_packet(struct file *file, uint64_t ticks)
{
	begin_packet(file, 0, ticks, 5);
	put_bytes(file, "12345", 5);
	end_block(file);
}

static int file_fd(const struct buffer *bytes)
{
	int fd = memfd_create("pcapng", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes->data, bytes->length), bytes->length);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* Reads to the end or the first error, and counts. */
static int read_all(const struct buffer *bytes, unsigned int *ret_events, struct error *error)
{
	_cleanup_(pcapng_reader_freep) struct pcapng_reader *reader = NULL;
	_cleanup_(closep) int fd = file_fd(bytes);
	struct pcapng_event event;
	int r;

	assert_int_equal(pcapng_reader_new(fd, NULL, NULL, &reader), 0);
	*ret_events = 0;
	while ((r = pcapng_reader_next(reader, &event, error)) > 0)
		++*ret_events;
	return r;
}

static void assert_text(struct pcapng_text text, const char *want)
{
	assert_int_equal(text.length, want ? strlen(want) : 0);
	if (want)
		assert_memory_equal(text.data, want, text.length);
	else
		assert_null(text.data);
}

/* What the writer has, against what was put by hand. */
static void assert_blocks(struct pcapng_writer *writer, const struct file *want)
{
	assert_int_equal(writer->blocks.length, want->bytes.length);
	assert_memory_equal(writer->blocks.data, want->bytes.data, want->bytes.length);
}

static void begin(struct pcapng_writer *writer)
{
	static const struct pcapng_section section = {};
	const struct pcapng_interface interface = {.name = pcapng_text("lo"), .link_type = 1};
	uint32_t number = 99;

	assert_int_equal(pcapng_append_section(writer, &section), 0);
	assert_int_equal(pcapng_append_interface(writer, &interface, &number), 0);
	assert_int_equal(number, 0);
	buffer_consume(&writer->blocks, writer->blocks.length);
}

static void test_section(void **state _unused_)
{
	static const struct pcapng_section none = {};
	const struct pcapng_section section = {
		.hardware = pcapng_text("x86_64"),
		.os = pcapng_text("Linux 6.12"),
		.application = pcapng_text("flowattr"),
	};
	struct pcapng_writer writer = {};
	struct file want = {};

	begin_block(&want, 0x0a0d0d0a);
	put32(&want, 0x1a2b3c4d);
	put16(&want, 1);
	put16(&want, 0);
	put64(&want, UINT64_MAX);
	put_option(&want, 2, "x86_64", 6);
	put_option(&want, 3, "Linux 6.12", 10);
	put_option(&want, 4, "flowattr", 8);
	put32(&want, 0);
	end_block(&want);
	assert_int_equal(want.bytes.length, 24 + 12 + 16 + 12 + 4 + 4);
	assert_int_equal(pcapng_append_section(&writer, &section), 0);
	assert_blocks(&writer, &want);
	assert_int_equal(pcapng_append_section(&writer, &section), -EINVAL);
	assert_blocks(&writer, &want);

	pcapng_writer_release(&writer);
	buffer_release(&want.bytes);
	want.block = 0;
	put_section(&want);
	assert_int_equal(want.bytes.length, 28);
	assert_int_equal(pcapng_append_section(&writer, &none), 0);
	assert_blocks(&writer, &want);
	pcapng_writer_release(&writer);
	buffer_release(&want.bytes);
}

/* Words put by hand are no better than the hand: one block as the bytes that a disk has. */
static void test_bytes(void **state _unused_)
{
	/* Type and length; process 1234; name; path; end of options and the length again (of the
	 * first, its last byte is the NUL of the literal). */
	static const char little[] = "\x01\x00\x00\x80\x2c\x00\x00\x00"
				     "\xd2\x04\x00\x00"
				     "\x02\x00\x02\x00nc\x00\x00"
				     "\x03\x00\x0b\x00/usr/bin/nc\x00"
				     "\x00\x00\x00\x00\x2c\x00\x00";
	static const char big[] = "\x80\x00\x00\x01\x00\x00\x00\x2c"
				  "\x00\x00\x04\xd2"
				  "\x00\x02\x00\x02nc\x00\x00"
				  "\x00\x03\x00\x0b/usr/bin/nc\x00"
				  "\x00\x00\x00\x00\x00\x00\x00\x2c";
	const char *want = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? little : big;
	const struct pcapng_process process = {
		.pid = 1234,
		.name = pcapng_text("nc"),
		.path = pcapng_text("/usr/bin/nc"),
	};
	struct pcapng_writer writer = {};
	uint32_t number = 99;

	begin(&writer);
	assert_int_equal(pcapng_append_process(&writer, &process, &number), 0);
	assert_int_equal(writer.blocks.length, sizeof(little));
	assert_memory_equal(writer.blocks.data, want, sizeof(little));
	pcapng_writer_release(&writer);
}

static void test_interface(void **state _unused_)
{
	const struct pcapng_interface interface = {
		.name = pcapng_text("eth0"),
		.description = pcapng_text("uplink"),
		.os = pcapng_text("Linux"),
		.hardware = pcapng_text("virtio"),
		.snaplen = 96,
		.link_type = 113,
	};
	const struct pcapng_interface bare = {.snaplen = UINT32_MAX};
	struct pcapng_writer writer = {};
	struct file want = {};
	uint32_t number = 99;

	assert_int_equal(pcapng_append_interface(&writer, &interface, &number), -EINVAL);
	assert_int_equal(writer.blocks.length, 0);
	assert_int_equal(number, 99);
	begin(&writer);
	begin_block(&want, 1);
	put16(&want, 113);
	put16(&want, 0);
	put32(&want, 96);
	put_option(&want, 2, "eth0", 4);
	put_option(&want, 3, "uplink", 6);
	put_option(&want, 9, "\x09", 1);
	put_option(&want, 12, "Linux", 5);
	put_option(&want, 15, "virtio", 6);
	put32(&want, 0);
	end_block(&want);
	begin_block(&want, 1);
	put32(&want, 0);
	put32(&want, 262144);
	put_option(&want, 9, "\x09", 1);
	put32(&want, 0);
	end_block(&want);
	assert_int_equal(pcapng_append_interface(&writer, &interface, &number), 0);
	assert_int_equal(number, 1);
	assert_int_equal(pcapng_append_interface(&writer, &bare, &number), 0);
	assert_int_equal(number, 2);
	assert_blocks(&writer, &want);
	pcapng_writer_release(&writer);
	buffer_release(&want.bytes);
}

static void test_process(void **state _unused_)
{
	static const uint8_t uuid[16] = {0xf0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	const struct pcapng_process process = {
		.pid = 4194304,
		.name = {"a\0b\nc", 5},
		.uuid = uuid,
	};
	static const struct pcapng_process none = {};
	struct pcapng_writer writer = {};
	struct file want = {};
	uint32_t number = 99;

	assert_int_equal(pcapng_append_process(&writer, &process, &number), -EINVAL);
	assert_int_equal(number, 99);
	begin(&writer);
	begin_block(&want, 0x80000001);
	put32(&want, 4194304);
	put_option(&want, 2, "a\\x00b\\x0ac", 11);
	put_option(&want, 4, uuid, 16);
	put32(&want, 0);
	end_block(&want);
	begin_block(&want, 0x80000001);
	put32(&want, 0);
	end_block(&want);
	assert_int_equal(pcapng_append_process(&writer, &process, &number), 0);
	assert_int_equal(number, 0);
	assert_int_equal(pcapng_append_process(&writer, &none, &number), 0);
	assert_int_equal(number, 1);
	assert_blocks(&writer, &want);
	pcapng_writer_release(&writer);
	buffer_release(&want.bytes);
}

static void test_packet(void **state _unused_)
{
	static const struct pcapng_process process = {.pid = 1234};
	const struct pcapng_packet packet = {
		.ts_ns = TS_NS,
		.data = "12345",
		.length = 5,
		.original = 1500,
		.flags = PCAPNG_OUTBOUND | PCAPNG_CHECKSUM_NOT_READY,
		.pid = 1234,
		.tid = 1235,
		.comment = pcapng_text("pid 1234 nc"),
	};
	const struct pcapng_packet bare = {.process = PCAPNG_NO_PROCESS};
	struct pcapng_writer writer = {};
	struct file want = {};
	uint32_t number;

	begin(&writer);
	assert_int_equal(pcapng_append_process(&writer, &process, &number), 0);
	buffer_consume(&writer.blocks, writer.blocks.length);
	begin_block(&want, 6);
	put32(&want, 0);
	put32(&want, TS_NS >> 32);
	put32(&want, TS_NS & UINT32_MAX);
	put32(&want, 5);
	put32(&want, 1500);
	put_bytes(&want, "12345", 5);
	put_option(&want, 1, "pid 1234 nc", 11);
	put16(&want, 2);
	put16(&want, 4);
	put32(&want, 0x202);
	put16(&want, 8);
	put16(&want, 8);
	put32(&want, 1234);
	put32(&want, 1235);
	put16(&want, 0x8001);
	put16(&want, 4);
	put32(&want, 0);
	put32(&want, 0);
	end_block(&want);
	begin_packet(&want, 0, 0, 0);
	end_block(&want);
	assert_int_equal(pcapng_append_packet(&writer, &packet), 0);
	assert_int_equal(pcapng_append_packet(&writer, &bare), 0);
	assert_blocks(&writer, &want);
	pcapng_writer_release(&writer);
	buffer_release(&want.bytes);
}

static void test_packet_refused(void **state _unused_)
{
	const struct pcapng_packet good = {
		.data = "12345",
		.length = 5,
		.original = 5,
		.process = PCAPNG_NO_PROCESS,
	};
	static const struct pcapng_statistics no_interface = {.interface = 1};
	struct pcapng_writer writer = {};
	struct pcapng_packet packet = good;

	assert_int_equal(pcapng_append_packet(&writer, &good), -EINVAL);
	begin(&writer);
	packet.interface = 1;
	assert_int_equal(pcapng_append_packet(&writer, &packet), -EINVAL);
	packet = good;
	packet.original = 4;
	assert_int_equal(pcapng_append_packet(&writer, &packet), -EINVAL);
	packet = good;
	packet.process = 0;
	assert_int_equal(pcapng_append_packet(&writer, &packet), -EINVAL);
	packet = good;
	packet.flags = 1U << 15;
	assert_int_equal(pcapng_append_packet(&writer, &packet), -EINVAL);
	assert_int_equal(pcapng_append_statistics(&writer, &no_interface), -EINVAL);
	assert_int_equal(writer.blocks.length, 0);
	assert_int_equal(pcapng_append_packet(&writer, &good), 0);
	pcapng_writer_release(&writer);
}

static void test_snaplen(void **state _unused_)
{
	const struct pcapng_interface interface = {.snaplen = 3, .link_type = 1};
	const struct pcapng_packet packet = {
		.interface = 1,
		.data = "12345",
		.length = 5,
		.original = 9,
		.process = PCAPNG_NO_PROCESS,
	};
	struct pcapng_writer writer = {};
	struct file want = {};
	uint32_t number;

	begin(&writer);
	assert_int_equal(pcapng_append_interface(&writer, &interface, &number), 0);
	buffer_consume(&writer.blocks, writer.blocks.length);
	begin_block(&want, 6);
	put32(&want, 1);
	put64(&want, 0);
	put32(&want, 3);
	put32(&want, 9);
	put_bytes(&want, "123", 3);
	end_block(&want);
	assert_int_equal(pcapng_append_packet(&writer, &packet), 0);
	assert_blocks(&writer, &want);
	pcapng_writer_release(&writer);
	buffer_release(&want.bytes);
}

static void put_time(struct file *file, uint16_t code, uint64_t ns)
{
	put16(file, code);
	put16(file, 8);
	put32(file, (uint32_t)(ns >> 32));
	put32(file, (uint32_t)ns);
}

static void put_count(struct file *file, uint16_t code, uint64_t count)
{
	put16(file, code);
	put16(file, 8);
	put64(file, count);
}

static void test_statistics(void **state _unused_)
{
	static const struct pcapng_statistics statistics = {
		.ts_ns = TS_NS,
		.start_ns = TS_NS - 5,
		.end_ns = TS_NS - 4,
		.received = 1ULL << 40,
		.if_dropped = 0,
		.accepted = 3,
		.os_dropped = 2,
		.delivered = 1,
	};
	static const struct pcapng_statistics some = {
		.ts_ns = TS_NS,
		.start_ns = PCAPNG_UNKNOWN,
		.end_ns = PCAPNG_UNKNOWN,
		.received = PCAPNG_UNKNOWN,
		.if_dropped = PCAPNG_UNKNOWN,
		.accepted = PCAPNG_UNKNOWN,
		.os_dropped = 7,
		.delivered = PCAPNG_UNKNOWN,
	};
	struct pcapng_writer writer = {};
	struct file want = {};

	begin(&writer);
	for (int i = 0; i < 2; i++) {
		begin_block(&want, 5);
		put32(&want, 0);
		put32(&want, TS_NS >> 32);
		put32(&want, TS_NS & UINT32_MAX);
		if (i == 0) {
			put_time(&want, 2, TS_NS - 5);
			put_time(&want, 3, TS_NS - 4);
			put_count(&want, 4, 1ULL << 40);
			put_count(&want, 5, 0);
			put_count(&want, 6, 3);
		}
		put_count(&want, 7, i == 0 ? 2 : 7);
		if (i == 0)
			put_count(&want, 8, 1);
		put32(&want, 0);
		end_block(&want);
	}
	assert_int_equal(pcapng_append_statistics(&writer, &statistics), 0);
	assert_int_equal(pcapng_append_statistics(&writer, &some), 0);
	assert_blocks(&writer, &want);
	pcapng_writer_release(&writer);
	buffer_release(&want.bytes);
}

/* A text too long is cut between two characters, and every byte of it may need an escape. */
static void test_long_text(void **state _unused_)
{
	static char text[PCAPNG_TEXT_MAX + 2];
	struct pcapng_process process = {.path = {text, sizeof(text)}};
	struct pcapng_writer writer = {};
	uint16_t length;
	uint32_t number;

	begin(&writer);
	memset(text, 'a', sizeof(text));
	memcpy(text + PCAPNG_TEXT_MAX - 2, "\xe2\x82\xac", 3);
	assert_int_equal(pcapng_append_process(&writer, &process, &number), 0);
	memcpy(&length, writer.blocks.data + 14, sizeof(length));
	assert_int_equal(length, PCAPNG_TEXT_MAX - 2);
	assert_memory_equal(writer.blocks.data + 16, text, length);
	buffer_consume(&writer.blocks, writer.blocks.length);
	memset(text, '\xff', sizeof(text));
	assert_int_equal(pcapng_append_process(&writer, &process, &number), 0);
	memcpy(&length, writer.blocks.data + 14, sizeof(length));
	assert_int_equal(length, PCAPNG_TEXT_MAX * 4);
	assert_memory_equal(writer.blocks.data + 16, "\\xff\\xff", 8);
	pcapng_writer_release(&writer);
}

/* A full buffer holds whole blocks only, and goes on once it was written out. */
static void test_full(void **state _unused_)
{
	static char data[PCAPNG_PACKET_MAX];
	const struct pcapng_packet packet = {
		.data = data,
		.length = sizeof(data),
		.original = sizeof(data),
		.process = PCAPNG_NO_PROCESS,
	};
	const size_t block = 28 + sizeof(data) + 4;
	struct pcapng_writer writer = {};
	unsigned int n = 0;
	int r;

	begin(&writer);
	while ((r = pcapng_append_packet(&writer, &packet)) == 0)
		n++;
	assert_int_equal(r, -ENOMEM);
	assert_int_equal(n, BUFFER_MAX / block);
	assert_int_equal(writer.blocks.length, n * block);
	buffer_consume(&writer.blocks, writer.blocks.length);
	assert_int_equal(pcapng_append_packet(&writer, &packet), 0);
	assert_int_equal(writer.blocks.length, block);
	pcapng_writer_release(&writer);
}

static void test_bounds(void **state _unused_)
{
	static char text[PCAPNG_TEXT_MAX];
	static const struct pcapng_interface interface = {};
	static const struct pcapng_process process = {};
	const struct pcapng_process longest = {.name = {text, sizeof(text)}};
	struct pcapng_writer writer = {};
	uint32_t number = 0;
	size_t bytes = 0;

	begin(&writer);
	for (uint32_t i = 1; i < PCAPNG_INTERFACES_MAX; i++) {
		assert_int_equal(pcapng_append_interface(&writer, &interface, &number), 0);
		buffer_consume(&writer.blocks, writer.blocks.length);
	}
	assert_int_equal(number, PCAPNG_INTERFACES_MAX - 1);
	assert_int_equal(pcapng_append_interface(&writer, &interface, &number), -ENOSPC);
	for (uint32_t i = 0; i < PCAPNG_PROCESSES_MAX; i++) {
		assert_int_equal(pcapng_append_process(&writer, &process, &number), 0);
		buffer_consume(&writer.blocks, writer.blocks.length);
	}
	assert_int_equal(number, PCAPNG_PROCESSES_MAX - 1);
	assert_int_equal(pcapng_append_process(&writer, &process, &number), -ENOSPC);
	assert_int_equal(writer.blocks.length, 0);
	pcapng_writer_release(&writer);

	begin(&writer);
	while (pcapng_append_process(&writer, &longest, &number) == 0) {
		bytes += writer.blocks.length;
		buffer_consume(&writer.blocks, writer.blocks.length);
		assert_true(bytes <= PCAPNG_TABLE_BYTES_MAX);
	}
	assert_true(bytes > PCAPNG_TABLE_BYTES_MAX - 40000);
	assert_int_equal(writer.blocks.length, 0);
	assert_int_equal(pcapng_append_process(&writer, &longest, &number), -ENOSPC);
	assert_int_equal(pcapng_append_process(&writer, &process, &number), 0);
	pcapng_writer_release(&writer);
}

/* All that can be said, there and back. */
static void write_whole(struct pcapng_writer *writer, const uint8_t *uuid)
{
	const struct pcapng_section section = {.application = pcapng_text("flowattr")};
	const struct pcapng_interface interface = {
		.name = pcapng_text("lo"),
		.description = pcapng_text("loopback"),
		.snaplen = 4,
		.link_type = 1,
	};
	const struct pcapng_process process = {
		.pid = 1234,
		.name = pcapng_text("gr\xc3\xbc\xc3\x9f\x1b"),
		.path = pcapng_text("/bin/x"),
		.uuid = uuid,
	};
	const struct pcapng_packet packet = {
		.ts_ns = TS_NS,
		.data = "123456",
		.length = 6,
		.original = 7,
		.flags = PCAPNG_INBOUND,
		.pid = 1234,
		.tid = 1235,
		.comment = pcapng_text("who"),
	};
	const struct pcapng_statistics statistics = {
		.ts_ns = TS_NS,
		.start_ns = TS_NS - 1,
		.end_ns = PCAPNG_UNKNOWN,
		.received = 5,
		.os_dropped = 1ULL << 33,
		.delivered = PCAPNG_UNKNOWN,
	};
	uint32_t number;

	assert_int_equal(pcapng_append_section(writer, &section), 0);
	assert_int_equal(pcapng_append_interface(writer, &interface, &number), 0);
	assert_int_equal(pcapng_append_process(writer, &process, &number), 0);
	assert_int_equal(pcapng_append_packet(writer, &packet), 0);
	assert_int_equal(pcapng_append_statistics(writer, &statistics), 0);
}

static void read_whole(struct pcapng_reader *reader, const uint8_t *uuid)
{
	struct pcapng_event event;
	struct error error;

	assert_int_equal(pcapng_reader_next(reader, &event, &error), 1);
	assert_int_equal(event.kind, PCAPNG_SECTION);
	assert_text(event.section.application, "flowattr");
	assert_text(event.section.os, NULL);
	assert_null(pcapng_reader_interface(reader, 0));
	assert_int_equal(pcapng_reader_next(reader, &event, &error), 1);
	assert_int_equal(event.kind, PCAPNG_INTERFACE);
	assert_int_equal(event.number, 0);
	assert_text(event.interface.name, "lo");
	assert_text(event.interface.description, "loopback");
	assert_text(event.interface.os, NULL);
	assert_int_equal(event.interface.snaplen, 4);
	assert_int_equal(event.interface.link_type, 1);
	assert_int_equal(pcapng_reader_next(reader, &event, &error), 1);
	assert_int_equal(event.kind, PCAPNG_PROCESS);
	assert_int_equal(event.number, 0);
	assert_int_equal(event.process.pid, 1234);
	assert_memory_equal(event.process.uuid, uuid, 16);
	assert_int_equal(pcapng_reader_next(reader, &event, &error), 1);
	assert_int_equal(event.kind, PCAPNG_PACKET);
	assert_int_equal(event.packet.ts_ns, TS_NS);
	assert_int_equal(event.packet.length, 4);
	assert_memory_equal(event.packet.data, "1234", 4);
	assert_int_equal(event.packet.original, 7);
	assert_int_equal(event.packet.flags, PCAPNG_INBOUND);
	assert_int_equal(event.packet.pid, 1234);
	assert_int_equal(event.packet.tid, 1235);
	assert_int_equal(event.packet.process, 0);
	assert_text(event.packet.comment, "who");
	assert_text(pcapng_reader_interface(reader, 0)->name, "lo");
	assert_text(pcapng_reader_process(reader, 0)->name, "gr\xc3\xbc\xc3\x9f\\x1b");
	assert_text(pcapng_reader_process(reader, 0)->path, "/bin/x");
	assert_null(pcapng_reader_interface(reader, 1));
	assert_null(pcapng_reader_process(reader, 1));
	assert_int_equal(pcapng_reader_next(reader, &event, &error), 1);
	assert_int_equal(event.kind, PCAPNG_STATISTICS);
	assert_int_equal(event.statistics.ts_ns, TS_NS);
	assert_int_equal(event.statistics.start_ns, TS_NS - 1);
	assert_int_equal(event.statistics.end_ns, PCAPNG_UNKNOWN);
	assert_int_equal(event.statistics.received, 5);
	assert_int_equal(event.statistics.if_dropped, 0);
	assert_int_equal(event.statistics.os_dropped, 1ULL << 33);
	assert_int_equal(event.statistics.delivered, PCAPNG_UNKNOWN);
	assert_int_equal(pcapng_reader_next(reader, &event, &error), 0);
	assert_int_equal(pcapng_reader_next(reader, &event, &error), 0);
	assert_int_equal(pcapng_reader_skipped(reader), 0);
}

static void test_round_trip(void **state _unused_)
{
	static const uint8_t uuid[16] = "0123456789abcdef";
	_cleanup_(pcapng_reader_freep) struct pcapng_reader *reader = NULL;
	_cleanup_(closep) int fd = -1;
	struct pcapng_writer writer = {};

	write_whole(&writer, uuid);
	fd = file_fd(&writer.blocks);
	assert_int_equal(pcapng_reader_new(fd, NULL, NULL, &reader), 0);
	read_whole(reader, uuid);
	pcapng_writer_release(&writer);
}

/* Seven bytes with each read(2), as a pipe may give them. */
static void test_short_reads(void **state _unused_)
{
	static const uint8_t uuid[16] = "0123456789abcdef";
	_cleanup_(pcapng_reader_freep) struct pcapng_reader *reader = NULL;
	struct pcapng_writer writer = {};
	int fds[2];

	write_whole(&writer, uuid);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	for (size_t at = 0; at < writer.blocks.length; at += 7) {
		size_t n = writer.blocks.length - at < 7 ? writer.blocks.length - at : 7;

		assert_int_equal(send(fds[1], writer.blocks.data + at, n, MSG_DONTWAIT), n);
	}
	close(fds[1]);
	assert_int_equal(pcapng_reader_new(fds[0], NULL, NULL, &reader), 0);
	read_whole(reader, uuid);
	close(fds[0]);
	pcapng_writer_release(&writer);
}

/* At every length but those between two blocks a file is cut short, and says so. */
static void test_cut(void **state _unused_)
{
	static const uint8_t uuid[16] = {};
	struct pcapng_writer writer = {};
	size_t ends[6] = {}, end = 0;
	unsigned int whole = 0;

	write_whole(&writer, uuid);
	for (size_t i = 1; i < ARRAY_SIZE(ends); i++) {
		uint32_t length;

		memcpy(&length, writer.blocks.data + end + 4, sizeof(length));
		end += length;
		ends[i] = end;
	}
	assert_int_equal(end, writer.blocks.length);
	for (size_t n = 1; n <= end; n++) {
		const struct buffer part = {.data = writer.blocks.data, .length = n};
		unsigned int events;
		struct error error;
		int r = read_all(&part, &events, &error);

		if (n == ends[whole + 1]) {
			assert_int_equal(r, 0);
			whole++;
		} else {
			char want[64];

			assert_int_equal(r, -EBADMSG);
			snprintf(want, sizeof(want), "at byte %zu: %s", ends[whole],
				 n < 8 ? "not a pcapng file" : "cut short");
			assert_string_equal(error.text, want);
		}
		assert_int_equal(events, whole);
	}
	assert_int_equal(whole, 5);
	pcapng_writer_release(&writer);
}

/* Both byte orders in one file; numbers begin anew with each section. */
static void test_byte_orders(void **state _unused_)
{
	_cleanup_(pcapng_reader_freep) struct pcapng_reader *reader = NULL;
	_cleanup_(closep) int fd = -1;
	struct pcapng_event event = {};
	struct file file = {};

	for (int i = 0; i < 3; i++) {
		file.swapped = i == 1;
		put_section(&file);
		put_interface(&file, 9);
		begin_block(&file, 0x80000001);
		put32(&file, 1000 + (uint32_t)i);
		put_option(&file, 2, "abc", 3);
		end_block(&file); /* and no end of options: a reader must do without */
		begin_packet(&file, 0, TS_NS, 5);
		put_bytes(&file, "12345", 5);
		put16(&file, 2);
		put16(&file, 4);
		put32(&file, 2);
		put16(&file, 8);
		put16(&file, 8);
		put32(&file, 70000);
		put32(&file, 70001);
		put16(&file, 0x8001);
		put16(&file, 4);
		put32(&file, 0);
		put32(&file, 0);
		end_block(&file);
		begin_block(&file, 5);
		put32(&file, 0);
		put32(&file, TS_NS >> 32);
		put32(&file, TS_NS & UINT32_MAX);
		put_time(&file, 3, TS_NS + 1);
		put_count(&file, 7, 1ULL << 33);
		end_block(&file);
	}
	fd = file_fd(&file.bytes);
	assert_int_equal(pcapng_reader_new(fd, NULL, NULL, &reader), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pcapng_reader_next(reader, &event, NULL), 1);
		assert_int_equal(event.kind, PCAPNG_SECTION);
		assert_null(pcapng_reader_process(reader, 0));
		assert_int_equal(pcapng_reader_next(reader, &event, NULL), 1);
		assert_int_equal(event.number, 0);
		assert_int_equal(event.interface.link_type, 1);
		assert_int_equal(event.interface.snaplen, 96);
		assert_int_equal(pcapng_reader_next(reader, &event, NULL), 1);
		assert_int_equal(event.number, 0);
		assert_int_equal(event.process.pid, 1000 + i);
		assert_text(event.process.name, "abc");
		assert_int_equal(pcapng_reader_next(reader, &event, NULL), 1);
		assert_int_equal(event.packet.ts_ns, TS_NS);
		assert_int_equal(event.packet.length, 5);
		assert_memory_equal(event.packet.data, "12345", 5);
		assert_int_equal(event.packet.flags, PCAPNG_OUTBOUND);
		assert_int_equal(event.packet.pid, 70000);
		assert_int_equal(event.packet.tid, 70001);
		assert_int_equal(event.packet.process, 0);
		assert_int_equal(pcapng_reader_next(reader, &event, NULL), 1);
		assert_int_equal(event.statistics.ts_ns, TS_NS);
		assert_int_equal(event.statistics.end_ns, TS_NS + 1);
		assert_int_equal(event.statistics.os_dropped, 1ULL << 33);
	}
	assert_int_equal(pcapng_reader_next(reader, &event, NULL), 0);
	buffer_release(&file.bytes);
}

static uint64_t read_time(int resolution, int64_t offset, uint64_t ticks)
{
	_cleanup_(pcapng_reader_freep) struct pcapng_reader *reader = NULL;
	_cleanup_(closep) int fd = -1;
	const uint8_t byte = (uint8_t)resolution;
	struct pcapng_event event = {};
	struct file file = {};

	put_section(&file);
	begin_block(&file, 1);
	put32(&file, 0);
	put32(&file, 0);
	if (resolution >= 0)
		put_option(&file, 9, &byte, 1);
	if (offset)
		put_option(&file, 14, &offset, 8);
	end_block(&file);
	put_packet(&file, ticks);
	fd = file_fd(&file.bytes);
	assert_int_equal(pcapng_reader_new(fd, NULL, NULL, &reader), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pcapng_reader_next(reader, &event, NULL), 1);
	buffer_release(&file.bytes);
	return event.packet.ts_ns;
}

static void test_times(void **state _unused_)
{
	assert_int_equal(read_time(-1, 0, 1700000000123456), 1700000000123456000);
	assert_int_equal(read_time(6, 0, 1700000000123456), 1700000000123456000);
	assert_int_equal(read_time(9, 0, TS_NS), TS_NS);
	assert_int_equal(read_time(0, 0, 17), 17000000000);
	assert_int_equal(read_time(12, 0, 17000), 17);
	assert_int_equal(read_time(127, 0, UINT64_MAX), 0);
	assert_int_equal(read_time(0x80 | 1, 0, 3), 1500000000);
	assert_int_equal(read_time(0x80 | 32, 0, (7ULL << 32) + (1U << 31)), 7500000000);
	assert_int_equal(read_time(0xff, 0, UINT64_MAX), 0);
	assert_int_equal(read_time(9, 2, 5), 2000000005);
	assert_int_equal(read_time(9, -1, 1000000005), 5);
	assert_int_equal(read_time(9, -1, 5), PCAPNG_UNKNOWN);
	assert_int_equal(read_time(9, INT64_MAX, 5), PCAPNG_UNKNOWN);
	assert_int_equal(read_time(9, INT64_MIN, 5), PCAPNG_UNKNOWN);
	assert_int_equal(read_time(0, 0, UINT64_MAX), PCAPNG_UNKNOWN);
}

/* What is not known is skipped: blocks, options, the other strings of a repeated one. */
static void test_unknown(void **state _unused_)
{
	_cleanup_(pcapng_reader_freep) struct pcapng_reader *reader = NULL;
	_cleanup_(closep) int fd = -1;
	struct pcapng_event event = {};
	struct file file = {};
	static const char zeros[100000];

	put_section(&file);
	begin_block(&file, 0x40000bad);
	put_bytes(&file, zeros, sizeof(zeros));
	end_block(&file);
	put_interface(&file, 9);
	begin_block(&file, 4);
	end_block(&file);
	begin_packet(&file, 0, TS_NS, 5);
	put_bytes(&file, "12345", 5);
	put_option(&file, 2988, "\0\0\0\0x", 5);
	put_option(&file, 1, "", 0);
	put_option(&file, 1, "one\0two", 7);
	put_option(&file, 1, "three", 5);
	put_option(&file, 0x8001, "\x07\0\0\0", 4); /* no such process */
	put32(&file, 0);
	put_option(&file, 2, "behind the end", 14);
	end_block(&file);
	fd = file_fd(&file.bytes);
	assert_int_equal(pcapng_reader_new(fd, NULL, NULL, &reader), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pcapng_reader_next(reader, &event, NULL), 1);
	assert_int_equal(event.kind, PCAPNG_PACKET);
	assert_text(event.packet.comment, "one");
	assert_int_equal(event.packet.process, PCAPNG_NO_PROCESS);
	assert_int_equal(event.packet.flags, 0);
	assert_int_equal(pcapng_reader_next(reader, &event, NULL), 0);
	assert_int_equal(pcapng_reader_skipped(reader), 2);
	buffer_release(&file.bytes);
}

/* What stands behind a section header and an interface, why it is refused, and how. */
enum hostile {
	NOTHING_BEFORE, /* no section header */
	BAD_ORDER,
	BAD_VERSION,
	SECTION_SHORT,
	LENGTH_ODD,
	LENGTH_SMALL,
	LENGTH_LARGE,
	LENGTHS_DIFFER,
	INTERFACE_SHORT,
	PROCESS_SHORT,
	PACKET_SHORT,
	STATISTICS_SHORT,
	PACKET_LONG,
	PACKET_LONGEST,
	PACKET_INTERFACE,
	STATISTICS_INTERFACE,
	OPTION_LONG,
	OPTION_RESOLUTION,
	OPTION_OFFSET,
	OPTION_UUID,
	OPTION_FLAGS,
	OPTION_IDS,
	OPTION_PROCESS,
	OPTION_COUNT,
	HOSTILE_MAX,
};

static const char *const reasons[HOSTILE_MAX] = {
	[NOTHING_BEFORE] = "not a pcapng file",
	[BAD_ORDER] = "a section header without its byte order",
	[BAD_VERSION] = "a section of another version than 1.0",
	[SECTION_SHORT] = "a block is too short for its kind",
	[LENGTH_ODD] = "a block of an impossible length",
	[LENGTH_SMALL] = "a block of an impossible length",
	[LENGTH_LARGE] = "a block that is too long",
	[LENGTHS_DIFFER] = "the two lengths of a block differ",
	[INTERFACE_SHORT] = "a block is too short for its kind",
	[PROCESS_SHORT] = "a block is too short for its kind",
	[PACKET_SHORT] = "a block is too short for its kind",
	[STATISTICS_SHORT] = "a block is too short for its kind",
	[PACKET_LONG] = "a packet goes on beyond its block",
	[PACKET_LONGEST] = "a packet goes on beyond its block",
	[PACKET_INTERFACE] = "a packet of an interface that is not described",
	[STATISTICS_INTERFACE] = "statistics of an interface that is not described",
	[OPTION_LONG] = "an option goes on beyond its block",
	[OPTION_RESOLUTION] = "an option has a wrong length",
	[OPTION_OFFSET] = "an option has a wrong length",
	[OPTION_UUID] = "an option has a wrong length",
	[OPTION_FLAGS] = "an option has a wrong length",
	[OPTION_IDS] = "an option has a wrong length",
	[OPTION_PROCESS] = "an option has a wrong length",
	[OPTION_COUNT] = "an option has a wrong length",
};

static void put_short_block(struct file *file, uint32_t type, size_t n)
{
	static const char zeros[32];

	begin_block(file, type);
	put_bytes(file, zeros, n);
	end_block(file);
}

/* A block of whole length with one option, as long as @n says. */
static void put_optioned(struct file *file, uint32_t type, size_t fixed, uint16_t code, size_t n)
{
	static const char zeros[32];

	begin_block(file, type);
	put_bytes(file, zeros, fixed);
	put_option(file, code, zeros, n);
	end_block(file);
}

static void put_lengths(struct file *file, uint32_t first, uint32_t last)
{
	begin_block(file, 0x40000bad);
	put32(file, last);
	memcpy(file->bytes.data + file->block + 4, &first, sizeof(first));
}

static void put_hostile(struct file *file, enum hostile hostile)
{
	switch (hostile) {
	case BAD_ORDER:
		put_section(file);
		file->bytes.data[file->block + 8] ^= 1;
		break;
	case BAD_VERSION:
		put_section(file);
		file->bytes.data[file->block + 14] = 1;
		break;
	case SECTION_SHORT:
		begin_block(file, 0x0a0d0d0a);
		put32(file, 0x1a2b3c4d);
		put64(file, 1);
		end_block(file);
		break;
	case LENGTH_ODD:
		put_lengths(file, 13, 13);
		break;
	case LENGTH_SMALL:
		put_lengths(file, 8, 8);
		break;
	case LENGTH_LARGE:
		put_lengths(file, UINT32_MAX - 3, UINT32_MAX - 3);
		break;
	case LENGTHS_DIFFER:
		put_lengths(file, 12, 16);
		break;
	case INTERFACE_SHORT:
		put_short_block(file, 1, 4);
		break;
	case PROCESS_SHORT:
		put_short_block(file, 0x80000001, 0);
		break;
	case PACKET_SHORT:
		put_short_block(file, 6, 16);
		break;
	case STATISTICS_SHORT:
		put_short_block(file, 5, 8);
		break;
	case PACKET_LONG:
		begin_packet(file, 0, TS_NS, 5);
		put_bytes(file, "1234", 4);
		end_block(file);
		break;
	case PACKET_LONGEST:
		begin_packet(file, 0, TS_NS, UINT32_MAX);
		put_bytes(file, "1234", 4);
		end_block(file);
		break;
	case PACKET_INTERFACE:
		begin_packet(file, 1, TS_NS, 0);
		end_block(file);
		break;
	case STATISTICS_INTERFACE:
		begin_block(file, 5);
		put32(file, UINT32_MAX);
		put64(file, 0);
		end_block(file);
		break;
	case OPTION_LONG:
		begin_packet(file, 0, TS_NS, 0);
		put16(file, 1);
		put16(file, 5);
		put32(file, 0);
		end_block(file);
		break;
	case OPTION_RESOLUTION:
		put_optioned(file, 1, 8, 9, 2);
		break;
	case OPTION_OFFSET:
		put_optioned(file, 1, 8, 14, 4);
		break;
	case OPTION_UUID:
		put_optioned(file, 0x80000001, 4, 4, 15);
		break;
	case OPTION_FLAGS:
		put_optioned(file, 6, 20, 2, 3);
		break;
	case OPTION_IDS:
		put_optioned(file, 6, 20, 8, 4);
		break;
	case OPTION_PROCESS:
		put_optioned(file, 6, 20, 0x8001, 0);
		break;
	case OPTION_COUNT:
		put_optioned(file, 5, 12, 7, 4);
		break;
	case NOTHING_BEFORE:
	case HOSTILE_MAX:
		break;
	}
}

static void test_hostile(void **state _unused_)
{
	for (enum hostile i = 0; i < HOSTILE_MAX; i++) {
		struct file file = {};
		unsigned int events;
		struct error error;
		char want[128];
		size_t at = 0;

		if (i != NOTHING_BEFORE)
			put_section(&file);
		put_interface(&file, 9);
		if (i != NOTHING_BEFORE)
			at = file.bytes.length;
		put_hostile(&file, i);
		snprintf(want, sizeof(want), "at byte %zu: %s", at, reasons[i]);
		assert_int_equal(read_all(&file.bytes, &events, &error),
				 i == BAD_VERSION    ? -EPROTONOSUPPORT
				 : i == LENGTH_LARGE ? -E2BIG
						     : -EBADMSG);
		assert_string_equal(error.text, want);
		assert_int_equal(events, i == NOTHING_BEFORE ? 0 : 2);
		buffer_release(&file.bytes);
	}
}

static void test_no_file(void **state _unused_)
{
	_cleanup_(pcapng_reader_freep) struct pcapng_reader *reader = NULL;
	static const struct buffer empty = {.data = ""};
	struct pcapng_event event;
	struct error error;
	unsigned int events;

	assert_int_equal(read_all(&empty, &events, &error), -EBADMSG);
	assert_string_equal(error.text, "at byte 0: not a pcapng file");
	assert_int_equal(pcapng_reader_new(-1, NULL, NULL, &reader), 0);
	assert_int_equal(pcapng_reader_next(reader, &event, &error), -EBADF);
	assert_string_equal(error.text, "at byte 0: Bad file descriptor");
}

/* More than a section may have is refused, and a new section may have as much again. */
static void test_too_many(void **state _unused_)
{
	struct file file = {};
	unsigned int events;
	struct error error;

	for (int section = 0; section < 2; section++) {
		put_section(&file);
		for (uint32_t i = 0; i < PCAPNG_INTERFACES_MAX; i++)
			put_short_block(&file, 1, 8);
	}
	assert_int_equal(read_all(&file.bytes, &events, &error), 0);
	assert_int_equal(events, 2 * (PCAPNG_INTERFACES_MAX + 1));
	put_short_block(&file, 1, 8);
	assert_int_equal(read_all(&file.bytes, &events, &error), -E2BIG);
	assert_non_null(strstr(error.text, "too many interfaces or processes"));
	buffer_release(&file.bytes);
}

/* Nor may all processes of a section together be larger than what is kept of them. */
static void test_too_large(void **state _unused_)
{
	_cleanup_(pcapng_reader_freep) struct pcapng_reader *reader = NULL;
	_cleanup_(closep) int fd = -1;
	const size_t most = PCAPNG_TABLE_BYTES_MAX / (PCAPNG_BLOCK_MAX - 12);
	struct pcapng_event event;
	struct file file = {};

	put_section(&file);
	fd = file_fd(&file.bytes);
	assert_int_equal(lseek(fd, 0, SEEK_END), file.bytes.length);
	buffer_consume(&file.bytes, file.bytes.length);
	begin_block(&file, 0x80000001);
	assert_non_null(buffer_reserve(&file.bytes, PCAPNG_BLOCK_MAX));
	memset(file.bytes.data + 8, 0, PCAPNG_BLOCK_MAX - 12);
	file.bytes.length = PCAPNG_BLOCK_MAX - 4;
	end_block(&file);
	for (size_t i = 0; i <= most; i++)
		assert_int_equal(write(fd, file.bytes.data, file.bytes.length), PCAPNG_BLOCK_MAX);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(pcapng_reader_new(fd, NULL, NULL, &reader), 0);
	for (size_t i = 0; i <= most; i++)
		assert_int_equal(pcapng_reader_next(reader, &event, NULL), 1);
	assert_int_equal(event.number, most - 1);
	assert_int_equal(pcapng_reader_next(reader, &event, NULL), -E2BIG);
	buffer_release(&file.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_section),	    cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_interface),   cmocka_unit_test(test_process),
		cmocka_unit_test(test_packet),	    cmocka_unit_test(test_packet_refused),
		cmocka_unit_test(test_snaplen),	    cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_long_text),   cmocka_unit_test(test_full),
		cmocka_unit_test(test_bounds),	    cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_short_reads), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_byte_orders), cmocka_unit_test(test_times),
		cmocka_unit_test(test_unknown),	    cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_no_file),	    cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
