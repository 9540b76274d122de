// SPDX-License-Identifier: GPL-2.0-only
/* What stays open while the test looks at it. */
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/datagram.h"
#include "tests/generator/datagram_ledger.h"
#include "tests/generator/datagram_socket.h"
#include "tests/generator/die.h"
#include "tests/generator/line.h"
#include "tests/generator/process.h"

/* Two flows of one socket: the test waits until they are closed as idle. */
static void scenario_idle(const struct run *run)
{
	int server = bound(run), client = connected(run, server);
	struct address to = address_local(server);

	sent(run, client, &to, send(client, payload(), 10, 0), 10);
	receive(run, server, 100);
	run->ledger->entries[0].closed_by = run->ledger->entries[1].closed_by = NULL;
	ledger_print(run->ledger);
	phase("idle");
	run->ledger->n = 0; /* begins anew */
	sent(run, client, &to, send(client, payload(), 20, 0), 20);
	receive(run, server, 100);
}

/* What is open: for -l. The child holds two of them as well. */
static void scenario_open(const struct run *run)
{
	int server = bound(run), client = connected(run, server), ping, raw, packet;
	pid_t pid = spawn();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	ping = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
	raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	packet = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	open_socket(run); /* has no port: nothing to show */
	struct address to = address_of(run->mode, NULL, 0);
	struct {
		int fd;
		const char *proto, *state;
		bool shared;
	} all[] = {{server, run->proto, "UNCONN", true},
		   {client, run->proto, "ESTABLISHED", true},
		   {ping, "icmp", "ESTABLISHED", false},
		   {raw, "raw", "UNCONN", false},
		   {packet, "packet", "UNCONN", false}};

	if (run->mode == '4' && (ping < 0 || connect(ping, &to.any, to.length)))
		die("ping socket");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const struct run how = {run->mode, run->ledger, all[i].proto, .any_thread = true};
		struct entry entry = holder(&how, all[i].fd);
		struct address peer = ADDRESS_UNKNOWN;
		struct line line;

		if (run->mode != '4' && i == 2) {
			close(ping);
			continue;
		}
		if (all[i].fd == ping) /* has no port, and so no name for getpeername(2) */
			end_set(&entry.remote, &to);
		else if (!getpeername(all[i].fd, &peer.any, &peer.length))
			end_set(&entry.remote, &peer);
		line = record("open", &entry);
		line_add(&line, ",\"state\":\"%s\",\"owner_src\":\"iter\",\"holders\":[%d",
			 all[i].state, getpid());
		if (all[i].shared)
			line_add(&line, ",%d", pid);
		record_print(&line, "]");
	}
	phase("open");
	kill(pid, SIGKILL);
	reap(pid, SIGKILL);
}

const struct scenario datagram_open[] = {
	{"idle", scenario_idle},
	{"open", scenario_open},
	{},
};
