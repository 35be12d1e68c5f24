/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns: the resolver that answers at port 53 of every address.
 *
 * Comes in: UDP datagrams to port 53, messages from dns_tcp.c, answers from egress. Goes out: a name and
 * a type to egress, an answer made from nothing but egress's addresses to the sandbox. Whatever server
 * the sandbox asks, the answer comes from that server's address. "localhost" never leaves (RFC 6761).
 *
 * Questions wait in a fixed table. A client's repetition of a question that waits already is dropped;
 * a full table, a dead egress or a time-out are SERVFAIL, so that the program asks again instead of
 * believing that the name does not exist.
 */
#include "stack/dns/dns.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/reason.h"

enum {
	DNS_PENDING_MAX = 256,
	DNS_TIMEOUT_S = 10,
	DNS_LOCALHOST_TTL = 86400,
	DNS_PORT = 53,
	UDP_HLEN = 8,
};

struct pending {
	bool used;
	uint32_t gen;
	uint64_t deadline_ns;
	struct dns_client client;
	struct dns_question q;
};

static struct pending table[DNS_PENDING_MAX];
static size_t high;			/* entries from this one on were never used */
static size_t n_used;

void dns_init(void)
{
	for (size_t i = 0; i < high; i++)
		table[i].used = false;
	high = n_used = 0;
	dns_tcp_init();
}

static int reply_udp(struct stack *s, const struct dns_client *c, const uint8_t *msg, size_t len)
{
	uint8_t h[UDP_HLEN] = {
		0, DNS_PORT, (uint8_t)(c->port >> 8), (uint8_t)c->port,
		(uint8_t)((len + UDP_HLEN) >> 8), (uint8_t)(len + UDP_HLEN), 0, 0,
	};
	struct iovec iov[2] = { { h, sizeof(h) }, { (uint8_t *)(uintptr_t)msg, len } };

	/* A lost answer over UDP is asked for again: no reason to fail anything. */
	(void)ip_output(s, &c->server, &c->addr, IPPROTO_UDP, iov, 2, NULL, DROP_NONE);
	return 0;
}

int dns_reply(struct stack *s, const struct dns_client *c, const struct dns_question *q,
	      const struct dns_reply *r)
{
	uint8_t msg[DNS_ANSWER_MAX];
	size_t cap = c->flow || q->udp_size > sizeof(msg) ? sizeof(msg) : q->udp_size;
	size_t len = dns_build(q, r, msg, cap);

	return c->flow ? dns_tcp_reply(s, c->flow, msg, len) : reply_udp(s, c, msg, len);
}

/* An answer that needs nobody else. */
static int reply_rcode(struct stack *s, const struct dns_client *c, const struct dns_question *q,
		       enum dns_rcode rcode)
{
	struct dns_reply r = { .rcode = rcode, .ede = dns_ede_of(rcode) };

	return dns_reply(s, c, q, &r);
}

/* What could not be asked: the program should try again. */
static int reply_busy(struct stack *s, const struct dns_client *c, const struct dns_question *q,
		      enum drop_reason reason)
{
	struct dns_reply r = { .rcode = DNS_SERVFAIL, .ede = DNS_EDE_OTHER, .ede_text = reason_text(reason) };

	return dns_reply(s, c, q, &r);
}

/* RFC 6761 s. 6.3: "localhost." and all that ends in it are the loopback address. */
static bool is_localhost(const char *name)
{
	static const char suffix[] = "localhost";
	size_t n = strlen(name), m = sizeof(suffix) - 1;

	if (n < m || strcmp(name + n - m, suffix) != 0)
		return false;
	return n == m || name[n - m - 1] == '.';
}

static int reply_localhost(struct stack *s, const struct dns_client *c, const struct dns_question *q)
{
	static const uint8_t lo4[4] = { 127, 0, 0, 1 };
	struct addr a[2] = { addr_from_v4(lo4), { .b = { [15] = 1 } } };
	struct dns_reply r = { .rcode = DNS_NOERROR, .ttl = DNS_LOCALHOST_TTL,
			       .ede = DNS_EDE_NONE, .addrs = a, .n_addrs = 2 };

	return dns_reply(s, c, q, &r);
}

static bool is_same_client(const struct dns_client *a, const struct dns_client *b)
{
	return a->flow == b->flow && a->port == b->port && addr_eq(&a->addr, &b->addr) &&
	       addr_eq(&a->server, &b->server);
}

/* The first free slot; NULL when there is none or when this very datagram waits already (*ret_known). */
static struct pending *pending_new(const struct dns_client *c, const struct dns_question *q,
				   bool *ret_known)
{
	struct pending *free_p = NULL;

	*ret_known = false;
	for (size_t i = 0; i < high; i++) {
		struct pending *p = &table[i];

		if (!p->used) {
			if (!free_p)
				free_p = p;
			continue;
		}
		if (!c->flow && p->q.id == q->id && p->q.qtype == q->qtype && is_same_client(&p->client, c) &&
		    strcmp(p->q.name, q->name) == 0) {
			*ret_known = true;
			return NULL;
		}
	}
	if (!free_p && high < DNS_PENDING_MAX)
		free_p = &table[high++];
	return free_p;
}

int dns_ask(struct stack *s, const struct dns_client *c, const struct dns_question *q)
{
	struct pending *p;
	bool known;

	if (is_localhost(q->name))
		return reply_localhost(s, c, q);
	p = pending_new(c, q, &known);
	if (known)
		return 0;
	if (!p) {
		path_count(s, DROP_NAME_RATE, c->flow ? IPPROTO_TCP : IPPROTO_UDP, &c->server,
			   DNS_PORT);
		return reply_busy(s, c, q, DROP_NAME_RATE);
	}
	p->gen++;
	if (ask_name(s, (uint64_t)p->gen << 32 | (uint64_t)(p - table), q->qtype, q->name) < 0)
		return reply_busy(s, c, q, DROP_EGRESS_GONE);
	p->used = true;
	n_used++;
	p->deadline_ns = s->now + DNS_TIMEOUT_S * NS_PER_S;
	p->client = *c;
	p->q = *q;
	return 0;
}

void dns_udp_input(struct stack *s, struct packet *p)
{
	struct dns_client c = { .addr = p->src, .server = p->dst };
	struct dns_question q;
	enum dns_rcode rcode = DNS_NOERROR;
	enum dns_verdict v;

	if (p->l4_contig < UDP_HLEN) {
		path_drop(s, p, DROP_DNS_BAD);
		return;
	}
	c.port = (uint16_t)(p->l4[0] << 8 | p->l4[1]);
	v = dns_parse(p->l4 + UDP_HLEN, p->l4_contig - UDP_HLEN, &q, &rcode);
	if (v == DNS_DROP) {
		path_drop(s, p, DROP_DNS_BAD);
		return;
	}
	path_accept(s, p, NULL);
	if (v == DNS_ASK)
		dns_ask(s, &c, &q);
	else
		reply_rcode(s, &c, &q, rcode);
}

/* The answer to a waiting question. A connection that has no room for it is of no use any more. */
static void finish(struct stack *s, struct pending *p, const struct dns_reply *r)
{
	struct flow *f;

	p->used = false;
	n_used--;
	if (dns_reply(s, &p->client, &p->q, r) == 0)
		return;
	f = flow_by_id(&s->flows, p->client.flow);
	if (f)
		tcp_cut(s, f, DROP_NO_MEMORY);
}

void dns_answer(struct stack *s, const struct proto_answer *a)
{
	uint32_t index = (uint32_t)a->id;
	struct dns_reply r = { .rcode = (enum dns_rcode)a->rcode, .ttl = a->ttl, .ede = a->ede,
			       .addrs = a->addrs, .n_addrs = a->n_addrs };
	struct pending *p;

	if (index >= DNS_PENDING_MAX)
		return;
	p = &table[index];
	/* Too late, or never asked: the question has been answered already. */
	if (!p->used || p->gen != (uint32_t)(a->id >> 32))
		return;
	if (a->denied || a->reason != DROP_NONE)
		intake_useless(s);
	if (a->reason != DROP_NONE)
		r.ede_text = reason_text(a->reason);
	finish(s, p, &r);
}

void dns_tick(struct stack *s)
{
	struct dns_reply r = { .rcode = DNS_SERVFAIL, .ede = DNS_EDE_NO_REACHABLE_AUTHORITY };

	for (size_t i = 0; i < high; i++) {
		if (table[i].used && s->now >= table[i].deadline_ns)
			finish(s, &table[i], &r);
	}
}

bool dns_busy(void)
{
	return n_used > 0;
}
