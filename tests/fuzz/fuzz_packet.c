/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a packet, in memory of its own size: parsed, printed, and what was found is looked
 * at. Input: a byte for the link type, one for what the packet had on the wire beyond what is
 * there, and the packet.
 */
#include <string.h>
#include <sys/socket.h>

#include "lib/base.h"
#include "lib/packet.h"

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_tuple(const struct packet_tuple *tuple)
{
	check(tuple->family == 0 || tuple->family == AF_INET || tuple->family == AF_INET6);
	check(tuple->family || (!tuple->source_port && !tuple->destination_port));
}

static void check_line(const struct packet *packet)
{
	struct buffer line = {};

	packet_append(&line, packet);
	check(!line.failed && line.length > 0 && line.length < 400);
	for (size_t i = 0; i < line.length; i++)
		check(line.data[i] >= ' ' && line.data[i] < 0x7f);
	buffer_release(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = {PACKET_LINK_ETHERNET, PACKET_LINK_RAW, PACKET_LINK_COOKED,
					 PACKET_LINK_COOKED2, 147};
	_cleanup_(freep) uint8_t *copy = malloc(size ? size : 1);
	struct packet packet, inner;
	size_t length;

	if (size < 2)
		return 0;
	check(copy != NULL);
	memcpy(copy, data + 2, size - 2);
	length = size - 2 + (size_t)data[1] * 100;
	memset(&packet, 0xa5, sizeof(packet));
	packet_parse(copy, size - 2, length, types[data[0] % ARRAY_SIZE(types)], &packet);
	check_tuple(&packet.tuple);
	check_tuple(&packet.inner);
	check(packet.kind <= PACKET_NEIGHBOUR);
	check(packet.payload_bytes <= length && packet.ip_bytes <= length);
	check(packet.link_bytes <= size - 2);
	check(!(packet.has & PACKET_FRAGMENT) || !(packet.has & PACKET_HAS_PORTS));
	check_line(&packet);
	if (packet_open(copy, size - 2, &packet, &inner)) {
		check_tuple(&inner.tuple);
		check(inner.kind != PACKET_OTHER && inner.payload_bytes <= length);
		check_line(&inner);
	}
	return 0;
}
