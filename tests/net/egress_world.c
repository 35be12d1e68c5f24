/* SPDX-License-Identifier: Apache-2.0 */
/* egress_world: see egress_world.h. The Internet itself is in egress_internet.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/drop.h"
#include "lib/msg.h"
#include "tests/net/egress_internet.h"
#include "tests/net/egress_world.h"

enum { WAIT_MS = 25000 };

struct witness *witness;
static pid_t internet_pid;

static int __attribute__((format(printf, 1, 2))) run(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return system(cmd);
}

/* A minimal system may have neither file: then they appear in an overlay, not on the machine. */
static void make_etc_complete(void)
{
	if (access("/etc/hosts", F_OK) == 0 && access("/etc/resolv.conf", F_OK) == 0)
		return;
	if (run("mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work && "
		"mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work none /etc && "
		"touch /etc/hosts /etc/resolv.conf") != 0)
		abort();
}

static void replace_file(const char *path, const char *text)
{
	char tmp[] = "/tmp/sluice-egress.XXXXXX";
	int fd = mkstemp(tmp);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, 0644) < 0)
		abort();
	close(fd);
	if (mount(tmp, path, NULL, MS_BIND, NULL) < 0)
		abort();
	unlink(tmp);
}

/* A fresh link loses its first neighbour solicitations: what is timed must not be the first there. */
static bool is_reachable(const char *text)
{
	struct sockaddr_storage sa;
	struct addr a;
	socklen_t len;
	bool ok;
	int fd;

	if (addr_parse(text, &a) < 0)
		abort();
	len = addr_to_sockaddr(&a, 7001, &sa);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ok = fd >= 0 && connect(fd, (struct sockaddr *)&sa, len) == 0;
	close(fd);
	return ok;
}

const char *world_up(void)
{
	struct rlimit files;
	int up[2];
	char c;

	if (geteuid() != 0)
		return "needs root";
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return "no limit of descriptors";
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		return "cannot make namespaces";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return "cannot make mounts private";
	make_etc_complete();
	replace_file("/etc/resolv.conf", "nameserver 203.0.113.53\n");
	replace_file("/etc/hosts", "127.0.0.1 localhost\n198.51.100.10 hosted.test\n10.9.9.9 inner.test\n");
	witness = mmap(NULL, sizeof(*witness), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (witness == MAP_FAILED || pipe(up) < 0)
		return "no memory";
	internet_pid = fork();
	if (internet_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(up[0]);
		if (unshare(CLONE_NEWNET) < 0)
			_exit(1);
		if (write(up[1], "x", 1) != 1)
			_exit(1);
		internet_run();
	}
	close(up[1]);
	if (read(up[0], &c, 1) != 1)
		return "cannot make the Internet";
	close(up[0]);
	if (run("ip link set lo up && ip link add up0 type veth peer name down0 netns %d &&"
		"ip addr add 203.0.113.2/24 dev up0 && ip addr add 2001:db8:113::2/64 dev up0 nodad &&"
		"ip addr add 192.168.7.1/32 dev lo && ip link set up0 up &&"
		"ip route add default via 203.0.113.1 && "
		"ip route add default via 2001:db8:113::1", internet_pid) != 0)
		return "ip(8) failed";
	(void)run("sysctl -qw net.ipv4.ping_group_range='0 2147483647'");
	for (int i = 0; i < 1000 && !witness->ready; i++)
		poll(NULL, 0, 10);
	if (!witness->ready || !is_reachable("198.51.100.10") || !is_reachable("2001:db8:100::10"))
		return "the Internet did not come up";
	return NULL;
}

void world_down(void)
{
	if (internet_pid > 0) {
		kill(internet_pid, SIGKILL);
		waitpid(internet_pid, NULL, 0);
	}
	umount2("/etc/hosts", MNT_DETACH);
	umount2("/etc/resolv.conf", MNT_DETACH);
}

const char *world_program(int i)
{
	static const char *const builds[] = { "SLUICE_BUILD", "SLUICE_SAN" };
	static char paths[2][256];
	const char *dir = getenv(builds[i]);

	if (!dir)
		return NULL;
	snprintf(paths[i], sizeof(paths[i]), "%s/sluice-egress", dir);
	return paths[i];
}

/* ---- netd's part ---- */

void egress_start(struct egress_proc *e, const char *program)
{
	int pair[2];

	assert_int_equal(msg_pair(pair), 0);
	e->pid = fork();
	assert_true(e->pid >= 0);
	if (e->pid == 0) {
		int fd = fcntl(pair[1], F_DUPFD, 100);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(fd, PROTO_FD_UP) < 0)
			_exit(127);
		execl(program, program, NULL);
		_exit(127);
	}
	close(pair[1]);
	e->up = pair[0];
}

int egress_stop(struct egress_proc *e)
{
	int status;

	close(e->up);
	e->up = -1;
	assert_int_equal(waitpid(e->pid, &status, 0), e->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct proto_sandbox_state netd_hears(struct egress_proc *e)
{
	_Alignas(8) char buf[PROTO_MSG_MAX];
	struct proto_sandbox_state m;
	int fd;

	assert_int_equal(hear(e->up, buf, sizeof(buf), &fd), sizeof(m));
	assert_int_equal(fd, -1);
	memcpy(&m, buf, sizeof(m));
	assert_int_equal(m.head.type, PROTO_SANDBOX_STATE);
	return m;
}

enum proto_state jail_add(struct egress_proc *e, uint32_t number, const char *policy,
			  const char *resolver, struct jail *ret_jail)
{
	struct proto_sandbox_add m;
	struct proto_sandbox_state st;
	int ask[2], report[2], fds[4];

	assert_int_equal(msg_pair(ask), 0);
	assert_int_equal(msg_pair(report), 0);
	PROTO_INIT(&m, PROTO_SANDBOX_ADD);
	m.sandbox = number;
	m.flags = PROTO_HAS_EVENTS;
	snprintf(m.label, sizeof(m.label), "box%u", number);
	addr_parse(LINK_GW4, &m.gw4);
	addr_parse(LINK_GW6, &m.gw6);
	for (int i = 0; resolver && *resolver; i++) {
		char one[ADDR_STRLEN];
		size_t n = strcspn(resolver, " ");

		assert_true(i < PROTO_RESOLVERS_MAX && n < sizeof(one));
		memcpy(one, resolver, n);
		one[n] = '\0';
		assert_int_equal(addr_parse(one, &m.resolvers[i].addr), 0);
		m.resolvers[i].port = 53;
		resolver += n + strspn(resolver + n, " ");
	}
	ret_jail->number = number;
	ret_jail->ask = ask[0];
	ret_jail->report = report[0];
	ret_jail->events = memfd_create("events", MFD_CLOEXEC);
	fds[0] = ask[1];
	fds[1] = memfd_create("policy", MFD_CLOEXEC);
	fds[2] = report[1];
	fds[3] = ret_jail->events;
	assert_int_equal(write(fds[1], policy, strlen(policy)), strlen(policy));
	assert_int_equal(msg_send(e->up, &m, sizeof(m), fds, 4), 0);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
	st = netd_hears(e);
	assert_int_equal(st.sandbox, number);
	if (st.state != PROTO_READY)
		print_message("# netd was told: %s\n", st.text);
	return (enum proto_state)st.state;
}

void jail_end(struct egress_proc *e, struct jail *j)
{
	struct proto_sandbox_end m;
	struct proto_sandbox_state st;

	PROTO_INIT(&m, PROTO_SANDBOX_END);
	m.sandbox = j->number;
	say(e->up, &m, sizeof(m));
	st = netd_hears(e);
	assert_int_equal(st.state, PROTO_GONE);
	assert_int_equal(st.sandbox, j->number);
	if (j->ask >= 0)
		close(j->ask);
	close(j->report);
	close(j->events);
}

/* ---- the worker's part ---- */

void say(int fd, const void *msg, size_t len)
{
	assert_int_equal(msg_send(fd, msg, len, NULL, 0), 0);
}

size_t hear(int fd, void *buf, size_t cap, int *ret_fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n_fds = 1;
	ssize_t n;

	*ret_fd = -1;
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	n = msg_recv(fd, buf, cap, ret_fd, &n_fds);
	if (n == -ECONNRESET)
		n = 0;
	assert_true(n >= 0);
	return (size_t)n;
}

static uint64_t newest_id;

uint64_t last_id(void)
{
	return newest_id;
}

void say_name(struct jail *j, uint64_t id, uint16_t qtype, const char *name)
{
	struct proto_ask_name m;

	PROTO_INIT(&m, PROTO_ASK_NAME);
	m.id = id;
	m.qtype = qtype;
	snprintf(m.name, sizeof(m.name), "%s", name);
	say(j->ask, &m, sizeof(m));
}

struct proto_answer ask_name(struct jail *j, const char *name, uint16_t qtype)
{
	_Alignas(8) char buf[PROTO_MSG_MAX];
	struct proto_answer a;
	int fd;

	say_name(j, ++newest_id, qtype, name);
	assert_int_equal(hear(j->ask, buf, sizeof(buf), &fd), sizeof(a));
	assert_int_equal(fd, -1);
	assert_int_equal(proto_check(buf, sizeof(a)), 0);
	memcpy(&a, buf, sizeof(a));
	assert_int_equal(a.head.type, PROTO_ANSWER);
	assert_int_equal(a.id, newest_id);
	return a;
}

struct proto_ask_flow flow_question(uint64_t id, const char *dst, uint8_t proto, uint16_t port)
{
	struct proto_ask_flow m;

	PROTO_INIT(&m, PROTO_ASK_FLOW);
	m.id = id;
	assert_int_equal(addr_parse(dst, &m.dst), 0);
	addr_parse(addr_is_v4(&m.dst) ? LINK_SB4 : LINK_SB6, &m.src);
	m.sport = 40000;
	m.dport = port;
	m.proto = proto;
	return m;
}

struct proto_verdict_msg ask_flow(struct jail *j, const char *dst, uint8_t proto, uint16_t port, int *ret_fd)
{
	struct proto_ask_flow m = flow_question(++newest_id, dst, proto, port);
	_Alignas(8) char buf[PROTO_MSG_MAX];
	struct proto_verdict_msg v;
	int fd;

	say(j->ask, &m, sizeof(m));
	assert_int_equal(hear(j->ask, buf, sizeof(buf), &fd), sizeof(v));
	assert_int_equal(proto_check(buf, sizeof(v)), 0);
	memcpy(&v, buf, sizeof(v));
	assert_int_equal(v.head.type, PROTO_VERDICT);
	assert_int_equal(v.id, m.id);
	assert_int_equal(v.verdict == PROTO_ALLOW, fd >= 0);
	if (ret_fd)
		*ret_fd = fd;
	else
		assert_int_equal(fd, -1);
	return v;
}

void end_flow(struct jail *j, uint64_t id, uint64_t up, uint64_t down)
{
	struct proto_flow_end m;

	PROTO_INIT(&m, PROTO_FLOW_END);
	m.id = id;
	m.up_bytes = up;
	m.down_bytes = down;
	m.up_pkts = m.down_pkts = 1;
	m.reason = DROP_END_CLOSED;
	say(j->ask, &m, sizeof(m));
}

bool echoes(int fd)
{
	static const char line[] = "are you there?";
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[64];

	return send(fd, line, sizeof(line), MSG_NOSIGNAL) == (ssize_t)sizeof(line) &&
	       poll(&p, 1, 5000) == 1 && recv(fd, buf, sizeof(buf), 0) == (ssize_t)sizeof(line) &&
	       memcmp(buf, line, sizeof(line)) == 0;
}
