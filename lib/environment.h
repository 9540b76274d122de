/* SPDX-License-Identifier: GPL-2.0-only */
/* What this kernel and these privileges allow, found by asking the kernel and its BTF, never by
 * its version number. */
#ifndef LIB_ENVIRONMENT_H
#define LIB_ENVIRONMENT_H

#include <stdbool.h>

#include "lib/base.h"

struct bpf_program;
struct environment;

/* Checks what every tool needs, the commonest obstacle first: privileges, lockdown, BTF, the ring
 * buffer. Returns 0, or a negative errno with the cause and the remedy. */
int environment_new(struct environment **ret_environment, struct error *error);
void environment_free(struct environment *environment);
static inline void environment_freep(struct environment **environment)
{
	environment_free(*environment);
	*environment = NULL;
}

/* Has the kernel this tracepoint (for tp_btf)? */
bool environment_has_tracepoint(struct environment *environment, const char *name);

/* Does the kernel's BTF know this function? */
bool environment_has_function(struct environment *environment, const char *name);

/* May tracepoints be preempted? From 7.0 on, when their calls came under SRCU-fast. */
bool environment_can_preempt_tracepoints(struct environment *environment);

/* Can a tracing program be attached to the end of this kernel function (fexit)? Tried with a
 * program that does nothing: loaded for each function, attached to the first. *ret_parameters:
 * number of the function's parameters. */
bool environment_can_trace_return(struct environment *environment, const char *function,
				  unsigned int *ret_parameters);

/* Can a kprobe be put on the end of this kernel function (kretprobe)? Tried. */
bool environment_can_probe_return(const char *function);

/* libbpf's warnings go to stderr, or nowhere. */
void environment_set_verbose(bool verbose);

/* Lets go of the kernel's types (10 MB): done with asking, at least for now. */
void environment_forget_types(struct environment *environment);

/* Between opening and loading, with any tracing program of the object: has libbpf do without the
 * types of modules if it may not read them (that takes CAP_SYS_ADMIN). Up to 1.3 it gives up on the
 * first optional kernel function that vmlinux does not have, but asks for modules only once. */
void environment_skip_modules(struct bpf_program *program);

#endif
