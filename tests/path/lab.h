/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lab: the whole worker in one process, over the memory port, with a clock that the test turns.
 *
 *	struct peer (a sandbox's TCP, deterministic)  --frames-->  worker  --ask-->  fake egress
 *	                                                             |                  |
 *	                                                             +--- AF_UNIX stream pair: host side
 *
 * Every frame of the worker is taken apart and checked (lengths, checksums, GSO fields); payload in
 * both directions is a pattern of its stream position, so a lost, doubled or swapped byte shows.
 */
#ifndef TESTS_PATH_LAB_H
#define TESTS_PATH_LAB_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "stack/ip/tcp_check.h"
#include "stack/path.h"

enum {
	LAB_ASKS = 8192,
	LAB_PEERS = 8192,
	LAB_SEG_MAX = 64000,		/* payload of a super-frame of the peer */
	LAB_MS = 1000000,		/* virtual nanoseconds */
};

/* What the fake egress does with a question. */
enum lab_answer {
	LAB_ALLOW = 0,
	LAB_DENY,			/* reason POLICY_DEFAULT, or lab.deny */
	LAB_REFUSE,			/* ECONNREFUSED */
	LAB_UNREACH,			/* EHOSTUNREACH */
	LAB_HOLD,			/* the test answers with lab_answer() */
};

struct lab_ask {
	struct proto_ask_flow q;
	int host;			/* our end of an allowed flow, or -1 */
	bool answered, ended;
	struct proto_flow_end end;
	uint32_t n_inspected;
	struct proto_inspected inspected;	/* the newest */
};

struct lab_options {
	bool v6;
	uint32_t flows_max;		/* 0 = 256 */
	uint32_t flows_per_s;
	uint32_t mtu;			/* 0 = 1500 */
	bool multibuf;			/* frames in several segments */
	bool no_gso;
	bool events;			/* egress has an event log */
};

struct peer;

struct lab {
	bool opened;			/* and not closed: an earlier test failed */
	struct stack s;
	struct port *port;
	struct lab_options opt;
	uint64_t now;
	int egress;			/* our end of the ask socket */
	enum lab_answer answer;
	enum proto_inspect inspect;	/* in every verdict that allows or denies, with these: */
	const char *name, *note;
	enum drop_reason deny;
	struct lab_ask asks[LAB_ASKS];	/* in the order of asking */
	uint32_t n_asks, n_ends, n_names;
	uint64_t name_id;		/* of the newest question about a name */
	struct peer *peers[LAB_PEERS];
	uint32_t n_peers;
	uint32_t frames;		/* of the worker, so far */
	uint32_t strays;		/* TCP segments for no peer */
	uint8_t icmp_type, icmp_code;	/* of the newest ICMP error */
	uint16_t icmp_dport;		/* of the TCP header that it quotes */
	uint32_t icmp_errors;
	uint64_t drop_reports[DROP_REASON_MAX];
};

extern struct lab lab;

void lab_open(const struct lab_options *opt);
void lab_close(void);
/* One wake-up at the same moment, and everything that follows from it until all is quiet. */
void lab_run(void);
/* Lets time pass in steps of step_ms. */
void lab_pass(uint32_t ms, uint32_t step_ms);
/* Only the wake-up: nothing of what the worker sent is looked at. */
void lab_step(void);
/* Takes what the worker sent and what it asked. True when there was something. */
bool lab_take(void);
/* The same without looking at the frames: for peers that no longer know their own state. */
bool lab_discard(void);
void lab_answer(struct lab_ask *a, enum lab_answer how);
void lab_answer_name(const struct proto_answer *a);
/* The host's end of the newest question. */
struct lab_ask *lab_last(void);

/* ---- the sandbox's TCP -------------------------------------------------------------------------------- */

struct peer {
	uint16_t sport, dport;
	uint32_t iss, irs;		/* initial sequence numbers; irs is the worker's */
	uint32_t snd_nxt, snd_una;
	uint32_t snd_wnd;		/* scaled */
	uint32_t rcv_nxt;
	uint32_t rcv_wnd;		/* what is offered, bytes */
	uint16_t mss;			/* offered; 0 = no option */
	int8_t wscale;			/* offered; -1 = no option */
	bool sack_ok;			/* offered */
	bool auto_ack;			/* acknowledge data at once; true by default */

	/* what was seen */
	bool synack, reset, fin, established;
	uint16_t peer_mss;
	uint8_t peer_wscale;
	bool peer_has_ws, peer_sack_ok;
	uint64_t rx_bytes;		/* payload in order */
	uint32_t rx_segs, rx_dups, rx_acks;
	uint32_t resets;
	uint32_t last_seg;		/* payload of the newest data segment */
	uint32_t last_seq, last_ack;	/* of the newest segment */
	uint8_t last_flags;
	uint8_t sacks;			/* blocks in the newest segment */
	uint64_t tx_bytes;		/* payload sent, by peer_push() */
	uint8_t *raw;			/* when set: payload goes here unchecked, up to raw_cap */
	size_t raw_cap;
	bool want_ack;
};

void peer_init(struct peer *p, uint16_t sport, uint16_t dport);
/* Sends a segment: sequence number seq, payload from the pattern at its stream position. */
void peer_segment(struct peer *p, uint32_t seq, uint8_t flags, uint32_t len);
/* The same with everything at the caller's will. payload may be NULL. */
struct tcp_form {
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t wnd, urgp;
	const uint8_t *opt;
	size_t n_opt;			/* padded to a multiple of 4 with zeroes by the caller */
	const uint8_t *payload;
	size_t len;
	uint8_t off;			/* data offset in words; 0 = the right one */
};
void peer_form(struct peer *p, const struct tcp_form *f);
/* A data segment in two IP fragments. */
void peer_fragments(struct peer *p, uint32_t seq, uint32_t len);
void peer_syn(struct peer *p);
/* SYN, SYN-ACK, ACK: established, or the test fails. */
void peer_connect(struct peer *p);
/* Pushes up to len bytes of the pattern, as far as the window allows. Returns how many. */
uint32_t peer_push(struct peer *p, uint32_t len, uint32_t seg);
/* Pushes all of it, running the lab in between and draining `host`. */
void peer_push_all(struct peer *p, uint64_t len, uint32_t seg, int host, uint64_t *host_got);
/* Forgets what was not acknowledged: it will be pushed again. */
void peer_rewind(struct peer *p);
void peer_fin(struct peer *p);
void peer_rst(struct peer *p);
void peer_ack(struct peer *p);
uint16_t peer_wnd_field(const struct peer *p);

/* ---- the host's side ------------------------------------------------------------------------------------ */

/* Pattern byte of a stream position. */
static inline uint8_t lab_byte(uint64_t pos)
{
	return (uint8_t)(pos * 2654435761u >> 13 ^ pos);
}

/* Reads all there is; checks it against the pattern from *got on. Returns 0 at EOF, 1 when dry, -errno. */
int host_read(int fd, uint64_t *got);
/* Writes up to len bytes of the pattern from *sent on; stops when the socket is full. */
void host_write(int fd, uint64_t *sent, uint64_t len);

#endif
