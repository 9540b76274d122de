/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * To end at once. To take a program off a kernel function (fexit) takes the kernel some tenths of a
 * second each, until no task can be inside any more. Whoever started the tool need not wait for it.
 */
#ifndef LIB_LINGER_H
#define LIB_LINGER_H

struct bpf_object_skeleton;

/* Leaves what of @skeleton is attached to kernel functions to a child that has nothing else open,
 * and that ends when we do. To be called last, before the skeleton is destroyed. Where there is
 * nothing to leave, or no child to be had, nothing happens. */
void linger(const struct bpf_object_skeleton *skeleton);

#endif
