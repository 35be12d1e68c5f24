/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail's seccomp filters, judged by an evaluator of our own: the instructions that sluice loads, not
 * the lists they were made from. Every row with arguments is tried again with the upper halves of
 * the arguments set, which the kernel ignores.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

#include "sandbox/seccomp_default.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { X32 = 0x40000000 };

/* The subset of classic BPF that seccomp(2) accepts and libseccomp makes; anything else fails. */
static uint32_t evaluate(const struct sock_filter *f, size_t n, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &f[pc];
		bool yes;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k % 4 == 0 && i->k + 4 <= sizeof(*d));
			memcpy(&a, (const char *)d + i->k, 4);
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			continue;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > i->k;
			break;
		default:
			fail_msg("instruction %zu: code 0x%x", pc, i->code);
			return 0;
		}
		pc += yes ? i->jt : i->jf;
	}
	fail_msg("ran off the end");
	return 0;
}

/* 0 for allowed, else the errno; as the kernel combines them, the later filter's errno counts. */
static int judge(const struct seccomp_data *d)
{
	uint32_t first = evaluate(profile_exists, COUNT(profile_exists), d);
	uint32_t later = evaluate(profile_uses, COUNT(profile_uses), d);
	uint32_t r = later == SECCOMP_RET_ALLOW ? first : later;

	if (r == SECCOMP_RET_ALLOW)
		return 0;
	assert_int_equal(r & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
	return (int)(r & SECCOMP_RET_DATA);
}

struct fact {
	int nr;
	uint32_t args[3];
	int want;		/* 0: allowed */
};

static void check(const struct fact *t, size_t n, uint32_t arch)
{
	for (size_t i = 0; i < n; i++) {
		struct seccomp_data d = { .nr = t[i].nr, .arch = arch };

		for (int k = 0; k < 3; k++)
			d.args[k] = t[i].args[k];
		if (judge(&d) != t[i].want)
			fail_msg("row %zu: got %d, want %d", i + 1, judge(&d), t[i].want);
		for (int k = 0; k < 6; k++)
			d.args[k] |= 0xdeadbeef00000000;
		if (judge(&d) != t[i].want)
			fail_msg("row %zu, upper halves set: got %d, want %d", i + 1, judge(&d), t[i].want);
	}
}

#ifdef __x86_64__
static void test_native(void **state)
{
	static const struct fact t[] = {
		/*   1 */ { SYS_read, { 0 }, 0 },
		/*   2 */ { SYS_execve, { 0 }, 0 },
		/*   3 */ { SYS_mount, { 0 }, EPERM },
		/*   4 */ { SYS_umount2, { 0 }, EPERM },
		/*   5 */ { SYS_open_tree, { 0 }, EPERM },
		/*   6 */ { SYS_setns, { 0 }, EPERM },
		/*   7 */ { SYS_bpf, { 0 }, EPERM },
		/*   8 */ { SYS_io_uring_setup, { 0 }, EPERM },
		/*   9 */ { SYS_ptrace, { 0 }, EPERM },
		/*  10 */ { SYS_clone3, { 0 }, ENOSYS },
		/* clone(2): plain, a thread, each namespace */
		/*  11 */ { SYS_clone, { 17 }, 0 },
		/*  12 */ { SYS_clone, { 0x3d0f00 }, 0 },
		/*  13 */ { SYS_clone, { 0x00020011 }, EPERM },
		/*  14 */ { SYS_clone, { 0x02000011 }, EPERM },
		/*  15 */ { SYS_clone, { 0x04000011 }, EPERM },
		/*  16 */ { SYS_clone, { 0x08000011 }, EPERM },
		/*  17 */ { SYS_clone, { 0x10000011 }, EPERM },
		/*  18 */ { SYS_clone, { 0x20000011 }, EPERM },
		/*  19 */ { SYS_clone, { 0x40000011 }, EPERM },
		/*  20 */ { SYS_unshare, { 0x00000200 }, 0 },
		/*  21 */ { SYS_unshare, { 0x10000000 }, EPERM },
		/*  22 */ { SYS_unshare, { 0x10000200 }, EPERM },
		/*  23 */ { SYS_unshare, { 0x00000080 }, EPERM },
		/* sockets */
		/*  24 */ { SYS_socket, { 1, 1, 0 }, 0 },
		/*  25 */ { SYS_socket, { 1, 5, 0 }, 0 },
		/*  26 */ { SYS_socket, { 2, 1 | 02000000, 0 }, 0 },
		/*  27 */ { SYS_socket, { 2, 1 | 04000, 6 }, 0 },
		/*  28 */ { SYS_socket, { 2, 2, 17 }, 0 },
		/*  29 */ { SYS_socket, { 2, 2, 1 }, 0 },
		/*  30 */ { SYS_socket, { 10, 2, 58 }, 0 },
		/*  31 */ { SYS_socket, { 10, 1, 0 }, 0 },
		/*  32 */ { SYS_socket, { 2, 3, 1 }, EPERM },
		/*  33 */ { SYS_socket, { 2, 3 | 02000000, 255 }, EPERM },
		/*  34 */ { SYS_socket, { 10, 3, 58 }, EPERM },
		/*  35 */ { SYS_socket, { 2, 10, 0 }, EPERM },
		/*  36 */ { SYS_socket, { 2, 5, 132 }, EPERM },
		/*  37 */ { SYS_socket, { 2, 1, 132 }, EPROTONOSUPPORT },
		/*  38 */ { SYS_socket, { 2, 1, 262 }, EPROTONOSUPPORT },
		/*  39 */ { SYS_socket, { 2, 2, 255 }, ENOSYS },
		/*  40 */ { SYS_socket, { 16, 3, 0 }, 0 },
		/*  41 */ { SYS_socket, { 16, 2 | 02000000, 0 }, 0 },
		/*  42 */ { SYS_socket, { 16, 3, 4 }, EPROTONOSUPPORT },
		/*  43 */ { SYS_socket, { 16, 3, 12 }, EPROTONOSUPPORT },
		/*  44 */ { SYS_socket, { 16, 3, 15 }, EPROTONOSUPPORT },
		/*  45 */ { SYS_socket, { 17, 3, 0 }, EPERM },
		/*  46 */ { SYS_socket, { 38, 5, 0 }, EPERM },
		/*  47 */ { SYS_socket, { 40, 1, 0 }, EPERM },
		/*  48 */ { SYS_socket, { 44, 3, 0 }, EPERM },
		/*  49 */ { SYS_socket, { 15, 3, 2 }, EPERM },
		/*  50 */ { SYS_socket, { 0, 1, 0 }, EPERM },
		/*  51 */ { SYS_socket, { 99, 1, 0 }, ENOSYS },
		/*  52 */ { SYS_socketpair, { 1, 1, 0 }, 0 },
		/*  53 */ { SYS_socketpair, { 30, 1, 0 }, EPERM },
		/* terminals */
		/*  54 */ { SYS_ioctl, { 0, 0x5401, 0 }, 0 },
		/*  55 */ { SYS_ioctl, { 0, 0x5413, 0 }, 0 },
		/*  56 */ { SYS_ioctl, { 0, 0x80045430, 0 }, 0 },
		/*  57 */ { SYS_ioctl, { 0, 0x5412, 0 }, EPERM },
		/*  58 */ { SYS_ioctl, { 0, 0x541c, 0 }, EPERM },
		/*  59 */ { SYS_ioctl, { 0, 0x5423, 0 }, EPERM },
		/*  60 */ { SYS_ioctl, { 0, 0x4b47, 0 }, EPERM },
		/*  61 */ { SYS_ioctl, { 0, 0x5602, 0 }, EPERM },
		/* seccomp(2), personality(2) */
		/*  62 */ { SYS_seccomp, { 1, 0, 0 }, 0 },
		/*  63 */ { SYS_seccomp, { 1, 1, 0 }, 0 },
		/*  64 */ { SYS_seccomp, { 1, 8, 0 }, EPERM },
		/*  65 */ { SYS_seccomp, { 1, 9, 0 }, EPERM },
		/*  66 */ { SYS_personality, { 0xffffffff }, 0 },
		/*  67 */ { SYS_personality, { 8 }, 0 },
		/*  68 */ { SYS_personality, { 0x40000 }, EPERM },
		/*  69 */ { SYS_personality, { 0x400000 }, EPERM },
		/*  70 */ { SYS_personality, { 0x440000 }, ENOSYS },
		/* what nobody knows */
		/*  71 */ { 500, { 0 }, ENOSYS },
		/*  72 */ { 1000, { 0 }, ENOSYS },
		/*  73 */ { -1, { 0 }, ENOSYS },
		/*  74 */ { 0x7fffffff, { 0 }, ENOSYS },
	};

	(void)state;
	check(t, COUNT(t), AUDIT_ARCH_X86_64);
}

static void test_i386(void **state)
{
	static const struct fact t[] = {
		/*  1 */ { 3 /* read */, { 0 }, 0 },
		/*  2 */ { 11 /* execve */, { 0 }, 0 },
		/*  3 */ { 21 /* mount */, { 0 }, EPERM },
		/*  4 */ { 52 /* umount2 */, { 0 }, EPERM },
		/*  5 */ { 61 /* chroot */, { 0 }, EPERM },
		/*  6 */ { 102 /* socketcall */, { 1, 0, 0 }, ENOSYS },
		/*  7 */ { 359 /* socket */, { 2, 1, 0 }, 0 },
		/*  8 */ { 359, { 2, 3, 1 }, EPERM },
		/*  9 */ { 359, { 38, 5, 0 }, EPERM },
		/* 10 */ { 120 /* clone */, { 0x11 }, 0 },
		/* 11 */ { 120, { 0x10000011 }, EPERM },
		/* 12 */ { 310 /* unshare */, { 0x40000000 }, EPERM },
		/* 13 */ { 346 /* setns */, { 0 }, EPERM },
		/* 14 */ { 54 /* ioctl */, { 0, 0x5412, 0 }, EPERM },
		/* 15 */ { 54, { 0, 0x5401, 0 }, 0 },
		/* 16 */ { 123 /* modify_ldt */, { 0 }, EPERM },
		/* 17 */ { 243 /* set_thread_area */, { 0 }, 0 },
		/* 18 */ { 425 /* io_uring_setup */, { 0 }, EPERM },
		/* 19 */ { 435 /* clone3 */, { 0 }, ENOSYS },
		/* 20 */ { 354 /* seccomp */, { 1, 8, 0 }, EPERM },
		/* 21 */ { 26 /* ptrace */, { 0 }, EPERM },
		/* 22 */ { 360 /* socketpair */, { 1, 1, 0 }, 0 },
		/* 23 */ { 9999, { 0 }, ENOSYS },
		/* 24 */ { 102, { 3, 0, 0 }, ENOSYS },
		/* 25 */ { 102, { 8, 0, 0 }, ENOSYS },
	};

	(void)state;
	check(t, COUNT(t), AUDIT_ARCH_I386);
}

static void test_strangers(void **state)
{
	struct seccomp_data d = { .arch = AUDIT_ARCH_X86_64 };

	(void)state;
	for (int nr = 0; nr < 1024; nr++) {
		d.nr = X32 | nr;
		assert_int_equal(judge(&d), ENOSYS);
	}
	d.arch = AUDIT_ARCH_AARCH64;
	for (int nr = 0; nr < 1024; nr++) {
		d.nr = nr;
		assert_int_equal(judge(&d), ENOSYS);
	}
}
#endif

/* Nobody is killed, no call is handed to anybody, and both programs fit the kernel's limit. */
static void test_every_number(void **state)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };

	(void)state;
	assert_true(COUNT(profile_exists) <= BPF_MAXINSNS && COUNT(profile_uses) <= BPF_MAXINSNS);
	for (size_t a = 0; a < COUNT(archs); a++) {
		struct seccomp_data d = { .arch = archs[a] };

		for (d.nr = -8; d.nr < 2048; d.nr++)
			judge(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(test_native),
		cmocka_unit_test(test_i386),
		cmocka_unit_test(test_strangers),
#endif
		cmocka_unit_test(test_every_number),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
