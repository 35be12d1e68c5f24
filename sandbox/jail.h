/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail: runs one program in a jail. Declare (struct jail_plan), then do.
 *
 * Three steps, so that the gateway can be attached meanwhile: jail_start() makes the namespaces,
 * jail_built() waits until everything in them is built, jail_go() lets the program run. The caller's
 * process stays outside.
 */
#ifndef SANDBOX_JAIL_H
#define SANDBOX_JAIL_H

#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/limits.h"

struct cgroup;
struct filter;
struct pty;

enum jail_mount_kind {
	JAIL_BIND,		/* a file or directory of the host */
	JAIL_TMPFS,		/* an empty directory that the program may write to */
	JAIL_SYMLINK,
	JAIL_FILE,		/* what is given here, read-only */
	JAIL_OVERLAY,		/* a directory of the host, changes to which go elsewhere */
	JAIL_IMAGE,		/* what a squashfs or erofs file holds; root only */
	JAIL_DEVICE,		/* a node of the host, which the program opens for reading and writing */
};

/* What is put at one place inside; in order, a later one over an earlier one. Nothing gains set-user-ID, or devices but JAIL_DEVICE. */
struct jail_mount {
	enum jail_mount_kind kind;
	const char *source;	/* on the host: absolute, no part of it a symlink; of a symlink: what it says */
	const char *dest;	/* absolute, inside; "/" for a bind, overlay or image that is the root */
	const char *upper, *work;	/* of an overlay: where the changes are kept, as source; NULL: nowhere */
	bool writable;
	bool noexec, nosymfollow;
	bool idmap;		/* what is its owner's is the program's, with ranges as they say; root only */
	bool slave;		/* what the host mounts below it later is seen as well, with the host's own flags */
	uint64_t size, inodes;	/* of a tmpfs, when either is set; else it shares that of /tmp */
	mode_t mode;		/* of what is made; 0: 0755, of a file 0444 */
	mode_t type;		/* of a device: S_IFCHR or S_IFBLK */
	dev_t rdev;		/* of a device: no other one is taken */
	const char *text;	/* of a file */
	size_t text_len;
};

enum jail_landlock {
	JAIL_LANDLOCK_AUTO,		/* where the kernel has it */
	JAIL_LANDLOCK_REQUIRE,		/* else jail_start() fails */
	JAIL_LANDLOCK_OFF,		/* asked for by name, printed */
};

enum { JAIL_RANGES_MAX = 16 };

/* As in /proc/PID/uid_map (user_namespaces(7)): count ids from inside on are those from outside on in the caller's namespace. */
struct jail_range {
	uint32_t inside, outside, count;
};

struct jail_ranges {
	size_t n;
	struct jail_range list[JAIL_RANGES_MAX];
};

enum jail_seccomp {
	JAIL_SECCOMP_ENFORCE,
	JAIL_SECCOMP_TRACE,		/* the same, and what is refused with an errno is reported */
	JAIL_SECCOMP_LOG,		/* what would be refused is reported and let through */
};

enum { JAIL_COMM_CAP = 16 };

/* A system call that the filter refuses, or would refuse. */
struct jail_violation {
	struct seccomp_data call;
	uint32_t action;		/* the filter's: SECCOMP_RET_* with data */
	bool let_through;
	pid_t pid;			/* of the thread, as the caller sees it */
	char comm[JAIL_COMM_CAP];	/* what it calls itself; the program's choice */
};

/* All zero: the defaults. */
struct jail_view {
	struct jail_ranges uids, gids;	/* both or neither; n 0: the program's own id alone, with its number */
	uint64_t caps;			/* by number: over the program's own user namespace; asked for by name, printed */
	int64_t monotonic_ns, boottime_ns;	/* what these clocks are ahead of the host's */
	const char *hidepid;		/* of /proc, see proc(5); static */
	bool proc_subset;		/* nothing in /proc but processes */
};

struct jail_plan {
	char *const *argv;		/* NULL-terminated, argv[0] is looked up in the jail's PATH */
	const struct jail_mount *mounts;
	size_t n_mounts;
	const struct jail_view *view;	/* NULL: the defaults */
	bool pty;			/* a terminal of the jail's own, which jail_wait() connects with 0 and 1 */
	const char *chdir;		/* inside; NULL: the caller's directory if bound, else "/" */
	const char *const *env;		/* NAME=VALUE to add or replace */
	size_t n_env;
	bool keep_env;			/* else a small safe environment: PATH HOME TERM LANG LC_* TZ USER */
	uid_t uid;			/* on the host, with ranges inside; (uid_t)-1: the default (see jail_default_ids()) */
	gid_t gid;
	const char *hostname;		/* NULL: "sandbox" */
	const char *dns4, *dns6;	/* resolver addresses for /etc/resolv.conf; either may be NULL */
	int userns;			/* rootless: user namespace to join first, else -1 */
	const struct filter *filter;	/* of system calls; NULL: the built-in default; borrowed */
	bool seccomp_off;		/* asked for by name, printed */
	enum jail_seccomp seccomp;
	/* Unless the filter is enforced without a word; called from jail_go() and jail_wait(). */
	void (*on_violation)(void *arg, const struct jail_violation *v);
	void *violation_arg;
	/*
	 * Calls for which this filter has SECCOMP_RET_USER_NOTIF are told by on_watched() and go on, if the other filter lets
	 * them; only while that is enforced. NULL: none; borrowed.
	 */
	const struct filter *watch;
	void (*on_watched)(void *arg, const struct jail_violation *v);
	enum jail_landlock landlock;
	const char *const *hide;	/* directories of the host that no bind shows; absolute */
	size_t n_hide;
	const struct jail_limits *limits;	/* NULL: the defaults */
};

struct jail {
	pid_t pid;		/* pid 1 of the jail, as the caller sees it */
	int netns;		/* the jail's network namespace; closed by jail_wait() or jail_kill() */
	int listener;		/* internal: reports of the filter, or -1 */
	const struct filter *filter;	/* of the plan: borrowed */
	enum jail_seccomp seccomp;
	void (*on_violation)(void *arg, const struct jail_violation *v);
	void (*on_watched)(void *arg, const struct jail_violation *v);	/* NULL: nothing is watched */
	void *violation_arg;
	int status;		/* internal: messages to and from pid 1, close-on-exec */
	bool front;		/* internal: the program has the terminal */
	bool masked;		/* internal: mask is to be restored by jail_wait() or jail_kill() */
	sigset_t mask;
	struct pty *pty;	/* internal: NULL without one */
	struct cgroup *cgroup;	/* internal: NULL without one; gone with jail_wait() or jail_kill() */
	const struct jail_limits *limits;	/* of the plan: borrowed until then */
	uint64_t start_ns;	/* internal: when the program was started */
	bool devices;		/* a device cgroup holds what may be opened */
	bool cpu_per_process;	/* without a cgroup: the limit on processor time holds for each process alone */
	struct jail_result result;	/* complete after jail_wait() */
};

/* The ids the program gets on the host without --uid: the caller; under sudo the invoking user; for
 * plain root 65534. */
void jail_default_ids(uid_t *ret_uid, gid_t *ret_gid);

/* What uid (of a plan) is outside: with ranges, what they make of it. (uid_t)-1 when they hold it not. */
uid_t jail_uid_outside(uid_t uid, const struct jail_ranges *uids);

/* The version of Landlock's interface here, 1 and up; 0 without Landlock. */
int jail_landlock_abi(void);

/*
 * why (512 bytes): what, why, what to do. 0 or -errno; nothing is left behind on failure.
 * Must be called while the process has one thread. The network namespace is there when it returns; the
 * rest is being built.
 */
int jail_start(const struct jail_plan *plan, struct jail *ret_jail, char *why);
/* Waits for the rest: 0, or -errno with why filled. On failure the caller still ends it with jail_kill(). */
int jail_built(struct jail *j, char *why);
/*
 * Lets the program run: 0 when it was exec'ed; 126 or 127 as a shell (why filled); or -errno.
 * On failure the caller still ends it with jail_kill(). From here to the end of jail_wait() or
 * jail_kill() the forwarded signals are blocked in the caller, so that none is lost.
 */
int jail_go(struct jail *j, char *why);
/* Ends the whole jail with SIGKILL and reaps it. */
void jail_kill(struct jail *j);
/*
 * Waits for the program, forwarding SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH,
 * SIGTSTP/SIGCONT as a shell's child would see them. poll_fd (or -1): on_readable() is called while it is readable and returns false to stop watching.
 * Returns the exit status as a shell gives it: 0..255, 128 + n for signal n; 137 when a limit on time
 * ended it, whatever it made of its grace.
 */
int jail_wait(struct jail *j, int poll_fd, bool (*on_readable)(void *arg), void *arg);

#endif
