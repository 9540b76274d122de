/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/buffer, lib/text and lib/json; what JSON means is asked of jq(1). */
#define _GNU_SOURCE 1 /* memfd_create() */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <wchar.h>
#include <cmocka.h>

#include "lib/base.h"
#include "lib/buffer.h"
#include "lib/json.h"
#include "lib/text.h"

static void buffer_releasep(struct buffer *buffer)
{
	buffer_release(buffer);
}

#define _buffer_ _cleanup_(buffer_releasep) struct buffer

static void assert_buffer(struct buffer *buffer, const char *expected)
{
	assert_false(buffer->failed);
	buffer_append_char(buffer, '\0');
	assert_string_equal(buffer->data, expected);
	buffer->length = 0;
}

static void test_buffer_numbers(_unused_ void **state)
{
	_buffer_ buffer = {};

	buffer_append_uint(&buffer, 0);
	assert_buffer(&buffer, "0");
	buffer_append_uint(&buffer, 9);
	buffer_append_char(&buffer, ' ');
	buffer_append_uint(&buffer, 10);
	assert_buffer(&buffer, "9 10");
	buffer_append_uint(&buffer, UINT64_MAX);
	assert_buffer(&buffer, "18446744073709551615");
	buffer_append_int(&buffer, INT64_MIN);
	assert_buffer(&buffer, "-9223372036854775808");
	buffer_append_int(&buffer, INT64_MAX);
	assert_buffer(&buffer, "9223372036854775807");
	buffer_append_int(&buffer, -1);
	assert_buffer(&buffer, "-1");
	buffer_append_int(&buffer, 0);
	assert_buffer(&buffer, "0");
	buffer_append_padded(&buffer, 42, 9);
	assert_buffer(&buffer, "000000042");
	buffer_append_padded(&buffer, 123, 2);
	assert_buffer(&buffer, "23");
}

static void test_buffer_grows_to_its_bound(_unused_ void **state)
{
	_buffer_ buffer = {};

	assert_non_null(buffer_reserve(&buffer, 0));
	buffer_append_string(&buffer, "ab");
	buffer_append_spaces(&buffer, 10000);
	buffer_append_string(&buffer, "c");
	assert_int_equal(buffer.length, 10003);
	assert_memory_equal(buffer.data, "ab ", 3);
	assert_memory_equal(buffer.data + 10001, " c", 2);
	buffer_consume(&buffer, 10001);
	buffer_consume(&buffer, 0);
	assert_buffer(&buffer, " c");

	assert_null(buffer_reserve(&buffer, SIZE_MAX));
	assert_true(buffer.failed);
	assert_int_equal(buffer.length, 0);
	buffer.failed = false;
	buffer_append_spaces(&buffer, BUFFER_MAX - 1);
	assert_false(buffer.failed);
	buffer_append_char(&buffer, 'x');
	assert_true(buffer.failed);
	assert_int_equal(buffer.length, BUFFER_MAX - 1);
	buffer_release(&buffer);
	assert_null(buffer.data);
	assert_int_equal(buffer.capacity, 0);
}

static void test_decode(_unused_ void **state)
{
	static const struct {
		const char *text;
		size_t n;
		size_t length; /* 0: invalid */
		uint32_t code;
	} cases[] = {
		{"\0", 1, 1, 0},
		{"\x7f", 1, 1, 0x7f},
		{"\xc2\x80", 2, 2, 0x80},
		{"\xdf\xbf", 2, 2, 0x7ff},
		{"\xe0\xa0\x80", 3, 3, 0x800},
		{"\xed\x9f\xbf", 3, 3, 0xd7ff},
		{"\xee\x80\x80", 3, 3, 0xe000},
		{"\xef\xbf\xbf", 3, 3, 0xffff},
		{"\xf0\x90\x80\x80", 4, 4, 0x10000},
		{"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
		{"\x80", 1, 0, 0},		       /* continuation alone */
		{"\xbf\x80", 2, 0, 0},		       /* the same */
		{"\xc0\x80", 2, 0, 0},		       /* overlong */
		{"\xc1\xbf", 2, 0, 0},		       /* overlong */
		{"\xe0\x9f\xbf", 3, 0, 0},	       /* overlong */
		{"\xf0\x8f\xbf\xbf", 4, 0, 0},	       /* overlong */
		{"\xed\xa0\x80", 3, 0, 0},	       /* first surrogate */
		{"\xed\xbf\xbf", 3, 0, 0},	       /* last surrogate */
		{"\xf4\x90\x80\x80", 4, 0, 0},	       /* U+110000 */
		{"\xf5\x80\x80\x80", 4, 0, 0},	       /* above */
		{"\xf8\x88\x80\x80\x80", 5, 0, 0},     /* five bytes */
		{"\xfc\x84\x80\x80\x80\x80", 6, 0, 0}, /* six bytes */
		{"\xfe", 1, 0, 0},
		{"\xff", 1, 0, 0},
		{"\xc2\x80", 1, 0, 0},	       /* cut */
		{"\xe2\x82\xac", 2, 0, 0},     /* cut */
		{"\xf0\x9f\x98\x80", 3, 0, 0}, /* cut */
		{"\xe2\x82g", 3, 0, 0},	       /* broken off */
		{"\xe2g\xac", 3, 0, 0},	       /* broken off */
		{"\xf0\x9f\x98\xc0", 4, 0, 0}, /* broken off */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t code = 0xdeadbeef;

		assert_int_equal(text_decode(cases[i].text, cases[i].n, &code), cases[i].length);
		assert_int_equal(code, cases[i].length ? cases[i].code : 0xdeadbeef);
	}
}

static void test_unsafe(_unused_ void **state)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0, 0x1f}, {0x7f, 0x9f}, {0x2028, 0x202e}, {0x2066, 0x2069}};

	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		bool unsafe = false;

		for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
			unsafe |= code >= ranges[i].first && code <= ranges[i].last;
		assert_int_equal(text_unsafe(code), unsafe);
	}
}

/* Every byte value at every place of a text that spans words and a rest. */
static void test_plain(_unused_ void **state)
{
	char text[20];

	for (size_t n = 0; n <= sizeof(text); n++) {
		memset(text, 'a', sizeof(text));
		assert_int_equal(text_plain(text, n), n);
		for (size_t at = 0; at < n; at++) {
			for (int byte = 0; byte < 256; byte++) {
				bool plain =
					byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';

				memset(text, ' ', sizeof(text));
				text[at] = (char)byte;
				assert_int_equal(text_plain(text, n), plain ? n : at);
			}
		}
	}
}

static void assert_text(const char *text, size_t n, const char *expected, size_t columns)
{
	_buffer_ buffer = {};

	assert_int_equal(text_append(&buffer, text, n), columns);
	assert_buffer(&buffer, expected);
}

#define assert_string_text(text, expected, columns)                                                \
	assert_text(text, sizeof(text) - 1, expected, columns)

static void test_text(_unused_ void **state)
{
	assert_string_text("", "", 0);
	assert_string_text("plain \"text\" with \\ in it", "plain \"text\" with \\ in it", 25);
	assert_string_text("\x1b[31mred\0", "\\x1b[31mred\\x00", 15);
	assert_string_text("a\tb\nc\x7f", "a\\x09b\\x0ac\\x7f", 15);
	assert_string_text("\xc2\x9b"
			   "2J",
			   "\\xc2\\x9b2J", 10);
	assert_string_text("\xe2\x80\xae"
			   "evil",
			   "\\xe2\\x80\\xaeevil", 16);
	assert_string_text("\xe2\x81\xa6\xe2\x80\xa8", "\\xe2\\x81\\xa6\\xe2\\x80\\xa8", 24);
	assert_string_text("\xff\xc0\xaf", "\\xff\\xc0\\xaf", 12);
	assert_string_text("caf\xc3", "caf\\xc3", 7);
	assert_string_text("caf\xc3\xa9!", "caf\xc3\xa9!", 5);
	/* In the C.UTF-8 locale: two wide characters, then a letter with a combining accent. */
	assert_string_text("\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac", 4);
	assert_string_text("e\xcc\x81", "e\xcc\x81", 1);
	/* A locale that knows neither. */
	assert_non_null(setlocale(LC_CTYPE, "C"));
	assert_string_text("\xe6\x97\xa5"
			   "e\xcc\x81",
			   "\xe6\x97\xa5"
			   "e\xcc\x81",
			   3);
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

static void test_csv_quoting(_unused_ void **state)
{
	static const char *const cases[][2] = {
		{"", ""},	    {"plain", "plain"},
		{"a b", "a b"},	    {"a,b", "\"a,b\""},
		{"\"", "\"\"\"\""}, {"say \"hi\"", "\"say \"\"hi\"\"\""},
		{" a", "\" a\""},   {"a ", "\"a \""},
		{" ", "\" \""},	    {",\",", "\",\"\",\""},
	};
	_buffer_ buffer = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char expected[64];

		snprintf(expected, sizeof(expected), "a,\" %s", cases[i][1]);
		buffer_append_string(&buffer, "a,\" ");
		buffer_append_string(&buffer, cases[i][0]);
		text_quote_csv(&buffer, 4);
		assert_buffer(&buffer, expected);
	}
}

static void assert_json(const char *text, size_t n, const char *expected)
{
	_buffer_ buffer = {};

	json_append_text(&buffer, text, n);
	assert_buffer(&buffer, expected);
}

#define assert_string_json(text, expected) assert_json(text, sizeof(text) - 1, expected)

static void test_json_text(_unused_ void **state)
{
	assert_string_json("", "\"\"");
	assert_string_json("plain", "\"plain\"");
	assert_string_json("\"\\/", "\"\\\"\\\\/\"");
	assert_string_json("a long enough text, then \n", "\"a long enough text, then \\u000a\"");
	assert_string_json("\0\x1f\x7f", "\"\\u0000\\u001f\\u007f\"");
	assert_string_json("\xc2\x80\xc2\x9f\xc2\xa0", "\"\\u0080\\u009f\xc2\xa0\"");
	assert_string_json("\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa9", "\"\\u2028\\u202e\\u2069\"");
	assert_string_json("\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"");
	assert_string_json("a\xff"
			   "b",
			   "\"a\\ufffdb\"");
	assert_string_json("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_string_json("\xe2\x82", "\"\\ufffd\\ufffd\"");
	/* The byte that breaks a sequence off counts for itself. */
	assert_string_json("\xe2\x82\xc3\xa9", "\"\\ufffd\\ufffd\xc3\xa9\"");
}

static void test_json_lists(_unused_ void **state)
{
	static const uint32_t uints[] = {0, 7, UINT32_MAX};
	_buffer_ buffer = {};

	json_append_texts(&buffer, "", 0);
	assert_buffer(&buffer, "[]");
	json_append_texts(&buffer, "\0", 1);
	assert_buffer(&buffer, "[\"\"]");
	json_append_texts(&buffer, "ls\0-l\0\0", 7);
	assert_buffer(&buffer, "[\"ls\",\"-l\",\"\"]");
	json_append_texts(&buffer, "ls\0cut", 6);
	assert_buffer(&buffer, "[\"ls\",\"cut\"]");
	json_append_uints(&buffer, uints, 0);
	assert_buffer(&buffer, "[]");
	json_append_uints(&buffer, uints, ARRAY_SIZE(uints));
	assert_buffer(&buffer, "[0,7,4294967295]");
}

/* What glibc's own decoder thinks of it. */
static void assert_pure(const struct buffer *buffer)
{
	mbstate_t mb = {};

	for (size_t at = 0; at < buffer->length;) {
		wchar_t c = 0;
		size_t n = mbrtowc(&c, buffer->data + at, buffer->length - at, &mb);

		assert_true(n > 0 && n <= 4);
		at += n;
		if (c == '\n')
			continue;
		assert_true(c >= 0x20 && c <= 0x10ffff && (c < 0x7f || c > 0x9f));
		assert_true((c < 0x2028 || c > 0x202e) && (c < 0x2066 || c > 0x2069));
		assert_true(c < 0xd800 || c > 0xdfff);
	}
}

/* Strings, a line each, through `jq explode`: code points, a line of them each. Both lists end
 * up equal, or the test fails. */
static void assert_jq_reads(const struct buffer *json, const struct buffer *expected)
{
	_cleanup_(closep) int fd = memfd_create("test_json", MFD_CLOEXEC);
	_buffer_ got = {};
	char chunk[65536], command[64];
	FILE *jq;

	assert_true(fd >= 0);
	assert_false(json->failed || expected->failed);
	assert_pure(json);
	assert_int_equal(write(fd, json->data, json->length), json->length);
	snprintf(command, sizeof(command), "jq -c explode </proc/%d/fd/%d", getpid(), fd);
	jq = popen(command, "re");
	assert_non_null(jq);
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), jq)) > 0;)
		buffer_append(&got, chunk, n);
	assert_int_equal(pclose(jq), 0);
	assert_int_equal(got.length, expected->length);
	assert_memory_equal(got.data, expected->data, got.length);
}

static void add_text(struct buffer *json, const char *text, size_t n)
{
	json_append_text(json, text, n);
	buffer_append_char(json, '\n');
}

static void add_codes(struct buffer *expected, const uint32_t *codes, size_t n)
{
	json_append_uints(expected, codes, n);
	buffer_append_char(expected, '\n');
}

/* Each byte alone, and each pair: only ASCII and one kind of pair are valid. */
static void test_jq_bytes(_unused_ void **state)
{
	_buffer_ json = {}, expected = {};

	for (unsigned int a = 0; a < 256; a++) {
		char text[2] = {(char)a};
		uint32_t codes[2] = {a < 0x80 ? a : 0xfffd};

		add_text(&json, text, 1);
		add_codes(&expected, codes, 1);
		for (unsigned int b = 0; b < 256; b++) {
			bool pair = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;

			text[1] = (char)b;
			codes[0] = pair ? (a - 0xc0) * 64 + b - 0x80 : a < 0x80 ? a : 0xfffd;
			codes[1] = b < 0x80 ? b : 0xfffd;
			add_text(&json, text, 2);
			add_codes(&expected, codes, pair ? 1 : 2);
		}
	}
	assert_jq_reads(&json, &expected);
}

/* Every code point that there is, 256 of a line. */
static void test_jq_codes(_unused_ void **state)
{
	_buffer_ json = {}, expected = {};

	for (uint32_t base = 0; base <= 0x10ff00; base += 256) {
		uint32_t codes[256];
		char text[256 * 4];
		size_t n = 0;

		if (base >= 0xd800 && base <= 0xdfff)
			continue;
		for (uint32_t code = base; code < base + 256; code++) {
			codes[code - base] = code;
			if (code < 0x80) {
				text[n++] = (char)code;
				continue;
			}
			if (code < 0x800) {
				text[n++] = (char)(0xc0 + code / 64);
			} else if (code < 0x10000) {
				text[n++] = (char)(0xe0 + code / 4096);
				text[n++] = (char)(0x80 + code / 64 % 64);
			} else {
				text[n++] = (char)(0xf0 + code / 262144);
				text[n++] = (char)(0x80 + code / 4096 % 64);
				text[n++] = (char)(0x80 + code / 64 % 64);
			}
			text[n++] = (char)(0x80 + code % 64);
		}
		add_text(&json, text, n);
		add_codes(&expected, codes, 256);
	}
	assert_jq_reads(&json, &expected);
}

/* Longer sequences that are no UTF-8: a replacement for each byte, and what follows is whole. */
static void test_jq_invalid(_unused_ void **state)
{
	static const struct {
		const char *text;
		size_t n; /* of its invalid bytes; "x" follows */
	} cases[] = {
		{"\xe0\x80\x80x", 3},
		{"\xe0\x9f\xbfx", 3},
		{"\xed\xa0\x80x", 3},
		{"\xed\xbf\xbfx", 3},
		{"\xe2\x82x", 2},
		{"\xf0\x80\x80\x80x", 4},
		{"\xf0\x8f\xbf\xbfx", 4},
		{"\xf4\x90\x80\x80x", 4},
		{"\xf0\x9f\x98x", 3},
		{"\xf7\xbf\xbf\xbfx", 4},
		{"\xf8\x88\x80\x80\x80x", 5},
		{"\xfc\x84\x80\x80\x80\x80x", 6},
		{"\xed\xa0\xbd\xed\xb8\x80x", 6},
	};
	_buffer_ json = {}, expected = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t codes[8];

		for (size_t j = 0; j < cases[i].n; j++)
			codes[j] = 0xfffd;
		codes[cases[i].n] = 'x';
		add_text(&json, cases[i].text, strlen(cases[i].text));
		add_codes(&expected, codes, cases[i].n + 1);
	}
	assert_jq_reads(&json, &expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buffer_numbers),
		cmocka_unit_test(test_buffer_grows_to_its_bound),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_unsafe),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_csv_quoting),
		cmocka_unit_test(test_json_text),
		cmocka_unit_test(test_json_lists),
		cmocka_unit_test(test_jq_bytes),
		cmocka_unit_test(test_jq_codes),
		cmocka_unit_test(test_jq_invalid),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
