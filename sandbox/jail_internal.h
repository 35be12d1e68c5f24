/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail_internal: what the files of the jail share. Three processes run this code:
 *
 *	caller	jail.c, netns.c, wait.c, pty.c: outside, keeps its ids and namespaces
 *	init	init.c, root.c, base.c, mounts.c, bind.c, device.c, idmap.c, image.c, overlay.c, place.c, etc.c,
 *			pty.c, landlock.c: pid 1 inside; builds everything, then keeps nothing
 *	program	program.c, caps.c, landlock.c, seccomp.c, env.c: gives up what is left, then execs
 *
 * They talk over two SOCK_SEQPACKET pairs (caller-init, init-program) in struct jail_msg.
 */
#ifndef SANDBOX_JAIL_INTERNAL_H
#define SANDBOX_JAIL_INTERNAL_H

#include "sandbox/cgroup.h"
#include "sandbox/jail.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	JAIL_WHY_CAP = 512,
	JAIL_EXIT_FAILED = 125,		/* of init and the intermediate process; nobody else sees it */
};

enum jail_msg_type {
	JAIL_MSG_ERROR = 1,		/* value: -errno, or 126 or 127; text: what, why, what to do */
	JAIL_MSG_PID,			/* intermediate process -> caller; value: pid of init; with the netns descriptor */
	JAIL_MSG_NETNS,			/* caller -> init, first of all: the netns descriptor comes along */
	JAIL_MSG_PTY,			/* init -> caller: the caller's end of the jail's terminal comes along */
	JAIL_MSG_READY,			/* all is built; comes with the filter's listener, if there is one */
	JAIL_MSG_MAPPED,		/* init -> program: the id maps are written */
	JAIL_MSG_GO,			/* exec now; value: 1 when the program gets the terminal */
	JAIL_MSG_RUNNING,		/* the exec happened */
	JAIL_MSG_STOPPED,		/* value: the signal that stopped the program */
	JAIL_MSG_EXIT,			/* value: the program's wait status */
	JAIL_MSG_SIGNAL,		/* caller -> init; value: signal for the program's process group */
	JAIL_MSG_LIMIT,			/* init -> caller, at the end; value: enum jail_limit that struck */
	JAIL_MSG_CONTINUE,		/* caller -> init; value: 1 when the program gets the terminal */
};

struct mount_attr;

struct jail_msg {
	uint32_t type;			/* enum jail_msg_type */
	int32_t value;
	char text[JAIL_WHY_CAP];
};

/* One extent of the program's user namespace: the id inside and what it is in the caller's. */
struct jail_id {
	uint32_t inside, outside;
};

/* Carried from the caller into init and on into the program. */
struct jail_setup {
	const struct jail_plan *plan;
	struct jail_id uid, gid;
	bool initial;			/* the caller's user namespace is the machine's */
	bool keeps_groups;		/* setgroups(2) is denied in the caller's user namespace */
	int sock;			/* towards whoever waits for this process */
	int proc_sys;			/* O_PATH of /proc/sys before it becomes read-only */
	int tty;			/* the controlling terminal, or -1 */
	int listener;			/* the filter's, on its way from the program to the caller; -1 without */
	int pty;			/* the program's end of the jail's own, or -1 */
	int ruleset;			/* Landlock's, made by init for the program; -1 without */
	int landlock_abi;
	const char *cwd;		/* inside; NULL: "/". Never freed */
	const char *user, *home;	/* static */
	sigset_t mask;			/* the caller's signal mask */
	const struct jail_limits *limits;	/* of the plan, or the defaults */
	const struct jail_view *view;	/* the same */
	bool nproc;			/* the number of processes is held by RLIMIT_NPROC */
	bool cpu_per_process;		/* the processor time by RLIMIT_CPU */
	struct cgroup_entry cgroup;	/* what init needs of the cgroup */
};

/* jail.c */
int jail_msg_send(int sock, enum jail_msg_type type, int value);
int jail_msg_send_fd(int sock, enum jail_msg_type type, int fd);	/* -1: none */
/* 0, -ECONNRESET when the peer is gone, or -errno. fd may be NULL; else gets a descriptor or -1. */
int jail_msg_recv(int sock, struct jail_msg *ret_msg, int *ret_fd);
/* Kills pid 1, and with it everything inside, and waits until all of it is gone. */
void jail_reap(struct jail *j);
/* Reports err (negative errno, or 126 or 127) with its text and ends the process. */
void __attribute__((noreturn, format(printf, 3, 4)))
jail_fail(const struct jail_setup *s, int err, const char *fmt, ...);

/* wait.c: the signals that jail_wait() forwards, and SIGTTOU, with which a shell could stop the caller. */
void jail_signals(sigset_t *ret_set);

/* ids.c: 0 or -errno with why filled. */
int jail_ids(const struct jail_plan *plan, struct jail_setup *s, char *why);
/* Into an open uid_map or gid_map: the ranges, or the one id. 0 or -errno. */
int ids_write(int fd, struct jail_id id, const struct jail_ranges *ranges);

/* init.c, program.c */
void __attribute__((noreturn)) jail_init(struct jail_setup *s);
void __attribute__((noreturn)) jail_program(struct jail_setup *s);

/* netns.c: a network namespace with its loopback device up, or -errno with what failed, static. */
int netns_new(const char **ret_what);

/* root.c: the private root; ends with the old one detached. */
void root_build(struct jail_setup *s);
/* A mount made of the tree at path, with attributes set before anything can see it. -errno on failure. */
int tree_make(int dir, const char *path, struct mount_attr *attr);
int tree_clone(int dir, const char *path, uint64_t attrs);
int tree_attach(int tree, int dir, const char *path);
/* A new file system, detached; opts are name, value pairs, value NULL for a flag. -errno on failure. */
int fs_new(const char *type, const char *const *opts, uint64_t attrs);
#define SCRATCH_SIZE "25%"		/* of the machine's memory, for all writable places together */
#define SCRATCH_INODES 400000

/* etc.c */
void etc_build(const struct jail_setup *s, int root, bool base);	/* base: of the host nothing */
int file_put(int dir, const char *path, const char *text);

/* trace.c: loads the filter so that violations are reported. The listener, close-on-exec, or -errno. */
int trace_load(const struct filter *f, enum jail_seccomp mode);
/* The same for a filter that says itself what is reported. */
int trace_watch(const struct filter *f);
/* The caller's side: answers one report, which must be there to be read. */
void trace_input(struct jail *j);
/* Answers reports until fd can be read. */
void trace_until(struct jail *j, int fd);

/* env.c: NULL-terminated, heap, never freed (exec follows). */
char **env_build(const struct jail_setup *s);
#define JAIL_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* caps.c: 0 or -errno */
int caps_lock(uint64_t keep);		/* bounding and ambient sets, securebits; ids change after it */
int caps_clear(uint64_t keep);		/* the rest, and no_new_privs; verified */

/*
 * landlock.c. Init makes the rule set first and adds each mount as it is attached; a mount that is not
 * added cannot be used by the program.
 */
void landlock_open(struct jail_setup *s);
/* What the flags of the mount allow; tree: a directory or file. Attached or not yet. */
void landlock_allow_tree(const struct jail_setup *s, int tree);
void landlock_allow_read(const struct jail_setup *s, int dir);	/* files and directories */
void landlock_allow_list(const struct jail_setup *s, int dir);	/* directories only */
/* The program's side: needs no_new_privs. Opens nothing outside of the rules from here on. */
void landlock_enter(struct jail_setup *s);

/* rlimit.c: in the program's process, before its ids change. */
void rlimit_apply(const struct jail_setup *s);
/* Is RLIMIT_NPROC a limit of the jail alone, and one that holds for this user? */
bool rlimit_counts_jail(uid_t uid);

/* deadline.c */
struct deadline {
	uint64_t wall_end, cpu_max;	/* 0: none */
	uint64_t grace, kill_at;
	int usage;			/* processor time of the cgroup, or -1 */
	enum jail_limit struck;
};
void deadline_start(struct deadline *d, const struct jail_limits *l, int usage, uint64_t now);
/* What just struck, once; else JAIL_LIMIT_NONE. */
enum jail_limit deadline_check(struct deadline *d, uint64_t now);
/* Has something struck, and is the grace over? */
bool deadline_over(const struct deadline *d, uint64_t now);
/* For poll(2): milliseconds until the next look, -1 for never. */
int deadline_wait(const struct deadline *d, uint64_t now);

#endif
