/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway: the caller's side of sluice-netd. In: options and a network namespace. Out: a sandbox behind
 * the gateway, and after it a summary on stderr. Runs as the caller.
 */
#include "cli/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/netd.h"
#include "cli/summary.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/policy/policy.h"
#include "lib/sibling.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U		/* Linux 6.3 */
#endif

enum {
	CREATE_MS = 30000,	/* netd's own waits are 10 s each */
	END_MS = 15000,
	EXIT_MS = 8000,
};

/* ---- descriptors to hand over -------------------------------------------------------------------------- */

int gateway_seal_policy(const struct policy *p, int *ret_fd)
{
	size_t len, done = 0;
	cleanup_free char *text = policy_print(p, &len);
	cleanup_close int fd = memfd_create("sluice-policy",
					    MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (!text)
		return -ENOMEM;
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("sluice-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	while (done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	*ret_fd = fd_steal(&fd);
	return 0;
}

/* Appends, so that a log outlives a restart and never overwrites what somebody else wrote. */
int gateway_open_log(const char *option, const char *path, int *ret_fd)
{
	struct stat st;
	int fd, r;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	r = fd < 0 ? -errno : 0;
	if (r == 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode) && !S_ISBLK(st.st_mode)) {
		*ret_fd = fd;
		return 0;
	}
	if (r == 0) {
		close(fd);
		r = -EISDIR;
	}
	log_err("%s %s: cannot be opened: %s; give a file that you may write", option, path, strerror(-r));
	return r;
}

int gateway_prepare(struct gateway *g, const struct options *o)
{
	int pair[2];
	int r;

	*g = GATEWAY_NONE;
	g->o = o;
	r = gateway_open_log("--events", o->events, &g->events);
	if (r == 0)
		r = gateway_open_log("--pcap", o->pcap, &g->pcap);
	if (r < 0)
		return r;
	r = gateway_seal_policy(o->policy, &g->policy);
	if (r == 0)
		r = msg_pair(pair);
	if (r < 0) {
		log_err("policy: cannot be handed on: %s; free some memory or descriptors", strerror(-r));
		return r;
	}
	g->report = pair[0];
	g->report_far = pair[1];
	return o->net == OPTIONS_NET_NONE ? 0 : netd_connect(o->netd, &g->control);
}

static void close_handed_over(struct gateway *g)
{
	fd_close(&g->policy);
	fd_close(&g->report_far);
	fd_close(&g->events);
	fd_close(&g->pcap);
}

/* ---- netd ---------------------------------------------------------------------------------------------- */

/* In the child: becomes netd, or says on its own control socket why not. */
static _Noreturn void become_netd(const char *path, int control, pid_t parent)
{
	static char name[] = "sluice-netd";
	char *const argv[] = { name, NULL };
	struct proto_error m;
	sigset_t none;

	/* Our death is netd's order to end everything; it takes the signal as such. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(127);
	(void)setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (control != 3 && dup2(control, 3) < 0)
		_exit(127);
	if (control == 3)
		(void)fcntl(3, F_SETFD, 0);
	execve(path, argv, sibling_environment());
	PROTO_INIT(&m, PROTO_ERROR);
	snprintf(m.text, sizeof(m.text), "cannot start %.300s: %s; install it again", path, strerror(errno));
	(void)msg_send(3, &m, sizeof(m), NULL, 0);
	_exit(127);
}

int gateway_start(struct gateway *g)
{
	char path[SIBLING_PATH_CAP];
	pid_t parent = getpid();
	int pair[2];
	int r;

	if (g->control >= 0)
		return 0;
	r = sibling_find("sluice-netd", path);
	if (r < 0) {
		log_err("gateway: sluice-netd is neither beside sluice nor in ../libexec/sluice: %s; "
			"install it there", strerror(-r));
		return r;
	}
	r = msg_pair(pair);
	if (r < 0) {
		log_err("gateway: cannot make a socket: %s; free some descriptors", strerror(-r));
		return r;
	}
	g->netd = fork();
	if (g->netd == 0)
		become_netd(path, pair[1], parent);
	close(pair[1]);
	g->control = pair[0];
	if (g->netd < 0) {
		r = -errno;
		g->netd = 0;
		log_err("gateway: cannot fork: %s; end some processes", strerror(-r));
		return r;
	}
	return 0;
}

/* ---- sandbox --------------------------------------------------------------------------------------------- */

static int send_create(struct gateway *g, int netns, uint32_t flags)
{
	const struct options *o = g->o;
	const struct policy_limits *limits = policy_get_limits(o->policy);
	int fds[5] = { netns, g->policy, g->report_far };
	size_t n = 3;
	struct proto_create m;

	PROTO_INIT(&m, PROTO_CREATE);
	m.version = PROTO_VERSION;
	m.flags = flags;
	if (g->events >= 0) {
		m.flags |= PROTO_HAS_EVENTS;
		fds[n++] = g->events;
	}
	if (g->pcap >= 0) {
		m.flags |= PROTO_HAS_PCAP;
		fds[n++] = g->pcap;
	}
	if (o->quiet)
		m.flags |= PROTO_QUIET;
	m.port = (uint8_t)o->port;
	m.xdp_mode = (uint8_t)o->xdp_mode;
	m.mtu = o->mtu;
	m.flows_max = o->flows_max;
	if (!m.flows_max && limits->flows)
		m.flows_max = limits->flows > 65536 ? 65536 : (uint32_t)limits->flows;
	memcpy(m.label, o->name, sizeof(m.label));
	memcpy(m.resolvers, o->resolvers, sizeof(m.resolvers));
	return msg_send(g->control, &m, sizeof(m), fds, n);
}

/* 1 when something is there, 0 after the time, or -errno. */
static int wait_readable(int fd, uint64_t until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		uint64_t now = clock_mono_ns();
		int r;

		if (now >= until)
			return 0;
		r = poll(&p, 1, (int)((until - now) / NS_PER_MS) + 1);
		if (r > 0)
			return 1;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}

/* How netd ended, for people; it is reaped. */
static void describe_netd(struct gateway *g, char *text)
{
	siginfo_t si = { .si_pid = 0 };

	snprintf(text, PROTO_TEXT_CAP, "sluice-netd is gone");
	if (g->netd && waitid(P_PID, (id_t)g->netd, &si, WEXITED) == 0) {
		g->netd = 0;
		if (si.si_code == CLD_EXITED)
			snprintf(text, PROTO_TEXT_CAP, "sluice-netd ended, status %d", si.si_status);
		else
			snprintf(text, PROTO_TEXT_CAP, "sluice-netd was killed by signal %d (%s)",
				 si.si_status, strsignal(si.si_status));
	}
}

int gateway_ask(struct gateway *g, int netns, uint32_t flags)
{
	int r = send_create(g, netns, flags);

	g->lasting = flags & PROTO_ATTACH;
	/* A netd that could not start has said why; that is still to be read. */
	if (r < 0 && r != -EPIPE) {
		log_err("gateway: cannot be asked: %s; try again", strerror(-r));
		return r;
	}
	close_handed_over(g);
	return 0;
}

int gateway_attached(struct gateway *g, struct proto_created *ret_created)
{
	_Alignas(8) char buf[PROTO_MSG_MAX];
	char text[PROTO_TEXT_CAP];
	ssize_t len;
	int r = wait_readable(g->control, clock_mono_ns() + CREATE_MS * NS_PER_MS);
	if (r <= 0) {
		log_err("gateway: did not answer within %d s; see sluice doctor", CREATE_MS / 1000);
		return r < 0 ? r : -ETIMEDOUT;
	}
	len = msg_recv(g->control, buf, sizeof(buf), NULL, NULL);
	/* Refused unread: the kernel tells of that first, and then what was said. */
	if (len == -ECONNRESET)
		len = msg_recv(g->control, buf, sizeof(buf), NULL, NULL);
	if (len <= 0) {
		g->died = true;
		describe_netd(g, text);
		log_err("gateway: could not start: %s; see sluice doctor", text);
		return -EPIPE;
	}
	if (proto_check(buf, (size_t)len) == 0 && proto_type(buf) == PROTO_CREATED) {
		memcpy(ret_created, buf, sizeof(*ret_created));
		g->sandbox = ret_created->sandbox;
		return 0;
	}
	if (proto_check(buf, (size_t)len) == 0 && proto_type(buf) == PROTO_ERROR)
		log_err("gateway: %s", ((struct proto_error *)buf)->text);
	else
		log_err("gateway: sluice-netd speaks another version; install sluice and sluice-netd together");
	return -EPROTO;
}

bool gateway_input(void *arg)
{
	struct gateway *g = arg;
	_Alignas(8) char buf[PROTO_MSG_MAX];
	ssize_t len = msg_recv(g->control, buf, sizeof(buf), NULL, NULL);

	if (len == -EAGAIN)
		return true;
	if (len > 0 && proto_check(buf, (size_t)len) == 0 &&
	    (proto_type(buf) == PROTO_POLICY_STATE || proto_type(buf) == PROTO_STATS ||
	     proto_type(buf) == PROTO_ERROR)) {
		if (g->answer)
			g->answer(g->answer_arg, buf, (size_t)len);
		return true;
	}
	g->died = true;
	if (len > 0 && proto_check(buf, (size_t)len) == 0 && proto_type(buf) == PROTO_ENDED) {
		memcpy(g->why, ((struct proto_ended *)buf)->text, sizeof(g->why));
		g->sandbox = 0;		/* only the report is still to come */
	} else {
		describe_netd(g, g->why);
	}
	log_err("the gateway died (%s): the program has no network from here on", g->why);
	return false;
}

/* ---- end --------------------------------------------------------------------------------------------------- */

/* False when the socket is at its end. */
static bool read_report(struct gateway *g, struct summary *s)
{
	_Alignas(8) char buf[PROTO_MSG_MAX];
	ssize_t len = msg_recv(g->report, buf, sizeof(buf), NULL, NULL);

	if (len <= 0 || proto_check(buf, (size_t)len) < 0)
		return false;
	summary_add(s, buf);
	return true;
}

/*
 * Reads the report while netd ends the sandbox: more of it than a socket holds must not stop egress. True
 * when netd has said that it is over.
 */
static bool end_sandbox(struct gateway *g, struct summary *s)
{
	static _Alignas(8) char buf[PROTO_MSG_MAX];
	uint64_t until = clock_mono_ns() + END_MS * NS_PER_MS;
	struct pollfd p[2] = {
		{ .fd = g->report, .events = POLLIN },
		{ .fd = g->sandbox ? g->control : -1, .events = POLLIN },
	};
	struct proto_end m;
	bool over = false;

	if (g->sandbox) {
		PROTO_INIT(&m, PROTO_END);
		m.sandbox = g->sandbox;
		if (msg_send(g->control, &m, sizeof(m), NULL, 0) < 0)
			p[1].fd = -1;
	}
	while (p[0].fd >= 0 || p[1].fd >= 0) {
		uint64_t now = clock_mono_ns();

		if (now >= until || (poll(p, 2, (int)((until - now) / NS_PER_MS) + 1) < 0 && errno != EINTR))
			break;
		if (p[0].fd >= 0 && p[0].revents && !read_report(g, s))
			p[0].fd = -1;
		if (p[1].fd >= 0 && p[1].revents) {
			ssize_t len = msg_recv(g->control, buf, sizeof(buf), NULL, NULL);

			over = len > 0 && proto_type(buf) == PROTO_ENDED;
			if (len <= 0 || over)
				p[1].fd = -1;
		}
	}
	return over;
}

/* netd ends when its control socket does; one that cannot is killed, and the kernel does the rest. */
static void reap_netd(struct gateway *g)
{
	int pidfd;

	if (!g->netd)
		return;
	pidfd = (int)syscall(__NR_pidfd_open, g->netd, 0);
	if (pidfd >= 0 && wait_readable(pidfd, clock_mono_ns() + EXIT_MS * NS_PER_MS) == 1)
		waitpid(g->netd, NULL, 0);
	else if (kill(g->netd, SIGKILL) == 0)
		waitpid(g->netd, NULL, 0);
	fd_close(&pidfd);
	g->netd = 0;
}

/*
 * The link of a namespace that ends with the jail is left to netd and the kernel, which takes some 30 ms
 * for it: worker and egress are through, so nothing passes it, and netd ends as soon as it is gone.
 */
void gateway_end(struct gateway *g)
{
	cleanup_free struct summary *s = NULL;
	bool over = false;

	close_handed_over(g);
	if (g->control >= 0 && (g->sandbox || g->died)) {
		s = summary_new();
		if (s)
			over = end_sandbox(g, s);
	}
	fd_close(&g->control);
	if (!over || g->lasting)
		reap_netd(g);
	fd_close(&g->report);
	if (s && !g->o->quiet)
		summary_print(s);
}
