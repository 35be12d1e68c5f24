/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail's seccomp filters, judged by the simulator: the instructions that sluice loads, not the lists they
 * were made from. Every row with arguments is tried again with the upper halves of the arguments set, which
 * the kernel ignores. Every number of three ABIs is compared with seccomp.table and, where arguments count,
 * with a second description; and the simulator with the kernel.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/filter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { X32 = 0x40000000 };

/* 0 for allowed, else the errno. Nobody is killed, no call is handed to anybody. */
static int judge_by(const struct filter *f, const struct seccomp_data *d)
{
	uint32_t r = filter_simulate(f, d);

	if (r == SECCOMP_RET_ALLOW)
		return 0;
	assert_int_equal(r & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
	return (int)(r & SECCOMP_RET_DATA);
}

static int judge(const struct seccomp_data *d)
{
	return judge_by(filter_builtin("default"), d);
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

/* ---- every number, three ABIs, boundary arguments --------------------------------------------------- */

enum { ROWS_MAX = 600, PROFILES = 3, ARGS = -1 };

static const char *const profiles[PROFILES] = { "default", "strict", "compute" };

static struct row {
	char name[40];
	int want[PROFILES];	/* 0, an errno, or ARGS */
} rows[ROWS_MAX];
static size_t n_rows;

static int verdict(const char *word)
{
	return !strcmp(word, "allow") ? 0 : !strcmp(word, "args") ? ARGS :
		!strcmp(word, "EPERM") ? EPERM : !strcmp(word, "-") ? ENOSYS : -2;
}

static int read_table(void **state)
{
	FILE *f = fopen(TOP "/tests/unit/seccomp.table", "r");
	char line[200], w[PROFILES][16];

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct row *r = &rows[n_rows];

		if (line[0] == '#')
			continue;
		assert_true(n_rows < ROWS_MAX);
		assert_int_equal(sscanf(line, "%39s %15s %15s %15s", r->name, w[0], w[1], w[2]), 4);
		for (int p = 0; p < PROFILES; p++) {
			r->want[p] = verdict(w[p]);
			assert_int_not_equal(r->want[p], -2);
		}
		n_rows++;
	}
	fclose(f);
	assert_true(n_rows > 300);
	return 0;
}

static const struct row *find_row(const char *name)
{
	for (size_t i = 0; name && i < n_rows; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

/* What the profiles are meant to do, written a second time. */
static int want_socket(int profile, uint32_t family, uint32_t type, uint32_t protocol)
{
	bool strict = profile > 0, inet = family == 2 || family == 10;

	type &= 0xf;
	if (family == 1)
		return 0;
	if (family == 16 && !strict) {
		if (protocol == 0)
			return type == 2 || type == 3 ? 0 : ENOSYS;
		return protocol < 32 ? EPROTONOSUPPORT : ENOSYS;
	}
	if (!inet)
		return family < 46 ? EPERM : ENOSYS;
	if (type != 1 && type != 2)
		return EPERM;
	if (protocol == 0 || (type == 1 && protocol == 6) || (type == 2 && protocol == 17))
		return 0;
	if (protocol == (family == 2 ? 1 : 58) && strict)
		return EPERM;
	if (protocol == (family == 2 ? 1 : 58) && type == 2)
		return 0;
	return type == 1 && (protocol == 33 || protocol == 132 || protocol == 136 || protocol == 262) ?
		EPROTONOSUPPORT : ENOSYS;
}

static int want_personality(uint32_t p)
{
	switch (p) {
	case 0: case 8: case 0x20000: case 0x20008: case 0xffffffff:
		return 0;
	case 0x40000: case 0x400000: case 0x100000: case 0x200000:
		return EPERM;
	default:
		return ENOSYS;
	}
}

static int want_args(int profile, const char *name, const uint32_t a[3])
{
	if (!strcmp(name, "socket"))
		return want_socket(profile, a[0], a[1], a[2]);
	if (!strcmp(name, "socketpair"))
		return a[0] == 1 || a[0] >= 46 ? 0 : EPERM;
	if (!strcmp(name, "ioctl"))
		return a[1] == 0x5412 || a[1] == 0x541c || a[1] == 0x5423 || a[1] == 0x541d || a[1] == 0x5437 ||
		       a[1] >> 8 == 0x4b || a[1] >> 8 == 0x56 ? EPERM : 0;
	if (!strcmp(name, "clone"))
		return a[0] & 0x7e020000 ? EPERM : 0;
	if (!strcmp(name, "unshare"))
		return a[0] & 0x7e020080 ? EPERM : 0;
	if (!strcmp(name, "personality"))
		return want_personality(a[0]);
	if (!strcmp(name, "seccomp"))
		return a[1] & 8 ? EPERM : 0;
	if (!strcmp(name, "memfd_create"))
		return a[1] & 8 ? 0 : EPERM;
	if (!strcmp(name, "open"))
		return a[1] & (3 | 0100 | 01000 | 020000000) ? EPERM : 0;
	if (!strcmp(name, "openat"))
		return a[2] & (3 | 0100 | 01000 | 020000000) ? EPERM : 0;
	fail_msg("no reference for %s", name);
	return -2;
}

static void check_call(const struct filter *f, int profile, struct seccomp_data *d, const char *name)
{
	static const uint64_t high[] = { 0, 0xffffffff00000000, 0x100000000, 0x8000000000000000 };
	const struct row *row = find_row(name);
	const uint32_t low[3] = { (uint32_t)d->args[0], (uint32_t)d->args[1], (uint32_t)d->args[2] };
	bool known = d->arch == AUDIT_ARCH_X86_64 ? !((uint32_t)d->nr & X32) : profile == 0;
	int want = !known || !row ? ENOSYS : row->want[profile];

	if (want == ARGS)
		want = want_args(profile, name, low);
	for (size_t h = 0; h < COUNT(high); h++) {
		for (int i = 0; i < 6; i++)
			d->args[i] = (i < 3 ? low[i] : 0) | high[h];
		if (judge_by(f, d) != want)
			fail_msg("%s: %s (%d, arch 0x%x) of 0x%x 0x%x 0x%x: %d, not %d", profiles[profile], name,
				 d->nr, d->arch, low[0], low[1], low[2], judge_by(f, d), want);
	}
	for (int i = 0; i < 3; i++)
		d->args[i] = low[i];
}

/* Boundaries of one argument: small numbers, each bit, each request that is named anywhere, all ones. */
static size_t boundaries(uint32_t *v)
{
	static const uint32_t named[] = { 33, 40, 44, 45, 46, 47, 58, 132, 136, 255, 262, 0x4b00, 0x4bff,
		0x4c00, 0x5401, 0x5411, 0x5412, 0x5413, 0x541c, 0x541d, 0x5423, 0x5437, 0x5600, 0x56ff, 0x5700,
		0x20008, 0x3d0f00, 02000001, 0x7fffffff, 0xffffffff };
	size_t n = 0;

	for (uint32_t i = 0; i <= 20; i++)
		v[n++] = i;
	for (int bit = 5; bit < 32; bit++)
		v[n++] = 1u << bit;
	for (size_t i = 0; i < COUNT(named); i++)
		v[n++] = named[i];
	return n;
}

static void check_number(const struct filter *f, int profile, struct seccomp_data *d, const char *name)
{
	uint32_t v[128];
	size_t n = boundaries(v);
	const struct row *row = find_row(name);
	bool deep = row && row->want[profile] == ARGS;
	bool deeper = deep && strcmp(name, "socket") == 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < (deep ? n : 1); k++) {
			/* A socket's type has four bits, and flags. */
			if (deeper && v[k] > 17 && v[k] != 02000001)
				continue;
			for (size_t m = 0; m < (deeper ? n : 1); m++) {
				d->args[0] = v[i];
				d->args[1] = deep ? v[k] : v[i];
				d->args[2] = deeper ? v[m] : v[i];
				check_call(f, profile, d, name);
			}
		}
	}
}

static void test_every_number(void **state)
{
	static const struct {
		uint32_t arch, scmp, bit;
	} abis[] = {
		{ AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64, 0 }, { AUDIT_ARCH_I386, SCMP_ARCH_X86, 0 },
		{ AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64, X32 },
	};

	(void)state;
	for (int p = 0; p < PROFILES; p++) {
		const struct filter *f = filter_builtin(profiles[p]);

		for (size_t a = 0; a < COUNT(abis); a++) {
			struct seccomp_data d = { .arch = abis[a].arch };

			for (int nr = 0; nr < 1024; nr++) {
				char *name = seccomp_syscall_resolve_num_arch(abis[a].scmp, nr);

				d.nr = (int)((uint32_t)nr | abis[a].bit);
				check_number(f, p, &d, name);
				free(name);
			}
			for (int nr = -8; nr < 0; nr++) {
				d.nr = nr;
				check_number(f, p, &d, NULL);
			}
		}
	}
}

/* ---- the simulator against the kernel ---------------------------------------------------------------- */

/* In a child under the filter: what is refused must be refused with the same errno. Never returns. */
static void __attribute__((noreturn)) compare(const struct filter *f, int report)
{
	int n = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || filter_load(f) < 0)
		_exit(2);
	for (int nr = 0; nr < 600; nr++) {
		struct seccomp_data d = { .nr = nr, .arch = AUDIT_ARCH_X86_64 };
		uint32_t want;

		/* uretprobe and uprobe: no filter sees them (Linux 6.14), and only a probe's page may call. */
		if (nr == 335 || nr == 336)
			continue;

		/* Harmless should it ever come through: bad descriptors and no memory. */
		for (int i = 0; i < 6; i++)
			d.args[i] = 0xffffffffffffffff;
		want = filter_simulate(f, &d);
		if ((want & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
			continue;
		errno = 0;
		if (syscall(nr, -1l, -1l, -1l, -1l, -1l, -1l) != -1 || errno != (int)(want & SECCOMP_RET_DATA)) {
			if (write(report, &nr, sizeof(nr)) < 0)
				_exit(3);
			_exit(1);
		}
		n++;
	}
	/* And what is allowed gets through to the kernel's own answer. */
	if (n < 60 || syscall(SYS_getppid) <= 0 || syscall(SYS_close, -1) != -1 || errno != EBADF)
		_exit(4);
	_exit(0);
}

static void test_kernel(void **state)
{
	(void)state;
	for (int p = 0; p < PROFILES; p++) {
		int report[2], status, nr = -1;
		pid_t pid;

		assert_int_equal(pipe(report), 0);
		pid = fork();
		if (pid == 0)
			compare(filter_builtin(profiles[p]), report[1]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		close(report[1]);
		if (status && read(report[0], &nr, sizeof(nr)) == sizeof(nr))
			fail_msg("%s: the kernel judges call %d otherwise", profiles[p], nr);
		close(report[0]);
		assert_int_equal(status, 0);
	}
}

/* What it does not understand kills, as does the end of a program without an answer. */
static void test_simulator(void **state)
{
	static struct sock_filter prog[2] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 2) };
	struct filter f = { "test", { 2, prog }, NULL };
	const struct seccomp_data d = { .nr = 1 };
	struct filter_cost cost;

	(void)state;
	assert_int_equal(filter_simulate_cost(&f, &d, &cost), SECCOMP_RET_ERRNO | 2);
	assert_int_equal(cost.insns, 2);
	assert_false(cost.looked_at_args);
	prog[0].k = offsetof(struct seccomp_data, args);
	filter_simulate_cost(&f, &d, &cost);
	assert_true(cost.looked_at_args);
	prog[0].code = BPF_LD | BPF_H | BPF_ABS;
	assert_int_equal(filter_simulate(&f, &d), SECCOMP_RET_KILL_PROCESS);
	prog[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(d));
	assert_int_equal(filter_simulate(&f, &d), SECCOMP_RET_KILL_PROCESS);
	prog[0] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1);
	assert_int_equal(filter_simulate(&f, &d), SECCOMP_RET_KILL_PROCESS);
	f.prog.len = 0;
	assert_int_equal(filter_simulate(&f, &d), SECCOMP_RET_KILL_PROCESS);
	assert_null(filter_builtin("none"));
	assert_null(filter_builtin("terminal"));
}

/* The part that guards terminals lets all else through, in every ABI. */
static void test_terminal(void **state)
{
	struct seccomp_data d = { .arch = AUDIT_ARCH_X86_64, .nr = SYS_ioctl, .args = { 0, 0x100005412 } };

	(void)state;
	assert_int_equal(filter_simulate(filter_terminal(), &d), SECCOMP_RET_ERRNO | EPERM);
	d.nr = (int)(X32 | 514u);
	assert_int_equal(filter_simulate(filter_terminal(), &d), SECCOMP_RET_ERRNO | EPERM);
	d.nr = (int)(X32 | 513u);
	assert_int_equal(filter_simulate(filter_terminal(), &d), SECCOMP_RET_ALLOW);
	d.nr = SYS_mount;
	assert_int_equal(filter_simulate(filter_terminal(), &d), SECCOMP_RET_ALLOW);
	d.arch = AUDIT_ARCH_I386;
	d.nr = 54;
	assert_int_equal(filter_simulate(filter_terminal(), &d), SECCOMP_RET_ERRNO | EPERM);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(test_native),
		cmocka_unit_test(test_i386),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test_setup(test_every_number, read_table),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_simulator),
		cmocka_unit_test(test_terminal),
#endif
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
