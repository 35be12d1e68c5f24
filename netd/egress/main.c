/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice-egress: decides what leaves, resolves, dials. Started by netd with its command socket as
 * descriptor 3; stays in the host's network namespace. Reads the host's resolver configuration, then gives up
 * the file system, its identity and all but a few system calls, then serves until netd closes the socket.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/confine.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "netd/egress/dial.h"
#include "netd/egress/egress.h"
#include "netd/egress/hosts.h"
#include "netd/egress/lookup.h"
#include "netd/egress/own.h"
#include "netd/egress/reload.h"
#include "netd/egress/resolve.h"
#include "netd/egress/sandbox.h"
#include "netd/egress/slurp.h"

enum {
	EVENTS_PER_WAKEUP = 64,
	DESCRIPTORS_MAX = 1 << 18,
	DESCRIPTORS_KEPT = 256,		/* for everything but dials and open flows; each sandbox takes four more */
};

#define CALL(name) { .nr = __NR_##name }
#define SOCKET(family, type, proto)                                                                \
	{ .nr = __NR_socket, .args = {                                                             \
		{ 0, CONFINE_EQ, family, 0 },                                                      \
		{ 1, CONFINE_EQ, (type) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0 },                       \
		{ 2, CONFINE_EQ, proto, 0 } } }

static const struct confine_rule rules[] = {
	/* loop; the most frequent first */
#ifdef __NR_epoll_wait
	CALL(epoll_wait),
#endif
	CALL(epoll_pwait), CALL(recvmmsg), CALL(sendmmsg), CALL(epoll_ctl),
	/* dial and resolve: sockets towards the network only, never a listener */
	SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP), SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
	SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP), SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6),
	CALL(connect), CALL(close), CALL(getsockopt), CALL(setsockopt), CALL(recvmsg), CALL(sendmsg),
	CALL(recvfrom), CALL(sendto), CALL(shutdown),
	/* a new sandbox or policy: policy memfd, its sockets, its event log */
	CALL(pread64), CALL(fcntl), CALL(write),
#ifdef __NR_fstat
	CALL(fstat),
#endif
	CALL(newfstatat),
#ifdef __NR_poll
	CALL(poll),
#endif
	CALL(ppoll),
	/* the C library: memory without execution, time, random, qsort()'s look at the memory size */
	CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise),
	{ .nr = __NR_mmap, .args = { { 2, CONFINE_MASKED_EQ, 0, PROT_EXEC } } },
	{ .nr = __NR_mprotect, .args = { { 2, CONFINE_MASKED_EQ, 0, PROT_EXEC } } },
	CALL(clock_gettime), CALL(gettimeofday), CALL(getrandom), CALL(sysinfo), CALL(futex),
	CALL(rt_sigreturn), CALL(restart_syscall), CALL(exit_group),
};

static void __attribute__((noreturn)) die(const char *what, int err)
{
	log_err("%s: %s", what, strerror(-err));
	_exit(125);
}

/* ---- start ------------------------------------------------------------------------------------------ */

/* Missing files mean what they mean to the C library: no hosts, the local resolver. */
static void read_host_files(struct egress *eg, struct resolvconf *ret_conf)
{
	cleanup_free char *hosts = NULL, *conf = NULL;
	size_t hosts_len = 0, conf_len = 0;
	int r;

	r = slurp_path("/etc/hosts", HOSTS_FILE_MAX, &hosts, &hosts_len);
	if (r < 0 && r != -ENOENT)
		log_warn("/etc/hosts: %s; going on without it", strerror(-r));
	eg->hosts = hosts_parse(hosts ? hosts : "", hosts_len);
	if (!eg->hosts)
		die("/etc/hosts", -ENOMEM);
	r = slurp_path("/etc/resolv.conf", RESOLVCONF_FILE_MAX, &conf, &conf_len);
	if (r < 0 && r != -ENOENT)
		log_warn("/etc/resolv.conf: %s; asking 127.0.0.1", strerror(-r));
	resolvconf_parse(conf ? conf : "", conf_len, ret_conf);
	if (ret_conf->skipped)
		log_warn("/etc/resolv.conf: %u nameserver lines hold no plain address; ignoring them",
			 ret_conf->skipped);
}

/* As many descriptors as the limit allows, up to what makes sense. Returns how many may be shared out. */
static uint32_t raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		die("getrlimit", -errno);
	l.rlim_cur = l.rlim_max < DESCRIPTORS_MAX ? l.rlim_max : DESCRIPTORS_MAX;
	if (setrlimit(RLIMIT_NOFILE, &l) < 0)
		die("setrlimit", -errno);
	if (l.rlim_cur < 2 * DESCRIPTORS_KEPT)
		die("too few descriptors (ulimit -n)", -EMFILE);
	return (uint32_t)l.rlim_cur - DESCRIPTORS_KEPT;
}

static void start(struct egress *eg)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = watch_cookie(WATCH_UP, 0, 0) };
	uint32_t fds = raise_descriptors(), lookups = fds / 8 / LOOKUP_FDS;
	struct resolvconf conf;
	int r;

	if (lookups > RESOLVE_WAITING_MAX)
		lookups = RESOLVE_WAITING_MAX;
	eg->up_fd = PROTO_FD_UP;
	TAILQ_INIT(&eg->dirty);
	hash_random(&eg->flow_seq, sizeof(eg->flow_seq));
	eg->flow_seq &= (1ull << 52) - 1;	/* JSON readers keep 53 bits */
	read_host_files(eg, &conf);
	/* gmtime_r() opens the zone file once; not after confinement. */
	tzset();
	eg->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (eg->epoll_fd < 0)
		die("epoll_create1", -errno);
	if (epoll_ctl(eg->epoll_fd, EPOLL_CTL_ADD, eg->up_fd, &ev) < 0)
		die("descriptor 3 (started by hand?)", -errno);
	eg->route_fd = own_open();
	if (eg->route_fd < 0)
		die("netlink", eg->route_fd);
	r = resolve_open(eg->epoll_fd, &eg->now, lookups, &conf, &eg->resolve);
	if (r < 0)
		die("resolver", r);
	/* Half of the rest: an open flow takes one, too. */
	eg->dialer = dialer_new((fds - lookups * LOOKUP_FDS) / 2);
	if (!eg->dialer)
		die("dialer", -ENOMEM);
}

/* After this nothing can be opened, nobody can be become, and little can be called. */
static void confine(void)
{
	uid_t uid;
	gid_t gid;
	int r;

	confine_own_ids(CONFINE_EGRESS, &uid, &gid);
	r = confine_root();
	if (r < 0)
		die("cannot take an empty root", r);
	r = confine_ids(uid, gid);
	if (r < 0)
		die("cannot drop privileges", r);
	r = confine_syscalls(rules, sizeof(rules) / sizeof(rules[0]));
	if (r < 0)
		die("cannot install the seccomp filter", r);
}

/* ---- loop ------------------------------------------------------------------------------------------- */

/* One command of netd's. netd is trusted, but a message that is none of ours means that we differ. */
static void up_input(struct egress *eg)
{
	static _Alignas(8) uint8_t buf[PROTO_MSG_MAX];
	int fds[MSG_MAX_FDS];
	size_t n_fds = MSG_MAX_FDS;
	ssize_t n = msg_recv(eg->up_fd, buf, sizeof(buf), fds, &n_fds);

	if (n == 0 || n == -ECONNRESET) {
		eg->stopping = true;
		return;
	}
	if (n < 0 || proto_check(buf, (size_t)n) < 0)
		die("netd's message", n < 0 ? (int)n : -EBADMSG);
	switch ((int)proto_type(buf)) {
	case PROTO_SANDBOX_ADD:
		sandbox_add(eg, (const struct proto_sandbox_add *)buf, fds, n_fds);
		return;
	case PROTO_SANDBOX_END:
		sandbox_end(eg, (const struct proto_sandbox_end *)buf);
		return;
	case PROTO_POLICY_SET:
		reload(eg, (const struct proto_policy_set *)buf, fds, n_fds);
		return;
	default:
		die("netd's message", -EBADMSG);
	}
}

static void dispatch(struct egress *eg, const struct epoll_event *ev)
{
	uint64_t cookie = ev->data.u64;
	struct sandbox *s;

	switch ((enum watch_kind)(cookie >> 56)) {
	case WATCH_UP:
		up_input(eg);
		return;
	case WATCH_ASK:
		s = sandbox_by_cookie(eg, cookie);
		if (!s || s->state != SANDBOX_RUNNING)
			return;
		if (ev->events & EPOLLOUT)
			sandbox_touch(s);
		if (ev->events & (EPOLLIN | EPOLLERR | EPOLLHUP))
			ask_input(s);
		return;
	case WATCH_DIAL:
		dial_event(eg, cookie);
		return;
	case WATCH_DNS:
		resolve_event(eg->resolve, cookie, ev->events);
		return;
	}
}

static int earlier(int a, int b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

static void serve(struct egress *eg)
{
	struct epoll_event events[EVENTS_PER_WAKEUP];

	while (!eg->stopping) {
		int wait = earlier(sandbox_settle(eg), resolve_timeout_ms(eg->resolve));
		int n;

		wait = earlier(wait, dial_timeout_ms(eg));
		n = epoll_wait(eg->epoll_fd, events, EVENTS_PER_WAKEUP, wait);
		if (n < 0 && errno != EINTR)
			die("epoll_wait", -errno);
		eg->now = clock_mono_ns();
		for (int i = 0; i < n; i++)
			dispatch(eg, &events[i]);
		resolve_tick(eg->resolve);
		dial_tick(eg);
	}
}

int main(void)
{
	static struct egress eg;

	log_init("sluice-egress", LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN);
	/* Whatever our starter forgot to close is none of our business. */
	if (syscall(__NR_close_range, PROTO_FD_UP + 1, ~0u, 0) < 0)
		die("close_range", -errno);
	start(&eg);
	confine();
	eg.now = clock_mono_ns();
	serve(&eg);
	/* Every peer sees the end of its socket; exit handlers could only meet the seccomp filter. */
	_exit(0);
}
