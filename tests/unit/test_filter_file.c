/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles in the JSON form: what becomes of calls under them, and what is said about bad ones. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "sandbox/filter_file.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* What a program needs to start, in each profile below. */
#define START "{\"names\": [\"close_range\", \"execve\", \"exit_group\", \"getpid\", \"recvmsg\", \"rt_sigaction\", " \
	"\"rt_sigprocmask\", \"sendmsg\", \"setpgid\"], \"action\": \"SCMP_ACT_ALLOW\"}"
#define DENY "\"defaultAction\": \"SCMP_ACT_ERRNO\", "

#ifdef __x86_64__
enum { NATIVE = AUDIT_ARCH_X86_64, I386 = AUDIT_ARCH_I386, X32 = 0x40000000 };

/* The parts of Docker's profile that are more than names. */
static const char docker[] = "{" DENY "\"defaultErrnoRet\": 1, \"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\","
	" \"subArchitectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"]}, {\"architecture\": \"SCMP_ARCH_RISCV64\","
	" \"subArchitectures\": null}], \"syscalls\": [" START ","
	"{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 40, \"op\": \"SCMP_CMP_NE\"}]},"
	"{\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 4294967295, \"op\": \"SCMP_CMP_EQ\"}]},"
	"{\"names\": [\"ptrace\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"minKernel\": \"4.8\"}},"
	"{\"names\": [\"kcmp\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"minKernel\": \"99.0\"}},"
	"{\"names\": [\"swapcontext\", \"sync_file_range2\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"arches\": [\"ppc64le\"]}},"
	"{\"names\": [\"arch_prctl\", \"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"arches\": [\"amd64\", \"x32\"]}},"
	"{\"names\": [\"mount\", \"clone\", \"clone3\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}},"
	"{\"names\": [\"clone\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 2114060288, \"op\": \"SCMP_CMP_MASKED_EQ\"}],"
	" \"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\"], \"arches\": [\"s390\", \"s390x\"]}},"
	"{\"names\": [\"clone3\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 38, \"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}},"
	"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ALLOW\"},"
	"{\"name\": \"lseek\", \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 1, \"value\": 5, \"op\": \"SCMP_CMP_GT\"},"
	" {\"index\": 2, \"value\": 3, \"valueTwo\": 1, \"op\": \"SCMP_CMP_MASKED_EQ\"}]},"
	"{\"names\": [\"kill\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 1, \"value\": 9, \"op\": \"SCMP_CMP_EQ\"},"
	" {\"index\": 1, \"value\": 15, \"op\": \"SCMP_CMP_EQ\"}]},"
	"{\"names\": [\"futex_waitv\"], \"action\": \"SCMP_ACT_KILL_PROCESS\", \"comment\": \"c\"}]}";

static void test_docker(void **state)
{
	static const struct {
		uint32_t arch;
		int nr;
		uint64_t args[3];
		uint32_t want;
	} t[] = {
		/*  1 */ { NATIVE, SYS_read, { 0 }, SECCOMP_RET_ALLOW },
		/*  2 */ { NATIVE, SYS_write, { 0 }, SECCOMP_RET_ERRNO | EPERM },
		/*  3 */ { NATIVE, SYS_socket, { 2 }, SECCOMP_RET_ALLOW },
		/*  4 */ { NATIVE, SYS_socket, { 40 }, SECCOMP_RET_ERRNO | EPERM },
		/* the way round "not 40" on 64 bits */
		/*  5 */ { NATIVE, SYS_socket, { 0x100000028 }, SECCOMP_RET_ERRNO | EPERM },
		/*  6 */ { NATIVE, SYS_personality, { 0xffffffff }, SECCOMP_RET_ALLOW },
		/*  7 */ { NATIVE, SYS_personality, { 0xffffffffffffffff }, SECCOMP_RET_ALLOW },
		/*  8 */ { NATIVE, SYS_personality, { 8 }, SECCOMP_RET_ERRNO | EPERM },
		/*  9 */ { NATIVE, SYS_ptrace, { 0 }, SECCOMP_RET_ALLOW },
		/* 10 */ { NATIVE, SYS_kcmp, { 0 }, SECCOMP_RET_ERRNO | EPERM },
		/* 11 */ { NATIVE, SYS_mount, { 0 }, SECCOMP_RET_ERRNO | EPERM },
		/* 12 */ { NATIVE, SYS_clone, { 0x11 }, SECCOMP_RET_ALLOW },
		/* 13 */ { NATIVE, SYS_clone, { 0x10000011 }, SECCOMP_RET_ERRNO | EPERM },
		/* 14 */ { NATIVE, SYS_clone3, { 0 }, SECCOMP_RET_ERRNO | ENOSYS },
		/* 15 */ { NATIVE, SYS_ioctl, { 0, 0x5401 }, SECCOMP_RET_ALLOW },
		/* the terminal, whatever the profile allows */
		/* 16 */ { NATIVE, SYS_ioctl, { 0, 0x5412 }, SECCOMP_RET_ERRNO | EPERM },
		/* 17 */ { I386, 54, { 0, 0x5412 }, SECCOMP_RET_ERRNO | EPERM },
		/* 18 */ { NATIVE, X32 | 514, { 0, 0x5412 }, SECCOMP_RET_ERRNO | EPERM },
		/* both conditions, the first on 64 bits */
		/* 19 */ { NATIVE, SYS_lseek, { 0, 6, 1 }, SECCOMP_RET_ALLOW },
		/* 20 */ { NATIVE, SYS_lseek, { 0, 5, 1 }, SECCOMP_RET_ERRNO | EPERM },
		/* 21 */ { NATIVE, SYS_lseek, { 0, 0x100000000, 5 }, SECCOMP_RET_ALLOW },
		/* 22 */ { NATIVE, SYS_lseek, { 0, 6, 2 }, SECCOMP_RET_ERRNO | EPERM },
		/* either condition */
		/* 23 */ { NATIVE, SYS_kill, { 0, 9 }, SECCOMP_RET_ALLOW },
		/* 24 */ { NATIVE, SYS_kill, { 0, 15 }, SECCOMP_RET_ALLOW },
		/* 25 */ { NATIVE, SYS_kill, { 0, 1 }, SECCOMP_RET_ERRNO | EPERM },
		/* 26 */ { NATIVE, 449, { 0 }, SECCOMP_RET_KILL_PROCESS },
		/* newer than any that is named */
		/* 27 */ { NATIVE, 450, { 0 }, SECCOMP_RET_ERRNO | ENOSYS },
		/* 28 */ { NATIVE, 448, { 0 }, SECCOMP_RET_ERRNO | EPERM },
		/* other ABIs */
		/* 29 */ { I386, 3 /* read */, { 0 }, SECCOMP_RET_ALLOW },
		/* 30 */ { I386, 359 /* socket */, { 40 }, SECCOMP_RET_ERRNO | EPERM },
		/* 31 */ { I386, 359, { 2 }, SECCOMP_RET_ALLOW },
		/* 32 */ { NATIVE, X32 | 0, { 0 }, SECCOMP_RET_ALLOW },
		/* 33 */ { NATIVE, X32 | 1, { 0 }, SECCOMP_RET_ERRNO | EPERM },
		/* 34 */ { AUDIT_ARCH_AARCH64, 63, { 0 }, SECCOMP_RET_ERRNO | ENOSYS },
	};
	char why[FILTER_WHY_CAP] = "";
	struct filter f;

	(void)state;
	if (filter_parse(docker, sizeof(docker) - 1, &f, why) < 0)
		fail_msg("%s", why);
	for (size_t i = 0; i < COUNT(t); i++) {
		struct seccomp_data d = { .arch = t[i].arch, .nr = t[i].nr };

		memcpy(d.args, t[i].args, sizeof(t[i].args));
		if (filter_simulate(&f, &d) != t[i].want)
			fail_msg("row %zu: 0x%x, not 0x%x", i + 1, filter_simulate(&f, &d), t[i].want);
	}
	filter_close(&f);
}

/* Every comparison, narrow and wide, against C's own. */
static void test_comparisons(void **state)
{
	static const char *const ops[] = { "EQ", "NE", "LT", "LE", "GE", "GT" };
	static const uint64_t values[] = { 0, 1, 5, 0xffffffff, 0x100000000, 0x100000001, 0x100000005, 0x7fffffffffffffff };
	static const uint64_t args[] = { 0, 1, 2, 4, 5, 6, 0xfffffffe, 0xffffffff, 0x100000000, 0x100000001, 0x100000004,
		0x100000005, 0x100000006, 0x200000000, 0x7ffffffffffffffe, 0x7fffffffffffffff, 0x8000000000000000,
		0xffffffffffffffff };

	(void)state;
	for (size_t i = 0; i < COUNT(ops) * COUNT(values) * 2; i++) {
		size_t op = i / 2 % COUNT(ops);
		bool narrow = i & 1;
		uint64_t v = values[i / 2 / COUNT(ops)];
		char text[800], why[FILTER_WHY_CAP] = "";
		struct filter f;

		if (narrow && v > UINT32_MAX)
			continue;
		snprintf(text, sizeof(text), "{" DENY "\"syscalls\": [" START ", {\"names\": [\"%s\"], \"action\": "
			 "\"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 1, \"value\": %llu, \"op\": \"SCMP_CMP_%s\"}]}]}",
			 narrow ? "ioctl" : "lseek", (unsigned long long)v, ops[op]);
		if (filter_parse(text, strlen(text), &f, why) < 0)
			fail_msg("%s", why);
		for (size_t k = 0; k < COUNT(args); k++) {
			struct seccomp_data d = { .arch = NATIVE, .nr = narrow ? SYS_ioctl : SYS_lseek };
			uint64_t a = narrow ? (uint32_t)args[k] : args[k];
			const bool want[] = { a == v, a != v, a < v, a <= v, a >= v, a > v };

			d.args[1] = args[k];
			if ((filter_simulate(&f, &d) == SECCOMP_RET_ALLOW) != want[op])
				fail_msg("0x%llx %s 0x%llx, %s", (unsigned long long)args[k], ops[op],
					 (unsigned long long)v, narrow ? "narrow" : "wide");
		}
		filter_close(&f);
	}
}
#endif

static void test_complaints(void **state)
{
	static const struct {
		const char *text, *want;
	} t[] = {
		/*  1 */ { "{", "line 1, column 1: string or '}' expected" },
		/*  2 */ { "{\n \"defaultAction\": x}", "line 2, column" },
		/*  3 */ { "{\"defaultAction\": 1}", "\"defaultAction\" is missing" },
		/*  4 */ { "{}", "\"defaultAction\" is missing" },
		/*  5 */ { "{\"defaultAction\": \"SCMP_ACT_NO\"}", "\"SCMP_ACT_NO\" is no action" },
		/*  6 */ { "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}", "needs a process that answers" },
		/*  7 */ { "{" DENY "\"x\": 1}", "\"x\" is not known here" },
		/*  8 */ { "{" DENY "\"defaultAction\": \"SCMP_ACT_ALLOW\"}", "duplicate" },
		/*  9 */ { "{" DENY "\"defaultErrnoRet\": 5000}", "not a number from 0 to 4095" },
		/* 10 */ { "{" DENY "\"syscalls\": {}}", "\"syscalls\" is not a list" },
		/* 11 */ { "{" DENY "\"syscalls\": [" START ", 1]}", "syscalls[1]: not an object" },
		/* 12 */ { "{" DENY "\"syscalls\": [{\"action\": \"SCMP_ACT_ALLOW\"}]}", "syscalls[0]: \"names\" is missing" },
		/* 13 */ { "{" DENY "\"syscalls\": [{\"names\": [1], \"action\": \"SCMP_ACT_ALLOW\"}]}", "names[0] is not a string" },
		/* 14 */ { "{" DENY "\"syscalls\": [{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": "
			   "[{\"index\": 6, \"op\": \"SCMP_CMP_EQ\"}]}]}", "\"index\" is not a number from 0 to 5" },
		/* 15 */ { "{" DENY "\"syscalls\": [{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": "
			   "[{\"index\": 0, \"op\": \"SCMP_CMP_X\"}]}]}", "\"SCMP_CMP_X\" is no comparison" },
		/* 16 */ { "{" DENY "\"syscalls\": [{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": "
			   "[{\"index\": 0, \"value\": 4294967296, \"op\": \"SCMP_CMP_EQ\"}]}]}", "reads 32 bits" },
		/* 17 */ { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"mont\"], \"action\": "
			   "\"SCMP_ACT_ERRNO\"}]}", "there is no call \"mont\"" },
		/* 18 */ { "{" DENY "\"syscalls\": []}", "it refuses close_range" },
		/* 19 */ { "{" DENY "\"flags\": [\"X\"]}", "\"flags\" has one" },
		/* 20 */ { "{" DENY "\"archMap\": [{}]}", "archMap[0]: \"architecture\" is missing" },
		/* 21 */ { "{" DENY "\"syscalls\": [{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
			   "{\"x\": 1}}]}", "\"x\" is not known here" },
		/* 22 */ { "{" DENY "\"syscalls\": [{\"names\": [\"clone\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, "
			   "\"value\": 1, \"valueTwo\": 2, \"op\": \"SCMP_CMP_MASKED_EQ\"}]}]}", "has bits that" },
	};
	char why[FILTER_WHY_CAP];
	struct filter f;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		why[0] = '\0';
		assert_int_equal(filter_parse(t[i].text, strlen(t[i].text), &f, why), -EINVAL);
		if (!strstr(why, t[i].want))
			fail_msg("row %zu: said \"%s\"", i + 1, why);
	}
	assert_int_equal(filter_open("no-such", NULL, &f, why), -ENOENT);
	assert_non_null(strstr(why, "no such profile"));
	assert_true(filter_open("/dev", NULL, &f, why) < 0);
	assert_int_equal(filter_open("strict", NULL, &f, why), 0);
	filter_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_comparisons),
#endif
		cmocka_unit_test(test_complaints),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
