/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_check: what a TCP header must look like before anything else sees it. Knows nothing of lwIP. */
#ifndef STACK_IP_TCP_CHECK_H
#define STACK_IP_TCP_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/drop.h"

enum {
	TCP_HEAD = 20,			/* RFC 9293 s. 3.1 */
	TCP_HEAD_MAX = 60,
	TCP_MSS_FLOOR = 88,		/* Linux's TCP_MIN_MSS; below it headers outweigh payload */

	TH_FIN = 0x01,
	TH_SYN = 0x02,
	TH_RST = 0x04,
	TH_PSH = 0x08,
	TH_ACK = 0x10,
	TH_URG = 0x20,
};

struct tcp_seen {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint32_t payload;		/* bytes */
	uint16_t wnd;			/* as written, unscaled */
	uint8_t hlen;			/* header and options, 20..60 */
	uint8_t flags;			/* TH_* of the low six */
};

/*
 * Is this a segment a sane TCP could have sent: header within what is there, ports, flags, options?
 * len: of the whole segment; contig: bytes readable at tcp. Fills *ret_seen on DROP_NONE. Writes nothing.
 */
enum drop_reason tcp_check(const uint8_t *tcp, uint32_t len, uint32_t contig,
			   struct tcp_seen *ret_seen);

/*
 * Leaves of the options of a header that passed tcp_check() only what lwIP shall see. On the SYN that
 * opens a connection these are one MSS (not under TCP_MSS_FLOOR), one window scale and SACK-permitted; on
 * all others none: lwIP would take an MSS anywhere (tcp_in.c:1948) and then count below zero
 * (tcp_out.c:489).
 */
void tcp_scrub(uint8_t *tcp, const struct tcp_seen *seen, bool opens);

static inline bool tcp_is_initial(const struct tcp_seen *seen)
{
	return (seen->flags & (TH_SYN | TH_ACK)) == TH_SYN;
}

#endif
