/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main: sluice-stack, the worker of one sandbox. Started by netd, with the descriptors of enum proto_fd.
 *
 * Comes in: one configuration message with the descriptors, then nothing that is not a frame, a verdict
 * or the order to stop. Root and ids are given up first, before netd has anything to tell: a worker may
 * have been started before its sandbox was asked for. Then comes what needs a system call outside the
 * list below (port, log, epoll, timer, tables); then system calls are given up, and only then is netd told that
 * the worker is ready and the first frame read. Ends when netd says so or is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/confine.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "stack/path.h"

/*
 * The worker's system calls. What matters is what is not here: no socket, connect, bind, open, dup,
 * fcntl, ioctl, execve, clone, kill. A flow's socket is connected and must stay with its peer, so no
 * call on it may carry an address: sendto with a NULL one only, sendmsg and sendmmsg only on the
 * descriptors that netd placed. Those are never closed, so that no received socket takes their numbers.
 */
#define ON_FIXED { 0, CONFINE_LT, PROTO_FD_FIRST_FREE, 0 }
#define NO_EXEC { 2, CONFINE_MASKED_EQ, 0, PROT_EXEC }

static const struct confine_rule allowed[] = {
	/* loop */
	{ __NR_epoll_wait, { { 0, CONFINE_EQ, PROTO_FD_EPOLL, 0 } } },
	{ __NR_epoll_pwait, { { 0, CONFINE_EQ, PROTO_FD_EPOLL, 0 } } },
	{ __NR_epoll_ctl, { { 0, CONFINE_EQ, PROTO_FD_EPOLL, 0 } } },
	{ __NR_timerfd_settime, { { 0, CONFINE_EQ, PROTO_FD_TIMER, 0 } } },
	{ __NR_clock_gettime, { { 0 } } },
	{ __NR_sched_yield, { { 0 } } },
	{ __NR_restart_syscall, { { 0 } } },
	{ __NR_rt_sigreturn, { { 0 } } },
	{ __NR_exit_group, { { 0 } } },
	/* bytes in: from whatever we hold */
	{ __NR_read, { { 0 } } },
	{ __NR_readv, { { 0 } } },
	{ __NR_recvfrom, { { 0 } } },
	{ __NR_recvmsg, { { 0 } } },
	{ __NR_recvmmsg, { { 0 } } },
	/* bytes out: to where it is connected */
	{ __NR_write, { { 0 } } },
	{ __NR_writev, { { 0 } } },
	{ __NR_sendto, { { 4, CONFINE_NULL, 0, 0 } } },
	{ __NR_sendmsg, { ON_FIXED } },
	{ __NR_sendmmsg, { ON_FIXED } },
	{ __NR_shutdown, { { 0, CONFINE_GE, PROTO_FD_FIRST_FREE, 0 } } },
	{ __NR_setsockopt, { { 0, CONFINE_GE, PROTO_FD_FIRST_FREE, 0 },
			     { 1, CONFINE_EQ, SOL_SOCKET, 0 },
			     { 2, CONFINE_EQ, SO_LINGER, 0 } } },
	{ __NR_close, { { 0, CONFINE_GE, PROTO_FD_FIRST_FREE, 0 } } },
	/* memory */
	{ __NR_brk, { { 0 } } },
	{ __NR_mmap, { NO_EXEC } },
	{ __NR_mprotect, { NO_EXEC } },
	{ __NR_mremap, { { 0 } } },
	{ __NR_munmap, { { 0 } } },
	{ __NR_madvise, { { 0 } } },
#ifdef SLUICE_SANITIZED
	/* what the sanitizers' run time calls, reports included */
	{ __NR_futex, { { 0 } } },
	{ __NR_getpid, { { 0 } } },
	{ __NR_gettid, { { 0 } } },
	{ __NR_getrlimit, { { 0 } } },
	{ __NR_prlimit64, { { 0 } } },
	{ __NR_getuid, { { 0 } } },
	{ __NR_ioctl, { { 0 } } },
	{ __NR_openat, { { 0 } } },
	{ __NR_newfstatat, { { 0 } } },
	{ __NR_fstat, { { 0 } } },
	{ __NR_lseek, { { 0 } } },
	{ __NR_readlink, { { 0 } } },
	{ __NR_readlinkat, { { 0 } } },
	{ __NR_rt_sigaction, { { 0 } } },
	{ __NR_rt_sigprocmask, { { 0 } } },
	{ __NR_sigaltstack, { { 0 } } },
	{ __NR_tgkill, { { 0 } } },
#endif
};

static struct stack stack;

/* Tells netd why, and ends. */
static _Noreturn void __attribute__((format(printf, 1, 2))) fail(const char *fmt, ...)
{
	struct proto_stack_state m;
	va_list ap;

	PROTO_INIT(&m, PROTO_STACK_STATE);
	m.state = PROTO_FAILED;
	va_start(ap, fmt);
	(void)vsnprintf(m.text, sizeof(m.text), fmt, ap);
	va_end(ap);
	if (msg_send(PROTO_FD_SUPERVISE, &m, sizeof(m), NULL, 0) < 0)
		log_err("%s", m.text);
	_exit(1);
}

/* fd becomes number `at`, in the place of what netd put there to keep it. */
static void place(int fd, int at, const char *what)
{
	if (fd < 0 || dup3(fd, at, O_CLOEXEC) < 0)
		fail("the worker cannot make %s: %s", what, strerror(errno));
	close(fd);
}

/* The descriptors that come with the configuration, to their numbers: see struct proto_stack_config. */
static void place_all(const struct proto_stack_config *cfg, const int *fds, size_t n)
{
	int to[MSG_MAX_FDS];
	size_t want = 0;

	to[want++] = PROTO_FD_UP;
	to[want++] = PROTO_FD_PORT;
	if (cfg->port == PROTO_PORT_XDP) {
		to[want++] = PROTO_FD_PORT_TX;
		to[want++] = PROTO_FD_UMEM;
	}
	if (cfg->flags & PROTO_HAS_PCAP)
		to[want++] = PROTO_FD_PCAP;
	if (n != want)
		fail("the worker got %zu descriptors, not %zu; are all programs of one version?", n, want);
	for (size_t i = 0; i < n; i++)
		place(fds[i], to[i], "place for its descriptors");
}

static void receive_config(struct proto_stack_config *ret_cfg)
{
	_Alignas(8) uint8_t buf[PROTO_MSG_MAX];
	int fds[MSG_MAX_FDS];
	size_t n_fds = MSG_MAX_FDS;
	ssize_t n = msg_recv(PROTO_FD_SUPERVISE, buf, sizeof(buf), fds, &n_fds);

	if (n == 0)
		_exit(1);		/* netd has changed its mind */
	if (n == -ENOTSOCK || n == -EBADF) {
		log_err("not started by sluice: descriptor %d is no supervise socket; use sluice run",
			PROTO_FD_SUPERVISE);
		_exit(125);
	}
	if (n < 0 || proto_check(buf, (size_t)n) < 0 || proto_type(buf) != PROTO_STACK_CONFIG)
		fail("the worker got a malformed configuration; are all programs of one version?");
	memcpy(ret_cfg, buf, sizeof(*ret_cfg));
	if (ret_cfg->port == PROTO_PORT_AUTO || ret_cfg->port >= PROTO_PORT_MEM ||
	    ret_cfg->mtu < 1280 || ret_cfg->mtu > 65535 || ret_cfg->flows_max < 1 ||
	    ret_cfg->flows_max > 1048576)
		fail("the worker got a configuration that makes no sense; are all programs of one version?");
	place_all(ret_cfg, fds, n_fds);
}

/* A log may be closed when the disk is full, the fixed numbers may not: it gets one of its own. */
static struct record *open_record(const struct proto_stack_config *cfg)
{
	struct record *r;
	int fd;

	if (!(cfg->flags & PROTO_HAS_PCAP))
		return NULL;
	fd = fcntl(PROTO_FD_PCAP, F_DUPFD_CLOEXEC, PROTO_FD_FIRST_FREE);
	if (fd < 0)
		fail("the worker cannot use the packet log: %s", strerror(errno));
	r = record_new(fd, cfg->pcap_bytes_max, cfg->label);
	if (!r)
		fail("the worker has no memory for the packet log");
	return r;
}

static void set_up(void)
{
	struct proto_stack_config cfg;
	struct port *port;
	int r;

	receive_config(&cfg);
	if (fcntl(PROTO_FD_SUPERVISE, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		fail("the worker cannot use its supervise socket: %s", strerror(errno));
	r = port_open(&cfg, &port);
	if (r < 0)
		fail("the worker cannot open the sandbox's link: %s", strerror(-r));
	place(epoll_create1(EPOLL_CLOEXEC), PROTO_FD_EPOLL, "an epoll instance");
	place(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), PROTO_FD_TIMER, "a timer");
	r = stack_init(&stack, &cfg, port, open_record(&cfg), PROTO_FD_UP, PROTO_FD_SUPERVISE,
		       PROTO_FD_EPOLL, PROTO_FD_TIMER);
	if (r < 0)
		fail("the worker cannot start: %s", strerror(-r));
}

/* A received descriptor takes the lowest free number: none of the fixed ones may be free. */
static void check_descriptors(void)
{
	for (int fd = 0; fd < PROTO_FD_FIRST_FREE; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			fail("the worker's descriptor %d is missing; are all programs of one version?", fd);
	}
}

static void give_up_rights(void)
{
	uid_t uid;
	gid_t gid;
	int r;

	confine_own_ids(CONFINE_WORKER, &uid, &gid);
	r = confine_root();
	if (r < 0)
		fail("the worker cannot leave the file system: %s", strerror(-r));
	r = confine_ids(uid, gid);
	if (r < 0)
		fail("the worker cannot give up its rights: %s", strerror(-r));
}

static void give_up_syscalls(void)
{
	int r = confine_syscalls(allowed, sizeof(allowed) / sizeof(allowed[0]));

	if (r < 0)
		fail("the worker cannot set its system call filter: %s", strerror(-r));
}

static void tell_ready(void)
{
	struct proto_stack_state m;
	int r;

	PROTO_INIT(&m, PROTO_STACK_STATE);
	m.state = PROTO_READY;
	r = msg_send(PROTO_FD_SUPERVISE, &m, sizeof(m), NULL, 0);
	if (r < 0)
		_exit(1);
}

int main(int argc, char **argv)
{
	int r = 0;

	log_init("sluice-stack", LOG_LEVEL_INFO);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("sluice-stack %s\n", SLUICE_VERSION);
		return 0;
	}
	/* A terminal's keys are for the program; netd says when this worker ends. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	check_descriptors();
	give_up_rights();
	set_up();
	give_up_syscalls();
	tell_ready();
	while (r >= 0 && !stack.stopping)
		r = stack_step(&stack, -1, 0);
	stack_stop(&stack, r < 0 ? DROP_PORT_ERROR : DROP_END_SHUTDOWN);
	if (r < 0)
		fail("the sandbox's link failed: %s", strerror(-r));
	_exit(0);			/* the kernel takes the memory; the descriptors may not be closed */
}
