/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_options.h"

#include <string.h>
#include <strings.h>

#include "lib/parse.h"
#include "tools/proctop_sort.h"

#define INTERVAL_NS NSEC_PER_SEC

#define KEY_NO_NET 0x1001

static const char doc[] =
	"Show who uses the machine: every process, the shortest-lived included, "
	"with its CPU time to the nanosecond. On a terminal full-screen, else one "
	"table every INTERVAL seconds (1), COUNT times.\v"
	"Examples:\n"
	"  proctop                     full-screen view; ? lists the keys\n"
	"  proctop -b 5 3              three tables, five seconds apart\n"
	"  proctop -s RSS -m 10        by memory, ten lines\n"
	"  proctop -j | jq 'select(.type == \"sample\") | .cpu_ns'  for scripts\n"
	"  proctop -- make -j2         a table of all that a command ran\n";

static const struct argp_option options[] = {
	{"batch", 'b', NULL, 0, "print tables, also on a terminal", 0},
	{"sort", 's', "COLUMN", 0, "sort by this column (CPU%)", 0},
	{"max", 'm', "ROWS", 0, "print at most so many lines in an interval", 0},
	{"no-net", KEY_NO_NET, NULL, 0, "leave out network bytes, and the hooks for them", 0},
	{},
};

static void parse_sort(const char *word, struct proctop_options *o)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const struct field *field = &proctop_fields[i];

		if (!line_can_sort((enum proctop_field)i) ||
		    (strcasecmp(word, field->header) != 0 && strcasecmp(word, field->key) != 0))
			continue;
		o->sort = (enum proctop_field)i;
		return;
	}
	if (strcasecmp(word, "cpu") == 0 || strcasecmp(word, "cpu_ns") == 0)
		o->sort = FIELD_CPU_PERCENT;
	else
		options_usage("cannot sort by \"%s\": give a column of the table, such as CPU%%, "
			      "TIME+, RSS, PID, NAME",
			      word);
}

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct proctop_options *o = state->input;
	struct error error;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->common;
		return 0;
	case ARGP_KEY_ARG:
		interval_word(&o->interval, word, "a COMMAND goes behind \"--\"");
		return 0;
	case 'b':
		o->batch = true;
		return 0;
	case 's':
		parse_sort(word, o);
		return 0;
	case 'm':
		if (parse_uint(word, 1, UINT64_MAX, &o->rows_max, &error) < 0)
			options_usage("--max %s", error.text);
		return 0;
	case KEY_NO_NET:
		o->no_net = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void select_default(const struct proctop_options *o, struct output_selection *selection)
{
	static const uint8_t columns[] = {FIELD_PID,	      FIELD_PPID,	 FIELD_USER,
					  FIELD_STATE,	      FIELD_CPU_PERCENT, FIELD_CPU_TIME,
					  FIELD_WAIT_PERCENT, FIELD_RSS_SHORT,	 FIELD_READ_RATE,
					  FIELD_WRITE_RATE,   FIELD_RX_RATE,	 FIELD_TX_RATE,
					  FIELD_THREADS,      FIELD_AGE_SHORT,	 FIELD_EXIT,
					  FIELD_LABEL,	      FIELD_COMMAND};

	if (o->common.format == OUTPUT_CSV) {
		selection->n = 0; /* all */
		return;
	}
	memcpy(selection->fields, columns, sizeof(columns));
	selection->n = sizeof(columns);
}

/* All that it reads is in tracepoints and iterators, on every kernel: other hooks would be ignored.
 */
static void check_backend(enum backend backend)
{
	if (backend == BACKEND_FENTRY || backend == BACKEND_KPROBE)
		options_usage("--backend %s cannot be honoured: proctop has only tracepoints and "
			      "iterators; leave it out, or give auto or tracepoint",
			      backend == BACKEND_FENTRY ? "fentry" : "kprobe");
}

void proctop_options_parse(int argc, char **argv, struct proctop_options *ret_options)
{
	static const struct argp_child children[] = {{.argp = &options_argp}, {}};
	static const struct argp argp = {.options = options,
					 .parser = parse,
					 .args_doc = "[INTERVAL [COUNT]]",
					 .doc = doc,
					 .children = children};
	struct proctop_options *o = ret_options;
	struct error error;

	memset(o, 0, sizeof(*o));
	options_init(&o->common);
	o->interval.ns = INTERVAL_NS;
	o->sort = FIELD_CPU_PERCENT;
	options_parse(&argp, argc, argv, o, &o->common);
	check_backend(o->common.backend);
	if (o->common.fields && strcmp(o->common.fields, "help") == 0) {
		output_help_fields(proctop_fields, FIELDS, stdout);
		exit(EXIT_SUCCESS);
	}
	o->output.format = o->common.format;
	o->output.header = o->common.header && o->common.format != OUTPUT_TABLE;
	o->output.selected = o->common.fields != NULL;
	if (!o->common.fields)
		select_default(o, &o->output.selection);
	else if (output_select(proctop_fields, FIELDS, o->common.fields, &o->output.selection,
			       &error) < 0)
		options_usage("%s", error.text);
	/* -t and -T put a column in front, of the default as of a selected table */
	if (o->common.format == OUTPUT_TABLE && (o->common.time || o->common.timestamp))
		output_select_front(&o->output.selection,
				    o->common.time ? FIELD_TIME : FIELD_SECONDS);
}

static bool prints_all(const struct proctop_options *o)
{
	return (o->output.format == OUTPUT_JSON && !o->output.selected) ||
	       (o->output.format == OUTPUT_CSV && !o->output.selection.n);
}

bool proctop_options_need_args(const struct proctop_options *o)
{
	for (size_t i = 0; i < o->output.selection.n; i++)
		if (o->output.selection.fields[i] == FIELD_ARGS ||
		    o->output.selection.fields[i] == FIELD_COMMAND)
			return true;
	return prints_all(o);
}

bool proctop_options_need_table_fields(const struct proctop_options *o)
{
	if (prints_all(o))
		return false;
	for (size_t i = 0; i < o->output.selection.n; i++)
		if (proctop_fields[o->output.selection.fields[i]].flags & FIELD_TABLE)
			return true;
	return false;
}

bool proctop_options_sum_up(const struct proctop_options *o)
{
	return o->common.command && !o->interval.given && o->common.format == OUTPUT_TABLE;
}
