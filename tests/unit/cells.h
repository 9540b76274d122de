/* SPDX-License-Identifier: GPL-2.0-only */
/* What the cells of a row must be, each of them. */
#ifndef TESTS_CELLS_H
#define TESTS_CELLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/row.h"

/* What one cell must be. All zero: absent. */
struct want {
	enum cell_kind kind;
	uint64_t u;
	const char *text;
	size_t length;
};

#define NONE	 ((struct want){})
#define UNKNOWN	 ((struct want){.kind = CELL_NULL})
#define UINT(n)	 ((struct want){.kind = CELL_UINT, .u = (n)})
#define TIME(n)	 ((struct want){.kind = CELL_TIME, .u = (n)})
#define TRUE	 ((struct want){.kind = CELL_BOOL, .u = 1})
#define TEXT(s)	 ((struct want){.kind = CELL_TEXT, .text = (s), .length = strlen(s)})
#define TEXTS(s) ((struct want){.kind = CELL_TEXTS, .text = (s), .length = sizeof(s) - 1})
#define UINTS(a) ((struct want){.kind = CELL_UINTS, .text = (void *)(a), .length = ARRAY_SIZE(a)})

static inline void print_cell(const char *what, enum cell_kind kind, uint64_t u, const char *text,
			      size_t length)
{
	static const char *const kinds[] = {"absent", "null", "uint",  "int",  "bool",
					    "time",   "text", "texts", "uints"};

	if (kind == CELL_TEXT)
		print_error("  %s: text \"%.*s\"\n", what, (int)length, text);
	else
		print_error("  %s: %s %llu, length %zu\n", what, kinds[kind], (unsigned long long)u,
			    length);
}

static inline bool cell_is(const struct cell *cell, const struct want *want)
{
	if (cell->kind != want->kind)
		return false;
	switch (want->kind) {
	case CELL_ABSENT:
	case CELL_NULL:
		return true;
	case CELL_TEXT:
	case CELL_TEXTS:
		return cell->length == want->length &&
		       !memcmp(cell->text, want->text, want->length);
	case CELL_UINTS:
		return cell->length == want->length &&
		       !memcmp(cell->uints, want->text, want->length * sizeof(*cell->uints));
	default:
		return cell->u == want->u;
	}
}

/* @wants: one for each of the @n @fields. */
static inline void check_cells(const struct row *row, const struct want *wants,
			       const struct field *fields, size_t n, const char *file, int line)
{
	bool good = true;

	for (size_t i = 0; i < n; i++) {
		const struct cell *cell = &row->cells[i];
		const struct want *want = &wants[i];

		if (cell_is(cell, want))
			continue;
		good = false;
		print_error("%s:%d: cell %s\n", file, line, fields[i].key);
		print_cell("got", cell->kind, cell->u, cell->text, cell->length);
		print_cell("wanted", want->kind, want->u, want->text, want->length);
	}
	for (size_t i = n; i < ROW_CELLS_MAX; i++)
		good = good && row->cells[i].kind == CELL_ABSENT;
	assert_true(good);
}

#endif
