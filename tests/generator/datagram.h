/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of datagram know of each other. */
#ifndef GENERATOR_DATAGRAM_H
#define GENERATOR_DATAGRAM_H

#include <stdbool.h>

#include "tests/generator/scenario.h"

struct ledger;

struct run {
	char mode; /* '4', '6', 'm' */
	struct ledger *ledger;
	const char *proto;
	bool any_thread; /* who does it is not gettid() */
};

/* A table for each file of scenarios; see scenario_of(). */
extern const struct scenario datagram_calls[];
extern const struct scenario datagram_shared[];
extern const struct scenario datagram_uring[];
extern const struct scenario datagram_raw[];
extern const struct scenario datagram_sctp[];
extern const struct scenario datagram_open[];

#endif
