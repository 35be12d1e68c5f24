/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confinement: what a confined process can still do, each attempt with a control that shows the same
 * attempt working without us; and the seccomp program against a reference, for every number.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/confine.h"

/* ---- attempts ------------------------------------------------------------------------------------ */

/* 0 when it worked, else errno. Raw system calls, so that no library gets in the way. */
static int as_errno(long r)
{
	return r < 0 ? errno : 0;
}

static int try_open(void) { return as_errno(syscall(__NR_openat, AT_FDCWD, "/etc/passwd", O_RDONLY)); }
static int try_proc(void) { return as_errno(syscall(__NR_openat, AT_FDCWD, "/proc/self/status", O_RDONLY)); }
static int try_dotdot(void)
{
	return as_errno(syscall(__NR_openat, AT_FDCWD, "../../../../etc/passwd", O_RDONLY));
}
static int try_stat(void)
{
	struct stat st;

	return as_errno(syscall(__NR_newfstatat, AT_FDCWD, "/etc", &st, 0));
}
static int try_create(void)
{
	return as_errno(syscall(__NR_openat, AT_FDCWD, "/tmp/.sluice-confine", O_WRONLY | O_CREAT, 0600));
}
static int try_socket(void) { return as_errno(syscall(__NR_socket, AF_INET, SOCK_STREAM, 0)); }
static int try_packet(void) { return as_errno(syscall(__NR_socket, AF_PACKET, SOCK_RAW, 0)); }
static int try_unix(void) { return as_errno(syscall(__NR_socket, AF_UNIX, SOCK_STREAM, 0)); }
static int try_exec(void)
{
	static char *const argv[] = { "true", NULL };

	return as_errno(syscall(__NR_execve, "/bin/true", argv, NULL));
}
static int try_setuid(void) { return as_errno(syscall(__NR_setresuid, 0, 0, 0)); }
static int try_setgid(void) { return as_errno(syscall(__NR_setresgid, 0, 0, 0)); }
static int try_fork(void)
{
	long pid = syscall(__NR_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return as_errno(pid);
}
static int try_ptrace(void) { return as_errno(syscall(__NR_ptrace, PTRACE_SEIZE, getppid(), 0, 0)); }
static int try_kill(void) { return as_errno(syscall(__NR_kill, getppid(), 0)); }
static int try_mount(void) { return as_errno(syscall(__NR_mount, "none", "/", "tmpfs", 0, NULL)); }
static int try_unshare(void) { return as_errno(syscall(__NR_unshare, CLONE_NEWNET)); }
static int try_chroot(void) { return as_errno(syscall(__NR_chroot, "/")); }
static int try_mknod(void)
{
	return as_errno(syscall(__NR_mknodat, AT_FDCWD, "/tmp/.sluice-confine-dev", S_IFCHR | 0600, 0x103));
}

static const struct attempt {
	const char *what;
	int (*run)(void);
	bool root;		/* the control needs root */
	bool ids_stop;		/* impossible already after stages 1 and 2 */
} attempts[] = {
	{ "open a file", try_open, false, true },
	{ "open /proc", try_proc, false, true },
	{ "climb out with ..", try_dotdot, false, true },
	{ "stat a file", try_stat, false, true },
	{ "create a file", try_create, false, true },
	{ "execute a program", try_exec, false, true },
	{ "become uid 0", try_setuid, true, true },
	{ "become gid 0", try_setgid, true, true },
	{ "trace the parent", try_ptrace, true, true },
	{ "open an AF_PACKET socket", try_packet, true, true },
	{ "mount", try_mount, true, true },
	{ "make a network namespace", try_unshare, true, true },
	{ "chroot", try_chroot, true, true },
	{ "make a device node", try_mknod, true, true },
	{ "open an AF_INET socket", try_socket, false, false },
	{ "open an AF_UNIX socket", try_unix, false, false },
	{ "fork", try_fork, false, false },
	{ "signal the parent", try_kill, false, false },
};

enum { N_ATTEMPTS = sizeof(attempts) / sizeof(attempts[0]) };

static const struct confine_rule end_only[] = {
	{ .nr = __NR_exit_group },
	{ .nr = __NR_close, .args = { { .arg = 0, .op = CONFINE_GE, .value = 16 } } },
};

static int confine(int stage)
{
	uid_t uid;
	gid_t gid;
	int r;

	confine_own_ids(CONFINE_WORKER, &uid, &gid);
	if (stage >= 1) {
		r = confine_root();
		if (r < 0)
			return r;
		r = confine_ids(uid, gid);
		if (r < 0)
			return r;
	}
	if (stage >= 2)
		return confine_syscalls(end_only, sizeof(end_only) / sizeof(end_only[0]));
	return 0;
}

/* The child's wait status. Exit 200: confinement itself failed; else the attempt's errno. */
static int run_in_child(const struct attempt *a, int stage)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		/* A control that works must not leave its mark on this machine. */
		if (stage == 0 && a->root && (unshare(CLONE_NEWNS) < 0 ||
					      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
			_exit(200);
		if (confine(stage) < 0)
			_exit(200);
		syscall(__NR_exit_group, a->run());
	}
	assert_true(pid > 0);
	/* A tracing child may leave us a stop to wait for; only its end counts. */
	while (waitpid(pid, &status, 0) != pid)
		;
	return status;
}

static bool userns_works(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
	while (waitpid(pid, &status, 0) != pid)
		;
	return status == 0;
}

/* cmocka's own stop: the traced parent must not be the test program, so attempts run one level down. */
static int run_isolated(const struct attempt *a, int stage)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int st = run_in_child(a, stage);

		_exit(WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st));
	}
	while (waitpid(pid, &status, 0) != pid)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void test_attempts(void **state)
{
	(void)state;
	if (geteuid() != 0 && !userns_works())
		skip();
	for (size_t i = 0; i < N_ATTEMPTS; i++) {
		const struct attempt *a = &attempts[i];
		int control, ids, all;

		if (a->root && geteuid() != 0)
			continue;
		control = run_isolated(a, 0);
		ids = run_isolated(a, 1);
		all = run_isolated(a, 2);
		unlink("/tmp/.sluice-confine");
		unlink("/tmp/.sluice-confine-dev");
		if (control != 0)
			fail_msg("%s: does not work without confinement either: %d", a->what, control);
		if (a->ids_stop && (ids == 0 || ids == 200))
			fail_msg("%s: stages 1 and 2 do not stop it: %d", a->what, ids);
		if (all != 128 + SIGSYS)
			fail_msg("%s: seccomp does not stop it: %d", a->what, all);
	}
}

static int death_after_ids(void)
{
	int sig = 0;

	prctl(PR_GET_PDEATHSIG, &sig);
	return sig == SIGKILL ? 0 : 1;
}

static void test_parent_death_stays_armed(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0 && !userns_works())
		skip();
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(confine(1) < 0 ? 200 : death_after_ids());
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void test_ids_refuses_root(void **state)
{
	(void)state;
	assert_int_equal(confine_ids(0, 0), -EINVAL);
	assert_int_equal(confine_ids(0, 5), -EINVAL);
	assert_int_equal(confine_ids((uid_t)-1, 5), -EINVAL);
}

/* ---- the program against a reference ---------------------------------------------------------- */

/* The part of classic BPF that confine_compile() uses. */
static uint32_t bpf_run(const struct sock_filter *prog, size_t n, const struct seccomp_data *d)
{
	uint32_t acc = 0;

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &prog[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k + 4 <= sizeof(*d));
			memcpy(&acc, (const char *)d + i->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			acc &= i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += acc == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += acc >= i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			fail_msg("unexpected instruction 0x%x", i->code);
		}
	}
	fail_msg("fell off the end");
	return 0;
}

static const struct confine_rule sample[] = {
	{ .nr = __NR_read },
	{ .nr = __NR_close, .args = { { 0, CONFINE_GE, 16, 0 } } },
	{ .nr = __NR_sendto, .args = { { 0, CONFINE_LT, 4, 0 }, { 4, CONFINE_NULL, 0, 0 } } },
	{ .nr = __NR_mmap, .args = { { 2, CONFINE_MASKED_EQ, 0, 4 }, { 3, CONFINE_EQ, 0x22, 0 } } },
	{ .nr = __NR_mmap, .args = { { 3, CONFINE_EQ, 0x1, 0 } } },
};

enum { N_SAMPLE = sizeof(sample) / sizeof(sample[0]) };

static bool arg_holds(const struct confine_arg *a, uint64_t v)
{
	switch ((enum confine_op)a->op) {
	case CONFINE_ANY: return true;
	case CONFINE_EQ: return (uint32_t)v == a->value;
	case CONFINE_GE: return (uint32_t)v >= a->value;
	case CONFINE_LT: return (uint32_t)v < a->value;
	case CONFINE_MASKED_EQ: return (v & a->mask) == a->value;
	case CONFINE_NULL: return v == 0;
	}
	return false;
}

static bool reference(const struct seccomp_data *d, uint32_t native)
{
	if (d->arch != native)
		return false;
	for (size_t i = 0; i < N_SAMPLE; i++) {
		bool all = sample[i].nr == d->nr;

		for (size_t k = 0; all && k < 3 && sample[i].args[k].op != CONFINE_ANY; k++)
			all = arg_holds(&sample[i].args[k], d->args[sample[i].args[k].arg]);
		if (all)
			return true;
	}
	return false;
}

static void check_all_args(const struct sock_filter *prog, size_t n, struct seccomp_data *d,
			   uint32_t native)
{
	static const uint64_t edge[] = { 0, 1, 3, 4, 5, 15, 16, 17, 0x22, 0x7fffffff, 0xffffffff,
		0x100000000, 0x100000001, 0x100000003, 0x100000010, 0x100000022, UINT64_MAX };
	enum { N = sizeof(edge) / sizeof(edge[0]) };

	for (size_t a = 0; a < N; a++) {
		for (size_t b = 0; b < N; b++) {
			bool allowed;

			d->args[0] = edge[a];
			d->args[2] = edge[a];
			d->args[3] = edge[b];
			d->args[4] = edge[b];
			allowed = bpf_run(prog, n, d) == SECCOMP_RET_ALLOW;
			if (allowed != reference(d, native))
				fail_msg("nr %d arch %x: %llx %llx", d->nr, d->arch,
					 (unsigned long long)edge[a], (unsigned long long)edge[b]);
		}
	}
}

static void test_program(void **state)
{
	static const uint32_t foreign[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_X86_64,
		AUDIT_ARCH_AARCH64, 0, UINT32_MAX };
	static struct sock_filter prog[256];
	int n = confine_compile(sample, N_SAMPLE, prog, 256);
	uint32_t native;

	(void)state;
	assert_true(n > 0);
	native = prog[1].k;
	for (int nr = -8; nr < 1024; nr++) {
		struct seccomp_data d = { .nr = nr, .arch = native };

		check_all_args(prog, (size_t)n, &d, native);
		d.nr = nr | 0x40000000;
		check_all_args(prog, (size_t)n, &d, native);
		for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
			d.nr = nr;
			d.arch = foreign[i];
			assert_int_equal(bpf_run(prog, (size_t)n, &d) == SECCOMP_RET_ALLOW,
					 reference(&d, native));
		}
	}
}

static void test_program_refuses(void **state)
{
	static const struct confine_rule half_pointer = {
		.nr = __NR_sendto, .args = { { 4, CONFINE_EQ, 0, 0 } }
	};
	static const struct confine_rule bad_arg = { .nr = __NR_read, .args = { { 6, CONFINE_EQ, 0, 0 } } };
	struct sock_filter prog[8];

	(void)state;
	assert_int_equal(confine_compile(&half_pointer, 1, prog, 8), -EINVAL);
	assert_int_equal(confine_compile(&bad_arg, 1, prog, 8), -EINVAL);
	assert_int_equal(confine_compile(sample, N_SAMPLE, prog, 8), -E2BIG);
}

static int close_low(void) { return as_errno(syscall(__NR_close, 3)); }
static int close_low_disguised(void) { return as_errno(syscall(__NR_close, 0x100000003ul)); }
static int close_high(void) { return as_errno(syscall(__NR_close, 600)); }

static void test_descriptors_stay(void **state)
{
	static const struct attempt low = { "", close_low, false, false };
	static const struct attempt disguised = { "", close_low_disguised, false, false };
	static const struct attempt high = { "", close_high, false, false };

	(void)state;
	if (geteuid() != 0 && !userns_works())
		skip();
	assert_int_equal(run_isolated(&low, 2), 128 + SIGSYS);
	assert_int_equal(run_isolated(&disguised, 2), 128 + SIGSYS);
	assert_int_equal(run_isolated(&high, 2), EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_parent_death_stays_armed),
		cmocka_unit_test(test_ids_refuses_root),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_program_refuses),
		cmocka_unit_test(test_descriptors_stay),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
