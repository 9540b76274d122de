/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_options.h"

#include <net/if.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bpf/packets.h"
#include "lib/parse.h"
#include "tools/connection_words.h"
#include "tools/flowattr_row.h"
#include "tools/packets_lines.h"

#define INTERVAL_NS NSEC_PER_SEC

#define KEY_BY	      0x1001
#define KEY_PACKETS   0x1002
#define KEY_SNAPLEN   0x1003
#define KEY_RECONCILE 0x1004
#define KEY_SPLIT     0x1005

static const char doc[] =
	"Show which process owns which traffic: every flow with its bytes, exact, those that "
	"lived shorter than the interval included. On a terminal a table that is refreshed in "
	"place, else one every INTERVAL seconds (1), COUNT times.\v"
	"Examples:\n"
	"  flowattr                    flows with traffic, most bytes first\n"
	"  flowattr --by process 5     processes, every five seconds\n"
	"  flowattr -D 443 -n 'curl*'  by remote port and process name\n"
	"  flowattr -j | jq 'select(.type == \"flow\") | .tx_bytes'  for scripts\n"
	"  flowattr -- make fetch      of one command and its children\n"
	"  flowattr --packets port 53  packets, a line each, with their processes\n"
	"  flowattr -w out.pcapng      for Wireshark\n"
	"\n"
	"Kernels: datagrams take Linux 6.3, or functions that can be traced (fexit). Elsewhere "
	"only TCP is shown, and stderr says so. --features tells what this kernel offers.\n";

static const struct argp_option options[] = {
	{"by", KEY_BY, "WHAT", 0, "a line for each: flow (default), process, remote, user, cgroup",
	 0},
	{"sort", 's', "COLUMN", 0, "sort by this column (bytes)", 0},
	{"max", 'm', "ROWS", 0, "print at most so many lines in an interval", 0},
	{"interface", 'i', "IFACE", 0,
	 "only its packets; of flows: its counters in the total (all)", 0},
	{"packets", KEY_PACKETS, NULL, 0,
	 "print packets, a line each; words on the command line are a FILTER as tcpdump has it", 0},
	{"write", 'w', "FILE", 0, "write packets with their processes to a pcapng file (-: stdout)",
	 0},
	{"read", 'r', "FILE", 0, "print the packets of such a file (-: stdin)", 0},
	{"direction", 'Q', "DIR", 0, "packets that go in, out, or inout (default)", 0},
	{"snaplen", KEY_SNAPLEN, "BYTES", 0, "keep that much of each packet (-w: all)", 0},
	{"reconcile", KEY_RECONCILE, NULL, 0,
	 "count every packet: whose the interfaces' bytes are, in the total", 0},
	{"split-shared", KEY_SPLIT, NULL, 0,
	 "a line for each process that sends or receives on a socket they share", 0},
	{"batch", 'b', NULL, 0, "print tables one below the other, also on a terminal", 0},
	{},
};

static void parse_by(const char *word, struct flowattr_options *o)
{
	static const char *const words[] = {"flow", "process", "remote", "user", "cgroup"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i]) != 0)
			continue;
		o->by = (enum flow_lines_by)i;
		return;
	}
	options_usage("--by \"%s\": flow, process, remote, user or cgroup", word);
}

static void parse_sort(const char *word, struct flowattr_options *o)
{
	static const struct {
		enum flowattr_field field;
		enum flow_lines_sort sort;
	} columns[] = {
		{FIELD_TX_BYTES, LINES_SORT_TX},
		{FIELD_TX_RATE, LINES_SORT_TX},
		{FIELD_RX_BYTES, LINES_SORT_RX},
		{FIELD_RX_RATE, LINES_SORT_RX},
		{FIELD_TX_PACKETS, LINES_SORT_PACKETS},
		{FIELD_RX_PACKETS, LINES_SORT_PACKETS},
		{FIELD_TX_TOTAL, LINES_SORT_TX_TOTAL},
		{FIELD_RX_TOTAL, LINES_SORT_RX_TOTAL},
		{FIELD_RTT, LINES_SORT_RTT},
		{FIELD_RETRANSMITS, LINES_SORT_RETRANSMITS},
		{FIELD_FLOWS, LINES_SORT_FLOWS},
		{FIELD_PID, LINES_SORT_PID},
		{FIELD_NAME, LINES_SORT_NAME},
		{FIELD_UID, LINES_SORT_USER},
		{FIELD_USER, LINES_SORT_USER},
		{FIELD_LOCAL, LINES_SORT_LOCAL},
		{FIELD_LADDR, LINES_SORT_LOCAL},
		{FIELD_REMOTE, LINES_SORT_REMOTE},
		{FIELD_RADDR, LINES_SORT_REMOTE},
	};

	if (strcasecmp(word, "bytes") == 0) {
		o->sort = LINES_SORT_BYTES;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		const struct field *field = &flowattr_fields[columns[i].field];

		if (strcasecmp(word, field->header) != 0 && strcasecmp(word, field->key) != 0)
			continue;
		o->sort = columns[i].sort;
		return;
	}
	options_usage(
		"cannot sort by \"%s\": give bytes, or a column such as TX/s, RX/s, PID, NAME, "
		"REMOTE, RTT",
		word);
}

/* Whether words are a FILTER or INTERVAL and COUNT, options behind them may still say. */
static void keep_word(const char *word, struct flowattr_options *o)
{
	size_t used = strlen(o->expression);
	int n = snprintf(o->expression + used, sizeof(o->expression) - used, "%s%s",
			 used ? " " : "", word);

	if (n < 0 || (size_t)n >= sizeof(o->expression) - used)
		options_usage("FILTER: longer than %zu bytes", sizeof(o->expression) - 1);
}

static void parse_direction(const char *word, struct flowattr_options *o)
{
	if (strcmp(word, "in") == 0)
		o->packet_direction = PACKET_IN;
	else if (strcmp(word, "out") == 0)
		o->packet_direction = PACKET_OUT;
	else if (strcmp(word, "inout") != 0)
		options_usage("-Q \"%s\": in, out or inout", word);
}

static error_t parse_for_packets(int key, const char *word, struct flowattr_options *o)
{
	struct error error;
	uint64_t snaplen;

	switch (key) {
	case KEY_PACKETS:
		o->packets = true;
		return 0;
	case 'w':
		o->write_file = word;
		return 0;
	case 'r':
		o->read_file = word;
		o->common.past = true;
		return 0;
	case 'Q':
		parse_direction(word, o);
		return 0;
	case KEY_SNAPLEN:
		if (parse_uint(word, 1, PACKETS_SNAPLEN_MAX, &snaplen, &error) < 0)
			options_usage("--snaplen %s", error.text);
		o->snaplen = (uint32_t)snaplen;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct flowattr_options *o = state->input;
	struct error error;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->common;
		state->child_inputs[1] = &o->traffic;
		return 0;
	case ARGP_KEY_ARG:
		keep_word(word, o);
		return 0;
	case KEY_BY:
		parse_by(word, o);
		return 0;
	case 's':
		parse_sort(word, o);
		return 0;
	case 'm':
		if (parse_uint(word, 1, UINT64_MAX, &o->rows_max, &error) < 0)
			options_usage("--max %s", error.text);
		return 0;
	case 'i':
		o->interface = word;
		return 0;
	case KEY_RECONCILE:
		o->reconcile = true;
		return 0;
	case KEY_SPLIT:
		o->split = true;
		return 0;
	case 'b':
		o->batch = true;
		return 0;
	}
	return parse_for_packets(key, word, o);
}

/* What options mean together. */
static void check_packets(struct flowattr_options *o)
{
	const struct process_filter *p = &o->common.process;

	if (o->by || o->sort || o->rows_max)
		options_usage("--by, -s and -m are about flows; -c ends packets after so many");
	if (o->read_file && o->write_file)
		options_usage("-r and -w exclude each other");
	if (o->read_file &&
	    (o->common.command || p->follow || p->n_uids || p->cgroup_id || p->netns))
		options_usage("-r: a file knows processes by -p and -n only");
	if (o->write_file && (o->common.format != OUTPUT_TABLE || o->common.fields ||
			      o->common.time || o->common.timestamp))
		options_usage("-w writes pcapng: no -o, -j, -F, -t or -T");
	if (strcmp(o->interface ? o->interface : "", "any") == 0)
		o->interface = NULL;
	if (o->interface && !o->read_file && !p->netns && !if_nametoindex(o->interface))
		fprintf(stderr, "flowattr: -i %s: no such interface here, as yet\n", o->interface);
}

static void check_flows(struct flowattr_options *o)
{
	char *rest = o->expression, *word;

	while ((word = strsep(&rest, " ")))
		if (*word)
			interval_word(&o->interval, word, "a FILTER goes with --packets or -w");
	if (o->packet_direction || o->snaplen)
		options_usage("-Q and --snaplen are for packets: --packets, -w or -r");
	if (o->interface && !if_nametoindex(o->interface))
		options_usage("-i %s: no such interface; `ip link` lists them", o->interface);
}

/* The kernel knows the filters of processes by a socket's owner. */
static void check_split(const struct flowattr_options *o)
{
	const struct process_filter *p = &o->common.process;

	if (o->packets)
		options_usage("--split-shared is about flows; a packet has its process anyway");
	if ((p->n_pids && !p->follow) || p->n_uids || p->cgroup_id)
		options_usage("--split-shared: who calls can be told with a COMMAND, -p with -f, "
			      "-n, --netns, or no filter of processes; -u, --cgroup and -p alone "
			      "choose sockets by their owner");
}

static bool shows_view(const struct flowattr_options *o)
{
	return !o->batch && !o->packets && !o->common.command && o->common.format == OUTPUT_TABLE &&
	       isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* On a screen of 80 columns, what matters most is to be seen. */
static const uint8_t view_columns[] = {FIELD_PID,     FIELD_NAME,  FIELD_TX_RATE,
				       FIELD_RX_RATE, FIELD_PROTO, FIELD_LOCAL,
				       FIELD_REMOTE,  FIELD_PEER,  FIELDS};

/* The columns of a table by --by; ended by FIELDS. */
static const uint8_t default_columns[][9] = {
	[LINES_BY_FLOW] = {FIELD_PID, FIELD_NAME, FIELD_PROTO, FIELD_LOCAL, FIELD_REMOTE,
			   FIELD_TX_RATE, FIELD_RX_RATE, FIELD_PEER, FIELDS},
	[LINES_BY_PROCESS] = {FIELD_PID, FIELD_USER, FIELD_FLOWS, FIELD_TX_RATE, FIELD_RX_RATE,
			      FIELD_TX_BYTES, FIELD_RX_BYTES, FIELD_NAME, FIELDS},
	[LINES_BY_REMOTE] = {FIELD_FLOWS, FIELD_TX_RATE, FIELD_RX_RATE, FIELD_TX_BYTES,
			     FIELD_RX_BYTES, FIELD_RADDR, FIELDS},
	[LINES_BY_USER] = {FIELD_UID, FIELD_USER, FIELD_FLOWS, FIELD_TX_RATE, FIELD_RX_RATE,
			   FIELD_TX_BYTES, FIELD_RX_BYTES, FIELDS},
	[LINES_BY_CGROUP] = {FIELD_FLOWS, FIELD_TX_RATE, FIELD_RX_RATE, FIELD_TX_BYTES,
			     FIELD_RX_BYTES, FIELD_CGROUP, FIELDS},
};

static void select_default(const struct flowattr_options *o, struct output_selection *selection)
{
	const uint8_t *columns =
		o->view && o->by == LINES_BY_FLOW ? view_columns : default_columns[o->by];

	selection->n = 0;
	if (o->common.format == OUTPUT_CSV)
		return; /* all */
	while (columns[selection->n] != FIELDS) {
		selection->fields[selection->n] = columns[selection->n];
		selection->n++;
	}
}

/* -t and -T put a column in front, of the default as of a selected table. Lines of packets have the
 * time in front anyway. */
static void put_time(struct flowattr_options *o)
{
	bool seconds = flowattr_options_count_seconds(o);

	if (o->common.format != OUTPUT_TABLE || (!o->common.time && !o->common.timestamp))
		return;
	if (!o->packets)
		output_select_front(&o->output.selection, seconds ? FIELD_SECONDS : FIELD_TIME);
	else if (o->output.selected)
		output_select_front(&o->output.selection,
				    seconds ? PACKET_FIELD_SECONDS : PACKET_FIELD_TIME);
}

void flowattr_options_parse(int argc, char **argv, struct flowattr_options *ret_options)
{
	static const struct argp_child children[] = {{.argp = &options_argp},
						     {.argp = &traffic_argp},
						     {}};
	static const struct argp argp = {.options = options,
					 .parser = parse,
					 .args_doc = "[INTERVAL [COUNT]]\n[FILTER]",
					 .doc = doc,
					 .children = children};
	const struct field *fields = flowattr_fields;
	struct flowattr_options *o = ret_options;
	size_t n_fields = FIELDS;
	struct error error;

	memset(o, 0, sizeof(*o));
	options_init(&o->common);
	o->traffic.protocol_names = connection_protocols;
	o->interval.ns = INTERVAL_NS;
	options_parse(&argp, argc, argv, o, &o->common);
	o->packets = o->packets || o->write_file || o->read_file;
	if (o->packets && o->reconcile)
		options_usage(
			"--reconcile is about flows; with packets there is nothing to reconcile");
	if (o->split)
		check_split(o);
	if (o->packets)
		check_packets(o);
	else
		check_flows(o);
	if (o->packets) {
		fields = packet_fields;
		n_fields = PACKET_FIELDS;
	}
	if (o->common.fields && strcmp(o->common.fields, "help") == 0) {
		output_help_fields(fields, n_fields, stdout);
		exit(EXIT_SUCCESS);
	}
	if (!o->traffic.protocols)
		o->traffic.protocols = SELECT_ALL;
	o->view = shows_view(o);
	o->output.format = o->common.format;
	o->output.header = o->common.header && o->common.format != OUTPUT_TABLE;
	o->output.selected = o->common.fields != NULL;
	if (o->common.fields &&
	    output_select(fields, n_fields, o->common.fields, &o->output.selection, &error) < 0)
		options_usage("%s", error.text);
	if (!o->common.fields && !o->packets)
		select_default(o, &o->output.selection);
	put_time(o);
}

bool flowattr_options_count_seconds(const struct flowattr_options *o)
{
	return o->common.timestamp && !o->common.time;
}

static bool prints_all(const struct flowattr_options *o)
{
	return (o->output.format == OUTPUT_JSON && !o->output.selected) ||
	       (o->output.format == OUTPUT_CSV && !o->output.selection.n);
}

bool flowattr_options_show(const struct flowattr_options *o, size_t field)
{
	for (size_t i = 0; i < o->output.selection.n; i++)
		if (o->output.selection.fields[i] == field)
			return true;
	return prints_all(o) && !(flowattr_fields[field].flags & FIELD_TABLE);
}

bool flowattr_options_need_table_fields(const struct flowattr_options *o)
{
	for (size_t i = FIELD_TIME; i < FIELDS; i++)
		if (flowattr_options_show(o, i))
			return true;
	return false;
}

bool flowattr_options_need_packets(const struct flowattr_options *o)
{
	return o->packets || o->reconcile;
}
