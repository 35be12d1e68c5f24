/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen: sluice-netd --listen. Accepts clients on a UNIX socket and gives each a netd of its own from a pool of
 * ready ones. In: connections, of which it never reads a byte. Out: PROTO_ADOPT to one of the pool, or one line
 * to a client that is refused. Runs as root, in the host's namespaces.
 *
 * Theory of operation. One netd, with its own egress, port namespace and worker, serves one client and ends with
 * it. So what parts clients is what parts processes: nobody waits behind another's name lookups, shares a
 * table with him, or gains by taking over an egress that serves him, too. It costs each sandbox an egress of
 * its own. A ready one has been through everything that does not depend on the client. Who may connect,
 * the socket's owner and mode say; how many at a time, the limits here. All of them die with this process.
 */
#include "netd/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/proto.h"
#include "lib/sibling.h"
#include "netd/spawn.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77			/* Linux 6.5 */
#endif

enum {
	ALL_MAX = 1024,			/* netds at a time, the waiting ones included */
	USER_MAX = 64,			/* of these, one ordinary user's */
	POOL = 4,			/* wait ready */
	REFILL_MS = 20,			/* after a client: its start comes first */
	TROUBLE_MS = 1000,		/* after one that ended without having had a client */
	STOP_MS = 10000,		/* for sandboxes to end in order */
	BACKLOG = 128,
};

struct instance {
	struct child child;		/* pid 0: a free place */
	int pool_fd;			/* -1 when it has its client */
	uid_t uid;			/* the client's */
};

static struct listener {
	int fd, signal_fd;
	const char *path;		/* NULL: the socket came from systemd */
	struct stat pid_ns;		/* ours */
	char netd[SIBLING_PATH_CAP];
	struct instance all[ALL_MAX];
	uint64_t refill_ns;		/* not before */
} listener;

/* ---- the pool ----------------------------------------------------------------------------------------- */

/* A new one in a free place, or NULL. */
static struct instance *start_instance(struct listener *l)
{
	struct instance *in = l->all;
	int pair[2], r;

	while (in < l->all + ALL_MAX && in->child.pid)
		in++;
	if (in == l->all + ALL_MAX || msg_pair(pair) < 0)
		return NULL;

	const struct spawn_fd fds[] = { { pair[1], 3 } };
	const struct spawn_plan plan = { .path = l->netd, .arg = "--pooled", .keep_stderr = true, .fds = fds,
		.n_fds = 1, .slots_end = 4 };

	r = spawn_child(&plan, &in->child);
	close(pair[1]);
	if (r < 0) {
		close(pair[0]);
		in->child = CHILD_NONE;
		log_warn("cannot start %s: %s, going on", l->netd, strerror(-r));
		return NULL;
	}
	in->pool_fd = pair[0];
	return in;
}

static void refill(struct listener *l, uint64_t now)
{
	unsigned int ready = 0;

	if (now < l->refill_ns)
		return;
	for (size_t i = 0; i < ALL_MAX; i++)
		ready += l->all[i].child.pid && l->all[i].pool_fd >= 0;
	/* One at a time, so that a client in between does not wait. */
	l->refill_ns = now + (ready + 1 < POOL ? 1 : 1000 * 60) * NS_PER_MS;
	if (ready < POOL && !start_instance(l))
		l->refill_ns = now + TROUBLE_MS * NS_PER_MS;
}

static void reap(struct listener *l, struct instance *in, uint64_t now)
{
	bool had_client = in->pool_fd < 0;
	char how[PROTO_TEXT_CAP];

	if (!spawn_reap(&in->child, how))
		return;
	if (*how)
		log_warn("a netd %s ended: %s, going on", had_client ? "with a client" : "of the pool", how);
	spawn_forget(&in->child);
	fd_close(&in->pool_fd);
	if (!had_client)
		l->refill_ns = now + TROUBLE_MS * NS_PER_MS;
}

/* ---- clients ------------------------------------------------------------------------------------------ */

static void refuse(int client, const char *why)
{
	struct proto_error m;

	PROTO_INIT(&m, PROTO_ERROR);
	snprintf(m.text, sizeof(m.text), "%s", why);
	(void)msg_send(client, &m, sizeof(m), NULL, 0);
}

/*
 * Is it a process of our own pid namespace? A jailed program is not: that it reaches the socket, because
 * somebody has bound it into the jail, must not give it a network of its own choice.
 */
static bool is_outside(const struct listener *l, int client, pid_t pid)
{
	cleanup_close int pidfd = -1;
	socklen_t len = sizeof(pidfd);
	struct pollfd p = { .events = POLLIN };
	struct stat st;
	char path[48];

	if (pid <= 0)
		return false;
	if (getsockopt(client, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0) {
		if (errno != ENOPROTOOPT)
			return false;
		pidfd = -1;
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	if (stat(path, &st) < 0 || st.st_dev != l->pid_ns.st_dev || st.st_ino != l->pid_ns.st_ino)
		return false;
	/* Still alive: the number was its own just now. */
	p.fd = pidfd;
	return pidfd < 0 || poll(&p, 1, 0) == 0;
}

/* NULL, or why not. */
static const char *why_not(const struct listener *l, int client, struct ucred *ret_peer)
{
	socklen_t len = sizeof(*ret_peer);
	unsigned int all = 0, own = 0;

	if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, ret_peer, &len) < 0 ||
	    !is_outside(l, client, ret_peer->pid))
		return "requests from inside of a container or jail are not served; run there with --netd embedded";
	for (size_t i = 0; i < ALL_MAX; i++) {
		if (!l->all[i].child.pid || l->all[i].pool_fd >= 0)
			continue;
		all++;
		own += l->all[i].uid == ret_peer->uid;
	}
	if (ret_peer->uid && own >= USER_MAX)
		return "you have 64 sandboxes here already, the most for one user; end one";
	/* Root always finds some room. */
	if (all >= (ret_peer->uid ? ALL_MAX - USER_MAX : ALL_MAX))
		return "too many sandboxes are running here; end one, or use --netd embedded";
	return NULL;
}

/* Gives the client to a ready one, or to one that is started now. */
static bool hand_over(struct listener *l, int client, uid_t uid)
{
	struct proto_adopt m;

	PROTO_INIT(&m, PROTO_ADOPT);
	m.uid = uid;
	for (size_t i = 0; i <= ALL_MAX; i++) {
		struct instance *in = i < ALL_MAX ? &l->all[i] : start_instance(l);

		if (!in || !in->child.pid || in->pool_fd < 0)
			continue;
		if (msg_send(in->pool_fd, &m, sizeof(m), &client, 1) < 0)
			continue;	/* it has died just now */
		in->uid = uid;
		fd_close(&in->pool_fd);
		return true;
	}
	return false;
}

static void admit(struct listener *l, uint64_t now)
{
	cleanup_close int client = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer;
	const char *why;

	if (client < 0)
		return;
	why = why_not(l, client, &peer);
	if (!why && !hand_over(l, client, peer.uid))
		why = "no process can be started; end some";
	if (why)
		refuse(client, why);
	else
		l->refill_ns = now + REFILL_MS * NS_PER_MS;
}

/* ---- start and end ------------------------------------------------------------------------------------ */

/* 0 or -errno; -EADDRINUSE: somebody answers there. */
static int clear_stale(const struct sockaddr_un *a)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0)
		return -EADDRINUSE;
	if (errno == ENOENT)
		return 0;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(a->sun_path) < 0 ? -errno : 0;
}

static int bind_socket(struct listener *l, gid_t group)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	mode_t old;
	int r;

	if (strlen(l->path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", l->path);
	if (strcmp(l->path, PROTO_NETD_SOCKET) == 0 && mkdir(PROTO_NETD_DIR, 0755) < 0 && errno != EEXIST)
		return -errno;
	r = clear_stale(&a);
	if (r < 0)
		return r;
	l->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return -errno;
	old = umask(0177);
	r = bind(l->fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;
	umask(old);
	if (r == 0 && group != (gid_t)-1 &&
	    (chown(l->path, 0, group) < 0 || chmod(l->path, 0660) < 0))
		r = -errno;
	return r == 0 && listen(l->fd, BACKLOG) < 0 ? -errno : r;
}

/* sd_listen_fds(3): true when systemd has passed one listening socket. */
static bool take_passed(struct listener *l)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	int type = 0, accepts = 0;
	socklen_t len = sizeof(type);

	if (!pid || !n || strtol(pid, NULL, 10) != getpid() || strcmp(n, "1") != 0)
		return false;
	if (getsockopt(3, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET ||
	    getsockopt(3, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) < 0 || !accepts ||
	    fcntl(3, F_SETFD, FD_CLOEXEC) < 0 || fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return false;
	l->fd = 3;
	l->path = NULL;
	return true;
}

static int prepare(struct listener *l)
{
	struct rlimit files;
	sigset_t set;

	for (size_t i = 0; i < ALL_MAX; i++)
		l->all[i] = (struct instance){ .child = CHILD_NONE, .pool_fd = -1 };
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0 || stat("/proc/self/ns/pid", &l->pid_ns) < 0)
		return -errno;
	l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->signal_fd < 0 ? -errno : sibling_find("sluice-netd", l->netd);
}

/* Waits for clients, signals and ends; false on a signal. */
static bool serve_once(struct listener *l)
{
	static struct pollfd p[ALL_MAX + 2];
	static struct instance *of[ALL_MAX + 2];
	uint64_t now = clock_mono_ns();
	nfds_t n = 2;

	p[0] = (struct pollfd){ .fd = l->signal_fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = l->fd, .events = POLLIN };
	for (size_t i = 0; i < ALL_MAX; i++) {
		if (!l->all[i].child.pid)
			continue;
		of[n] = &l->all[i];
		p[n++] = (struct pollfd){ .fd = l->all[i].child.pidfd, .events = POLLIN };
	}
	if (poll(p, n, l->refill_ns > now ? (int)((l->refill_ns - now) / NS_PER_MS) + 1 : 0) < 0)
		return errno == EINTR;
	now = clock_mono_ns();
	if (p[0].revents)
		return false;
	for (nfds_t i = 2; i < n; i++) {
		if (p[i].revents)
			reap(l, of[i], now);
	}
	if (p[1].revents)
		admit(l, now);
	refill(l, now);
	return true;
}

/* Sandboxes end in order; what takes too long ends with us. */
static void stop(struct listener *l)
{
	uint64_t end = clock_mono_ns() + STOP_MS * NS_PER_MS;

	if (l->path)
		unlink(l->path);
	fd_close(&l->fd);
	for (size_t i = 0; i < ALL_MAX; i++) {
		if (l->all[i].child.pid)
			kill(l->all[i].child.pid, SIGTERM);
	}
	for (size_t i = 0; i < ALL_MAX; i++) {
		struct pollfd p = { .fd = l->all[i].child.pidfd, .events = POLLIN };
		uint64_t now = clock_mono_ns();

		if (l->all[i].child.pid && now < end)
			(void)poll(&p, 1, (int)((end - now) / NS_PER_MS));
	}
}

static bool find_group(const char *text, gid_t *ret)
{
	struct group *g = getgrnam(text);
	char *end;

	*ret = g ? g->gr_gid : (gid_t)strtoul(text, &end, 10);
	return g || (*text && !*end);
}

static int usage(FILE *to)
{
	fputs("usage: sluice-netd --listen [--group NAME] [PATH]\n"
	      "Serves sluice run and sluice attach on a socket, " PROTO_NETD_SOCKET " or PATH,\n"
	      "or the one that systemd passes. Only root may connect, and with --group that group.\n", to);
	return to == stdout ? 0 : 125;
}

int listen_main(int argc, char **argv)
{
	struct listener *l = &listener;
	gid_t group = (gid_t)-1;
	int r;

	l->path = PROTO_NETD_SOCKET;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return usage(stdout);
		if (strcmp(argv[i], "--group") == 0 && i + 1 < argc) {
			if (!find_group(argv[++i], &group)) {
				log_err("--group %s: no such group; make it first", argv[i]);
				return 125;
			}
		} else if (argv[i][0] == '/' && i + 1 == argc) {
			l->path = argv[i];
		} else {
			return usage(stderr);
		}
	}
	if (geteuid() != 0) {
		log_err("--listen: only root can serve others; run it as root, or use sluice run as you are");
		return 125;
	}
	r = take_passed(l) ? 0 : bind_socket(l, group);
	if (r == 0)
		r = prepare(l);
	if (r < 0) {
		log_err("cannot listen on %s: %s; %s", l->path ? l->path : "the passed socket", strerror(-r),
			r == -EADDRINUSE ? "one is running already" : "see sluice doctor");
		return 125;
	}
	log_info("listening on %s", l->path ? l->path : "the socket that systemd passed");
	while (serve_once(l))
		;
	stop(l);
	return 0;
}
