/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: a worker without lwIP, on the memory port, with the test as sandbox and as egress.
 *
 * The loop, the flow table, the ask queue and every stage but TCP are the real ones; the clock is the
 * test's. tcp_*() only count. Frames are built by hand, so that each byte of them can be wrong.
 */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/clock.h"
#include "stack/path.h"

enum { WORLD_FRAME_MAX = 14 + 65535 };

struct world {
	struct stack s;
	struct port *port;
	int egress;			/* the test's end of the ask socket */
	uint64_t now;
	unsigned int tcp_frames;
	uint32_t tcp_l4_len, tcp_l4_contig;
	uint8_t local[65536];		/* what tcp_local_send() was given */
	size_t local_len;
	bool local_full;
	unsigned int tcp_cuts;
};

extern struct world w;
/* A frame under construction. */
extern uint8_t frame[WORLD_FRAME_MAX + 64];
/* A frame that was sent. */
extern uint8_t out[WORLD_FRAME_MAX + 64];

#define SB4 { 100, 96, 0, 2 }
#define GW4 { 100, 96, 0, 1 }

void world_open(uint32_t mtu, bool multibuf);
/* The same with a packet log; fd is taken. */
void world_open_record(uint32_t mtu, int fd, uint64_t max_bytes);
void world_close(void);
/* One wake-up. */
void world_step(void);
void world_pass_ms(uint64_t ms);
/* Pushes a frame and handles it. */
void world_in(const void *f, size_t len);
/* Takes the oldest sent frame into out; its length, 0 when there is none. */
size_t world_out(void);
/* Pushes the frame; it must be dropped with this reason, once, and nothing must be said about it. */
void world_expect_drop(const void *f, size_t len, enum drop_reason reason);

/* Builders: write to `frame`, return the length of the whole. dst and src in text, NULL = default. */
size_t make_eth(uint16_t ethertype, const void *payload, size_t len);
size_t make_ip(const char *src, const char *dst, uint8_t proto, const void *l4, size_t len);
size_t make_udp(const char *dst, uint16_t sport, uint16_t dport, const void *payload, size_t len);
size_t make_echo(const char *dst, uint16_t id, uint16_t seq, const void *payload, size_t len);
/* One fragment of l4 (a whole datagram), from off on, len bytes. */
size_t make_fragment(const char *dst, uint8_t proto, uint32_t id, const uint8_t *l4, size_t off,
		     size_t len, bool more);

/* The next message of this type that the worker sent to egress; must be there. */
void egress_expect(enum proto_type type, void *ret_msg, size_t size);
/* True when nothing waits there. */
bool egress_is_quiet(void);
void egress_send(const void *msg, size_t size, int fd);
void egress_verdict(uint64_t id, enum proto_verdict v, enum drop_reason reason, int err, int fd);

/* Is the sent frame in out sound: addresses, lengths, header and transport checksums? Its l4 offset. */
size_t check_out(size_t len);
/* Takes all sent frames and puts the fragments of one datagram together; its length without IP header. */
size_t world_collect(uint8_t *buf);

#endif
