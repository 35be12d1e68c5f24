/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path: the contents page of the frame's way through the worker, in walking order.
 *
 * `_input` comes from the sandbox, `_output` goes towards it (lwIP's sense of the words). A stage may
 * include lib/, this page, and nothing else of stack/ but flow.h and the headers of its own folder.
 * Every stage that takes a frame ends its life in exactly one of three ways: it passes it to the next
 * stage, it calls path_accept() (recorded as let through, or held), or it calls path_drop().
 * The frame's memory is put by the caller of ip_input() after it returns, unless a stage took its own
 * reference with frame_get().
 *
 *	port_rx -> eth_input -> arp_input
 *	                     -> ip_input -> frag_input (reassembled datagram re-enters ip_deliver)
 *	                                 -> ip_deliver -> icmp_input -> [ask] -> nat/ping
 *	                                               -> nd_input
 *	                                               -> udp_input  -> dns_udp_input | dhcp_input | [ask] -> nat/udp
 *	                                               -> tcp_input_frame -> [ask] -> lwIP -> nat/tcp_conn
 */
#ifndef STACK_PATH_H
#define STACK_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "bpf/drop.h"
#include "lib/addr.h"
#include "lib/proto.h"
#include "stack/flow.h"
#include "stack/port/port.h"
#include "stack/spin.h"

struct record;

/* ---- the world of one worker ---------------------------------------------------------------- */

/* Where the newest drop of a reason was bound to; all zero when it was not known. */
struct drop_newest {
	struct addr dst;
	uint16_t dport;
	uint8_t proto;
};

/* intake.c's own */
struct intake {
	uint64_t since_ns;		/* begin of the sample */
	uint64_t until_ns;		/* frames wait until then; 0: they do not */
	uint32_t frames;		/* of the sample, */
	uint32_t useless;		/* and how many led nowhere */
	uint32_t pause_ms;		/* of the newest pause; 0: no flood */
};

struct stack {
	struct proto_stack_config cfg;
	struct port *port;
	struct record *rec;		/* packet log; NULL when there is none */
	struct flow_table flows;
	uint64_t now;			/* ns, read once per wake-up (lib/clock.h), virtual in tests */
	int ask_fd;			/* to egress; -1 when it is gone: every new flow is then refused */
	int supervise_fd;		/* to netd; -1 in tests */
	int epoll_fd;
	int timer_fd;			/* -1 in tests, which call stack_tick() themselves */
	bool stopping;
	uint64_t drops[DROP_REASON_MAX];
	uint64_t drops_told[DROP_REASON_MAX];
	struct drop_newest drops_newest[DROP_REASON_MAX];
	uint8_t secret[HASH_KEY_LEN];	/* sequence numbers, IP ids, table seeds */
	struct intake intake;
	struct proto_counters counters;	/* but for those that are counted elsewhere: stats.c */
	/* Token bucket of new flows (cfg.flows_per_s). */
	uint64_t rate_ns;
	uint32_t rate_tokens;
	/* stack.c's own */
	uint64_t tick_at_ns;		/* of the next tick, 0 = nothing needs time */
	uint64_t timer_at_ns;		/* what the timerfd is set to, 0 = disarmed */
	uint64_t slow_tick_ns;		/* of the newest stack_tick() */
	uint64_t busy_ns;		/* newest frame or event */
	bool port_waiting;		/* EPOLLOUT of the port is armed */
	bool quiet;			/* no frame and no event for a while: memory was given back */
	struct spin spin;
};

/*
 * An IP packet that passed ip_input's checks. `l4` points into the frame (or into the reassembly
 * buffer); l4_len bytes of it are contiguous in seg[0]; the rest of the payload follows in the frame's
 * further segments. For everything but TCP the path makes the packet contiguous first, so
 * l4_contig == l4_len there.
 */
struct packet {
	struct frame *frame;		/* NULL for a reassembled datagram */
	struct addr src, dst;
	uint8_t proto;			/* IPPROTO_*, after extension headers */
	uint8_t ttl;
	uint8_t tos;
	bool reassembled;
	uint16_t l4_off;		/* of l4 in the frame, 0 when reassembled */
	uint8_t *ip;			/* the IP header, for ICMP errors that quote it */
	uint16_t ip_hlen;
	uint8_t *l4;
	uint32_t l4_len;		/* of transport header and payload, as the IP header says */
	uint32_t l4_contig;		/* bytes of it readable at l4 */
};

/* ---- stack.c: life of the worker ------------------------------------------------------------ */

/* port, record and descriptors are taken, on failure too. Registers them with epoll_fd. 0 or -errno. */
int stack_init(struct stack *s, const struct proto_stack_config *cfg, struct port *port,
	       struct record *rec, int ask_fd, int supervise_fd, int epoll_fd, int timer_fd);
void stack_done(struct stack *s);
/* One wake-up: waits at most timeout_ms for events, handles a bounded number of them, flushes the
 * port, reaps dead flows. now_ns: 0 = read the clock. Returns events handled or -errno (link gone). */
int stack_step(struct stack *s, int timeout_ms, uint64_t now_ns);
/* Everything that happens by time: flow expiry, fragments, lwIP's timers, drop reports. */
void stack_tick(struct stack *s);
/*
 * Epoll registration of a flow's host socket; events are EPOLLIN | EPOLLRDHUP, edge-triggered.
 * Called again for a registered socket it re-arms it (EPOLL_CTL_MOD): an event follows at once if the
 * socket is still ready. That is how a protocol that used up its budget gets another turn.
 */
int stack_watch(struct stack *s, struct flow *f);
/* It took not everything: from now on EPOLLOUT as well. Most sockets never come here, and are spared an event. */
int stack_watch_out(struct stack *s, struct flow *f);
/* Ends that and closes the socket, if there is one; f->fd becomes -1. */
void stack_unwatch(struct stack *s, struct flow *f);
/* The end: resets and reports every flow, writes out the packet log. Then only stack_done(). */
void stack_stop(struct stack *s, enum drop_reason reason);

/* ---- stats.c: what netd asks for ------------------------------------------------------------------ */

/* Fills m but for its head. */
void stats_fill(struct stack *s, struct proto_stats *m);

/* ---- intake.c: how many frames are let in -------------------------------------------------------- */

/* Those of one wake-up. 0 or -errno: the link is gone. */
int intake_frames(struct stack *s);
/* Ends a pause whose time has come (s->intake.until_ns). 0 or -errno: the link is gone. */
int intake_resume(struct stack *s);
/* Something that the sandbox wanted led nowhere. */
static inline void intake_useless(struct stack *s)
{
	s->intake.useless++;
}

/* ---- drop.c: the one exit for what goes no further ---------------------------------------------- */

/* Counts, records (whole frame, verdict "drop", reason) and returns; the frame is still the caller's. */
void path_drop(struct stack *s, const struct packet *p, enum drop_reason reason);
void path_drop_frame(struct stack *s, struct frame *f, enum drop_reason reason);
/* Only counts: for a held packet whose frame is long gone. */
void path_count(struct stack *s, enum drop_reason reason, uint8_t proto, const struct addr *dst,
		uint16_t dport);
/* Only records: a held packet of a flow that egress refused, and has counted and logged itself. */
void path_refuse(struct stack *s, const struct packet *p, enum drop_reason reason,
		 const struct flow *f);
/* Records a packet that was let through (f: its flow, or NULL for what the gateway answers itself). */
void path_accept(struct stack *s, const struct packet *p, const struct flow *f);
/* Records a packet that waits for a verdict or for inspection. */
void path_hold(struct stack *s, const struct packet *p, const struct flow *f);

/* ---- port -> ip ------------------------------------------------------------------------------- */

void eth_input(struct stack *s, struct frame *f);
void arp_input(struct stack *s, struct frame *f);
void ip_input(struct stack *s, struct frame *f, uint16_t ethertype);
/* Checks addresses, hands the packet to its protocol. */
void ip_deliver(struct stack *s, struct packet *p);
/* Takes a fragment's bytes by copy; calls ip_deliver() with the whole datagram when it is complete. */
void frag_input(struct stack *s, struct packet *p, uint32_t id, uint16_t offset, bool more);
void frag_tick(struct stack *s);
/* True while a datagram waits for its fragments. */
bool frag_busy(void);
int frag_init(struct stack *s);
void frag_done(void);

void icmp_input(struct stack *s, struct packet *p);
void nd_input(struct stack *s, struct packet *p);
void udp_input(struct stack *s, struct packet *p);
void tcp_input_frame(struct stack *s, struct packet *p);

/* ---- egress: ask ---------------------------------------------------------------------------------- */

/* After flow_table_init(). 0 or -errno. */
int ask_init(struct stack *s);
void ask_done(void);
/*
 * Queues the question; the answer arrives at flow_verdict(). Sets f->asked. Refuses at once (and says
 * so through flow_verdict() with a made-up PROTO_DENY) when egress is gone or the rate limit is hit.
 */
void ask_flow(struct stack *s, struct flow *f);
/* id: the caller's, comes back in dns_answer(). 0 or -errno (egress gone). name as proto_ask_name. */
int ask_name(struct stack *s, uint64_t id, uint16_t qtype, const char *name);
/*
 * What inspection read of a flow that egress allowed: m is filled (inspect_report(), or by hand) but for
 * head and id. For logs: what went on is told only when there is an event log, refusals always; both may
 * be lost (counted) when egress is slow. Must be called before flow_end().
 */
void ask_inspected(struct stack *s, const struct flow *f, struct proto_inspected *m);
/* Tells egress that the flow is over, once, if it was asked; state becomes FLOW_DEAD, fd is closed. */
void flow_end(struct stack *s, struct flow *f, enum drop_reason reason);
/* Tells egress already now; f itself stays for a while (TIME-WAIT). Once per flow. */
void ask_end(struct stack *s, struct flow *f, enum drop_reason reason);
/* When ask_flush() is wanted at the latest; 0 = nothing waits. */
uint64_t ask_due(const struct stack *s);
/* True while a drop is still to be reported. */
bool ask_owes(const struct stack *s);
void ask_flush(struct stack *s);
void ask_tick(struct stack *s);			/* PROTO_DROPS reports */
/* Reads and dispatches what egress wrote, at most `budget` messages. */
void ask_input(struct stack *s, int budget);

/* Dispatch by f->key.proto, in stack.c. fd is taken; -1 unless the verdict is PROTO_ALLOW. */
void flow_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v, int fd);
void flow_event(struct stack *s, struct flow *f, uint32_t epoll_events);
void flow_expired(struct stack *s, struct flow *f);
void flow_cut(struct stack *s, struct flow *f, enum drop_reason reason);

/* ---- nat: host sockets, per protocol -------------------------------------------------------------- */

int tcp_init(struct stack *s);
/* Gives every frame and segment back; before port_free(). */
void tcp_release(struct stack *s);
/* Frees the memory that the port may have read from until then. */
void tcp_done(void);
void tcp_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v, int fd);
void tcp_event(struct stack *s, struct flow *f, uint32_t epoll_events);
void tcp_expired(struct stack *s, struct flow *f);
void tcp_cut(struct stack *s, struct flow *f, enum drop_reason reason);
void tcp_tick(struct stack *s);
/* After port_tx() said -EAGAIN and the port is writable again. */
void tcp_port_writable(struct stack *s);
/* True while lwIP has connections whose timers must run. */
bool tcp_busy(void);
/* True while a segment waits for room in the port. */
bool tcp_port_blocked(void);
/* After a batch of events: acknowledges what came in it, gives waiting flows their turn. True: call again soon. */
bool tcp_batch_end(struct stack *s);

/* Per-flow memory of UDP and ping, indexed by flow; after flow_table_init(). 0 or -ENOMEM. */
int udp_init(struct stack *s);
void udp_done(void);
/* Reads on from host sockets that were left alone while the port had no room. */
void udp_port_writable(struct stack *s);
void udp_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v, int fd);
void udp_event(struct stack *s, struct flow *f, uint32_t epoll_events);
void udp_expired(struct stack *s, struct flow *f);
void udp_cut(struct stack *s, struct flow *f, enum drop_reason reason);

void ping_input(struct stack *s, struct packet *p);
void ping_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v, int fd);
void ping_event(struct stack *s, struct flow *f, uint32_t epoll_events);
void ping_expired(struct stack *s, struct flow *f);
void ping_cut(struct stack *s, struct flow *f, enum drop_reason reason);

/* ---- the gateway's own services --------------------------------------------------------------------- */

void dns_init(void);
void dns_udp_input(struct stack *s, struct packet *p);	/* to port 53 of whatever address */
void dns_answer(struct stack *s, const struct proto_answer *a);
void dns_tick(struct stack *s);
/* True while a question waits for its answer. */
bool dns_busy(void);
void dhcp_input(struct stack *s, struct packet *p);

/* TCP to port 53 of whatever address ends in the worker: no egress, no host socket. */
void dns_tcp_open(struct stack *s, struct flow *f);
/* Bytes from the sandbox, in order. Returns false to reset the connection. */
bool dns_tcp_input(struct stack *s, struct flow *f, const uint8_t *buf, size_t len);
/* True while an answer is still owed; the sandbox may have finished sending meanwhile. */
bool dns_tcp_busy(const struct flow *f);
/* The connection is going away: forget it. */
void dns_tcp_closed(struct stack *s, struct flow *f);
/* For dns_tcp: queues bytes towards the sandbox, copying. 0 or -ENOBUFS (send buffer full). */
int tcp_local_send(struct stack *s, struct flow *f, const void *buf, size_t len);

/* ---- towards the sandbox ------------------------------------------------------------------------------ */

/* Forgets what an earlier stack of this process had queued. Called by stack_init(). */
void ip_output_init(struct stack *s);
void icmp_init(struct stack *s);

enum { IP_HDR_ROOM = 14 + 40 };	/* Ethernet and the larger IP header */

/*
 * Writes Ethernet and IP headers for a packet towards the sandbox so that they end at l4 (room for
 * IP_HDR_ROOM bytes before it). ttl 0 = 64. Returns the number of header bytes written (34 or 54).
 */
size_t ip_output_header(struct stack *s, uint8_t *l4, const struct addr *src, const struct addr *dst,
			uint8_t proto, size_t l4_len, uint8_t ttl, uint8_t tos);
/*
 * Sends a whole datagram towards the sandbox, copying; fragments it when it exceeds the MTU
 * (RFC 791 s. 3.2, RFC 8200 s. 4.5). Fills in the UDP or ICMP checksum. l4_len to 65,535.
 * When the port has no room the datagram is queued up to a bound (never dropped in normal running).
 * 0 or -ENOBUFS. why/f only for the packet log (f may be NULL).
 */
int ip_output(struct stack *s, const struct addr *src, const struct addr *dst, uint8_t proto,
	      const struct iovec *l4, int n_l4, const struct flow *f, enum drop_reason why);
/* Retries what ip_output() queued, then udp_port_writable(). Call when the port is writable. */
void ip_output_retry(struct stack *s);
/* True while something is queued for want of room in the port. */
bool ip_output_blocked(void);

/*
 * ICMP error towards the sandbox about packet p, rate-limited (RFC 1812 s. 4.3.2.8), never about an
 * ICMP error or a non-first fragment. kind is mapped to type and code per family. True when it was
 * sent; the packet itself is still to be dropped by the caller (path_drop()).
 */
enum icmp_error {
	ICMP_ERR_NET_UNREACH,
	ICMP_ERR_HOST_UNREACH,
	ICMP_ERR_PROTO_UNREACH,
	ICMP_ERR_PORT_UNREACH,
	ICMP_ERR_ADMIN,			/* administratively prohibited: policy said no */
	ICMP_ERR_TOO_BIG,		/* mtu is the next hop's */
	ICMP_ERR_TTL,
	ICMP_ERR_REASSEMBLY,		/* fragments never completed */
};
bool icmp_error_output(struct stack *s, const struct packet *p, enum icmp_error kind, uint32_t mtu,
		       enum drop_reason why);
/* The same from the kept first bytes of a packet (IP header and 8..64 bytes of transport). */
bool icmp_error_output_raw(struct stack *s, const uint8_t *ip, size_t len, enum icmp_error kind,
			   uint32_t mtu, enum drop_reason why);
/* How an errno of the host socket looks to the sandbox. */
enum icmp_error icmp_error_of_errno(int err);

/*
 * Ones' complement sum (RFC 1071) of a buffer added to `sum`, and the folded, inverted result. Sums
 * are in memory order: store the result with memcpy(), no byte swap. Buffers that are summed one
 * after the other must be of even length but for the last. A partial checksum (NEEDS_CSUM) is the
 * folded pseudo-header sum not inverted: (uint16_t)~csum_fold(csum_pseudo(...)).
 */
uint32_t csum_add(uint32_t sum, const void *buf, size_t len);
uint16_t csum_fold(uint32_t sum);
/* Pseudo-header sum of either family; not folded. */
uint32_t csum_pseudo(const struct addr *src, const struct addr *dst, uint8_t proto, uint32_t l4_len);

/* ---- record ----------------------------------------------------------------------------------------------- */

enum record_dir { RECORD_FROM_SANDBOX = 0, RECORD_TO_SANDBOX = 1 };

/* pcapng to fd (taken), at most max_bytes of it (0 = 1 GiB), snap length 262,144. NULL on -ENOMEM. */
struct record *record_new(int fd, uint64_t max_bytes, const char *label);
/* wall_ns: time of the packet. f may be NULL. `verdict` is "accept", "drop", "held" or "sent". */
void record_packet(struct record *r, enum record_dir dir, uint64_t wall_ns, const struct iovec *iov,
		   int n_iov, const char *verdict, enum drop_reason reason, const struct flow *f);
/* Writes out what is buffered. 0 or -errno; after an error (disk full) the log is closed and the
 * gateway goes on: packet logs are evidence, not enforcement. The error is reported once. */
int record_flush(struct record *r);
void record_free(struct record *r);

#endif
