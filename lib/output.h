/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows out: a table for people, one JSON object a line, or CSV. Rows are gathered in a buffer;
 * output_flush() hands them over with as few write(2) calls as the descriptor takes.
 *
 * All text goes through lib/text.h, or lib/json.h for JSON: no control character gets out, and
 * JSON is always valid UTF-8. Lists are arrays in JSON, joined by a space elsewhere.
 */
#ifndef LIB_OUTPUT_H
#define LIB_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base.h"
#include "lib/row.h"

enum output_format {
	OUTPUT_TABLE,
	OUTPUT_JSON,
	OUTPUT_CSV,
};

/* A list of columns or keys, as -F gives it. */
struct output_selection {
	uint8_t fields[ROW_CELLS_MAX]; /* indices into the tool's field table, in output order */
	size_t n;
};

/* Reads a comma-separated list of keys or headers (case does not matter), for example
 * "ts,pid,name". Returns 0, or -EINVAL with an error that names the unknown field and says that
 * `-F help` lists them all; an empty list, an empty item and a field listed twice (JSON has no
 * duplicate keys) are errors too. */
int output_select(const struct field *fields, size_t n_fields, const char *list,
		  struct output_selection *ret_selection, struct error *error);

/* Puts a column in front, unless it is in the list. */
void output_select_front(struct output_selection *selection, uint8_t field);

/* Prints every field, one a line: key, header, help. */
void output_help_fields(const struct field *fields, size_t n_fields, FILE *file);

struct output_options {
	enum output_format format;
	bool selected; /* the user gave -F: JSON prints just these keys, null where absent */
	struct output_selection selection; /* without -F: the tool's default columns for a table or
					    * CSV, none: all (for CSV but FIELD_TABLE);
					    * ignored for JSON, which prints the keys a row has */
	bool header; /* table, CSV: begin with a header line, at once: one without rows has it too
		      */
	bool color;  /* table: ANSI colours allowed */
	int fd;	     /* borrowed; written with write(2) */
};

struct output;

/* @fields: @n_fields <= ROW_CELLS_MAX, borrowed for the life of the output. Returns 0, -EINVAL or
 * -ENOMEM. */
int output_new(const struct field *fields, size_t n_fields, const struct output_options *options,
	       struct output **ret_output);

/* Appends one row to the buffer; writes first when that has grown past 64 KB. In a table, null and
 * absent print as "-", in CSV as nothing. Table cells are apart by one space and stand in columns
 * (as wide as the field's width or its header); a longer one pushes what follows to the right.
 * Returns 0 or the negative errno of output_flush() or -ENOMEM; then the row was not appended. */
int output_row(struct output *output, const struct row *row);

/* Table: begins another one below, with @line (as it is, without a newline) in front
 * and the header line. Returns as output_row(). */
int output_table(struct output *output, const char *line);

/* Table: a line of its own, as it is, without a newline. Returns as output_row(). */
int output_line(struct output *output, const char *line);

/* Bytes not written yet. */
size_t output_pending(const struct output *output);

/* Writes all that is pending, through short writes and EINTR; waits (poll) on EAGAIN.
 * Returns 0, or a negative errno: -EPIPE when the reader has gone (the caller ignores SIGPIPE),
 * -ENOSPC when the disk is full; what was not written stays pending. */
int output_flush(struct output *output);

/* Frees without flushing. NULL is fine. */
void output_free(struct output *output);

static inline void output_freep(struct output **output)
{
	output_free(*output);
	*output = NULL;
}

#endif
