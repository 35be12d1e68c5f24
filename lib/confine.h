/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: how egress and the workers give up what they do not need, in named stages.
 *
 *	1. confine_root()	own mount namespace with an empty read-only root; nothing can be opened
 *	2. confine_ids()	own uid and gid, no supplementary groups, no capabilities, no_new_privs,
 *				not dumpable
 *	3. confine_syscalls()	seccomp allowlist; the last step before the loop
 *
 * netd does 1 and 2 for the child between fork and exec where exec still works, and the child does
 * what must come later itself. Every stage must succeed or the process ends: a worker is never less
 * confined than promised.
 */
#ifndef LIB_CONFINE_H
#define LIB_CONFINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Compares the low 32 bits of argument `arg` after masking; SCMP-like operators. */
enum confine_op { CONFINE_ANY = 0, CONFINE_EQ, CONFINE_GE, CONFINE_LT, CONFINE_MASKED_EQ };

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

/*
 * An empty, read-only, nosuid/nodev/noexec tmpfs as "/", in an own mount namespace. Needs CAP_SYS_ADMIN (in an
 * own user namespace if need be: then one is made). 0 or -errno.
 */
int confine_root(void);
/* uid/gid (uid_t)-1: keep them (rootless: the caller's own). Drops every capability set. 0 or -errno. */
int confine_ids(uid_t uid, gid_t gid);
/* Anything else kills the process (other architectures too). 0 or -errno. */
int confine_syscalls(const struct confine_rule *rules, size_t n);

#endif
