/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn: fork, place descriptors, exec; and the end of such a child. Runs in netd.
 *
 * Between fork and exec the child arms its parent-death signal (and checks that the parent was not gone
 * already), moves every descriptor to its slot by way of high numbers so that none overwrites another,
 * closes the rest, and leaves an errno in a close-on-exec pipe when exec fails. Nobody waits for that:
 * netd has other children to start meanwhile, and a child that failed has ended.
 */
#include "netd/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/sibling.h"

enum {
	SLOTS_MAX = 32,
	HIGH = 64,		/* above every slot */
};

/* ---- in the child --------------------------------------------------------------------------------- */

/* Returns the errno pipe's new number, or -errno. */
static int place(const struct spawn_plan *plan, int log_w, int err_w)
{
	int high[SLOTS_MAX];
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return -errno;
	null_fd = fcntl(null_fd, F_DUPFD_CLOEXEC, HIGH);
	log_w = fcntl(log_w, F_DUPFD_CLOEXEC, HIGH);
	err_w = fcntl(err_w, F_DUPFD_CLOEXEC, HIGH);
	if (null_fd < 0 || log_w < 0 || err_w < 0)
		return -errno;
	for (int i = 0; i < plan->slots_end; i++)
		high[i] = null_fd;
	high[STDERR_FILENO] = plan->keep_stderr ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, HIGH) : log_w;
	if (high[STDERR_FILENO] < 0)
		return -errno;
	for (size_t i = 0; i < plan->n_fds; i++) {
		if (plan->fds[i].fd < 0)
			continue;
		high[plan->fds[i].slot] = fcntl(plan->fds[i].fd, F_DUPFD_CLOEXEC, HIGH);
		if (high[plan->fds[i].slot] < 0)
			return -errno;
	}
	for (int i = 0; i < plan->slots_end; i++) {
		if (dup2(high[i], i) < 0)
			return -errno;
	}
	if (dup3(err_w, plan->slots_end, O_CLOEXEC) < 0)
		return -errno;
	if (syscall(__NR_close_range, (unsigned int)plan->slots_end + 1, ~0u, 0u) < 0)
		return -errno;
	return plan->slots_end;
}

static void plain_signals(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A worker holds one descriptor per flow. */
static void raise_soft_limits(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

static _Noreturn void run_child(const struct spawn_plan *plan, pid_t parent, int log_w, int err_w)
{
	const char *slash = strrchr(plan->path, '/');
	char name[64];
	char *const argv[] = { name, (char *)(uintptr_t)plan->arg, NULL };
	int err;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	snprintf(name, sizeof(name), "%s", slash ? slash + 1 : plan->path);
	err = place(plan, log_w, err_w);
	if (err >= 0) {
		err_w = err;
		plain_signals();
		raise_soft_limits();
		umask(077);
		if (chdir("/") == 0)
			execve(plan->path, argv, sibling_environment());
		err = -errno;
	}
	if (write(err_w, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

/* ---- in netd ---------------------------------------------------------------------------------------- */

int spawn_child(const struct spawn_plan *plan, struct child *ret_child)
{
	int log_pipe[2] = { -1, -1 }, err_pipe[2] = { -1, -1 };
	pid_t parent = getpid();
	struct child c = CHILD_NONE;
	int r;

	if (plan->slots_end < 3 || plan->slots_end > SLOTS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < plan->n_fds; i++) {
		if (plan->fds[i].slot < 3 || plan->fds[i].slot >= plan->slots_end)
			return -EINVAL;
	}
	/* Non-blocking at both ends: a child never stalls because nobody reads its complaints. */
	if (pipe2(log_pipe, O_CLOEXEC | O_NONBLOCK) < 0 || pipe2(err_pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = -errno;
		goto err_pipes;
	}
	c.pid = fork();
	if (c.pid < 0) {
		r = -errno;
		goto err_pipes;
	}
	if (c.pid == 0)
		run_child(plan, parent, log_pipe[1], err_pipe[1]);
	fd_close(&log_pipe[1]);
	fd_close(&err_pipe[1]);
	c.pidfd = (int)syscall(__NR_pidfd_open, c.pid, 0);
	if (c.pidfd < 0) {
		r = -errno;
		kill(c.pid, SIGKILL);
		waitpid(c.pid, NULL, 0);
		goto err_pipes;
	}
	c.log_fd = log_pipe[0];
	c.err_fd = err_pipe[0];
	*ret_child = c;
	return 0;

err_pipes:
	fd_close(&log_pipe[0]);
	fd_close(&log_pipe[1]);
	fd_close(&err_pipe[0]);
	fd_close(&err_pipe[1]);
	return r;
}

static void describe_end(const struct child *c, const siginfo_t *si, char *text)
{
	int err;

	text[0] = '\0';
	if (c->err_fd >= 0 && read(c->err_fd, &err, sizeof(err)) == sizeof(err))
		snprintf(text, PROTO_TEXT_CAP, "it cannot be executed: %s; install it again", strerror(-err));
	else if (si->si_code == CLD_EXITED && si->si_status != 0)
		snprintf(text, PROTO_TEXT_CAP, "exit status %d", si->si_status);
	else if (si->si_code != CLD_EXITED && si->si_status == SIGSYS)
		snprintf(text, PROTO_TEXT_CAP, "killed for a forbidden system call");
	else if (si->si_code != CLD_EXITED)
		snprintf(text, PROTO_TEXT_CAP, "killed by signal %d (%s)", si->si_status,
			 strsignal(si->si_status));
}

bool spawn_reap(struct child *c, char *text)
{
	siginfo_t si = { .si_pid = 0 };

	if (c->pid == 0)
		return false;
	if (waitid(P_PID, (id_t)c->pid, &si, WEXITED | WNOHANG) < 0 || si.si_pid == 0)
		return false;
	c->pid = 0;
	describe_end(c, &si, text);
	return true;
}

void spawn_kill(struct child *c)
{
	/* Not reaped yet, so the number is still this child's. */
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
}

void spawn_forget(struct child *c)
{
	fd_close(&c->pidfd);
	fd_close(&c->log_fd);
	fd_close(&c->err_fd);
}
