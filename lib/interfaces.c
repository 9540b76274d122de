/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/interfaces.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "lib/buffer.h"

/* One line: "  eth0: bytes packets errs drop fifo frame compressed multicast bytes ...". */
static int parse_line(const char *line, const char *name, struct interface_bytes *sum)
{
	unsigned long long rx, tx;
	const char *colon;

	while (isspace((unsigned char)*line) && *line != '\n')
		line++;
	colon = strchr(line, ':');
	if (!colon)
		return -EBADMSG;
	if (name && (strlen(name) != (size_t)(colon - line) ||
		     strncmp(line, name, (size_t)(colon - line)) != 0))
		return 0;
	if (sscanf(colon + 1, "%llu %*u %*u %*u %*u %*u %*u %*u %llu", &rx, &tx) != 2)
		return -EBADMSG;
	sum->rx_bytes += rx;
	sum->tx_bytes += tx;
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
