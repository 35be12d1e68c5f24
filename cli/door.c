/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door: listens beside a running sandbox and passes new policies to the gateway. Runs as the caller, in the
 * loop that waits for the program; `sluice policy set` and `sluice ps` come in.
 *
 * A door leads into the policy, so it must be out of the sandbox's reach, thrice: it lies in a directory of the
 * caller's alone, jails never show that directory (jail_plan.hide), and a request must show the very
 * user and pid namespaces in which this process was started. A descriptor of a namespace comes only from
 * somebody inside it: a program in a jail has others, and ioctl_ns(2) gives it none above its own. Unlike a look at
 * /proc/PID of the peer that knows no race and needs no right over it, which a process in a user namespace of
 * its own has not.
 *
 * A door whose process was killed stays behind as a file that refuses connections; the next of its name takes
 * its place. The directory is locked meanwhile, so that two of them do not take one another's.
 */
#include "cli/door.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/gateway.h"
#include "cli/options.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "sandbox/jail.h"

enum {
	CONNECT_S = 5,
	BACKLOG = 16,
	REQUEST_FDS = 3,
	STATS_FDS = 2,
	COOKIE_CONTROL = DOOR_CLIENTS_MAX,
	COOKIE_LISTENER,
};

#define ROOT_DIR "/run/sluice"

/* ---- the place --------------------------------------------------------------------------------------- */

int door_dir(char *buf, char *why)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int n;

	if (geteuid() == 0)
		n = snprintf(buf, DOOR_PATH_CAP, "%s", ROOT_DIR);
	else if (runtime && runtime[0] == '/')
		n = snprintf(buf, DOOR_PATH_CAP, "%s/sluice", runtime);
	else
		n = snprintf(buf, DOOR_PATH_CAP, "/run/user/%u/sluice", geteuid());
	if (n < DOOR_PATH_CAP)
		return 0;
	snprintf(why, DOOR_WHY_CAP, "XDG_RUNTIME_DIR is too long for a socket; set it to a shorter path");
	return -ENAMETOOLONG;
}

/* The path of this name's socket. 0, or -errno with why. */
static int door_path(const char *name, char *buf, char *why)
{
	char dir[DOOR_PATH_CAP];
	int r = door_dir(dir, why);

	if (r < 0)
		return r;
	if (snprintf(buf, DOOR_PATH_CAP, "%s/%s", dir, name) < DOOR_PATH_CAP)
		return 0;
	snprintf(why, DOOR_WHY_CAP, "%s/%s is too long for a socket, whose path has at most %d bytes; use a "
		 "shorter name", dir, name, DOOR_PATH_CAP - 1);
	return -ENAMETOOLONG;
}

/* Root's doors, ours, and those of the user that the program runs as; and where netd listens. */
static void fill_hidden(struct door *d, const struct options *o)
{
	char why[DOOR_WHY_CAP];
	uid_t uid = jail_uid_outside(o->uid, &o->view.uids);

	snprintf(d->hidden[0], DOOR_PATH_CAP, "%s", ROOT_DIR);
	snprintf(d->hidden[1], DOOR_PATH_CAP, "/run/user/%u/sluice", uid);
	if (door_dir(d->hidden[2], why) < 0)
		snprintf(d->hidden[2], DOOR_PATH_CAP, "%s", ROOT_DIR);
	snprintf(d->hidden[3], DOOR_PATH_CAP, "%s", PROTO_NETD_DIR);
	for (size_t i = 0; i < DOOR_HIDDEN_MAX; i++)
		d->hide[i] = d->hidden[i];
}

/* Makes the directory if need be; it must be ours alone. Its descriptor, or -errno with why. */
static int open_dir(const char *dir, char *why)
{
	struct stat st;
	int fd, r;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		r = -errno;
		snprintf(why, DOOR_WHY_CAP, "cannot make %s: %s; %s", dir, strerror(-r), geteuid() == 0 ?
			 "/run must be writable" : "set XDG_RUNTIME_DIR to a directory of yours");
		return r;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		snprintf(why, DOOR_WHY_CAP, "cannot open %s: %s; remove what is there", dir, strerror(-r));
	} else if (st.st_uid != geteuid() || (st.st_mode & 077)) {
		r = -EPERM;
		snprintf(why, DOOR_WHY_CAP, "%s is not yours alone; give it to uid %u, mode 0700", dir, geteuid());
	} else {
		return fd;
	}
	fd_close(&fd);
	return r;
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

/* The descriptor, or -errno; -ECONNREFUSED when the process behind it is gone. */
static int connect_to(const char *path)
{
	const struct sockaddr_un a = address(path);
	const struct timeval limit = { .tv_sec = CONNECT_S };
	cleanup_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return fd_steal(&fd);
}

int door_connect(const char *name, char *why)
{
	char path[DOOR_PATH_CAP];
	int r = door_path(name, path, why);

	if (r < 0)
		return r;
	r = connect_to(path);
	if (r == -ENOENT || r == -ECONNREFUSED)
		snprintf(why, DOOR_WHY_CAP, "nothing of this name is running that you started; see sluice ps");
	else if (r < 0)
		snprintf(why, DOOR_WHY_CAP, "cannot connect to %s: %s; try again", path, strerror(-r));
	return r;
}

/* ---- opening ------------------------------------------------------------------------------------------- */

/* Removes what a process that is gone has left at path. 0, or -EADDRINUSE: somebody is there. */
static int clear_stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = connect_to(path);
	if (fd != -ECONNREFUSED) {
		fd_close(&fd);
		return -EADDRINUSE;
	}
	return unlink(path) < 0 ? -errno : 0;
}

static int bind_and_listen(struct door *d)
{
	const struct sockaddr_un a = address(d->path);
	mode_t old = umask(0177);
	int r = bind(d->listener, (const struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;

	umask(old);
	if (r == 0 && (lstat(d->path, &d->file) < 0 || listen(d->listener, BACKLOG) < 0))
		r = -errno;
	return r;
}

static int make_socket(struct door *d, const char *name, char *why)
{
	char dir[DOOR_PATH_CAP], path[DOOR_PATH_CAP];
	cleanup_close int lock = -1;
	int r = door_dir(dir, why);

	if (r == 0)
		r = door_path(name, path, why);
	if (r == 0)
		r = lock = open_dir(dir, why);
	if (r < 0)
		return r;
	if (stat("/proc/self/ns/user", &d->user_ns) < 0 || stat("/proc/self/ns/pid", &d->pid_ns) < 0) {
		r = -errno;
		snprintf(why, DOOR_WHY_CAP, "cannot look at /proc/self/ns: %s; mount /proc", strerror(-r));
		return r;
	}
	r = flock(lock, LOCK_EX) < 0 ? -errno : clear_stale(path);
	if (r == -EADDRINUSE) {
		snprintf(why, DOOR_WHY_CAP, "one of this name is running already; use another, see sluice ps");
		return r;
	}
	if (r == 0) {
		memcpy(d->path, path, sizeof(path));
		d->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		r = d->listener < 0 ? -errno : bind_and_listen(d);
	}
	if (r < 0)
		snprintf(why, DOOR_WHY_CAP, "cannot make the socket %s: %s", path, strerror(-r));
	return r;
}

int door_open(struct door *d, const struct options *o)
{
	char why[DOOR_WHY_CAP] = "";
	int r;

	*d = (struct door){ .listener = -1, .poll_fd = -1, .asker = -1 };
	for (size_t i = 0; i < DOOR_CLIENTS_MAX; i++)
		d->clients[i] = -1;
	fill_hidden(d, o);
	r = make_socket(d, o->name, why);
	if (r == 0)
		return 0;
	door_close(d);
	if (!o->named) {
		log_debug("no door: %s", why);
		return 0;
	}
	log_err("--name %s: %s", o->name, why);
	return r;
}

static void drop_client(struct door *d, unsigned int i)
{
	fd_close(&d->clients[i]);
	d->counting[i] = false;
	if (d->asker == (int)i)
		d->asker = -1;
}

void door_close(struct door *d)
{
	struct stat st;

	/* Removed while it still answers: nobody can have taken it for stale. */
	if (d->path[0] && lstat(d->path, &st) == 0 && st.st_dev == d->file.st_dev && st.st_ino == d->file.st_ino)
		unlink(d->path);
	d->path[0] = '\0';
	for (unsigned int i = 0; i < DOOR_CLIENTS_MAX; i++)
		drop_client(d, i);
	fd_close(&d->listener);
	fd_close(&d->poll_fd);
}

/* ---- serving ------------------------------------------------------------------------------------------- */

static void answer(int client, const void *m, size_t len)
{
	/* Its answer is the first message in its socket, so there is room. */
	if (msg_send(client, m, len, NULL, 0) < 0)
		log_debug("door: the client has left");
}

static void refuse(struct door *d, unsigned int i, const char *text)
{
	struct proto_error m;

	PROTO_INIT(&m, PROTO_ERROR);
	snprintf(m.text, sizeof(m.text), "%s", text);
	answer(d->clients[i], &m, sizeof(m));
	drop_client(d, i);
}

/* What the gateway says to a request. */
static void gateway_answers(void *arg, const void *m, size_t len)
{
	struct door *d = arg;

	if (proto_type(m) == PROTO_STATS) {
		for (unsigned int i = 0; i < DOOR_CLIENTS_MAX; i++) {
			if (d->counting[i]) {
				answer(d->clients[i], m, len);
				drop_client(d, i);
			}
		}
		return;
	}
	d->busy = false;
	if (d->asker < 0)
		return;
	answer(d->clients[d->asker], m, len);
	drop_client(d, (unsigned int)d->asker);
}

static int watch(struct door *d, int fd, unsigned int cookie)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = cookie };

	return epoll_ctl(d->poll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int door_watch(struct door *d, struct gateway *g)
{
	int r = 0;

	d->g = g;
	g->answer = gateway_answers;
	g->answer_arg = d;
	d->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->poll_fd < 0)
		return -errno;
	r = g->control < 0 ? 0 : watch(d, g->control, COOKIE_CONTROL);
	if (r == 0 && d->listener >= 0)
		r = watch(d, d->listener, COOKIE_LISTENER);
	return r < 0 ? r : d->poll_fd;
}

/* A free place; when there is none, one whose client has said nothing yet. */
static unsigned int client_place(struct door *d)
{
	unsigned int i;

	for (i = 0; i < DOOR_CLIENTS_MAX; i++) {
		if (d->clients[i] < 0)
			return i;
	}
	do {
		i = d->next_client++ % DOOR_CLIENTS_MAX;
	} while ((int)i == d->asker);
	drop_client(d, i);
	return i;
}

static void admit(struct door *d)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	unsigned int i;
	int fd = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	i = client_place(d);
	d->clients[i] = fd;
	/* Root has no other number here unless we are in a user namespace, where nobody but us has one. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
	    (peer.uid != geteuid() && peer.uid != 0))
		refuse(d, i, "only the user who started the sandbox may change its policy");
	else if (watch(d, fd, i) < 0)
		drop_client(d, i);
}

static bool is_file(int fd, const struct stat *want)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == want->st_dev && st.st_ino == want->st_ino;
}

static const char not_here[] = "the request comes out of another user or pid namespace; a sandbox cannot change its "
			       "own policy, nor read its counters";
static const char no_gateway[] = "the sandbox has no network (--net none); start it with one";

static int tell_gateway(struct door *d, const void *m, size_t len, const int *fds, size_t n_fds)
{
	struct pollfd room = { .fd = d->g->control, .events = POLLOUT };

	if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT))
		return -EAGAIN;
	return msg_send(d->g->control, m, len, fds, n_fds);
}

/* NULL when the gateway was asked, else what is wrong. */
static const char *ask_stats(struct door *d, unsigned int i, const int *fds, size_t n_fds)
{
	struct proto_stats_get m;

	if (n_fds != STATS_FDS || !is_file(fds[0], &d->user_ns) || !is_file(fds[1], &d->pid_ns))
		return not_here;
	if (d->g->control < 0)
		return no_gateway;
	PROTO_INIT(&m, PROTO_STATS_GET);
	m.sandbox = d->g->sandbox;
	if (tell_gateway(d, &m, sizeof(m), NULL, 0) < 0)
		return "the gateway does not listen; try again";
	d->counting[i] = true;
	return NULL;
}

/* NULL when the gateway was asked, else what is wrong. */
static const char *ask_gateway(struct door *d, const void *buf, const int *fds, size_t n_fds)
{
	struct proto_policy_set m;

	if (proto_type(buf) != PROTO_POLICY_SET || n_fds != REQUEST_FDS)
		return "the request is of another version of sluice; use the one that started the sandbox";
	memcpy(&m, buf, sizeof(m));
	if (!is_file(fds[1], &d->user_ns) || !is_file(fds[2], &d->pid_ns))
		return not_here;
	if (d->g->control < 0)
		return no_gateway;
	if (d->busy)
		return "another policy is being set; try again when that is done";
	m.sandbox = d->g->sandbox;
	if (tell_gateway(d, &m, sizeof(m), fds, 1) < 0)
		return "the gateway does not listen; try again";
	return NULL;
}

static void client_input(struct door *d, unsigned int i)
{
	_Alignas(8) char buf[PROTO_MSG_MAX];
	int fds[MSG_MAX_FDS];
	size_t n_fds = MSG_MAX_FDS;
	const char *wrong;
	bool is_stats;
	ssize_t len;

	if (d->clients[i] < 0)
		return;
	len = msg_recv(d->clients[i], buf, sizeof(buf), fds, &n_fds);
	if (len == -EAGAIN)
		return;
	/* It has left; or it asks once more before it has its answer. */
	if (len <= 0 || proto_check(buf, (size_t)len) < 0 || d->asker == (int)i) {
		while (len > 0 && n_fds)
			close(fds[--n_fds]);
		drop_client(d, i);
		return;
	}
	is_stats = proto_type(buf) == PROTO_STATS_GET;
	wrong = is_stats ? ask_stats(d, i, fds, n_fds) : ask_gateway(d, buf, fds, n_fds);
	while (n_fds)
		close(fds[--n_fds]);
	if (wrong) {
		refuse(d, i, wrong);
		return;
	}
	if (is_stats)
		return;
	d->busy = true;
	d->asker = (int)i;
}

bool door_input(void *arg)
{
	struct door *d = arg;
	struct epoll_event ev[DOOR_CLIENTS_MAX];
	int n = epoll_wait(d->poll_fd, ev, DOOR_CLIENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		unsigned int cookie = ev[i].data.u32;

		if (cookie == COOKIE_LISTENER) {
			admit(d);
		} else if (cookie != COOKIE_CONTROL) {
			client_input(d, cookie);
		} else if (!gateway_input(d->g)) {
			door_close(d);
			return false;
		}
	}
	return true;
}
