/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask: reads one worker's questions and writes its answers. Runs in egress; the bytes are hostile, since a
 * sandbox may have taken its worker over.
 *
 * Received without room for control data, so that descriptors that a worker sends are dropped by the kernel
 * and never become ours; such a message is malformed like any other that is not exactly one of five shapes.
 * Answers wait in a fixed outbox; while many wait, no more questions are read.
 */
#include "netd/egress/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/proto.h"
#include "netd/egress/egress.h"
#include "netd/egress/events.h"
#include "netd/egress/sandbox.h"

enum {
	SEND_BATCH = 16,
	ANSWERS_TOGETHER = 4,		/* of one wake-up: the worker goes on with these while we dial for the next */
};

static_assert(OUT_MSG_MAX >= sizeof(struct proto_verdict_msg), "verdict");
static_assert(OUT_MSG_MAX >= sizeof(struct proto_answer), "answer");
static_assert(OUT_MSG_MAX >= sizeof(struct proto_cut), "cut");

/* ---- out -------------------------------------------------------------------------------------------- */

int outbox_init(struct outbox *o, uint32_t open_max)
{
	memset(o, 0, sizeof(*o));
	o->cap = open_max + OUT_PAUSE + 2 * EGRESS_BATCH;
	o->slots = calloc(o->cap, sizeof(*o->slots));
	return o->slots ? 0 : -ENOMEM;
}

static void pop(struct outbox *o)
{
	struct out_slot *slot = &o->slots[o->head - 1];
	uint32_t index = o->head;

	if (slot->fd >= 0)
		close(slot->fd);
	o->head = slot->next;
	if (!o->head)
		o->tail = 0;
	slot->next = o->free_head;
	o->free_head = index;
	o->used--;
}

void outbox_done(struct outbox *o)
{
	while (o->head)
		pop(o);
	free(o->slots);
	memset(o, 0, sizeof(*o));
}

void ask_send(struct sandbox *s, const void *msg, size_t len, int fd)
{
	struct outbox *o = &s->out;
	struct out_slot *slot;
	uint32_t index;

	if (o->free_head) {
		index = o->free_head;
		o->free_head = o->slots[index - 1].next;
	} else if (o->high < o->cap) {
		index = ++o->high;
	} else {
		/* Cannot be while every open question has its place. */
		if (fd >= 0)
			close(fd);
		sandbox_fail(s, "left its answers unread");
		return;
	}
	slot = &o->slots[index - 1];
	memcpy(slot->buf, msg, len);
	slot->len = (uint16_t)len;
	slot->fd = fd;
	slot->next = 0;
	if (o->tail)
		o->slots[o->tail - 1].next = index;
	else
		o->head = index;
	o->tail = index;
	o->used++;
	s->fds_out += fd >= 0;
	sandbox_touch(s);
	/* What is wrong with the socket, sandbox_settle() finds out as well. */
	if (o->used % ANSWERS_TOGETHER == 0 && !o->recalling)
		(void)ask_flush(s);
}

void ask_recall(struct sandbox *s, bool (*look)(struct sandbox *s, struct proto_verdict_msg *v))
{
	struct outbox *o = &s->out;
	uint32_t before = 0, index, next;

	/* look() may queue another verdict; to send then would pull the list away from under us. */
	o->recalling = true;
	for (index = o->head; index; index = next) {
		struct out_slot *slot = &o->slots[index - 1];

		/* Nothing but a verdict carries a descriptor. */
		if (slot->fd < 0 || !look(s, (struct proto_verdict_msg *)slot->buf)) {
			next = slot->next;
			before = index;
			continue;
		}
		next = slot->next;
		*(before ? &o->slots[before - 1].next : &o->head) = next;
		if (!next)
			o->tail = before;
		close(slot->fd);
		s->fds_out--;
		slot->next = o->free_head;
		o->free_head = index;
		o->used--;
	}
	o->recalling = false;
}

union fd_control {
	char b[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void attach_fd(struct msghdr *m, union fd_control *c, int fd)
{
	struct cmsghdr *head;

	memset(c, 0, sizeof(*c));
	m->msg_control = c->b;
	m->msg_controllen = sizeof(c->b);
	head = CMSG_FIRSTHDR(m);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
}

/* Sends up to SEND_BATCH messages. How many, or -errno. */
static int send_some(struct sandbox *s)
{
	static union fd_control controls[SEND_BATCH];
	struct mmsghdr batch[SEND_BATCH];
	struct iovec iov[SEND_BATCH];
	unsigned int n = 0;
	int sent;

	memset(batch, 0, sizeof(batch));
	for (uint32_t i = s->out.head; i && n < SEND_BATCH; i = s->out.slots[i - 1].next, n++) {
		struct out_slot *slot = &s->out.slots[i - 1];

		iov[n] = (struct iovec){ slot->buf, slot->len };
		batch[n].msg_hdr.msg_iov = &iov[n];
		batch[n].msg_hdr.msg_iovlen = 1;
		if (slot->fd >= 0)
			attach_fd(&batch[n].msg_hdr, &controls[n], slot->fd);
	}
	do {
		sent = sendmmsg(s->ask_fd, batch, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

int ask_flush(struct sandbox *s)
{
	while (s->out.head) {
		int n = send_some(s);

		if (n < 0)
			return n;
		for (; n > 0; n--) {
			s->fds_out -= s->out.slots[s->out.head - 1].fd >= 0;
			pop(&s->out);
		}
	}
	return 0;
}

/* ---- in --------------------------------------------------------------------------------------------- */

static int drops(struct sandbox *s, const struct proto_drops *m)
{
	if (m->reason >= DROP_REASON_MAX || m->zero || m->zero2)
		return -EBADMSG;
	/* The worker's word: it may lie, but not wrap the sum. */
	if (__builtin_add_overflow(s->report.dropped, m->count, &s->report.dropped))
		s->report.dropped = UINT64_MAX;
	events_drops(s, m);
	return 0;
}

int ask_message(struct sandbox *s, const void *buf, size_t len)
{
	if (proto_check(buf, len) < 0)
		return -EBADMSG;
	switch ((int)proto_type(buf)) {
	case PROTO_ASK_FLOW:
		return eflow_ask(s, buf);
	case PROTO_ASK_NAME:
		return names_ask(s, buf);
	case PROTO_INSPECTED:
		return eflow_inspected(s, buf);
	case PROTO_FLOW_END:
		return eflow_end(s, buf);
	case PROTO_DROPS:
		return drops(s, buf);
	default:
		return -EBADMSG;
	}
}

bool ask_is_readable(const struct sandbox *s)
{
	struct pollfd p = { .fd = s->ask_fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

void ask_input(struct sandbox *s)
{
	static _Alignas(8) uint8_t bufs[EGRESS_BATCH][PROTO_MSG_MAX];
	static struct mmsghdr batch[EGRESS_BATCH];
	static struct iovec iov[EGRESS_BATCH];
	int n;

	memset(batch, 0, sizeof(batch));
	for (int i = 0; i < EGRESS_BATCH; i++) {
		iov[i] = (struct iovec){ bufs[i], sizeof(bufs[i]) };
		batch[i].msg_hdr.msg_iov = &iov[i];
		batch[i].msg_hdr.msg_iovlen = 1;
	}
	do {
		n = recvmmsg(s->ask_fd, batch, EGRESS_BATCH, MSG_DONTWAIT, NULL);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		sandbox_fail(s, NULL);
		return;
	}
	for (int i = 0; i < n && !s->failing; i++) {
		const struct msghdr *h = &batch[i].msg_hdr;

		if (batch[i].msg_len == 0)
			sandbox_fail(s, NULL);
		else if ((h->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
			 ask_message(s, bufs[i], batch[i].msg_len) < 0)
			sandbox_fail(s, "sent a malformed message");
	}
}
