/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: empties a process before it meets hostile bytes. Runs in sluice-stack and sluice-egress.
 *
 * The seccomp program is a plain list: load the number, compare, check the arguments, allow; its end
 * kills. It is written here and not by libseccomp, because ">= 16" on a descriptor must look at just
 * the 32 bits that the kernel looks at: libseccomp compares all 64 (its issue 383) and takes one
 * condition per argument, so close(0x100000003) would pass and close descriptor 3. A list this plain can
 * also be checked exhaustively (tests/unit/test_confine.c). Unconditional rules cost nothing: the kernel remembers
 * them in a bitmap (Linux 5.11).
 */
#include "lib/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#else
#error "this architecture has no seccomp list yet"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the halves of seccomp_data.args are read as little-endian"
#endif

enum {
	/* Above what systemd-nspawn hands out (524288..1879048191, systemd UIDS-GIDS.md). */
	OWN_ID_BASE = 0x70000000,
	RULE_INSNS_MAX = 64,
	PROG_MAX = 2048,	/* BPF_MAXINSNS is 4096 */
};

/* Does this user namespace have every id? Then ours can be taken, and need no other wall. */
static bool all_ids_mapped(void)
{
	unsigned int inside, outside, count;
	char buf[128];
	cleanup_close int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	return sscanf(buf, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 &&
	       count == UINT32_MAX;
}

void confine_own_ids(enum confine_role role, uid_t *ret_uid, gid_t *ret_gid)
{
	if (geteuid() != 0 || !all_ids_mapped()) {
		*ret_uid = (uid_t)-1;
		*ret_gid = (gid_t)-1;
		return;
	}
	/* pids end at 2^22 (PID_MAX_LIMIT), so this never overflows. */
	*ret_uid = OWN_ID_BASE + 2 * (uid_t)getpid() + (uid_t)role;
	*ret_gid = (gid_t)*ret_uid;
}

/* ---- stage 1: the file system ----------------------------------------------------------------- */

static int write_file(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		return errno ? -errno : -EIO;
	return 0;
}

/*
 * A user namespace of its own, with one id. Without ids to change to, this is what parts the process
 * from others of the same user: it may not trace them, nor use a capability on what they own.
 */
static int own_userns(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];
	int r;

	if (unshare(CLONE_NEWUSER) < 0)
		return -errno;
	r = write_file("/proc/self/setgroups", "deny");
	if (r < 0 && r != -ENOENT)
		return r;
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	r = write_file("/proc/self/uid_map", map);
	if (r < 0)
		return r;
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return write_file("/proc/self/gid_map", map);
}

int confine_root(void)
{
	if (geteuid() != 0 || !all_ids_mapped()) {
		int r = own_userns();

		if (r < 0)
			return r;
	}
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return -errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	/* Any directory that exists will do; whatever was mounted there goes away with the old root. */
	if (mount("none", "/proc", "tmpfs", MS_NODEV | MS_NOEXEC | MS_NOSUID | MS_RDONLY,
		  "nr_inodes=2,nr_blocks=1,mode=0555") < 0)
		return -errno;
	if (chdir("/proc") < 0)
		return -errno;
	/* pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one. */
	if (syscall(__NR_pivot_root, ".", ".") < 0)
		return -errno;
	if (umount2(".", MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return -errno;
	return chdir("/") < 0 ? -errno : 0;
}

/* ---- stage 2: ids and capabilities -------------------------------------------------------------- */

static int drop_bounding(void)
{
	for (cap_value_t c = 0; CAP_IS_SUPPORTED(c); c++) {
		if (cap_drop_bound(c) < 0)
			return -errno;
	}
	if (cap_reset_ambient() < 0)
		return -errno;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
		  SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
		  SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int change_ids(uid_t uid, gid_t gid)
{
	if (uid == (uid_t)-1)
		return 0;
	if (setgroups(0, NULL) < 0)
		return -errno;
	if (setresgid(gid, gid, gid) < 0)
		return -errno;
	return setresuid(uid, uid, uid) < 0 ? -errno : 0;
}

static int drop_caps(void)
{
	cap_t none = cap_init();
	cap_t now = NULL;
	int r = 0;

	if (!none)
		return -ENOMEM;
	if (cap_set_proc(none) < 0)
		r = -errno;
	now = cap_get_proc();
	/* Believe what the kernel says, not what was asked of it. */
	if (r == 0 && (!now || cap_compare(none, now) != 0))
		r = -EPERM;
	cap_free(none);
	if (now)
		cap_free(now);
	return r;
}

int confine_ids(uid_t uid, gid_t gid)
{
	static const struct rlimit none;
	pid_t parent = getppid();
	int death = 0;
	int r;

	if (uid == 0 || gid == 0 || (uid == (uid_t)-1) != (gid == (gid_t)-1))
		return -EINVAL;
	if (prctl(PR_GET_PDEATHSIG, &death) < 0)
		return -errno;
	r = drop_bounding();
	if (r < 0)
		return r;
	r = change_ids(uid, gid);
	if (r < 0)
		return r;
	r = drop_caps();
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	if (uid != (uid_t)-1 && (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0))
		return -EPERM;
	/* commit_creds() clears the signal when ids change. */
	if (death && prctl(PR_SET_PDEATHSIG, (unsigned long)death) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

/* ---- stage 3: system calls ------------------------------------------------------------------------ */

struct prog {
	struct sock_filter insns[RULE_INSNS_MAX];
	unsigned int n;
};

static void emit(struct prog *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	p->insns[p->n++] = (struct sock_filter){ code, jt, jf, k };
}

/* JF_NEXT marks "to the next rule"; patched when the rule's length is known. */
enum { JF_NEXT = 0xff };

static void load_half(struct prog *p, uint8_t arg, bool high)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS,
	     (uint32_t)(offsetof(struct seccomp_data, args) + 8u * arg + (high ? 4u : 0u)), 0, 0);
}

static void half_is(struct prog *p, uint8_t arg, bool high, uint64_t value, uint64_t mask)
{
	uint32_t m = (uint32_t)(high ? mask >> 32 : mask);
	uint32_t v = (uint32_t)(high ? value >> 32 : value);

	load_half(p, arg, high);
	if (m != UINT32_MAX)
		emit(p, BPF_ALU | BPF_AND | BPF_K, m, 0, 0);
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, v, 0, JF_NEXT);
}

static int compile_arg(struct prog *p, const struct confine_arg *a)
{
	if (a->arg > 5)
		return -EINVAL;
	switch ((enum confine_op)a->op) {
	case CONFINE_EQ:
		half_is(p, a->arg, false, a->value, UINT64_MAX);
		return 0;
	case CONFINE_NULL:
		half_is(p, a->arg, true, 0, UINT64_MAX);
		half_is(p, a->arg, false, 0, UINT64_MAX);
		return 0;
	case CONFINE_MASKED_EQ:
		half_is(p, a->arg, true, a->value, a->mask);
		half_is(p, a->arg, false, a->value, a->mask);
		return 0;
	case CONFINE_GE:
		load_half(p, a->arg, false);
		emit(p, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)a->value, 0, JF_NEXT);
		return 0;
	case CONFINE_LT:
		load_half(p, a->arg, false);
		emit(p, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)a->value, JF_NEXT, 0);
		return 0;
	case CONFINE_ANY:
		break;
	}
	return -EINVAL;
}

static int compile_rule(struct prog *p, const struct confine_rule *rule)
{
	p->n = 0;
	emit(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->nr, 0, JF_NEXT);
	for (size_t i = 0; i < sizeof(rule->args) / sizeof(rule->args[0]); i++) {
		if (rule->args[i].op == CONFINE_ANY)
			break;

		/* An address judged by half its bits would let every other destination through. */
		if (rule->nr == __NR_sendto && rule->args[i].arg == 4 &&
		    rule->args[i].op != CONFINE_NULL)
			return -EINVAL;

		int r = compile_arg(p, &rule->args[i]);

		if (r < 0)
			return r;
	}
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	for (unsigned int i = 0; i < p->n; i++) {
		uint8_t to_next = (uint8_t)(p->n - i - 1);

		if (BPF_CLASS(p->insns[i].code) != BPF_JMP)
			continue;
		if (p->insns[i].jt == JF_NEXT)
			p->insns[i].jt = to_next;
		if (p->insns[i].jf == JF_NEXT)
			p->insns[i].jf = to_next;
	}
	return 0;
}

int confine_compile(const struct confine_rule *rules, size_t n, struct sock_filter *ret_prog,
		    size_t cap)
{
	const struct sock_filter head[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_filter kill_it = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	size_t len = sizeof(head) / sizeof(head[0]);

	if (cap < len + 1)
		return -E2BIG;
	memcpy(ret_prog, head, sizeof(head));
	for (size_t i = 0; i < n; i++) {
		struct prog p;
		int r = compile_rule(&p, &rules[i]);

		if (r < 0)
			return r;
		if (p.n > cap - len - 1)
			return -E2BIG;
		memcpy(&ret_prog[len], p.insns, p.n * sizeof(p.insns[0]));
		len += p.n;
	}
	/* x32 numbers (bit 30) come here too: no rule holds one. */
	ret_prog[len++] = kill_it;
	return (int)len;
}

#ifdef SLUICE_SANITIZED
/* What the sanitizers' run-time calls by itself, mostly while it reports an error. */
static const struct confine_rule sanitizer_rules[] = {
	{ .nr = __NR_mmap }, { .nr = __NR_munmap }, { .nr = __NR_mprotect }, { .nr = __NR_madvise },
	{ .nr = __NR_futex }, { .nr = __NR_sigaltstack }, { .nr = __NR_rt_sigaction },
	{ .nr = __NR_rt_sigprocmask }, { .nr = __NR_getpid }, { .nr = __NR_gettid },
	{ .nr = __NR_sched_yield }, { .nr = __NR_write, .args = { { 0, CONFINE_EQ, 2, 0 } } },
	{ .nr = __NR_exit_group }, { .nr = __NR_prlimit64 }, { .nr = __NR_sched_getaffinity },
};
#endif

int confine_syscalls(const struct confine_rule *rules, size_t n)
{
	static struct sock_filter insns[PROG_MAX];
	struct sock_fprog prog = { .filter = insns };
	int len = confine_compile(rules, n, insns, PROG_MAX);

	if (len < 0)
		return len;
#ifdef SLUICE_SANITIZED
	/* A second list in place of the first one's end; its head (3 instructions) is not wanted. */
	static struct sock_filter more[PROG_MAX];
	int extra = confine_compile(sanitizer_rules,
				    sizeof(sanitizer_rules) / sizeof(sanitizer_rules[0]), more,
				    (size_t)(PROG_MAX - len));

	if (extra < 0)
		return extra;
	memcpy(&insns[len - 1], &more[3], (size_t)(extra - 3) * sizeof(insns[0]));
	len += extra - 4;
#endif
	prog.len = (unsigned short)len;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return -errno;
	return 0;
}
