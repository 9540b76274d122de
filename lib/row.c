/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/row.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void row_reset(struct row *row)
{
	memset(row->cells, 0, sizeof(row->cells));
	row->text_used = 0;
}

void row_text(struct row *row, size_t field, const char *text)
{
	row_text_n(row, field, text, text ? strlen(text) : 0);
}

void row_text_copy(struct row *row, size_t field, const char *text, size_t length)
{
	char *copy = row->text + row->text_used;

	if (length > sizeof(row->text) - row->text_used) {
		row_null(row, field);
		return;
	}
	memcpy(copy, text, length);
	row_text_n(row, field, copy, length);
	row->text_used += length;
}

void row_text_printf(struct row *row, size_t field, const char *format, ...)
{
	char *text = row->text + row->text_used;
	size_t room = sizeof(row->text) - row->text_used;
	va_list args;
	int n;

	if (!row_wants(row, field))
		return;
	va_start(args, format);
	n = vsnprintf(text, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room) {
		row_null(row, field);
		return;
	}
	row_text_n(row, field, text, (size_t)n);
	row->text_used += (size_t)n;
}
