/* SPDX-License-Identifier: GPL-2.0-only */
/* The order of lines. */
#ifndef PROCTOP_SORT_H
#define PROCTOP_SORT_H

#include "tools/proctop_row.h"

/* Can lines be sorted by this column? */
bool line_can_sort(enum proctop_field field);

/* As qsort(3) wants it: numbers from the greatest, ids and texts from the least, unless @invert;
 * what is alike, by CPU time. */
int line_compare(const struct line *a, const struct line *b, enum proctop_field field, bool invert);

#endif
