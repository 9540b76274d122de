/* SPDX-License-Identifier: GPL-2.0-only */
#define _GNU_SOURCE 1 /* program_invocation_short_name */
#include "lib/options.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "lib/parse.h"

#ifndef VERSION
#define VERSION "0.1.0"
#endif

/* Options without a letter. */
enum {
	KEY_CGROUP = 0x100,
	KEY_NETNS,
	KEY_NO_HEADER,
	KEY_STATS,
	KEY_STRICT,
	KEY_BACKEND,
	KEY_FEATURES,
	KEY_PROTO,
	KEY_ADDR,
};

/* Order in the help, behind the tool's own options (0). */
enum {
	GROUP_PROCESS = 1,
	GROUP_TRAFFIC,
	GROUP_OUTPUT,
	GROUP_END,
	GROUP_OTHER,
};

void options_init(struct options *options)
{
	*options = (struct options){.format = OUTPUT_TABLE, .header = true};
}

void options_usage(const char *format, ...)
{
	const char *program = program_invocation_short_name;
	struct error error;
	va_list args;

	va_start(args, format);
	vsnprintf(error.text, sizeof(error.text), format, args);
	va_end(args);

	/* What was typed may hold a newline, or worse. */
	for (char *p = error.text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';

	fprintf(stderr, "%s: %s (see %s --help)\n", program, error.text, program);
	exit(EXIT_USAGE);
}

static int add_name(struct process_filter *process, const char *glob, struct error *error)
{
	if (!*glob)
		return error_set(error, -EINVAL, "--name: an empty name matches no process");
	if (process->n_names >= FILTER_NAMES_MAX)
		return error_set(error, -EINVAL, "too many names: at most %d", FILTER_NAMES_MAX);

	process->names[process->n_names++] = glob;
	return 0;
}

/* Returns 0, a negative errno with an error, or ARGP_ERR_UNKNOWN. */
static int parse_process_option(int key, char *arg, struct process_filter *process,
				struct error *error)
{
	switch (key) {
	case 'p':
		return parse_pids(arg, process->pids, FILTER_PIDS_MAX, &process->n_pids, error);
	case 'f':
		process->follow = true;
		return 0;
	case 'n':
		return add_name(process, arg, error);
	case 'u':
		return parse_users(arg, process->uids, FILTER_UIDS_MAX, &process->n_uids, error);
	case KEY_CGROUP:
		process->cgroup_path = arg;
		return parse_cgroup(arg, &process->cgroup_id, error);
	case KEY_NETNS:
		process->netns_path = arg;
		return parse_netns(arg, &process->netns, error);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Index of @text in @names, or a negative errno with an error that lists them. */
static int parse_choice(const char *what, const char *text, const char *const *names, size_t n,
			struct error *error)
{
	char list[128] = "";

	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, names[i]) == 0)
			return (int)i;
		if (i)
			strcat(list, ", ");
		strcat(list, names[i]);
	}

	return error_set(error, -EINVAL, "%s %s: not one of %s", what, text, list);
}

static int parse_backend(const char *text, enum backend *ret_backend, struct error *error)
{
	static const char *const names[] = {
		[BACKEND_AUTO] = "auto",
		[BACKEND_TRACEPOINT] = "tracepoint",
		[BACKEND_FENTRY] = "fentry",
		[BACKEND_KPROBE] = "kprobe",
	};
	int r = parse_choice("backend", text, names, ARRAY_SIZE(names), error);

	if (r < 0)
		return r;

	*ret_backend = (enum backend)r;
	return 0;
}

static int parse_format(const char *text, enum output_format *ret_format, struct error *error)
{
	static const char *const names[] = {
		[OUTPUT_TABLE] = "table",
		[OUTPUT_JSON] = "json",
		[OUTPUT_CSV] = "csv",
	};

	int r = parse_choice("output", text, names, ARRAY_SIZE(names), error);

	if (r < 0)
		return r;

	*ret_format = (enum output_format)r;
	return 0;
}

/* As parse_process_option(). */
static int parse_output_option(int key, char *arg, struct options *options, struct error *error)
{
	switch (key) {
	case 'o':
		return parse_format(arg, &options->format, error);
	case 'j':
		options->format = OUTPUT_JSON;
		return 0;
	case 'F':
		options->fields = arg;
		return 0;
	case 't':
		options->timestamp = true;
		return 0;
	case 'T':
		options->time = true;
		return 0;
	case KEY_NO_HEADER:
		options->header = false;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case KEY_STATS:
		options->stats = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* As parse_process_option(). */
static int parse_end_option(int key, char *arg, struct options *options, struct error *error)
{
	switch (key) {
	case 'd':
		if (parse_duration(arg, &options->duration_ns, error) < 0)
			options_usage("--duration %s", error->text);
		return 0;
	case 'c':
		if (parse_uint(arg, 1, UINT64_MAX, &options->count, error) < 0)
			options_usage("--count %s", error->text);
		return 0;
	case KEY_STRICT:
		options->strict = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* As parse_process_option(). */
static int parse_kernel_option(int key, char *arg, struct options *options, struct error *error)
{
	switch (key) {
	case KEY_BACKEND:
		return parse_backend(arg, &options->backend, error);
	case KEY_FEATURES:
		options->features = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	struct error error;
	int r;

	switch (key) {
	case ARGP_KEY_INIT:
		/* getopt(3) has its own line for an option that is unknown or lacks its argument.
		 * This keeps argp from adding another, which would advertise --usage. */
		state->err_stream = NULL;
		return 0;
	case ARGP_KEY_ARG:
		options_usage("unexpected argument %s: a COMMAND goes behind \"--\"", arg);
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case 'V':
		printf("%s %s\n", program_invocation_short_name, VERSION);
		exit(EXIT_SUCCESS);
	}

	r = parse_process_option(key, arg, &options->process, &error);
	if (r == ARGP_ERR_UNKNOWN)
		r = parse_output_option(key, arg, options, &error);
	if (r == ARGP_ERR_UNKNOWN)
		r = parse_end_option(key, arg, options, &error);
	if (r == ARGP_ERR_UNKNOWN)
		r = parse_kernel_option(key, arg, options, &error);
	if (r < 0)
		options_usage("%s", error.text);

	return r;
}

static error_t parse_traffic_option(int key, char *arg, struct argp_state *state)
{
	struct traffic_filter *traffic = state->input;
	struct error error;
	int r = 0;

	switch (key) {
	case 'P':
		r = parse_ports(arg, traffic->ports, FILTER_PORTS_MAX, &traffic->n_ports, &error);
		break;
	case 'L':
		r = parse_ports(arg, traffic->local_ports, FILTER_PORTS_MAX,
				&traffic->n_local_ports, &error);
		break;
	case 'D':
		r = parse_ports(arg, traffic->remote_ports, FILTER_PORTS_MAX,
				&traffic->n_remote_ports, &error);
		break;
	case '4':
		traffic->ipv4_only = true;
		break;
	case '6':
		traffic->ipv6_only = true;
		break;
	case KEY_PROTO:
		r = parse_words(arg, "protocol", traffic->protocol_names, &traffic->protocols,
				&error);
		break;
	case KEY_ADDR:
		r = parse_cidrs(arg, traffic->cidrs, FILTER_CIDRS_MAX, &traffic->n_cidrs, &error);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (r < 0)
		options_usage("%s", error.text);
	if (traffic->ipv4_only && traffic->ipv6_only)
		options_usage("-4 and -6 exclude each other: give one, or none for both");

	return 0;
}

#define OPTION(group_, key_, name_, arg_, doc_)                                                    \
	{                                                                                          \
		.name = (name_), .key = (key_), .arg = (arg_), .doc = (doc_), .group = (group_)    \
	}

static const struct argp_option option_table[] = {
	OPTION(GROUP_PROCESS, 0, NULL, NULL, "Which processes:"),
	OPTION(GROUP_PROCESS, 'p', "pid", "LIST", "only these process ids"),
	OPTION(GROUP_PROCESS, 'f', "follow", NULL, "their descendants too"),
	OPTION(GROUP_PROCESS, 'n', "name", "GLOB", "only full names like this (repeatable)"),
	OPTION(GROUP_PROCESS, 'u', "uid", "LIST", "only these users (names or ids)"),
	OPTION(GROUP_PROCESS, KEY_CGROUP, "cgroup", "PATH", "only in this cgroup and below (v2)"),
	OPTION(GROUP_PROCESS, KEY_NETNS, "netns", "PATH|PID", "only in this network namespace"),

	OPTION(GROUP_OUTPUT, 0, NULL, NULL, "Output:"),
	OPTION(GROUP_OUTPUT, 'o', "output", "FORMAT", "table, json (an object a line), or csv"),
	OPTION(GROUP_OUTPUT, 'j', "json", NULL, "same as -o json"),
	OPTION(GROUP_OUTPUT, 'F', "fields", "LIST", "just these, in this order; help lists them"),
	OPTION(GROUP_OUTPUT, 't', "timestamp", NULL, "table: add seconds since start"),
	OPTION(GROUP_OUTPUT, 'T', "time", NULL, "table: add time of day"),
	OPTION(GROUP_OUTPUT, KEY_NO_HEADER, "no-header", NULL, "table and csv: no header line"),
	OPTION(GROUP_OUTPUT, 'v', "verbose", NULL, "say on stderr what is going on"),
	OPTION(GROUP_OUTPUT, KEY_STATS, "stats", NULL, "at the end a summary on stderr"),

	OPTION(GROUP_END, 0, NULL, NULL, "When to end:"),
	OPTION(GROUP_END, 'd', "duration", "SECONDS", "after that long, such as 10 or 0.5"),
	OPTION(GROUP_END, 'c', "count", "N", "after N rows"),
	OPTION(GROUP_END, KEY_STRICT, "strict", NULL, "with status 3 if any record was lost"),

	OPTION(GROUP_OTHER, KEY_FEATURES, "features", NULL,
	       "print what this kernel offers and what of it is used"),
	OPTION(GROUP_OTHER, KEY_BACKEND, "backend", "KIND",
	       "hooks beside tracepoints: auto, tracepoint (none), fentry, kprobe"),
	OPTION(GROUP_OTHER, 'h', "help", NULL, "print this help and exit"),
	OPTION(GROUP_OTHER, 'V', "version", NULL, "print the version and exit"),
	{0},
};

const struct argp options_argp = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = "[-- COMMAND [ARG...]]",
	.doc = "\vLists are separated by commas. With a COMMAND, run it, trace only it and its "
	       "descendants, and exit with its status.",
};

static const struct argp_option traffic_table[] = {
	OPTION(GROUP_TRAFFIC, 0, NULL, NULL, "Which traffic:"),
	OPTION(GROUP_TRAFFIC, 'P', "port", "LIST", "only these ports, at either end"),
	OPTION(GROUP_TRAFFIC, 'L', "local-port", "LIST", "only these local ports"),
	OPTION(GROUP_TRAFFIC, 'D', "remote-port", "LIST", "only these remote ports"),
	OPTION(GROUP_TRAFFIC, '4', "ipv4", NULL, "only IPv4"),
	OPTION(GROUP_TRAFFIC, '6', "ipv6", NULL, "only IPv6"),
	OPTION(GROUP_TRAFFIC, KEY_PROTO, "proto", "LIST", "tcp udp udplite sctp icmp raw packet"),
	OPTION(GROUP_TRAFFIC, KEY_ADDR, "addr", "LIST", "only these ranges, such as 10.0.0.0/8"),
	{0},
};

const struct argp traffic_argp = {.options = traffic_table, .parser = parse_traffic_option};

static void check_together(const struct options *options)
{
	const struct process_filter *process = &options->process;
	struct error error;

	if (!options->past && parse_pids_exist(process->pids, process->n_pids, &error) < 0)
		options_usage("%s", error.text);
	if (process->n_pids && options->command)
		options_usage("-p and a COMMAND exclude each other: give one of them");
	if (process->follow && !process->n_pids && !options->command)
		options_usage("-f wants to know whom to follow: give -p or a COMMAND");
	if ((options->timestamp || options->time) && options->format != OUTPUT_TABLE)
		options_usage("-t and -T are for a table: leave them out, or use -o table");
	if (!options->header && options->format == OUTPUT_JSON)
		options_usage("--no-header is for a table or CSV: JSON has no header");
}

/* Leaves out the note that is longer than what it has to say. */
static char *help_filter(int key, const char *text, void *input _unused_)
{
	return key == ARGP_KEY_HELP_DUP_ARGS_NOTE ? NULL : (char *)text;
}

int options_parse(const struct argp *argp, int argc, char **argv, void *input,
		  struct options *options)
{
	struct argp root = *argp;
	int n, r;

	if (!root.help_filter)
		root.help_filter = help_filter;

	/* The words behind "--" are not argp's: getopt(3) would move them about. */
	for (n = 1; n < argc && strcmp(argv[n], "--") != 0; n++)
		;
	if (n < argc) {
		if (n + 1 == argc || !*argv[n + 1])
			options_usage("there is no COMMAND behind \"--\"");
		options->command = argv + n + 1;
	}

	/* ARGP_IN_ORDER: of `TOOL curl -I` report curl, not -I. */
	r = argp_parse(&root, n < argc ? n : argc, argv, ARGP_NO_HELP | ARGP_IN_ORDER, NULL, input);
	if (r == EINVAL)
		exit(EXIT_USAGE); /* getopt(3) has said why */
	if (r)
		options_usage("%s", strerror(r));
	check_together(options);
	return 0;
}
