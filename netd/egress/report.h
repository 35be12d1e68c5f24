/* SPDX-License-Identifier: Apache-2.0 */
/* report: what one sandbox was denied, in sum, for the person who started it. */
#ifndef EGRESS_REPORT_H
#define EGRESS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/drop.h"
#include "lib/proto.h"

enum { REPORT_DENIED_MAX = 256 };

struct report_denied {
	uint64_t count;
	uint16_t reason;
	uint16_t port;
	uint8_t proto;			/* 0: only looked up */
	char host[PROTO_NAME_CAP];
	char seen[PROTO_NAME_CAP];	/* what inspection read, when that was refused; else "" */
	char lift[PROTO_NAME_CAP];	/* what an --allow must name; "": none can help */
};

struct report {
	struct report_denied *denied;	/* REPORT_DENIED_MAX of them */
	uint32_t n_denied;
	uint32_t sent;			/* messages written so far */
	uint64_t unlisted;		/* denials of destinations that found no place */
	uint64_t flows, flows_denied, names, names_denied, dropped;
};

struct report_what {
	const char *host;
	const char *seen;		/* or NULL */
	uint8_t proto;
	uint16_t port;
	enum drop_reason reason;
	const char *lift;		/* or NULL */
};

int report_init(struct report *r);
void report_done(struct report *r);
void report_denied(struct report *r, const struct report_what *what);
/* Writes what the socket takes. 1 when all is written, 0 when it is full, -errno when it is gone. */
int report_write(struct report *r, int fd, uint64_t up_bytes, uint64_t down_bytes);

#endif
