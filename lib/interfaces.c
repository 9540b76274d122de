/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/interfaces.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buffer.h"

/* Columns behind the name. */
#define RX_BYTES 0
#define TX_BYTES 8

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
static int parse_line(const char *line, const char *name, struct interface_bytes *sum)
{
	uint64_t numbers[TX_BYTES + 1];
	const char *colon;

	line += strspn(line, " \t");
	/* the last one: once names could have some */
	colon = memrchr(line, ':', strcspn(line, "\n"));
	if (!colon)
		return -EBADMSG;
	if (name && (strlen(name) != (size_t)(colon - line) ||
		     strncmp(line, name, (size_t)(colon - line)) != 0))
		return 0;
	colon++;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (next_number(&colon, &numbers[i]) < 0)
			return -EBADMSG;
	sum->rx_bytes += numbers[RX_BYTES];
	sum->tx_bytes += numbers[TX_BYTES];
	return 1;
}

int interfaces_parse(const char *text, const char *name, struct interface_bytes *ret_bytes)
{
	struct interface_bytes sum = {};
	bool found = !name;

	for (int head = 0; head < 2; head++) {
		text = strchr(text, '\n');
		if (!text)
			return -EBADMSG;
		text++;
	}
	while (*text) {
		int r = parse_line(text, name, &sum);

		if (r < 0)
			return r;
		found = found || r;
		text = strchr(text, '\n');
		if (!text)
			break;
		text++;
	}
	if (!found)
		return -ENODEV;
	*ret_bytes = sum;
	return 0;
}

int interfaces_read(int proc_fd, const char *name, struct interface_bytes *ret_bytes)
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
		r = text.failed ? -ENOMEM : interfaces_parse(text.data, name, ret_bytes);
	buffer_release(&text);
	return r;
}
