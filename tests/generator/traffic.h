/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of traffic know of each other. */
#ifndef GENERATOR_TRAFFIC_H
#define GENERATOR_TRAFFIC_H

#include <stdint.h>

#include "tests/generator/scenario.h"

struct run {
	char mode;    /* '4', '6', 'm' */
	int protocol; /* of sockets; 0: TCP */
	uint16_t port;
	int argc; /* arguments behind the scenario */
	char **argv;
	char *const *command_line;
};

/* Of those behind the scenario; there must be one. */
const char *argument(const struct run *run, int n);

/* A table for each file of scenarios; see scenario_of(). */
extern const struct scenario traffic_plain[];
extern const struct scenario traffic_calls[];
extern const struct scenario traffic_end[];
extern const struct scenario traffic_fail[];
extern const struct scenario traffic_handed[];
extern const struct scenario traffic_many[];
extern const struct scenario traffic_late[];
extern const struct scenario traffic_before[];
extern const struct scenario traffic_netns[];
extern const struct scenario traffic_load[];

#endif
