/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pty: a terminal of the jail's own. The program leads a session on it and never gets a descriptor of the
 * caller's terminal, so nothing that can be done to a terminal reaches that one, whatever the filter says. The
 * caller copies bytes both ways, with his own terminal raw: keys like ^C are for the terminal inside.
 *
 * A caller in the background leaves his terminal alone until he is continued in the foreground.
 */
#include "sandbox/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/cleanup.h"

int pty_new(uid_t uid, gid_t gid, int *ret_master, int *ret_slave)
{
	int r, unlocked = 0, slave, master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0)
		return -errno;
	slave = ioctl(master, TIOCSPTLCK, &unlocked) < 0 ? -1 : ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave >= 0 && fchown(slave, uid, gid) == 0) {
		*ret_master = master;
		*ret_slave = slave;
		return 0;
	}
	r = -errno;
	fd_close(&slave);
	close(master);
	return r;
}

static void copy_size(const struct pty *p)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(p->master, TIOCSWINSZ, &size);
}

static bool is_in_front(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

void pty_refresh(struct pty *p)
{
	struct termios raw;

	copy_size(p);
	if (p->raw || !is_in_front() || tcgetattr(STDIN_FILENO, &p->saved) < 0)
		return;
	raw = p->saved;
	cfmakeraw(&raw);
	p->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

struct pty *pty_alloc(void)
{
	struct pty *p = calloc(1, sizeof(*p));

	if (p)
		p->master = -1;
	return p;
}

void pty_attach(struct pty *p)
{
	fcntl(p->master, F_SETFL, O_NONBLOCK);
	pty_refresh(p);
}

void pty_poll(const struct pty *p, struct pollfd set[PTY_POLL])
{
	bool reads = p->master >= 0 && !p->in_over && !p->in.len && (p->raw || !isatty(STDIN_FILENO));

	set[0] = (struct pollfd){ reads ? STDIN_FILENO : -1, POLLIN, 0 };
	set[1] = (struct pollfd){ p->master, (short)((p->in.len ? POLLOUT : 0) | (p->out.len ? 0 : POLLIN)), 0 };
	set[2] = (struct pollfd){ p->out.len ? STDOUT_FILENO : -1, POLLOUT, 0 };
}

static ssize_t fill(struct pty_way *w, int fd)
{
	ssize_t n = read(fd, w->buf, sizeof(w->buf));

	w->at = 0;
	w->len = n > 0 ? (size_t)n : 0;
	return n;
}

/* False when there is nobody to write to. */
static bool drain(struct pty_way *w, int fd)
{
	ssize_t n = write(fd, w->buf + w->at, w->len);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	w->at += (size_t)n;
	w->len -= (size_t)n;
	return true;
}

void pty_relay(struct pty *p, const struct pollfd set[PTY_POLL])
{
	static const char end_of_file = 4;	/* ^D */

	if (set[0].revents && fill(&p->in, STDIN_FILENO) == 0) {
		p->in_over = true;
		p->in.buf[0] = end_of_file;
		p->in.len = 1;
	}
	/* Init keeps a slave: this is the end of all of them. */
	if ((set[1].revents & (POLLIN | POLLHUP)) && !p->out.len && fill(&p->out, p->master) <= 0 && errno == EIO)
		fd_close(&p->master);
	if (p->in.len && p->master >= 0 && (set[1].revents & POLLOUT) && !drain(&p->in, p->master))
		p->in.len = 0;
	if (set[2].revents && !drain(&p->out, STDOUT_FILENO))
		p->out.len = 0;
}

void pty_detach(struct pty *p)
{
	while (p->out.len || (p->master >= 0 && fill(&p->out, p->master) > 0)) {
		if (!drain(&p->out, STDOUT_FILENO))
			break;
	}
	fd_close(&p->master);
	if (p->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &p->saved);
	p->raw = false;
}
