/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack: the worker's loop, and who gets what of it.
 *
 * One epoll, one wake-up at a time: frames from the port, sockets of flows, verdicts from egress, a word
 * from netd, the timer. Each kind has a budget per wake-up, so none can starve the others. What the
 * batch produced (acknowledgements, questions, frames, log records) leaves once, at its end; only then
 * are dead flows' slots free again.
 *
 * Time. `now` is read once per wake-up. The timer is armed only while something needs time: every
 * TCP tick while lwIP has work pending, else once a second while there are flows, fragments, questions or
 * there was traffic a moment ago (reports), else not at all: an idle worker gives memory back and sleeps.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "stack/loop.h"
#include "stack/path.h"

enum {
	STEP_EVENTS = 64,		/* epoll events per wake-up */
	STEP_MESSAGES = 64,		/* from egress per wake-up */
	TICK_FAST_MS = 25,		/* while TCP's timers run */
	TICK_SLOW_MS = 1000,
	TICK_QUIET_S = 3,		/* after the newest frame or event: its drop is reported by then */
	STOP_FLUSH_MS = 200,		/* for the last words to egress */
};

/* ---- dispatch ---------------------------------------------------------------------------------- */

void flow_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v, int fd)
{
	if (f->key.proto == IPPROTO_TCP)
		tcp_verdict(s, f, v, fd);
	else if (f->key.proto == IPPROTO_UDP)
		udp_verdict(s, f, v, fd);
	else
		ping_verdict(s, f, v, fd);
}

void flow_event(struct stack *s, struct flow *f, uint32_t epoll_events)
{
	if (f->key.proto == IPPROTO_TCP)
		tcp_event(s, f, epoll_events);
	else if (f->key.proto == IPPROTO_UDP)
		udp_event(s, f, epoll_events);
	else
		ping_event(s, f, epoll_events);
}

void flow_expired(struct stack *s, struct flow *f)
{
	if (f->key.proto == IPPROTO_TCP)
		tcp_expired(s, f);
	else if (f->key.proto == IPPROTO_UDP)
		udp_expired(s, f);
	else
		ping_expired(s, f);
}

void flow_cut(struct stack *s, struct flow *f, enum drop_reason reason)
{
	if (f->key.proto == IPPROTO_TCP)
		tcp_cut(s, f, reason);
	else if (f->key.proto == IPPROTO_UDP)
		udp_cut(s, f, reason);
	else
		ping_cut(s, f, reason);
}

int stack_watch(struct stack *s, struct flow *f)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET,
				  .data.u64 = loop_cookie(LOOP_FLOW, flow_id_of(f)) };

	if (f->wants_out)
		ev.events |= EPOLLOUT;
	if (epoll_ctl(s->epoll_fd, f->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, f->fd, &ev) < 0)
		return -errno;
	f->watched = true;
	return 0;
}

int stack_watch_out(struct stack *s, struct flow *f)
{
	if (f->wants_out)
		return 0;
	f->wants_out = true;
	return stack_watch(s, f);
}

void stack_unwatch(struct stack *s, struct flow *f)
{
	/* Egress may still hold the same socket for a moment: closing alone would not end the watch. */
	if (f->watched)
		(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, f->fd, NULL);
	f->watched = false;
	fd_close(&f->fd);
}

/* ---- life -------------------------------------------------------------------------------------- */

static int watch(struct stack *s, int fd, uint32_t events, enum loop_type type)
{
	struct epoll_event ev = { .events = events, .data.u64 = loop_cookie(type, 0) };

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int watch_all(struct stack *s)
{
	int rx, tx, err;

	port_fds(s->port, &rx, &tx);
	err = watch(s, rx, EPOLLIN, LOOP_PORT);
	if (!err && tx >= 0 && tx != rx)
		err = watch(s, tx, 0, LOOP_PORT_TX);
	if (!err)
		err = watch(s, s->ask_fd, EPOLLIN, LOOP_ASK);
	if (!err && s->supervise_fd >= 0)
		err = watch(s, s->supervise_fd, EPOLLIN, LOOP_SUPERVISE);
	if (!err && s->timer_fd >= 0)
		err = watch(s, s->timer_fd, EPOLLIN, LOOP_TIMER);
	return err;
}

/* Everything that keeps memory of its own; each one's done is harmless when it never began. */
static int stages_init(struct stack *s)
{
	int err;

	ip_output_init(s);
	icmp_init(s);
	dns_init();
	err = flow_table_init(&s->flows, s->cfg.flows_max);
	if (!err)
		err = ask_init(s);
	if (!err)
		err = frag_init(s);
	if (!err)
		err = udp_init(s);
	if (!err)
		err = tcp_init(s);
	return err;
}

int stack_init(struct stack *s, const struct proto_stack_config *cfg, struct port *port,
	       struct record *rec, int ask_fd, int supervise_fd, int epoll_fd, int timer_fd)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->cfg = *cfg;
	s->port = port;
	s->rec = rec;
	s->ask_fd = ask_fd;
	s->supervise_fd = supervise_fd;
	s->epoll_fd = epoll_fd;
	s->timer_fd = timer_fd;
	s->now = clock_mono_ns();
	hash_random(s->secret, sizeof(s->secret));
	spin_init(&s->spin);
	err = stages_init(s);
	if (!err)
		err = watch_all(s);
	if (err)
		stack_done(s);
	return err;
}

void stack_done(struct stack *s)
{
	tcp_release(s);
	for (uint32_t i = 0; i < s->flows.peak; i++)
		stack_unwatch(s, &s->flows.flows[i]);
	udp_done();
	frag_done();
	ask_done();
	flow_table_done(&s->flows);
	port_free(s->port);
	s->port = NULL;
	tcp_done();
	record_free(s->rec);
	s->rec = NULL;
	fd_close(&s->ask_fd);
	fd_close(&s->supervise_fd);
	fd_close(&s->epoll_fd);
	fd_close(&s->timer_fd);
}

/* ---- time -------------------------------------------------------------------------------------- */

void stack_tick(struct stack *s)
{
	s->slow_tick_ns = s->now;
	tcp_tick(s);
	flow_expire(&s->flows, s->now, flow_expired, s);
	frag_tick(s);
	dns_tick(s);
	ask_tick(s);
}

/* When time is needed next: 0 = not at all. */
static uint64_t next_tick(const struct stack *s)
{
	uint64_t due = ask_due(s);

	if (due)
		return due;
	if (tcp_busy())
		return s->now + TICK_FAST_MS * NS_PER_MS;
	if (s->flows.used || s->now - s->busy_ns < TICK_QUIET_S * NS_PER_S || frag_busy() || dns_busy() ||
	    ask_owes(s))
		return s->slow_tick_ns + TICK_SLOW_MS * NS_PER_MS;
	return 0;
}

static void tick_if_due(struct stack *s)
{
	if (s->tick_at_ns && s->now >= s->tick_at_ns) {
		s->tick_at_ns = 0;
		if (s->now - s->slow_tick_ns >= TICK_SLOW_MS * NS_PER_MS)
			stack_tick(s);
		else
			tcp_tick(s);
	}
}

static void arm_timer(struct stack *s)
{
	bool quiet = s->now - s->busy_ns >= TICK_QUIET_S * NS_PER_S;
	uint64_t at = next_tick(s), resume = s->intake.until_ns;
	struct itimerspec it = { 0 };

	if (resume && (!at || resume < at))
		at = resume;
	if (quiet && !s->quiet)
		port_trim(s->port);
	s->quiet = quiet;
	/* A tick that is due sooner stays due; one that nothing needs any more just finds nothing to do. */
	if (at && (!s->tick_at_ns || at < s->tick_at_ns))
		s->tick_at_ns = at > s->now ? at : s->now + 1;
	if (s->timer_fd < 0 || s->tick_at_ns == s->timer_at_ns)
		return;
	it.it_value.tv_sec = (time_t)(s->tick_at_ns / NS_PER_S);
	it.it_value.tv_nsec = (long)(s->tick_at_ns % NS_PER_S);
	if (timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &it, NULL) == 0)
		s->timer_at_ns = s->tick_at_ns;
}

/* ---- one wake-up ------------------------------------------------------------------------------- */

/* Waits for EPOLLOUT exactly while a frame waits for room. */
static void port_wait(struct stack *s, bool on)
{
	struct epoll_event ev = { 0 };
	int rx, tx;

	if (s->port_waiting == on)
		return;
	s->port_waiting = on;
	port_fds(s->port, &rx, &tx);
	if (tx < 0)
		return;			/* room comes back with frames taken */
	ev.events = (tx == rx && !s->intake.until_ns ? EPOLLIN : 0) | (on ? EPOLLOUT : 0);
	ev.data.u64 = loop_cookie(tx == rx ? LOOP_PORT : LOOP_PORT_TX, 0);
	(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, tx, &ev);
}

/* Retries what had no room, hands everything to the kernel. 0 or -errno: the link is gone. */
static int port_output(struct stack *s)
{
	int r;

	if (ip_output_blocked() || tcp_port_blocked()) {
		port_flush(s->port);
		ip_output_retry(s);
		tcp_port_writable(s);
	}
	r = port_flush(s->port);
	if (r < 0 && r != -EAGAIN)
		return r;
	port_wait(s, r == -EAGAIN || ip_output_blocked() || tcp_port_blocked());
	return 0;
}

static void supervise_input(struct stack *s)
{
	_Alignas(8) uint8_t msg[64];	/* no message is longer */
	ssize_t n = msg_recv(s->supervise_fd, msg, sizeof(msg), NULL, NULL);

	if (n == -EAGAIN)
		return;
	if (n > 0 && proto_check(msg, (size_t)n) == 0 && proto_type(msg) == PROTO_STATS_GET) {
		struct proto_stats m;

		PROTO_INIT(&m, PROTO_STATS);
		stats_fill(s, &m);
		(void)msg_send(s->supervise_fd, &m, sizeof(m), NULL, 0);
		return;
	}
	if (n > 0 && (proto_check(msg, (size_t)n) < 0 || proto_type(msg) != PROTO_STACK_STOP))
		log_err("malformed message from netd; ending");
	s->stopping = true;
}

/* 0 or -errno: the link is gone. */
static int handle(struct stack *s, const struct epoll_event *ev)
{
	struct flow *f;
	uint64_t ticks;

	switch (loop_cookie_type(ev->data.u64)) {
	case LOOP_FLOW:
		f = flow_by_id(&s->flows, loop_cookie_id(ev->data.u64));
		if (f && f->fd >= 0)
			flow_event(s, f, ev->events);
		break;
	case LOOP_PORT:
		if (ev->events & (EPOLLIN | EPOLLERR | EPOLLHUP))
			return intake_frames(s);
		break;
	case LOOP_PORT_TX:
		break;			/* port_output() follows in any case */
	case LOOP_ASK:
		ask_input(s, STEP_MESSAGES);
		break;
	case LOOP_SUPERVISE:
		supervise_input(s);
		break;
	case LOOP_TIMER:
		(void)!read(s->timer_fd, &ticks, sizeof(ticks));
		s->timer_at_ns = 0;
		break;
	}
	return 0;
}

/* Looks for events for SPIN_NS, but not while others want the processor. How many, or -1. */
static int look(struct stack *s, struct epoll_event *ev)
{
	uint64_t began = clock_mono_ns(), spent;
	int n = epoll_wait(s->epoll_fd, ev, STEP_EVENTS, 0);

	if (n)
		return n;		/* the worker is behind: that says nothing about waiting */
	do {
		(void)sched_yield();
		n = epoll_wait(s->epoll_fd, ev, STEP_EVENTS, 0);
		spent = clock_mono_ns() - began;
	} while (n == 0 && spent < SPIN_NS);
	if (n == 0 || spent > SPIN_PASSED_OVER_NS)
		spin_miss(&s->spin);
	else if (spent < SPIN_NS)
		spin_hit(&s->spin);
	return n;
}

/* Events, waited for at most timeout_ms. How many, or -errno. */
static int wait_events(struct stack *s, struct epoll_event *ev, int timeout_ms)
{
	uint64_t began;
	int n = 0;

	if (timeout_ms == 0)
		return epoll_wait(s->epoll_fd, ev, STEP_EVENTS, 0);
	if (spin_pays(&s->spin))
		n = look(s, ev);
	if (n)
		return n;
	began = clock_mono_ns();
	n = epoll_wait(s->epoll_fd, ev, STEP_EVENTS, timeout_ms);
	spin_slept(&s->spin, clock_mono_ns() - began);
	return n;
}

int stack_step(struct stack *s, int timeout_ms, uint64_t now_ns)
{
	struct epoll_event ev[STEP_EVENTS];
	bool more;
	int n, err = 0;

	n = wait_events(s, ev, timeout_ms);
	if (n < 0) {
		if (errno != EINTR)
			return -errno;
		n = 0;
	}
	s->now = now_ns ? now_ns : clock_mono_ns();
	s->counters.wakeups++;
	s->counters.events += (uint64_t)n;
	for (int i = 0; i < n && !err; i++) {
		if (loop_cookie_type(ev[i].data.u64) != LOOP_TIMER)
			s->busy_ns = s->now;
		err = handle(s, &ev[i]);
	}
	if (err) {
		log_err("the sandbox's link failed: %s", strerror(-err));
		return err;
	}
	tick_if_due(s);
	err = intake_resume(s);
	if (err)
		return err;
	more = tcp_batch_end(s);
	ask_flush(s);			/* may find egress gone, which resets every flow */
	err = port_output(s);
	if (err) {
		log_err("cannot send to the sandbox's link: %s", strerror(-err));
		return err;
	}
	if (s->rec)
		(void)record_flush(s->rec);
	flow_reap(&s->flows);
	if (more)
		s->tick_at_ns = s->now + 1;
	arm_timer(s);
	return n;
}

void stack_stop(struct stack *s, enum drop_reason reason)
{
	uint64_t until;

	for (uint32_t i = 0; i < s->flows.peak; i++) {
		struct flow *f = &s->flows.flows[i];

		if (f->state != FLOW_FREE && f->state != FLOW_DEAD)
			flow_cut(s, f, reason);
	}
	ip_output_retry(s);
	(void)port_flush(s->port);
	ask_tick(s);
	until = clock_mono_ns() + STOP_FLUSH_MS * NS_PER_MS;
	do {
		struct epoll_event ev[STEP_EVENTS];

		ask_hurry();
		ask_flush(s);
		if (s->ask_fd < 0 || !ask_blocked())
			break;
		(void)epoll_wait(s->epoll_fd, ev, STEP_EVENTS, 10);
	} while (clock_mono_ns() < until);
	if (s->rec)
		(void)record_flush(s->rec);
}
