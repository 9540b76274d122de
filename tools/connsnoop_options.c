/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_options.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/parse.h"
#include "tools/connsnoop_row.h"
#include "tools/connection_words.h"

#define ALL_EVENTS                                                                                 \
	(EVENT_BIT(RECORD_CONNECT) | EVENT_BIT(RECORD_ACCEPT) | EVENT_BIT(RECORD_LISTEN) |         \
	 EVENT_BIT(RECORD_FLOW) | EVENT_BIT(RECORD_CLOSE) | EVENT_BIT(RECORD_OPEN))

#define KEY_LISTENING 0x1001
#define KEY_EXISTING  0x1002
#define KEY_IDLE      0x1003

#define IDLE_SECONDS "60"
#define IDLE_NS	     (60 * NSEC_PER_SEC)

static const char doc[] =
	"Show who talks to whom: every TCP connection and every flow of "
	"datagrams (UDP, ping, raw, packet and SCTP sockets) with the "
	"process behind it, the shortest-lived included.\v"
	"Examples:\n"
	"  connsnoop                        every connection of this machine\n"
	"  connsnoop -x                     only connects that fail\n"
	"  connsnoop -D 443 -n 'firefox*'   by remote port and process name\n"
	"  connsnoop -j | jq .name          for scripts\n"
	"  connsnoop -l                     what is open now, with all holders\n"
	"  connsnoop -- curl localhost      of one command and its children\n"
	"\n"
	"Kernels: datagrams take Linux 6.3, or functions that can be traced (fexit, "
	"so not with --backend tracepoint or kprobe). Elsewhere only TCP is shown, "
	"and stderr says so. --features tells what this kernel offers.\n";

static const struct argp_option options[] = {
	{"list", 'l', NULL, 0, "print the sockets that are open now, and end", 0},
	{"listening", KEY_LISTENING, NULL, 0, "with -l (implied): only listeners", 0},
	{"existing", KEY_EXISTING, NULL, 0, "print what is open now, then go on without a gap", 0},
	{"events", 'e', "LIST", 0, "only these: connect,accept,listen,flow,close,open", 0},
	{"failed", 'x', NULL, 0, "only connects that failed", 0},
	{"idle", KEY_IDLE, "SECONDS", 0,
	 "a flow of datagrams is over after so long without one (default " IDLE_SECONDS ")", 0},
	{"args", 'a', NULL, 0, "show command lines in the table", 0},
	{},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct connsnoop_options *o = state->input;
	struct error error;
	uint32_t events = 0;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->common;
		state->child_inputs[1] = &o->traffic;
		return 0;
	case 'l':
		o->list = true;
		return 0;
	case KEY_LISTENING:
		o->list = o->listening = true;
		return 0;
	case KEY_EXISTING:
		o->existing = true;
		return 0;
	case 'e':
		if (parse_words(word, "event", connection_events, &events, &error) < 0)
			options_usage("%s", error.text);
		o->events = events;
		return 0;
	case 'x':
		o->failed = true;
		return 0;
	case KEY_IDLE:
		if (parse_duration(word, &o->idle_ns, &error) < 0)
			options_usage("--idle %s", error.text);
		return 0;
	case 'a':
		o->args = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void select_default(const struct connsnoop_options *o, struct output_selection *selection)
{
	static const uint8_t columns[] = {FIELD_TYPE,  FIELD_PID,    FIELD_NAME,
					  FIELD_LOCAL, FIELD_REMOTE, FIELD_DETAIL};

	if (o->common.format == OUTPUT_CSV) {
		selection->n = 0; /* all */
		return;
	}
	memcpy(selection->fields, columns, sizeof(columns));
	selection->n = sizeof(columns);
	if (o->args)
		selection->fields[selection->n++] = FIELD_ARGS;
}

void connsnoop_options_parse(int argc, char **argv, struct connsnoop_options *ret_options)
{
	static const struct argp_child children[] = {{.argp = &options_argp},
						     {.argp = &traffic_argp},
						     {}};
	static const struct argp argp = {.options = options,
					 .parser = parse,
					 .doc = doc,
					 .children = children};
	struct connsnoop_options *o = ret_options;
	struct error error;

	memset(o, 0, sizeof(*o));
	options_init(&o->common);
	o->traffic.protocol_names = connection_protocols;
	o->events = ALL_EVENTS;
	o->idle_ns = IDLE_NS;
	options_parse(&argp, argc, argv, o, &o->common);
	if (o->common.fields && strcmp(o->common.fields, "help") == 0) {
		output_help_fields(connsnoop_fields, FIELDS, stdout);
		exit(EXIT_SUCCESS);
	}
	if (o->list && o->common.command)
		options_usage("-l prints what is open now; it cannot wait for a COMMAND");
	if (o->list && o->existing)
		options_usage("-l and --existing exclude each other: the latter goes on streaming");
	if (o->list && (o->failed || !(o->events & EVENT_BIT(RECORD_OPEN))))
		options_usage("-l prints what is open: -x, and -e without open, leave nothing");
	if (o->events == EVENT_BIT(RECORD_OPEN) && !o->list && !o->existing)
		options_usage("-e open: what is open is told with -l or --existing only");
	if (o->failed)
		o->events &= EVENT_BIT(RECORD_CONNECT);
	if (!o->traffic.protocols)
		o->traffic.protocols = SELECT_ALL;
	if (!o->events)
		options_usage("-x shows only connects, and -e leaves them out");
	o->output.format = o->common.format;
	o->output.header = o->common.header;
	o->output.selected = o->common.fields != NULL;
	if (!o->common.fields)
		select_default(o, &o->output.selection);
	else if (output_select(connsnoop_fields, FIELDS, o->common.fields, &o->output.selection,
			       &error) < 0)
		options_usage("%s", error.text);
	/* -t and -T put a column in front, of the default as of a selected table */
	if (o->common.format == OUTPUT_TABLE && (o->common.time || o->common.timestamp))
		output_select_front(&o->output.selection,
				    o->common.time ? FIELD_TIME : FIELD_SECONDS);
}

bool connsnoop_options_need_args(const struct connsnoop_options *o)
{
	if (o->output.format == OUTPUT_JSON && !o->output.selected)
		return true;
	if (o->output.format == OUTPUT_CSV && !o->output.selection.n)
		return true;
	for (size_t i = 0; i < o->output.selection.n; i++)
		if (o->output.selection.fields[i] == FIELD_ARGS)
			return true;
	return false;
}

bool connsnoop_options_need_table_fields(const struct connsnoop_options *o)
{
	for (size_t i = 0; i < o->output.selection.n; i++)
		if (connsnoop_fields[o->output.selection.fields[i]].flags & FIELD_TABLE)
			return o->output.format != OUTPUT_JSON || o->output.selected;
	return false;
}
