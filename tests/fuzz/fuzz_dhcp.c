/* SPDX-License-Identifier: Apache-2.0 */
/* DHCP messages: the input replaces options (and, with its first bit, everything) of a good one. */
#include <netinet/in.h>
#include <string.h>

#include "tests/unit/world.h"

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t u[8 + 1460];
	static bool open;
	size_t at, len;

	if (!open) {
		world_open(1500, false);
		open = true;
	}
	if (!size || size > 1000)
		return 0;
	memset(u, 0, sizeof(u));
	memcpy(u + 8, "\1\1\6", 3);
	memcpy(u + 8 + 28, w.s.cfg.sb_mac, 6);
	memcpy(u + 8 + 236, "\x63\x82\x53\x63", 4);
	at = data[0] & 1 ? 8 : 8 + 240;
	memcpy(u + at, data + 1, size - 1);
	len = at + size - 1;
	u[1] = 68;
	u[3] = 67;
	u[4] = (uint8_t)(len >> 8);
	u[5] = (uint8_t)len;
	world_in(frame, make_ip(data[0] & 2 ? "0.0.0.0" : NULL,
				data[0] & 2 ? "255.255.255.255" : LINK_GW4, IPPROTO_UDP, u, len));
	len = world_out();
	if (len) {
		/* An answer names no address but ours, and only to the one who asked. */
		at = check_out(len);
		check(memcmp(out + at + 8 + 16, w.s.cfg.sb4.b + 12, 4) == 0 ||
		      memcmp(out + at + 8 + 16, "\0\0\0\0", 4) == 0);
		check(memcmp(out + at + 8 + 28, w.s.cfg.sb_mac, 6) == 0);
		check(world_out() == 0);
	}
	return 0;
}
