/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_options.h"

#include <net/if.h>
#include <string.h>
#include <strings.h>

#include "lib/parse.h"
#include "tools/flowattr_row.h"

#define INTERVAL_NS  NSEC_PER_SEC
#define INTERVAL_MIN (NSEC_PER_SEC / 10)

#define KEY_BY 0x1001

static const char doc[] =
	"Show which process owns which traffic: every flow with its bytes, exact, those that "
	"lived shorter than the interval included. On a terminal a table that is refreshed in "
	"place, else one every INTERVAL seconds (1), COUNT times.\v"
	"Examples:\n"
	"  flowattr                    flows with traffic, most bytes first\n"
	"  flowattr --by process 5     processes, every five seconds\n"
	"  flowattr -D 443 -n 'curl*'  by remote port and process name\n"
	"  flowattr -j | jq .tx_bytes  for scripts\n"
	"  flowattr -- make fetch      of one command and its children\n";

static const struct argp_option options[] = {
	{"by", KEY_BY, "WHAT", 0, "a line for each: flow (default), process, remote, user, cgroup",
	 0},
	{"sort", 's', "COLUMN", 0, "sort by this column (bytes)", 0},
	{"max", 'm', "ROWS", 0, "print at most so many lines in an interval", 0},
	{"interface", 'i', "IFACE", 0, "interface whose counters the total has (all)", 0},
	{"batch", 'b', NULL, 0, "print tables one below the other, also on a terminal", 0},
	{},
};

/* By bits of SELECT_*. */
static const char *const protocols[] = {"tcp", "udp", "icmp", "raw", "packet", NULL};

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

static void parse_word(const char *word, struct flowattr_options *o)
{
	struct error error;

	if (!o->interval_given) {
		if (parse_duration(word, &o->interval_ns, &error) < 0)
			options_usage("INTERVAL %s", error.text);
		if (o->interval_ns < INTERVAL_MIN)
			options_usage("INTERVAL %s: 0.1 seconds at least", word);
		o->interval_given = true;
	} else if (!o->intervals) {
		if (parse_uint(word, 1, UINT64_MAX, &o->intervals, &error) < 0)
			options_usage("COUNT %s", error.text);
	} else {
		options_usage("unexpected argument %s: a COMMAND goes behind \"--\"", word);
	}
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
		parse_word(word, o);
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
		if (!if_nametoindex(word))
			options_usage("-i %s: no such interface; `ip link` lists them", word);
		o->interface = word;
		return 0;
	case 'b':
		o->batch = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

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
	const uint8_t *columns = default_columns[o->by];

	selection->n = 0;
	if (o->common.format == OUTPUT_CSV)
		return; /* all */
	while (columns[selection->n] != FIELDS) {
		selection->fields[selection->n] = columns[selection->n];
		selection->n++;
	}
}

/* -t and -T put a column in front, of the default as of a selected table. */
static void select_time(const struct flowattr_options *o, struct output_selection *selection)
{
	uint8_t field = o->common.time ? FIELD_TIME : FIELD_SECONDS;

	if (!o->common.time && !o->common.timestamp)
		return;
	for (size_t i = 0; i < selection->n; i++)
		if (selection->fields[i] == field)
			return;
	memmove(selection->fields + 1, selection->fields, selection->n);
	selection->fields[0] = field;
	selection->n++;
}

void flowattr_options_parse(int argc, char **argv, struct flowattr_options *ret_options)
{
	static const struct argp_child children[] = {{.argp = &options_argp},
						     {.argp = &traffic_argp},
						     {}};
	static const struct argp argp = {.options = options,
					 .parser = parse,
					 .args_doc = "[INTERVAL [COUNT]]",
					 .doc = doc,
					 .children = children};
	struct flowattr_options *o = ret_options;
	struct error error;

	memset(o, 0, sizeof(*o));
	options_init(&o->common);
	o->traffic.protocol_names = protocols;
	o->interval_ns = INTERVAL_NS;
	options_parse(&argp, argc, argv, o, &o->common);
	if (o->common.fields && strcmp(o->common.fields, "help") == 0) {
		output_help_fields(flowattr_fields, FIELDS, stdout);
		exit(EXIT_SUCCESS);
	}
	if (!o->traffic.protocols)
		o->traffic.protocols = SELECT_ALL;
	o->output.format = o->common.format;
	o->output.header = o->common.header && o->common.format != OUTPUT_TABLE;
	o->output.selected = o->common.fields != NULL;
	if (!o->common.fields)
		select_default(o, &o->output.selection);
	else if (output_select(flowattr_fields, FIELDS, o->common.fields, &o->output.selection,
			       &error) < 0)
		options_usage("%s", error.text);
	if (o->common.format == OUTPUT_TABLE)
		select_time(o, &o->output.selection);
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
