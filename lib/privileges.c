/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/privileges.h"

#include <cap-ng.h>
#include <sys/prctl.h>

#define NOBODY 65534

int privileges_drop(const struct privileges_keep *keep)
{
	if (capng_get_caps_process() < 0)
		return -EPERM;
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID) ||
	    !capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID))
		return 0;
	capng_clear(CAPNG_SELECT_BOTH);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_PTRACE);
	if (keep->kill)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_KILL);
	if (keep->bpf) {
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_BPF);
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_PERFMON);
	}
	if (capng_change_id(NOBODY, NOBODY, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) < 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

int privileges_run_without(int (*fn)(void *context), void *context)
{
	void *saved;
	int r;

	if (capng_get_caps_process() < 0)
		return -EPERM;
	saved = capng_save_state();
	if (!saved)
		return -ENOMEM;
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++)
		capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, i);
	r = capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : fn(context);
	capng_restore_state(&saved);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	return r;
}
