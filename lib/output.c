/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/output.h"

#include <string.h>
#include <time.h>

#include "lib/buffer.h"
#include "lib/json.h"
#include "lib/text.h"

#define PENDING_MAX (64U << 10) /* bytes; with more than that, output_row() writes first */

#define BOLD  "\033[1m"
#define RESET "\033[0m"

struct column {
	const struct field *field;
	size_t index;	   /* of its cell in a row */
	size_t key_at;	   /* JSON: its `,"key":` in output.keys */
	size_t key_length; /* of that */
	size_t start, end; /* table: where it stands if nothing before it is too long */
};

struct output {
	enum output_format format;
	bool selected, color;
	bool begun; /* a table: an empty line stands before the next one */
	int fd;
	size_t n;
	struct column columns[ROW_CELLS_MAX];
	struct buffer keys;
	struct buffer pending;
	struct buffer cell;   /* table: one cell, to know its width before it is placed */
	uint64_t time_second; /* what time_text was made for; UINT64_MAX: nothing yet */
	char time_text[sizeof("2026-11-21T09:00:00.")];
};

static void add_column(struct output *output, const struct field *fields, size_t index)
{
	const struct field *field = &fields[index];
	struct column *column = &output->columns[output->n];
	size_t width = strlen(field->header);

	/* A header that is wider than its column would be out of line with the rows. */
	if (width < field->width)
		width = field->width;
	*column = (struct column){.field = field, .index = index, .key_at = output->keys.length};
	if (output->n > 0)
		column->start = output->columns[output->n - 1].end + 1;
	column->end = column->start + width;
	buffer_append_char(&output->keys, ',');
	json_append_text(&output->keys, field->key, strlen(field->key));
	buffer_append_char(&output->keys, ':');
	column->key_length = output->keys.length - column->key_at;
	output->n++;
}

static void append_csv_header(struct output *output)
{
	for (size_t i = 0; i < output->n; i++) {
		if (i > 0)
			buffer_append_char(&output->pending, ',');
		buffer_append_string(&output->pending, output->columns[i].field->key);
	}
	buffer_append_char(&output->pending, '\n');
}

static bool options_are_valid(size_t n_fields, const struct output_options *options)
{
	const struct output_selection *selection = &options->selection;

	if (n_fields == 0 || n_fields > ROW_CELLS_MAX || selection->n > ROW_CELLS_MAX)
		return false;
	if (options->selected && selection->n == 0)
		return false;
	for (size_t i = 0; i < selection->n; i++)
		if (selection->fields[i] >= n_fields)
			return false;
	return true;
}

/* The text of a time as far as its second: "2026-11-21T09:00:00." in UTC, or in a table
 * "09:00:00." as the clock on the wall has it. */
static void make_time_text(struct output *output, uint64_t second)
{
	_Static_assert(sizeof(time_t) == 8, "64 bits of ns go until 2554");
	bool table = output->format == OUTPUT_TABLE;
	time_t time = (time_t)second;
	struct tm tm = {};

	if (table)
		localtime_r(&time, &tm);
	else
		gmtime_r(&time, &tm);
	strftime(output->time_text, sizeof(output->time_text),
		 table ? "%H:%M:%S." : "%Y-%m-%dT%H:%M:%S.", &tm);
	output->time_second = second;
}

static void append_time(struct output *output, struct buffer *to, uint64_t time_ns)
{
	uint64_t second = time_ns / NSEC_PER_SEC;
	uint32_t ns = (uint32_t)(time_ns % NSEC_PER_SEC);

	if (second != output->time_second)
		make_time_text(output, second);
	buffer_append_string(to, output->time_text);
	if (output->format == OUTPUT_TABLE) {
		buffer_append_padded(to, ns / 1000000, 3);
	} else {
		buffer_append_padded(to, ns, 9);
		buffer_append_char(to, 'Z');
	}
}

static void append_json_value(struct output *output, const struct cell *cell)
{
	struct buffer *to = &output->pending;

	switch (cell->kind) {
	case CELL_UINT:
		buffer_append_uint(to, cell->u);
		break;
	case CELL_INT:
		buffer_append_int(to, cell->i);
		break;
	case CELL_BOOL:
		buffer_append_string(to, cell->u ? "true" : "false");
		break;
	case CELL_TIME:
		buffer_append_char(to, '"');
		append_time(output, to, cell->u);
		buffer_append_char(to, '"');
		break;
	case CELL_TEXT:
		json_append_text(to, cell->text, cell->length);
		break;
	case CELL_TEXTS:
		json_append_texts(to, cell->text, cell->length);
		break;
	case CELL_UINTS:
		json_append_uints(to, cell->uints, cell->length);
		break;
	default:
		buffer_append_string(to, "null");
	}
}

static void append_json_row(struct output *output, const struct row *row)
{
	size_t skip = 1; /* the comma before the first key */

	buffer_append_char(&output->pending, '{');
	for (size_t i = 0; i < output->n; i++) {
		const struct column *column = &output->columns[i];
		const struct cell *cell = &row->cells[column->index];

		if (cell->kind == CELL_ABSENT && !output->selected)
			continue;
		buffer_append(&output->pending, output->keys.data + column->key_at + skip,
			      column->key_length - skip);
		append_json_value(output, cell);
		skip = 0;
	}
	buffer_append(&output->pending, "}\n", 2);
}

static size_t append_joined_texts(struct buffer *to, const char *texts, size_t n)
{
	size_t columns = 0;

	for (size_t at = 0, length; at < n; at += length + 1) {
		length = strnlen(texts + at, n - at);
		if (at > 0) {
			buffer_append_char(to, ' ');
			columns++;
		}
		columns += text_append(to, texts + at, length);
	}
	return columns;
}

/* A cell as a table or CSV has it, before padding or quoting. Returns its width. */
static size_t append_value(struct output *output, struct buffer *to, const struct cell *cell)
{
	size_t before = to->length;

	switch (cell->kind) {
	case CELL_UINT:
		buffer_append_uint(to, cell->u);
		break;
	case CELL_INT:
		buffer_append_int(to, cell->i);
		break;
	case CELL_BOOL:
		buffer_append_string(to, cell->u ? "true" : "false");
		break;
	case CELL_TIME:
		append_time(output, to, cell->u);
		break;
	case CELL_TEXT:
		return text_append(to, cell->text, cell->length);
	case CELL_TEXTS:
		return append_joined_texts(to, cell->text, cell->length);
	case CELL_UINTS:
		for (size_t i = 0; i < cell->length; i++) {
			if (i > 0)
				buffer_append_char(to, ' ');
			buffer_append_uint(to, cell->uints[i]);
		}
		break;
	default:
		if (output->format == OUTPUT_TABLE)
			buffer_append_char(to, '-');
	}
	return to->length - before;
}

static void append_csv_row(struct output *output, const struct row *row)
{
	struct buffer *to = &output->pending;

	for (size_t i = 0; i < output->n; i++) {
		size_t start;

		if (i > 0)
			buffer_append_char(to, ',');
		start = to->length;
		append_value(output, to, &row->cells[output->columns[i].index]);
		text_quote_csv(to, start);
	}
	buffer_append_char(to, '\n');
}

/* Puts output.cell, @width columns wide, into the table line, of which @at columns are there.
 * Padding comes before a cell, never behind it: so no line ends in spaces, and a column that was
 * pushed right falls back into its place as soon as there is room. Returns the new @at. */
static size_t place_cell(struct output *output, const struct column *column, size_t at,
			 size_t width)
{
	size_t goal = column->start;

	if (output->cell.length == 0)
		return at;
	if (column->field->flags & FIELD_RIGHT)
		goal = width < column->end ? column->end - width : 0;
	if (at > 0 && goal <= at)
		goal = at + 1;
	buffer_append_spaces(&output->pending, goal - at);
	buffer_append(&output->pending, output->cell.data, output->cell.length);
	return goal + width;
}

static void append_table_header(struct output *output)
{
	size_t at = 0;

	if (output->color)
		buffer_append_string(&output->pending, BOLD);
	for (size_t i = 0; i < output->n; i++) {
		const struct column *column = &output->columns[i];

		output->cell.length = 0;
		buffer_append_string(&output->cell, column->field->header);
		at = place_cell(output, column, at, output->cell.length);
	}
	if (output->color)
		buffer_append_string(&output->pending, RESET);
	buffer_append_char(&output->pending, '\n');
}

static void append_table_row(struct output *output, const struct row *row)
{
	size_t at = 0;

	for (size_t i = 0; i < output->n; i++) {
		const struct column *column = &output->columns[i];
		size_t width;

		output->cell.length = 0;
		width = append_value(output, &output->cell, &row->cells[column->index]);
		at = place_cell(output, column, at, width);
	}
	buffer_append_char(&output->pending, '\n');
}

int output_new(const struct field *fields, size_t n_fields, const struct output_options *options,
	       struct output **ret_output)
{
	_cleanup_(output_freep) struct output *output = NULL;
	const struct output_selection *selection = &options->selection;

	if (!options_are_valid(n_fields, options))
		return -EINVAL;
	output = calloc(1, sizeof(*output));
	if (!output)
		return -ENOMEM;
	output->format = options->format;
	output->selected = options->selected;
	output->color = options->color;
	output->fd = options->fd;
	output->time_second = UINT64_MAX;
	if (selection->n > 0 && (options->selected || options->format != OUTPUT_JSON)) {
		for (size_t i = 0; i < selection->n; i++)
			add_column(output, fields, selection->fields[i]);
	} else {
		for (size_t i = 0; i < n_fields; i++)
			if (options->format == OUTPUT_TABLE || !(fields[i].flags & FIELD_TABLE))
				add_column(output, fields, i);
	}
	if (options->header && options->format == OUTPUT_CSV)
		append_csv_header(output);
	if (options->header && options->format == OUTPUT_TABLE)
		append_table_header(output);
	if (output->keys.failed || output->pending.failed || output->cell.failed)
		return -ENOMEM;
	*ret_output = output;
	output = NULL;
	return 0;
}

/* What was appended from @start on stays only if all of it is there. */
static int keep_from(struct output *output, size_t start)
{
	if (!output->pending.failed && !output->cell.failed)
		return 0;
	output->pending.length = start;
	output->pending.failed = output->cell.failed = false;
	return -ENOMEM;
}

int output_row(struct output *output, const struct row *row)
{
	size_t start;

	if (output->pending.length > PENDING_MAX) {
		int r = output_flush(output);

		if (r < 0)
			return r;
	}
	start = output->pending.length;
	switch (output->format) {
	case OUTPUT_JSON:
		append_json_row(output, row);
		break;
	case OUTPUT_CSV:
		append_csv_row(output, row);
		break;
	case OUTPUT_TABLE:
		append_table_row(output, row);
		break;
	}
	return keep_from(output, start);
}

int output_line(struct output *output, const char *line)
{
	size_t start = output->pending.length;

	buffer_append_string(&output->pending, line);
	buffer_append_char(&output->pending, '\n');
	return keep_from(output, start);
}

int output_table(struct output *output, const char *line)
{
	size_t start = output->pending.length;

	if (output->begun)
		buffer_append_char(&output->pending, '\n');
	output->begun = true;
	buffer_append_string(&output->pending, line);
	buffer_append_char(&output->pending, '\n');
	append_table_header(output);
	return keep_from(output, start);
}

size_t output_pending(const struct output *output)
{
	return output->pending.length;
}

int output_flush(struct output *output)
{
	return buffer_write(&output->pending, output->fd);
}

void output_free(struct output *output)
{
	if (!output)
		return;
	buffer_release(&output->keys);
	buffer_release(&output->pending);
	buffer_release(&output->cell);
	free(output);
}
