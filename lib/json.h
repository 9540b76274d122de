/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON values into a buffer, one after the other; what stands between them is the caller's.
 *
 * Strings are valid UTF-8 whatever the bytes were: '"' and '\' get a backslash, what lib/text.h
 * calls unsafe is written as \uXXXX, and each byte that is not part of valid UTF-8 as \ufffd (the
 * replacement character; which byte it was is lost, as JSON has no way to say it). Everything else
 * stands for itself.
 */
#ifndef LIB_JSON_H
#define LIB_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buffer.h"

/* A string of @n bytes, with its quotation marks. */
void json_append_text(struct buffer *buffer, const char *text, size_t n);

/* An array of strings. @texts: @n bytes, a NUL after each string; a last one without is one too. */
void json_append_texts(struct buffer *buffer, const char *texts, size_t n);

/* An array of numbers. */
void json_append_uints(struct buffer *buffer, const uint32_t *uints, size_t n);

#endif
