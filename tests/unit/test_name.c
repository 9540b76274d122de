/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/name: what a program is called, from what exec, the kernel or procfs tell of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base.h"
#include "lib/name.h"

#define ARGS(text) .args = (text), .args_length = sizeof(text) - 1

struct expect {
	const char *what;
	struct name_facts facts;
	const char *name;   /* NULL: nothing can be told */
	const char *script; /* NULL: none */
	enum name_source source;
};

static void check_text(const char *what, const char *field, struct text text, const char *expected)
{
	if (!text.start != !expected || (expected && (text.length != strlen(expected) ||
						      memcmp(text.start, expected, text.length))))
		fail_msg("%s: %s is \"%.*s\", not \"%s\"", what, field, (int)text.length,
			 text.start ? text.start : "", expected ? expected : "(none)");
}

static void check(bool (*decide)(const struct name_facts *, struct name_choice *),
		  const struct expect *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct name_choice choice = {.name.start = "untouched", .source = 77};
		bool known = decide(&cases[i].facts, &choice);

		if (known != !!cases[i].name)
			fail_msg("%s: known is %d", cases[i].what, known);
		if (!known) {
			assert_int_equal(choice.source, 77);
			continue;
		}
		check_text(cases[i].what, "name", choice.name, cases[i].name);
		check_text(cases[i].what, "script", choice.script, cases[i].script);
		if (choice.source != cases[i].source || choice.env || choice.undecided)
			fail_msg("%s: source %d env %d undecided %d", cases[i].what, choice.source,
				 choice.env, choice.undecided);
	}
}

static void test_exec(void **state _unused_)
{
	static const struct expect cases[] = {
		{"plain",
		 {.exe = "/usr/bin/curl",
		  .filename = "/usr/bin/curl",
		  .interp = "/usr/bin/curl",
		  ARGS("curl\0-s\0")},
		 "curl",
		 NULL,
		 NAME_EXEC},
		{"long",
		 {.exe = "/opt/my-very-long-service-name",
		  .filename = "./my-very-long-service-name",
		  .interp = "./my-very-long-service-name",
		  .comm = "my-very-long-se"},
		 "my-very-long-service-name",
		 NULL,
		 NAME_EXEC},
		{"interp unknown", {.exe = "/bin/a", .filename = "/bin/a"}, "a", NULL, NAME_EXEC},
		{"multi-call link",
		 {.exe = "/bin/busybox", .filename = "/bin/ls", .interp = "/bin/ls", ARGS("ls\0")},
		 "ls",
		 NULL,
		 NAME_EXEC},
		{"exec -a",
		 {.exe = "/bin/sleep",
		  .filename = "/bin/sleep",
		  .interp = "/bin/sleep",
		  ARGS("other\0"
		       "1\0")},
		 "sleep",
		 NULL,
		 NAME_EXEC},
		{"fexecve",
		 {.exe = "/usr/bin/true", .filename = "/dev/fd/5", .interp = "/dev/fd/5"},
		 "true",
		 NULL,
		 NAME_EXEC},
		{"fexecve by proc",
		 {.exe = "/usr/bin/true",
		  .filename = "/proc/self/fd/12",
		  .interp = "/proc/self/fd/12"},
		 "true",
		 NULL,
		 NAME_EXEC},
		{"memfd",
		 {.exe = "/memfd:foo", .filename = "/dev/fd/3", .interp = "/dev/fd/3"},
		 "memfd:foo",
		 NULL,
		 NAME_EXEC},
		{"execveat below a directory",
		 {.exe = "/opt/x/tool", .filename = "/dev/fd/5/tool", .interp = "/dev/fd/5/tool"},
		 "tool",
		 NULL,
		 NAME_EXEC},
		{"a file called 5",
		 {.exe = "/srv/fd/5", .filename = "/srv/fd/5", .interp = "/srv/fd/5"},
		 "5",
		 NULL,
		 NAME_EXEC},
		{"/proc/self/exe",
		 {.exe = "/usr/bin/runc", .filename = "/proc/self/exe", .interp = "/proc/self/exe"},
		 "runc",
		 NULL,
		 NAME_EXEC},
		{"a file called exe",
		 {.exe = "/srv/exe", .filename = "/srv/exe"},
		 "exe",
		 NULL,
		 NAME_EXEC},
		{"handle, exe unknown",
		 {.filename = "/dev/fd/5", ARGS("prog\0")},
		 "prog",
		 NULL,
		 NAME_EXEC},
		{"truly called (deleted)",
		 {.exe = "/tmp/prog (deleted)",
		  .filename = "/tmp/prog (deleted)",
		  .interp = "/tmp/prog (deleted)"},
		 "prog (deleted)",
		 NULL,
		 NAME_EXEC},
		{"script",
		 {.exe = "/usr/bin/dash",
		  .filename = "./a-script-with-a-long-name.sh",
		  .interp = "/bin/sh",
		  ARGS("/bin/sh\0./a-script-with-a-long-name.sh\0")},
		 "a-script-with-a-long-name.sh",
		 "./a-script-with-a-long-name.sh",
		 NAME_EXEC},
		{"env script, second exec",
		 {.exe = "/usr/bin/python3.11",
		  .filename = "/usr/bin/python3",
		  .interp = "/usr/bin/python3",
		  ARGS("python3\0/srv/app\0"),
		  .before_script = "/srv/app",
		  .before_env = true},
		 "app",
		 "/srv/app",
		 NAME_EXEC},
		{"env script, unknown interpreter with options",
		 {.exe = "/usr/bin/uv",
		  .filename = "/usr/bin/uv",
		  .interp = "/usr/bin/uv",
		  ARGS("uv\0run\0--script\0./tool\0"),
		  .before_script = "./tool",
		  .before_env = true},
		 "tool",
		 "./tool",
		 NAME_EXEC},
		{"exec tclsh \"$0\"",
		 {.exe = "/usr/bin/tclsh8.6",
		  .filename = "/usr/bin/tclsh",
		  .interp = "/usr/bin/tclsh",
		  ARGS("tclsh\0./x.tcl\0"),
		  .before_script = "./x.tcl"},
		 "x.tcl",
		 "./x.tcl",
		 NAME_EXEC},
		{"exec sed \"$0\" is sed",
		 {.exe = "/bin/sed",
		  .filename = "/bin/sed",
		  .interp = "/bin/sed",
		  ARGS("sed\0-n\0"
		       "2p\0./x.sh\0"),
		  .before_script = "./x.sh"},
		 "sed",
		 NULL,
		 NAME_EXEC},
		{"script by descriptor",
		 {.exe = "/bin/dash",
		  .filename = "/dev/fd/4",
		  .interp = "/bin/sh",
		  ARGS("/bin/sh\0/dev/fd/4\0")},
		 "dash",
		 NULL,
		 NAME_EXEC},
		{"interpreter by descriptor runs a script",
		 {.exe = "/bin/dash",
		  .filename = "/dev/fd/4",
		  .interp = "/dev/fd/4",
		  ARGS("sh\0/srv/x.sh\0")},
		 "x.sh",
		 "/srv/x.sh",
		 NAME_GUESS},
		{"process substitution",
		 {.exe = "/bin/bash",
		  .filename = "/bin/bash",
		  .interp = "/bin/bash",
		  ARGS("bash\0/dev/fd/63\0")},
		 "bash",
		 NULL,
		 NAME_EXEC},
		{"filename unknown", {.exe = "/bin/cat", .comm = "cat"}, "cat", NULL, NAME_EXEC},
		{"nothing known", {.comm = "x"}, NULL, NULL, 0},
		{"empty texts",
		 {.comm = "", .exe = "", .filename = "", .interp = "", ARGS("")},
		 NULL,
		 NULL,
		 0},
	};

	check(name_at_exec, cases, ARRAY_SIZE(cases));
}

/* The script that each command line runs; the name of the interpreter stays where there is none. */
static void test_interpreters(void **state _unused_)
{
	static const struct {
		const char *program, *args;
		size_t length;
		const char *script;
	} cases[] = {
#define CASE(program, args, script) {program, args, sizeof(args) - 1, script}
		CASE("sh", "sh\0/a/x.sh\0arg\0", "/a/x.sh"),
		CASE("sh", "sh\0-c\0echo x\0", NULL),
		CASE("sh", "sh\0-ec\0echo x\0y.sh\0", NULL),
		CASE("sh", "sh\0-s\0a\0", NULL),
		CASE("sh", "sh\0", NULL),
		CASE("sh", "sh\0-eu\0x.sh\0", "x.sh"),
		CASE("sh", "sh\0+x\0x.sh\0", "x.sh"),
		CASE("sh", "sh\0-\0x.sh\0", "x.sh"),
		CASE("sh", "sh\0--\0-x.sh\0", "-x.sh"),
		CASE("sh", "sh\0--\0", NULL),
		CASE("sh", "sh\0\0x.sh\0", NULL),
		CASE("sh", "sh\0dir/\0", NULL),
		CASE("sh", "sh\0x.s", NULL), /* cut */
		CASE("bash", "bash\0-eo\0pipefail\0x\0", "x"),
		CASE("bash", "bash\0+o\0posix\0-O\0extglob\0x\0", "x"),
		CASE("bash", "bash\0--rcfile\0rc\0x\0", "x"),
		CASE("bash", "bash\0--init-file\0rc\0--norc\0x\0", "x"),
		CASE("bash", "bash\0-o\0", NULL),
		CASE("bash", "-bash\0", NULL),
		CASE("bash5.2", "bash5.2\0x\0", "x"),
		CASE("bashful", "bashful\0x\0", NULL),
		CASE("zsh", "zsh\0--emulate\0sh\0x\0", "x"),
		CASE("fish", "fish\0-C\0set x\0y.fish\0", "y.fish"),
		CASE("fish", "fish\0--command\0set x\0", NULL),
		CASE("fish", "fish\0--command=x\0y\0", NULL),
		CASE("python3", "python3\0-u\0app.py\0-c\0", "app.py"),
		CASE("python3.11", "python3\0app.py\0", "app.py"),
		CASE("python3", "python3\0-W\0ignore\0-X\0dev\0app.py\0", "app.py"),
		CASE("python3", "python3\0-Wignore\0-Xdev\0app.py\0", "app.py"),
		CASE("python3", "python3\0-m\0http.server\0", NULL),
		CASE("python3", "python3\0-Im\0http.server\0", NULL),
		CASE("python3", "python3\0-cimport os\0x\0", NULL),
		CASE("python3", "python3\0-\0x\0", NULL),
		CASE("python3", "python3\0--check-hash-based-pycs\0always\0a.py\0", "a.py"),
		CASE("perl", "perl\0-I\0lib\0-Mstrict\0-w\0x.pl\0", "x.pl"),
		CASE("perl", "perl\0-Ilib\0x.pl\0", "x.pl"),
		CASE("perl", "perl\0-lne\0print\0file\0", NULL),
		CASE("perl", "perl\0-0777\0-E\0say\0", NULL),
		CASE("perl", "perl\0-i.bee\0x.pl\0", "x.pl"),
		CASE("perl", "perl\0-Mre\0x.pl\0", "x.pl"),
		CASE("ruby", "ruby\0-I\0lib\0-r\0set\0-W0\0x.rb\0", "x.rb"),
		CASE("ruby", "ruby\0-e\0puts\0", NULL),
		CASE("ruby3.1", "ruby\0--encoding\0utf-8\0x.rb\0", "x.rb"),
		CASE("node", "node\0-r\0./a.js\0--require\0./b.js\0x.js\0", "x.js"),
		CASE("node", "node\0--import=./a.mjs\0--max-old-space-size=9\0x.js\0", "x.js"),
		CASE("node", "node\0--import\0./a.mjs\0x.js\0", "x.js"),
		CASE("node",
		     "node\0-pe\0"
		     "1\0",
		     NULL),
		CASE("node",
		     "node\0--eval\0"
		     "1\0",
		     NULL),
		CASE("nodejs", "nodejs\0x.js\0", "x.js"),
		CASE("php8.2", "php\0-d\0a=b\0-f\0x.php\0", "x.php"),
		CASE("php", "php\0-fx.php\0y\0", "x.php"),
		CASE("php", "php\0--file\0x.php\0", "x.php"),
		CASE("php", "php\0-r\0echo 1;\0", NULL),
		CASE("php-fpm8.2", "php-fpm\0x\0", NULL),
		CASE("lua5.4", "lua\0-e\0x=1\0-lfoo\0x.lua\0", "x.lua"),
		CASE("luajit", "luajit\0-O3\0-joff\0x.lua\0", "x.lua"),
		CASE("tclsh8.6", "tclsh\0-encoding\0utf-8\0x.tcl\0", "x.tcl"),
		CASE("expect", "expect\0-f\0x.exp\0a\0", "x.exp"),
		CASE("Rscript", "Rscript\0--vanilla\0x.R\0", "x.R"),
		CASE("R", "R\0--no-echo\0--file=/a/x.R\0--args\0y\0", "/a/x.R"),
		CASE("R", "R\0--no-echo\0--args\0y\0", NULL),
		CASE("vim", "vim\0x.py\0", NULL),
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct name_facts facts = {.exe = cases[i].program,
					   .filename = cases[i].program,
					   .interp = cases[i].program,
					   .args = cases[i].args,
					   .args_length = cases[i].length};
		const char *name = cases[i].program;
		struct name_choice choice;

		assert_true(name_at_exec(&facts, &choice));
		if (cases[i].script)
			name = strrchr(cases[i].script, '/') ? strrchr(cases[i].script, '/') + 1
							     : cases[i].script;
		check_text(cases[i].args, "name", choice.name, name);
		check_text(cases[i].program, "script", choice.script, cases[i].script);
		assert_int_equal(choice.source, cases[i].script ? NAME_GUESS : NAME_EXEC);
	}
}

static void test_running(void **state _unused_)
{
	static const struct expect cases[] = {
		{"plain",
		 {.exe = "/usr/bin/curl", .comm = "curl", ARGS("curl\0")},
		 "curl",
		 NULL,
		 NAME_EXE},
		{"27 characters",
		 {.exe = "/b/a-binary-with-27-characters",
		  .comm = "a-binary-with-2",
		  ARGS("./a-binary-with-27-characters\0")},
		 "a-binary-with-27-characters",
		 NULL,
		 NAME_EXE},
		{"comm is a prefix, but shorter than 15: a title",
		 {.exe = "/usr/bin/nginx-debug", .comm = "nginx", ARGS("/usr/bin/nginx-debug\0")},
		 "nginx-debug",
		 NULL,
		 NAME_EXE},
		{"login shell",
		 {.exe = "/usr/bin/bash", .comm = "bash", ARGS("-bash\0")},
		 "bash",
		 NULL,
		 NAME_EXE},
		{"login shell by link",
		 {.exe = "/usr/bin/dash", .comm = "sh", ARGS("-sh\0")},
		 "sh",
		 NULL,
		 NAME_CMDLINE},
		{"multi-call link",
		 {.exe = "/bin/busybox", .comm = "ping", ARGS("/bin/ping\0localhost\0")},
		 "ping",
		 NULL,
		 NAME_CMDLINE},
		{"busybox ls",
		 {.exe = "/bin/busybox", .comm = "busybox", ARGS("busybox\0ls\0")},
		 "busybox",
		 NULL,
		 NAME_EXE},
		{"script",
		 {.exe = "/usr/bin/dash",
		  .comm = "a-script-with-a",
		  ARGS("/bin/sh\0./a-script-with-a-long-name.sh\0")},
		 "a-script-with-a-long-name.sh",
		 "./a-script-with-a-long-name.sh",
		 NAME_CMDLINE},
		{"script of a program that is no known interpreter",
		 {.exe = "/usr/sbin/nft",
		  .comm = "rules.nft",
		  ARGS("/usr/sbin/nft\0-f\0/etc/rules.nft\0")},
		 "rules.nft",
		 NULL,
		 NAME_CMDLINE},
		{"env script",
		 {.exe = "/usr/bin/python3.11", .comm = "python3", ARGS("python3\0/srv/app\0")},
		 "app",
		 "/srv/app",
		 NAME_GUESS},
		{"interpreter without a script",
		 {.exe = "/usr/bin/python3.11", .comm = "python3", ARGS("python3\0-m\0x\0")},
		 "python3",
		 NULL,
		 NAME_CMDLINE},
		{"script with a title in comm",
		 {.exe = "/usr/bin/python3.11", .comm = "worker 1", ARGS("python3\0/srv/app\0")},
		 "app",
		 "/srv/app",
		 NAME_GUESS},
		{"title over the command line of an interpreter",
		 {.exe = "/usr/bin/python3.11", .comm = "celeryd", ARGS("[celeryd: x] run\0b\0")},
		 "python3.11",
		 NULL,
		 NAME_EXE},
		{"title longer than comm",
		 {.exe = "/usr/bin/python3.11",
		  .comm = "gunicorn: maste",
		  ARGS("gunicorn: master [app]\0")},
		 "python3.11",
		 NULL,
		 NAME_EXE},
		{"PostgreSQL",
		 {.exe = "/usr/lib/postgresql/15/bin/postgres",
		  .comm = "postgres",
		  ARGS("postgres: walwriter \0\0\0")},
		 "postgres",
		 NULL,
		 NAME_EXE},
		{"Chrome",
		 {.exe = "/opt/google/chrome/chrome",
		  .comm = "chrome",
		  ARGS("/opt/google/chrome/chrome --type=renderer --x=/a/b")},
		 "chrome",
		 NULL,
		 NAME_EXE},
		{"prctl title",
		 {.exe = "/usr/bin/mydaemon", .comm = "idle", ARGS("mydaemon\0")},
		 "mydaemon",
		 NULL,
		 NAME_EXE},
		{"empty comm",
		 {.exe = "/usr/bin/mydaemon", .comm = "", ARGS("\0")},
		 "mydaemon",
		 NULL,
		 NAME_EXE},
		{"exec -a",
		 {.exe = "/bin/sleep",
		  .comm = "sleep",
		  ARGS("other\0"
		       "9\0")},
		 "sleep",
		 NULL,
		 NAME_EXE},
		{"argc 0", {.exe = "/bin/true", .comm = "true", ARGS("")}, "true", NULL, NAME_EXE},
		{"comm of odd bytes",
		 {.exe = "/t/a)\n\033\xc3", .comm = "a)\n\033\xc3", ARGS("x\0")},
		 "a)\n\033\xc3",
		 NULL,
		 NAME_EXE},
		{"args unknown", {.exe = "/usr/bin/curl", .comm = "curl"}, "curl", NULL, NAME_EXE},
		{"exe unknown",
		 {.comm = "my-very-long-se", ARGS("/opt/my-very-long-service\0")},
		 "my-very-long-service",
		 NULL,
		 NAME_CMDLINE},
		{"exe unknown, PostgreSQL",
		 {.comm = "postgres", ARGS("postgres: walwriter\0")},
		 "postgres",
		 NULL,
		 NAME_CMDLINE},
		{"exe unknown, Chrome",
		 {.comm = "chrome", ARGS("/opt/google/chrome/chrome --type=x --y=/a/b")},
		 "chrome",
		 NULL,
		 NAME_CMDLINE},
		{"exe unknown, space in a folder",
		 {.comm = "app", ARGS("/opt/My Apps/app\0")},
		 "app",
		 NULL,
		 NAME_CMDLINE},
		{"exe unknown, comm a title",
		 {.comm = "idle", ARGS("/usr/bin/mydaemon\0")},
		 "mydaemon",
		 NULL,
		 NAME_CMDLINE},
		{"exe unknown, script",
		 {.comm = "sh", ARGS("/bin/sh\0/srv/x.sh\0")},
		 "x.sh",
		 "/srv/x.sh",
		 NAME_GUESS},
		{"nothing", {.comm = "zombie"}, NULL, NULL, 0},
		{"no arguments either", {.comm = "zombie", ARGS("")}, NULL, NULL, 0},
	};

	check(name_running, cases, ARRAY_SIZE(cases));
}

static void test_env(void **state _unused_)
{
	static const struct name_facts facts = {.exe = "/usr/bin/env",
						.filename = "/srv/app",
						.interp = "/usr/bin/env",
						ARGS("/usr/bin/env\0python3\0/srv/app\0")};
	struct name_choice choice;

	assert_true(name_at_exec(&facts, &choice));
	check_text("env script", "name", choice.name, "app");
	check_text("env script", "script", choice.script, "/srv/app");
	assert_int_equal(choice.source, NAME_EXEC);
	assert_true(choice.env);
}

/* Without a command line the name may be wrong where comm is not the executable's, or where an
 * interpreter's script is not known. */
static void test_undecided(void **state _unused_)
{
	static const struct name_facts link = {.exe = "/bin/busybox", .comm = "ping"};
	static const struct name_facts interpreter = {.exe = "/usr/bin/bash", .comm = "bash"};
	struct name_choice choice;

	assert_true(name_running(&link, &choice));
	check_text("link", "name", choice.name, "busybox");
	assert_int_equal(choice.source, NAME_EXE);
	assert_true(choice.undecided);

	assert_true(name_running(&interpreter, &choice));
	check_text("interpreter", "name", choice.name, "bash");
	assert_int_equal(choice.source, NAME_EXE);
	assert_true(choice.undecided);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec),	  cmocka_unit_test(test_interpreters),
		cmocka_unit_test(test_running),	  cmocka_unit_test(test_env),
		cmocka_unit_test(test_undecided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
