/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ptyrun: a terminal with a person at it. Runs a command in a session of its own on a new
 * pseudo-terminal, and answers: each -x TEXT=KEYS waits until TEXT appears in the output (after the
 * last match) and then types KEYS. \n, \e and ^C-like letters are written as in printf(1), \003.
 *
 *	ptyrun [-x TEXT=KEYS]... -- COMMAND [ARG...]
 *
 * Its output is the terminal's; its status the command's. It gives up after 20 s with status 124.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 32, SECONDS = 20 };

struct step {
	const char *text;
	char *keys;
};

static char *unescape(char *s)
{
	char *out = s;

	for (char *p = s; *p; p++) {
		if (p[0] != '\\') {
			*out++ = *p;
		} else if (p[1] == 'n') {
			*out++ = '\n';
			p++;
		} else if (p[1] >= '0' && p[1] <= '3' && p[2] && p[3]) {
			*out++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
			p += 3;
		}
	}
	*out = '\0';
	return s;
}

/* Types what is due; returns the step that is waited for next. */
static int answer(int tty, const struct step *steps, int n, int at, const char *seen, size_t *from)
{
	while (at < n) {
		const char *hit = strstr(seen + *from, steps[at].text);

		if (!hit)
			break;
		*from = (size_t)(hit - seen) + strlen(steps[at].text);
		if (write(tty, steps[at].keys, strlen(steps[at].keys)) < 0)
			break;
		at++;
	}
	return at;
}

static int talk(int tty, const struct step *steps, int n)
{
	static char seen[1 << 20];
	size_t len = 0, from = 0;
	time_t end = time(NULL) + SECONDS;
	struct pollfd p = { tty, POLLIN, 0 };
	int at = 0;

	while (time(NULL) < end && len < sizeof(seen) - 1) {
		ssize_t got;

		if (poll(&p, 1, 200) <= 0)
			continue;
		got = read(tty, seen + len, sizeof(seen) - 1 - len);
		if (got <= 0)
			return 0;	/* EIO: the last user of the terminal is gone */
		if (write(STDOUT_FILENO, seen + len, (size_t)got) < 0)
			return 1;
		for (char *nul; (nul = memchr(seen + len, 0, (size_t)got)); )
			*nul = ' ';
		len += (size_t)got;
		seen[len] = '\0';
		at = answer(tty, steps, n, at, seen, &from);
	}
	fprintf(stderr, "\nptyrun: gave up while waiting for '%s'\n", at < n ? steps[at].text : "the end");
	return 124;
}

int main(int argc, char **argv)
{
	struct termios modes;
	struct winsize size = { .ws_row = 33, .ws_col = 99 };
	struct step steps[STEPS];
	int c, n = 0, tty, status, r;
	pid_t pid;

	while ((c = getopt(argc, argv, "+x:")) == 'x' && n < STEPS) {
		char *eq = strchr(optarg, '=');

		if (!eq)
			return 2;
		*eq = '\0';
		steps[n].text = optarg;
		steps[n++].keys = unescape(eq + 1);
	}
	if (c != -1 || optind == argc)
		return 2;
	pid = forkpty(&tty, NULL, NULL, &size);
	if (pid < 0)
		return 2;
	if (pid == 0) {
		/* A shell starts background jobs with these ignored. */
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		/* What is typed must not be taken for output. */
		tcgetattr(0, &modes);
		modes.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(0, TCSANOW, &modes);
		execvp(argv[optind], argv + optind);
		_exit(127);
	}
	r = talk(tty, steps, n);
	if (r)
		kill(pid, SIGKILL);
	close(tty);
	waitpid(pid, &status, 0);
	if (r)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
