/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello: what a TLS ClientHello says about where it wants to go (RFC 8446 s. 4.1.2, RFC 6066 s. 3).
 *
 * In: one whole handshake message, from TLS records (tls.c) or from QUIC CRYPTO frames (quic.c).
 * Pure: no state, no allocation.
 */
#ifndef STACK_INSPECT_HELLO_H
#define STACK_INSPECT_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/drop.h"
#include "lib/proto.h"

enum {
	HELLO_HEAD_LEN = 4,		/* message type and a 24 bit length */
	HELLO_MAX = 65536,		/* bytes of a message with its head; more is refused */
	HELLO_EXTS_MAX = 128,		/* extensions; browsers send some 20, about 70 are registered */
	HELLO_ALPN_CAP = 128,
};

struct hello {
	/*
	 * The server name in the form of policy_name(): lower case, no trailing dot. "" when there is
	 * none. An address is kept as text; it equals no name.
	 */
	char name[PROTO_NAME_CAP];
	bool has_name;
	bool has_ech;			/* encrypted ClientHello, of the RFC or of a draft, or GREASE */
	uint16_t version;		/* the newest that is offered: 0x0304 is TLS 1.3 */
	char alpn[HELLO_ALPN_CAP];	/* "h2,http/1.1", printable ASCII, cut to whole names; "" without */
};

/*
 * The size of the message, head included, that begins with these HELLO_HEAD_LEN bytes, or -EBADMSG
 * when it is no ClientHello or one larger than HELLO_MAX.
 */
int hello_size(const uint8_t head[HELLO_HEAD_LEN]);

/*
 * A whole handshake message with its head. 0, or -EBADMSG: a bound that does not fit, an extension or
 * a server name that is there twice, a name with bytes that no host's name has.
 */
int hello_parse(const uint8_t *msg, size_t len, struct hello *ret);

/* May it go on when the flow was judged for this name? DROP_NONE, or why not. */
enum drop_reason hello_judge(const struct hello *h, const char *name);

/* One line for the log: "TLS1.3 h2,http/1.1". */
void hello_describe(const struct hello *h, char *buf, size_t cap);

#endif
