/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_cut: TCP super-frames into packets, or into smaller super-frames.
 *
 * Comes in: a frame as AF_PACKET gives it with PACKET_VNET_HDR. Goes out: the same for some of its packets,
 * with the headers that a network card would have written (Linux: net/ipv4/tcp_offload.c, tcp_gso_segment()).
 * Sums stay partial, as they came: the receiving kernel completes or trusts them. Runs in bench/wire.
 */
#include "bench/wire_cut.h"

#include <string.h>

#include <linux/virtio_net.h>

enum {
	ETH = 14,
	IP4_TOTAL = 2, IP4_ID = 4, IP4_SUM = 10, IP4_SRC = 12,
	IP6 = 40, IP6_PAYLOAD = 4, IP6_SRC = 8,
	TCP_SEQ = 4, TCP_OFF = 12, TCP_FLAGS = 13, TCP_SUM = 16, TCP_MIN = 20,
	FIN = 0x01, PSH = 0x08, CWR = 0x80,
	PROTO_TCP = 6,
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* RFC 1071, over an even number of bytes, not complemented. */
static uint16_t sum16(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i += 2)
		sum += get16(p + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

struct cut cut_plan(const uint8_t *frame, size_t len)
{
	struct cut whole = { .packets = 1, .head = (uint32_t)len }, c = whole;
	struct virtio_net_hdr h;
	uint8_t gso;

	if (len < CUT_VNET + ETH + IP6)
		return whole;
	memcpy(&h, frame, CUT_VNET);
	gso = h.gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	if ((gso != VIRTIO_NET_HDR_GSO_TCPV4 && gso != VIRTIO_NET_HDR_GSO_TCPV6) || !h.gso_size)
		return whole;
	c.l3 = CUT_VNET + ETH;
	c.l4 = (uint16_t)(CUT_VNET + h.csum_start);
	if (c.l4 < c.l3 + 20 || (size_t)c.l4 + TCP_MIN > len)
		return whole;
	c.head = c.l4 + (uint32_t)(frame[c.l4 + TCP_OFF] >> 4) * 4;
	if (c.head < (uint32_t)c.l4 + TCP_MIN || c.head >= len)
		return whole;
	c.size = h.gso_size;
	c.payload = (uint32_t)len - c.head;
	c.packets = (c.payload + c.size - 1) / c.size;
	return c;
}

static uint32_t payload_of(const struct cut *c, unsigned int first, unsigned int n)
{
	uint32_t from = first * c->size, to = (first + n) * c->size;

	return (to < c->payload ? to : c->payload) - from;
}

uint64_t cut_link_bytes(const struct cut *c, unsigned int first, unsigned int n)
{
	uint64_t head = c->head - CUT_VNET;

	return c->size ? n * head + payload_of(c, first, n) : head;
}

static void fix_vnet(uint8_t *out, const struct cut *c, unsigned int n)
{
	struct virtio_net_hdr h;

	memcpy(&h, out, CUT_VNET);
	h.hdr_len = (uint16_t)(c->head - CUT_VNET);
	if (n == 1) {
		h.gso_type = VIRTIO_NET_HDR_GSO_NONE;
		h.gso_size = 0;
	}
	memcpy(out, &h, CUT_VNET);
}

/* Returns the sum of the pseudo-header. */
static uint16_t fix_ip(uint8_t *ip, unsigned int first, uint32_t l3_len, uint32_t l4_len)
{
	if (ip[0] >> 4 == 6) {
		put16(ip + IP6_PAYLOAD, l3_len - IP6);
		return sum16(ip + IP6_SRC, 32, l4_len + PROTO_TCP);
	}
	put16(ip + IP4_TOTAL, l3_len);
	put16(ip + IP4_ID, get16(ip + IP4_ID) + first);
	put16(ip + IP4_SUM, 0);
	put16(ip + IP4_SUM, (uint16_t)~sum16(ip, (size_t)(ip[0] & 15) * 4, 0));
	return sum16(ip + IP4_SRC, 8, l4_len + PROTO_TCP);
}

size_t cut_make(const uint8_t *frame, const struct cut *c, unsigned int first, unsigned int n, uint8_t *out)
{
	uint32_t len = payload_of(c, first, n);
	uint8_t *tcp = out + c->l4;
	uint16_t pseudo;

	if (n == c->packets) {
		memcpy(out, frame, c->head + c->payload);
		return c->head + c->payload;
	}
	memcpy(out, frame, c->head);
	memcpy(out + c->head, frame + c->head + (size_t)first * c->size, len);
	fix_vnet(out, c, n);
	pseudo = fix_ip(out + c->l3, first, c->head - c->l3 + len, c->head - c->l4 + len);
	put32(tcp + TCP_SEQ, get32(tcp + TCP_SEQ) + first * c->size);
	if (first + n < c->packets)
		tcp[TCP_FLAGS] &= (uint8_t)~(FIN | PSH);
	if (first)
		tcp[TCP_FLAGS] &= (uint8_t)~CWR;
	put16(tcp + TCP_SUM, pseudo);
	return c->head + len;
}
