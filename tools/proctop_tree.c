/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_tree.h"

#include <string.h>

#define NONE SIZE_MAX

struct node {
	struct line line;
	uint32_t pid, ppid;	       /* pid 0: cannot have children */
	size_t parent, child, sibling; /* places among the nodes, NONE: none */
	bool placed;
};

static int compare_pids(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static size_t find_pid(struct node **by_pid, size_t n, const struct node *nodes, uint32_t pid)
{
	struct node key = {.pid = pid}, *want = &key;
	struct node **found = pid ? bsearch(&want, by_pid, n, sizeof(void *), compare_pids) : NULL;

	return found ? (size_t)(*found - nodes) : NONE;
}

static void node_init(struct node *node, const struct line *line)
{
	const struct account *account = line->account;

	*node = (struct node){.line = *line, .parent = NONE, .child = NONE, .sibling = NONE};
	node->line.depth = 0;
	if (!account)
		return;
	if (!line->folded)
		node->pid = account->id.tgid;
	if (!line->many_ppids)
		node->ppid = account->id.ppid;
}

/* Writes a node and all below it. */
static size_t place(struct node *nodes, size_t root, struct line *lines, size_t to)
{
	size_t i = root;
	unsigned int depth = 0;

	while (i != NONE) {
		struct node *node = &nodes[i];

		if (!node->placed) {
			node->placed = true;
			node->line.depth =
				(uint8_t)(depth < TREE_DEPTH_MAX ? depth : TREE_DEPTH_MAX);
			lines[to++] = node->line;
			if (node->child != NONE) {
				i = node->child;
				depth++;
				continue;
			}
		}
		if (i == root)
			break;
		if (node->sibling != NONE) {
			i = node->sibling;
		} else {
			i = node->parent;
			depth--;
		}
	}
	return to;
}

int tree_order(struct line *lines, size_t n)
{
	_cleanup_(freep) struct node *nodes = calloc(n ? n : 1, sizeof(*nodes));
	_cleanup_(freep) struct node **by_pid = calloc(n ? n : 1, sizeof(void *));
	size_t to = 0;

	if (!nodes || !by_pid)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		node_init(&nodes[i], &lines[i]);
		by_pid[i] = &nodes[i];
	}
	qsort(by_pid, n, sizeof(void *), compare_pids);
	/* from the end: the first of them becomes the first child */
	for (size_t i = n; i-- > 0;) {
		size_t parent = find_pid(by_pid, n, nodes, nodes[i].ppid);

		if (parent == NONE || parent == i)
			continue;
		nodes[i].parent = parent;
		nodes[i].sibling = nodes[parent].child;
		nodes[parent].child = i;
	}
	for (size_t i = 0; i < n; i++)
		if (nodes[i].parent == NONE)
			to = place(nodes, i, lines, to);
	/* a circle, which process ids that are used again can make, has no root */
	for (size_t i = 0; i < n; i++)
		if (!nodes[i].placed)
			to = place(nodes, i, lines, to);
	return 0;
}
