/* SPDX-License-Identifier: GPL-2.0-only */
#define _GNU_SOURCE 1 /* program_invocation_short_name, memfd_create() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "lib/options.h"

#define NO_PID	 "4194305" /* above the largest that Linux gives out (PID_MAX_LIMIT) */
#define RETURNED 77	   /* exit status of a child that was not made to exit */
#define MORE	 " (see toy --help)\n"

#define ARGV(...) ((char *[]){"toy", ##__VA_ARGS__, NULL})

#ifndef VERSION
#define VERSION "0.1.0"
#endif

/* A tool with an option and an argument of its own. */
struct toy {
	struct options options;
	struct traffic_filter traffic;
	const char *events, *interval;
};

static error_t parse_toy(int key, char *arg, struct argp_state *state)
{
	struct toy *toy = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &toy->options;
		state->child_inputs[1] = &toy->traffic;
		return 0;
	case ARGP_KEY_ARG:
		if (toy->interval)
			return ARGP_ERR_UNKNOWN;
		toy->interval = arg;
		return 0;
	case 'e':
		toy->events = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option toy_options[] = {
	{.name = "events", .key = 'e', .arg = "LIST", .doc = "only these events"},
	{0},
};

static const struct argp_child toy_children[] = {
	{.argp = &options_argp},
	{.argp = &traffic_argp},
	{0},
};

static const struct argp toy_argp = {
	.options = toy_options,
	.parser = parse_toy,
	.args_doc = "[INTERVAL]",
	.doc = "Is a toy.",
	.children = toy_children,
};

static const char *const protocols[] = {"tcp", "udp", "icmp", NULL};

static void parse(struct toy *toy, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	*toy = (struct toy){.traffic.protocol_names = protocols};
	options_init(&toy->options);
	assert_int_equal(options_parse(&toy_argp, argc, argv, toy, &toy->options), 0);
}

static void read_all(int fd, char *ret_text, size_t size)
{
	ssize_t n = pread(fd, ret_text, size - 1, 0);

	assert_true(n >= 0);
	ret_text[n] = '\0';
}

/* What a child that parsed @argv has left behind. */
struct outcome {
	int status; /* RETURNED if it was not made to exit */
	char out[8192], err[8192];
};

static void parse_in_child(char **argv, struct outcome *ret_outcome)
{
	_cleanup_(closep) int out = memfd_create("stdout", MFD_CLOEXEC);
	_cleanup_(closep) int err = memfd_create("stderr", MFD_CLOEXEC);
	int status;
	pid_t pid;

	assert_true(out >= 0 && err >= 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static struct toy toy;

		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		parse(&toy, argv);
		_exit(RETURNED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));

	ret_outcome->status = WEXITSTATUS(status);
	read_all(out, ret_outcome->out, sizeof(ret_outcome->out));
	read_all(err, ret_outcome->err, sizeof(ret_outcome->err));
}

static void assert_exit(char **argv, int want_status, const char *want_out, const char *want_err)
{
	struct outcome outcome;

	parse_in_child(argv, &outcome);
	assert_string_equal(outcome.err, want_err);
	assert_string_equal(outcome.out, want_out);
	assert_int_equal(outcome.status, want_status);
}

static void assert_bad(char **argv, const char *want_err)
{
	assert_exit(argv, EXIT_USAGE, "", want_err);
}

static void test_defaults(void **state _unused_)
{
	static struct toy toy;

	parse(&toy, ARGV());
	assert_int_equal(toy.options.process.n_pids, 0);
	assert_int_equal(toy.options.process.n_names, 0);
	assert_int_equal(toy.options.process.n_uids, 0);
	assert_false(toy.options.process.follow);
	assert_null(toy.options.process.cgroup_path);
	assert_int_equal(toy.options.process.cgroup_id, 0);
	assert_int_equal(toy.options.process.netns, 0);
	assert_int_equal(toy.options.format, OUTPUT_TABLE);
	assert_null(toy.options.fields);
	assert_false(toy.options.timestamp || toy.options.time);
	assert_int_equal(toy.options.duration_ns, 0);
	assert_int_equal(toy.options.count, 0);
	assert_true(toy.options.header);
	assert_false(toy.options.verbose || toy.options.stats || toy.options.strict);
	assert_null(toy.options.command);
	assert_int_equal(toy.traffic.n_ports + toy.traffic.n_local_ports +
				 toy.traffic.n_remote_ports + toy.traffic.n_cidrs,
			 0);
	assert_int_equal(toy.traffic.protocols, 0);
	assert_false(toy.traffic.ipv4_only || toy.traffic.ipv6_only);
}

static void test_process_options(void **state _unused_)
{
	static struct toy toy;
	struct stat status;

	parse(&toy, ARGV("-p", "1", "--pid=1", "-f", "-n", "a,b*", "--name", "c", "-u", "root,7",
			 "--uid=8", "--netns", "/proc/self/ns/net"));
	assert_int_equal(toy.options.process.n_pids, 2);
	assert_int_equal(toy.options.process.pids[0], 1);
	assert_int_equal(toy.options.process.pids[1], 1);
	assert_true(toy.options.process.follow);
	assert_int_equal(toy.options.process.n_names, 2);
	assert_string_equal(toy.options.process.names[0], "a,b*");
	assert_string_equal(toy.options.process.names[1], "c");
	assert_int_equal(toy.options.process.n_uids, 3);
	assert_int_equal(toy.options.process.uids[0], 0);
	assert_int_equal(toy.options.process.uids[1], 7);
	assert_int_equal(toy.options.process.uids[2], 8);
	assert_int_equal(stat("/proc/self/ns/net", &status), 0);
	assert_int_equal(toy.options.process.netns, status.st_ino);
}

static void test_cgroup(void **state _unused_)
{
	static struct toy toy;
	struct stat status;

	if (stat("/sys/fs/cgroup/unified/cgroup.procs", &status) == 0)
		assert_int_equal(stat("/sys/fs/cgroup/unified", &status), 0);
	else if (stat("/sys/fs/cgroup/cgroup.procs", &status) == 0)
		assert_int_equal(stat("/sys/fs/cgroup", &status), 0);
	else
		skip();

	parse(&toy, ARGV("--cgroup", "/"));
	assert_string_equal(toy.options.process.cgroup_path, "/");
	assert_int_equal(toy.options.process.cgroup_id, status.st_ino);
}

static void test_output_options(void **state _unused_)
{
	static struct toy toy;

	parse(&toy, ARGV("-o", "csv", "--no-header", "-F", "help", "-v", "--stats", "--strict"));
	assert_int_equal(toy.options.format, OUTPUT_CSV);
	assert_false(toy.options.header);
	assert_string_equal(toy.options.fields, "help");
	assert_true(toy.options.verbose);
	assert_true(toy.options.stats);
	assert_true(toy.options.strict);

	parse(&toy, ARGV("-j"));
	assert_int_equal(toy.options.format, OUTPUT_JSON);
	parse(&toy, ARGV("--output=json", "--output=table"));
	assert_int_equal(toy.options.format, OUTPUT_TABLE);

	parse(&toy, ARGV("-t"));
	assert_true(toy.options.timestamp && !toy.options.time);
	parse(&toy, ARGV("-T"));
	assert_true(toy.options.time && !toy.options.timestamp);
	parse(&toy, ARGV("--time", "--timestamp", "--no-header"));
	assert_true(toy.options.time && toy.options.timestamp && !toy.options.header);

	parse(&toy, ARGV("-d", "1.5", "-c", "20"));
	assert_int_equal(toy.options.duration_ns, 1500000000);
	assert_int_equal(toy.options.count, 20);
}

static void test_traffic_options(void **state _unused_)
{
	static struct toy toy;
	struct cidr cidr;

	parse(&toy, ARGV("-P", "80,443", "--port", "8080", "-L22", "-D", "53", "-6", "--proto",
			 "UDP,icmp", "--addr", "10.0.0.0/8,::1", "--addr=::2"));
	assert_int_equal(toy.traffic.n_ports, 3);
	assert_int_equal(toy.traffic.ports[0], 80);
	assert_int_equal(toy.traffic.ports[1], 443);
	assert_int_equal(toy.traffic.ports[2], 8080);
	assert_int_equal(toy.traffic.n_local_ports, 1);
	assert_int_equal(toy.traffic.local_ports[0], 22);
	assert_int_equal(toy.traffic.n_remote_ports, 1);
	assert_int_equal(toy.traffic.remote_ports[0], 53);
	assert_true(toy.traffic.ipv6_only && !toy.traffic.ipv4_only);
	assert_int_equal(toy.traffic.protocols, 0x6);
	assert_int_equal(toy.traffic.n_cidrs, 3);
	assert_int_equal(cidr_parse("::2", &cidr, NULL), 0);
	assert_memory_equal(&toy.traffic.cidrs[2], &cidr, sizeof(cidr));

	parse(&toy, ARGV("--ipv4"));
	assert_true(toy.traffic.ipv4_only && !toy.traffic.ipv6_only);
}

static void test_command(void **state _unused_)
{
	char **argv = ARGV("5", "-v", "--", "ls", "-j", "--", "x", "-l");
	static struct toy toy;

	parse(&toy, argv);
	assert_ptr_equal(toy.options.command, argv + 4);
	assert_string_equal(toy.options.command[0], "ls");
	assert_string_equal(toy.options.command[1], "-j");
	assert_string_equal(toy.options.command[2], "--");
	assert_string_equal(toy.options.command[3], "x");
	assert_string_equal(toy.options.command[4], "-l");
	assert_null(toy.options.command[5]);
	assert_true(toy.options.verbose);
	assert_int_equal(toy.options.format, OUTPUT_TABLE);
	assert_string_equal(toy.interval, "5");

	parse(&toy, ARGV("-f", "--", "true"));
	assert_true(toy.options.process.follow);
}

static void test_own_parser(void **state _unused_)
{
	static struct toy toy;

	parse(&toy, ARGV("-e", "connect", "2", "-j"));
	assert_string_equal(toy.events, "connect");
	assert_string_equal(toy.interval, "2");
	assert_int_equal(toy.options.format, OUTPUT_JSON);
}

static void test_order_survives_posixly_correct(void **state _unused_)
{
	static struct toy toy;

	setenv("POSIXLY_CORRECT", "1", 1);
	parse(&toy, ARGV("2", "-j"));
	unsetenv("POSIXLY_CORRECT");
	assert_string_equal(toy.interval, "2");
	assert_int_equal(toy.options.format, OUTPUT_JSON);
}

static void test_bad_option(void **state _unused_)
{
	assert_bad(ARGV("--bogus"), "toy: unrecognized option '--bogus'\n");
	assert_bad(ARGV("-Z"), "toy: invalid option -- 'Z'\n");
	assert_bad(ARGV("-?"), "toy: invalid option -- '?'\n");
	assert_bad(ARGV("--usage"), "toy: unrecognized option '--usage'\n");
	assert_bad(ARGV("-p"), "toy: option requires an argument -- 'p'\n");
	assert_bad(ARGV("--pid"), "toy: option '--pid' requires an argument\n");
	assert_bad(ARGV("-p", "--", "1"), "toy: option requires an argument -- 'p'\n");
	assert_bad(ARGV("--json=1"), "toy: option '--json' doesn't allow an argument\n");
}

static void test_bad_argument(void **state _unused_)
{
	assert_bad(ARGV("1", "curl", "-I"), "toy: unexpected argument curl: "
					    "a COMMAND goes behind \"--\"" MORE);
	assert_bad(ARGV("--"), "toy: there is no COMMAND behind \"--\"" MORE);
	assert_bad(ARGV("-v", "--", ""), "toy: there is no COMMAND behind \"--\"" MORE);
}

static void test_bad_process_option(void **state _unused_)
{
	assert_bad(ARGV("-p", NO_PID), "toy: process " NO_PID ": does not exist" MORE);
	assert_bad(ARGV("-p", "1,x"), "toy: process x: not a process id" MORE);
	assert_bad(ARGV("-p", "x\ny"), "toy: process x?y: not a process id" MORE);
	assert_bad(ARGV("-p", "1,"), "toy: list \"1,\": has an empty item" MORE);
	assert_bad(ARGV("-n", ""), "toy: --name: an empty name matches no process" MORE);
	assert_bad(ARGV("-u", "no-such-user"),
		   "toy: user no-such-user: no such user, and not a user id" MORE);
	assert_bad(ARGV("--cgroup="), "toy: cgroup: empty path" MORE);
	assert_bad(ARGV("--netns", NO_PID),
		   "toy: network namespace " NO_PID ": process " NO_PID " does not exist" MORE);
	assert_bad(ARGV("--netns", "/proc/version"),
		   "toy: network namespace /proc/version: is something else, "
		   "give a process id or a path such as /run/netns/NAME" MORE);
}

static void test_too_many_names(void **state _unused_)
{
	char *argv[2 * FILTER_NAMES_MAX + 4] = {"toy"};
	static struct toy toy;

	for (int i = 0; i < FILTER_NAMES_MAX; i++) {
		argv[1 + 2 * i] = "-n";
		argv[2 + 2 * i] = "x";
	}
	parse(&toy, argv);
	assert_int_equal(toy.options.process.n_names, FILTER_NAMES_MAX);

	argv[2 * FILTER_NAMES_MAX + 1] = "-nx";
	assert_bad(argv, "toy: too many names: at most 64" MORE);
}

static void test_bad_output_option(void **state _unused_)
{
	assert_bad(ARGV("-o", "xml"), "toy: output xml: not one of table, json, csv" MORE);
	assert_bad(ARGV("-o", "JSON"), "toy: output JSON: not one of table, json, csv" MORE);
	assert_bad(ARGV("-d", "0"), "toy: --duration 0: not a number of seconds above 0 and up to "
				    "10 years, such as 10 or 0.5" MORE);
	assert_bad(ARGV("-c", "0"), "toy: --count 0: not a whole number of at least 1" MORE);
	assert_bad(ARGV("-c", "-1"), "toy: --count -1: not a whole number of at least 1" MORE);
	assert_bad(ARGV("-c", "5x"), "toy: --count 5x: not a whole number of at least 1" MORE);
}

static void test_bad_traffic_option(void **state _unused_)
{
	assert_bad(ARGV("-P", "70000"), "toy: port 70000: not between 1 and 65535" MORE);
	assert_bad(ARGV("-L", "0"), "toy: port 0: not between 1 and 65535" MORE);
	assert_bad(ARGV("-D", "x"), "toy: port x: not between 1 and 65535" MORE);
	assert_bad(ARGV("--proto", "sctp"), "toy: protocol sctp: not one of tcp, udp, icmp" MORE);
	assert_bad(ARGV("--addr", "10.0.0.1/8"),
		   "toy: address 10.0.0.1/8: bits are set behind the prefix, "
		   "did you mean 10.0.0.0/8?" MORE);
	assert_bad(ARGV("-4", "-6"),
		   "toy: -4 and -6 exclude each other: give one, or none for both" MORE);
}

static void test_bad_together(void **state _unused_)
{
	assert_bad(ARGV("-f"), "toy: -f wants to know whom to follow: give -p or a COMMAND" MORE);
	assert_bad(ARGV("-p", "1", "--", "ls"),
		   "toy: -p and a COMMAND exclude each other: give one of them" MORE);
	assert_bad(ARGV("-t", "-j"),
		   "toy: -t and -T are for a table: leave them out, or use -o table" MORE);
	assert_bad(ARGV("-o", "csv", "-T"),
		   "toy: -t and -T are for a table: leave them out, or use -o table" MORE);
	assert_bad(ARGV("--no-header", "-j"),
		   "toy: --no-header is for a table or CSV: JSON has no header" MORE);
}

static void test_kernel_options(void **state _unused_)
{
	struct toy toy;

	parse(&toy, ARGV());
	assert_int_equal(toy.options.backend, BACKEND_AUTO);
	assert_false(toy.options.features);
	parse(&toy, ARGV("--features"));
	assert_true(toy.options.features);
	parse(&toy, ARGV("--backend", "auto"));
	assert_int_equal(toy.options.backend, BACKEND_AUTO);
	parse(&toy, ARGV("--backend=tracepoint"));
	assert_int_equal(toy.options.backend, BACKEND_TRACEPOINT);
	parse(&toy, ARGV("--backend", "fentry"));
	assert_int_equal(toy.options.backend, BACKEND_FENTRY);
	parse(&toy, ARGV("--backend", "kprobe"));
	assert_int_equal(toy.options.backend, BACKEND_KPROBE);
	assert_bad(ARGV("--backend", "magic"),
		   "toy: backend magic: not one of auto, tracepoint, fentry, kprobe" MORE);
}

static void test_version(void **state _unused_)
{
	assert_exit(ARGV("-V"), 0, "toy " VERSION "\n", "");
	assert_exit(ARGV("--version"), 0, "toy " VERSION "\n", "");
}

static void assert_help(char **argv)
{
	static const char *const want[] = {
		"Usage: toy [OPTION...] [INTERVAL] [-- COMMAND [ARG...]]\nIs a toy.\n\n",
		"\n  -e, --events=LIST          only these events\n",
		"\n Which processes:\n",
		"\n  -p, --pid=LIST             only these process ids\n",
		"\n Which traffic:\n",
		"\n      --proto=LIST           tcp udp udplite sctp icmp raw packet\n",
		"\n Output:\n",
		"\n When to end:\n",
		"\n  -h, --help                 print this help and exit\n",
		"With a COMMAND, run it, trace only it and its\n",
	};
	struct outcome outcome;

	parse_in_child(argv, &outcome);
	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.err, "");
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		if (!strstr(outcome.out, want[i]))
			fail_msg("no \"%s\" in:\n%s", want[i], outcome.out);
	assert_null(strstr(outcome.out, "Mandatory"));
	for (char *line = strtok(outcome.out, "\n"); line; line = strtok(NULL, "\n"))
		assert_in_range(strlen(line), 1, 80);
}

static void test_help(void **state _unused_)
{
	assert_help(ARGV("--help"));
	assert_help(ARGV("-v", "-h", "--bogus", "--", "ls"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_process_options),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_output_options),
		cmocka_unit_test(test_traffic_options),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_own_parser),
		cmocka_unit_test(test_order_survives_posixly_correct),
		cmocka_unit_test(test_bad_option),
		cmocka_unit_test(test_bad_argument),
		cmocka_unit_test(test_bad_process_option),
		cmocka_unit_test(test_too_many_names),
		cmocka_unit_test(test_bad_output_option),
		cmocka_unit_test(test_bad_traffic_option),
		cmocka_unit_test(test_bad_together),
		cmocka_unit_test(test_kernel_options),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_help),
	};

	program_invocation_short_name = "toy";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
