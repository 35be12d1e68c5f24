/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: do the first bytes of an allowed flow name what the flow was judged for?
 *
 * Runs in the worker, fed by nat/ (TCP: tcp_up, tcp_down; UDP: dgram) with what the sandbox sends, before
 * it may go to the host socket. Pure parsers: no descriptors, no clock, bounded memory. One file per
 * protocol:
 *
 *	tls.c	records -> handshake messages; hello.c reads the ClientHello
 *	http.c	HTTP/1 requests, each one of a connection
 *	quic.c	Initial packets -> CRYPTO stream -> hello.c
 *	refuse.c	what a refused client is told in its own language
 *
 * A stream (TLS, HTTP) is never copied: the caller keeps the bytes, feeds each of them once and in order,
 * and may pass on inspect_cleared() bytes from the start of the stream. Datagrams (QUIC) pass whole.
 */
#ifndef STACK_INSPECT_INSPECT_H
#define STACK_INSPECT_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/drop.h"
#include "lib/proto.h"

enum {
	INSPECT_HELD_MAX = 65536 + 4096,	/* bytes of a stream not yet cleared; more is refused */
	INSPECT_REFUSAL_MAX = 4096,		/* bytes of a refusal */
	INSPECT_FIRST_S = 10,			/* from the first byte of a message that is held to its clearance */
};

enum inspect_state {
	INSPECT_HOLD,		/* wait: what lies behind inspect_cleared() stays here */
	INSPECT_WATCH,		/* everything fed so far is cleared; feed what comes */
	INSPECT_PASS,		/* nothing more is looked at: inspect_free() it and forget it */
	INSPECT_REFUSE,		/* inspect_reason(); nothing more may pass */
};

struct inspect;

/* What was judged. Strings are copied. */
struct inspect_spec {
	enum proto_inspect kind;	/* not NONE */
	const char *name;		/* the flow's bound name, normal form */
	uint16_t port;			/* destination port, host order */
	const char *note;		/* the rule's own reason, or "" */
};

/* One flow's inspection, the caller's to inspect_free(). NULL on -ENOMEM. */
struct inspect *inspect_new(const struct inspect_spec *spec);
void inspect_free(struct inspect *i);

/* The next bytes of the stream from the sandbox. After REFUSE and PASS: no further call. */
enum inspect_state inspect_up(struct inspect *i, const uint8_t *buf, size_t len);
/*
 * The next bytes of the stream from the far side, before they are given to the sandbox. Called only
 * while inspect_wants_down(). May end a HOLD (TLS: the ServerHello decides whether a second
 * ClientHello follows; HTTP: 101 or not).
 */
enum inspect_state inspect_down(struct inspect *i, const uint8_t *buf, size_t len);
bool inspect_wants_down(const struct inspect *i);
/*
 * The caller refuses it: the time is over (INSPECT_TIMEOUT), or the stream has ended inside a message
 * (NONE: malformed, as its protocol says it). As if the reader had. After REFUSE and PASS: no call.
 */
void inspect_give_up(struct inspect *i, enum drop_reason why);
/* Bytes from the start of the sandbox's stream that may go on. Never shrinks. */
uint64_t inspect_cleared(const struct inspect *i);

/*
 * QUIC: one datagram from the sandbox. HOLD: keep it and those before it, in order, and send none yet;
 * WATCH: send everything kept, and this one; REFUSE: send none of them. Never PASS: Initial packets are
 * looked at as long as the flow lives.
 */
enum inspect_state inspect_datagram(struct inspect *i, const uint8_t *buf, size_t len);

/* After REFUSE: why. */
enum drop_reason inspect_reason(const struct inspect *i);
/*
 * Fills what was read for the log (m->reason, inspect, host, detail; not head and id). True when there is
 * something new since the last call: call it after each inspect_up(), inspect_down() and
 * inspect_datagram() until it is false (one portion may have several HTTP requests).
 */
bool inspect_report(struct inspect *i, struct proto_inspected *m);

/* ---- refuse.c ------------------------------------------------------------------------------------- */

struct refusal {
	enum proto_inspect kind;	/* TLS*: an alert; HTTP: a page; else nothing */
	enum drop_reason reason;
	const char *name;		/* what was asked for: the bound name, or the address in text */
	const char *seen;		/* server name or Host that was read; "" */
	const char *note;		/* the rule's own reason; "" */
	uint16_t port;
	bool json;			/* the client asked for JSON (Accept) */
	bool head;			/* the client asked with HEAD: a page without its body */
};

/* Writes what the sandbox is told before the connection is closed. Bytes written, 0..cap. */
size_t refusal_write(const struct refusal *r, uint8_t *buf, size_t cap);
/* The same for an inspection that refused. */
size_t inspect_refusal(const struct inspect *i, uint8_t *buf, size_t cap);

#endif
