/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about bpf/gate.bpf.c, by running it in the kernel on made-up frames (BPF_PROG_TEST_RUN).
 *
 * A case is a well-formed frame (PKTGEN), a few bytes changed in it and maybe another configuration
 * (SETUP), and the one counter that must move by one while all others stay (CHECK). "Redirected"
 * needs a real AF_XDP socket in the map: it is bound to the loopback of a namespace of our own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "bpf/drop.h"
#include "bpf/gate.skel.h"
#include "lib/cleanup.h"

enum {
	FRAME_MAX = 128,
	META_LEN = 16,			/* xdp_md metadata in front of a frame: a multiple of 4 */
	SUPER_LEN = 60000,		/* a frame that takes several buffers */
};

#define REDIRECTED DROP_NONE		/* no counter moves */

/* ---- PKTGEN ------------------------------------------------------------------------------------ */

#define MAC_SB 0x02, 0x73, 0x6c, 0x00, 0x00, 0x02
#define MAC_GW 0x02, 0x73, 0x6c, 0x00, 0x00, 0x01
#define SB4 100, 96, 0, 2
#define SB6 0xfd, 0x73, 0x6c, 0x75, 0x69, 0x63, 0x65, 0, 0, 0, 0, 0, 0, 0, 0, 2
#define LOCAL6 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2
#define UNSET6 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define FAR6 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
#define ETH(type) MAC_GW, MAC_SB, (type) >> 8, (type) & 0xff
#define IP4(proto) 0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, proto, 0, 0
#define IP6(len, next) 0x60, 0, 0, 0, 0, len, next, 255
#define UDP(sport, dport) (sport) >> 8, (sport) & 0xff, (dport) >> 8, (dport) & 0xff, 0, 12, 0, 0, 1, 2, 3, 4
#define TCP_SYN 0x9c, 0x40, 1, 187, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0

/* needs: bytes of headers the gate must see; fewer are DROP_GATE_SHORT. */
struct pkt {
	const char *name;
	size_t needs, len;
	uint8_t b[FRAME_MAX];
};

enum pkt_id { TCP4, DHCP4, ARP, TCP6, NS6, RS6, NA6_LOCAL, DHCP6, PKTS };

#define BYTES(...) .len = sizeof((uint8_t[]){ __VA_ARGS__ }), .b = { __VA_ARGS__ }

static const struct pkt pkts[PKTS] = {
	[TCP4] = { "tcp4", 34, BYTES(ETH(0x0800), IP4(6), SB4, 192, 0, 2, 1, TCP_SYN) },
	[DHCP4] = { "dhcp4", 42, BYTES(ETH(0x0800), IP4(17), 0, 0, 0, 0, 255, 255, 255, 255, UDP(68, 67)) },
	[ARP] = { "arp", 42, BYTES(ETH(0x0806), 0, 1, 8, 0, 6, 4, 0, 1, MAC_SB, SB4, 0, 0, 0, 0, 0, 0,
				   100, 96, 0, 1) },
	[TCP6] = { "tcp6", 54, BYTES(ETH(0x86dd), IP6(20, 6), SB6, FAR6, TCP_SYN) },
	[NS6] = { "neighbour solicitation", 58, BYTES(ETH(0x86dd), IP6(24, 58), UNSET6, FAR6, 135, 0, 0, 0,
						      0, 0, 0, 0, FAR6) },
	[RS6] = { "router solicitation", 58, BYTES(ETH(0x86dd), IP6(8, 58), LOCAL6, FAR6, 133, 0, 0, 0,
						   0, 0, 0, 0) },
	[NA6_LOCAL] = { "neighbour advertisement", 58, BYTES(ETH(0x86dd), IP6(24, 58), LOCAL6, FAR6,
							     136, 0, 0, 0, 0, 0, 0, 0, LOCAL6) },
	[DHCP6] = { "dhcp6", 62, BYTES(ETH(0x86dd), IP6(12, 17), LOCAL6, FAR6, UDP(546, 547)) },
};

/* ---- SETUP ------------------------------------------------------------------------------------- */

static struct gate_bpf *skel;

static int gate_load(uint32_t flags, uint32_t pps, uint32_t burst)
{
	struct gate_bpf *s = gate_bpf__open();

	if (!s)
		return -errno;
	s->rodata->gate_config = (struct gate_config){ .sb_mac = { MAC_SB }, .sb4 = { SB4 },
						       .sb6 = { SB6 }, .budget_pps = pps,
						       .budget_burst = burst };
	bpf_program__set_flags(s->progs.gate, flags);
	if (gate_bpf__load(s) < 0) {
		gate_bpf__destroy(s);
		return -errno;
	}
	gate_bpf__destroy(skel);
	skel = s;
	return 0;
}

/* An AF_XDP socket in copy mode on queue 0 of the namespace's loopback, good for nothing but the map. */
static int xsk_open_lo(void)
{
	enum { FRAMES = 16, FRAME = 4096 };
	void *umem = mmap(NULL, FRAMES * FRAME, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct xdp_umem_reg reg = { .addr = (uintptr_t)umem, .len = FRAMES * FRAME, .chunk_size = FRAME };
	struct sockaddr_xdp sa = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = 1 };
	int n = FRAMES, fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(umem != MAP_FAILED);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)), 0);
	assert_int_equal(setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &n, sizeof(n)), 0);
	assert_int_equal(setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &n, sizeof(n)), 0);
	assert_int_equal(setsockopt(fd, SOL_XDP, XDP_RX_RING, &n, sizeof(n)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void socket_set(void)
{
	static int xsk = -1;
	uint32_t queue = 0;

	if (xsk < 0)
		xsk = xsk_open_lo();
	assert_int_equal(bpf_map__update_elem(skel->maps.xsks, &queue, sizeof(queue), &xsk, sizeof(xsk), 0), 0);
}

static int group_setup(void **state)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	cleanup_close int fd = -1;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0 ? -errno : 0;
}

static int group_teardown(void **state)
{
	(void)state;
	gate_bpf__destroy(skel);
	return 0;
}

/* ---- CHECK ------------------------------------------------------------------------------------- */

static void counts_read(uint64_t ret_counts[DROP_REASON_MAX])
{
	int cpus = libbpf_num_possible_cpus();
	cleanup_free uint64_t *per_cpu = calloc((size_t)cpus, sizeof(*per_cpu));

	assert_non_null(per_cpu);
	for (uint32_t r = 0; r < DROP_REASON_MAX; r++) {
		assert_int_equal(bpf_map__lookup_elem(skel->maps.drops, &r, sizeof(r), per_cpu,
						      (size_t)cpus * sizeof(*per_cpu), 0), 0);
		ret_counts[r] = 0;
		for (int c = 0; c < cpus; c++)
			ret_counts[r] += per_cpu[c];
	}
}

/*
 * The kernel wants at least 14 bytes of input. So a shorter frame is run as the end of a longer one,
 * whose first bytes are declared metadata; kernels that refuse this too (seen with 6.18) say -EINVAL.
 * Returns the XDP action, or -errno.
 */
static int gate_run(const uint8_t *frame, size_t len)
{
	static uint8_t in[META_LEN + SUPER_LEN], out[META_LEN + SUPER_LEN];
	size_t meta = len < ETH_HLEN ? META_LEN : 0;
	struct xdp_md md = { .data = (uint32_t)meta, .data_end = (uint32_t)(meta + len) };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = (uint32_t)(meta + len),
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &md, .ctx_size_in = sizeof(md));
	int r;

	memcpy(in + meta, frame, len);
	r = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.gate), &opts);
	return r < 0 ? r : (int)opts.retval;
}

static void check(const char *name, const uint8_t *frame, size_t len, enum drop_reason want)
{
	uint64_t before[DROP_REASON_MAX], after[DROP_REASON_MAX];
	int action;

	counts_read(before);
	action = gate_run(frame, len);
	counts_read(after);
	if (len < ETH_HLEN && action == -EINVAL)
		return;
	if (action != (want == REDIRECTED ? XDP_REDIRECT : XDP_DROP))
		fail_msg("%s, %zu bytes: action %d", name, len, action);
	for (unsigned int r = 0; r < DROP_REASON_MAX; r++)
		if (after[r] - before[r] != (r == want && want != REDIRECTED))
			fail_msg("%s, %zu bytes: counter %u moved by %llu, expected reason %d", name, len, r,
				 (unsigned long long)(after[r] - before[r]), (int)want);
}

/* ---- cases ------------------------------------------------------------------------------------- */

static void test_whole(void **state)
{
	(void)state;
	assert_int_equal(gate_load(0, 0, 0), 0);
	socket_set();
	for (int i = 0; i < PKTS; i++)
		check(pkts[i].name, pkts[i].b, pkts[i].len, REDIRECTED);
}

static void test_no_socket(void **state)
{
	(void)state;
	assert_int_equal(gate_load(0, 0, 0), 0);
	for (int i = 0; i < PKTS; i++)
		check(pkts[i].name, pkts[i].b, pkts[i].len, DROP_GATE_NO_SOCKET);
}

/* Every frame cut at every byte: short as long as a header is missing that the gate reads. */
static void test_truncated(void **state)
{
	(void)state;
	assert_int_equal(gate_load(0, 0, 0), 0);
	socket_set();
	for (int i = 0; i < PKTS; i++)
		for (size_t len = 0; len <= pkts[i].len; len++)
			check(pkts[i].name, pkts[i].b, len, len < pkts[i].needs ? DROP_GATE_SHORT : REDIRECTED);
}

static void test_changed(void **state)
{
	static const struct {
		const char *name;
		enum pkt_id pkt;
		struct { uint8_t at, val; } set[4];	/* at 0: end of the list */
		enum drop_reason want;
	} t[] = {
		/*  1 */ { "destination MAC is free", TCP4, { { 1, 0xff } }, REDIRECTED },
		/*  2 */ { "source MAC of the gateway", TCP4, { { 11, 1 } }, DROP_GATE_MAC },
		/*  3 */ { "MAC is judged before the type", TCP4, { { 11, 1 }, { 12, 0x99 } }, DROP_GATE_MAC },
		/*  4 */ { "802.1Q tag", TCP4, { { 12, 0x81 } }, DROP_GATE_TYPE },
		/*  5 */ { "802.1ad tag", TCP6, { { 12, 0x88 }, { 13, 0xa8 } }, DROP_GATE_TYPE },
		/*  6 */ { "802.3 length, LLC", TCP4, { { 12, 0x00 }, { 13, 0x40 } }, DROP_GATE_TYPE },
		/*  7 */ { "MPLS", TCP4, { { 12, 0x88 }, { 13, 0x47 } }, DROP_GATE_TYPE },
		/*  8 */ { "EAPOL", TCP4, { { 12, 0x88 }, { 13, 0x8e } }, DROP_GATE_TYPE },
		/*  9 */ { "RARP", ARP, { { 12, 0x80 }, { 13, 0x35 } }, DROP_GATE_TYPE },
		/* 10 */ { "type 0xffff", TCP4, { { 12, 0xff }, { 13, 0xff } }, DROP_GATE_TYPE },
		/* 11 */ { "IPv6 bytes called IPv4", TCP6, { { 12, 0x08 }, { 13, 0 } }, DROP_GATE_SOURCE },
		/* 12 */ { "IPv4 bytes called IPv6", DHCP4, { { 12, 0x86 }, { 13, 0xdd } }, DROP_GATE_SHORT },
		/* 13 */ { "IPv4 source of the gateway", TCP4, { { 29, 1 } }, DROP_GATE_SOURCE },
		/* 14 */ { "IPv4 loopback", TCP4, { { 26, 127 } }, DROP_GATE_SOURCE },
		/* 15 */ { "IPv4 broadcast", DHCP4, { { 26, 255 }, { 27, 255 }, { 28, 255 }, { 29, 255 } },
			   DROP_GATE_SOURCE },
		/* 16 */ { "unset IPv4, TCP", DHCP4, { { 23, 6 } }, DROP_GATE_SOURCE },
		/* 17 */ { "unset IPv4, other source port", DHCP4, { { 35, 69 } }, DROP_GATE_SOURCE },
		/* 18 */ { "unset IPv4, other source port", DHCP4, { { 34, 1 } }, DROP_GATE_SOURCE },
		/* 19 */ { "unset IPv4, DNS", DHCP4, { { 37, 53 } }, DROP_GATE_SOURCE },
		/* 20 */ { "unset IPv4, other port", DHCP4, { { 36, 67 } }, DROP_GATE_SOURCE },
		/* 21 */ { "unset IPv4, options", DHCP4, { { 14, 0x46 } }, DROP_GATE_SOURCE },
		/* 22 */ { "unset IPv4, version 6", DHCP4, { { 14, 0x65 } }, DROP_GATE_SOURCE },
		/* 23 */ { "unset IPv4, more fragments", DHCP4, { { 20, 0x20 } }, DROP_GATE_SOURCE },
		/* 24 */ { "unset IPv4, fragment offset", DHCP4, { { 21, 1 } }, DROP_GATE_SOURCE },
		/* 25 */ { "unset IPv4, fragment offset", DHCP4, { { 20, 0x01 } }, DROP_GATE_SOURCE },
		/* 26 */ { "ARP for another address", ARP, { { 31, 1 } }, DROP_GATE_SOURCE },
		/* 27 */ { "ARP probe", ARP, { { 28, 0 }, { 29, 0 }, { 30, 0 }, { 31, 0 } }, DROP_GATE_SOURCE },
		/* 28 */ { "ARP with another MAC inside", ARP, { { 27, 1 } }, DROP_GATE_SOURCE },
		/* 29 */ { "ARP reply", ARP, { { 21, 2 } }, REDIRECTED },
		/* 30 */ { "neighbour prefix", TCP6, { { 28, 1 } }, DROP_GATE_SOURCE },
		/* 31 */ { "link-local TCP", TCP6, { { 22, 0xfe }, { 23, 0x80 } }, DROP_GATE_SOURCE },
		/* 32 */ { "febf::/16 is link-local too", RS6, { { 23, 0xbf } }, REDIRECTED },
		/* 33 */ { "fec0::/10 is not", RS6, { { 23, 0xc0 } }, DROP_GATE_SOURCE },
		/* 34 */ { "fe40:: is not", RS6, { { 23, 0x40 } }, DROP_GATE_SOURCE },
		/* 35 */ { "::1 is not ::", NS6, { { 37, 1 } }, DROP_GATE_SOURCE },
		/* 36 */ { "::ffff:0:0 is not ::", NS6, { { 32, 0xff }, { 33, 0xff } }, DROP_GATE_SOURCE },
		/* 37 */ { "unset IPv6, echo", NS6, { { 54, 128 } }, DROP_GATE_SOURCE },
		/* 38 */ { "link-local router advertisement", RS6, { { 54, 134 } }, DROP_GATE_SOURCE },
		/* 39 */ { "link-local redirect", RS6, { { 54, 137 } }, DROP_GATE_SOURCE },
		/* 40 */ { "unset IPv6, TCP", NS6, { { 20, 6 } }, DROP_GATE_SOURCE },
		/* 41 */ { "unset IPv6, hop-by-hop", NS6, { { 20, 0 } }, DROP_GATE_SOURCE },
		/* 42 */ { "unset IPv6, fragment", NS6, { { 20, 44 } }, DROP_GATE_SOURCE },
		/* 43 */ { "link-local, DNS", DHCP6, { { 56, 0 }, { 57, 53 } }, DROP_GATE_SOURCE },
		/* 44 */ { "link-local, from DHCP server's port", DHCP6, { { 55, 0x23 } }, DROP_GATE_SOURCE },
		/* 45 */ { "IPv6 multicast source", TCP6, { { 22, 0xff }, { 23, 0x02 } }, DROP_GATE_SOURCE },
		/* 46 */ { "what follows a right source is the worker's", TCP4, { { 14, 0x4f }, { 23, 99 } },
			   REDIRECTED },
		/* 47 */ { "what follows a right source is the worker's", TCP6, { { 20, 0 } }, REDIRECTED },
	};

	(void)state;
	assert_int_equal(gate_load(0, 0, 0), 0);
	socket_set();
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint8_t b[FRAME_MAX];
		char name[96];

		memcpy(b, pkts[t[i].pkt].b, sizeof(b));
		for (size_t k = 0; k < 4 && t[i].set[k].at; k++)
			b[t[i].set[k].at] = t[i].set[k].val;
		snprintf(name, sizeof(name), "row %zu, %s", i + 1, t[i].name);
		check(name, b, pkts[t[i].pkt].len, t[i].want);
	}
}

/* One flipped bit anywhere in a source MAC or a source address is another source. */
static void test_every_bit(void **state)
{
	static const struct {
		enum pkt_id pkt;
		uint8_t from, to;
		enum drop_reason want;
	} t[] = {
		{ TCP4, 6, 12, DROP_GATE_MAC },	   { TCP6, 6, 12, DROP_GATE_MAC },
		{ ARP, 6, 12, DROP_GATE_MAC },	   { TCP4, 26, 30, DROP_GATE_SOURCE },
		{ TCP6, 22, 38, DROP_GATE_SOURCE }, { ARP, 22, 32, DROP_GATE_SOURCE },
		{ DHCP4, 26, 30, DROP_GATE_SOURCE }, { NS6, 22, 38, DROP_GATE_SOURCE },
	};

	(void)state;
	assert_int_equal(gate_load(0, 0, 0), 0);
	socket_set();
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (size_t at = t[i].from; at < t[i].to; at++)
			for (unsigned int bit = 0; bit < 8; bit++) {
				uint8_t b[FRAME_MAX];

				memcpy(b, pkts[t[i].pkt].b, sizeof(b));
				b[at] ^= (uint8_t)(1u << bit);
				check(pkts[t[i].pkt].name, b, pkts[t[i].pkt].len, t[i].want);
			}
}

/* 1 frame per second and 5 at once: five pass, the sixth does not, a refused frame costs nothing. */
static void test_budget(void **state)
{
	const struct pkt *p = &pkts[TCP4];
	uint8_t spoofed[FRAME_MAX];

	(void)state;
	assert_int_equal(gate_load(0, 1, 5), 0);
	socket_set();
	memcpy(spoofed, p->b, sizeof(spoofed));
	spoofed[29] = 77;
	for (int i = 0; i < 20; i++)
		check("spoofed", spoofed, p->len, DROP_GATE_SOURCE);
	for (int i = 0; i < 5; i++)
		check("burst", p->b, p->len, REDIRECTED);
	for (int i = 0; i < 20; i++)
		check("over", p->b, p->len, DROP_GATE_BUDGET);
}

/* The bucket fills again: one frame per 100 ms passes one in a while, and no more than was earned. */
static void test_budget_refill(void **state)
{
	const struct pkt *p = &pkts[TCP4];
	int passed = 0;

	(void)state;
	assert_int_equal(gate_load(0, 10, 1), 0);
	socket_set();
	for (int i = 0; i < 120; i++) {		/* 360 ms: 3 earned and the first, more if we are late */
		passed += gate_run(p->b, p->len) == XDP_REDIRECT;
		usleep(3000);
	}
	assert_in_range(passed, 4, 20);
}

/* The most that can be asked for, and zero in either field, do not wrap or divide by zero. */
static void test_budget_extremes(void **state)
{
	static const struct {
		uint32_t pps, burst;
		int least;		/* of 100 frames in a row */
	} t[] = {
		{ 0, 0, 100 }, { 0, 1, 100 }, { UINT32_MAX, UINT32_MAX, 100 }, { UINT32_MAX, 0, 100 },
		{ 1, UINT32_MAX, 100 }, { 1, 0, 1 }, { 1000000000, 1, 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int passed = 0;

		assert_int_equal(gate_load(0, t[i].pps, t[i].burst), 0);
		socket_set();
		for (int k = 0; k < 100; k++)
			passed += gate_run(pkts[TCP4].b, pkts[TCP4].len) == XDP_REDIRECT;
		assert_in_range(passed, t[i].least, 100);
	}
}

/* Loads for multi-buffer frames as well, and judges the same. Linux 5.18 on. */
static void test_frags(void **state)
{
	static uint8_t super[SUPER_LEN];

	(void)state;
	assert_int_equal(gate_load(BPF_F_XDP_HAS_FRAGS, 0, 0), 0);
	socket_set();
	for (int i = 0; i < PKTS; i++)
		for (size_t len = 0; len <= pkts[i].len; len++)
			check(pkts[i].name, pkts[i].b, len, len < pkts[i].needs ? DROP_GATE_SHORT : REDIRECTED);
	memcpy(super, pkts[TCP4].b, pkts[TCP4].len);
	check("super-frame", super, sizeof(super), REDIRECTED);
	super[29]++;
	check("spoofed super-frame", super, sizeof(super), DROP_GATE_SOURCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	      cmocka_unit_test(test_no_socket),
		cmocka_unit_test(test_truncated),     cmocka_unit_test(test_changed),
		cmocka_unit_test(test_every_bit),     cmocka_unit_test(test_budget),
		cmocka_unit_test(test_budget_refill), cmocka_unit_test(test_budget_extremes),
		cmocka_unit_test(test_frags),
	};

	if (geteuid() != 0) {
		puts("1..0 # SKIP needs root: loads a BPF program");
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("gate", tests, group_setup, group_teardown);
}
