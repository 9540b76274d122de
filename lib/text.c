/* SPDX-License-Identifier: GPL-2.0-only */
#define _GNU_SOURCE 1 /* wcwidth() */
#include "lib/text.h"

#include <wchar.h>

size_t text_decode(const char *text, size_t n, uint32_t *ret_code)
{
	const uint8_t *bytes = (const uint8_t *)text;
	uint32_t code, least;
	size_t length;

	if (bytes[0] < 0x80) {
		*ret_code = bytes[0];
		return 1;
	}
	if (bytes[0] >= 0xc0 && bytes[0] < 0xe0) {
		length = 2;
		least = 0x80;
		code = bytes[0] & 0x1f;
	} else if (bytes[0] >= 0xe0 && bytes[0] < 0xf0) {
		length = 3;
		least = 0x800;
		code = bytes[0] & 0xf;
	} else if (bytes[0] >= 0xf0 && bytes[0] < 0xf8) {
		length = 4;
		least = 0x10000;
		code = bytes[0] & 0x7;
	} else {
		return 0;
	}
	if (n < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < least || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
		return 0;
	*ret_code = code;
	return length;
}

bool text_unsafe(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static bool byte_is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

#define EACH_BYTE(byte) ((byte)*0x0101010101010101ULL)

/* byte_is_plain() of eight bytes at once. Where no top bit is set to begin with, one gets set in
 * each sum or difference exactly if a byte is, in turn: below 0x20, '"', '\\', or 0x7f. */
static bool word_is_plain(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return ((word | (word - EACH_BYTE(0x20)) | ((word ^ EACH_BYTE('"')) - EACH_BYTE(1)) |
		 ((word ^ EACH_BYTE('\\')) - EACH_BYTE(1)) | (word + EACH_BYTE(1))) &
		EACH_BYTE(0x80)) == 0;
}

size_t text_plain(const char *text, size_t n)
{
	size_t at = 0;

	while (n - at >= 8 && word_is_plain(text + at))
		at += 8;
	while (at < n && byte_is_plain((uint8_t)text[at]))
		at++;
	return at;
}

static size_t append_bytes_escaped(struct buffer *buffer, const char *text, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)text[i];
		char escape[4] = {'\\', 'x', hex[byte >> 4], hex[byte & 0xf]};

		buffer_append(buffer, escape, sizeof(escape));
	}
	return n * 4;
}

size_t text_append(struct buffer *buffer, const char *text, size_t n)
{
	size_t columns = 0;

	while (n > 0) {
		uint32_t code = 0;
		size_t length = text_plain(text, n);

		if (length > 0) {
			buffer_append(buffer, text, length);
			columns += length;
		} else if ((length = text_decode(text, n, &code)) == 0) {
			length = 1;
			columns += append_bytes_escaped(buffer, text, length);
		} else if (text_unsafe(code)) {
			columns += append_bytes_escaped(buffer, text, length);
		} else {
			int width = wcwidth((wchar_t)code);

			buffer_append(buffer, text, length);
			columns += width < 0 ? 1 : (size_t)width;
		}
		text += length;
		n -= length;
	}
	return columns;
}

void text_quote_csv(struct buffer *to, size_t start)
{
	size_t length = to->length - start, quotes = 0;
	bool comma = false;
	char *from, *end;

	for (size_t i = start; i < to->length; i++) {
		quotes += to->data[i] == '"';
		comma |= to->data[i] == ',';
	}
	if (length == 0 ||
	    (!comma && quotes == 0 && to->data[start] != ' ' && to->data[to->length - 1] != ' '))
		return;
	end = buffer_reserve(to, quotes + 2);
	if (!end)
		return;
	/* From the back, so that the text moves within its place. */
	from = end;
	end += quotes + 2;
	to->length += quotes + 2;
	*--end = '"';
	while (length-- > 0) {
		*--end = *--from;
		if (*from == '"')
			*--end = '"';
	}
	*--end = '"';
}
