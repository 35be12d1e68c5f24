/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frag: reassembly of UDP datagrams and ICMP echo requests from the sandbox.
 *
 * Theory of operation. A fixed table of datagrams, each with a buffer for the largest one and a bitmap
 * of the 8-byte units that have arrived. Bytes are copied to where they belong at once; nothing is
 * linked, nothing allocated. What does not fit together condemns the whole datagram, both families
 * alike (RFC 5722; RFC 8200 s. 4.5): overlaps (exact duplicates too: this link loses and repeats
 * nothing, so they are no accident), a second end, bytes behind the end, a middle piece of odd
 * length, more than an IP packet can hold. A condemned datagram stays in the table, so that its
 * remaining fragments find it and not a fresh start. TCP is refused: a kernel cuts its segments to the
 * link's MTU, so fragments of it are only good for evasion.
 *
 * When the table is full the oldest datagram makes room (counted as FRAG_FULL): a sandbox that leaves
 * datagrams unfinished harms its own unfinished ones only. After 30 s (Linux's time; RFC 8200 asks for
 * 60 s of real networks) a datagram is given up, with "reassembly time exceeded" if its first fragment
 * was seen (RFC 792, RFC 4443 s. 3.3).
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/clock.h"
#include "stack/ip/output.h"

enum {
	FRAG_DATAGRAMS = 64,
	FRAG_BYTES = 65535,
	FRAG_UNITS = (FRAG_BYTES + 7) / 8,
	FRAG_TIMEOUT_S = 30,
	L4_HLEN_MIN = 8,		/* of UDP and ICMP */
};

struct frag_key {
	struct addr src, dst;
	uint32_t id;
	uint8_t proto;
	uint8_t zero[3];
};

struct datagram {
	bool used, bad, has_first;
	struct frag_key key;
	uint64_t born_ns;
	uint32_t end;			/* length, 0 while the last fragment is missing */
	uint32_t top;			/* end of the furthest byte */
	uint32_t got;			/* bytes */
	uint32_t first_len;
	uint8_t ttl, tos;
	uint8_t ip[IP6_HLEN];		/* of the first fragment, without the fragment header */
	uint8_t seen[FRAG_UNITS / 8 + 1];
	uint8_t bytes[FRAG_BYTES];
};

static struct datagram table[FRAG_DATAGRAMS];

int frag_init(struct stack *s)
{
	(void)s;
	frag_done();
	return 0;
}

void frag_done(void)
{
	/* Written only where something is: the memory of a table that nobody used is not there. */
	for (size_t i = 0; i < FRAG_DATAGRAMS; i++) {
		if (table[i].used)
			table[i].used = false;
	}
}

/* The datagram as a packet, as far as it goes. */
static struct packet packet_of(struct datagram *d, uint32_t len)
{
	bool v4 = addr_is_v4(&d->key.dst);
	struct packet p = {
		.src = d->key.src, .dst = d->key.dst, .proto = d->key.proto,
		.ttl = d->ttl, .tos = d->tos, .reassembled = true,
		.ip = d->ip, .ip_hlen = v4 ? IP4_HLEN : IP6_HLEN,
		.l4 = d->bytes, .l4_len = len, .l4_contig = len,
	};

	return p;
}

static void give_up(struct stack *s, struct datagram *d, enum drop_reason why)
{
	struct packet p = packet_of(d, d->has_first ? d->first_len : 0);

	d->used = false;
	if (d->bad)
		return;			/* was counted when it was condemned */
	path_drop(s, &p, why);
	if (d->has_first && why == DROP_FRAG_TIMEOUT)
		icmp_error_output(s, &p, ICMP_ERR_REASSEMBLY, 0, why);
}

void frag_tick(struct stack *s)
{
	for (size_t i = 0; i < FRAG_DATAGRAMS; i++) {
		struct datagram *d = &table[i];

		if (d->used && s->now >= d->born_ns + FRAG_TIMEOUT_S * NS_PER_S)
			give_up(s, d, DROP_FRAG_TIMEOUT);
	}
}

bool frag_busy(void)
{
	for (size_t i = 0; i < FRAG_DATAGRAMS; i++) {
		if (table[i].used)
			return true;
	}
	return false;
}

static struct datagram *datagram_get(struct stack *s, const struct frag_key *key)
{
	struct datagram *free_d = NULL, *oldest = NULL;

	for (size_t i = 0; i < FRAG_DATAGRAMS; i++) {
		struct datagram *d = &table[i];

		if (!d->used) {
			free_d = d;
			continue;
		}
		if (memcmp(&d->key, key, sizeof(*key)) == 0)
			return d;
		if (!oldest || d->born_ns < oldest->born_ns)
			oldest = d;
	}
	if (!free_d) {
		give_up(s, oldest, DROP_FRAG_FULL);
		free_d = oldest;
	}
	memset(free_d, 0, offsetof(struct datagram, bytes));
	free_d->used = true;
	free_d->key = *key;
	free_d->born_ns = s->now;
	return free_d;
}

/* Marks units [from, to) as arrived. False when one already had. */
static bool mark(struct datagram *d, uint32_t from, uint32_t to)
{
	for (uint32_t u = from; u < to; u++) {
		uint8_t bit = (uint8_t)(1u << (u % 8));

		if (d->seen[u / 8] & bit)
			return false;
		d->seen[u / 8] |= bit;
	}
	return true;
}

/* Keeps the header of the first fragment as that of the whole: RFC 791 s. 3.2, RFC 8200 s. 4.5. */
static void take_first(struct datagram *d, const struct packet *p)
{
	d->has_first = true;
	d->first_len = p->l4_len;
	d->ttl = p->ttl;
	d->tos = p->tos;
	memcpy(d->ip, p->ip, addr_is_v4(&p->dst) ? IP4_HLEN : IP6_HLEN);
	if (addr_is_v4(&p->dst))
		put_be16(d->ip + 6, 0);
	else
		d->ip[6] = p->proto;
}

/* Does this fragment fit what is there? Copies it in when it does. */
static bool add(struct datagram *d, const struct packet *p, uint32_t off, bool more)
{
	uint32_t to = off + p->l4_len;
	uint32_t max = addr_is_v4(&p->dst) ? FRAG_BYTES - IP4_HLEN : FRAG_BYTES;

	if (p->l4_len == 0 || to > max || (more && p->l4_len % 8 != 0))
		return false;
	if (off == 0 && p->l4_len < L4_HLEN_MIN)
		return false;
	/* A middle piece ends before the end; there is one end, and nothing lies behind it. */
	if (more && d->end && to >= d->end)
		return false;
	if (!more && (d->end || to < d->top))
		return false;
	if (!mark(d, off / 8, (to + 7) / 8))
		return false;
	memcpy(d->bytes + off, p->l4, p->l4_len);
	d->got += p->l4_len;
	if (to > d->top)
		d->top = to;
	if (!more)
		d->end = to;
	if (off == 0)
		take_first(d, p);
	return true;
}

static void deliver(struct stack *s, struct datagram *d)
{
	struct packet p = packet_of(d, d->end);
	uint16_t sum;

	if (addr_is_v4(&p.dst)) {
		put_be16(d->ip + 2, IP4_HLEN + d->end);
		put_be16(d->ip + 10, 0);
		sum = csum_fold(csum_add(0, d->ip, IP4_HLEN));
		memcpy(d->ip + 10, &sum, 2);
	} else {
		put_be16(d->ip + 4, d->end);
	}
	ip_deliver(s, &p);
	d->used = false;
}

void frag_input(struct stack *s, struct packet *p, uint32_t id, uint16_t offset, bool more)
{
	struct frag_key key = { .src = p->src, .dst = p->dst, .id = id, .proto = p->proto };
	struct datagram *d;

	if (p->proto == IPPROTO_TCP) {
		path_drop(s, p, DROP_FRAG_BAD);
		return;
	}
	if (p->proto != IPPROTO_UDP &&
	    p->proto != (addr_is_v4(&p->dst) ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
		path_drop(s, p, DROP_IP_PROTO);
		return;
	}
	d = datagram_get(s, &key);
	if (d->bad || !add(d, p, offset, more)) {
		d->bad = true;
		path_drop(s, p, DROP_FRAG_BAD);
		return;
	}
	path_accept(s, p, NULL);
	if (d->end && d->got == d->end)
		deliver(s, d);
}
