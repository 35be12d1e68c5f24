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
	} else if (m.type == JAIL_MSG_STOPPED) {
		program_stopped(w, m.value);
	}
}

static void take_signal(struct waiting *w)
{
	struct signalfd_siginfo si;

	if (read(w->signals, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGCONT)
		resume(w);
	else
		jail_msg_send(w->jail->status, JAIL_MSG_SIGNAL, (int)si.ssi_signo);
}

static void watch(struct waiting *w, int poll_fd, bool (*on_readable)(void *arg), void *arg)
{
	struct pollfd p[3] = {
		{ w->jail->status, POLLIN, 0 }, { w->signals, POLLIN, 0 }, { poll_fd, POLLIN, 0 },
	};

	while (!w->ended) {
		if (poll(p, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (p[2].revents && !on_readable(arg))
			p[2].fd = -1;
		if (p[1].revents)
			take_signal(w);
		if (p[0].revents)
			take_report(w);
	}
}

static int exit_code(int status)
{
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
	w.tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	w.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w.signals >= 0)
		watch(&w, poll_fd, on_readable, arg);

	/* Only then is nobody left who could take the terminal again. */
	jail_reap(j);
	if (j->front && w.tty >= 0)
		tcsetpgrp(w.tty, getpgrp());
	fd_close(&w.tty);
	fd_close(&w.signals);
	jail_kill(j);
	return exit_code(w.status);
}
