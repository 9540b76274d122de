/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The options that all tools share, as an argp child parser, and the traffic filters that two of
 * them share as another. A tool names both in the children of its own struct argp, and at
 * ARGP_KEY_INIT hands the structs over in state->child_inputs[]. Bad usage: one line on stderr,
 * exit status 2.
 */
#ifndef LIB_OPTIONS_H
#define LIB_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base.h"
#include "lib/cidr.h"
#include "lib/output.h"

#define EXIT_USAGE 2 /* bad usage */
#define EXIT_LOST  3 /* records were lost, under --strict */

#define FILTER_PIDS_MAX	 1024
#define FILTER_UIDS_MAX	 256
#define FILTER_PORTS_MAX 256
#define FILTER_CIDRS_MAX 64
#define FILTER_NAMES_MAX 64

/* Which processes: -p -f -n -u --cgroup --netns. Empty lists match all. */
struct process_filter {
	uint32_t pids[FILTER_PIDS_MAX];
	size_t n_pids;
	bool follow;
	const char *names[FILTER_NAMES_MAX]; /* globs, any may match (fnmatch(3), no flags) */
	size_t n_names;
	uint32_t uids[FILTER_UIDS_MAX];
	size_t n_uids;
	const char *cgroup_path; /* as given; NULL: none */
	uint64_t cgroup_id;	 /* its cgroup v2 id (inode number); 0: no filter */
	const char *netns_path;	 /* as given; NULL: none */
	uint32_t netns;		 /* its inode number; 0: no filter */
};

/* Which traffic: -P -L -D -4 -6 --proto --addr. Empty lists match all. */
struct traffic_filter {
	uint16_t ports[FILTER_PORTS_MAX], local_ports[FILTER_PORTS_MAX],
		remote_ports[FILTER_PORTS_MAX];
	size_t n_ports, n_local_ports, n_remote_ports;
	bool ipv4_only, ipv6_only;
	struct cidr cidrs[FILTER_CIDRS_MAX]; /* either end inside any of them */
	size_t n_cidrs;
	/* --proto: bit per entry of @protocols; 0: all */
	uint32_t protocols;
	/* In: names that --proto takes, in bit order, NULL-terminated, set by the tool. */
	const char *const *protocol_names;
};

/* Which hooks on kernel functions may be used, beside the tracepoints that always are. */
enum backend {
	BACKEND_AUTO,	    /* the best that the kernel has */
	BACKEND_TRACEPOINT, /* none */
	BACKEND_FENTRY,	    /* BPF trampolines, or the tool does not start */
	BACKEND_KPROBE,	    /* kprobes, or the tool does not start */
};

struct options {
	struct process_filter process;
	bool past; /* a tool's own: processes need not exist any more */
	enum backend backend;
	bool features; /* print what the kernel offers and what of it is used, and end */
	enum output_format format;
	const char *fields;   /* -F as given, NULL: default */
	bool timestamp;	      /* -t: seconds since start */
	bool time;	      /* -T: wall clock */
	uint64_t duration_ns; /* 0: no end */
	uint64_t count;	      /* rows; 0: no end */
	bool header;	      /* false after --no-header */
	bool verbose, stats, strict;
	char **command; /* NULL-terminated, borrowed from argv; NULL: none */
};

/* In each tool's children: the input is a struct options *, set up by options_init(). */
extern const struct argp options_argp;
/* The input is a struct traffic_filter *. */
extern const struct argp traffic_argp;

void options_init(struct options *options);

/* argp_parse() with what all tools want: options in any order before "--", everything behind "--"
 * is the COMMAND (an empty one is bad usage); -h prints to stdout; exits with 0 or EXIT_USAGE by
 * itself where that is the answer. A word outside of that goes to @argp's own parser as
 * ARGP_KEY_ARG (proctop's INTERVAL); one that it does not take (ARGP_ERR_UNKNOWN) gets "unexpected
 * argument" and a hint that a command goes behind "--". Afterwards checks what spans options: -f
 * wants -p or a COMMAND; -p and a COMMAND exclude each other; -t and -T want a table, --no-header
 * a table or CSV. In @argp's own parser, options_usage() takes the place of argp_error(),
 * argp_failure() and argp_usage(), which do nothing here. In the help, the tool's own options come
 * first; "[-- COMMAND [ARG...]]" is added to @argp's args_doc. Returns 0 or exits. */
int options_parse(const struct argp *argp, int argc, char **argv, void *input,
		  struct options *options);

/* Bad usage: "PROGRAM: text (see PROGRAM --help)" on stderr, in one line whatever the user typed,
 * and exit with EXIT_USAGE. */
_printf_(1, 2) __attribute__((noreturn)) void options_usage(const char *format, ...);

#endif
