/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs of a tool are compiled twice. Where the kernel can cast (bpf_rdonly_cast(), 6.2)
 * they read what lies behind a pointer by plain loads; "plain" ones ask a helper for each. Both in
 * one object, with a switch, would have the loader and the verifier look at twice as much.
 */
#ifndef LIB_SKELETON_H
#define LIB_SKELETON_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* Defines NAME_open(): struct NAME_bpf of the object that fits, not loaded yet; NULL with errno
 * set. For NAME.skel.h and NAME_plain.skel.h; the caller destroys it by NAME_bpf__destroy(). */
#define DEFINE_SKELETON_OPEN(name)                                                                 \
	_Static_assert(sizeof(*((struct name##_bpf *)0)->bss) ==                                   \
			       sizeof(*((struct name##_plain_bpf *)0)->bss),                       \
		       "the same variables");                                                      \
	_Static_assert(sizeof(*((struct name##_bpf *)0)->rodata) ==                                \
			       sizeof(*((struct name##_plain_bpf *)0)->rodata),                    \
		       "the same constants");                                                      \
	static struct name##_bpf *name##_open(bool can_cast)                                       \
	{                                                                                          \
		struct name##_bpf *bpf = calloc(1, sizeof(*bpf));                                  \
		int r = bpf ? name##_bpf__create_skeleton(bpf) : -ENOMEM;                          \
                                                                                                   \
		if (!r && !can_cast)                                                               \
			bpf->skeleton->data =                                                      \
				(void *)name##_plain_bpf__elf_bytes(&bpf->skeleton->data_sz);      \
		if (!r)                                                                            \
			r = bpf_object__open_skeleton(bpf->skeleton, NULL);                        \
		if (!r)                                                                            \
			return bpf;                                                                \
		name##_bpf__destroy(bpf);                                                          \
		errno = -r;                                                                        \
		return NULL;                                                                       \
	}

#endif
