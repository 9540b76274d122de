/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Holds a pcapng file against the specification, independently of what wrote it.
 *   pcapng_check FILE|-
 * A line of JSON for each block to stdout, what is wrong with it to stderr; exit status 1 if
 * anything was. Checked: lengths, padding, order (a section header first, interfaces and
 * processes before what refers to them), numbers of interfaces and processes, options (known in
 * their block, of the right length, not repeated, ended), texts (UTF-8 without NUL), reserved bits.
 * Specification: IETF draft-ietf-opsawg-pcapng; block 0x80000001 and packet option 0x8001 as in
 * pcap-ng.h of Apple's libpcap.
 */
#include <byteswap.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEX_MAX 128 /* bytes of a packet that are shown */

enum kind {
	TEXT,
	NUMBER,	 /* in the section's byte order, as wide as it is long */
	HALVES,	 /* 64 bits, the upper half first */
	PAIR,	 /* two numbers of 32 bits */
	BYTES,	 /* shown as hex */
	CONTENT, /* not shown */
};

struct option_type {
	uint16_t code;
	const char *name;
	enum kind kind;
	uint16_t least; /* bytes */
	uint16_t most;
	bool repeats;
};

struct block_type {
	uint32_t type;
	const char *name;
	size_t fixed; /* bytes between the head and what varies */
	struct option_type options[16];
};

static const struct option_type common_options[] = {
	{1, "comment", TEXT, 0, UINT16_MAX, true},
	{2988, "custom", CONTENT, 4, UINT16_MAX, true},
	{2989, "custom", CONTENT, 4, UINT16_MAX, true},
	{19372, "custom", CONTENT, 4, UINT16_MAX, true},
	{19373, "custom", CONTENT, 4, UINT16_MAX, true},
	{},
};

static const struct block_type block_types[] = {
	{0x0a0d0d0a,
	 "section",
	 16,
	 {
		 {2, "hardware", TEXT, 0, UINT16_MAX, false},
		 {3, "os", TEXT, 0, UINT16_MAX, false},
		 {4, "application", TEXT, 0, UINT16_MAX, false},
	 }},
	{1,
	 "interface",
	 8,
	 {
		 {2, "name", TEXT, 0, UINT16_MAX, false},
		 {3, "description", TEXT, 0, UINT16_MAX, false},
		 {4, "ipv4", BYTES, 8, 8, true},
		 {5, "ipv6", BYTES, 17, 17, true},
		 {6, "mac", BYTES, 6, 6, false},
		 {7, "eui", BYTES, 8, 8, false},
		 {8, "speed", NUMBER, 8, 8, false},
		 {9, "resolution", NUMBER, 1, 1, false},
		 {11, "filter", CONTENT, 1, UINT16_MAX, false},
		 {12, "os", TEXT, 0, UINT16_MAX, false},
		 {13, "fcs_length", NUMBER, 1, 1, false},
		 {14, "offset", NUMBER, 8, 8, false},
		 {15, "hardware", TEXT, 0, UINT16_MAX, false},
		 {16, "tx_speed", NUMBER, 8, 8, false},
		 {17, "rx_speed", NUMBER, 8, 8, false},
	 }},
	{5,
	 "statistics",
	 12,
	 {
		 {2, "start", HALVES, 8, 8, false},
		 {3, "end", HALVES, 8, 8, false},
		 {4, "received", NUMBER, 8, 8, false},
		 {5, "if_dropped", NUMBER, 8, 8, false},
		 {6, "accepted", NUMBER, 8, 8, false},
		 {7, "os_dropped", NUMBER, 8, 8, false},
		 {8, "delivered", NUMBER, 8, 8, false},
	 }},
	{6,
	 "packet",
	 20,
	 {
		 {2, "flags", NUMBER, 4, 4, false},
		 {3, "hash", BYTES, 1, UINT16_MAX, true},
		 {4, "dropped", NUMBER, 8, 8, false},
		 {5, "packet_id", NUMBER, 8, 8, false},
		 {6, "queue", NUMBER, 4, 4, false},
		 {7, "verdict", BYTES, 1, UINT16_MAX, true},
		 {8, "ids", PAIR, 8, 8, false},
		 {0x8001, "process", NUMBER, 4, 4, false},
	 }},
	{0x80000001,
	 "process",
	 4,
	 {
		 {2, "name", TEXT, 0, UINT16_MAX, false},
		 {3, "path", TEXT, 0, UINT16_MAX, false},
		 {4, "uuid", BYTES, 16, 16, false},
	 }},
};

struct state {
	const char *file;
	const uint8_t *data;
	size_t size;
	size_t at;	/* of the block */
	uint64_t block; /* its number */
	bool swapped;
	bool wrong;		 /* anything was */
	uint64_t section_length; /* as the header says: UINT64_MAX for not given */
	size_t section_start;	 /* behind the header */
	uint32_t *snaplens;	 /* of the interfaces of the section */
	uint32_t n_interfaces;
	uint32_t n_processes;
};

__attribute__((format(printf, 2, 3))) static void wrong(struct state *state, const char *format,
							...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "%s: block %" PRIu64 " at byte %zu: ", state->file, state->block,
		state->at);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	state->wrong = true;
}

static uint16_t get16(const struct state *state, const uint8_t *data)
{
	uint16_t value;

	memcpy(&value, data, sizeof(value));
	return state->swapped ? bswap_16(value) : value;
}

static uint32_t get32(const struct state *state, const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return state->swapped ? bswap_32(value) : value;
}

static uint64_t get64(const struct state *state, const uint8_t *data)
{
	uint64_t value;

	memcpy(&value, data, sizeof(value));
	return state->swapped ? bswap_64(value) : value;
}

static uint64_t get_halves(const struct state *state, const uint8_t *data)
{
	return (uint64_t)get32(state, data) << 32 | get32(state, data + 4);
}

static void check_padding(struct state *state, const uint8_t *data, size_t n, const char *what)
{
	for (; n % 4; n++)
		if (data[n])
			wrong(state, "padding of %s is not zero", what);
}

/* The length in bytes of the character at @text, 0 if it is not UTF-8 (RFC 3629, section 4). */
static size_t character(const uint8_t *text, size_t n)
{
	uint8_t first = text[0], low = 0x80, high = 0xbf;
	size_t length;

	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (n < length || text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return length;
}

static void show_text(struct state *state, const uint8_t *text, size_t n, const char *name)
{
	bool good = true;

	putchar('"');
	while (n > 0) {
		size_t length = character(text, n);

		good &= length > 0 && *text;
		if (length == 0)
			printf("\\ufffd");
		else if (*text < 0x20 || *text == 0x7f)
			printf("\\u%04x", *text);
		else if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else
			fwrite(text, 1, length, stdout);
		length = length ? length : 1;
		text += length;
		n -= length;
	}
	putchar('"');
	if (!good)
		wrong(state, "%s is not UTF-8 without NUL", name);
}

static void show_hex(const uint8_t *data, size_t n)
{
	putchar('"');
	for (size_t i = 0; i < n; i++)
		printf("%02x", data[i]);
	putchar('"');
}

static uint64_t get_number(const struct state *state, const uint8_t *data, uint16_t length)
{
	return length == 8   ? get64(state, data)
	       : length == 4 ? get32(state, data)
	       : length == 2 ? get16(state, data)
			     : data[0];
}

/* Times are text: they have 19 digits, of which jq would keep 17. */
static void show_option(struct state *state, const struct option_type *type, const uint8_t *data,
			uint16_t length)
{
	printf(",\"%s\":", type->name);
	switch (type->kind) {
	case TEXT:
		show_text(state, data, length, type->name);
		break;
	case NUMBER:
		printf("%" PRIu64, get_number(state, data, length));
		break;
	case HALVES:
		printf("\"%" PRIu64 "\"", get_halves(state, data));
		break;
	case PAIR:
		printf("[%" PRIu32 ",%" PRIu32 "]", get32(state, data), get32(state, data + 4));
		break;
	case BYTES:
		show_hex(data, length);
		break;
	case CONTENT:
		printf("%" PRIu16, length);
		break;
	}
}

static const struct option_type *find_option(const struct block_type *block, uint16_t code)
{
	for (const struct option_type *type = common_options; type->name; type++)
		if (type->code == code)
			return type;
	for (size_t i = 0; i < 16 && block->options[i].name; i++)
		if (block->options[i].code == code)
			return &block->options[i];
	return NULL;
}

/* What the numbers in two options of a packet must be. */
static void check_value(struct state *state, const struct block_type *block, uint16_t code,
			const uint8_t *data)
{
	uint32_t value;

	if (block->type != 6 || (code != 2 && code != 0x8001))
		return;
	value = get32(state, data);
	if (code == 0x8001 && value >= state->n_processes)
		wrong(state, "process %" PRIu32 " of %" PRIu32, value, state->n_processes);
	if (code == 2 && ((value & 3) == 3 || (value & 0xf000) || ((value >> 2) & 7) > 4))
		wrong(state, "flags 0x%" PRIx32 " that are not defined", value);
}

/* An option of whole length. */
static void check_option(struct state *state, const struct block_type *block, uint16_t code,
			 const uint8_t *data, uint16_t length, bool repeated)
{
	const struct option_type *type = find_option(block, code);

	check_padding(state, data, length, "an option");
	if (!type) {
		wrong(state, "option %" PRIu16 " is not one of its block", code);
	} else if (length < type->least || length > type->most) {
		wrong(state, "option %s has %" PRIu16 " bytes", type->name, length);
	} else if (repeated && !type->repeats) {
		wrong(state, "option %s is repeated", type->name);
	} else {
		check_value(state, block, code, data);
		if (!repeated)
			show_option(state, type, data, length);
	}
}

static void check_options(struct state *state, const struct block_type *block, const uint8_t *data,
			  size_t size)
{
	static uint8_t seen[UINT16_MAX + 1]; /* bit by bit would do, byte by byte is plain */
	bool ended = size == 0;

	memset(seen, 0, sizeof(seen));
	while (size >= 4) {
		uint16_t code = get16(state, data), length = get16(state, data + 2);
		size_t padded = ((size_t)length + 3) / 4 * 4;

		data += 4;
		size -= 4;
		if (padded > size) {
			wrong(state, "option %" PRIu16 " goes on beyond its block", code);
			return;
		}
		if (code == 0) {
			ended = true;
			if (length > 0 || size > 0)
				wrong(state, "the end of the options is not at their end");
			return;
		}
		check_option(state, block, code, data, length, seen[code]);
		seen[code] = 1;
		data += padded;
		size -= padded;
	}
	if (!ended)
		wrong(state, "no end of the options");
}

/* A section is as long as its header says, if it says. Called at its end. */
static void check_section_end(struct state *state)
{
	if (state->section_length != UINT64_MAX &&
	    state->section_length != state->at - state->section_start)
		wrong(state, "a section of %zu bytes says %" PRIu64,
		      state->at - state->section_start, state->section_length);
}

static size_t check_section(struct state *state, const uint8_t *body, size_t size)
{
	if (get16(state, body + 4) != 1 || get16(state, body + 6) != 0)
		wrong(state, "version %" PRIu16 ".%" PRIu16, get16(state, body + 4),
		      get16(state, body + 6));
	if (state->block > 0)
		check_section_end(state);
	state->section_length = get64(state, body + 8);
	state->section_start = state->at + size + 12;
	state->n_interfaces = 0;
	state->n_processes = 0;
	printf(",\"swapped\":%s", state->swapped ? "true" : "false");
	return 16;
}

static size_t check_interface(struct state *state, const uint8_t *body)
{
	uint32_t n = state->n_interfaces++;

	state->snaplens = reallocarray(state->snaplens, n + 1, sizeof(*state->snaplens));
	if (!state->snaplens) {
		perror("pcapng_check");
		exit(2);
	}
	state->snaplens[n] = get32(state, body + 4);
	if (get16(state, body + 2))
		wrong(state, "reserved bytes are not zero");
	printf(",\"number\":%" PRIu32 ",\"link_type\":%" PRIu16 ",\"snaplen\":%" PRIu32, n,
	       get16(state, body), state->snaplens[n]);
	return 8;
}

static void check_number(struct state *state, uint32_t interface)
{
	printf(",\"interface\":%" PRIu32, interface);
	if (interface >= state->n_interfaces)
		wrong(state, "interface %" PRIu32 " of %" PRIu32, interface, state->n_interfaces);
}

static size_t check_packet(struct state *state, const uint8_t *body, size_t size)
{
	uint32_t interface = get32(state, body), captured = get32(state, body + 12);
	uint32_t length = get32(state, body + 16);
	size_t padded = ((size_t)captured + 3) / 4 * 4;

	check_number(state, interface);
	printf(",\"ts\":\"%" PRIu64 "\",\"captured\":%" PRIu32 ",\"length\":%" PRIu32,
	       get_halves(state, body + 4), captured, length);
	if (captured > length)
		wrong(state, "more was captured than there was");
	if (interface < state->n_interfaces && state->snaplens[interface] &&
	    captured > state->snaplens[interface])
		wrong(state, "more was captured than the interface's snaplen");
	if (padded > size - 20) {
		wrong(state, "the packet goes on beyond its block");
		return size;
	}
	check_padding(state, body + 20, captured, "the packet");
	printf(",\"data\":");
	show_hex(body + 20, captured < HEX_MAX ? captured : HEX_MAX);
	return 20 + padded;
}

/* What stands before the options. Returns its length. */
static size_t check_fixed(struct state *state, const struct block_type *block, const uint8_t *body,
			  size_t size)
{
	switch (block->type) {
	case 0x0a0d0d0a:
		return check_section(state, body, size);
	case 1:
		return check_interface(state, body);
	case 6:
		return check_packet(state, body, size);
	case 5:
		check_number(state, get32(state, body));
		printf(",\"ts\":\"%" PRIu64 "\"", get_halves(state, body + 4));
		return block->fixed;
	default:
		printf(",\"number\":%" PRIu32 ",\"pid\":%" PRIu32, state->n_processes++,
		       get32(state, body));
		return block->fixed;
	}
}

static void check_block(struct state *state, uint32_t type, const uint8_t *body, size_t size)
{
	const struct block_type *block = NULL;
	size_t fixed;

	for (size_t i = 0; i < sizeof(block_types) / sizeof(block_types[0]); i++)
		if (block_types[i].type == type)
			block = &block_types[i];
	printf("{\"at\":%zu,\"type\":\"%s\"", state->at, block ? block->name : "other");
	if (!block) {
		printf(",\"code\":%" PRIu32, type);
	} else if (size < block->fixed) {
		wrong(state, "too short for a block of type %s", block->name);
	} else {
		fixed = check_fixed(state, block, body, size);
		check_options(state, block, body + fixed, size - fixed);
	}
	printf("}\n");
}

/* Learns the byte order from a section header. */
static bool learn_order(struct state *state)
{
	static const uint8_t little[] = {0x4d, 0x3c, 0x2b, 0x1a};
	static const uint8_t big[] = {0x1a, 0x2b, 0x3c, 0x4d};
	const uint8_t *magic = state->data + state->at + 8;
	bool is_little = memcmp(magic, little, 4) == 0;

	if (!is_little && memcmp(magic, big, 4) != 0) {
		wrong(state, "a section header without its byte order");
		return false;
	}
	state->swapped = is_little != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
	return true;
}

/* One block. Returns whether there is sense in going on. */
static bool check_frame(struct state *state)
{
	static const uint8_t section[] = {0x0a, 0x0d, 0x0d, 0x0a};
	const uint8_t *data = state->data + state->at;
	size_t left = state->size - state->at;
	uint32_t length;

	if (left < 12) {
		wrong(state, "%zu bytes are no block", left);
		return false;
	}
	if (memcmp(data, section, 4) == 0) {
		if (!learn_order(state))
			return false;
	} else if (state->block == 0) {
		wrong(state, "not a section header");
		return false;
	}
	length = get32(state, data + 4);
	if (length < 12 || length % 4 || length > left) {
		wrong(state, "length %" PRIu32 " of %zu bytes that are left", length, left);
		return false;
	}
	if (get32(state, data + length - 4) != length) {
		wrong(state, "length %" PRIu32 ", but %" PRIu32 " at its end", length,
		      get32(state, data + length - 4));
		return false;
	}
	check_block(state, get32(state, data), data + 8, length - 12);
	state->at += length;
	state->block++;
	return true;
}

static uint8_t *read_all(int fd, size_t *ret_size)
{
	size_t size = 0, capacity = 1 << 20;
	uint8_t *data = malloc(capacity);
	ssize_t n;

	while (data && (n = read(fd, data + size, capacity - size)) != 0) {
		if (n < 0 && errno != EINTR)
			return NULL;
		size += n > 0 ? (size_t)n : 0;
		if (size == capacity)
			data = realloc(data, capacity *= 2);
	}
	*ret_size = size;
	return data;
}

int main(int argc, char **argv)
{
	struct state state = {.section_length = UINT64_MAX};
	uint8_t *data;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: pcapng_check FILE|-\n");
		return 2;
	}
	state.file = argv[1];
	fd = strcmp(argv[1], "-") == 0 ? STDIN_FILENO : open(argv[1], O_RDONLY | O_CLOEXEC);
	data = fd < 0 ? NULL : read_all(fd, &state.size);
	if (!data) {
		perror(argv[1]);
		return 2;
	}
	state.data = data;
	if (state.size == 0)
		wrong(&state, "an empty file");
	while (state.at < state.size)
		if (!check_frame(&state))
			break;
	if (state.at == state.size)
		check_section_end(&state);
	free(state.snaplens);
	free(data);
	return state.wrong ? 1 : 0;
}
