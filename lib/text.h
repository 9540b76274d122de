/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes from elsewhere (names, paths, arguments) into text that is safe to show. Unsafe are: C0
 * (U+0000-1F), DEL, C1 (U+0080-9F), the line separators U+2028 and U+2029, the bidirectional
 * controls U+202A-E and U+2066-9, and every byte that is not part of valid UTF-8 as RFC 3629 has
 * it (so also overlong forms, surrogates, and what lies above U+10FFFF).
 */
#ifndef LIB_TEXT_H
#define LIB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buffer.h"

/* Decodes the first code point of @n >= 1 bytes. Returns its length in bytes, 1 to 4, or 0 if
 * the first byte does not begin a whole and valid one; then that single byte is the invalid one and
 * the next may begin another. */
size_t text_decode(const char *text, size_t n, uint32_t *ret_code);

/* Whether a valid code point is unsafe. */
bool text_unsafe(uint32_t code);

/* Length of the run at the beginning that goes anywhere as it is: printable ASCII without the
 * quotation mark and the backslash. */
size_t text_plain(const char *text, size_t n);

/* Appends text for a terminal: each byte of what is unsafe as \xNN, the rest as it is (the
 * backslash too: paths of cgroups have "\x2d" in their very names). Returns the terminal columns
 * it takes: by wcwidth(3) where the locale knows a character, else one for each. */
size_t text_append(struct buffer *buffer, const char *text, size_t n);

/* Quotes what was appended since @start as a CSV field, if RFC 4180 or a space at one of its ends
 * wants it. Line breaks are not looked for: text_append() leaves none. */
void text_quote_csv(struct buffer *buffer, size_t start);

#endif
