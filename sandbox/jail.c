/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail: the caller's side. Makes pid 1 of the jail with one clone, in new namespaces that belong to
 * the caller's user namespace, so that the program, which gets a user namespace of its own below it,
 * owns none of them: whatever capability it might win there has power over nothing.
 *
 * Where a user namespace must be joined first, an intermediate process joins it, makes pid 1 as its
 * own sibling (CLONE_PARENT) and is gone.
 */
#include "sandbox/jail.h"
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/msg.h"
#include "sandbox/device.h"
#include "sandbox/filter.h"
#include "sandbox/pty.h"

enum {
	/* The network's comes by itself: netns.c */
	JAIL_CLONE = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | SIGCHLD,
	JAIL_SOCK_FD = 3,	/* in init; everything above it is closed there */
};

int jail_msg_send(int sock, enum jail_msg_type type, int value)
{
	struct jail_msg m;

	memset(&m, 0, sizeof(m));
	m.type = type;
	m.value = value;
	return msg_send(sock, &m, sizeof(m), NULL, 0);
}

int jail_msg_send_fd(int sock, enum jail_msg_type type, int fd)
{
	struct jail_msg m;

	memset(&m, 0, sizeof(m));
	m.type = type;
	return msg_send(sock, &m, sizeof(m), &fd, fd >= 0 ? 1 : 0);
}

int jail_msg_recv(int sock, struct jail_msg *ret_msg, int *ret_fd)
{
	int fd = -1;
	size_t n_fds = ret_fd ? 1 : 0;
	ssize_t n = msg_recv(sock, ret_msg, sizeof(*ret_msg), ret_fd ? &fd : NULL, &n_fds);

	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return (int)n;
	if (ret_fd)
		*ret_fd = n_fds ? fd : -1;
	if (n != sizeof(*ret_msg) || ret_msg->text[JAIL_WHY_CAP - 1]) {
		if (ret_fd)
			fd_close(ret_fd);
		return -EBADMSG;
	}
	return 0;
}

void jail_fail(const struct jail_setup *s, int err, const char *fmt, ...)
{
	struct jail_msg m;
	va_list ap;

	memset(&m, 0, sizeof(m));
	m.type = JAIL_MSG_ERROR;
	m.value = err;
	va_start(ap, fmt);
	vsnprintf(m.text, sizeof(m.text), fmt, ap);
	va_end(ap);
	msg_send(s->sock, &m, sizeof(m), NULL, 0);
	/* What is left unread at the end would reach the other side as an error, before the message. */
	shutdown(s->sock, SHUT_RD);
	while (recv(s->sock, &m, sizeof(m), MSG_DONTWAIT) > 0)
		;
	_exit(JAIL_EXIT_FAILED);
}

/* fork() with namespaces: 0 in the child. */
static pid_t clone_init(unsigned long extra)
{
	return (pid_t)syscall(SYS_clone, JAIL_CLONE | extra, NULL, NULL, NULL, 0ul);
}

/* Closes what is above JAIL_SOCK_FD, but not what belongs to the cgroup. */
static int close_above(const struct cgroup_entry *e)
{
	unsigned int from = JAIL_SOCK_FD + 1;

	for (;;) {
		unsigned int next = e->usage >= (int)from ? (unsigned int)e->usage : ~0u;

		for (size_t i = 0; i < e->n_procs; i++) {
			unsigned int fd = (unsigned int)e->procs[i];

			next = fd >= from && fd < next ? fd : next;
		}
		if (next > from && close_range(from, next == ~0u ? next : next - 1, 0) < 0)
			return -errno;
		if (next == ~0u)
			return 0;
		from = next + 1;
	}
}

static void __attribute__((noreturn)) enter_init(struct jail_setup *s)
{
	int r;

	/*
	 * The caller's descriptors end here: init never execs, so close-on-exec would not end them,
	 * and a copy kept open would hide an end-of-file from somebody.
	 */
	if (s->sock != JAIL_SOCK_FD) {
		if (dup3(s->sock, JAIL_SOCK_FD, O_CLOEXEC) < 0)
			_exit(JAIL_EXIT_FAILED);
		s->sock = JAIL_SOCK_FD;
	}
	r = close_above(&s->cgroup);
	if (r < 0)
		jail_fail(s, r, "cannot close descriptors: %s (Linux 5.12 or newer is needed)", strerror(-r));
	jail_init(s);
}

static const char *clone_hint(int err)
{
	switch (err) {
	case EPERM:
		return "namespaces need root or a user namespace";
	case ENOSPC:
	case EUSERS:
		return "a limit under /proc/sys/user is reached";
	case EINVAL:
		return "the kernel lacks a kind of namespace";
	default:
		return "try again when the system has more to give";
	}
}

static void __attribute__((noreturn)) run_intermediate(struct jail_setup *s)
{
	char why[JAIL_WHY_CAP] = "", end;
	struct jail_msg m = { .type = JAIL_MSG_PID };
	const char *what;
	int r, netns, gate[2];
	pid_t pid;

	if (setns(s->plan->userns, CLONE_NEWUSER) < 0)
		jail_fail(s, -errno, "cannot join the user namespace: %s", strerror(errno));
	r = jail_ids(s->plan, s, why);
	if (r < 0)
		jail_fail(s, r, "%s", why);
	if (pipe2(gate, O_CLOEXEC) < 0)
		jail_fail(s, -errno, "cannot make a pipe: %s", strerror(errno));
	pid = clone_init(CLONE_PARENT);
	if (pid < 0)
		jail_fail(s, -errno, "cannot make namespaces: %s (%s)", strerror(errno),
			  clone_hint(errno));
	if (pid == 0) {
		/* Its pid is told before init says anything: end-of-file. */
		close(gate[1]);
		while (read(gate[0], &end, 1) < 0 && errno == EINTR)
			;
		enter_init(s);
	}
	netns = netns_new(&what);
	if (netns < 0) {
		kill(pid, SIGKILL);	/* the caller's child, which it does not learn of */
		jail_fail(s, netns, "cannot %s: %s (%s)", what, strerror(-netns), clone_hint(-netns));
	}
	m.value = pid;
	_exit(msg_send(s->sock, &m, sizeof(m), &netns, 1) < 0 ? JAIL_EXIT_FAILED : 0);
}

/* Starts init, in the given user namespace or in the caller's. Fills pid and netns, or returns -errno. */
static int start_init(struct jail_setup *s, struct jail *j, char *why)
{
	const char *what = "make namespaces";
	struct jail_msg m;
	pid_t pid;
	int r;

	if (s->plan->userns < 0) {
		r = jail_ids(s->plan, s, why);
		if (r < 0)
			return r;
		pid = clone_init(0);
		if (pid == 0)
			enter_init(s);
		r = pid < 0 ? -errno : 0;
		j->pid = pid;
		j->netns = pid < 0 ? -1 : netns_new(&what);
		if (pid >= 0 && j->netns < 0) {
			r = j->netns;
			jail_reap(j);
		}
	} else {
		pid = fork();
		if (pid == 0)
			run_intermediate(s);
		r = pid < 0 ? -errno : 0;
	}
	fd_close(&s->sock);
	if (r < 0) {
		snprintf(why, JAIL_WHY_CAP, "cannot %s: %s (%s)", what, strerror(-r), clone_hint(-r));
		return r;
	}
	if (s->plan->userns < 0)
		return 0;

	r = jail_msg_recv(j->status, &m, &j->netns);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (r == 0 && m.type == JAIL_MSG_PID) {
		j->pid = m.value;
		return 0;
	}
	snprintf(why, JAIL_WHY_CAP, "%s", r == 0 ? m.text : "the jail's first process died");
	return r == 0 && m.value < 0 ? m.value : -ECHILD;
}

/*
 * A socket keeps the network namespace that it was made in: connected anew, or with an address in
 * sendto(2), it leads to the host's network from inside the jail. Only a connected UNIX stream
 * cannot be pointed elsewhere (unix_stream_connect() in net/unix/af_unix.c).
 */
static bool is_way_out(int fd)
{
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof(peer), len = sizeof(int);
	int domain = 0, type = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return errno != ENOTSOCK;
	len = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return true;
	return domain != AF_UNIX || (type != SOCK_STREAM && type != SOCK_SEQPACKET) ||
	       getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0;
}

/* The program gets 0, 1 and 2: all must be open, none may lead to the host's files or network. */
static int check_stdio(char *why)
{
	struct stat st;
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0) {
			snprintf(why, JAIL_WHY_CAP, "cannot open /dev/null: %s", strerror(errno));
			return -errno;
		}
	} while (fd <= STDERR_FILENO);
	close(fd);

	for (fd = 0; fd <= STDERR_FILENO; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0 || fstat(fd, &st) < 0)
			return -errno;
		if ((flags & O_PATH) || S_ISDIR(st.st_mode)) {
			snprintf(why, JAIL_WHY_CAP,
				 "descriptor %d is a directory or a path; give the program a file, "
				 "a pipe or a terminal instead", fd);
			return -EINVAL;
		}
		if (is_way_out(fd)) {
			snprintf(why, JAIL_WHY_CAP,
				 "descriptor %d is a socket that can be connected elsewhere, past the jail; "
				 "put a pipe between (cat | sluice run ... | cat)", fd);
			return -EINVAL;
		}
	}
	return 0;
}

/*
 * Decides who holds which limit. A cgroup is made only for what needs one: entering it costs milliseconds.
 * What was asked for and cannot be held is an error. Two things have a second best: the number of
 * processes, which a resource limit holds as well, and processor time, which one holds per process.
 */
static int take_limits(struct jail_setup *s, struct jail *j, char *why)
{
	const unsigned int pids = 1u << CGROUP_PIDS, cpuacct = 1u << CGROUP_CPUACCT;
	const struct jail_limits *l = s->limits;
	unsigned int need = (l->memory ? 1u << CGROUP_MEMORY : 0) | (l->cpu_milli ? 1u << CGROUP_CPU : 0) |
		(l->io_weight ? 1u << CGROUP_IO : 0);
	unsigned int better = l->cpu_ns ? cpuacct : 0, got;
	uid_t uid = jail_uid_outside(s->plan->uid, &s->view->uids);
	int r = -EOPNOTSUPP;

	s->nproc = rlimit_counts_jail(uid);
	if (l->pids && !s->nproc)
		need |= pids;
	else if (l->pids || !s->nproc)
		better |= pids;

	if (device_is_granted(s->plan)) {
		got = need | better | 1u << CGROUP_DEVICES;
		r = cgroup_new(l, got, &j->cgroup, why);
		/* One that cannot be had is no reason to stop: the mounts hold the devices. */
		j->devices = r == 0 && device_limit(s->plan, j->cgroup) == 0;
		if (r == 0 && !j->devices) {
			cgroup_free(j->cgroup);
			j->cgroup = NULL;
			r = -EOPNOTSUPP;
		}
	}
	if (r < 0)
		got = need | better;
	if (r < 0 && better)
		r = cgroup_new(l, got, &j->cgroup, why);
	if (r < 0) {
		got = need;
		r = need ? cgroup_new(l, need, &j->cgroup, why) : 0;
	}
	if (r < 0)
		return r;
	why[0] = '\0';
	/* The resource limit would refuse first, and count nothing. */
	if (got & pids)
		s->nproc = false;
	s->cpu_per_process = l->cpu_ns && !(got & cpuacct);
	j->cpu_per_process = s->cpu_per_process;
	j->limits = l;
	if (j->cgroup)
		cgroup_entry_get(j->cgroup, &s->cgroup);
	return 0;
}

static void close_jail(struct jail *j)
{
	if (j->pty)
		pty_detach(j->pty);
	free(j->pty);
	j->pty = NULL;
	fd_close(&j->status);
	fd_close(&j->netns);
	fd_close(&j->listener);
	cgroup_free(j->cgroup);
	j->cgroup = NULL;
}

/* Waits for this message of init's. 0, or -errno with why. */
static int hear(struct jail *j, enum jail_msg_type type, int *ret_fd, char *why)
{
	struct jail_msg m;
	int r = jail_msg_recv(j->status, &m, ret_fd);

	if (r == 0 && m.type == type && (!ret_fd || *ret_fd >= 0))
		return 0;
	snprintf(why, JAIL_WHY_CAP, "%s", r == 0 && m.type == JAIL_MSG_ERROR ? m.text :
		 "the jail's first process died while it was being set up");
	return r == 0 && m.value < 0 ? m.value : -ECHILD;
}

int jail_start(const struct jail_plan *plan, struct jail *ret_jail, char *why)
{
	static const struct jail_limits defaults;
	static const struct jail_view plain;
	struct jail_setup s = { .plan = plan, .limits = plan->limits ? plan->limits : &defaults,
		.view = plan->view ? plan->view : &plain,
		.sock = -1, .proc_sys = -1, .tty = -1, .pty = -1, .listener = -1, .ruleset = -1, .cgroup = { .usage = -1 } };
	struct jail j = { .pid = -1, .netns = -1, .status = -1, .listener = -1 };
	int pair[2], r;

	why[0] = '\0';
	r = check_stdio(why);
	if (r < 0)
		return r;
	r = take_limits(&s, &j, why);
	if (r < 0)
		return r;
	sigprocmask(SIG_SETMASK, NULL, &s.mask);
	j.pty = plan->pty ? pty_alloc() : NULL;
	r = plan->pty && !j.pty ? -ENOMEM : msg_pair(pair);
	if (r < 0) {
		close_jail(&j);
		snprintf(why, JAIL_WHY_CAP, "cannot make a socket: %s", strerror(-r));
		return r;
	}
	j.status = pair[0];
	j.filter = plan->filter ? plan->filter : filter_builtin("default");
	j.seccomp = plan->seccomp_off ? JAIL_SECCOMP_ENFORCE : plan->seccomp;
	j.on_violation = plan->on_violation;
	j.on_watched = plan->watch && !plan->seccomp_off && j.seccomp == JAIL_SECCOMP_ENFORCE ? plan->on_watched : NULL;
	j.violation_arg = plan->violation_arg;
	s.sock = pair[1];
	r = start_init(&s, &j, why);
	if (j.cgroup)
		cgroup_entry_drop(j.cgroup);
	if (r < 0) {
		fd_close(&s.sock);
		close_jail(&j);
		return r;
	}
	/* Should init have ended meanwhile, jail_built() tells why. */
	jail_msg_send_fd(j.status, JAIL_MSG_NETNS, j.netns);
	*ret_jail = j;
	return 0;
}

int jail_built(struct jail *j, char *why)
{
	int r = j->pty ? hear(j, JAIL_MSG_PTY, &j->pty->master, why) : 0;

	if (r < 0)
		return r;
	return hear(j, JAIL_MSG_READY, j->seccomp == JAIL_SECCOMP_ENFORCE && !j->on_watched ? NULL : &j->listener, why);
}

/*
 * The program has a process group of its own, because kill(0, ...) knows no pid namespaces: in the
 * caller's group it could signal the caller and its pipeline. It gets the terminal at once when
 * standard input and output are the terminal and the caller has it; else when it first asks (wait.c).
 */
static bool has_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
		tcgetpgrp(STDIN_FILENO) == getpgrp();
}

int jail_go(struct jail *j, char *why)
{
	struct jail_msg m;
	sigset_t set;
	int r;

	why[0] = '\0';
	jail_signals(&set);
	sigprocmask(SIG_BLOCK, &set, &j->mask);
	j->masked = true;
	if (j->pty)
		pty_attach(j->pty);
	j->front = !j->pty && has_terminal();
	j->start_ns = clock_mono_ns();
	r = jail_msg_send(j->status, JAIL_MSG_GO, j->front);
	if (r == 0 && j->listener >= 0)
		trace_until(j, j->status);
	if (r == 0)
		r = jail_msg_recv(j->status, &m, NULL);
	if (r == 0 && m.type == JAIL_MSG_RUNNING)
		return 0;
	snprintf(why, JAIL_WHY_CAP, "%s", r == 0 && m.type == JAIL_MSG_ERROR ? m.text :
		 "the jail's first process died before the program started");
	return r == 0 && m.type == JAIL_MSG_ERROR ? m.value : -ECHILD;
}

void jail_reap(struct jail *j)
{
	struct rusage use = { 0 };

	if (j->pid <= 0)
		return;
	kill(j->pid, SIGKILL);
	/* Whom init has reaped is in its usage: everybody, unless init itself was killed. */
	while (wait4(j->pid, NULL, 0, &use) < 0 && errno == EINTR)
		;
	j->pid = -1;
	j->result.user_us = (uint64_t)use.ru_utime.tv_sec * 1000000 + (uint64_t)use.ru_utime.tv_usec;
	j->result.system_us = (uint64_t)use.ru_stime.tv_sec * 1000000 + (uint64_t)use.ru_stime.tv_usec;
	j->result.rss_peak = (uint64_t)use.ru_maxrss * 1024;
}

void jail_kill(struct jail *j)
{
	jail_reap(j);
	close_jail(j);
	if (j->masked)
		sigprocmask(SIG_SETMASK, &j->mask, NULL);
	j->masked = false;
}
