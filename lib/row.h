/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One record as people and scripts read it: a row of typed cells, described by a table of fields.
 * A tool's <tool>_row() fills it; lib/output prints it as a table line, a JSON object or a CSV
 * line. Rows borrow all text: it must live until output_row() returned.
 */
#ifndef LIB_ROW_H
#define LIB_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_CELLS_MAX 64  /* fields that a tool may have */
#define ROW_TEXT_MAX  768 /* bytes of text that a row itself can hold, see row_text_printf() */

enum cell_kind {
	CELL_ABSENT = 0, /* a record of this type has no such key */
	CELL_NULL,	 /* it has, but the value is not known */
	CELL_UINT,	 /* .u */
	CELL_INT,	 /* .i */
	CELL_BOOL,	 /* .u, 0 or 1 */
	CELL_TIME,  /* .u: CLOCK_REALTIME, ns since the epoch; printed as RFC 3339 UTC, 9 digits */
	CELL_TEXT,  /* .text, .length: any bytes, need not be valid UTF-8 */
	CELL_TEXTS, /* .text, .length: strings, each ended by a NUL; an array in JSON */
	CELL_UINTS, /* .uints, .length elements; an array in JSON */
};

struct cell {
	uint8_t kind;  /* enum cell_kind */
	size_t length; /* of text in bytes, of uints in elements */
	union {
		uint64_t u;
		int64_t i;
		const char *text;
		const uint32_t *uints;
	};
};

#define FIELD_RIGHT 0x1U /* table: numbers, aligned right */
#define FIELD_TABLE                                                                                \
	0x2U /* for people: made of other fields; not in JSON or CSV unless asked for by -F */

/* What a tool says of one of its fields. */
struct field {
	const char *key;    /* JSON key and CSV column, snake_case; the contract */
	const char *header; /* table column */
	const char *help;   /* one line with the unit, for -F help */
	uint8_t width;	    /* table: usual width in columns; a longer value is never cut */
	uint32_t flags;	    /* FIELD_* */
};

struct row {
	size_t limit; /* fields from here on will not be printed: they need not be made; 0: all will
		       */
	struct cell cells[ROW_CELLS_MAX]; /* in the order of the tool's field table */
	size_t text_used;
	char text[ROW_TEXT_MAX]; /* storage for cells made by row_text_printf() */
};

static inline bool row_wants(const struct row *row, size_t field)
{
	return !row->limit || field < row->limit;
}

/* All cells absent, no text; the limit stays. */
void row_reset(struct row *row);

static inline void row_null(struct row *row, size_t field)
{
	row->cells[field].kind = CELL_NULL;
}

static inline void row_uint(struct row *row, size_t field, uint64_t value)
{
	row->cells[field].kind = CELL_UINT;
	row->cells[field].u = value;
}

static inline void row_int(struct row *row, size_t field, int64_t value)
{
	row->cells[field].kind = CELL_INT;
	row->cells[field].i = value;
}

static inline void row_bool(struct row *row, size_t field, bool value)
{
	row->cells[field].kind = CELL_BOOL;
	row->cells[field].u = value;
}

/* @realtime_ns: ns since the epoch. */
static inline void row_time(struct row *row, size_t field, uint64_t realtime_ns)
{
	row->cells[field].kind = CELL_TIME;
	row->cells[field].u = realtime_ns;
}

/* @text is borrowed, @length bytes; NULL makes the cell null. */
static inline void row_text_n(struct row *row, size_t field, const char *text, size_t length)
{
	row->cells[field].kind = text ? CELL_TEXT : CELL_NULL;
	row->cells[field].text = text;
	row->cells[field].length = length;
}

/* @text is borrowed, NUL-terminated; NULL makes the cell null. */
void row_text(struct row *row, size_t field, const char *text);

/* Copies into the row's own storage. Text that does not fit makes the cell null. */
void row_text_copy(struct row *row, size_t field, const char *text, size_t length);

/* Formats into the row's own storage, if the field is wanted. Text that does not fit makes the cell
 * null. */
__attribute__((format(printf, 3, 4))) void row_text_printf(struct row *row, size_t field,
							   const char *format, ...);

/* @texts: @length bytes of NUL-terminated strings, borrowed; NULL makes the cell null. */
static inline void row_texts(struct row *row, size_t field, const char *texts, size_t length)
{
	row->cells[field].kind = texts ? CELL_TEXTS : CELL_NULL;
	row->cells[field].text = texts;
	row->cells[field].length = length;
}

/* @n numbers, borrowed; NULL makes the cell null. */
static inline void row_uints(struct row *row, size_t field, const uint32_t *uints, size_t n)
{
	row->cells[field].kind = uints ? CELL_UINTS : CELL_NULL;
	row->cells[field].uints = uints;
	row->cells[field].length = n;
}

#endif
