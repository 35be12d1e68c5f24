/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice-netd: the supervisor. Started by sluice with a control socket on descriptor 3; or, as
 * sluice-netd --listen (listen.c), it listens for clients and starts one sluice-netd --pooled for each,
 * beforehand, which does all of the following, is then given the client's connection, and ends with it.
 *
 * Start, in this order: own session, so that a terminal's ^C or hang-up reaches only the program; fewer
 * capabilities; egress, while this process is still in the host's network namespace; the port namespace;
 * a worker, which waits for its sandbox; the loop. End: when the control socket is closed, or on SIGTERM
 * (which is also how the kernel tells us that sluice was killed), every sandbox is ended in order and
 * within bounded time, then egress. Should netd itself be killed, the kernel ends its children
 * (PR_SET_PDEATHSIG) and with them the port namespace and every link in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "netd/listen.h"
#include "netd/netd.h"
#include "netd/priv.h"

enum { EVENTS_PER_WAKE = 16 };

/* Large (paths, relays, sandboxes), and there is one. */
static struct netd netd;

int netd_watch(struct netd *n, int fd, enum source source, uint32_t number)
{
	struct epoll_event ev = {
		.events = EPOLLIN,
		.data.u64 = (uint64_t)source << 32 | number,
	};

	return epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

void netd_unwatch(struct netd *n, int fd)
{
	(void)epoll_ctl(n->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void netd_let_go(struct netd *n)
{
	(void)n;
	(void)dup2(STDIN_FILENO, STDERR_FILENO);
}

/* One line for the caller. */
static int fail(struct netd *n, const char *text)
{
	control_error(n, 0, text);
	spare_drop(&n->spare);
	decider_stop(n);
	return 1;
}

static int watch_signals(struct netd *n)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	n->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return n->signal_fd < 0 ? -errno : netd_watch(n, n->signal_fd, SOURCE_SIGNAL, 0);
}

/* Descriptors 0 to 3 are ours, nothing else of the caller's is; we need no terminal and no directory. */
static int let_go_of_caller(void)
{
	int null_fd;

	(void)setsid();		/* fails when we lead one already */
	umask(077);
	if (chdir("/") < 0)
		return -errno;
	if (syscall(__NR_close_range, NETD_CONTROL_FD + 1u, ~0u, 0u) < 0)
		return -errno;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return -errno;
	if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
		return -errno;
	close(null_fd);
	return 0;
}

static int take_control(struct netd *n)
{
	int flags = fcntl(NETD_CONTROL_FD, F_GETFL);
	int type = 0;
	socklen_t len = sizeof(type);

	if (flags < 0 ||
	    getsockopt(NETD_CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET)
		return -ENOTSOCK;
	if (fcntl(NETD_CONTROL_FD, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(NETD_CONTROL_FD, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	n->control_fd = NETD_CONTROL_FD;
	return 0;
}

static void handle(struct netd *n, uint64_t cookie)
{
	struct sandbox *sb = sandbox_find(n, (uint32_t)cookie);
	struct signalfd_siginfo si;

	switch ((enum source)(cookie >> 32)) {
	case SOURCE_SIGNAL:
		if (read(n->signal_fd, &si, sizeof(si)) == sizeof(si))
			control_drop(n);
		break;
	case SOURCE_CONTROL:
		control_input(n);
		break;
	case SOURCE_EGRESS:
		decider_input(n);
		break;
	case SOURCE_EGRESS_END:
		decider_ended(n);
		break;
	case SOURCE_EGRESS_LOG:
		decider_log(n);
		break;
	case SOURCE_WORKER:
		if (sb)
			sandbox_worker_input(n, sb);
		break;
	case SOURCE_WORKER_END:
		if (sb)
			sandbox_worker_ended(n, sb);
		break;
	case SOURCE_WORKER_LOG:
		if (sb)
			sandbox_worker_log(n, sb);
		break;
	}
}

static int timeout_ms(const struct netd *n, uint64_t deadline)
{
	if (!deadline)
		return -1;
	if (deadline <= n->now)
		return 0;
	return (int)((deadline - n->now) / NS_PER_MS) + 1;
}

static int loop(struct netd *n)
{
	struct epoll_event ev[EVENTS_PER_WAKE];

	while (!n->stopping || sandbox_any(n)) {
		uint64_t deadline = sandbox_tick(n);
		int k = epoll_wait(n->epoll_fd, ev, EVENTS_PER_WAKE, timeout_ms(n, deadline));

		if (k < 0 && errno != EINTR)
			return -errno;
		n->now = clock_mono_ns();
		for (int i = 0; i < k; i++)
			handle(n, ev[i].data.u64);
	}
	return 0;
}

/* Returns r; why becomes "what: errno". */
static int explain(char *why, const char *what, int r)
{
	if (r < 0)
		snprintf(why, PROTO_TEXT_CAP, "%s: %s", what, strerror(-r));
	return r;
}

/* The listener had none ready, and this one was started for a client that waits already. */
static bool has_client(void)
{
	struct pollfd p = { .fd = NETD_CONTROL_FD, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static int start(struct netd *n, char *why)
{
	int r;

	n->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (n->epoll_fd < 0)
		return explain(why, "cannot make an epoll instance", -errno);
	r = watch_signals(n);
	if (r == 0 && !n->pooled)
		r = netd_watch(n, n->control_fd, SOURCE_CONTROL, 0);
	if (r < 0)
		return explain(why, "cannot watch signals and the control socket", r);
	r = sibling_find("sluice-stack", n->stack_path);
	if (r < 0)
		return explain(why, "cannot find sluice-stack; install it beside sluice", r);
	r = priv_init();
	if (r < 0)
		return explain(why, "cannot give up capabilities", r);
	r = decider_start(n, why);
	if (r < 0)
		return r;
	r = priv_leave_host_network();
	if (r < 0)
		return explain(why, "cannot make a network namespace (root or user namespaces are needed, "
			       "see sluice doctor)", r);
	if (n->pooled && !has_client())
		priv_warm();
	return explain(why, "cannot start a worker", spare_fill(n));
}

/* Waits for a client: 0, or -1 when there will be none: the listener is gone, or egress. */
static int adopt(struct netd *n)
{
	struct pollfd p[3] = {
		{ .fd = NETD_CONTROL_FD, .events = POLLIN },
		{ .fd = n->signal_fd, .events = POLLIN },
		{ .fd = n->decider.child.pidfd, .events = POLLIN },
	};
	_Alignas(8) char buf[PROTO_MSG_MAX];
	const struct proto_adopt *m = (const struct proto_adopt *)buf;
	size_t n_fds = 1;
	ssize_t len;
	int fd;

	while (poll(p, 3, -1) < 0 && errno == EINTR)
		;
	if (!p[0].revents || p[1].revents || p[2].revents)
		return -1;
	len = msg_recv(NETD_CONTROL_FD, buf, sizeof(buf), &fd, &n_fds);
	if (len <= 0 || n_fds != 1 || proto_check(buf, (size_t)len) < 0 || proto_type(buf) != PROTO_ADOPT)
		return -1;
	n->client = m->uid;
	/* The connection takes the number; the socket that it came by ends here. */
	if (dup3(fd, NETD_CONTROL_FD, O_CLOEXEC) < 0)
		return -1;
	close(fd);
	n->now = clock_mono_ns();
	return take_control(n) < 0 ? -1 : netd_watch(n, n->control_fd, SOURCE_CONTROL, 0);
}

int main(int argc, char **argv)
{
	struct netd *n = &netd;
	char why[PROTO_TEXT_CAP] = "";

	log_init("sluice-netd", LOG_LEVEL_INFO);
	n->epoll_fd = n->signal_fd = n->control_fd = -1;
	n->decider.fd = -1;
	n->decider.child = CHILD_NONE;
	n->spare = (struct spare){ .child = CHILD_NONE, .supervise_fd = -1 };
	n->now = clock_mono_ns();
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("sluice-netd %s\n", SLUICE_VERSION);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "--listen") == 0)
		return listen_main(argc - 1, argv + 1);
	n->pooled = argc == 2 && strcmp(argv[1], "--pooled") == 0;
	/* A closed stderr would be taken by the next descriptor, and our lines would go there. */
	if (argc != 1 + n->pooled || fcntl(STDERR_FILENO, F_GETFL) < 0 || take_control(n) < 0) {
		log_err("not started by sluice: descriptor 3 is no control socket; use sluice run");
		return 125;
	}
	if (explain(why, "cannot let go of the caller's descriptors", let_go_of_caller()) < 0)
		return fail(n, why);
	if (start(n, why) < 0)
		return fail(n, why);
	if (!n->pooled || adopt(n) == 0) {
		if (explain(why, "cannot wait for events", loop(n)) < 0)
			return fail(n, why);
	}
	spare_drop(&n->spare);
	decider_stop(n);
	return 0;
}
