/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about stack/ip: Ethernet, ARP, both IP headers, fragments. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static int setup(void **state)
{
	(void)state;
	world_open(1500, false);
	return 0;
}

static int setup_multibuf(void **state)
{
	(void)state;
	world_open(65535, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close();
	return 0;
}

/* ---- Ethernet and ARP ----------------------------------------------------------------------------- */

static void test_eth(void **state)
{
	size_t len = make_echo("100.96.0.1", 1, 1, "x", 1);

	(void)state;
	for (size_t n = 0; n < 14; n++)
		world_expect_drop(frame, n, DROP_ETH_SHORT);
	frame[11] ^= 1;
	world_expect_drop(frame, len, DROP_ETH_SOURCE);
	frame[11] ^= 1;
	/* VLAN tag, 802.3 length, LLDP, nothing */
	for (size_t i = 0; i < 4; i++) {
		static const uint16_t types[] = { 0x8100, 46, 0x88cc, 0 };

		frame[12] = (uint8_t)(types[i] >> 8);
		frame[13] = (uint8_t)types[i];
		world_expect_drop(frame, len, DROP_ETH_TYPE);
	}
}

static size_t make_arp(uint8_t op, const uint8_t spa[4], const uint8_t tpa[4])
{
	uint8_t a[28] = { 0, 1, 8, 0, 6, 4, 0, op };

	memcpy(a + 8, w.s.cfg.sb_mac, 6);
	memcpy(a + 14, spa, 4);
	memcpy(a + 24, tpa, 4);
	return make_eth(0x0806, a, sizeof(a));
}

static void test_arp(void **state)
{
	static const uint8_t sb[4] = SB4, gw[4] = GW4, any[4] = { 203, 0, 113, 9 }, zero[4];
	static const struct {
		uint8_t op;
		const uint8_t *spa, *tpa;
		bool answered;
	} t[] = {
		/* 1 the gateway */ { 1, sb, gw, true },
		/* 2 anybody else */ { 1, sb, any, true },
		/* 3 itself: announcement */ { 1, sb, sb, false },
		/* 4 probe for its own address */ { 1, zero, sb, false },
		/* 5 probe for another address */ { 1, zero, any, false },
		/* 6 a reply */ { 2, sb, gw, false },
		/* 7 who is 0.0.0.0 */ { 1, sb, zero, false },
		/* 8 an unknown operation */ { 9, sb, gw, false },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		size_t n;

		world_in(frame, make_arp(t[i].op, t[i].spa, t[i].tpa));
		n = world_out();
		assert_int_equal(n != 0, t[i].answered);
		if (!n)
			continue;
		assert_int_equal(n, 60);
		assert_memory_equal(out, w.s.cfg.sb_mac, 6);
		assert_memory_equal(out + 14, "\0\1\10\0\6\4\0\2", 8);
		assert_memory_equal(out + 22, w.s.cfg.gw_mac, 6);
		assert_memory_equal(out + 28, t[i].tpa, 4);
		assert_memory_equal(out + 38, sb, 4);
	}
}

/* CVE-2020-29129/29130 in libslirp: a length that nobody checked. */
static void test_arp_short(void **state)
{
	static const uint8_t sb[4] = SB4, gw[4] = GW4;
	size_t len = make_arp(1, sb, gw);

	(void)state;
	for (size_t n = 14; n < len; n++)
		world_expect_drop(frame, n, DROP_ARP_BAD);
	for (size_t i = 14; i < 20; i++) {	/* hardware, protocol and their lengths */
		make_arp(1, sb, gw);
		frame[i] ^= 0x40;
		world_expect_drop(frame, len, DROP_ARP_BAD);
	}
	make_arp(1, sb, gw);
	frame[22] ^= 1;				/* sender's MAC is not the frame's */
	world_expect_drop(frame, len, DROP_ARP_BAD);
}

/* ---- IP headers ------------------------------------------------------------------------------------ */

/* One byte of a good UDP packet changed. */
struct poke {
	uint16_t at;
	uint8_t value;
	enum drop_reason reason;
};

static void test_ip4_header(void **state)
{
	static const struct poke t[] = {
		/*  1 version */ { 14, 0x65, DROP_IP_BAD_HEADER },
		/*  2 header length below 5 */ { 14, 0x44, DROP_IP_BAD_HEADER },
		/*  3 options */ { 14, 0x46, DROP_IP_OPTIONS },
		/*  4 options longer than the packet */ { 14, 0x4f, DROP_IP_BAD_HEADER },
		/*  5 total length below the header */ { 17, 19, DROP_IP_BAD_HEADER },
		/*  6 total length 0, as BIG TCP has it */ { 17, 0, DROP_IP_BAD_HEADER },
		/*  7 total length behind the frame */ { 17, 34, DROP_IP_SHORT },
		/*  8 total length far behind it */ { 16, 0xff, DROP_IP_SHORT },
		/*  9 reserved flag */ { 20, 0x80, DROP_IP_BAD_HEADER },
		/* 10 TTL 0 */ { 22, 0, DROP_IP_TTL },
		/* 11 total length cuts the UDP header */ { 17, 27, DROP_UDP_SHORT },
		/* 12 total length cuts the UDP payload */ { 17, 32, DROP_UDP_SHORT },
		/* 13 source port 0 */ { 35, 0, DROP_PORT_ZERO },
		/* 14 destination port 0 */ { 37, 0, DROP_PORT_ZERO },
		/* 15 UDP length below its header */ { 39, 7, DROP_UDP_SHORT },
		/* 16 UDP length behind the packet */ { 39, 14, DROP_UDP_SHORT },
		/* 17 UDP length 0 */ { 39, 0, DROP_UDP_SHORT },
		/* 18 another source */ { 29, 9, DROP_IP_SOURCE },
		/* 19 destination 0.0.2.1 */ { 30, 0, DROP_IP_DEST },
		/* 20 destination 127.0.2.1 */ { 30, 127, DROP_IP_DEST },
		/* 21 destination 224.0.2.1 */ { 30, 224, DROP_MULTICAST },
		/* 22 destination 239.0.2.1 */ { 30, 239, DROP_MULTICAST },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		size_t len = make_udp("192.0.2.1", 9, 9, "hello", 5);

		frame[t[i].at] = t[i].value;
		world_expect_drop(frame, len, t[i].reason);
		assert_true(egress_is_quiet());
	}
	/* Every shorter frame, with the header as it was. */
	for (size_t n = 14; n < 14 + 33; n++) {
		make_udp("192.0.2.1", 9, 9, "hello", 5);
		world_expect_drop(frame, n, DROP_IP_SHORT);
	}
	/* Loose source route (RFC 791 s. 3.1) and record route, lengths right. */
	for (uint8_t type = 0x83; type; type = type == 0x83 ? 0x07 : 0) {
		size_t len = make_udp("192.0.2.1", 9, 9, "hello", 5);

		memmove(frame + 34 + 8, frame + 34, len - 34);
		memcpy(frame + 34, (uint8_t[]){ type, 7, 4, 127, 0, 0, 1, 0 }, 8);
		frame[14] = 0x47;
		frame[17] = (uint8_t)(frame[17] + 8);
		world_expect_drop(frame, len + 8, DROP_IP_OPTIONS);
	}
	/* Broadcast, the sandbox itself, an unserved protocol. */
	world_expect_drop(frame, make_udp("255.255.255.255", 9, 9, "", 0), DROP_MULTICAST);
	world_expect_drop(frame, make_udp(LINK_SB4, 9, 9, "", 0), DROP_IP_DEST);
	world_expect_drop(frame, make_ip("0.0.0.0", "192.0.2.1", IPPROTO_UDP, "\0\11\0\11\0\10\0\0", 8),
			  DROP_IP_SOURCE);
	/* An IGMP report with its router alert is no attack. */
	make_ip(NULL, "224.0.0.22", IPPROTO_IGMP, "\x94\4\0\0\x22\0\0\0\0\0\0\0", 12);
	frame[14] = 0x46;
	world_expect_drop(frame, 46, DROP_MULTICAST);
}

static void test_ip_proto(void **state)
{
	/* SCTP, GRE, ESP, IP in IP; the other family's ICMP */
	static const uint8_t protos[] = { 132, 47, 50, 4, IPPROTO_ICMPV6, 255 };
	uint8_t l4[16] = { 128 };
	size_t at;

	(void)state;
	for (size_t i = 0; i < N(protos); i++) {
		uint64_t before = w.s.drops[DROP_IP_PROTO];

		world_in(frame, make_ip(NULL, "192.0.2.1", protos[i], l4, sizeof(l4)));
		assert_int_equal(w.s.drops[DROP_IP_PROTO], before + 1);
		at = check_out(world_out());
		assert_int_equal(out[at], 3);
		assert_int_equal(out[at + 1], 2);
		assert_memory_equal(out + 26, ((uint8_t[]){ 192, 0, 2, 1 }), 4);
		assert_memory_equal(out + at + 8, frame + 14, 20 + 16);
	}
	world_in(frame, make_ip(NULL, "2001:db8::1", 132, l4, sizeof(l4)));
	at = check_out(world_out());
	assert_int_equal(out[at], 4);		/* parameter problem, next header, at byte 6 */
	assert_int_equal(out[at + 1], 1);
	assert_int_equal(out[at + 7], 6);
	/* 59: nothing follows */
	world_in(frame, make_ip(NULL, "2001:db8::1", 59, l4, sizeof(l4)));
	assert_int_equal(w.s.drops[DROP_IP_PROTO], N(protos) + 2);
}

static void test_ip6_header(void **state)
{
	static const struct poke t[] = {
		/*  1 version */ { 14, 0x40, DROP_IP_BAD_HEADER },
		/*  2 payload length 0: a jumbogram or nothing */ { 19, 0, DROP_IP_BAD_HEADER },
		/*  3 payload length behind the frame (CVE-2020-10756) */ { 19, 14, DROP_IP_SHORT },
		/*  4 far behind it */ { 18, 0xff, DROP_IP_SHORT },
		/*  5 payload length below the UDP header */ { 19, 7, DROP_UDP_SHORT },
		/*  6 hop by hop */ { 20, 0, DROP_IP_EXT_HEADER },
		/*  7 routing */ { 20, 43, DROP_IP_EXT_HEADER },
		/*  8 destination options */ { 20, 60, DROP_IP_EXT_HEADER },
		/*  9 authentication */ { 20, 51, DROP_IP_EXT_HEADER },
		/* 10 ESP */ { 20, 50, DROP_IP_EXT_HEADER },
		/* 11 mobility */ { 20, 135, DROP_IP_EXT_HEADER },
		/* 12 HIP, shim6 */ { 20, 139, DROP_IP_EXT_HEADER },
		/* 13 hop limit 0 */ { 21, 0, DROP_IP_TTL },
		/* 14 another source */ { 37, 9, DROP_IP_SOURCE },
		/* 15 multicast */ { 38, 0xff, DROP_MULTICAST },
		/* 16 link-local source, not ND */ { 22, 0xfe, DROP_IP_SOURCE },
	};
	static const struct {
		const char *dst;
		enum drop_reason reason;
	} d[] = {
		{ "::", DROP_IP_DEST }, { "::1", DROP_IP_DEST }, { LINK_SB6, DROP_IP_DEST },
		{ "ff02::fb", DROP_MULTICAST }, { "ff0e::1", DROP_MULTICAST },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		size_t len = make_udp("2001:db8::1", 9, 9, "hello", 5);

		frame[t[i].at] = t[i].value;
		if (t[i].at == 22)
			frame[23] = 0x80;
		world_expect_drop(frame, len, t[i].reason);
		assert_true(egress_is_quiet());
	}
	for (size_t n = 14; n < 54 + 13; n++) {
		make_udp("2001:db8::1", 9, 9, "hello", 5);
		world_expect_drop(frame, n, DROP_IP_SHORT);
	}
	for (size_t i = 0; i < N(d); i++)
		world_expect_drop(frame, make_udp(d[i].dst, 9, 9, "", 0), d[i].reason);
	/* Mapped addresses would turn into IPv4 (threat list 5.1, 9). */
	for (size_t at = 22; at <= 38; at += 16) {
		size_t len = make_udp("2001:db8::1", 9, 9, "", 0);

		memcpy(frame + at, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x64\x60\0\2", 16);
		world_expect_drop(frame, len, DROP_BAD_ADDR);
	}
}

/*
 * Loopback and the like are refused on every path, not on one: rootlesskit #612 forgot some. And
 * nothing of them is asked, so no answer of egress could let them through.
 */
static void test_nowhere(void **state)
{
	static const char *const dsts[] = {
		"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", LINK_SB4, "::1", "::", LINK_SB6,
	};
	static uint8_t tcp[20] = { 0, 9, 0, 80, [12] = 0x50, [13] = 2 };
	static uint8_t query[32] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1";

	(void)state;
	for (size_t i = 0; i < N(dsts); i++) {
		world_expect_drop(frame, make_udp(dsts[i], 9, 9, "x", 1), DROP_IP_DEST);
		world_expect_drop(frame, make_udp(dsts[i], 9, 53, query, 19), DROP_IP_DEST);
		world_expect_drop(frame, make_udp(dsts[i], 68, 67, query, 19), DROP_IP_DEST);
		world_expect_drop(frame, make_echo(dsts[i], 1, 1, "x", 1), DROP_IP_DEST);
		world_expect_drop(frame, make_ip(NULL, dsts[i], IPPROTO_TCP, tcp, 20), DROP_IP_DEST);
		world_expect_drop(frame, make_fragment(dsts[i], IPPROTO_UDP, 1, tcp, 0, 16, true),
				  DROP_IP_DEST);
	}
	assert_int_equal(w.tcp_frames, 0);
	assert_true(egress_is_quiet());
	/* CVE-2021-3593: a UDP header cut at every byte. */
	for (size_t n = 0; n < 8; n++) {
		world_expect_drop(frame, make_ip(NULL, "192.0.2.1", IPPROTO_UDP, query, n),
				  DROP_UDP_SHORT);
		world_expect_drop(frame, make_ip(NULL, "2001:db8::1", IPPROTO_UDP, query, n),
				  n ? DROP_UDP_SHORT : DROP_IP_BAD_HEADER);
	}
}

static void test_padding(void **state)
{
	struct proto_ask_flow ask;
	size_t len = make_udp("192.0.2.1", 9, 7, "hi", 2);

	(void)state;
	/* Ethernet padding behind the packet, and bytes behind the datagram, are not payload. */
	memset(frame + len, 0xee, 60 - len);
	world_in(frame, 60);
	egress_expect(PROTO_ASK_FLOW, &ask, sizeof(ask));
	assert_int_equal(ask.dport, 7);
	len = make_udp("2001:db8::1", 9, 7, "hi!!", 4);
	frame[54 + 5] = 10;
	world_in(frame, len);
	egress_expect(PROTO_ASK_FLOW, &ask, sizeof(ask));
	egress_verdict(ask.id, PROTO_DENY, DROP_POLICY_DEFAULT, 0, -1);
	/* The quote has what came, the UDP length what was meant. */
	len = check_out(world_out());
	assert_int_equal(out[len], 1);
	assert_int_equal(out[len + 1], 1);
}

static void test_ttl(void **state)
{
	size_t at;

	(void)state;
	make_udp("192.0.2.1", 9, 33434, "trace", 5);
	frame[22] = 1;
	world_in(frame, 47);
	at = check_out(world_out());
	assert_int_equal(out[at], 11);
	assert_int_equal(out[at + 1], 0);
	assert_memory_equal(out + 26, ((uint8_t[])GW4), 4);
	assert_int_equal(w.s.drops[DROP_IP_TTL], 1);
	make_udp("2001:db8::1", 9, 33434, "trace", 5);
	frame[21] = 1;
	world_in(frame, 67);
	at = check_out(world_out());
	assert_int_equal(out[at], 3);
	assert_memory_equal(out + 22, w.s.cfg.gw6.b, 16);
	/* The gateway itself is one hop away. */
	make_echo(LINK_GW4, 1, 1, "x", 1);
	frame[22] = 1;
	world_in(frame, 43);
	at = check_out(world_out());
	assert_int_equal(out[at], 0);
}

/* TCP keeps its segments; everything else is made contiguous. */
static void test_segments(void **state)
{
	static uint8_t big[60000];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 31 >> 3);
	world_in(frame, make_ip(NULL, "192.0.2.1", IPPROTO_TCP, big, sizeof(big)));
	assert_int_equal(w.tcp_l4_len, sizeof(big));
	assert_true(w.tcp_l4_contig < sizeof(big) && w.tcp_l4_contig > 256);
	world_in(frame, make_echo(LINK_GW4, 1, 1, big, sizeof(big)));
	len = world_out();
	assert_int_equal(len, 34 + 8 + sizeof(big));
	check_out(len);
	assert_memory_equal(out + 42, big, sizeof(big));
	world_in(frame, make_echo(LINK_GW6, 1, 1, big, sizeof(big)));
	len = world_out();
	check_out(len);
	assert_memory_equal(out + 62, big, sizeof(big));
}

/* ---- fragments -------------------------------------------------------------------------------------- */

static uint8_t dgram[65535];

/* A whole echo request to the gateway: reassembly shows in the reply. */
static void make_dgram(bool v6, size_t len)
{
	for (size_t i = 0; i < len; i++)
		dgram[i] = (uint8_t)(i * 7 + (i >> 8));
	memset(dgram, 0, 8);
	dgram[0] = v6 ? 128 : 8;
}

static const char *gw(bool v6)
{
	return v6 ? LINK_GW6 : LINK_GW4;
}

static uint8_t icmp(bool v6)
{
	return v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

static void send_fragment(bool v6, uint32_t id, size_t off, size_t len, bool more)
{
	world_in(frame, make_fragment(gw(v6), icmp(v6), id, dgram + off, off, len, more));
}

static void test_frag_sizes(void **state)
{
	static const size_t sizes[] = { 9, 16, 1480, 1481, 2960, 8000, 65507 };
	static uint8_t back[65536];

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t i = 0; i < N(sizes); i++) {
			size_t len = sizes[i], step = 1448;

			if (len < step)
				step = 8;
			make_dgram(v6, len);
			/* Last one first, then forwards. */
			size_t last = (len - 1) / step * step;

			send_fragment(v6, (uint32_t)i, last, len - last, false);
			for (size_t off = 0; off < last; off += step) {
				assert_int_equal(world_out(), 0);
				send_fragment(v6, (uint32_t)i, off, step, true);
			}
			assert_int_equal(world_collect(back), len);
			dgram[0] = v6 ? 129 : 0;
			memcpy(back + 2, dgram + 2, 2);	/* checksum */
			assert_memory_equal(back, dgram, len);
		}
	}
	assert_int_equal(w.s.drops[DROP_FRAG_BAD], 0);
}

struct piece {
	uint16_t off, len;
	bool more;
};

static void test_frag_bad(void **state)
{
	static const struct {
		struct piece p[4];
		int n;
	} t[] = {
		/*  1 overlap by one unit */ { { { 0, 64, true }, { 56, 64, false } }, 2 },
		/*  2 overlap from the front */ { { { 8, 64, true }, { 0, 16, true } }, 2 },
		/*  3 exact duplicate */ { { { 0, 64, true }, { 0, 64, true } }, 2 },
		/*  4 one inside another */ { { { 0, 64, true }, { 16, 16, true } }, 2 },
		/*  5 rewrites the transport header */ { { { 0, 64, true }, { 0, 8, true } }, 2 },
		/*  6 a middle piece of odd length */ { { { 0, 63, true } }, 1 },
		/*  7 empty, first */ { { { 0, 0, true } }, 1 },
		/*  8 empty, last */ { { { 0, 64, true }, { 64, 0, false } }, 2 },
		/*  9 two ends */ { { { 64, 8, false }, { 128, 8, false } }, 2 },
		/* 10 the end before what came */ { { { 128, 64, true }, { 64, 8, false } }, 2 },
		/* 11 a piece behind the end */ { { { 64, 8, false }, { 72, 8, true } }, 2 },
		/* 12 a middle piece that ends at the end */ { { { 64, 8, false }, { 64, 8, true } }, 2 },
		/* 13 past 65,535 (ping of death) */ { { { 65528, 16, false } }, 1 },
		/* 14 past it with more to come */ { { { 65528, 8, true } }, 1 },
		/* 15 odd end, then a piece into its unit */ { { { 8, 3, false }, { 8, 8, true } }, 2 },
	};

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t i = 0; i < N(t); i++) {
			uint64_t before = w.s.drops[DROP_FRAG_BAD];
			uint32_t id = (uint32_t)(100 + i);

			make_dgram(v6, 256);
			for (int k = 0; k < t[i].n; k++) {
				const struct piece *p = &t[i].p[k];

				world_in(frame, make_fragment(gw(v6), icmp(v6), id, dgram, p->off,
							      p->len, p->more));
			}
			assert_int_equal(w.s.drops[DROP_FRAG_BAD], before + 1);
			/* Condemned: what would complete it comes too late (RFC 5722 s. 4). */
			for (size_t off = 0; off < 256; off += 64)
				send_fragment(v6, id, off, 64, off < 192);
			assert_int_equal(w.s.drops[DROP_FRAG_BAD], before + 5);
			assert_int_equal(world_out(), 0);
		}
	}
}

static void test_frag_tcp(void **state)
{
	uint8_t l4[64] = { 0 };

	(void)state;
	/* RFC 1858: a TCP header in two pieces. */
	for (int v6 = 0; v6 < 2; v6++) {
		const char *dst = v6 ? "2001:db8::1" : "192.0.2.1";

		world_expect_drop(frame, make_fragment(dst, IPPROTO_TCP, 1, l4, 0, 8, true),
				  DROP_FRAG_BAD);
		world_expect_drop(frame, make_fragment(dst, IPPROTO_TCP, 1, l4, 8, 32, false),
				  DROP_FRAG_BAD);
		world_expect_drop(frame, make_fragment(dst, 132, 1, l4, 0, 32, true), DROP_IP_PROTO);
	}
	assert_int_equal(w.tcp_frames, 0);
	/* An atomic fragment is no fragment (RFC 6946). */
	world_in(frame, make_fragment("2001:db8::1", IPPROTO_TCP, 1, l4, 0, 32, false));
	assert_int_equal(w.tcp_frames, 1);
	assert_int_equal(w.tcp_l4_len, 32);
	/* Extension headers behind the fragment header, and a second fragment header. */
	for (uint8_t i = 0; i < 4; i++) {
		static const uint8_t next[] = { 0, 43, 60, 44 };

		world_expect_drop(frame, make_fragment("2001:db8::1", next[i], 1, l4, 0, 32, true),
				  DROP_IP_EXT_HEADER);
	}
	/* A fragment header cut short. */
	for (size_t n = 0; n < 8; n++) {
		make_fragment("2001:db8::1", IPPROTO_UDP, 1, l4, 0, 32, true);
		frame[19] = (uint8_t)n;
		world_expect_drop(frame, 54 + n, n ? DROP_IP_SHORT : DROP_IP_BAD_HEADER);
	}
}

static void test_frag_timeout(void **state)
{
	size_t at;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		uint64_t before = w.s.drops[DROP_FRAG_TIMEOUT];

		/* UDP: an ICMP error is allowed about it. */
		make_dgram(v6, 256);
		world_in(frame, make_fragment(v6 ? "2001:db8::1" : "192.0.2.1", IPPROTO_UDP, 1,
					      dgram, 0, 64, true));
		world_in(frame, make_fragment(v6 ? "2001:db8::1" : "192.0.2.1", IPPROTO_UDP, 2,
					      dgram, 64, 64, true));
		world_pass_ms(29000);
		assert_int_equal(w.s.drops[DROP_FRAG_TIMEOUT], before);
		world_pass_ms(2000);
		assert_int_equal(w.s.drops[DROP_FRAG_TIMEOUT], before + 2);
		/* Only about the one whose first fragment was seen. */
		at = check_out(world_out());
		assert_int_equal(out[at], v6 ? 3 : 11);
		assert_int_equal(out[at + 1], 1);
		assert_memory_equal(out + at + 8 + (v6 ? 40 : 20), dgram, 64);
		assert_int_equal(world_out(), 0);
		/* Forgotten: the rest starts anew and does not complete it. */
		world_in(frame, make_fragment(v6 ? "2001:db8::1" : "192.0.2.1", IPPROTO_UDP, 1,
					      dgram + 64, 64, 64, false));
		assert_true(egress_is_quiet());
		world_pass_ms(31000);
	}
}

/* Fragments that never end fill the table; the oldest make room and nothing else is harmed. */
static void test_frag_full(void **state)
{
	static uint8_t back[65536];

	(void)state;
	make_dgram(false, 128);
	for (uint32_t id = 0; id < 1000; id++) {
		send_fragment(false, id, 0, 64, true);
		w.now += NS_PER_MS;
	}
	assert_int_equal(w.s.drops[DROP_FRAG_FULL], 1000 - 64);
	send_fragment(false, 999, 64, 64, false);
	assert_int_equal(world_collect(back), 128);
	send_fragment(false, 5000, 0, 64, true);
	send_fragment(false, 5000, 64, 64, false);
	assert_int_equal(world_collect(back), 128);
	/* Same id, another protocol or family: not the same datagram. */
	send_fragment(false, 7, 0, 64, true);
	make_dgram(true, 128);
	send_fragment(true, 7, 64, 64, false);
	assert_int_equal(world_collect(back), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_eth), T(test_arp), T(test_arp_short),
		T(test_ip4_header), T(test_ip_proto), T(test_ip6_header), T(test_nowhere),
		T(test_padding), T(test_ttl),
		cmocka_unit_test_setup_teardown(test_segments, setup_multibuf, teardown),
		T(test_frag_sizes), T(test_frag_bad), T(test_frag_tcp), T(test_frag_timeout),
		T(test_frag_full),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
