/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_tx: one TCP segment of lwIP becomes one frame at the port.
 *
 * Comes in: a pbuf chain, TCP header first, with room for Ethernet and IP headers before it. Goes out: a
 * frame by reference, with a partial checksum, larger than the link's MTU when the port can have the
 * kernel cut it (GSO). Headers are written into the headroom by hand: pbuf_add_header() counts in 16
 * bits and would refuse a full super-frame.
 *
 * The port may read the memory until its done callback, which can be after the sandbox acknowledged it
 * and lwIP let go: the chain keeps one reference, and each chunk that it points into another.
 *
 * A full port takes nothing: lwIP hears an error, keeps data queued and tries again when world_retry()
 * says so. What it would not keep is kept here: an acknowledgement is owed (want_ack), a RST goes to the
 * queue of stack/ip/output.c. So no segment towards the sandbox is ever lost; lwIP would take 1.5 s to
 * notice.
 */
#include "stack/ip/tcp_tx.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/clock.h"
#include "stack/ip/output.h"
#include "stack/ip/tcp_world.h"

static bool blocked;

/* For a chain of more pieces than a port takes; used up when port_tx() returns. */
static uint8_t flat[FRAME_LEN_MAX];

bool tcp_tx_blocked(void)
{
	return blocked;
}

void tcp_tx_retry(void)
{
	blocked = false;
}

static void sent(void *arg)
{
	struct pbuf *p = arg;

	for (struct pbuf *q = p; q; q = q->next) {
		int i = chunk_of(q->payload);

		if (i >= 0)
			chunk_put(i);
	}
	pbuf_free(p);
}

static void hold(struct pbuf *p)
{
	pbuf_ref(p);
	for (struct pbuf *q = p; q; q = q->next) {
		int i = chunk_of(q->payload);

		if (i >= 0)
			chunk_get(i);
	}
}

/* The connection a segment is of: lwIP's timers do not tell. */
static struct tcp_conn *conn_of(struct stack *s, const uint8_t *tcp, const struct addr *src,
				const struct addr *dst)
{
	struct flow_key k = { .src = *dst, .dst = *src, .proto = IPPROTO_TCP };
	struct flow *f;

	if (world_conn())
		return world_conn();
	k.sport = get_be16(tcp + 2);
	k.dport = get_be16(tcp);
	f = flow_find(&s->flows, &k);
	return f ? f->tcp : NULL;
}

/* lwIP offers its own large MSS; the sandbox shall see what fits its link. */
static void announce_mss(const struct stack *s, uint8_t *tcp, bool v4)
{
	uint32_t mss = s->port->mtu - (v4 ? 40 : 60);

	if (get_be16(tcp + TCP_HEAD) == 0x0204)	/* kind 2, length 4 */
		put_be16(tcp + TCP_HEAD + 2, mss < 65535 ? mss : 65535);
}

/* Fills iov with the chain behind its headers, or with a flat copy. Returns the number of pieces. */
static int gather(struct pbuf *p, size_t hlen, struct iovec *iov, bool *ret_flat)
{
	int n = 1;

	*ret_flat = false;
	iov[0] = (struct iovec){ (uint8_t *)p->payload - hlen, hlen + p->len };
	for (struct pbuf *q = p->next; q; q = q->next) {
		if (q->len == 0)
			continue;
		if (n == PORT_TX_IOV_MAX) {
			*ret_flat = true;
			memcpy(flat, iov[0].iov_base, hlen);
			pbuf_copy_partial(p, flat + hlen, p->tot_len, 0);
			iov[0] = (struct iovec){ flat, hlen + p->tot_len };
			return 1;
		}
		iov[n++] = (struct iovec){ q->payload, q->len };
	}
	return n;
}

/* The port is full. What lwIP itself would forget is remembered for it. */
static err_t port_full(struct stack *s, struct tcp_conn *c, const struct iovec *iov, int n,
		       uint8_t flags, enum drop_reason why)
{
	if (flags & TH_RST)
		return output_frame(s, iov, n, c ? c->flow : NULL, why) < 0 ? ERR_MEM : ERR_OK;
	blocked = true;
	if (c)
		c->want_ack = true;
	return ERR_MEM;
}

/* A checksum that the port or the sandbox's kernel completes; whole for frames that are copied about. */
static void checksum(struct tx_frame *tx, uint8_t *tcp, const struct addr *src, const struct addr *dst,
		     size_t l4_len, size_t hlen)
{
	uint16_t sum = (uint16_t)~csum_fold(csum_pseudo(src, dst, IPPROTO_TCP, (uint32_t)l4_len));

	memcpy(tcp + 16, &sum, 2);
	tx->csum_start = (uint16_t)hlen;
	tx->csum_offset = 16;
}

static void checksum_whole(uint8_t *tcp, const struct addr *src, const struct addr *dst, size_t len)
{
	uint16_t sum = 0;

	memcpy(tcp + 16, &sum, 2);
	sum = csum_fold(csum_add(csum_pseudo(src, dst, IPPROTO_TCP, (uint32_t)len), tcp, len));
	memcpy(tcp + 16, &sum, 2);
}

err_t tcp_segment_output(struct pbuf *p, const struct addr *src, const struct addr *dst)
{
	struct stack *s = world_stack();
	uint8_t *tcp = p->payload;
	struct tcp_conn *c = conn_of(s, tcp, src, dst);
	bool v4 = addr_is_v4(dst), is_flat;
	uint8_t flags = tcp[13] & 0x3f;
	size_t head = (size_t)(tcp[12] >> 4) * 4, hlen;
	struct iovec iov[PORT_TX_IOV_MAX];
	struct tx_frame tx = { .iov = iov };
	int r;

	if (flags & TH_SYN)
		announce_mss(s, tcp, v4);
	hlen = ip_output_header(s, tcp, src, dst, IPPROTO_TCP, p->tot_len, 0, 0);
	if (flags & TH_RST)
		checksum_whole(tcp, src, dst, p->tot_len);
	else
		checksum(&tx, tcp, src, dst, p->tot_len, hlen);
	tx.n_iov = gather(p, hlen, iov, &is_flat);
	tx.len = (uint32_t)(hlen + p->tot_len);
	if (c && c->mss && p->tot_len - head > c->mss) {
		tx.gso = v4 ? FRAME_GSO_TCP4 : FRAME_GSO_TCP6;
		tx.gso_size = c->mss;
		tx.hdr_len = (uint16_t)(hlen + head);
	}
	if (!is_flat) {
		tx.done = sent;
		tx.arg = p;
		hold(p);
	}
	r = port_tx(s->port, &tx);
	if (r < 0) {
		if (!is_flat)
			sent(p);
		if (r == -EAGAIN)
			return port_full(s, c, iov, tx.n_iov, flags, world_why());
		s->drops[DROP_PORT_ERROR]++;
		return ERR_IF;
	}
	if (c && c->pcb && p->tot_len > head && TCP_SEQ_LT(get_be32(tcp + 4), c->pcb->snd_nxt))
		s->counters.retransmits++;
	if (c)
		tcp_conn_sent(c, p->tot_len - head, !world_conn());
	if (s->rec)
		record_packet(s->rec, RECORD_TO_SANDBOX, clock_wall_ns(), iov, tx.n_iov, "sent",
			      world_why(), c ? c->flow : NULL);
	return ERR_OK;
}
