/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines as a tree of processes. Pure. */
#ifndef PROCTOP_TREE_H
#define PROCTOP_TREE_H

#include "tools/proctop_row.h"

#define TREE_DEPTH_MAX 40 /* levels that are indented */

/* Puts each line behind its parent's, in the order that they have among themselves, and sets the
 * depth. A line without a parent among them is a root. Returns 0 or -ENOMEM. */
int tree_order(struct line *lines, size_t n);

#endif
