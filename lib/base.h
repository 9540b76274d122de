/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few words that every file here is written with: cleanup attributes, sizes, and an error
 * text that travels up to whoever may print it. Library code never prints and never exits.
 */
#ifndef LIB_BASE_H
#define LIB_BASE_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a)  (sizeof(a) / sizeof((a)[0]))
#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_       __attribute__((unused))

#define NSEC_PER_SEC 1000000000ULL

/* Why something failed, and what to do about it: one line for the user, without a newline. */
struct error {
	char text[512];
};

/* Writes the text and returns @r, so that `return error_set(error, -EINVAL, ...)` is one line.
 * @error may be NULL. Text that does not fit is cut. */
_printf_(3, 4) int error_set(struct error *error, int r, const char *format, ...);

static inline void freep(void *p)
{
	free(*(void **)p);
	*(void **)p = NULL;
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
	*file = NULL;
}

#endif
