/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about how the wire of bench/ cuts super-frames: headers of every part, and that no byte is missing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <linux/virtio_net.h>

#include "bench/wire_cut.h"

enum { MSS = 1448, FLAGS = 0x80 | 0x10 | 0x08 | 0x01, SEQ = (int)0xfffff000 };

static uint8_t frame[CUT_FRAME_MAX], out[CUT_FRAME_MAX];

static uint32_t get(const uint8_t *p, int n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static void put(uint8_t *p, int n, uint32_t v)
{
	for (; n; v >>= 8)
		p[--n] = (uint8_t)v;
}

static uint32_t ones(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i += 2)
		sum += get(p + i, 2);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* A super-frame with TCP timestamps: 32 bytes of TCP header. */
static size_t make(int version, size_t payload)
{
	size_t ip_len = version == 4 ? 20 : 40, len = CUT_VNET + 14 + ip_len + 32 + payload;
	uint8_t *ip = frame + CUT_VNET + 14, *tcp = ip + ip_len;
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_size = MSS,
				    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .csum_offset = 16 };

	memset(frame, 0, sizeof(frame));
	h.csum_start = (uint16_t)(14 + ip_len);
	if (version == 6)
		h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN;
	memcpy(frame, &h, CUT_VNET);
	ip[0] = version == 4 ? 0x45 : 0x60;
	if (version == 4) {
		put(ip + 2, 2, (uint32_t)(ip_len + 32 + payload));
		put(ip + 4, 2, 0xfffe);
		put(ip + 8, 2, 64 << 8 | 6);
		put(ip + 12, 4, 0xc6336414);
		put(ip + 16, 4, 0xcb007142);
		put(ip + 10, 2, ~ones(ip, 20, 0) & 0xffff);
	} else {
		put(ip + 4, 2, (uint32_t)(32 + payload));
		put(ip + 6, 2, 6 << 8 | 64);
		memset(ip + 8, 0xa5, 32);
	}
	put(tcp + 4, 4, (uint32_t)SEQ);
	tcp[12] = 8 << 4;
	tcp[13] = FLAGS;
	for (size_t i = 0; i < payload; i++)
		tcp[32 + i] = (uint8_t)(i * 7 + i / 256);
	return len;
}

static void check_part(int version, const struct cut *c, unsigned int first, unsigned int n)
{
	size_t ip_len = version == 4 ? 20 : 40, len = cut_make(frame, c, first, n, out);
	size_t from = (size_t)first * MSS, want = (size_t)n * MSS;
	uint8_t *ip = out + CUT_VNET + 14, *tcp = ip + ip_len;
	uint32_t pseudo;
	struct virtio_net_hdr h;

	if (want > c->payload - from)
		want = c->payload - from;
	assert_int_equal(len, c->head + want);
	assert_memory_equal(tcp + 32, frame + c->head + from, want);
	assert_int_equal(cut_link_bytes(c, first, n), want + n * (c->head - CUT_VNET));
	memcpy(&h, out, CUT_VNET);
	assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(h.csum_start, 14 + ip_len);
	assert_int_equal(h.gso_size, n > 1 ? MSS : 0);
	assert_int_equal(h.gso_type == VIRTIO_NET_HDR_GSO_NONE, n == 1);
	assert_int_equal(get(tcp + 4, 4), (uint32_t)((uint32_t)SEQ + from));
	assert_int_equal(tcp[13] & 0x09, first + n == c->packets ? 0x09 : 0);	/* FIN and PSH with the last */
	assert_int_equal(tcp[13] & 0x80, first ? 0 : 0x80);			/* CWR with the first */
	if (version == 4) {
		assert_int_equal(get(ip + 2, 2), 52 + want);
		assert_int_equal(get(ip + 4, 2), (0xfffe + first) & 0xffff);
		assert_int_equal(ones(ip, 20, 0), 0xffff);
		pseudo = ones(ip + 12, 8, (uint32_t)(32 + want + 6));
	} else {
		assert_int_equal(get(ip + 4, 2), 32 + want);
		pseudo = ones(ip + 8, 32, (uint32_t)(32 + want + 6));
	}
	if (n < c->packets)
		assert_int_equal(get(tcp + 16, 2), pseudo);
}

static void test_parts(void **state)
{
	static const size_t payloads[] = { MSS + 1, 2 * MSS, 10 * MSS - 1, 44 * MSS };

	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
			size_t len = make(version, payloads[i]);
			struct cut c = cut_plan(frame, len);

			assert_int_equal(c.packets, (payloads[i] + MSS - 1) / MSS);
			assert_int_equal(c.payload, payloads[i]);
			for (unsigned int first = 0; first < c.packets; first++) {
				for (unsigned int n = 1; first + n <= c.packets; n++)
					check_part(version, &c, first, n);
			}
			assert_int_equal(cut_make(frame, &c, 0, c.packets, out), len);
			assert_memory_equal(out, frame, len);
		}
	}
}

/* What is no TCP super-frame stays whole, also when its header promises one that is not there. */
static void test_whole(void **state)
{
	struct virtio_net_hdr h;
	size_t len = make(4, 3 * MSS);
	struct cut c;

	(void)state;
	memcpy(&h, frame, CUT_VNET);
	for (int i = 0; i < 6; i++) {
		struct virtio_net_hdr bad = h;
		size_t n = len;

		make(4, 3 * MSS);
		switch (i) {
		case 0: bad.gso_type = VIRTIO_NET_HDR_GSO_NONE; break;
		case 1: bad.gso_type = VIRTIO_NET_HDR_GSO_UDP; break;
		case 2: bad.gso_size = 0; break;
		case 3: bad.csum_start = 0; break;
		case 4: bad.csum_start = 0xfff0; break;
		default: n = 60; break;
		}
		memcpy(frame, &bad, CUT_VNET);
		c = cut_plan(frame, n);
		assert_int_equal(c.packets, 1);
		assert_int_equal(cut_make(frame, &c, 0, 1, out), n);
		assert_memory_equal(out, frame, n);
		assert_int_equal(cut_link_bytes(&c, 0, 1), n - CUT_VNET);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_whole),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("wire_cut", tests, NULL, NULL);
}
