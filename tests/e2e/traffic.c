// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic generator of the end-to-end tests: makes real TCP connections and prints, one JSON object
 * a line on stdout, each record that connsnoop has to print for them, with just the keys that are
 * certain. lib.sh compares.
 *
 * traffic [-4|-6|-m] [-M] [-p PORT] SCENARIO [ARG...]
 *   -m: IPv4 through an IPv6 socket; -M: Multipath TCP
 *
 * At a phase() the generator writes "phase NAME" to stderr and waits for a line on stdin, so that
 * the test can start or stop the tool in between. Any surprise ends the program with status 1.
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/die.h"
#include "tests/generator/process.h"
#include "tests/generator/scenario.h"
#include "tests/generator/traffic.h"

const char generator_name[] = "traffic";

const char *argument(const struct run *run, int n)
{
	if (n >= run->argc)
		die("argument %d is missing", n + 1);
	return run->argv[n];
}

static const struct scenario *const tables[] = {
	traffic_plain, traffic_calls, traffic_end,    traffic_fail,  traffic_handed,
	traffic_many,  traffic_late,  traffic_before, traffic_netns, traffic_load,
};

int main(int argc, char **argv)
{
	struct run run = {.mode = '4', .command_line = argv};
	int option;

	while ((option = getopt(argc, argv, "+46mMp:")) != -1) {
		if (option == 'p')
			run.port = (uint16_t)atoi(optarg);
		else if (option == 'M')
			run.protocol = IPPROTO_MPTCP;
		else if (option == '?')
			die("usage: traffic [-4|-6|-m] [-M] [-p PORT] SCENARIO [ARG...]");
		else
			run.mode = (char)option;
	}
	if (optind >= argc)
		die("usage: traffic [-4|-6|-m] [-M] [-p PORT] SCENARIO [ARG...]");
	run.argc = argc - optind - 1;
	run.argv = argv + optind + 1;
	alarm(LIFE_SECONDS);
	signal(SIGPIPE, SIG_IGN);
	scenario_of(tables, sizeof(tables) / sizeof(tables[0]), argv[optind])->play(&run);
	return 0;
}
