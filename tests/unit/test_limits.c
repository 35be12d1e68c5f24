/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about limits: what the options take, and where the cgroups are on machines with v1, v2, both,
 * systemd, inside containers.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/limits.h"
#include "lib/clock.h"
#include "sandbox/cgroup.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void test_values(void **state)
{
	static const struct {
		const char *name, *value;
		size_t at;		/* of the member, 64 bits */
		uint64_t want;		/* 0: refused */
	} t[] = {
#define M(m) offsetof(struct jail_limits, m)
		{ "--memory", "1048576", M(memory), 1048576 },
		{ "--memory", "1M", M(memory), 1048576 },
		{ "--memory", "64MiB", M(memory), 64ull << 20 },
		{ "--memory", "2G", M(memory), 2ull << 30 },
		{ "--memory", "3T", M(memory), 3ull << 40 },
		{ "--memory", "1023K", M(memory), 0 },
		{ "--memory", "0", M(memory), 0 },
		{ "--memory", "", M(memory), 0 },
		{ "--memory", "-1", M(memory), 0 },
		{ "--memory", " 1M", M(memory), 0 },
		{ "--memory", "1MB", M(memory), 0 },
		{ "--memory", "1Mi", M(memory), 0 },
		{ "--memory", "1m", M(memory), 0 },
		{ "--memory", "1.5G", M(memory), 0 },
		{ "--memory", "9007199254740992K", M(memory), 0 },
		{ "--memory", "99999999999999999999", M(memory), 0 },
		{ "--pids", "1", M(pids), 1 },
		{ "--pids", "4194304", M(pids), 4194304 },
		{ "--pids", "4194305", M(pids), 0 },
		{ "--pids", "0", M(pids), 0 },
		{ "--pids", "10x", M(pids), 0 },
		{ "--time", "2", M(wall_ns), 2 * NS_PER_S },
		{ "--time", "0.25", M(wall_ns), NS_PER_S / 4 },
		{ "--time", "0.000000001", M(wall_ns), 1 },
		{ "--time", "0.0000000001", M(wall_ns), 0 },
		{ "--time", "0", M(wall_ns), 0 },
		{ "--time", "0.0", M(wall_ns), 0 },
		{ "--time", "1.", M(wall_ns), 0 },
		{ "--time", ".5", M(wall_ns), 0 },
		{ "--time", "1.5s", M(wall_ns), 0 },
		{ "--time", "1e3", M(wall_ns), 0 },
		{ "--time", "-1", M(wall_ns), 0 },
		{ "--time", "inf", M(wall_ns), 0 },
		{ "--time", "100000000", M(wall_ns), 100000000 * NS_PER_S },
		{ "--time", "100000001", M(wall_ns), 0 },
		{ "--cpu-time", "1.5", M(cpu_ns), 1500 * NS_PER_MS },
		{ "--grace", "0.5", M(grace_ns), NS_PER_S / 2 },
		{ "--grace", "3601", M(grace_ns), 0 },
		{ "--tmpfs-size", "64K", M(tmpfs_size), 65536 },
		{ "--tmpfs-size", "65535", M(tmpfs_size), 0 },
		{ "--tmpfs-inodes", "32", M(tmpfs_inodes), 32 },
		{ "--tmpfs-inodes", "31", M(tmpfs_inodes), 0 },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct jail_limits l = { 0 };
		char why[LIMITS_WHY_CAP] = "";
		int r = limits_set(&l, t[i].name, t[i].value, why);
		uint64_t got;

		memcpy(&got, (const char *)&l + t[i].at, sizeof(got));
		if (t[i].want ? r != 0 || got != t[i].want : r != -EINVAL || !why[0])
			fail_msg("%s '%s': %d, %llu, '%s'", t[i].name, t[i].value, r, (unsigned long long)got, why);
	}
}

static void test_cpu(void **state)
{
	static const struct {
		const char *value;
		uint32_t want;
	} t[] = {
		{ "1", 1000 }, { "1.5", 1500 }, { "0.01", 10 }, { "0.009", 0 }, { "0", 0 }, { "10000", 10000000 },
		{ "10001", 0 }, { "0.0005", 0 }, { "two", 0 },
	};
	char why[LIMITS_WHY_CAP];

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct jail_limits l = { 0 };

		assert_int_equal(limits_set(&l, "--cpu", t[i].value, why), t[i].want ? 0 : -EINVAL);
		if (t[i].want)
			assert_int_equal(l.cpu_milli, t[i].want);
	}
}

static void test_rlimits(void **state)
{
	static const struct {
		const char *value;
		int number;		/* -1: refused */
		rlim_t soft, hard;
	} t[] = {
		{ "nofile=100", RLIMIT_NOFILE, 100, 100 },
		{ "nofile=100:200", RLIMIT_NOFILE, 100, 200 },
		{ "as=1G", RLIMIT_AS, 1 << 30, 1 << 30 },
		{ "stack=8M:unlimited", RLIMIT_STACK, 8 << 20, RLIM_INFINITY },
		{ "fsize=0", RLIMIT_FSIZE, 0, 0 },
		{ "cpu=unlimited", RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY },
		{ "nofile=200:100", -1, 0, 0 },
		{ "nofile=unlimited:100", -1, 0, 0 },
		{ "nofile=1K", -1, 0, 0 },
		{ "nofile=", -1, 0, 0 },
		{ "nofile", -1, 0, 0 },
		{ "nofile=1:", -1, 0, 0 },
		{ "nofile=1:2:3", -1, 0, 0 },
		{ "=1", -1, 0, 0 },
		{ "", -1, 0, 0 },
		{ "core=0", -1, 0, 0 },
		{ "NOFILE=1", -1, 0, 0 },
		{ "nofiles=1", -1, 0, 0 },
		{ "as=00000000000000000000000000000000000000000000000000000000000000000000001", -1, 0, 0 },
	};
	char why[LIMITS_WHY_CAP];

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct jail_limits l = { 0 };
		int r = limits_set(&l, "--rlimit", t[i].value, why);

		if (r != (t[i].number < 0 ? -EINVAL : 0))
			fail_msg("--rlimit %s: %d", t[i].value, r);
		if (r < 0)
			continue;
		assert_true(l.rlimit[t[i].number].set);
		assert_true(l.rlimit[t[i].number].soft == t[i].soft && l.rlimit[t[i].number].hard == t[i].hard);
	}
}

static void test_together(void **state)
{
	struct jail_limits l = { .grace_ns = 1 };
	char why[LIMITS_WHY_CAP];

	(void)state;
	assert_int_equal(limits_check(&l, why), -EINVAL);
	l.cpu_ns = 1;
	assert_int_equal(limits_check(&l, why), 0);
}

static void test_usage(void **state)
{
	(void)state;
	assert_int_equal(cgroup_usage_parse("123456789\n"), 123456789);
	assert_int_equal(cgroup_usage_parse("0"), 0);
	assert_int_equal(cgroup_usage_parse("usage_usec 12\nuser_usec 7\nsystem_usec 5\n"), 12000);
	assert_int_equal(cgroup_usage_parse("user_usec 7\n"), -EBADMSG);
	assert_int_equal(cgroup_usage_parse("usage_usec -7\n"), -EBADMSG);
	assert_int_equal(cgroup_usage_parse("12 13\n"), -EBADMSG);
	assert_int_equal(cgroup_usage_parse(""), -EBADMSG);
	assert_int_equal(cgroup_usage_parse("99999999999999999999999\n"), -EBADMSG);
}

#define V2 "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1(n, ctl) "32 31 0:" n " / /sys/fs/cgroup/" ctl " rw,relatime - cgroup cgroup rw," ctl "\n"

static const struct machine {
	const char *what, *cgroup, *mounts;
	const char *memory, *pids, *cpu, *cpuacct, *io, *v2, *v2_top;
} machines[] = {
	{ "v2 with systemd", "0::/user.slice/user-1000.slice/session-3.scope\n",
	  "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n" V2, "", "", "", "", "",
	  "/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope", "/sys/fs/cgroup" },
	{ "v2 in a cgroup namespace", "0::/\n", V2, "", "", "", "", "", "/sys/fs/cgroup", "/sys/fs/cgroup" },
	{ "v2, the mount shows another cgroup", "0::/../other\n", V2, "", "", "", "", "", "", "" },
	{ "v2, bound from inside", "0::/box/a\n",
	  "30 23 0:26 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "", "", "", "", "", "/sys/fs/cgroup/a",
	  "/sys/fs/cgroup" },
	{ "v2, the root is no whole name", "0::/boxes\n",
	  "30 23 0:26 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "", "", "", "", "", "", "" },
	{ "v2 of a container whose root is outside", "0::/\n",
	  "30 23 0:26 /.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "", "", "", "", "", "", "" },
	{ "v1", "4:memory:/a\n3:pids:/\n2:cpu,cpuacct:/b/c\n1:blkio:/\n",
	  V1("31", "memory") V1("32", "pids") V1("33", "cpu,cpuacct") V1("34", "blkio"),
	  "/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/cpu,cpuacct/b/c",
	  "/sys/fs/cgroup/cpu,cpuacct/b/c", "/sys/fs/cgroup/blkio", "", "" },
	{ "hybrid", "9:name=systemd:/\n8:pids:/\n4:memory:/x\n0::/\n",
	  V1("31", "memory") V1("32", "pids") "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
	  "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
	  "/sys/fs/cgroup/memory/x", "/sys/fs/cgroup/pids", "", "", "", "/sys/fs/cgroup/unified",
	  "/sys/fs/cgroup/unified" },
	{ "v1 in a container that binds its own cgroup", "4:memory:/docker/0123\n",
	  "32 31 0:31 /docker/0123 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
	  "/sys/fs/cgroup/memory", "", "", "", "", "", "" },
	{ "escaped blanks, optional fields, colons in the path", "0::/a:b c\n",
	  "30 23 0:26 / /my\\040cg rw shared:9 master:2 - cgroup2 none rw\n", "", "", "", "", "", "/my cg/a:b c",
	  "/my cg" },
	{ "a controller mounted, but no line about it", "0::/\n", V1("31", "memory"), "", "", "", "", "", "", "" },
	{ "nothing", "", "", "", "", "", "", "", "", "" },
	{ "cut off", "0:", "30 23 0:26 / /sys", "", "", "", "", "", "", "" },
	{ "another file system called cgroup", "0::/\n4:memory:/\n",
	  "30 23 0:26 / /cg rw - tmpfs cgroup2 rw,memory\n", "", "", "", "", "", "", "" },
	{ "no controller by part of its name", "4:memory2:/\n", V1("31", "memory2"), "", "", "", "", "", "", "" },
};

static void test_layout(void **state)
{
	static struct cgroup_layout l;

	(void)state;
	for (size_t i = 0; i < N(machines); i++) {
		const struct machine *m = &machines[i];
		const char *const want[] = { m->memory, m->pids, m->cpu, m->cpuacct, m->io, m->v2, m->v2_top };
		const char *const got[] = { l.v1[CGROUP_MEMORY], l.v1[CGROUP_PIDS], l.v1[CGROUP_CPU],
			l.v1[CGROUP_CPUACCT], l.v1[CGROUP_IO], l.v2, l.v2_top };

		cgroup_layout_parse(m->cgroup, m->mounts, &l);
		for (size_t k = 0; k < N(want); k++) {
			if (strcmp(got[k], want[k]) != 0)
				fail_msg("%s: path %zu is '%s', not '%s'", m->what, k, got[k], want[k]);
		}
	}
}

/* Too long a path is no path; the parser must not cut it. */
static void test_long(void **state)
{
	static struct cgroup_layout l;
	static char own[2 * CGROUP_PATH_CAP];

	(void)state;
	memset(own, 'a', sizeof(own) - 1);
	memcpy(own, "0::/", 4);
	cgroup_layout_parse(own, V2, &l);
	assert_string_equal(l.v2, "");
	assert_string_equal(l.v2_top, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_rlimits),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
