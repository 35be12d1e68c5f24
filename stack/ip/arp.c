/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arp: answers "who has" for every address but the sandbox's own (RFC 826; proxy ARP, RFC 1027).
 *
 * The link is point to point: whatever the sandbox believes to be on it, the gateway is there. Nothing
 * is learnt: the sandbox's address and MAC are configured, so there is no cache to poison.
 * Announcements, replies and probes (RFC 5227 s. 2.1.1, sender 0.0.0.0) are let through and ignored: an
 * answer to a probe would mean "this address is taken".
 */
#include <errno.h>
#include <string.h>

#include "lib/rd.h"
#include "stack/ip/output.h"

enum {
	ARP_LEN = 28,			/* Ethernet and IPv4 */
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
	ETH_MIN = 60,			/* without the check sequence: shorter frames are padded */
};

struct arp {
	uint16_t op;
	uint8_t sha[6], spa[4], tha[6], tpa[4];
};

static int arp_parse(struct rd *r, struct arp *ret_a)
{
	uint16_t hrd, pro;
	uint8_t hln, pln;
	struct arp a;

	if (!rd_be16(r, &hrd) || !rd_be16(r, &pro) || !rd_u8(r, &hln) || !rd_u8(r, &pln))
		return -EBADMSG;
	if (hrd != 1 || pro != ETH_TYPE_IP4 || hln != 6 || pln != 4)
		return -EBADMSG;
	if (!rd_be16(r, &a.op) || !rd_copy(r, a.sha, 6) || !rd_copy(r, a.spa, 4) ||
	    !rd_copy(r, a.tha, 6) || !rd_copy(r, a.tpa, 4))
		return -EBADMSG;
	*ret_a = a;
	return 0;
}

static void arp_reply(struct stack *s, const struct arp *q)
{
	static const uint8_t head[8] = { 0, 1, 8, 0, 6, 4, 0, ARP_REPLY };
	uint8_t frame[ETH_MIN] = { 0 };
	uint8_t *p = frame + ETH_HEAD;
	struct iovec iov = { frame, sizeof(frame) };

	output_eth_header(s, frame, ETH_TYPE_ARP);
	memcpy(p, head, 8);
	memcpy(p + 8, s->cfg.gw_mac, 6);
	memcpy(p + 14, q->tpa, 4);
	memcpy(p + 18, q->sha, 6);
	memcpy(p + 24, q->spa, 4);
	output_frame(s, &iov, 1, NULL, DROP_NONE);
}

void arp_input(struct stack *s, struct frame *f)
{
	static const uint8_t zero[4];
	struct rd r = rd_init(f->seg[0].iov_base, f->seg[0].iov_len);
	struct packet p = { .frame = f };
	const uint8_t *sb = s->cfg.sb4.b + 12;
	struct arp a;

	rd_skip(&r, ETH_HEAD);
	/* What follows the 28 bytes is padding to the Ethernet minimum. */
	if (arp_parse(&r, &a) < 0 || memcmp(a.sha, s->cfg.sb_mac, 6) != 0) {
		path_drop_frame(s, f, DROP_ARP_BAD);
		return;
	}
	path_accept(s, &p, NULL);
	if (a.op != ARP_REQUEST)
		return;
	/* An announcement asks for the sender's own address; "who is 0.0.0.0" is nobody's question. */
	if (memcmp(a.tpa, sb, 4) == 0 || memcmp(a.tpa, a.spa, 4) == 0 ||
	    memcmp(a.spa, zero, 4) == 0 || memcmp(a.tpa, zero, 4) == 0)
		return;
	arp_reply(s, &a);
}
