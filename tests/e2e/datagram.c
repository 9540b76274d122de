// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic generator of the end-to-end tests for datagrams: sends and receives in every way there
 * is, keeps a ledger of what each process sent to and received from whom on which socket, and
 * prints, one JSON object a line on stdout, each record that connsnoop has to print for it.
 *
 * datagram [-4|-6|-m] SCENARIO     -m: IPv4 through IPv6 sockets
 *
 * phase() as in traffic. Any surprise ends the program with status 1.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/datagram.h"
#include "tests/generator/datagram_ledger.h"
#include "tests/generator/datagram_socket.h"
#include "tests/generator/die.h"
#include "tests/generator/process.h"
#include "tests/generator/scenario.h"

const char generator_name[] = "datagram";

/* COUNT flows of one socket in a burst, a byte each, to ports of 127.1.x.y where nobody listens:
 * many ports of few addresses, or with @port that one of as many addresses. */
static void burst(const struct run *run, unsigned long count, unsigned long port)
{
	unsigned long ports = port ? 1 : 50000;
	int fd = open_socket(run);

	set_option(fd, SOL_SOCKET, SO_BROADCAST, 1);
	for (unsigned long i = 0; i < count; i++) {
		struct sockaddr_in to = {.sin_family = AF_INET,
					 .sin_port =
						 htons((uint16_t)(port ? port : 1024 + i % ports)),
					 .sin_addr = {htonl(0x7f010001 + (uint32_t)(i / ports))}};

		if (sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)) != 1)
			die("burst");
	}
}

static const struct scenario *const tables[] = {
	datagram_calls, datagram_shared, datagram_uring, datagram_raw, datagram_sctp, datagram_open,
};

int main(int argc, char **argv)
{
	struct run run = {.mode = '4', .proto = "udp"};
	int at = 1;

	alarm(LIFE_SECONDS);
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (argv[at][1] == 'l')
			run.proto = "udplite";
		else
			run.mode = argv[at][1];
	}
	if (at >= argc)
		die("which scenario?");
	run.ledger = ledger_new();
	if (!strcmp(argv[at], "burst")) {
		burst(&run, strtoul(at + 1 < argc ? argv[at + 1] : "1000", NULL, 10),
		      strtoul(at + 2 < argc ? argv[at + 2] : "0", NULL, 10));
		return 0;
	}
	scenario_of(tables, sizeof(tables) / sizeof(tables[0]), argv[at])->play(&run);
	ledger_print(run.ledger);
	return 0;
}
