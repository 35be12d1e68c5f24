/* SPDX-License-Identifier: Apache-2.0 */
/* query: one question to a name server as bytes, and what a reply to it says. Pure functions over bytes. */
#ifndef EGRESS_QUERY_H
#define EGRESS_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/proto.h"
#include "netd/egress/lease.h"

enum {
	QUERY_FRAME = 2,		/* the length in front of a message over TCP (RFC 1035 s. 4.2.2) */
	QUERY_MAX = 12 + 255 + 4 + 11,
	QUERY_EDNS_SIZE = 1232,		/* no fragments on any path (DNS flag day 2020) */
	QUERY_EDE_NONE = 0xffff,
};

struct query {
	uint16_t len;			/* of the message */
	uint16_t question_len;		/* of its name, type and class */
	bool v6, edns;
	uint8_t buf[QUERY_FRAME + QUERY_MAX];	/* the frame's length, then the message */
};

/* What a name server said about one family of a name. */
struct resolved {
	enum answer_status status;	/* OK, NXDOMAIN or FAILED */
	uint32_t ttl;			/* seconds; 0: not to be kept */
	uint16_t ede;			/* RFC 8914 info code, or QUERY_EDE_NONE */
	bool folded;			/* the case of the name was not kept */
	uint8_t n;
	struct addr addrs[PROTO_ADDRS_MAX];
};

enum query_verdict {
	QUERY_FOREIGN = 1,		/* not a reply to this query */
	QUERY_CASE,			/* a reply, but the name is not in the case that was asked in */
	QUERY_TRUNCATED,		/* ask again over TCP */
	QUERY_NO_EDNS,			/* the server does not know EDNS: ask again without */
	QUERY_FAILED,			/* the server cannot or will not say: another one may */
	QUERY_ANSWERED,			/* OK or NXDOMAIN */
};

/* name: normal form, so at most 253 bytes in labels of 1..63. Id and case are random. */
void query_make(struct query *q, const char *name, bool v6, bool edns);
/*
 * fold: a name in another case will do; never QUERY_CASE then. ret_a has the answer when QUERY_ANSWERED;
 * else its ede and folded are set.
 */
enum query_verdict query_read(const struct query *q, const uint8_t *msg, size_t len, bool fold,
			      struct resolved *ret_a);

#endif
