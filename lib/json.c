/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/json.h"

#include "lib/text.h"

#define CODE_REPLACEMENT 0xfffdU

static void append_code(struct buffer *buffer, uint32_t code)
{
	static const char hex[] = "0123456789abcdef";
	char escape[6] = {'\\',
			  'u',
			  hex[code >> 12 & 0xf],
			  hex[code >> 8 & 0xf],
			  hex[code >> 4 & 0xf],
			  hex[code & 0xf]};

	buffer_append(buffer, escape, sizeof(escape));
}

static void append_escaped(struct buffer *buffer, const char *text, size_t n)
{
	while (n > 0) {
		uint32_t code = 0;
		size_t length = text_plain(text, n);

		if (length > 0) {
			buffer_append(buffer, text, length);
		} else if ((length = text_decode(text, n, &code)) == 0) {
			length = 1;
			append_code(buffer, CODE_REPLACEMENT);
		} else if (text_unsafe(code)) {
			append_code(buffer, code);
		} else {
			if (code == '"' || code == '\\')
				buffer_append_char(buffer, '\\');
			buffer_append(buffer, text, length);
		}
		text += length;
		n -= length;
	}
}

void json_append_text(struct buffer *buffer, const char *text, size_t n)
{
	size_t plain = text_plain(text, n);
	char *to = buffer_reserve(buffer, plain + 1);

	if (!to)
		return;
	to[0] = '"';
	memcpy(to + 1, text, plain);
	buffer->length += plain + 1;
	if (plain < n)
		append_escaped(buffer, text + plain, n - plain);
	buffer_append_char(buffer, '"');
}

void json_append_texts(struct buffer *buffer, const char *texts, size_t n)
{
	buffer_append_char(buffer, '[');
	for (size_t at = 0, length; at < n; at += length + 1) {
		length = strnlen(texts + at, n - at);
		if (at > 0)
			buffer_append_char(buffer, ',');
		json_append_text(buffer, texts + at, length);
	}
	buffer_append_char(buffer, ']');
}

void json_append_uints(struct buffer *buffer, const uint32_t *uints, size_t n)
{
	buffer_append_char(buffer, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buffer_append_char(buffer, ',');
		buffer_append_uint(buffer, uints[i]);
	}
	buffer_append_char(buffer, ']');
}
