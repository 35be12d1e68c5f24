/* SPDX-License-Identifier: Apache-2.0 */
/* ask: the socket to one worker. Hostile input, bounded output. */
#ifndef EGRESS_ASK_H
#define EGRESS_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proto_verdict_msg;
struct sandbox;

enum {
	OUT_MSG_MAX = 512,	/* the largest of verdict, answer and cut */
	OUT_PAUSE = 256,	/* answers that may wait before asks are no longer read */
};

struct out_slot {
	_Alignas(8) uint8_t buf[OUT_MSG_MAX];
	uint16_t len;
	int fd;			/* owned; -1 for none */
	uint32_t next;		/* index + 1 */
};

struct outbox {
	struct out_slot *slots;
	uint32_t cap, high, used;	/* high: slots that were ever used */
	uint32_t free_head, head, tail;	/* index + 1 */
	bool recalling;			/* in ask_recall() */
};

/* Room for what may have to be said of flows and questions that are open, and for a batch on top. 0 or -ENOMEM. */
int outbox_init(struct outbox *o, uint32_t open_max);
/* Closes what was never sent. */
void outbox_done(struct outbox *o);

/* Reads and handles at most EGRESS_BATCH messages. */
void ask_input(struct sandbox *s);
/* Has the worker written something that was not read yet? */
bool ask_is_readable(const struct sandbox *s);
/* One received message. 0, or -EBADMSG: the worker must be failed. buf is 8-byte aligned. */
int ask_message(struct sandbox *s, const void *buf, size_t len);
/* Queues a message; fd (or -1) is taken. Sent with a few others, and before the next sleep. */
void ask_send(struct sandbox *s, const void *msg, size_t len, int fd);
/*
 * Goes through the verdicts with a socket that were not sent yet. look() may change one, or return true: then it
 * is thrown away, the socket closed. It may queue another answer.
 */
void ask_recall(struct sandbox *s, bool (*look)(struct sandbox *s, struct proto_verdict_msg *v));
/* Sends what the socket takes. 0 or -errno (the peer is gone). */
int ask_flush(struct sandbox *s);

#endif
