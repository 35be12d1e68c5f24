/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait: the caller while the program runs. Signals that a shell's child would get are passed on to
 * the program's process group; stops of the program become stops of the caller, so that ^Z, fg and bg
 * of the shell outside work on the whole.
 */
#include "sandbox/jail.h"
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "sandbox/pty.h"

#define LATE_NS (NS_PER_S / 4)

static const int forwarded[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH,
	SIGTSTP, SIGCONT };

struct waiting {
	struct jail *jail;
	int tty;		/* the controlling terminal, or -1 */
	int signals;
	int status;		/* the program's wait status */
	bool ended;
};

/* Is the caller's process group in the foreground of its terminal? */
static bool in_front(const struct waiting *w)
{
	return w->tty >= 0 && tcgetpgrp(w->tty) == getpgrp();
}

static void resume(struct waiting *w)
{
	bool front = in_front(w);

	w->jail->front = w->jail->front || front;
	jail_msg_send(w->jail->status, JAIL_MSG_CONTINUE, front);
}

/* As the terminal would have done it: the whole group, unless nobody would ever continue it. */
static void stop_group(struct waiting *w)
{
	sigset_t tstp, old;

	sigemptyset(&tstp);
	sigaddset(&tstp, SIGTSTP);
	kill(w->jail->front ? 0 : getpid(), SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &tstp, &old);	/* stops here, until SIGCONT */
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void program_stopped(struct waiting *w, int sig)
{
	if (w->tty < 0)
		return;
	/* It asked for the terminal, and the caller has it: hand it over. */
	if ((sig == SIGTTIN || sig == SIGTTOU) && in_front(w)) {
		resume(w);
		return;
	}
	if (w->jail->front)
		tcsetpgrp(w->tty, getpgrp());
	stop_group(w);
	/* SIGCONT is waiting in the signal descriptor now. */
}

static void take_report(struct waiting *w)
{
	struct jail_msg m;
	int r = jail_msg_recv(w->jail->status, &m, NULL);

	if (r == -EAGAIN)
		return;
	if (r < 0) {
		w->ended = true;
	} else if (m.type == JAIL_MSG_EXIT) {
		w->status = m.value;
		w->ended = true;
	} else if (m.type == JAIL_MSG_LIMIT && m.value > JAIL_LIMIT_NONE && m.value <= JAIL_LIMIT_CPU) {
		w->jail->result.struck = (enum jail_limit)m.value;
	} else if (m.type == JAIL_MSG_STOPPED) {
		program_stopped(w, m.value);
	}
}

static void take_signal(struct waiting *w)
{
	struct signalfd_siginfo si;

	if (read(w->signals, &si, sizeof(si)) != sizeof(si))
		return;
	if (w->jail->pty && (si.ssi_signo == SIGWINCH || si.ssi_signo == SIGCONT))
		pty_refresh(w->jail->pty);
	if (si.ssi_signo == SIGCONT)
		resume(w);
	else if (!w->jail->pty || si.ssi_signo != SIGWINCH)
		jail_msg_send(w->jail->status, JAIL_MSG_SIGNAL, (int)si.ssi_signo);
}

/*
 * Init keeps the time. The caller comes after it, for init is one of many processes when the machine
 * is overrun: milliseconds for poll(2), -1 without a limit, 0 when it is over.
 */
static int time_left(const struct jail *j)
{
	uint64_t now = clock_mono_ns(), end = j->start_ns + j->limits->wall_ns + j->limits->grace_ns + LATE_NS;

	if (!j->limits->wall_ns || j->result.struck)
		return -1;
	if (now >= end)
		return 0;
	return end - now > 3600 * NS_PER_S ? 3600000 : (int)((end - now) / NS_PER_MS + 1);
}

static void watch(struct waiting *w, int poll_fd, bool (*on_readable)(void *arg), void *arg)
{
	struct pollfd p[4 + PTY_POLL] = {
		{ w->jail->status, POLLIN, 0 }, { w->signals, POLLIN, 0 }, { poll_fd, POLLIN, 0 },
		{ w->jail->listener, POLLIN, 0 },
	};
	struct pty *pty = w->jail->pty;

	while (!w->ended) {
		int wait = time_left(w->jail);

		if (wait == 0) {
			w->jail->result.struck = JAIL_LIMIT_WALL;
			return;
		}
		if (pty)
			pty_poll(pty, p + 4);
		if (poll(p, pty ? 4 + PTY_POLL : 4, wait) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (p[3].revents & POLLIN)
			trace_input(w->jail);
		else if (p[3].revents)
			p[3].fd = -1;	/* nobody is left under the filter */
		if (pty)
			pty_relay(pty, p + 4);
		if (p[2].revents && !on_readable(arg))
			p[2].fd = -1;
		if (p[1].revents)
			take_signal(w);
		if (p[0].revents)
			take_report(w);
	}
}

/* What ended the program, now that all is counted. */
static void conclude(struct jail *j, int status)
{
	struct jail_result *res = &j->result;
	uint64_t cpu_us = res->user_us + res->system_us;

	res->wall_ns = clock_mono_ns() - j->start_ns;
	res->signal = res->struck ? SIGKILL : WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (j->cgroup)
		cgroup_read(j->cgroup, res);
	if (res->struck)
		return;
	if (res->signal == SIGKILL && res->oom_kills)
		res->struck = JAIL_LIMIT_MEMORY;
	else if (j->cpu_per_process && (res->signal == SIGXCPU || (res->signal == SIGKILL &&
		 cpu_us >= j->limits->cpu_ns / 1000)))
		res->struck = JAIL_LIMIT_CPU;
}

static int exit_code(const struct jail *j, int status)
{
	if (j->result.struck == JAIL_LIMIT_WALL || j->result.struck == JAIL_LIMIT_CPU)
		return 128 + SIGKILL;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void jail_signals(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(ret_set, forwarded[i]);
	/* The program's group may own the terminal: taking it back must not stop the caller. */
	sigaddset(ret_set, SIGTTOU);
}

int jail_wait(struct jail *j, int poll_fd, bool (*on_readable)(void *arg), void *arg)
{
	/* Without the program's own status the jail was killed from outside. */
	struct waiting w = { .jail = j, .tty = -1, .signals = -1, .status = SIGKILL };
	sigset_t set;

	/*
	 * Init may be waiting until its reports are read: waiting here until it reads orders as well
	 * would be a deadlock, which a program that stops and continues itself could bring about.
	 */
	fcntl(j->status, F_SETFL, O_NONBLOCK);
	jail_signals(&set);
	sigdelset(&set, SIGTTOU);
	if (!j->pty)
		w.tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	w.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w.signals >= 0)
		watch(&w, poll_fd, on_readable, arg);

	/* Only then is nobody left who could take the terminal again. */
	jail_reap(j);
	if (j->pty)
		pty_detach(j->pty);
	if (j->front && w.tty >= 0)
		tcsetpgrp(w.tty, getpgrp());
	fd_close(&w.tty);
	fd_close(&w.signals);
	conclude(j, w.status);
	jail_kill(j);
	return exit_code(j, w.status);
}
