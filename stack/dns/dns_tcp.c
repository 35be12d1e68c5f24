/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_tcp: DNS over TCP (RFC 1035 s. 4.2.2, RFC 7766), for connections to port 53 of any address.
 *
 * Comes in: the byte stream of a connection that ends in the worker. Goes out: framed answers, in
 * whatever order they come (RFC 7766 s. 7). Questions may be pipelined, DNS_TCP_WAITING_MAX at a time;
 * a message that is longer than any question, or none at all, resets the connection.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/reason.h"
#include "stack/dns/dns.h"

enum {
	DNS_TCP_CONNS = 64,
	DNS_TCP_MSG_MAX = 2048,		/* a question with every option and padding is shorter */
	DNS_TCP_WAITING_MAX = 32,
	FRAME_LEN = 2,
};

struct conn {
	flow_id flow;			/* 0: free */
	uint32_t waiting;		/* questions without an answer */
	uint32_t have;			/* bytes in buf */
	uint8_t buf[FRAME_LEN + DNS_TCP_MSG_MAX];
};

static struct conn conns[DNS_TCP_CONNS];

void dns_tcp_init(void)
{
	for (size_t i = 0; i < DNS_TCP_CONNS; i++) {
		if (conns[i].flow)
			conns[i].flow = 0;
	}
}

static struct conn *conn_find(flow_id flow)
{
	for (size_t i = 0; i < DNS_TCP_CONNS; i++) {
		if (conns[i].flow == flow)
			return &conns[i];
	}
	return NULL;
}

/* Without a free slot the connection is reset when its first byte comes. */
void dns_tcp_open(struct stack *s, struct flow *f)
{
	struct conn *c = conn_find(0);

	if (!c) {
		path_count(s, DROP_NAME_RATE, IPPROTO_TCP, &f->key.dst, f->key.dport);
		return;
	}
	c->flow = flow_id_of(f);
	c->waiting = 0;
	c->have = 0;
}

bool dns_tcp_busy(const struct flow *f)
{
	const struct conn *c = conn_find(flow_id_of(f));

	return c && c->waiting;
}

void dns_tcp_closed(struct stack *s, struct flow *f)
{
	struct conn *c = conn_find(flow_id_of(f));

	(void)s;
	if (c)
		c->flow = 0;
}

int dns_tcp_reply(struct stack *s, flow_id flow, const uint8_t *msg, size_t len)
{
	struct flow *f = flow_by_id(&s->flows, flow);
	struct conn *c = conn_find(flow);
	uint8_t frame[FRAME_LEN + DNS_ANSWER_MAX];

	if (!f || !c || len > DNS_ANSWER_MAX)
		return 0;
	if (c->waiting)
		c->waiting--;
	frame[0] = (uint8_t)(len >> 8);
	frame[1] = (uint8_t)len;
	memcpy(frame + FRAME_LEN, msg, len);
	return tcp_local_send(s, f, frame, FRAME_LEN + len);
}

/* One whole message. False to reset. */
static bool message(struct stack *s, struct flow *f, struct conn *c, const uint8_t *msg, size_t len)
{
	struct dns_client client = { .flow = c->flow, .addr = f->key.src, .server = f->key.dst,
				     .port = f->key.sport };
	struct dns_reply r = { .rcode = DNS_SERVFAIL };
	struct dns_question q;
	enum dns_verdict v = dns_parse(msg, len, &q, &r.rcode);

	if (v == DNS_DROP) {
		path_count(s, DROP_DNS_BAD, IPPROTO_TCP, &f->key.dst, f->key.dport);
		return false;
	}
	c->waiting++;
	if (v == DNS_ASK && c->waiting <= DNS_TCP_WAITING_MAX)
		return dns_ask(s, &client, &q) == 0;
	r.ede = dns_ede_of(r.rcode);
	if (v == DNS_ASK) {
		r.rcode = DNS_SERVFAIL;
		r.ede = DNS_EDE_OTHER;
		r.ede_text = reason_text(DROP_NAME_RATE);
	}
	return dns_reply(s, &client, &q, &r) == 0;
}

bool dns_tcp_input(struct stack *s, struct flow *f, const uint8_t *buf, size_t len)
{
	struct conn *c = conn_find(flow_id_of(f));

	if (!c)
		return false;
	while (len) {
		size_t want = FRAME_LEN, n;

		if (c->have >= FRAME_LEN)
			want += (size_t)(c->buf[0] << 8 | c->buf[1]);
		if (want > sizeof(c->buf) || (c->have >= FRAME_LEN && want == FRAME_LEN)) {
			path_count(s, DROP_DNS_BAD, IPPROTO_TCP, &f->key.dst, f->key.dport);
			return false;
		}
		n = want - c->have < len ? want - c->have : len;
		memcpy(c->buf + c->have, buf, n);
		c->have += (uint32_t)n;
		buf += n;
		len -= n;
		if (c->have < want || want == FRAME_LEN)
			continue;
		c->have = 0;
		if (!message(s, f, c, c->buf + FRAME_LEN, want - FRAME_LEN))
			return false;
	}
	return true;
}
