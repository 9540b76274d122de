/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/interfaces.h"

#include <ctype.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "lib/buffer.h"

/* Columns behind the name. */
#define RX_BYTES 0
#define TX_BYTES 8

struct interface {
	char name[IFNAMSIZ];
	struct interface_bytes bytes; /* its counters at the last look */
	uint64_t seen;		      /* which look that was */
	UT_hash_handle hh;
};

/* The number that *@at begins with, behind spaces, within its line. */
static int next_number(const char **at, uint64_t *ret_number)
{
	unsigned long long number;
	char *end;

	*at += strspn(*at, " \t");
	if (!isdigit((unsigned char)**at))
		return -EBADMSG;
	errno = 0;
	number = strtoull(*at, &end, 10);
	if (errno)
		return -EBADMSG;
	*at = end;
	*ret_number = number;
	return 0;
}

/* One line: "  eth0: bytes packets errs drop fifo frame compressed multicast bytes ...". */
static int parse_line(const char *line, struct interface *ret_interface)
{
	uint64_t numbers[TX_BYTES + 1];
	const char *colon;

	line += strspn(line, " \t");
	/* the last one: once names could have some */
	colon = memrchr(line, ':', strcspn(line, "\n"));
	if (!colon || colon - line >= IFNAMSIZ)
		return -EBADMSG;
	memcpy(ret_interface->name, line, (size_t)(colon - line));
	colon++;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (next_number(&colon, &numbers[i]) < 0)
			return -EBADMSG;
	ret_interface->bytes.rx_bytes = numbers[RX_BYTES];
	ret_interface->bytes.tx_bytes = numbers[TX_BYTES];
	return 0;
}

/* One of the same name may be another by now, with counters from 0. */
static uint64_t grown(uint64_t before, uint64_t now)
{
	return now < before ? now : now - before;
}

static int take(struct interfaces *interfaces, const struct interface *now)
{
	struct interface *known;

	HASH_FIND_STR(interfaces->by_name, now->name, known);
	if (!known) {
		known = calloc(1, sizeof(*known));
		if (!known)
			return -ENOMEM;
		*known = *now;
		if (interfaces->looks == 1) /* its past is of before the first look */
			known->bytes = now->bytes;
		else
			known->bytes = (struct interface_bytes){};
		HASH_ADD_STR(interfaces->by_name, name, known);
	}
	interfaces->sum.tx_bytes += grown(known->bytes.tx_bytes, now->bytes.tx_bytes);
	interfaces->sum.rx_bytes += grown(known->bytes.rx_bytes, now->bytes.rx_bytes);
	known->bytes = now->bytes;
	known->seen = interfaces->looks;
	return 0;
}

/* Those that this look did not see. */
static void drop(struct interfaces *interfaces)
{
	struct interface *interface, *next;

	HASH_ITER (hh, interfaces->by_name, interface, next) {
		if (interface->seen == interfaces->looks)
			continue;
		HASH_DEL(interfaces->by_name, interface);
		free(interface);
	}
}

void interfaces_release(struct interfaces *interfaces)
{
	interfaces->looks++;
	drop(interfaces);
}

int interfaces_take(struct interfaces *interfaces, const char *text, const char *name)
{
	bool found = !name;

	for (int head = 0; head < 2; head++) {
		text = strchr(text, '\n');
		if (!text)
			return -EBADMSG;
		text++;
	}
	interfaces->looks++;
	while (*text) {
		struct interface now = {};
		int r = parse_line(text, &now);

		if (!r && (!name || !strcmp(name, now.name))) {
			found = true;
			r = take(interfaces, &now);
		}
		if (r < 0)
			return r;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	drop(interfaces);
	return found ? 0 : -ENODEV;
}

int interfaces_look(struct interfaces *interfaces, int proc_fd, const char *name)
{
	_cleanup_(closep) int fd = openat(proc_fd, "self/net/dev", O_RDONLY | O_CLOEXEC);
	struct buffer text = {};
	char part[4096];
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, part, sizeof(part))) > 0)
		buffer_append(&text, part, (size_t)n);
	r = n < 0 ? -errno : 0;
	buffer_append_char(&text, 0);
	if (!r)
		r = text.failed ? -ENOMEM : interfaces_take(interfaces, text.data, name);
	buffer_release(&text);
	return r;
}
