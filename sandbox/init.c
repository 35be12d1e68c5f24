/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init: pid 1 of the jail. Builds the root, makes the program's process in its own user namespace,
 * gives up its privileges, and from then on reaps, passes signals on, and reports.
 *
 * Theory of operation. Init stays in the caller's user namespace, without capabilities, and is not
 * dumpable: the program, one namespace below, can neither trace it nor look into /proc/1. When the
 * program ends, init ends, and the kernel kills whatever else is in the pid namespace. When the
 * caller ends, init is killed: by PR_SET_PDEATHSIG, which is set before init reads the caller's
 * word to go on (a caller that died earlier is seen there as end-of-file).
 *
 * Job control: the program leads a process group of its own. Stops are reported to the caller,
 * which stops itself for its shell; the way back is JAIL_MSG_CONTINUE, on which init gives the terminal
 * back to the group that had it (only a process inside can name that group) and continues it.
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/msg.h"
#include "sandbox/bind.h"
#include "sandbox/pty.h"

enum {
	REAP_BURST = 256,
};

struct init {
	int caller;		/* socket */
	struct deadline deadline;
	int tty;		/* -1 without a controlling terminal */
	pid_t program;
	pid_t front;		/* group that had the terminal when the program stopped */
};

static void set_hostname(const struct jail_setup *s)
{
	const char *name = s->plan->hostname ? s->plan->hostname : "sandbox";
	size_t len = strlen(name);

	if (len == 0 || len > 64 || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789.-") != len)
		jail_fail(s, -EINVAL, "host name '%.64s' is not made of 1 to 64 letters, digits, dots "
			  "and dashes", name);
	if (sethostname(name, len) < 0 || setdomainname("", 0) < 0)
		jail_fail(s, -errno, "cannot set the host name: %s", strerror(errno));
}

/* Servers inside may take port 80: the namespace is their own. A kernel without the knob keeps 1024. */
static void free_low_ports(const struct jail_setup *s)
{
	cleanup_close int fd = openat(s->proc_sys, "net/ipv4/ip_unprivileged_port_start",
				      O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "0", 1) != 1)
		jail_fail(s, -errno, "cannot open low ports inside: %s", strerror(errno));
}

static void drop_groups(const struct jail_setup *s)
{
	/*
	 * A user namespace of an ordinary user denies setgroups(2), and so do all below it: there
	 * the caller's groups stay, and show up as 65534.
	 */
	if (setgroups(0, NULL) < 0 && !(errno == EPERM && s->keeps_groups))
		jail_fail(s, -errno, "cannot drop supplementary groups: %s", strerror(errno));
}

static void put_offset(const struct jail_setup *s, int fd, const char *clock, int64_t ns)
{
	/* The kernel wants nanoseconds from 0 up. */
	int64_t sec = ns / (int64_t)NS_PER_S - (ns % (int64_t)NS_PER_S < 0);
	char line[64];
	int len = snprintf(line, sizeof(line), "%s %" PRId64 " %" PRId64 "\n", clock, sec, ns - sec * (int64_t)NS_PER_S);

	if (ns && (fd < 0 || write(fd, line, (size_t)len) != len))
		jail_fail(s, -errno, "cannot move the clock '%s': %s", clock, errno == ERANGE ?
			  "it would be less than 0" : strerror(errno));
}

/*
 * The program's clocks, a namespace for the processes that init makes from here on. Init stays with the
 * host's, so a limit on time is not moved. A kernel without it has nothing to move. It costs some 25 us a
 * start, and 5 ns each time a program reads a clock.
 */
static void new_time(const struct jail_setup *s)
{
	const struct jail_view *v = s->view;
	cleanup_close int fd = -1;

	if (unshare(CLONE_NEWTIME) < 0 && (errno != EINVAL || v->monotonic_ns || v->boottime_ns))
		jail_fail(s, -errno, "cannot make a time namespace: %s%s", strerror(errno),
			  errno == EINVAL ? " (--time-offset needs Linux 5.6 with CONFIG_TIME_NS)" :
			  errno == ENOSPC ? " (raise /proc/sys/user/max_time_namespaces)" : "");
	if (!v->monotonic_ns && !v->boottime_ns)
		return;
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	put_offset(s, fd, "monotonic", v->monotonic_ns);
	put_offset(s, fd, "boottime", v->boottime_ns);
}

static void write_map(const struct jail_setup *s, pid_t pid, const char *name, struct jail_id id,
		      const struct jail_ranges *ranges)
{
	char path[48];
	int r, fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	r = fd < 0 ? -errno : ids_write(fd, id, ranges);
	if (r < 0)
		jail_fail(s, r, "cannot write the program's %s: %s%s", name, strerror(-r), ranges->n && r == -EINVAL ?
			  " (ranges may not overlap)" : ranges->n && r == -EPERM ?
			  " (an id outside is not one of this user namespace's)" : "");
	close(fd);
}

/* Passes on what the other side says; returns only when it says `want`. */
static void expect(struct jail_setup *s, int sock, enum jail_msg_type want, int *ret_fd)
{
	struct jail_msg m;
	int r = jail_msg_recv(sock, &m, ret_fd);

	if (r == 0 && m.type == want)
		return;
	if (r == 0 && m.type == JAIL_MSG_ERROR)
		jail_fail(s, m.value, "%s", m.text);
	jail_fail(s, -ECHILD, "the program's process died while it was being set up");
}

/* Made meanwhile by the caller. */
static void enter_netns(struct jail_setup *s)
{
	int netns = -1;

	expect(s, s->sock, JAIL_MSG_NETNS, &netns);
	if (setns(netns, CLONE_NEWNET) < 0)
		jail_fail(s, -errno, "cannot enter the network namespace: %s", strerror(errno));
	close(netns);
}

/* The program's process: user namespace and maps now, exec when told. Returns init's end. */
static int make_program(struct jail_setup *s, pid_t *ret_pid)
{
	int pair[2], r = msg_pair(pair);
	pid_t pid;

	if (r < 0)
		jail_fail(s, r, "cannot make a socket: %s", strerror(-r));
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0ul);
	if (pid < 0)
		jail_fail(s, -errno, "cannot make a user namespace: %s (%s)", strerror(errno),
			  errno == ENOSPC || errno == EUSERS ?
			  "raise /proc/sys/user/max_user_namespaces" :
			  "user namespaces are switched off on this machine");
	if (pid == 0) {
		close(pair[0]);
		close(s->sock);
		s->sock = pair[1];
		jail_program(s);
	}
	close(pair[1]);
	/* Before it does anything: what it and its children use is counted there. Init stays outside. */
	r = cgroup_enter(&s->cgroup, pid);
	if (r < 0)
		jail_fail(s, r, "cannot put the program into its cgroup: %s", strerror(-r));
	for (size_t i = 0; i < s->cgroup.n_procs; i++)
		close(s->cgroup.procs[i]);
	s->cgroup.n_procs = 0;
	write_map(s, pid, "gid_map", s->gid, &s->view->gids);
	write_map(s, pid, "uid_map", s->uid, &s->view->uids);
	r = jail_msg_send(pair[0], JAIL_MSG_MAPPED, 0);
	if (r < 0)
		jail_fail(s, r, "cannot talk to the program's process: %s", strerror(-r));
	*ret_pid = pid;
	return pair[0];
}

/* What the caller was called with is not the program's business (/proc/1/cmdline is for everyone). */
static void hide_arguments(void)
{
	static const char name[] = "sluice-init";
	unsigned long start = 0, end = 0;
	char buf[512], *p;
	ssize_t n;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

	n = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);
	fd_close(&fd);
	buf[n > 0 ? n : 0] = '\0';
	p = strrchr(buf, ')');
	/* proc(5): the name is field 2, arg_start is 48, arg_end is 49. */
	for (int field = 3; p && field <= 48; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, " %lu %lu", &start, &end) != 2 || start == 0 || end <= start)
		return;
	memset((void *)start, 0, end - start);
	if (end - start > sizeof(name))
		memcpy((void *)start, name, sizeof(name));
}

static void give_up(const struct jail_setup *s)
{
	int r = caps_lock(0);

	if (r == 0 && setresgid(s->gid.outside, s->gid.outside, s->gid.outside) < 0)
		r = -errno;
	if (r == 0 && setresuid(s->uid.outside, s->uid.outside, s->uid.outside) < 0)
		r = -errno;
	if (r == 0)
		r = caps_clear(0);
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		r = -errno;
	/* Changing ids clears it. The caller's word, read later, tells that it is still there. */
	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		r = -errno;
	if (r < 0)
		jail_fail(s, r, "cannot give up privileges: %s", strerror(-r));
}

/* Standard streams held open here would keep a pipe's reader waiting. */
static void drop_stdio(const struct jail_setup *s)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		jail_fail(s, -errno, "cannot use /dev/null: %s", strerror(errno));
	close(fd);
}

static void signal_program(const struct init *in, int sig)
{
	/* The group; or the process, should it ever have left its group. */
	if (kill(-in->program, sig) < 0)
		kill(in->program, sig);
}

static void give_terminal(const struct init *in)
{
	if (in->tty < 0)
		return;
	/* A group that is gone meanwhile is refused; then the program's own is right. */
	if (in->front <= 0 || tcsetpgrp(in->tty, in->front) < 0)
		tcsetpgrp(in->tty, in->program);
}

/* A caller that is stopped does not read: then one report that waits for it stands for all. */
static void report_stop(const struct init *in, int sig)
{
	struct pollfd p = { in->caller, POLLOUT, 0 };

	if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT))
		jail_msg_send(in->caller, JAIL_MSG_STOPPED, sig);
}

/* First the end of everything inside, then its report, which may have to wait for the caller. */
static void __attribute__((noreturn)) end(const struct init *in, const int *status)
{
	kill(-1, SIGKILL);
	/* Here, and not in dying: what the kernel reaps then is in nobody's usage. */
	while (waitpid(-1, NULL, 0) >= 0 || errno == EINTR)
		;
	if (in->deadline.struck)
		jail_msg_send(in->caller, JAIL_MSG_LIMIT, (int)in->deadline.struck);
	if (status)
		jail_msg_send(in->caller, JAIL_MSG_EXIT, *status);
	_exit(0);
}

static void keep_time(struct init *in, uint64_t now)
{
	if (deadline_check(&in->deadline, now) && in->deadline.grace) {
		kill(-1, SIGTERM);
		kill(-1, SIGCONT);
	}
	if (deadline_over(&in->deadline, now))
		end(in, NULL);
}

/* True when there may be more. */
static bool reap(struct init *in)
{
	int status;
	pid_t pid = 0;

	/* Bounded, so that a storm of stops does not keep the caller's orders waiting. */
	for (int i = 0; i < REAP_BURST && (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0; i++) {
		if (pid != in->program)
			continue;
		if (WIFSTOPPED(status)) {
			in->front = in->tty < 0 ? -1 : tcgetpgrp(in->tty);
			report_stop(in, WSTOPSIG(status));
			continue;
		}
		end(in, &status);
	}
	return pid > 0;
}

static void take_order(const struct init *in)
{
	struct jail_msg m;

	if (jail_msg_recv(in->caller, &m, NULL) < 0)
		_exit(JAIL_EXIT_FAILED);	/* the caller is gone: so is the jail */
	if (m.type == JAIL_MSG_CONTINUE) {
		if (m.value)
			give_terminal(in);
		signal_program(in, SIGCONT);
	} else if (m.type == JAIL_MSG_SIGNAL && m.value > 0 && m.value < NSIG) {
		signal_program(in, m.value);
	}
}

static void __attribute__((noreturn)) watch(struct init *in, int children)
{
	struct pollfd p[2] = { { in->caller, POLLIN, 0 }, { children, POLLIN, 0 } };
	struct signalfd_siginfo si;

	for (;;) {
		bool more = reap(in);
		uint64_t now = clock_mono_ns();

		keep_time(in, now);
		if (poll(p, 2, more ? 0 : deadline_wait(&in->deadline, now)) < 0 && errno != EINTR)
			_exit(JAIL_EXIT_FAILED);
		if (p[1].revents && read(children, &si, sizeof(si)) < 0 && errno != EINTR &&
		    errno != EAGAIN)
			_exit(JAIL_EXIT_FAILED);
		if (p[0].revents)
			take_order(in);
	}
}

/* Our copy of the program's end stays open, so that the terminal lives as long as the jail. */
static void open_pty(struct jail_setup *s)
{
	int master, r = pty_new(s->uid.outside, s->gid.outside, &master, &s->pty);

	if (r < 0)
		jail_fail(s, r, "cannot make a terminal inside: %s", strerror(-r));
	if (jail_msg_send_fd(s->sock, JAIL_MSG_PTY, master) < 0)
		_exit(JAIL_EXIT_FAILED);
	close(master);
}

/* Everything that needs privilege. Returns the descriptor towards the program's process. */
static int build(struct jail_setup *s, pid_t *ret_program)
{
	int program;

	set_hostname(s);
	s->cwd = bind_cwd(s);
	landlock_open(s);
	root_build(s);
	enter_netns(s);
	free_low_ports(s);
	drop_groups(s);
	new_time(s);
	if (s->plan->pty)
		open_pty(s);
	else
		s->tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	program = make_program(s, ret_program);
	/* While that one does the same. */
	give_up(s);
	fd_close(&s->proc_sys);
	fd_close(&s->ruleset);
	drop_stdio(s);
	hide_arguments();
	expect(s, program, JAIL_MSG_READY, &s->listener);
	return program;
}

/* Tells the caller that all is built, waits for its word, and sees the program through its exec. */
static void start_program(struct jail_setup *s, int program)
{
	struct jail_msg m;
	int r = jail_msg_send_fd(s->sock, JAIL_MSG_READY, s->listener);

	fd_close(&s->listener);
	if (r < 0 || jail_msg_recv(s->sock, &m, NULL) < 0 || m.type != JAIL_MSG_GO ||
	    jail_msg_send(program, JAIL_MSG_GO, m.value) < 0)
		_exit(JAIL_EXIT_FAILED);
	/* End-of-file is the exec: the program's end is close-on-exec. */
	if (jail_msg_recv(program, &m, NULL) == 0)
		jail_fail(s, m.value, "%s", m.text);
	jail_msg_send(s->sock, JAIL_MSG_RUNNING, 0);
}

void jail_init(struct jail_setup *s)
{
	struct init in = { .caller = s->sock, .tty = -1, .program = -1, .front = -1,
		.deadline = { .usage = -1 } };
	int program, children;
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	/* A caller that ignores it would make children here vanish without a status. */
	signal(SIGCHLD, SIG_DFL);
	/* Dumpable until the maps are written: the files under /proc belong to the owner only then. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0 ||
	    prctl(PR_SET_NAME, "sluice-init") < 0)
		jail_fail(s, -errno, "cannot prepare the jail's first process: %s", strerror(errno));
	program = build(s, &in.program);
	in.tty = s->tty;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (children < 0)
		jail_fail(s, -errno, "cannot wait for signals: %s", strerror(errno));
	start_program(s, program);
	deadline_start(&in.deadline, s->limits, s->cgroup.usage, clock_mono_ns());
	close(program);
	watch(&in, children);
}
