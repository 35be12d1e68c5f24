/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output: IP packets towards the sandbox.
 *
 * Comes in: transport payloads of the gateway's own services and of host sockets. Goes out: frames at
 * the port, with headers made here from nothing the sandbox or the far side wrote. A datagram larger
 * than the link's MTU is fragmented (RFC 791 s. 3.2, RFC 8200 s. 4.5). A frame the port has no room
 * for waits in a ring of bounded size; while something waits there, later frames wait behind it.
 */
#include "stack/ip/output.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/clock.h"

enum {
	OUTPUT_QUEUE_BYTES = 2 << 20,	/* some 30 datagrams of 64 KB, or 1,400 frames of 1,500 */
	OUTPUT_IOV_MAX = 40,
	QUEUE_HEAD = 4,			/* length of the frame that follows */
};

/*
 * The ring: [length][frame] records, each contiguous. A record that does not fit before the end starts
 * at 0 again; `wrap` is then where the readable bytes of the upper part end.
 */
static struct {
	uint8_t bytes[OUTPUT_QUEUE_BYTES];
	size_t head, tail;		/* read at head, write at tail */
	size_t wrap;
	size_t n;			/* frames */
} queue;

static uint32_t id_next;

void ip_output_init(struct stack *s)
{
	uint64_t h = hash_sip(s->secret, "ip id", 5);

	queue.head = queue.tail = queue.wrap = queue.n = 0;
	id_next = (uint32_t)h;
}

bool ip_output_blocked(void)
{
	return queue.n > 0;
}

/* Where a record of this size would go, or -1 when the ring is too full. */
static long queue_place(size_t len)
{
	size_t need = QUEUE_HEAD + len;

	if (queue.n == 0)
		return need <= OUTPUT_QUEUE_BYTES ? 0 : -1;
	if (queue.tail > queue.head) {
		if (need <= OUTPUT_QUEUE_BYTES - queue.tail)
			return (long)queue.tail;
		return need <= queue.head ? 0 : -1;
	}
	return need <= queue.head - queue.tail ? (long)queue.tail : -1;
}

static int queue_push(const struct iovec *iov, int n_iov, size_t len)
{
	long at = queue_place(len);
	uint32_t len32 = (uint32_t)len;
	uint8_t *p;

	if (at < 0)
		return -ENOBUFS;
	if (queue.n == 0)
		queue.head = queue.tail = 0;
	else if (at == 0)
		queue.wrap = queue.tail;
	p = queue.bytes + at;
	memcpy(p, &len32, QUEUE_HEAD);
	p += QUEUE_HEAD;
	for (int i = 0; i < n_iov; i++) {
		memcpy(p, iov[i].iov_base, iov[i].iov_len);
		p += iov[i].iov_len;
	}
	queue.tail = (size_t)(p - queue.bytes);
	queue.n++;
	return 0;
}

void ip_output_retry(struct stack *s)
{
	while (queue.n) {
		struct iovec iov;
		struct tx_frame tx = { .iov = &iov, .n_iov = 1 };
		uint32_t len;
		int r;

		memcpy(&len, queue.bytes + queue.head, QUEUE_HEAD);
		iov.iov_base = queue.bytes + queue.head + QUEUE_HEAD;
		iov.iov_len = len;
		tx.len = len;
		r = port_tx(s->port, &tx);
		if (r == -EAGAIN)
			return;
		if (r < 0)
			s->drops[DROP_PORT_ERROR]++;
		queue.head += QUEUE_HEAD + len;
		queue.n--;
		if (queue.wrap && queue.head == queue.wrap) {
			queue.head = 0;
			queue.wrap = 0;
		}
	}
	queue.head = queue.tail = queue.wrap = 0;
	udp_port_writable(s);
}

int output_frame(struct stack *s, const struct iovec *iov, int n_iov, const struct flow *f,
		 enum drop_reason why)
{
	struct tx_frame tx = { .iov = iov, .n_iov = n_iov };
	size_t len = 0;
	int r = -EAGAIN;

	for (int i = 0; i < n_iov; i++)
		len += iov[i].iov_len;
	tx.len = (uint32_t)len;
	if (queue.n == 0)
		r = port_tx(s->port, &tx);
	if (r == -EAGAIN)
		r = queue_push(iov, n_iov, len);
	if (r < 0) {
		s->drops[r == -ENOBUFS ? DROP_NO_MEMORY : DROP_PORT_ERROR]++;
		return -ENOBUFS;
	}
	if (s->rec)
		record_packet(s->rec, RECORD_TO_SANDBOX, clock_wall_ns(), iov, n_iov, "sent", why, f);
	return 0;
}

void output_eth_header(const struct stack *s, uint8_t *eth, uint16_t ethertype)
{
	memcpy(eth, s->cfg.sb_mac, 6);
	memcpy(eth + 6, s->cfg.gw_mac, 6);
	put_be16(eth + 12, ethertype);
}

/*
 * An IPv4 header of 20 bytes. Whole packets are atomic (DF set, id 0: RFC 6864 s. 4.1); a
 * fragment's id and offset field come as given.
 */
static void ip4_header(uint8_t *h, const struct addr *src, const struct addr *dst, uint8_t proto,
		       size_t payload)
{
	memset(h, 0, IP4_HLEN);
	h[0] = 0x45;
	put_be16(h + 2, (uint32_t)(IP4_HLEN + payload));
	put_be16(h + 6, 0x4000);
	h[8] = IP_TTL_DEFAULT;
	h[9] = proto;
	memcpy(h + 12, src->b + 12, 4);
	memcpy(h + 16, dst->b + 12, 4);
}

static void ip4_header_sum(uint8_t *h)
{
	uint16_t sum;

	h[10] = h[11] = 0;
	sum = csum_fold(csum_add(0, h, IP4_HLEN));
	memcpy(h + 10, &sum, 2);
}

static void ip6_header(uint8_t *h, const struct addr *src, const struct addr *dst, uint8_t next,
		       size_t payload)
{
	memset(h, 0, 8);
	h[0] = 0x60;
	put_be16(h + 4, (uint32_t)payload);
	h[6] = next;
	h[7] = IP_TTL_DEFAULT;
	memcpy(h + 8, src->b, 16);
	memcpy(h + 24, dst->b, 16);
}

size_t ip_output_header(struct stack *s, uint8_t *l4, const struct addr *src, const struct addr *dst,
			uint8_t proto, size_t l4_len, uint8_t ttl, uint8_t tos)
{
	uint8_t *h;

	if (addr_is_v4(dst)) {
		h = l4 - IP4_HLEN;
		ip4_header(h, src, dst, proto, l4_len);
		h[1] = tos;
		if (ttl)
			h[8] = ttl;
		ip4_header_sum(h);
		output_eth_header(s, h - ETH_HEAD, ETH_TYPE_IP4);
		return ETH_HEAD + IP4_HLEN;
	}
	h = l4 - IP6_HLEN;
	ip6_header(h, src, dst, proto, l4_len);
	h[0] = (uint8_t)(0x60 | tos >> 4);
	h[1] = (uint8_t)(tos << 4);
	if (ttl)
		h[7] = ttl;
	output_eth_header(s, h - ETH_HEAD, ETH_TYPE_IP6);
	return ETH_HEAD + IP6_HLEN;
}

/* Sum over pieces of any length: a piece that starts at an odd offset counts with its bytes swapped. */
static uint32_t csum_iov(uint32_t sum, const struct iovec *iov, int n)
{
	bool odd = false;

	for (int i = 0; i < n; i++) {
		uint32_t part = csum_add(0, iov[i].iov_base, iov[i].iov_len);

		part = (part & 0xffff) + (part >> 16);
		part = (part & 0xffff) + (part >> 16);
		if (odd)
			part = (part & 0xff) << 8 | part >> 8;
		sum += part;
		odd ^= iov[i].iov_len & 1;
	}
	return sum;
}

/* A datagram on its way out: its transport header copied, so that its checksum can be filled in. */
struct datagram {
	const struct addr *src, *dst;
	uint8_t proto;
	size_t len;			/* of transport header and payload */
	uint8_t l4[8];			/* UDP and ICMP headers are both of 8 bytes */
	struct iovec iov[OUTPUT_IOV_MAX];
	int n;
};

/* Splits off the 8 header bytes, which may span pieces. 0 or -EINVAL. */
static int datagram_init(struct datagram *d, const struct iovec *l4, int n_l4)
{
	size_t got = 0;
	int i = 0;

	d->len = 0;
	d->iov[0] = (struct iovec){ d->l4, sizeof(d->l4) };
	d->n = 1;
	if (n_l4 < 1 || n_l4 > OUTPUT_IOV_MAX - 1)
		return -EINVAL;
	for (; i < n_l4; i++) {
		uint8_t *p = l4[i].iov_base;
		size_t len = l4[i].iov_len;
		size_t take = sizeof(d->l4) - got;

		d->len += len;
		if (take > len)
			take = len;
		if (take)
			memcpy(d->l4 + got, p, take);
		got += take;
		if (len > take)
			d->iov[d->n++] = (struct iovec){ p + take, len - take };
	}
	return got == sizeof(d->l4) && d->len <= 65535 ? 0 : -EINVAL;
}

static void datagram_checksum(struct datagram *d)
{
	size_t at = d->proto == IPPROTO_UDP ? 6 : 2;
	uint32_t sum = 0;
	uint16_t c;

	d->l4[at] = d->l4[at + 1] = 0;
	if (d->proto != IPPROTO_ICMP)
		sum = csum_pseudo(d->src, d->dst, d->proto, (uint32_t)d->len);
	c = csum_fold(csum_iov(sum, d->iov, d->n));
	if (c == 0 && d->proto == IPPROTO_UDP)
		c = 0xffff;		/* RFC 768: zero would mean "none" */
	memcpy(d->l4 + at, &c, 2);
}

/* The pieces of d from off on, len bytes of them, appended to iov. Returns the new count. */
static int datagram_slice(const struct datagram *d, size_t off, size_t len, struct iovec *iov, int n)
{
	for (int i = 0; i < d->n && len; i++) {
		size_t piece = d->iov[i].iov_len;

		if (off >= piece) {
			off -= piece;
			continue;
		}
		piece -= off;
		if (piece > len)
			piece = len;
		iov[n++] = (struct iovec){ (uint8_t *)d->iov[i].iov_base + off, piece };
		off = 0;
		len -= piece;
	}
	return n;
}

static int fragment_send(struct stack *s, const struct datagram *d, uint32_t id, size_t off,
			 size_t len, const struct flow *f, enum drop_reason why)
{
	bool more = off + len < d->len;
	uint8_t h[ETH_HEAD + IP6_HLEN + IP6_FRAG_HLEN];
	uint8_t *ip = h + ETH_HEAD;
	struct iovec iov[OUTPUT_IOV_MAX + 1] = { { h, 0 } };

	if (addr_is_v4(d->dst)) {
		output_eth_header(s, h, ETH_TYPE_IP4);
		ip4_header(ip, d->src, d->dst, d->proto, len);
		put_be16(ip + 4, id);
		put_be16(ip + 6, (uint32_t)(off / 8) | (more ? 0x2000 : 0));
		ip4_header_sum(ip);
		iov[0].iov_len = ETH_HEAD + IP4_HLEN;
	} else {
		output_eth_header(s, h, ETH_TYPE_IP6);
		ip6_header(ip, d->src, d->dst, IPPROTO_FRAGMENT, IP6_FRAG_HLEN + len);
		ip[40] = d->proto;
		ip[41] = 0;
		put_be16(ip + 42, (uint32_t)off | (more ? 1 : 0));
		put_be32(ip + 44, id);
		iov[0].iov_len = ETH_HEAD + IP6_HLEN + IP6_FRAG_HLEN;
	}
	return output_frame(s, iov, datagram_slice(d, off, len, iov, 1), f, why);
}

/*
 * Ids of one pair of addresses follow each other from a start that only the secret tells (RFC 7739
 * s. 5.3): no two datagrams within a reassembly time share one.
 */
static uint32_t next_id(const struct stack *s, const struct datagram *d)
{
	uint8_t pair[33];

	memcpy(pair, d->src->b, 16);
	memcpy(pair + 16, d->dst->b, 16);
	pair[32] = d->proto;
	return (uint32_t)hash_sip(s->secret, pair, sizeof(pair)) + id_next++;
}

static int datagram_fragment(struct stack *s, const struct datagram *d, size_t hlen,
			     const struct flow *f, enum drop_reason why)
{
	size_t step = (s->cfg.mtu - hlen) & ~(size_t)7;
	size_t n = (d->len + step - 1) / step;
	uint32_t id = next_id(s, d);

	/* All or nothing: half a datagram is of no use to anyone. */
	if (queue.n && queue_place(d->len + n * (ETH_HEAD + hlen + QUEUE_HEAD)) < 0) {
		s->drops[DROP_NO_MEMORY]++;
		return -ENOBUFS;
	}
	for (size_t off = 0; off < d->len; off += step) {
		size_t len = d->len - off < step ? d->len - off : step;
		int r = fragment_send(s, d, id, off, len, f, why);

		if (r < 0)
			return r;
	}
	return 0;
}

int ip_output(struct stack *s, const struct addr *src, const struct addr *dst, uint8_t proto,
	      const struct iovec *l4, int n_l4, const struct flow *f, enum drop_reason why)
{
	struct datagram d = { .src = src, .dst = dst, .proto = proto };
	bool v4 = addr_is_v4(dst);
	size_t hlen = v4 ? IP4_HLEN : IP6_HLEN;
	uint8_t room[IP_HDR_ROOM];
	struct iovec iov[OUTPUT_IOV_MAX + 1];
	int r = datagram_init(&d, l4, n_l4);

	if (r < 0)
		return r;
	if (v4 && d.len > 65535 - IP4_HLEN)
		return -EMSGSIZE;
	datagram_checksum(&d);
	if (d.len + hlen > s->cfg.mtu)
		return datagram_fragment(s, &d, v4 ? hlen : hlen + IP6_FRAG_HLEN, f, why);
	iov[0].iov_len = ip_output_header(s, room + sizeof(room), src, dst, proto, d.len, 0, 0);
	iov[0].iov_base = room + sizeof(room) - iov[0].iov_len;
	memcpy(iov + 1, d.iov, (size_t)d.n * sizeof(iov[0]));
	return output_frame(s, iov, d.n + 1, f, why);
}

int output_icmp6(struct stack *s, const struct addr *src, const struct addr *dst, const void *icmp,
		 size_t len, uint8_t ttl)
{
	uint8_t buf[IP_HDR_ROOM + 512];
	uint8_t *l4 = buf + IP_HDR_ROOM;
	struct iovec iov;
	uint16_t sum;
	size_t n;

	if (len < 4 || len > sizeof(buf) - IP_HDR_ROOM)
		return -EMSGSIZE;
	memcpy(l4, icmp, len);
	l4[2] = l4[3] = 0;
	sum = csum_fold(csum_add(csum_pseudo(src, dst, IPPROTO_ICMPV6, (uint32_t)len), l4, len));
	memcpy(l4 + 2, &sum, 2);
	n = ip_output_header(s, l4, src, dst, IPPROTO_ICMPV6, len, ttl, 0);
	iov.iov_base = l4 - n;
	iov.iov_len = n + len;
	return output_frame(s, &iov, 1, NULL, DROP_NONE);
}
