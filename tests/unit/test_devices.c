/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of --device, those that come with sluice, and the filter that holds them. TOP is set by the build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cli/device_list.h"
#include "sandbox/filter_file.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_list(void **state)
{
	static const struct {
		const char *text, *why;		/* NULL: right */
		bool with_paths;
		struct ioctl_command want;	/* the first */
	} t[] = {
		/* 1 */ { "0x5401", NULL, false, { 0x5401, UINT32_MAX } },
		/* 2 */ { "# a list\n\n 0x8004e500 FUSE_DEV_IOC_CLONE # of 6.18\n", NULL, false, { 0x8004e500, UINT32_MAX } },
		/* 3 */ { "44544\tKVM_GET_API_VERSION\r\n", NULL, false, { 44544, UINT32_MAX } },
		/* 4 */ { "0xc0004600/0xc000ffff X", NULL, false, { 0xc0004600, 0xc000ffff } },
		/* 5 */ { "TCGETS\n", NULL, false, { 0x5401, UINT32_MAX } },
		/* 6 */ { "0xffffffff/0xffffffff", NULL, false, { 0xffffffff, UINT32_MAX } },
		/* 7 */ { "0x100000000", "line 1: 0x100000000: not NUMBER", false, { 0, 0 } },
		/* 8 */ { "\n12x", "line 2: 12x: not NUMBER", false, { 0, 0 } },
		/* 9 */ { "-1", "line 1: -1: no known name", false, { 0, 0 } },
		/* 10 */ { "0x10/", "not NUMBER", false, { 0, 0 } },
		/* 11 */ { "0x10/-1", "not NUMBER", false, { 0, 0 } },
		/* 12 */ { "0x10/0x0f", "bits that its mask does not keep", false, { 0, 0 } },
		/* 13 */ { "TCGETZ", "line 1: TCGETZ: no known name", false, { 0, 0 } },
		/* 14 */ { "0x5401 TCGETS TCSETS", "TCSETS: too much on the line", false, { 0, 0 } },
		/* 15 */ { "node /dev/kvm", "names commands only", false, { 0, 0 } },
		/* 16 */ { "see /sys\n", "names commands only", false, { 0, 0 } },
		/* 17 */ { "node /dev/kvm\n1", NULL, true, { 1, UINT32_MAX } },
		/* 18 */ { "node dev/kvm", "no absolute path", true, { 0, 0 } },
		/* 19 */ { "see?", "no absolute path", true, { 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct device_list l = { 0 };
		char why[DEVICE_LIST_WHY_CAP] = "";
		int r = device_list_parse(&l, t[i].text, strlen(t[i].text), t[i].with_paths, why);

		if ((r == 0) != !t[i].why || (t[i].why && !strstr(why, t[i].why)))
			fail_msg("%zu: %d: %s", i + 1, r, why);
		if (!t[i].why && (!l.n_commands || l.commands[0].value != t[i].want.value ||
				  l.commands[0].mask != t[i].want.mask))
			fail_msg("%zu: another command", i + 1);
		device_list_done(&l);
	}
}

static void test_nul(void **state)
{
	struct device_list l = { 0 };
	char why[DEVICE_LIST_WHY_CAP], line[400];

	(void)state;
	assert_int_equal(device_list_parse(&l, "1\0002", 3, false, why), -EINVAL);
	memset(line, '1', sizeof(line));
	assert_int_equal(device_list_parse(&l, line, sizeof(line), false, why), -EINVAL);
	device_list_done(&l);
}

static void open_list(const char *name, struct device_list *l)
{
	char path[256], why[DEVICE_LIST_WHY_CAP] = "", *text = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *f;

	snprintf(path, sizeof(path), TOP "/devices/%s.list", name);
	f = fopen(path, "r");
	n = f ? getdelim(&text, &cap, '\0', f) : -1;
	if (n <= 0 || device_list_parse(l, text, (size_t)n, true, why) < 0)
		fail_msg("%s: %s", path, why);
	assert_ptr_equal(strstr(text, "# SPDX-License-Identifier: Apache-2.0\n# "), text);
	fclose(f);
	free(text);
}

static bool holds(const struct device_list *l, uint32_t command)
{
	for (size_t i = 0; i < l->n_commands; i++) {
		if ((command & l->commands[i].mask) == l->commands[i].value)
			return true;
	}
	return false;
}

/* What comes with sluice: how many commands and paths, one that it has, one that it has not. */
static void test_shipped(void **state)
{
	static const struct {
		const char *name;
		size_t commands, paths;
		uint32_t has, has_not;
	} t[] = {
		{ "basic", 56, 0, TIOCGWINSZ, TIOCSTI },
		{ "fuse", 1, 1, 0x8004e500, 0x4010e501 },
		{ "gpu-nvidia", 56, 8, 0xc020462a, 62 },
		{ "kvm", 96, 1, KVM_RUN, KVM_XEN_HVM_SET_ATTR },
		{ "tun", 22, 1, 0x400454ca, 0x54e3 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct device_list l = { 0 };

		open_list(t[i].name, &l);
		if (l.n_commands != t[i].commands || l.n_paths != t[i].paths)
			fail_msg("%s: %zu commands, %zu paths", t[i].name, l.n_commands, l.n_paths);
		if (!holds(&l, t[i].has) || holds(&l, t[i].has_not))
			fail_msg("%s: holds other commands", t[i].name);
		device_list_done(&l);
	}
}

/* The filter against the list, command by command in each ABI: each listed one, its neighbours, and each bit turned. */
static void check(const struct filter *f, const struct filter *plain, const struct device_list *l, uint32_t command)
{
	for (size_t a = 0; a < profile_n_abis; a++) {
		struct seccomp_data d = { .arch = profile_abis[a].abi.arch, .args = { 0, command | 0xabcd00000000ull } };
		uint32_t nr, got, want;

		assert_int_equal(filter_call_number(&profile_abis[a].abi, "ioctl", &nr), 0);
		d.nr = (int)nr;
		want = holds(l, command) ? filter_simulate(plain, &d) : SECCOMP_RET_ERRNO | EPERM;
		got = filter_simulate(f, &d);
		if (got != want)
			fail_msg("%s: ioctl 0x%x: 0x%x instead of 0x%x", profile_abis[a].name, command, got, want);
	}
}

/* Other calls have the profile's answers. */
static void check_others(const struct filter *f, const struct filter *plain)
{
	for (size_t a = 0; a < profile_n_abis; a++) {
		uint32_t ioctl_nr, base = profile_abis[a].abi.x32 ? FILTER_X32_BIT : 0;

		assert_int_equal(filter_call_number(&profile_abis[a].abi, "ioctl", &ioctl_nr), 0);
		for (uint32_t nr = base; nr < base + 1024; nr++) {
			struct seccomp_data d = { .arch = profile_abis[a].abi.arch, .nr = (int)nr };

			if (nr != ioctl_nr)
				assert_int_equal(filter_simulate(f, &d), filter_simulate(plain, &d));
		}
	}
}

static void test_filter(void **state)
{
	static const char *const lists[] = { "kvm", "fuse", "tun", "gpu-nvidia" };
	static const char *const profiles[] = { "default", "strict", "compute" };

	(void)state;
	for (size_t i = 0; i < COUNT(lists) * COUNT(profiles); i++) {
		const struct filter *plain = filter_builtin(profiles[i % COUNT(profiles)]);
		struct device_list l = { 0 };
		struct filter f;

		open_list(lists[i / COUNT(profiles)], &l);
		open_list("basic", &l);
		assert_int_equal(filter_limit_ioctl(plain, l.commands, l.n_commands, SECCOMP_RET_ERRNO | EPERM, &f), 0);
		for (size_t k = 0; k < l.n_commands; k++) {
			uint32_t command = l.commands[k].value;

			check(&f, plain, &l, command);
			check(&f, plain, &l, command - 1);
			check(&f, plain, &l, command + 1);
			for (unsigned int bit = 0; bit < 32; bit++)
				check(&f, plain, &l, command ^ 1u << bit);
		}
		check_others(&f, plain);
		filter_close(&f);
		device_list_done(&l);
	}
}

static void test_filter_ends(void **state)
{
	const struct filter *plain = filter_builtin("default");
	enum { MANY = 3000 };
	struct ioctl_command *many = calloc(MANY, sizeof(*many));
	struct device_list none = { 0 };
	struct filter f;

	(void)state;
	/* none at all: nothing is let through */
	assert_int_equal(filter_limit_ioctl(plain, NULL, 0, SECCOMP_RET_ERRNO | EPERM, &f), 0);
	check(&f, plain, &none, 0);
	check(&f, plain, &none, 0x5401);
	check_others(&f, plain);
	filter_close(&f);
	/* more than a program holds */
	assert_non_null(many);
	for (uint32_t i = 0; i < MANY; i++)
		many[i] = (struct ioctl_command){ i, UINT32_MAX };
	assert_int_equal(filter_limit_ioctl(plain, many, MANY, SECCOMP_RET_ERRNO | EPERM, &f), -E2BIG);
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_filter_ends),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
