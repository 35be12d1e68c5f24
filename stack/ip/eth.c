/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eth: the first stage, which every frame of the sandbox enters.
 *
 * Comes in: a frame from the port, of any length and content. Goes out: ARP and IP frames whose source
 * is the sandbox's own MAC address. The destination MAC is not looked at: whatever it says, the frame
 * ended here, and neighbour tables inside the sandbox are the sandbox's own business.
 */
#include <string.h>

#include "lib/rd.h"
#include "stack/ip/output.h"

void eth_input(struct stack *s, struct frame *f)
{
	struct rd r = rd_init(f->seg[0].iov_base, f->seg[0].iov_len);
	const uint8_t *macs = rd_bytes(&r, 12);
	uint16_t type = 0;

	if (!rd_be16(&r, &type) || f->len < ETH_HEAD) {
		path_drop_frame(s, f, DROP_ETH_SHORT);
		return;
	}
	if (memcmp(macs + 6, s->cfg.sb_mac, 6) != 0) {
		path_drop_frame(s, f, DROP_ETH_SOURCE);
		return;
	}
	switch (type) {
	case ETH_TYPE_ARP:
		arp_input(s, f);
		break;
	case ETH_TYPE_IP4:
	case ETH_TYPE_IP6:
		ip_input(s, f, type);
		break;
	default:	/* VLAN tags, LLDP, EAPOL, 802.3 lengths: nothing on this link speaks them */
		path_drop_frame(s, f, DROP_ETH_TYPE);
		break;
	}
}
