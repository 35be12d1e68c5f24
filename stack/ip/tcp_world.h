/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_world: which control blocks lwIP sees, and when.
 *
 * lwIP finds a segment's control block by walking public lists. The flow table knows it already, so
 * around each call the lists hold that one block ("one-pcb world"); only the timer sees all that need it.
 */
#ifndef STACK_IP_TCP_WORLD_H
#define STACK_IP_TCP_WORLD_H

#include "stack/nat/tcp_conn.h"

int world_init(struct stack *s);
void world_done(void);
/* The worker whose lwIP this is. */
struct stack *world_stack(void);

/* Before and after every call into lwIP about c. May nest, for the same c. */
void world_enter(struct tcp_conn *c);
void world_leave(void);
/* The connection lwIP was called about; NULL while its timers run. */
struct tcp_conn *world_conn(void);

/* Feeds one segment (a pbuf whose payload is the TCP header; taken). */
void world_input(struct tcp_conn *c, struct pbuf *p);
/* Feeds the held SYN to the listener; c->pcb is set when lwIP took it. */
void world_open(struct tcp_conn *c);
/* Ends the pcb, with a RST unless it is in TIME-WAIT. */
void world_abort(struct tcp_conn *c);
/* Sends what may be sent now. */
void world_output(struct tcp_conn *c);
/* A RST for a segment that has no pcb (RFC 9293 s. 3.10.7.1). */
void world_reset(const struct flow_key *k, const struct tcp_seen *seen, enum drop_reason why);
/* The reason that goes to the packet log with a RST of world_reset(). */
enum drop_reason world_why(void);

/* Runs lwIP's timers as often as is due. */
void world_tick(struct stack *s);
bool world_is_busy(void);
/* The port has room again: what could not be sent is tried again. */
void world_retry(struct stack *s);

#endif
