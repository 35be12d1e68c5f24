/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_internal: what the readers of stack/inspect share.
 *
 * A reader is one struct inspect_ops and a struct of its own, zeroed, behind struct inspect. It
 * decides through inspect_hold(), _watch(), _pass() and _refuse(), and moves i->cleared.
 */
#ifndef STACK_INSPECT_INSPECT_INTERNAL_H
#define STACK_INSPECT_INSPECT_INTERNAL_H

#include <stdalign.h>

#include "stack/inspect/inspect.h"

struct inspect_ops {
	size_t own_size;
	/* Each sets the state that inspect.c hands on. NULL where the protocol has none. */
	void (*up)(struct inspect *i, const uint8_t *buf, size_t len);
	void (*down)(struct inspect *i, const uint8_t *buf, size_t len);
	void (*datagram)(struct inspect *i, const uint8_t *buf, size_t len);
	/* Several things to report at once; NULL: what is in struct inspect. See inspect_report(). */
	bool (*report)(struct inspect *i, struct proto_inspected *m);
	/* Gives back what the reader allocated; its own struct goes by itself. May be NULL. */
	void (*done)(struct inspect *i);
};

/* Some 1 KiB; a TLS flow has it until the ServerHello, and the hello itself only while it is held. */
struct inspect {
	const struct inspect_ops *ops;
	enum proto_inspect kind;	/* as asked for */
	enum inspect_state state;
	enum drop_reason reason;	/* with INSPECT_REFUSE */
	bool wants_down;
	bool is_fresh;			/* read, host, detail: not reported yet */
	bool wants_json, is_head;	/* HTTP: what the refused client asked with */
	uint16_t port;
	enum proto_inspect read;	/* what it turned out to be; NONE: neither */
	uint64_t cleared;
	char name[PROTO_NAME_CAP];
	char note[PROTO_NOTE_CAP];
	char host[PROTO_NAME_CAP];	/* printable ASCII */
	char detail[PROTO_DETAIL_CAP];	/* printable ASCII */
	alignas(8) uint8_t own[];	/* the reader's */
};

extern const struct inspect_ops inspect_http_ops;
extern const struct inspect_ops inspect_tls_ops;
extern const struct inspect_ops inspect_quic_ops;

static inline void *inspect_own(struct inspect *i)
{
	return i->own;
}

/* ---- verdicts ----------------------------------------------------------------------------------------- */

/* The last two are final: a reader returns at once behind them. */
void inspect_hold(struct inspect *i);
void inspect_watch(struct inspect *i);
void inspect_pass(struct inspect *i);
/* What is in i->read, host and detail is reported with it. */
void inspect_refuse(struct inspect *i, enum drop_reason reason);

static inline bool inspect_is_final(const struct inspect *i)
{
	return i->state == INSPECT_PASS || i->state == INSPECT_REFUSE;
}

/* ---- bytes that must be whole before they can be read --------------------------------------------------- */

enum {
	/* Over all flows of this worker: 500 hellos of the largest size, or some 16,000 usual ones. */
	INSPECT_BYTES_ALL_MAX = 32 * 1024 * 1024,
};

/* Grows as bytes come, never ahead of them by more than double. Zeroed is empty. */
struct inspect_bytes {
	uint8_t *p;
	size_t len, cap;
};

/* 0, or -ENOMEM: over max, over what all flows may hold, or no memory. Nothing is added then. */
int inspect_bytes_add(struct inspect_bytes *b, const uint8_t *buf, size_t len, size_t max);
void inspect_bytes_done(struct inspect_bytes *b);

#endif
