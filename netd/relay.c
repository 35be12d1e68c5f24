/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay: what sluice-stack and sluice-egress say on stderr. Runs in netd.
 *
 * A hijacked worker may write anything, so its bytes are not looked at: they are cut into lines, control
 * bytes become '?', each line gets the process's name, and after RELAY_BYTES_MAX nothing more is shown.
 * Our own stderr may be a stopped terminal or a full pipe; then lines are dropped, netd never waits.
 */
#include "netd/relay.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RELAY_BYTES_MAX = 64 * 1024 };

void relay_init(struct relay *r, const char *name)
{
	memset(r, 0, sizeof(*r));
	r->name = name;
}

static bool debugging(void)
{
	const char *on = getenv("SLUICE_DEBUG");

	return on && *on == '1';
}

static void print_line(const struct relay *r, const char *text)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	char out[RELAY_LINE_CAP + 64];
	size_t named = strlen(r->name);
	int n;

	/* Our programs name themselves already. */
	if (strncmp(text, r->name, named) == 0 && strncmp(text + named, ": ", 2) == 0)
		text += named + 2;
	n = snprintf(out, sizeof(out), "%s: %s\n", r->name, text);
	if (n < 0 || poll(&p, 1, 0) <= 0 || !(p.revents & POLLOUT))
		return;
	if (write(STDERR_FILENO, out, (size_t)n) < 0)
		return;
}

static void end_line(struct relay *r)
{
	bool was_in = r->bytes <= RELAY_BYTES_MAX || debugging();

	r->line[r->len] = '\0';
	r->bytes += r->len;
	r->len = 0;
	if (!was_in)
		return;
	if (r->bytes > RELAY_BYTES_MAX && !debugging())
		print_line(r, "(says too much; further lines are dropped)");
	else
		print_line(r, r->line);
}

static void take(struct relay *r, const char *buf, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)buf[i];

		if (c == '\n') {
			end_line(r);
			continue;
		}
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xa0))
			c = '?';
		r->line[r->len++] = (char)c;
		if (r->len == sizeof(r->line) - 1)
			end_line(r);
	}
}

/* Bytes read, 0 at the end, -1 when there is nothing now. */
static ssize_t input(struct relay *r, int fd)
{
	char buf[1024];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0)
		take(r, buf, (size_t)n);
	else if (n == 0 && r->len)
		end_line(r);
	return n;
}

bool relay_input(struct relay *r, int fd)
{
	return input(r, fd) != 0;
}

void relay_drain(struct relay *r, int fd)
{
	/* A pipe holds 64 KiB unless somebody made it larger. */
	for (int i = 0; fd >= 0 && i < 128 && input(r, fd) > 0; i++)
		;
}
