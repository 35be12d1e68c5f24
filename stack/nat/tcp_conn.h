/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_conn: a TCP connection of the sandbox, between lwIP's control block and a host socket.
 *
 * One per slot of the flow table, f->tcp == tcp_conn_at(f->index). Owned by the flow; the control
 * block is lwIP's and may go at any call into it: `pcb` is then NULL. Functions here are called
 * outside lwIP (they enter it themselves), the *_cb ones from inside.
 */
#ifndef STACK_NAT_TCP_CONN_H
#define STACK_NAT_TCP_CONN_H

#include <sys/queue.h>

#include "stack/ip/tcp_check.h"
#include "stack/lwip/glue.h"
#include "stack/nat/chunk.h"
#include "stack/path.h"

enum {
	TCP_HELD_IP_MAX = 40,
	TCP_ASK_S = 130,		/* egress bounds its dial by about this: RFC 1122 s. 4.2.3.5 */
	TCP_OPENING_S = 30,		/* SYN-ACK sent, no ACK; lwIP gives up after 20 s */
	TCP_IDLE_S = 7200,		/* RFC 5382 REQ-5 asks for no less than 7,440 or 2 h 4 min when idle */
	TCP_HALF_S = 600,		/* one side has finished, the other is silent */
	TCP_DRAIN_S = 30,		/* the far side is gone, the sandbox still reads what it sent */
	TCP_LOCAL_S = 30,		/* DNS over TCP, RFC 7766 s. 6.2.3 */
	TCP_TIME_WAIT_MS = 1000,	/* the link is memory: nothing old is on its way */
	TCP_DELACK_BYTES = 2900,	/* more than two segments: acknowledged at the end of the batch */
	TCP_WRITE_SEGS = 256,		/* segments queued towards the sandbox, for receivers with tiny windows */
	TCP_TURN_CHUNKS = 8,		/* of one flow read per turn, at once in bulk */
	TCP_PIN_MIN = 16384,		/* a shorter leftover is copied rather than pin a frame of 64 KB */
};

/* A piece of the host's stream, in sequence, not yet acknowledged. */
struct tcp_piece {
	uint16_t chunk;
	uint16_t fill;			/* bytes in it, to 65,535 */
};

struct denied;
struct inspect;
struct rxbuf;

struct tcp_conn {
	struct flow *flow;
	struct tcp_pcb *pcb;		/* NULL before the verdict and after lwIP freed it */

	/* The SYN as it came, until the verdict: IP header and TCP header. */
	uint8_t held[TCP_HELD_IP_MAX + TCP_HEAD_MAX];
	uint8_t held_ip, held_tcp;	/* bytes of each */
	uint32_t iss;			/* the sandbox's initial sequence number */

	uint16_t mss;			/* payload of one packet on the link */
	bool established;
	bool local;			/* DNS over TCP: served here, no host socket */
	bool near_fin;			/* the sandbox has finished sending */
	bool near_fin_told;		/* and the host socket knows */
	bool far_fin;			/* the host side has finished sending */
	bool far_fin_told;		/* and lwIP knows */
	bool far_broken;		/* the host socket is dead: reset the sandbox when all is delivered */
	bool far_reset;			/* a write has met that: what is read ends with it, and not with an end */
	bool readable;			/* the host socket may have more */
	bool rdhup;			/* its end was announced: only 0 or an error ends reading */
	bool up_dead;			/* the host socket takes nothing any more */
	bool want_ack;			/* an acknowledgement found the port full */
	bool sent;			/* a segment went out in this call */
	bool in_timers, in_run, in_wait, in_ack;
	uint16_t doom;			/* enum drop_reason: reset both sides when lwIP has returned */
	uint16_t gone;			/* enum drop_reason: lwIP freed the pcb, and why */

	/* Inspection and refusal, tcp_inspect.c. */
	struct inspect *inspect;	/* reads what the sandbox sends; NULL: it goes on unread */
	struct denied *denied;		/* the client of a denied flow, until it was told */
	uint16_t refused;		/* enum drop_reason: nothing goes out any more, and how the flow ends */
	bool refusal_due;		/* the sandbox is to be told, behind what is queued */
	uint64_t held_at;		/* place in its stream of the first byte that is held */
	uint64_t deadline_ns;		/* of its clearance, or of a refused connection; 0 = none */

	/* Down: a ring of chunks, oldest first; bytes before `acked` of the first are gone. */
	struct tcp_piece down[CHUNK_FLOW_MAX];
	uint8_t down_head, down_n;
	uint32_t down_acked;
	uint32_t down_unwritten;	/* newest bytes of them, which lwIP had no memory for */
	bool down_bulk;			/* the last read brought a whole chunk or more */

	/* Up: pbuf chains the host socket did not take yet. */
	struct rxbuf *up_head, *up_tail;
	uint32_t up_off;		/* bytes of the first chain already written */
	uint32_t up_len;		/* bytes in all, without up_off */
	uint32_t up_credit;		/* bytes of it that the window was opened for when they came */
	uint16_t up_chunks;		/* chunks among them */

	/* Acknowledgement policy, tcp_conn.c. */
	uint32_t rx_bytes;		/* since the last segment that went out */
	uint16_t rx_segs;
	uint16_t quick;			/* this many segments are acknowledged at once in any case */
	bool pingpong;			/* answers follow soon: acknowledgements ride on them */
	uint64_t rx_ns;			/* newest payload */

	uint64_t tw_until_ns;
	TAILQ_ENTRY(tcp_conn) timers, run, wait;
	struct tcp_conn *ack_next;
};

int tcp_conn_init(struct stack *s);
/* Gives every frame and segment back to the port, which is about to be freed. */
void tcp_conn_release(struct stack *s);
void tcp_conn_done(void);
struct tcp_conn *tcp_conn_new(struct flow *f);

/* After every call into lwIP: does what its callbacks only marked. c->flow may be dead afterwards. */
void tcp_conn_settle(struct stack *s, struct tcp_conn *c);
/* The same at a tick of lwIP's clock, and the host socket is tried again. */
void tcp_conn_tick(struct stack *s, struct tcp_conn *c);
/* Ends the flow at once: RST to the sandbox when it has a pcb, abortive close of the host socket. */
void tcp_conn_abort(struct stack *s, struct tcp_conn *c, enum drop_reason reason);
/* Both sides are through: lets a host socket close in peace, forgets the rest. No pcb may be left. */
void tcp_conn_end(struct stack *s, struct tcp_conn *c, enum drop_reason reason);
/* Ends a connection in TIME-WAIT before its time. False when it is not in TIME-WAIT, or not through. */
bool tcp_conn_recycle(struct stack *s, struct tcp_conn *c);
/* Remembers to look at c at the end of the batch; soon: and not to sleep before that. */
void tcp_conn_run(struct tcp_conn *c, bool soon);
/* A segment of c went out: payload bytes of it. */
void tcp_conn_sent(struct tcp_conn *c, size_t payload, bool by_timer);

/* In tcp.c: egress has not answered in time. */
void tcp_ask_expired(struct stack *s, struct flow *f);

/* From inside lwIP. */
void tcp_conn_opened_cb(struct tcp_conn *c, struct tcp_pcb *pcb);
err_t tcp_conn_accept_cb(void *arg, struct tcp_pcb *pcb, err_t err);

/* ---- tcp_down.c: host socket -> lwIP ---------------------------------------------------------------- */

/* Reads while there is room, hands to lwIP, tells it of the end. */
void tcp_down_pump(struct tcp_conn *c);
/* Bytes that lwIP would queue now; 0 while the sandbox has not opened a window. */
uint32_t tcp_down_may(const struct tcp_conn *c);
void tcp_down_acked(struct tcp_conn *c, uint32_t n);
void tcp_down_clear(struct tcp_conn *c);

/* ---- tcp_up.c: lwIP -> host socket ------------------------------------------------------------------ */

int tcp_up_init(struct stack *s);
/* Takes p: to the host socket what it takes, the rest is kept. */
void tcp_up_input(struct tcp_conn *c, struct pbuf *p);
/* Writes what is kept, opens the window by it, passes the sandbox's FIN on when nothing is left. */
void tcp_up_flush(struct tcp_conn *c);
/* Is there room to keep len more bytes, should the host socket not take them? */
bool tcp_up_has_room(const struct tcp_conn *c, uint32_t len);
void tcp_up_clear(struct tcp_conn *c);
/* tcp_recved() in steps that fit its u16, with a window update where lwIP would wait for more. */
void tcp_up_recved(struct tcp_conn *c, uint32_t n);

#endif
