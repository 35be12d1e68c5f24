/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quic_make: QUIC packets of a client, made by hand, so that each byte of them can be wrong.
 */
#ifndef TESTS_UNIT_QUIC_MAKE_H
#define TESTS_UNIT_QUIC_MAKE_H

#include "stack/inspect/quic_packet.h"

enum {
	MAKE_ECH = 1,			/* a hello with encrypted_client_hello */
	MAKE_MIN = 1200,		/* RFC 9000 s. 14.1 */
};

/* A ClientHello; name NULL: without server name. Padded to `size` bytes when that is more. Its length. */
size_t make_hello(uint8_t *buf, const char *name, size_t size, int flags);

/* How a packet is sealed, and what its header says. */
struct make {
	enum quic_version version;
	struct quic_cid keys_from;	/* the id whose keys seal it */
	struct quic_cid dcid;		/* in the header */
	uint64_t pn;
	uint8_t pn_len;			/* 1..4 */
	uint8_t reserved;		/* bits 0x0c of the first byte */
	const char *token;		/* or NULL */
};

/* With this text as id, first packet, of one byte of number. */
struct make make_of(enum quic_version v, const char *id);
/* An Initial packet; padded so that it is `size` bytes long when that is more. Its length. */
size_t make_initial(uint8_t *out, const struct make *m, const uint8_t *payload, size_t len, size_t size);
/* A packet of another kind with a long header and `len` bytes nobody can read. */
size_t make_long(uint8_t *out, const struct make *m, enum quic_kind kind, size_t len);
/* Frames; each returns its length. */
size_t make_crypto(uint8_t *out, uint64_t offset, const uint8_t *p, size_t len);
size_t make_varint(uint8_t *out, uint64_t v);
/* One whole datagram with one hello: its length. */
size_t make_first(uint8_t *out, const struct make *m, const char *name);

#endif
