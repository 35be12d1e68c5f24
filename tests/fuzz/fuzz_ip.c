/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of the sandbox against the whole worker but lwIP: Ethernet, ARP, IP, fragments, ICMP, ND,
 * UDP, DNS, DHCP, and egress's verdicts in between.
 *
 * The input is a list of records: how, length (two bytes), bytes. `how` says which fields are put
 * right first, so that the fuzzer need not guess addresses: bit 0 Ethernet, bit 1 IPv4, bit 2 IPv6,
 * bit 3 frames in segments (first record only); bits 6..7: what egress says afterwards to all it was
 * asked (nothing, allow, deny, fail). Every frame that comes out must be sound.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/msg.h"
#include "lib/rd.h"
#include "tests/unit/world.h"

enum { HOW_ETH = 1, HOW_IP4 = 2, HOW_IP6 = 4, HOW_SEGMENTS = 8 };

static void patch(uint8_t how, size_t len)
{
	uint8_t *h = frame + 14;

	if (!(how & HOW_ETH) || len < 14)
		return;
	memcpy(frame + 6, w.s.cfg.sb_mac, 6);
	if ((how & HOW_IP4) && len >= 34) {
		frame[12] = 8;
		frame[13] = 0;
		h[0] = 0x45;
		h[2] = (uint8_t)((len - 14) >> 8);
		h[3] = (uint8_t)(len - 14);
		h[6] &= 0x3f;
		memcpy(h + 12, w.s.cfg.sb4.b + 12, 4);
	} else if ((how & HOW_IP6) && len >= 54) {
		frame[12] = 0x86;
		frame[13] = 0xdd;
		h[0] = 0x60;
		h[4] = (uint8_t)((len - 54) >> 8);
		h[5] = (uint8_t)(len - 54);
		memcpy(h + 8, w.s.cfg.sb6.b, 16);
	}
}

static void answer(uint8_t how, const void *buf)
{
	const struct proto_ask_flow *ask = buf;
	const struct proto_ask_name *name = buf;
	struct proto_answer a;
	int p[2];

	if (proto_type(buf) == PROTO_ASK_NAME) {
		PROTO_INIT(&a, PROTO_ANSWER);
		a.id = name->id;
		a.rcode = how >> 6 == 3 ? 2 : 0;
		a.ede = how >> 6 == 2 ? 18 : 0xffff;
		a.n_addrs = (uint8_t)(name->name[0] % (PROTO_ADDRS_MAX + 1));
		for (uint8_t i = 0; i < a.n_addrs; i++)
			a.addrs[i] = name->qtype == 1 ? w.s.cfg.gw4 : w.s.cfg.gw6;
		egress_send(&a, sizeof(a), -1);
	} else if (proto_type(buf) == PROTO_ASK_FLOW) {
		if (how >> 6 == 2)
			egress_verdict(ask->id, PROTO_DENY, DROP_POLICY_DEFAULT, 0, -1);
		else if (how >> 6 == 3)
			egress_verdict(ask->id, PROTO_FAIL, DROP_NONE, ECONNREFUSED, -1);
		else if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p) == 0) {
			/* It sends itself what it sent: the way back is fuzzed with the same bytes. */
			uint8_t b[64];
			ssize_t n;

			egress_verdict(ask->id, PROTO_ALLOW, DROP_NONE, 0, p[0]);
			n = recv(p[1], b, sizeof(b), MSG_DONTWAIT);
			if (n > 0)
				(void)!send(p[1], b, (size_t)n, MSG_DONTWAIT);
			world_step();
			close(p[1]);
		}
	}
}

static void serve_egress(uint8_t how)
{
	_Alignas(8) uint8_t buf[PROTO_MSG_MAX];

	if (how >> 6 == 0)
		return;
	while (msg_recv(w.egress, buf, sizeof(buf), NULL, NULL) > 0)
		answer(how, buf);
}

static void check_all(void)
{
	size_t n;

	while ((n = world_out()) > 0) {
		if (out[12] == 8 && out[13] == 6)
			continue;
		check_out(n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int open_how = -1;
	struct rd r = rd_init(data, size);

	/* One world for all inputs; time makes it forget what the last one left. */
	if (!size)
		return 0;
	if (open_how != (data[0] & HOW_SEGMENTS)) {
		if (open_how >= 0)
			world_close();
		open_how = data[0] & HOW_SEGMENTS;
		world_open(1500, open_how);
	}
	while (rd_left(&r)) {
		uint8_t how;
		uint16_t len;
		const uint8_t *b;

		if (!rd_u8(&r, &how) || !rd_be16(&r, &len))
			break;
		if (len > rd_left(&r))
			len = (uint16_t)rd_left(&r);
		b = rd_bytes(&r, len);
		memcpy(frame, b, len);
		patch(how, len);
		world_in(frame, len);
		serve_egress(how);
		check_all();
		w.now += 50 * NS_PER_MS;
	}
	for (int i = 0; i < 3; i++) {
		w.now += 200 * NS_PER_S;
		world_step();
		serve_egress(2 << 6);
		check_all();
	}
	assert(w.s.flows.used == 0);
	return 0;
}
