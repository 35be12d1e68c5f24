/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: how egress and the workers give up what they do not need, in named stages.
 *
 *	0. (the process reads netd's configuration, opens and maps all it will ever need)
 *	1. confine_root()	own mount namespace with an empty read-only root; nothing can be opened
 *	2. confine_ids()	own uid and gid, no supplementary groups, no capabilities, no_new_privs,
 *				not dumpable, no core file
 *	3. confine_syscalls()	seccomp allowlist; the last step before the loop
 *
 * A program calls the three in this order, from its one thread, before it reads a single byte that a
 * sandbox had a hand in. Every stage must succeed or the process ends: a worker is never less confined
 * than promised.
 *
 *	uid_t uid;
 *	gid_t gid;
 *
 *	confine_own_ids(CONFINE_WORKER, &uid, &gid);
 *	if (confine_root() < 0 || confine_ids(uid, gid) < 0 || confine_syscalls(rules, n) < 0)
 *		die
 */
#ifndef LIB_CONFINE_H
#define LIB_CONFINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Conditions on one argument. EQ, GE and LT look at the low 32 bits, unsigned: that is all the kernel
 * reads of an int, and the other half of the register may hold anything. A pointer needs CONFINE_NULL,
 * which looks at all 64 bits. MASKED_EQ: (argument & mask) == value, all 64 bits.
 */
enum confine_op { CONFINE_ANY = 0, CONFINE_EQ, CONFINE_GE, CONFINE_LT, CONFINE_MASKED_EQ, CONFINE_NULL };

struct confine_arg {
	uint8_t arg;		/* 0..5 */
	uint8_t op;		/* enum confine_op; CONFINE_ANY ends the list */
	uint64_t value;
	uint64_t mask;		/* CONFINE_MASKED_EQ only */
};

/* One allowed system call; all of its conditions must hold. The same number may stand several times. */
struct confine_rule {
	int nr;			/* __NR_* */
	struct confine_arg args[3];
};

enum confine_role { CONFINE_WORKER = 0, CONFINE_EGRESS = 1 };

/*
 * The ids for confine_ids(): numbers that nobody else has, made from the pid, when every id may be
 * taken here (root); else (uid_t)-1 and (gid_t)-1: keep the caller's.
 */
void confine_own_ids(enum confine_role role, uid_t *ret_uid, gid_t *ret_gid);

/*
 * An empty, read-only, nosuid/nodev/noexec tmpfs as "/", in an own mount namespace. Needs CAP_SYS_ADMIN;
 * without root's full range of ids, an own user namespace is made first. 0 or -errno.
 */
int confine_root(void);
/*
 * (uid_t)-1, (gid_t)-1: keep them. Drops every capability set. Keeps the parent-death signal armed
 * (a change of ids disarms it): -ESRCH when the parent died meanwhile. 0 or -errno.
 */
int confine_ids(uid_t uid, gid_t gid);
/* Anything else kills the process (other architectures too). 0 or -errno. */
int confine_syscalls(const struct confine_rule *rules, size_t n);

/* The program for confine_syscalls(), for its test. Number of instructions, or -E2BIG. */
struct sock_filter;
int confine_compile(const struct confine_rule *rules, size_t n, struct sock_filter *ret_prog,
		    size_t cap);

#endif
