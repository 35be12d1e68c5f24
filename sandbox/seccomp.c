/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp: loads the filters that profiles/default.c made at build time. Needs no_new_privs. */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/seccomp_default.h"

static int load(const struct sock_filter *insns, size_t n)
{
	struct sock_fprog prog = {
		.len = (unsigned short)n,
		.filter = (struct sock_filter *)(size_t)insns,
	};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ? -errno : 0;
}

int seccomp_load(void)
{
	/* Where both refuse, the errno of the later one counts: the one that says why. */
	int r = load(profile_exists, sizeof(profile_exists) / sizeof(profile_exists[0]));

	if (r < 0)
		return r;
	return load(profile_uses, sizeof(profile_uses) / sizeof(profile_uses[0]));
}
