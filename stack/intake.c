/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake: frames from the port, as many as a wake-up may handle, and who gets to wait when most are a nuisance.
 *
 * Theory of operation. A frame that leads nowhere (dropped, refused, a denied name, a flow that ends without a byte)
 * costs worker and decider as much as one that is of use, and neighbours share the processors with both. So of
 * every INTAKE_SAMPLE frames those are counted; when they are a third and came faster than INTAKE_PER_S, the port is
 * left alone for a while: its queue in the kernel fills, and what finds no room there costs its sender alone. What
 * has gathered is then thrown away unread (DROP_FLOOD). If there is no end to it the flood is still on; else some
 * frames are let in to see. Each time it is on the pause is twice as long, up to INTAKE_PAUSE_MAX_MS. Host sockets
 * and the decider go on meanwhile; the sandbox's own connections suffer what it has brought upon itself, and recover.
 */
#include <sys/epoll.h>

#include "lib/clock.h"
#include "stack/loop.h"
#include "stack/path.h"

enum {
	INTAKE_FRAMES = 256,		/* per wake-up */
	INTAKE_SAMPLE = 512,		/* frames that are judged together, */
	INTAKE_TRICKLE = 32,		/* and after a pause */
	INTAKE_PER_S = 8192,		/* slower is no flood, whatever it is */
	INTAKE_PAUSE_MS = 20,
	INTAKE_PAUSE_MAX_MS = 160,
	INTAKE_DISCARD = 2048,		/* thrown away at once */
};

/* Watches the port for frames, or only for room to send. */
static void open_port(struct stack *s, bool on)
{
	struct epoll_event ev = { .data.u64 = loop_cookie(LOOP_PORT, 0) };
	int rx, tx;

	port_fds(s->port, &rx, &tx);
	ev.events = (on ? EPOLLIN : 0) | (tx == rx && s->port_waiting ? EPOLLOUT : 0);
	(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, rx, &ev);
}

static void pause_port(struct stack *s)
{
	struct intake *in = &s->intake;

	in->pause_ms = in->pause_ms ? in->pause_ms * 2 : INTAKE_PAUSE_MS;
	if (in->pause_ms > INTAKE_PAUSE_MAX_MS)
		in->pause_ms = INTAKE_PAUSE_MAX_MS;
	in->until_ns = s->now + in->pause_ms * NS_PER_MS;
	s->counters.floods++;
	open_port(s, false);
}

/* Judges the newest frames when they are enough. */
static void judge(struct stack *s)
{
	struct intake *in = &s->intake;
	uint64_t elapsed = s->now - in->since_ns;
	bool bad;

	if (in->frames < (in->pause_ms ? INTAKE_TRICKLE : INTAKE_SAMPLE))
		return;
	bad = in->useless * 3 >= in->frames && elapsed < in->frames * NS_PER_S / INTAKE_PER_S;
	in->frames = in->useless = 0;
	in->since_ns = s->now;
	if (bad)
		pause_port(s);
	else
		in->pause_ms = in->pause_ms > INTAKE_PAUSE_MS ? in->pause_ms / 2 : 0;
}

int intake_frames(struct stack *s)
{
	struct frame *frames[PORT_BURST];

	for (int left = INTAKE_FRAMES; left > 0 && !s->intake.until_ns; left -= PORT_BURST) {
		int n = port_rx(s->port, frames, PORT_BURST);

		for (int i = 0; i < n; i++) {
			eth_input(s, frames[i]);
			frame_put(frames[i]);
		}
		if (n > 0) {
			s->intake.frames += (uint32_t)n;
			judge(s);
		}
		/* A short burst has emptied the port; epoll tells if not. */
		if (n < PORT_BURST)
			return n < 0 ? n : 0;
	}
	return 0;
}

int intake_resume(struct stack *s)
{
	struct frame *frames[PORT_BURST];
	int n = PORT_BURST;

	if (!s->intake.until_ns || s->now < s->intake.until_ns)
		return 0;
	for (int left = INTAKE_DISCARD; left > 0 && n == PORT_BURST; left -= PORT_BURST) {
		n = port_rx(s->port, frames, PORT_BURST);
		for (int i = 0; i < n; i++) {
			path_drop_frame(s, frames[i], DROP_FLOOD);
			frame_put(frames[i]);
		}
	}
	if (n < 0)
		return n;
	s->intake.until_ns = 0;
	s->intake.since_ns = s->now;
	if (n == PORT_BURST)
		pause_port(s);
	else
		open_port(s, true);
	return 0;
}
