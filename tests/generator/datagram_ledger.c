// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/datagram.h"
#include "tests/generator/datagram_ledger.h"
#include "tests/generator/die.h"
#include "tests/generator/line.h"
#include "tests/generator/process.h"

struct ledger *ledger_new(void)
{
	struct ledger *ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attributes;

	if (ledger == MAP_FAILED)
		die("mmap");
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&ledger->lock, &attributes);
	return ledger;
}

void end_set(struct end *end, const struct address *address)
{
	memset(end, 0, sizeof(*end));
	if (address->any.sa_family != AF_INET && address->any.sa_family != AF_INET6)
		return;
	address_text(address, end->address);
	end->port = address_port(address);
}

void local_of(const struct run *run, int fd, struct end *end)
{
	struct address address = address_local(fd);
	bool none;

	end_set(end, &address);
	if (!strcmp(run->proto, "raw"))
		end->port = 0;
	none = !strcmp(end->address, "0.0.0.0") || !strcmp(end->address, "::");
	if (none && !end->port)
		end->address[0] = '\0';
}

struct entry holder(const struct run *run, int fd)
{
	struct entry entry = {.pid = getpid(),
			      .tid = run->any_thread ? 0 : gettid(),
			      .ppid = getppid(),
			      .cookie = cookie_of(fd),
			      .proto = run->proto};

	local_of(run, fd, &entry.local);
	return entry;
}

void note(const struct run *run, int fd, const struct address *peer, bool in, size_t bytes,
	  int packets)
{
	struct ledger *ledger = run->ledger;
	struct end remote = {};
	uint64_t cookie = cookie_of(fd);
	struct entry *entry = NULL;
	pid_t pid = getpid();

	if (peer)
		end_set(&remote, peer);
	pthread_mutex_lock(&ledger->lock);
	for (size_t i = 0; i < ledger->n && !entry; i++)
		if (ledger->entries[i].pid == pid && ledger->entries[i].cookie == cookie &&
		    !memcmp(&ledger->entries[i].remote, &remote, sizeof(remote)))
			entry = &ledger->entries[i];
	if (!entry) {
		if (ledger->n == LEDGER_MAX)
			die("ledger is full");
		entry = &ledger->entries[ledger->n++];
		*entry = holder(run, fd);
		entry->remote = remote;
		entry->in = in;
		entry->closed_by = "local";
		/* bound to no address: of the version that the peer's is of */
		if (!strcmp(entry->local.address, "::") && strchr(remote.address, '.'))
			strcpy(entry->local.address, "0.0.0.0");
	}
	if (in) {
		entry->rx_bytes += bytes;
		entry->rx_packets += (uint64_t)packets;
	} else {
		entry->tx_bytes += bytes;
		entry->tx_packets += (uint64_t)packets;
	}
	pthread_mutex_unlock(&ledger->lock);
}

static void line_end(struct line *line, const char *address, const char *port,
		     const struct end *end)
{
	if (end->address[0])
		line_add(line, ",\"%s\":\"%s\"", address, end->address);
	else
		line_add(line, ",\"%s\":null", address);
	if (end->port)
		line_add(line, ",\"%s\":%u", port, end->port);
	else
		line_add(line, ",\"%s\":null", port);
}

struct line record(const char *type, const struct entry *entry)
{
	struct exe exe = own_exe();
	struct line line = {};

	line_add(&line, "{\"type\":\"%s\",\"proto\":\"%s\",\"pid\":%d,\"ppid\":%d,\"cookie\":%lu",
		 type, entry->proto, entry->pid, entry->ppid, entry->cookie);
	line_add(&line, ",\"name\":");
	line_string(&line, base_name(exe.path));
	if (entry->tid)
		line_add(&line, ",\"tid\":%d", entry->tid);
	line_end(&line, "laddr", "lport", &entry->local);
	line_end(&line, "raddr", "rport", &entry->remote);
	return line;
}

void record_print(struct line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line_vadd(line, format, arguments);
	va_end(arguments);
	line_add(line, "}\n");
	line_print(line);
}

void ledger_print(const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n; i++) {
		const struct entry *entry = &ledger->entries[i];
		struct line flow = record("flow", entry), end = record("close", entry);

		record_print(&flow, ",\"direction\":\"%s\",\"owner_src\":\"%s\"",
			     entry->in ? "in" : "out", entry->in ? "recv" : "send");
		line_add(&end,
			 ",\"tx_bytes\":%lu,\"rx_bytes\":%lu,\"tx_packets\":%lu,\"rx_packets\":%lu",
			 entry->tx_bytes, entry->rx_bytes, entry->tx_packets, entry->rx_packets);
		if (entry->closed_by)
			line_add(&end, ",\"closed_by\":\"%s\"", entry->closed_by);
		else
			line_add(&end, ",\"closed_by\":null");
		record_print(&end, ",\"error\":null,\"retransmits\":null,\"rtt_us\":null"
				   ",\"duration_ns\":{\"min\":0}");
	}
}
