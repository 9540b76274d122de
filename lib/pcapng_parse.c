/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/pcapng_parse.h"

#include <byteswap.h>

#include "lib/base.h"

#define MICROSECONDS   6U    /* the resolution of an interface that does not say */
#define RESOLUTION_TWO 0x80U /* in if_tsresol: a power of 2, not of 10 */

/* What is left of a block. */
struct span {
	const char *data;
	size_t length;
};

struct option {
	uint16_t code;
	uint16_t length;
	const char *data;
};

static int bad(struct pcapng_parser *parser, const char *why)
{
	parser->why = why;
	return -EBADMSG;
}

static uint16_t get_u16(const struct pcapng_parser *parser, const char *data)
{
	uint16_t value;

	memcpy(&value, data, sizeof(value));
	return parser->swapped ? bswap_16(value) : value;
}

static uint32_t get_u32(const struct pcapng_parser *parser, const char *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return parser->swapped ? bswap_32(value) : value;
}

static uint64_t get_u64(const struct pcapng_parser *parser, const char *data)
{
	uint64_t value;

	memcpy(&value, data, sizeof(value));
	return parser->swapped ? bswap_64(value) : value;
}

/* Nanoseconds of a time in two halves, the upper one first. */
static uint64_t get_time(const struct pcapng_parser *parser, uint32_t interface, const char *data)
{
	const struct pcapng_entry *entry = parser->interfaces.entries[interface];
	unsigned __int128 ticks = (uint64_t)get_u32(parser, data) << 32 | get_u32(parser, data + 4);
	unsigned int power = entry->resolution & ~RESOLUTION_TWO;
	__int128 ns;

	if (entry->resolution & RESOLUTION_TWO) {
		ticks = ticks * NSEC_PER_SEC >> power;
	} else {
		for (; power < 9; power++)
			ticks *= 10;
		for (; power > 9; power--)
			ticks /= 10;
	}
	ns = (__int128)ticks + (__int128)entry->offset_seconds * (__int128)NSEC_PER_SEC;
	return ns >= 0 && ns < PCAPNG_UNKNOWN ? (uint64_t)ns : PCAPNG_UNKNOWN;
}

/* The next option. Returns 1, 0 if there is none, or -EBADMSG. */
static int option_next(struct pcapng_parser *parser, struct span *options,
		       struct option *ret_option)
{
	size_t padded;

	if (options->length == 0)
		return 0;
	/* All lengths are of whole words: there are at least the four bytes of its head. */
	ret_option->code = get_u16(parser, options->data);
	ret_option->length = get_u16(parser, options->data + 2);
	ret_option->data = options->data + 4;
	if (ret_option->code == PCAPNG_OPTION_END)
		return 0;
	padded = 4 + (((size_t)ret_option->length + 3) & ~(size_t)3);
	if (padded > options->length)
		return bad(parser, "an option goes on beyond its block");
	options->data += padded;
	options->length -= padded;
	return 1;
}

static int check_length(struct pcapng_parser *parser, const struct option *option, uint16_t length)
{
	return option->length == length ? 0 : bad(parser, "an option has a wrong length");
}

/* A text, of which only the first counts where it is repeated. */
static void get_text(const struct option *option, struct pcapng_text *text)
{
	if (text->data || option->length == 0)
		return;
	text->length = strnlen(option->data, option->length);
	if (text->length > 0)
		text->data = option->data;
}

static int add_entry(struct pcapng_parser *parser, struct pcapng_table *table, uint32_t most,
		     const struct span *block, struct pcapng_entry **ret_entry)
{
	int r = pcapng_table_add(table, most, block->data, block->length, ret_entry);

	if (r == -E2BIG)
		parser->why = "too many interfaces or processes";
	return r;
}

static int read_section(struct pcapng_parser *parser, struct span *body, struct pcapng_event *event)
{
	uint16_t major = get_u16(parser, body->data + 4), minor = get_u16(parser, body->data + 6);
	struct pcapng_section *section = &event->section;
	struct span options = {body->data + 16, body->length - 16};
	struct option option;
	int r;

	/* 1.2 was written by some programs, and is no other format. */
	if (major != PCAPNG_VERSION_MAJOR || (minor != PCAPNG_VERSION_MINOR && minor != 2)) {
		parser->why = "a section of another version than 1.0";
		return -EPROTONOSUPPORT;
	}
	pcapng_table_release(&parser->interfaces);
	pcapng_table_release(&parser->processes);
	while ((r = option_next(parser, &options, &option)) > 0) {
		if (option.code == PCAPNG_SECTION_HARDWARE)
			get_text(&option, &section->hardware);
		else if (option.code == PCAPNG_SECTION_OS)
			get_text(&option, &section->os);
		else if (option.code == PCAPNG_SECTION_APPLICATION)
			get_text(&option, &section->application);
	}
	event->kind = PCAPNG_SECTION;
	return r;
}

static int interface_option(struct pcapng_parser *parser, struct pcapng_entry *entry,
			    const struct option *option)
{
	struct pcapng_interface *interface = &entry->interface;
	int r = 0;

	switch (option->code) {
	case PCAPNG_INTERFACE_NAME:
		get_text(option, &interface->name);
		break;
	case PCAPNG_INTERFACE_DESCRIPTION:
		get_text(option, &interface->description);
		break;
	case PCAPNG_INTERFACE_OS:
		get_text(option, &interface->os);
		break;
	case PCAPNG_INTERFACE_HARDWARE:
		get_text(option, &interface->hardware);
		break;
	case PCAPNG_INTERFACE_RESOLUTION:
		r = check_length(parser, option, sizeof(entry->resolution));
		if (r == 0)
			entry->resolution = (uint8_t)option->data[0];
		break;
	case PCAPNG_INTERFACE_OFFSET:
		r = check_length(parser, option, sizeof(entry->offset_seconds));
		if (r == 0)
			entry->offset_seconds = (int64_t)get_u64(parser, option->data);
		break;
	default:
		break;
	}
	return r;
}

static int read_interface(struct pcapng_parser *parser, struct span *body,
			  struct pcapng_event *event)
{
	struct pcapng_entry *entry = NULL;
	struct option option;
	struct span options;
	int r;

	r = add_entry(parser, &parser->interfaces, PCAPNG_INTERFACES_MAX, body, &entry);
	if (r < 0)
		return r;
	entry->interface.link_type = get_u16(parser, entry->block);
	entry->interface.snaplen = get_u32(parser, entry->block + 4);
	entry->resolution = MICROSECONDS;
	options = (struct span){entry->block + 8, body->length - 8};
	while ((r = option_next(parser, &options, &option)) > 0) {
		r = interface_option(parser, entry, &option);
		if (r < 0)
			return r;
	}
	event->kind = PCAPNG_INTERFACE;
	event->number = parser->interfaces.n - 1;
	event->interface = entry->interface;
	return r;
}

static int read_process(struct pcapng_parser *parser, struct span *body, struct pcapng_event *event)
{
	struct pcapng_entry *entry = NULL;
	struct option option;
	struct span options;
	int r;

	r = add_entry(parser, &parser->processes, PCAPNG_PROCESSES_MAX, body, &entry);
	if (r < 0)
		return r;
	entry->process.pid = get_u32(parser, entry->block);
	options = (struct span){entry->block + 4, body->length - 4};
	while ((r = option_next(parser, &options, &option)) > 0) {
		if (option.code == PCAPNG_PROCESS_NAME)
			get_text(&option, &entry->process.name);
		else if (option.code == PCAPNG_PROCESS_PATH)
			get_text(&option, &entry->process.path);
		else if (option.code != PCAPNG_PROCESS_UUID)
			continue;
		else if ((r = check_length(parser, &option, PCAPNG_UUID_SIZE)) < 0)
			return r;
		else
			entry->process.uuid = (const uint8_t *)option.data;
	}
	event->kind = PCAPNG_PROCESS;
	event->number = parser->processes.n - 1;
	event->process = entry->process;
	return r;
}

static int packet_option(struct pcapng_parser *parser, struct pcapng_packet *packet,
			 const struct option *option)
{
	int r = 0;

	switch (option->code) {
	case PCAPNG_OPTION_COMMENT:
		get_text(option, &packet->comment);
		break;
	case PCAPNG_PACKET_FLAGS:
		r = check_length(parser, option, sizeof(packet->flags));
		if (r == 0)
			packet->flags = get_u32(parser, option->data);
		break;
	case PCAPNG_PACKET_PROCESS_IDS:
		r = check_length(parser, option, sizeof(packet->pid) + sizeof(packet->tid));
		if (r < 0)
			return r;
		packet->pid = get_u32(parser, option->data);
		packet->tid = get_u32(parser, option->data + 4);
		break;
	case PCAPNG_PACKET_PROCESS:
		r = check_length(parser, option, sizeof(packet->process));
		if (r < 0)
			return r;
		packet->process = get_u32(parser, option->data);
		if (packet->process >= parser->processes.n)
			packet->process = PCAPNG_NO_PROCESS;
		break;
	default:
		break;
	}
	return r;
}

static int read_packet(struct pcapng_parser *parser, struct span *body, struct pcapng_event *event)
{
	struct pcapng_packet *packet = &event->packet;
	struct span options = {body->data + 20, body->length - 20};
	struct option option;
	size_t padded;
	int r;

	packet->interface = get_u32(parser, body->data);
	if (packet->interface >= parser->interfaces.n)
		return bad(parser, "a packet of an interface that is not described");
	packet->ts_ns = get_time(parser, packet->interface, body->data + 4);
	packet->length = get_u32(parser, body->data + 12);
	packet->original = get_u32(parser, body->data + 16);
	if (packet->original < packet->length) /* the draft lets a reader make this of it */
		packet->original = packet->length;
	padded = ((size_t)packet->length + 3) & ~(size_t)3;
	if (padded > options.length)
		return bad(parser, "a packet goes on beyond its block");
	packet->data = options.data;
	packet->process = PCAPNG_NO_PROCESS;
	options.data += padded;
	options.length -= padded;
	while ((r = option_next(parser, &options, &option)) > 0) {
		r = packet_option(parser, packet, &option);
		if (r < 0)
			return r;
	}
	event->kind = PCAPNG_PACKET;
	return r;
}

static int read_statistics(struct pcapng_parser *parser, struct span *body,
			   struct pcapng_event *event)
{
	struct pcapng_statistics *statistics = &event->statistics;
	uint64_t *const counts[] = {
		[PCAPNG_STATISTICS_START] = &statistics->start_ns,
		[PCAPNG_STATISTICS_END] = &statistics->end_ns,
		[PCAPNG_STATISTICS_RECEIVED] = &statistics->received,
		[PCAPNG_STATISTICS_IF_DROPPED] = &statistics->if_dropped,
		[PCAPNG_STATISTICS_ACCEPTED] = &statistics->accepted,
		[PCAPNG_STATISTICS_OS_DROPPED] = &statistics->os_dropped,
		[PCAPNG_STATISTICS_DELIVERED] = &statistics->delivered,
	};
	struct span options = {body->data + 12, body->length - 12};
	struct option option;
	int r;

	statistics->interface = get_u32(parser, body->data);
	if (statistics->interface >= parser->interfaces.n)
		return bad(parser, "statistics of an interface that is not described");
	statistics->ts_ns = get_time(parser, statistics->interface, body->data + 4);
	for (size_t i = PCAPNG_STATISTICS_START; i < ARRAY_SIZE(counts); i++)
		*counts[i] = PCAPNG_UNKNOWN;
	while ((r = option_next(parser, &options, &option)) > 0) {
		if (option.code < PCAPNG_STATISTICS_START || option.code >= ARRAY_SIZE(counts))
			continue;
		r = check_length(parser, &option, sizeof(uint64_t));
		if (r < 0)
			return r;
		*counts[option.code] =
			option.code <= PCAPNG_STATISTICS_END
				? get_time(parser, statistics->interface, option.data)
				: get_u64(parser, option.data);
	}
	event->kind = PCAPNG_STATISTICS;
	return r;
}

typedef int read_fn(struct pcapng_parser *parser, struct span *body, struct pcapng_event *event);

/* What reads a block, and the bytes that stand in it before its options. */
static read_fn *block_reader(uint32_t type, size_t *ret_fixed)
{
	switch (type) {
	case PCAPNG_BLOCK_SECTION:
		*ret_fixed = 16;
		return read_section;
	case PCAPNG_BLOCK_INTERFACE:
		*ret_fixed = 8;
		return read_interface;
	case PCAPNG_BLOCK_PROCESS:
		*ret_fixed = 4;
		return read_process;
	case PCAPNG_BLOCK_PACKET:
		*ret_fixed = 20;
		return read_packet;
	case PCAPNG_BLOCK_STATISTICS:
		*ret_fixed = 12;
		return read_statistics;
	default:
		return NULL;
	}
}

int pcapng_parse(struct pcapng_parser *parser, uint32_t type, const char *data, size_t length,
		 struct pcapng_event *ret_event)
{
	struct span body = {.data = data, .length = length};
	struct pcapng_event event = {};
	size_t fixed = 0;
	read_fn *read = block_reader(type, &fixed);
	int r;

	if (!read)
		return 0;
	if (length < fixed)
		return bad(parser, "a block is too short for its kind");
	r = read(parser, &body, &event);
	if (r < 0)
		return r;
	*ret_event = event;
	return 1;
}

void pcapng_parser_release(struct pcapng_parser *parser)
{
	pcapng_table_release(&parser->interfaces);
	pcapng_table_release(&parser->processes);
	*parser = (struct pcapng_parser){};
}
