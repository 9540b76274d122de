// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/generator/die.h"
#include "tests/generator/line.h"
#include "tests/generator/process.h"
#include "tests/generator/traffic_expect.h"

struct who who_self(void)
{
	struct who who = {.pid = getpid(), .tid = gettid(), .ppid = getppid(), .uid = geteuid()};
	struct stat status;

	if (prctl(PR_GET_NAME, who.comm))
		die("prctl");
	if (stat("/proc/thread-self/ns/net", &status))
		die("stat netns");
	who.netns = status.st_ino;
	who.exe = own_exe();
	return who;
}

void expect(const char *type, const struct who *who, const struct ends *ends, const char *format,
	    ...)
{
	struct line line = {};
	va_list arguments;

	line_add(&line, "{\"type\":\"%s\",\"proto\":\"tcp\"", type);
	line_add(&line, ",\"pid\":%d,\"ppid\":%d,\"uid\":%u", who->pid, who->ppid, who->uid);
	if (who->tid)
		line_add(&line, ",\"tid\":%d", who->tid);
	line_add(&line, ",\"netns\":%lu", ends->netns ? ends->netns : who->netns);
	if (who->comm[0]) {
		line_add(&line, ",\"comm\":");
		line_string(&line, who->comm);
	}
	if (who->exe.path[0]) {
		line_add(&line, ",\"exe\":");
		line_string(&line, who->exe.path);
		line_add(&line, ",\"name\":");
		line_string(&line, base_name(who->exe.path));
	}
	if (ends->laddr[0])
		line_add(&line, ",\"laddr\":\"%s\"", ends->laddr);
	if (ends->lport)
		line_add(&line, ",\"lport\":%u", ends->lport);
	if (ends->raddr[0])
		line_add(&line, ",\"raddr\":\"%s\"", ends->raddr);
	if (ends->rport)
		line_add(&line, ",\"rport\":%u", ends->rport);
	if (ends->cookie)
		line_add(&line, ",\"cookie\":%lu", ends->cookie);
	va_start(arguments, format);
	if (*format) {
		line_add(&line, ",");
		line_vadd(&line, format, arguments);
	}
	va_end(arguments);
	line_add(&line, "}\n");
	line_print(&line);
}
