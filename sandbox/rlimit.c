/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlimit: the resource limits of the program's process, which all its children inherit. No hard limit
 * is raised, not even where root could.
 *
 * The number of processes is held without a cgroup, which would cost milliseconds at every start:
 * since Linux 5.14 RLIMIT_NPROC counts per user and user namespace, and the program's namespace
 * holds this one jail. It does not hold for the host's uid 0 (copy_process() in kernel/fork.c).
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "lib/clock.h"

bool rlimit_counts_jail(uid_t uid)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	return uid != 0 && uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 14));
}

/* As low as asked or lower. */
static void lower(const struct jail_setup *s, int what, rlim_t soft, rlim_t hard)
{
	struct rlimit now, want = { soft, hard };
	int r = getrlimit((__rlimit_resource_t)what, &now);

	if (r == 0) {
		want.rlim_max = want.rlim_max < now.rlim_max ? want.rlim_max : now.rlim_max;
		want.rlim_cur = want.rlim_cur < want.rlim_max ? want.rlim_cur : want.rlim_max;
		r = setrlimit((__rlimit_resource_t)what, &want);
	}
	if (r < 0)
		jail_fail(s, -errno, "cannot set resource limit %d: %s", what, strerror(errno));
}

static void apply_asked(const struct jail_setup *s, int what, const struct jail_rlimit *l)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)what, &now) == 0 && l->hard > now.rlim_max)
		jail_fail(s, -EPERM, "a resource limit above the caller's own hard limit of %ju is asked for; give at "
			  "most that", (uintmax_t)now.rlim_max);
	lower(s, what, l->soft, l->hard);
}

static rlim_t whole_seconds(uint64_t ns)
{
	return (rlim_t)((ns + NS_PER_S - 1) / NS_PER_S);
}

void rlimit_apply(const struct jail_setup *s)
{
	const struct jail_limits *l = s->limits;
	rlim_t cpu = whole_seconds(l->cpu_ns);
	struct rlimit now;

	/*
	 * A crash must not feed a core dump to the host's core handler. For handlers behind a pipe the
	 * kernel ignores a limit of 0, and 1 means never (do_coredump() in fs/coredump.c).
	 */
	lower(s, RLIMIT_CORE, 1, 1);
	if (getrlimit(RLIMIT_NOFILE, &now) == 0)
		lower(s, RLIMIT_NOFILE, now.rlim_cur, JAIL_NOFILE_DEFAULT);
	if (s->nproc)
		lower(s, RLIMIT_NPROC, l->pids ? l->pids : JAIL_PIDS_DEFAULT,
		      l->pids ? l->pids : JAIL_PIDS_DEFAULT);
	if (s->cpu_per_process)
		/* SIGXCPU, then SIGKILL a second later: only the first tells what it was. */
		lower(s, RLIMIT_CPU, cpu, cpu + (l->grace_ns ? whole_seconds(l->grace_ns) : 1));
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		if (l->rlimit[i].set)
			apply_asked(s, i, &l->rlimit[i]);
	}
}
