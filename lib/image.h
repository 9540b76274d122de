/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of a running program, shared by a process and those that it forks. */
#ifndef LIB_IMAGE_H
#define LIB_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "lib/name.h"
#include "lib/procfs.h"

struct image {
	size_t bytes; /* all of it */
	uint32_t references;
	bool env;	  /* a script that begins with `#!/usr/bin/env` */
	bool undecided;	  /* the command line could give a better name, but is not known */
	bool exe_deleted; /* exe ends with " (deleted)", which is not part of the path */
	bool args_cut;
	const char *exe, *script, *args; /* as in struct process_names; all point into name */
	size_t args_length;
	char name[]; /* with its NUL; the other texts follow */
};

static inline struct image *image_ref(struct image *image)
{
	if (image)
		image->references++;
	return image;
}

static inline void image_unref(struct image *image)
{
	if (image && !--image->references)
		free(image);
}

static inline void image_unrefp(struct image **image)
{
	image_unref(*image);
	*image = NULL;
}

/* A new image with one reference: the names of @choice, exe and args of @facts. @like says
 * exe_deleted and args_cut. NULL: no memory. */
struct image *image_new(const struct name_choice *choice, const struct name_facts *facts,
			const struct image *like);

/* The image of a kernel thread: "[name]". NULL: no memory. */
struct image *image_new_kernel(const char *name);
/* Is it that of a kernel thread of this name? @image may be NULL. */
bool image_is_kernel(const struct image *image, const char *name);

/* The texts behind a struct process_record, each NULL if it is not known. */
struct record_texts {
	const char *exe, *filename, *interp, *args, *kthread;
};

/* Finds them; they stay where they are. Returns 0, or -EBADMSG if lengths do not add up within
 * @length bytes, or a string lacks its NUL. */
int image_record_texts(const struct process_record *record, size_t length,
		       struct record_texts *ret_texts);

/* The image that a record of origin EXEC or ITER tells of. @before: the image that the process had
 * right before, if its own exec was seen, else NULL. *@ret_image is NULL if the record tells
 * nothing. Returns 0 or -ENOMEM. */
int image_new_record(const struct process_record *record, const struct record_texts *texts,
		     const struct image *before, struct image **ret_image,
		     enum name_source *ret_source);

/* The image that procfs tells of, for a program of which @known was known, or NULL. NULL if it
 * tells nothing better, or without memory. @process may be changed. */
struct image *image_new_procfs(struct procfs_process *process, const struct image *known,
			       enum name_source *ret_source);

#endif
