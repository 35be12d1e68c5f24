/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial: connects a judged flow. TCP races the addresses of both families (RFC 8305); a connected UDP or
 * echo socket takes the first that will do. Every address passes judge_candidate() right before it is
 * dialled.
 */
#ifndef EGRESS_DIAL_H
#define EGRESS_DIAL_H

#include <stdint.h>

struct dialer;
struct eflow;
struct egress;
struct name;
struct sandbox;

enum {
	DIAL_STEP_MS = 250,		/* RFC 8305 s. 5: Connection Attempt Delay */
	DIAL_LIMIT_S = 20,		/* then the flow fails */
	DIALS_MAX = 1024,		/* sockets under way, per sandbox */
};

/* sockets: how many may be open in dials altogether. NULL on -ENOMEM. */
struct dialer *dialer_new(uint32_t sockets);
void dialer_free(struct dialer *d);
uint32_t dialer_capacity(const struct dialer *d);

/* f is QUEUED. The verdict may be written before this returns: f may be gone. */
void dial_start(struct eflow *f);
/* Takes f off every list and closes its sockets; harmless when there are none. */
void dial_cancel(struct eflow *f);
/* A lookup of the name has ended: flows that waited for it go on. */
void dial_name_ready(struct sandbox *s, struct name *n);
/* Room has appeared: queued flows go on. */
void dial_next(struct sandbox *s);

/* There is a new policy, and it allows f: f goes on with the addresses that it may be dialled to now. f may be gone after. */
void dial_again(struct eflow *f);

void dial_event(struct egress *eg, uint64_t cookie);
void dial_tick(struct egress *eg);
/* ms until dial_tick() is due, or -1. */
int dial_timeout_ms(const struct egress *eg);

#endif
