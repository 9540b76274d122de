/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What to call a program, decided from what is known of it. Pure: no I/O, no allocation; everything
 * returned points into what was given.
 */
#ifndef LIB_NAME_H
#define LIB_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/process.h"

/* A piece of borrowed text, without a NUL of its own. start NULL: none. */
struct text {
	const char *start;
	size_t length;
};

/* What is known of a program. NULL: not known. */
struct name_facts {
	const char *exe;      /* path of the executable, without " (deleted)" */
	const char *filename; /* what was given to exec */
	const char *interp;   /* what the kernel loaded for it; differs for a #! script */
	const char *comm;     /* of the thread group's leader */
	const char *args;     /* strings, NUL after each; the last one may lack it */
	size_t args_length;
	/* The program that this process ran right before this one, if its own exec was seen: */
	const char *before_script; /* the script it ran */
	bool before_env;	   /* by way of `#!/usr/bin/env` */
};

struct name_choice {
	struct text name;
	struct text script; /* path, as it was given */
	enum name_source source;
	bool env;	/* script begins with `#!/usr/bin/env`: another exec follows */
	bool undecided; /* the command line is not known and could give a better name */
};

/* Names a program whose exec was seen: source NAME_EXEC or NAME_GUESS. False, and nothing set, if
 * there is nothing to take a name from. Without a filename: as name_running(). */
bool name_at_exec(const struct name_facts *facts, struct name_choice *ret_choice);

/* Names a program that runs already; comm tells which of exe, argv[0] and later arguments was given
 * to exec (its first 15 bytes are there unless somebody renamed the thread). Source NAME_EXE,
 * NAME_CMDLINE (the name is of the command line) or NAME_GUESS. False as above. */
bool name_running(const struct name_facts *facts, struct name_choice *ret_choice);

#endif
