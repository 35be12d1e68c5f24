/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: what becomes the program. Enters with every capability over its own user namespace, which
 * owns nothing, and leaves with none: keyring, limits, ids, capability sets, Landlock, seccomp,
 * then exec. Anything that fails is reported and ends the jail.
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "sandbox/filter.h"

/* No user namespace below this one, whatever seccomp says: the limit is this namespace's own. */
static void forbid_namespaces(const struct jail_setup *s)
{
	cleanup_close int fd = openat(s->proc_sys, "user/max_user_namespaces", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		jail_fail(s, -errno, "cannot forbid user namespaces inside: %s", strerror(errno));
}

static void new_keyring(const struct jail_setup *s)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		jail_fail(s, -errno, "cannot make a session keyring: %s", strerror(errno));
}

static void change_ids(const struct jail_setup *s)
{
	int r = caps_lock(s->view->caps);

	if (r == 0 && setresgid(s->gid.inside, s->gid.inside, s->gid.inside) < 0)
		r = -errno;
	if (r == 0 && setresuid(s->uid.inside, s->uid.inside, s->uid.inside) < 0)
		r = -errno;
	if (r == 0)
		r = caps_clear(s->view->caps);
	if (r < 0)
		jail_fail(s, r, "cannot give up privileges: %s", strerror(-r));
}

/*
 * From here on nothing is open but the socket, the terminal and the rule set: a directory chosen by somebody else
 * must not lead into one of ours (/proc/self/fd/7, CVE-2024-21626).
 */
static void close_others(struct jail_setup *s)
{
	const int keep[] = { s->sock, s->tty, s->pty, s->ruleset };
	unsigned int next, from = STDERR_FILENO + 1;

	do {
		next = ~0u;
		for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
			if (keep[i] >= (int)from && (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		}
		if (next > from && close_range(from, next == ~0u ? next : next - 1, 0) < 0)
			jail_fail(s, -errno, "cannot close descriptors: %s", strerror(errno));
		from = next + 1;
	} while (next != ~0u);
	s->proc_sys = -1;
}

static void change_dir(struct jail_setup *s)
{
	static char cwd[PATH_MAX];

	if (s->plan->chdir) {
		if (chdir(s->plan->chdir) < 0)
			jail_fail(s, -errno, "cannot change to %s inside: %s (bind it, or choose a "
				  "directory that exists in the jail)", s->plan->chdir, strerror(errno));
		s->cwd = s->plan->chdir;
	} else if (s->cwd && chdir(s->cwd) < 0) {
		s->cwd = NULL;
	}
	/* A directory that is not below the root has no absolute path (getcwd(2), "unreachable"). */
	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0 || cwd[0] != '/')
		jail_fail(s, -EACCES, "the working directory is outside the jail");
}

/* Before the filter, which lets nobody take a terminal. */
static void take_pty(struct jail_setup *s)
{
	if (s->pty < 0)
		return;
	if (setsid() < 0 || ioctl(s->pty, TIOCSCTTY, 0) < 0 || dup2(s->pty, STDIN_FILENO) < 0 ||
	    dup2(s->pty, STDOUT_FILENO) < 0 || dup2(s->pty, STDERR_FILENO) < 0)
		jail_fail(s, -errno, "cannot give the program its terminal: %s", strerror(errno));
	fd_close(&s->pty);
}

static void take_terminal(const struct jail_setup *s, bool front)
{
	if (s->plan->pty)
		return;
	/* Without the filter the terminal could be written to (TIOCSTI): it stays outside. */
	if (s->plan->seccomp_off) {
		if (setsid() < 0)
			jail_fail(s, -errno, "cannot make a session: %s", strerror(errno));
		return;
	}
	if (setpgid(0, 0) < 0)
		jail_fail(s, -errno, "cannot make a process group: %s", strerror(errno));
	/* SIGTTOU is blocked. A terminal that vanished meanwhile is no reason to stop here. */
	if (front && s->tty >= 0)
		tcsetpgrp(s->tty, getpid());
}

static const char *exec_hint(int err, const char *name)
{
	if (err == ENOENT && strchr(name, '/') && access(name, F_OK) == 0)
		return " (the file exists, but not the interpreter or loader it asks for)";
	if (err == ENOENT)
		return " (inside the jail there are only system directories and what is bound)";
	if (err == EACCES)
		return " (not executable for this user)";
	return "";
}

static int load_filter(struct jail_setup *s)
{
	const struct filter *f = s->plan->filter ? s->plan->filter : filter_builtin("default");

	if (s->plan->seccomp == JAIL_SECCOMP_ENFORCE) {
		/* First, because the other one lets nobody have a listener. */
		if (s->plan->watch)
			s->listener = trace_watch(s->plan->watch);
		return s->listener < -1 ? s->listener : filter_load(f);
	}
	/* It stays open until exec: close(2) may be refused, and then nobody would answer yet. */
	s->listener = trace_load(f, s->plan->seccomp);
	return s->listener;
}

void jail_program(struct jail_setup *s)
{
	char *const *argv = s->plan->argv;
	struct jail_msg m;
	int err;

	if (jail_msg_recv(s->sock, &m, NULL) < 0 || m.type != JAIL_MSG_MAPPED)
		_exit(JAIL_EXIT_FAILED);
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		jail_fail(s, -errno, "cannot protect the program's process: %s", strerror(errno));
	forbid_namespaces(s);
	new_keyring(s);
	rlimit_apply(s);
	close_others(s);
	change_ids(s);
	change_dir(s);
	take_pty(s);
	environ = env_build(s);
	landlock_enter(s);
	if (!s->plan->seccomp_off) {
		err = load_filter(s);
		if (err < 0)
			jail_fail(s, err, "cannot load the seccomp filter: %s", strerror(-err));
	}
	if (jail_msg_send_fd(s->sock, JAIL_MSG_READY, s->listener) < 0 ||
	    jail_msg_recv(s->sock, &m, NULL) < 0 || m.type != JAIL_MSG_GO)
		_exit(JAIL_EXIT_FAILED);

	take_terminal(s, m.value != 0);
	signal(SIGPIPE, SIG_DFL);
	if (close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		jail_fail(s, -errno, "cannot close descriptors: %s (Linux 5.12 or newer is needed)",
			  strerror(errno));
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
	execvp(argv[0], argv);
	err = errno;
	jail_fail(s, err == ENOENT ? 127 : 126, "cannot run %s: %s%s", argv[0], strerror(err),
		  exec_hint(err, argv[0]));
}
