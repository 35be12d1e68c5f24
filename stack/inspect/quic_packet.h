/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quic_packet: QUIC packets as far as anybody on the way can read them (RFC 9000 s. 17.2, RFC 9001 s. 5,
 * RFC 9369 s. 3): long headers, and the Initial packets of a client, whose keys follow from their header.
 *
 * Pure: no state, no allocation.
 */
#ifndef STACK_INSPECT_QUIC_PACKET_H
#define STACK_INSPECT_QUIC_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/rd.h"

enum {
	QUIC_CID_MAX = 20,		/* RFC 9000 s. 17.2 */
	QUIC_LONG_FORM = 0x80,		/* of the first byte; RFC 8999 s. 5 */
	QUIC_BIT = 0x40,		/* likewise; RFC 9287: may be clear */
	QUIC_PACKET_MAX = 65536,
};

enum quic_version { QUIC_V1, QUIC_V2, QUIC_VERSIONS };

enum quic_kind { QUIC_INITIAL, QUIC_ZERO_RTT, QUIC_HANDSHAKE, QUIC_RETRY };

struct quic_cid {
	uint8_t len;
	uint8_t b[QUIC_CID_MAX];
};

/* A packet with a long header, still protected. */
struct quic_long {
	enum quic_version version;
	enum quic_kind kind;
	struct quic_cid dcid;
	const uint8_t *p;		/* its first byte; borrowed */
	size_t len;			/* with header and tag, at most QUIC_PACKET_MAX */
	size_t pn_at;			/* of the packet number; 0 for Retry */
};

/* Of the client's Initial packets. */
struct quic_keys {
	uint8_t key[16], iv[12], hp[16];
};

/*
 * Takes the next packet of a datagram; its first byte has QUIC_LONG_FORM. 0, or -EBADMSG, or
 * -EPROTONOSUPPORT: a version that is not read, Version Negotiation among them. The fixed bit is not
 * looked at: RFC 9287 lets both sides grease it, so a server may read a packet without it.
 */
int quic_long_read(struct rd *r, struct quic_long *ret);

/* RFC 9001 s. 5.2: dcid is that of the client's first Initial. */
void quic_initial_keys(enum quic_version v, const struct quic_cid *dcid, struct quic_keys *ret);

/*
 * Opens an Initial packet; next_pn: one more than the largest packet number of this connection so far
 * (RFC 9000 A.3). Bytes of payload written to buf (room for l->len), or -EBADMSG: not sealed with these
 * keys, or -EPROTO: sealed with them, but with a header that ends a connection.
 */
ssize_t quic_initial_open(const struct quic_keys *k, const struct quic_long *l, uint64_t next_pn,
			  uint8_t *buf, uint64_t *ret_pn);

/* RFC 9000 s. 16: an integer of 1, 2, 4 or 8 bytes. */
bool quic_varint(struct rd *r, uint64_t *ret_v);

#endif
