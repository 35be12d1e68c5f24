/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fact that stack/ip/tcp stands on: unmodified lwIP accepts a connection to any address and any port.
 *
 * There is one LISTEN control block per family, bound to nothing in particular. Before a SYN is handed
 * to tcp_input(), ip_data is filled by hand and the listener's port is set to the SYN's; the connection
 * that lwIP then makes carries the SYN's own destination. Segments come from this file and go to it: no
 * netif has an address, nothing routes. Needs no root; built with the worker's own lwipopts.h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "stack/lwip/glue.h"

#include "lib/addr.h"
#include "stack/lwip/hooks.h"

enum {
	SYN = 0x02, ACK = 0x10, FIN = 0x01, RST = 0x04,	/* RFC 9293 s. 3.1 */
	HDR = 20,
	CLIENT_SEQ = 1000,
	ISN = 0x01020304,
	SENT_MAX = 16,
};

struct segment {
	struct addr src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	size_t len;			/* payload */
	char payload[32];
};

static struct segment sent[SENT_MAX];
static size_t n_sent;
static struct tcp_pcb *accepted;
static char received[32];
static struct tcp_pcb *listener4, *listener6;

/* ---- what lwIP calls ------------------------------------------------------------------------------ */

u32_t lwip_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip, u16_t remote_port)
{
	(void)local_ip;
	(void)local_port;
	(void)remote_ip;
	(void)remote_port;
	return ISN;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

err_t tcp_segment_output(struct pbuf *p, const struct addr *src, const struct addr *dst)
{
	uint8_t b[256] = { 0 };
	size_t hdr;
	struct segment *s = &sent[n_sent++];

	assert_true(n_sent <= SENT_MAX);
	assert_int_equal(pbuf_copy_partial(p, b, sizeof(b), 0), p->tot_len);
	hdr = (size_t)(b[12] >> 4) * 4;
	*s = (struct segment){ .src = *src, .dst = *dst, .sport = be16(b), .dport = be16(b + 2),
			       .seq = be32(b + 4), .ack = be32(b + 8), .flags = b[13] & 0x3f,
			       .len = p->tot_len - hdr };
	assert_true(s->len < sizeof(s->payload));
	memcpy(s->payload, b + hdr, s->len);
	return ERR_OK;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	size_t at = strlen(received);

	(void)arg;
	(void)err;
	if (p) {
		assert_true(at + p->tot_len < sizeof(received));
		pbuf_copy_partial(p, received + at, p->tot_len, 0);
		tcp_recved(pcb, p->tot_len);
		pbuf_free(p);
	}
	return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	assert_int_equal(err, ERR_OK);
	accepted = pcb;
	tcp_recv(pcb, on_recv);
	return ERR_OK;
}

/* ---- what calls lwIP ------------------------------------------------------------------------------ */

static struct tcp_pcb *listen_any(u8_t type)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(type), *l;

	assert_non_null(pcb);
	assert_int_equal(tcp_bind(pcb, type == IPADDR_TYPE_V4 ? IP4_ADDR_ANY : IP6_ADDR_ANY, 1), ERR_OK);
	l = tcp_listen(pcb);
	assert_non_null(l);
	tcp_accept(l, on_accept);
	return l;
}

static int setup(void **state)
{
	(void)state;
	lwip_tcp_init();
	listener4 = listen_any(IPADDR_TYPE_V4);
	listener6 = listen_any(IPADDR_TYPE_V6);
	return 0;
}

static void segment_input(const struct segment *s)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(HDR + s->len), PBUF_RAM);
	uint8_t h[HDR] = { (uint8_t)(s->sport >> 8), (uint8_t)s->sport, (uint8_t)(s->dport >> 8), (uint8_t)s->dport };
	uint32_t seq = htonl(s->seq), ack = htonl(s->ack);

	memcpy(h + 4, &seq, 4);
	memcpy(h + 8, &ack, 4);
	h[12] = HDR / 4 << 4;
	h[13] = s->flags;
	h[14] = 0xff;			/* window */
	assert_non_null(p);
	assert_int_equal(pbuf_take(p, h, HDR), ERR_OK);
	if (s->len)
		assert_int_equal(pbuf_take_at(p, s->payload, (u16_t)s->len, HDR), ERR_OK);
	lwip_ip_from_addr(&ip_data.current_iphdr_src, &s->src);
	lwip_ip_from_addr(&ip_data.current_iphdr_dest, &s->dst);
	ip_data.current_netif = &lwip_netif;
	ip_data.current_input_netif = &lwip_netif;
	tcp_input(p, &lwip_netif);
}

/* The sandbox's side of a connection: SYN, ACK of the SYN-ACK. Leaves the connection in `accepted`. */
static struct segment handshake(const char *src, uint16_t sport, const char *dst, uint16_t dport)
{
	struct segment s = { .sport = sport, .dport = dport, .seq = CLIENT_SEQ, .flags = SYN };
	struct tcp_pcb_listen *l;

	assert_int_equal(addr_parse(src, &s.src), 0);
	assert_int_equal(addr_parse(dst, &s.dst), 0);
	l = (struct tcp_pcb_listen *)(addr_is_v4(&s.dst) ? listener4 : listener6);
	l->local_port = dport;
	n_sent = 0;
	accepted = NULL;
	received[0] = '\0';
	segment_input(&s);
	assert_null(accepted);
	assert_int_equal(n_sent, 1);
	assert_int_equal(sent[0].flags, SYN | ACK);
	assert_true(addr_eq(&sent[0].src, &s.dst));
	assert_true(addr_eq(&sent[0].dst, &s.src));
	assert_int_equal(sent[0].sport, dport);
	assert_int_equal(sent[0].dport, sport);
	assert_int_equal(sent[0].ack, CLIENT_SEQ + 1);
	assert_int_equal(sent[0].seq, ISN);
	s.seq = CLIENT_SEQ + 1;
	s.ack = ISN + 1;
	s.flags = ACK;
	segment_input(&s);
	assert_non_null(accepted);
	n_sent = 0;
	return s;
}

/* Payload both ways on an established connection. */
static void exchange(struct tcp_pcb *pcb, struct segment *s)
{
	struct segment in = *s;

	received[0] = '\0';
	n_sent = 0;
	in.len = 5;
	memcpy(in.payload, "hello", 5);
	segment_input(&in);
	assert_string_equal(received, "hello");
	s->seq += 5;
	assert_int_equal(tcp_write(pcb, "world", 5, TCP_WRITE_FLAG_COPY), ERR_OK);
	assert_int_equal(tcp_output(pcb), ERR_OK);
	assert_true(n_sent >= 1);
	assert_int_equal(sent[n_sent - 1].len, 5);
	assert_memory_equal(sent[n_sent - 1].payload, "world", 5);
	assert_true(addr_eq(&sent[n_sent - 1].src, &s->dst));
	assert_int_equal(sent[n_sent - 1].sport, s->dport);
	assert_int_equal(sent[n_sent - 1].ack, s->seq);
	s->ack += 5;
	n_sent = 0;
	segment_input(s);
}

static const struct {
	const char *src, *dst;
	uint16_t dport;
} t[] = {
	/*  1 */ { "100.96.0.2", "192.0.2.1", 80 },
	/*  2 */ { "100.96.0.2", "8.8.8.8", 1 },
	/*  3 */ { "100.96.0.2", "223.255.255.254", 65535 },
	/*  4 */ { "100.96.0.2", "1.0.0.1", 443 },
	/*  5 */ { "100.96.0.2", "198.18.0.7", 443 },
	/*  6 */ { "100.96.0.2", "10.255.255.255", 8080 },	/* a broadcast elsewhere, not on this link */
	/*  7 */ { "fd73:6c75:6963:6500::2", "2001:db8::1", 80 },
	/*  8 */ { "fd73:6c75:6963:6500::2", "2606:4700::1111", 65535 },
	/*  9 */ { "fd73:6c75:6963:6500::2", "fd73:6c75:6963:6501::7", 443 },
	/* 10 */ { "fd73:6c75:6963:6500::2", "64:ff9b::808:808", 1 },
};

static void test_any_destination(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct segment s = handshake(t[i].src, 40000, t[i].dst, t[i].dport);
		struct addr local;

		lwip_ip_to_addr(&accepted->local_ip, &local);
		assert_true(addr_eq(&local, &s.dst));
		assert_int_equal(accepted->local_port, t[i].dport);
		exchange(accepted, &s);
		tcp_abort(accepted);
		assert_int_equal(sent[n_sent - 1].flags & RST, RST);
	}
}

/* The listener's port is only looked at during a SYN: earlier connections live on, mixed with later ones. */
static void test_together(void **state)
{
	enum { N = sizeof(t) / sizeof(t[0]) };
	struct tcp_pcb *pcb[N];
	struct segment s[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		s[i] = handshake(t[i].src, (uint16_t)(41000 + i), t[i].dst, t[i].dport);
		pcb[i] = accepted;
	}
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < N; i++)
			exchange(pcb[i], &s[i]);
	for (size_t i = 0; i < N; i++)
		tcp_abort(pcb[i]);
}

/* The same 4-tuple but for one field is another connection. */
static void test_distinct(void **state)
{
	struct segment a, b;
	struct tcp_pcb *pa, *pb;

	(void)state;
	a = handshake("100.96.0.2", 42000, "192.0.2.1", 443);
	pa = accepted;
	b = handshake("100.96.0.2", 42000, "192.0.2.2", 443);
	pb = accepted;
	assert_ptr_not_equal(pa, pb);
	exchange(pa, &a);
	exchange(pb, &b);
	exchange(pa, &a);
	tcp_abort(pa);
	exchange(pb, &b);
	tcp_abort(pb);
}

/* A SYN to a port that the listener was not set to meets a reset: nothing is accepted by accident. */
static void test_other_port(void **state)
{
	struct segment s = { .sport = 43000, .dport = 22, .seq = CLIENT_SEQ, .flags = SYN };

	(void)state;
	assert_int_equal(addr_parse("100.96.0.2", &s.src), 0);
	assert_int_equal(addr_parse("192.0.2.1", &s.dst), 0);
	((struct tcp_pcb_listen *)listener4)->local_port = 23;
	n_sent = 0;
	accepted = NULL;
	segment_input(&s);
	assert_int_equal(n_sent, 1);
	assert_int_equal(sent[0].flags, RST | ACK);
	assert_null(accepted);
}

/* Multicast and broadcast destinations, which no rule can allow, are refused by lwIP itself too. */
static void test_group_destination(void **state)
{
	static const char *const dst[] = { "224.0.0.1", "255.255.255.255", "0.0.0.0", "ff02::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(dst) / sizeof(dst[0]); i++) {
		struct segment s = { .sport = 44000, .dport = 80, .seq = CLIENT_SEQ, .flags = SYN };

		assert_int_equal(addr_parse(dst[i], &s.dst), 0);
		assert_int_equal(addr_parse(addr_is_v4(&s.dst) ? "100.96.0.2" : "fd73::2", &s.src), 0);
		((struct tcp_pcb_listen *)listener4)->local_port = 80;
		((struct tcp_pcb_listen *)listener6)->local_port = 80;
		n_sent = 0;
		segment_input(&s);
		assert_int_equal(n_sent, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_destination), cmocka_unit_test(test_together),
		cmocka_unit_test(test_distinct),	cmocka_unit_test(test_other_port),
		cmocka_unit_test(test_group_destination),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("lwip", tests, setup, NULL);
}
