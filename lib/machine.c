/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/machine.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#define FILE_BYTES (64 * 1024) /* of these files that matter: lines for about 600 processors */

/* The numbers behind the first word of a line. False: not as many as there must be. */
static bool parse_times(const char *line, struct machine_times *ret_times)
{
	uint64_t tick_ns = NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	unsigned long long v[8] = {};

	if (sscanf(line, "%*s %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3],
		   &v[4], &v[5], &v[6], &v[7]) < 4)
		return false;
	*ret_times = (struct machine_times){
		.idle_ns = v[3] * tick_ns,
		.iowait_ns = v[4] * tick_ns,
		.irq_ns = v[5] * tick_ns,
		.softirq_ns = v[6] * tick_ns,
		.steal_ns = v[7] * tick_ns,
		.busy_ns = (v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) * tick_ns,
	};
	return true;
}

static uint64_t since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

struct machine_times machine_times_since(const struct machine_times *now,
					 const struct machine_times *then)
{
	return (struct machine_times){.idle_ns = since(now->idle_ns, then->idle_ns),
				      .iowait_ns = since(now->iowait_ns, then->iowait_ns),
				      .irq_ns = since(now->irq_ns, then->irq_ns),
				      .softirq_ns = since(now->softirq_ns, then->softirq_ns),
				      .steal_ns = since(now->steal_ns, then->steal_ns),
				      .busy_ns = since(now->busy_ns, then->busy_ns)};
}

int machine_parse_stat(const char *text, struct machine_cpus *ret_cpus)
{
	struct machine_cpus cpus = {};

	if (strncmp(text, "cpu ", 4) != 0 || !parse_times(text, &cpus.all))
		return -EBADMSG;
	while ((text = strchr(text, '\n')) && strncmp(++text, "cpu", 3) == 0) {
		struct machine_times times;

		if (!parse_times(text, &times))
			return -EBADMSG;
		if (cpus.n < MACHINE_CPUS_MAX)
			cpus.each[cpus.n] = times;
		cpus.n++;
	}
	*ret_cpus = cpus;
	return 0;
}

/* The number of kB behind "@key:" at the beginning of a line, as bytes; 0: no such line. */
static uint64_t parse_kb(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (; text; text = strchr(text, '\n')) {
		if (*text == '\n')
			text++;
		if (strncmp(text, key, length) == 0 && text[length] == ':')
			return strtoull(text + length + 1, NULL, 10) * 1024;
	}
	return 0;
}

int machine_parse_meminfo(const char *text, struct machine_memory *ret_memory)
{
	struct machine_memory memory = {
		.total_bytes = parse_kb(text, "MemTotal"),
		.available_bytes = parse_kb(text, "MemAvailable"),
		.cached_bytes = parse_kb(text, "Cached") + parse_kb(text, "Buffers"),
		.swap_total_bytes = parse_kb(text, "SwapTotal"),
		.swap_free_bytes = parse_kb(text, "SwapFree"),
	};

	if (!memory.total_bytes)
		return -EBADMSG;
	*ret_memory = memory;
	return 0;
}

int machine_parse_loadavg(const char *text, struct machine_load *ret_load)
{
	struct machine_load load;

	/* always with a point: no locale is set for numbers */
	if (sscanf(text, "%lf %lf %lf", &load.minutes[0], &load.minutes[1], &load.minutes[2]) != 3)
		return -EBADMSG;
	*ret_load = load;
	return 0;
}

/* The file's text, cut behind FILE_BYTES, NUL-terminated; *@ret_text is the caller's to free. */
static int read_file(int proc_fd, const char *name, char **ret_text)
{
	_cleanup_(closep) int fd = openat(proc_fd, name, O_RDONLY | O_CLOEXEC);
	_cleanup_(freep) char *text = NULL;
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	text = malloc(FILE_BYTES + 1);
	if (!text)
		return -ENOMEM;
	while ((n = read(fd, text + have, FILE_BYTES - have)) > 0)
		have += (size_t)n;
	if (n < 0)
		return -errno;
	text[have] = '\0';
	*ret_text = text;
	text = NULL;
	return 0;
}

int machine_read_cpus(int proc_fd, struct machine_cpus *ret_cpus)
{
	_cleanup_(freep) char *text = NULL;
	int r = read_file(proc_fd, "stat", &text);

	return r < 0 ? r : machine_parse_stat(text, ret_cpus);
}

int machine_read_memory(int proc_fd, struct machine_memory *ret_memory)
{
	_cleanup_(freep) char *text = NULL;
	int r = read_file(proc_fd, "meminfo", &text);

	return r < 0 ? r : machine_parse_meminfo(text, ret_memory);
}

int machine_read_load(int proc_fd, struct machine_load *ret_load)
{
	_cleanup_(freep) char *text = NULL;
	int r = read_file(proc_fd, "loadavg", &text);

	return r < 0 ? r : machine_parse_loadavg(text, ret_load);
}
