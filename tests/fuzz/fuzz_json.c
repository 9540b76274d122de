/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libFuzzer: any bytes as text, list and numbers of a row, printed in each format. What comes out
 * must be one line of valid UTF-8 without control characters; JSON must parse and say what went
 * in; CSV must have its three fields. Checked by code that shares nothing with lib/.
 *
 *   clang -fsanitize=fuzzer,address,undefined
 */
#define _GNU_SOURCE 1 /* memfd_create() */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base.h"
#include "lib/output.h"
#include "lib/row.h"

enum { TEXT, TEXTS, UINTS, N_FIELDS };

static const struct field fields[N_FIELDS] = {
	[TEXT] = {"text", "TEXT", "any bytes", 8, 0},
	[TEXTS] = {"texts", "TEXTS", "any strings", 8, FIELD_RIGHT},
	[UINTS] = {"uints", "UINTS", "any numbers", 8, 0},
};

/* A place in text that has an end. */
struct reader {
	const unsigned char *at, *end;
};

static void check(bool good)
{
	if (!good)
		abort();
}

static bool between(unsigned int value, unsigned int first, unsigned int last)
{
	return value >= first && value <= last;
}

/* The table of RFC 3629, section 4, line by line. Returns the bytes of a character, or 0. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
	static const struct {
		unsigned char ranges[4][2];
	} forms[] = {
		{{{0x00, 0x7f}}},
		{{{0xc2, 0xdf}, {0x80, 0xbf}}},
		{{{0xe0, 0xe0}, {0xa0, 0xbf}, {0x80, 0xbf}}},
		{{{0xe1, 0xec}, {0x80, 0xbf}, {0x80, 0xbf}}},
		{{{0xed, 0xed}, {0x80, 0x9f}, {0x80, 0xbf}}},
		{{{0xee, 0xef}, {0x80, 0xbf}, {0x80, 0xbf}}},
		{{{0xf0, 0xf0}, {0x90, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}},
		{{{0xf1, 0xf3}, {0x80, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}},
		{{{0xf4, 0xf4}, {0x80, 0x8f}, {0x80, 0xbf}, {0x80, 0xbf}}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t length = 0;

		while (length < 4 && forms[i].ranges[length][1]) {
			if (length == n || !between(s[length], forms[i].ranges[length][0],
						    forms[i].ranges[length][1]))
				break;
			length++;
		}
		if (length > 0 && (length == 4 || !forms[i].ranges[length][1]))
			return length;
	}
	return 0;
}

/* One line, and nothing in it that a terminal obeys. */
static void check_pure(struct reader line)
{
	check(line.at < line.end && line.end[-1] == '\n');
	line.end--;
	while (line.at < line.end) {
		const unsigned char *s = line.at;
		size_t n = utf8_length(s, (size_t)(line.end - s));

		check(n > 0);
		check(n > 1 || between(s[0], 0x20, 0x7e));
		check(n != 2 || s[0] != 0xc2 || s[1] >= 0xa0);
		check(n != 3 || s[0] != 0xe2 || s[1] != 0x80 || !between(s[2], 0xa8, 0xae));
		check(n != 3 || s[0] != 0xe2 || s[1] != 0x81 || !between(s[2], 0xa6, 0xa9));
		line.at += n;
	}
}

static void expect(struct reader *json, const char *text)
{
	size_t n = strlen(text);

	check((size_t)(json->end - json->at) >= n && memcmp(json->at, text, n) == 0);
	json->at += n;
}

/* One escape of JSON, behind its backslash, as UTF-8. Returns its length. */
static size_t read_escape(struct reader *json, unsigned char utf8[4])
{
	unsigned int code = 0;

	check(json->end - json->at >= 5);
	utf8[0] = *json->at++;
	if (utf8[0] == '"' || utf8[0] == '\\')
		return 1;
	check(utf8[0] == 'u');
	for (int i = 0; i < 4; i++) {
		unsigned char digit = *json->at++;

		check(between(digit, '0', '9') || between(digit, 'a', 'f'));
		code = code * 16 + digit - (digit <= '9' ? '0' : 'a' - 10);
	}
	check(!between(code, 0xd800, 0xdfff));
	if (code < 0x80) {
		utf8[0] = (unsigned char)code;
		return 1;
	}
	if (code < 0x800) {
		utf8[0] = (unsigned char)(0xc0 | code >> 6);
		utf8[1] = (unsigned char)(0x80 | (code & 0x3f));
		return 2;
	}
	utf8[0] = (unsigned char)(0xe0 | code >> 12);
	utf8[1] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
	utf8[2] = (unsigned char)(0x80 | (code & 0x3f));
	return 3;
}

/* A JSON string that says what the @n bytes are, U+FFFD for each that is not UTF-8. */
static void expect_string(struct reader *json, const unsigned char *text, size_t n)
{
	expect(json, "\"");
	for (size_t at = 0; at < n;) {
		size_t length = utf8_length(text + at, n - at), got;
		const void *wanted = length > 0 ? (const void *)(text + at) : "\xef\xbf\xbd";
		unsigned char utf8[4];

		check(json->at < json->end);
		if (*json->at == '\\') {
			json->at++;
			got = read_escape(json, utf8);
		} else {
			got = utf8_length(json->at, (size_t)(json->end - json->at));
			check(*json->at != '"');
			memcpy(utf8, json->at, got);
			json->at += got;
		}
		check(got == (length > 0 ? length : 3) && memcmp(utf8, wanted, got) == 0);
		at += length > 0 ? length : 1;
	}
	expect(json, "\"");
}

static void check_json(struct reader json, const struct row *row)
{
	const unsigned char *texts = (const unsigned char *)row->cells[TEXTS].text;
	size_t n = row->cells[TEXTS].length;
	char number[16];

	expect(&json, "{\"text\":");
	expect_string(&json, (const unsigned char *)row->cells[TEXT].text, row->cells[TEXT].length);
	expect(&json, ",\"texts\":[");
	for (size_t at = 0; at < n;) {
		const unsigned char *nul = memchr(texts + at, '\0', n - at);
		size_t length = nul ? (size_t)(nul - texts) - at : n - at;

		if (at > 0)
			expect(&json, ",");
		expect_string(&json, texts + at, length);
		at += length + 1;
	}
	expect(&json, "],\"uints\":[");
	for (size_t i = 0; i < row->cells[UINTS].length; i++) {
		snprintf(number, sizeof(number), i > 0 ? ",%u" : "%u", row->cells[UINTS].uints[i]);
		expect(&json, number);
	}
	expect(&json, "]}\n");
	check(json.at == json.end);
}

/* RFC 4180: fields, quoted or not, between commas; a quotation mark only in quotes and doubled. */
static void check_csv(struct reader csv)
{
	size_t n = 1;

	for (;; n++) {
		bool quoted = *csv.at == '"';

		csv.at += quoted;
		for (;; csv.at++) {
			check(csv.at < csv.end);
			if (quoted && *csv.at == '"' && *++csv.at != '"')
				break;
			if (!quoted && (*csv.at == ',' || *csv.at == '\n'))
				break;
			check(quoted || *csv.at != '"');
		}
		if (*csv.at++ == '\n')
			break;
		check(csv.at[-1] == ',');
	}
	check(csv.at == csv.end && n == N_FIELDS);
}

static void print_and_check(const struct row *row, enum output_format format)
{
	_cleanup_(output_freep) struct output *output = NULL;
	_cleanup_(closep) int fd = memfd_create("fuzz_json", MFD_CLOEXEC);
	_cleanup_(freep) unsigned char *text = NULL;
	struct output_options options = {.format = format, .fd = fd};
	struct reader reader;
	size_t n;

	check(fd >= 0);
	check(output_new(fields, N_FIELDS, &options, &output) == 0);
	check(output_row(output, row) == 0);
	n = output_pending(output);
	check(output_flush(output) == 0);
	text = malloc(n);
	check(text && pread(fd, text, n, 0) == (ssize_t)n);
	reader = (struct reader){.at = text, .end = text + n};
	check_pure(reader);
	if (format == OUTPUT_JSON)
		check_json(reader, row);
	if (format == OUTPUT_CSV)
		check_csv(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says how much of the rest is text; what follows is the list. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t uints[4] = {};
	struct row row;
	size_t n;

	if (size == 0)
		return 0;
	n = data[0] < size - 1 ? data[0] : size - 1;
	memcpy(uints, data, size < sizeof(uints) ? size : sizeof(uints));
	row_reset(&row);
	row_text_n(&row, TEXT, (const char *)data + 1, n);
	row_texts(&row, TEXTS, (const char *)data + 1 + n, size - 1 - n);
	row_uints(&row, UINTS, uints, data[0] % (ARRAY_SIZE(uints) + 1));
	print_and_check(&row, OUTPUT_TABLE);
	print_and_check(&row, OUTPUT_JSON);
	print_and_check(&row, OUTPUT_CSV);
	return 0;
}
