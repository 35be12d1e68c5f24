/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of facts about what configures the sandbox's link: neighbour discovery and DHCP. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "tests/unit/world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static int setup(void **state)
{
	(void)state;
	world_open(1500, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close();
	return 0;
}

/* ---- neighbour discovery --------------------------------------------------------------------------- */

static size_t make_nd(const char *src, const char *dst, const void *m, size_t len)
{
	size_t n = make_ip(src, dst, IPPROTO_ICMPV6, m, len);

	frame[21] = 255;
	return n;
}

/* A solicitation with a source link-layer address option. */
static size_t solicit(uint8_t m[32], const char *target)
{
	struct addr t;

	memset(m, 0, 32);
	m[0] = 135;
	assert_int_equal(addr_parse(target, &t), 0);
	memcpy(m + 8, t.b, 16);
	m[24] = 1;
	m[25] = 1;
	memcpy(m + 26, w.s.cfg.sb_mac, 6);
	return 32;
}

static void test_ns(void **state)
{
	static const struct {
		const char *src, *dst, *target;
		size_t len;
		bool answered;
	} t[] = {
		/* 1 the gateway */ { LINK_SB6, "ff02::1:ff00:1", LINK_GW6, 32, true },
		/* 2 unicast probe, no option */ { LINK_SB6, LINK_GW6, LINK_GW6, 24, true },
		/* 3 anybody */ { LINK_SB6, "ff02::1:ff00:9", "2001:db8::9", 32, true },
		/* 4 from the link-local address */ { "fe80::2", "ff02::1:ff00:1", LINK_GW6, 32, true },
		/* 5 the gateway's link-local */ { "fe80::2", "ff02::1:ff00:1", "fe80::1", 32, true },
		/* 6 itself */ { LINK_SB6, "ff02::1:ff00:2", LINK_SB6, 32, false },
		/* 7 duplicate detection */ { "::", "ff02::1:ff00:2", LINK_SB6, 24, false },
		/* 8 the same, link-local */ { "::", "ff02::1:ff00:2", "fe80::2", 24, false },
		/* 9 the same, of a stranger */ { "::", "ff02::1:ff00:9", "2001:db8::9", 24, false },
	};
	uint8_t m[32];

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		size_t at, len;
		struct addr a;

		solicit(m, t[i].target);
		world_in(frame, make_nd(t[i].src, t[i].dst, m, t[i].len));
		len = world_out();
		assert_int_equal(len != 0, t[i].answered);
		if (!len)
			continue;
		at = check_out(len);
		assert_int_equal(out[21], 255);
		assert_int_equal(out[at], 136);
		assert_int_equal(out[at + 4], 0xe0);
		addr_parse(t[i].target, &a);
		assert_memory_equal(out + at + 8, a.b, 16);
		assert_memory_equal(out + 22, a.b, 16);
		assert_memory_equal(out + at + 24, "\2\1", 2);
		assert_memory_equal(out + at + 26, w.s.cfg.gw_mac, 6);
		addr_parse(t[i].src, &a);
		assert_memory_equal(out + 38, a.b, 16);
	}
	assert_int_equal(w.s.drops[DROP_ND_BAD], 0);
}

static void test_rs(void **state)
{
	uint8_t m[16] = { 133, [8] = 1, [9] = 1 };
	size_t at;

	(void)state;
	world_in(frame, make_nd("::", "ff02::2", m, 8));
	at = check_out(world_out());
	assert_int_equal(out[21], 255);
	assert_memory_equal(out + 22, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_memory_equal(out + 38, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_int_equal(out[at], 134);
	assert_int_equal(out[at + 5], 0);			/* neither managed nor other */
	assert_memory_equal(out + at + 16, "\1\1", 2);
	assert_memory_equal(out + at + 18, w.s.cfg.gw_mac, 6);
	assert_memory_equal(out + at + 24, "\5\1\0\0\0\0\5\xdc", 8);	/* MTU 1500 */
	assert_memory_equal(out + at + 32, "\31\3\0\0\xff\xff\xff\xff", 8);
	assert_memory_equal(out + at + 40, w.s.cfg.gw6.b, 16);
	world_in(frame, make_nd("fe80::2", "ff02::2", m, 16));
	at = check_out(world_out());
	assert_int_equal(out[38], 0xfe);
	/* A source option without a source. */
	world_expect_drop(frame, make_nd("::", "ff02::2", m, 16), DROP_ND_BAD);
}

static void test_nd_bad(void **state)
{
	uint8_t m[300];
	size_t len;

	(void)state;
	/* Cut at every byte but where it is whole. */
	for (len = 8; len < 32; len++) {
		solicit(m, LINK_GW6);
		if (len != 24)
			world_expect_drop(frame, make_nd(LINK_SB6, "ff02::1:ff00:1", m, len), DROP_ND_BAD);
	}
	for (len = 9; len < 16; len++)
		world_expect_drop(frame, make_nd(LINK_SB6, "ff02::2", (uint8_t[16]){ 133, [8] = 1, [9] = 1 },
						 len), DROP_ND_BAD);
	/* Options of length 0, and past the end: lwIP bugs 68144 and 68316. */
	solicit(m, LINK_GW6);
	m[25] = 0;
	world_expect_drop(frame, make_nd(LINK_SB6, "ff02::1:ff00:1", m, 32), DROP_ND_BAD);
	m[25] = 2;
	world_expect_drop(frame, make_nd(LINK_SB6, "ff02::1:ff00:1", m, 32), DROP_ND_BAD);
	m[25] = 255;
	world_expect_drop(frame, make_nd(LINK_SB6, "ff02::1:ff00:1", m, 32), DROP_ND_BAD);
	/* More options than any solicitation has. */
	solicit(m, LINK_GW6);
	for (size_t i = 24; i + 8 <= sizeof(m); i += 8) {
		memset(m + i, 0, 8);
		m[i] = 200;
		m[i + 1] = 1;
	}
	len = 24 + 32 * 8;
	world_in(frame, make_nd(LINK_SB6, "ff02::1:ff00:1", m, len));
	assert_true(world_out() > 0);
	world_expect_drop(frame, make_nd(LINK_SB6, "ff02::1:ff00:1", m, len + 8), DROP_ND_BAD);
	/* Hop limit, code, target, duplicate detection with option or to unicast. */
	solicit(m, LINK_GW6);
	make_nd(LINK_SB6, "ff02::1:ff00:1", m, 32);
	frame[21] = 254;
	world_expect_drop(frame, 86, DROP_ND_BAD);
	m[1] = 1;
	world_expect_drop(frame, make_nd(LINK_SB6, "ff02::1:ff00:1", m, 32), DROP_ND_BAD);
	solicit(m, "ff02::1");
	world_expect_drop(frame, make_nd(LINK_SB6, "ff02::1:ff00:1", m, 32), DROP_ND_BAD);
	solicit(m, "::");
	world_expect_drop(frame, make_nd(LINK_SB6, "ff02::1:ff00:1", m, 32), DROP_ND_BAD);
	memcpy(m + 8, "\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4", 16);
	world_expect_drop(frame, make_nd(LINK_SB6, "ff02::1:ff00:1", m, 32), DROP_ND_BAD);
	solicit(m, "fe80::2");
	world_expect_drop(frame, make_nd("::", "ff02::1:ff00:2", m, 32), DROP_ND_BAD);
	world_expect_drop(frame, make_nd("::", LINK_GW6, m, 24), DROP_ND_BAD);
	/* A router's messages from the sandbox; RFC 6980: fragments, atomic ones too. */
	m[0] = 134;
	world_expect_drop(frame, make_nd("fe80::2", "ff02::1", m, 16), DROP_ICMP_TYPE);
	m[0] = 137;
	world_expect_drop(frame, make_nd("fe80::2", LINK_GW6, m, 32), DROP_ICMP_TYPE);
	solicit(m, LINK_GW6);
	make_fragment("ff02::1:ff00:1", IPPROTO_ICMPV6, 1, m, 0, 32, false);
	frame[21] = 255;
	world_expect_drop(frame, 54 + 8 + 32, DROP_ND_BAD);
}

/* ---- DHCP ----------------------------------------------------------------------------------------------- */

static const uint8_t zero4[4], sb[4] = SB4, gw[4] = GW4;

static size_t boot(uint8_t *m, uint8_t type)
{
	memset(m, 0, 240);
	m[0] = 1;
	m[1] = 1;
	m[2] = 6;
	memcpy(m + 4, "\xde\xad\xbe\xef", 4);
	memcpy(m + 28, w.s.cfg.sb_mac, 6);
	memcpy(m + 236, "\x63\x82\x53\x63\x35\1", 6);
	m[242] = type;
	return 243;
}

static size_t option(uint8_t *m, size_t n, uint8_t code, const void *v, uint8_t len)
{
	m[n++] = code;
	m[n++] = len;
	memcpy(m + n, v, len);
	return n + len;
}

static size_t make_dhcp(const char *src, const char *dst, const uint8_t *m, size_t len)
{
	uint8_t u[8 + 2048] = { 0, 68, 0, 67, (uint8_t)((len + 8) >> 8), (uint8_t)(len + 8) };

	memcpy(u + 8, m, len);
	return make_ip(src, dst, IPPROTO_UDP, u, len + 8);
}

/* The value of an option in out, or NULL. */
static const uint8_t *find_option(size_t at, uint8_t code, uint8_t len)
{
	const uint8_t *p = out + at + 8 + 240, *end = out + sizeof(out);

	while (p < end && *p != 255) {
		if (*p == code) {
			assert_int_equal(p[1], len);
			return p + 2;
		}
		p += 2 + p[1];
	}
	return NULL;
}

static size_t expect_reply(uint8_t type)
{
	size_t n = world_out(), at;

	assert_true(n > 0);
	at = check_out(n);
	assert_int_equal(n - at, out[at + 4] << 8 | out[at + 5]);
	assert_memory_equal(out + at, "\0\103\0\104", 4);
	assert_int_equal(out[at + 8], 2);
	assert_memory_equal(out + at + 12, "\xde\xad\xbe\xef", 4);
	assert_memory_equal(out + at + 36, w.s.cfg.sb_mac, 6);
	assert_int_equal(*find_option(at, 53, 1), type);
	assert_memory_equal(find_option(at, 54, 4), gw, 4);
	return at;
}

static void test_dhcp(void **state)
{
	uint8_t m[512];
	size_t n, at;

	(void)state;
	n = boot(m, 1);
	n = option(m, n, 55, "\1\3\6", 3);
	m[n++] = 255;
	world_in(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, n));
	at = expect_reply(2);
	assert_memory_equal(out + 30, sb, 4);
	assert_memory_equal(out + at + 8 + 16, sb, 4);
	assert_memory_equal(find_option(at, 1, 4), "\xff\xff\xff\xfc", 4);
	assert_memory_equal(find_option(at, 3, 4), gw, 4);
	assert_memory_equal(find_option(at, 6, 4), gw, 4);
	assert_memory_equal(find_option(at, 26, 2), "\5\xdc", 2);
	assert_non_null(find_option(at, 51, 4));
	/* The broadcast flag is honoured. */
	m[10] = 0x80;
	world_in(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, n));
	expect_reply(2);
	assert_memory_equal(out + 30, "\xff\xff\xff\xff", 4);
	/* REQUEST: selecting. */
	n = boot(m, 3);
	n = option(m, n, 50, sb, 4);
	n = option(m, n, 54, gw, 4);
	m[n++] = 255;
	world_in(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, n));
	expect_reply(5);
	/* Another server was chosen. */
	m[n - 2] = 9;
	world_in(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, n));
	assert_int_equal(world_out(), 0);
	/* INIT-REBOOT with somebody else's address. */
	n = boot(m, 3);
	n = option(m, n, 50, "\xa\0\0\1", 4);
	m[n++] = 255;
	world_in(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, n));
	at = expect_reply(6);
	assert_memory_equal(out + at + 8 + 16, zero4, 4);
	assert_null(find_option(at, 51, 4));
	assert_memory_equal(out + 30, "\xff\xff\xff\xff", 4);
	/* Renewal, unicast. */
	n = boot(m, 3);
	memcpy(m + 12, sb, 4);
	m[n++] = 255;
	world_in(frame, make_dhcp(NULL, LINK_GW4, m, n));
	expect_reply(5);
	/* INFORM: configuration without an address. */
	m[242] = 8;
	world_in(frame, make_dhcp(NULL, LINK_GW4, m, n));
	at = expect_reply(5);
	assert_memory_equal(out + at + 8 + 16, zero4, 4);
	assert_null(find_option(at, 51, 4));
	/* DECLINE and RELEASE: silence. */
	m[242] = 4;
	world_in(frame, make_dhcp(NULL, LINK_GW4, m, n));
	m[242] = 7;
	world_in(frame, make_dhcp(NULL, LINK_GW4, m, n));
	assert_int_equal(world_out(), 0);
	assert_int_equal(w.s.drops[DROP_DHCP_BAD], 0);
}

/* CVE-2021-3592 and CVE-2017-11434 in libslirp: lengths that nobody checked. */
static void test_dhcp_bad(void **state)
{
	static const struct {
		uint16_t at;
		uint8_t value;
	} pokes[] = {
		{ 0, 2 }, { 0, 0 }, { 1, 6 }, { 2, 16 }, { 2, 0 }, { 24, 10 }, { 28, 0xff },
		{ 236, 0 }, { 239, 0x62 },
		/* message types: none, of a server, unknown */
		{ 242, 0 }, { 242, 2 }, { 242, 5 }, { 242, 6 }, { 242, 9 }, { 242, 255 },
		/* option lengths: 0 for the type, past the end */
		{ 241, 0 }, { 241, 2 }, { 241, 200 }, { 241, 255 },
	};
	uint8_t m[2048];
	size_t n;

	(void)state;
	for (size_t len = 0; len < 243; len++) {
		boot(m, 1);
		world_expect_drop(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, len), DROP_DHCP_BAD);
	}
	for (size_t i = 0; i < N(pokes); i++) {
		n = boot(m, 1);
		m[n++] = 255;
		m[pokes[i].at] = pokes[i].value;
		world_expect_drop(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, n), DROP_DHCP_BAD);
	}
	/* Addresses of odd lengths, no end, options in other fields. */
	for (uint8_t len = 0; len < 8; len++) {
		n = boot(m, 3);
		n = option(m, n, len % 2 ? 50 : 54, sb, len > 4 ? 4 : len);
		m[n++] = 255;
		if (len != 4 && len < 4)
			world_expect_drop(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, n),
					  DROP_DHCP_BAD);
	}
	n = boot(m, 1);
	n = option(m, n, 52, "\3", 1);
	m[n++] = 255;
	world_expect_drop(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, n), DROP_DHCP_BAD);
	/* Padding for ever. */
	n = boot(m, 1);
	memset(m + n, 0, 1200);
	m[n + 1200] = 255;
	world_expect_drop(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, n + 1201), DROP_DHCP_BAD);
	/* The option with the last byte as its code, or its length. */
	n = boot(m, 1);
	m[n] = 50;
	m[n + 1] = 4;
	world_expect_drop(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, n + 1), DROP_DHCP_BAD);
	world_expect_drop(frame, make_dhcp("0.0.0.0", "255.255.255.255", m, n + 2), DROP_DHCP_BAD);
	/* Without an address only the server's port of everybody is reachable. */
	n = boot(m, 1);
	m[n++] = 255;
	world_expect_drop(frame, make_dhcp("0.0.0.0", LINK_GW4, m, n), DROP_IP_SOURCE);
	make_dhcp("0.0.0.0", "255.255.255.255", m, n);
	frame[37] = 68;
	world_expect_drop(frame, 34 + 8 + n, DROP_MULTICAST);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_ns), T(test_rs), T(test_nd_bad), T(test_dhcp), T(test_dhcp_bad),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
