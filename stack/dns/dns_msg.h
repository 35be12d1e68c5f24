/* SPDX-License-Identifier: Apache-2.0 */
/* dns_msg: DNS questions in, DNS answers out. Pure functions over bytes; no state, no sockets. */
#ifndef STACK_DNS_DNS_MSG_H
#define STACK_DNS_DNS_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/proto.h"

enum {
	DNS_HEAD_LEN = 12,
	DNS_QNAME_MAX = 255,		/* on the wire, RFC 1035 s. 2.3.4 */
	DNS_UDP_MIN = 512,		/* RFC 1035 s. 4.2.1 */
	DNS_UDP_MAX = 4096,
	DNS_ANSWER_MAX = 1536,		/* question, 16 addresses and an OPT record take 900 */
	DNS_EDE_NONE = 0xffff,
};

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16,
};

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_OPT = 41,
};

enum dns_ede {				/* RFC 8914 s. 4 */
	DNS_EDE_OTHER = 0,
	DNS_EDE_PROHIBITED = 18,
	DNS_EDE_NOT_SUPPORTED = 21,
	DNS_EDE_NO_REACHABLE_AUTHORITY = 22,
};

struct dns_question {
	uint16_t id;
	uint16_t flags;			/* as asked; RD and CD are echoed */
	uint16_t qtype, qclass;
	uint8_t qname[DNS_QNAME_MAX];	/* as asked, case preserved, root label included */
	uint16_t qname_len;		/* 0: the question could not be read; only the head is echoed */
	char name[PROTO_NAME_CAP];	/* lower case, dots, no trailing dot */
	bool edns;
	bool dnssec_ok;
	uint16_t udp_size;		/* what fits into one answer over UDP */
};

enum dns_verdict {
	DNS_DROP,			/* not a question at all: no answer */
	DNS_REPLY,			/* *ret_rcode is the answer, without asking anyone */
	DNS_ASK,			/* a well-formed question in class IN */
};

enum dns_verdict dns_parse(const void *buf, size_t len, struct dns_question *ret_q,
			   enum dns_rcode *ret_rcode);

/* What an rcode of dns_parse() has for an extended error. */
static inline uint16_t dns_ede_of(enum dns_rcode rcode)
{
	return rcode == DNS_NOTIMP || rcode == DNS_REFUSED ? DNS_EDE_NOT_SUPPORTED : DNS_EDE_NONE;
}

struct dns_reply {
	enum dns_rcode rcode;
	uint32_t ttl;
	uint16_t ede;			/* enum dns_ede or DNS_EDE_NONE */
	const char *ede_text;		/* may be NULL */
	const struct addr *addrs;	/* those of the question's family are given */
	size_t n_addrs;
};

/*
 * Writes the answer, at most cap bytes (>= DNS_UDP_MIN); what does not fit is left out and TC is set.
 * Returns its length.
 */
size_t dns_build(const struct dns_question *q, const struct dns_reply *r, uint8_t *buf, size_t cap);

#endif
