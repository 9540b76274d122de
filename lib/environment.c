/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/environment.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>

#include "lib/types.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

struct environment {
	struct btf *btf;     /* of the kernel; NULL: not asked for yet, parsing it takes 8 ms */
	struct types *types; /* of it */
	bool can_attach; /* a program to a function: tried. To detach takes the kernel some ms */
};

static int check_privileges(struct error *error)
{
	static const struct {
		unsigned int capability;
		const char *name;
	} needed[] = {
		{CAP_BPF, "CAP_BPF"},
		{CAP_PERFMON, "CAP_PERFMON"},
		{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
	};
	char missing[64] = "";

	if (capng_get_caps_process() < 0)
		return error_set(error, -EPERM, "cannot read the capabilities of this process");
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (capng_have_capability(CAPNG_EFFECTIVE, needed[i].capability))
			continue;
		if (*missing)
			strcat(missing, ", ");
		strcat(missing, needed[i].name);
	}
	if (*missing)
		return error_set(error, -EPERM,
				 "not permitted: %s missing; run as root (sudo), or with these "
				 "capabilities and CAP_SYS_PTRACE",
				 missing);
	return 0;
}

static int check_lockdown(struct error *error)
{
	_cleanup_(fclosep) FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	char line[128];

	if (file && fgets(line, sizeof(line), file) && strstr(line, "[confidentiality]"))
		return error_set(error, -EPERM,
				 "the kernel is locked down (lockdown=confidentiality) and lets "
				 "nobody trace it; boot with lockdown=integrity or none");
	return 0;
}

int environment_new(struct environment **ret_environment, struct error *error)
{
	_cleanup_(environment_freep) struct environment *environment = NULL;
	int r;

	r = check_privileges(error);
	if (r < 0)
		return r;
	r = check_lockdown(error);
	if (r < 0)
		return r;
	environment = calloc(1, sizeof(*environment));
	if (!environment)
		return error_set(error, -ENOMEM, "out of memory");
	if (access(KERNEL_BTF, R_OK) < 0)
		return error_set(
			error, -errno,
			"the kernel does not describe its types: " KERNEL_BTF ": %s; a kernel "
			"built with CONFIG_DEBUG_INFO_BTF is needed (Debian's are, from 5.10 "
			"on)",
			strerror(errno));
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 0)
		return error_set(error, -EOPNOTSUPP,
				 "the kernel has no BPF ring buffer; Linux 5.8 or newer is needed");
	*ret_environment = environment;
	environment = NULL;
	return 0;
}

void environment_free(struct environment *environment)
{
	if (!environment)
		return;
	environment_forget_types(environment);
	free(environment);
}

/* Id of a type; 0: there is none. */
static uint32_t find_type(struct environment *environment, const char *name, uint32_t kind)
{
	if (!environment->btf)
		environment->btf = btf__load_vmlinux_btf();
	if (environment->btf && !environment->types)
		types_new(environment->btf, &environment->types);
	return environment->types ? types_find(environment->types, name, kind) : 0;
}

bool environment_has_tracepoint(struct environment *environment, const char *name)
{
	char type[128];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return find_type(environment, type, BTF_KIND_TYPEDEF);
}

bool environment_has_function(struct environment *environment, const char *name)
{
	return find_type(environment, name, BTF_KIND_FUNC);
}

bool environment_can_preempt_tracepoints(struct environment *environment)
{
	/* the type of the guard that they are called under */
	return find_type(environment, "class_srcu_fast_notrace_t", BTF_KIND_TYPEDEF) &&
	       environment_has_function(environment, "bpf_preempt_disable");
}

bool environment_can_trace_return(struct environment *environment, const char *function,
				  unsigned int *ret_parameters)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	uint32_t id = find_type(environment, function, BTF_KIND_FUNC);
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FEXIT,
		    .attach_btf_id = id);
	_cleanup_(closep) int program = -1;
	_cleanup_(closep) int link = -1;
	const struct btf_type *type;

	if (!id)
		return false;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "probe", "GPL", insns, ARRAY_SIZE(insns),
				&options);
	if (program < 0)
		return false;
	if (!environment->can_attach)
		link = bpf_raw_tracepoint_open(NULL, program);
	environment->can_attach |= link >= 0;
	if (!environment->can_attach)
		return false;
	type = btf__type_by_id(environment->btf, id);
	*ret_parameters = btf_vlen(btf__type_by_id(environment->btf, type->type));
	return true;
}

bool environment_can_probe_return(const char *function)
{
	_cleanup_(fclosep) FILE *file = fopen("/sys/bus/event_source/devices/kprobe/type", "re");
	struct perf_event_attr attr = {.size = sizeof(attr), .config = 1 /* retprobe */};
	_cleanup_(closep) int fd = -1;

	if (!file || fscanf(file, "%u", &attr.type) != 1)
		return false;
	attr.kprobe_func = (uintptr_t)function;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd >= 0;
}

void environment_forget_types(struct environment *environment)
{
	types_free(environment->types);
	btf__free(environment->btf);
	environment->types = NULL;
	environment->btf = NULL;
}

void environment_skip_modules(struct bpf_program *program)
{
	libbpf_print_fn_t print;

	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
		return; /* they are read, and only if need be */
	print = libbpf_set_print(NULL);
	/* no kernel has this function: what is refused is of no consequence */
	(void)bpf_program__set_attach_target(program, 0, "environment_skip_modules");
	libbpf_set_print(print);
}

static int print_nothing(enum libbpf_print_level level _unused_, const char *format _unused_,
			 va_list arguments _unused_)
{
	return 0;
}

static int print_warnings(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, arguments);
}

void environment_set_verbose(bool verbose)
{
	libbpf_set_print(verbose ? print_warnings : print_nothing);
}
