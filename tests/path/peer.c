/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer: a small TCP for tests. It believes nothing: every frame of the worker is checked for lengths,
 * addresses, checksum and GSO fields before its content counts.
 */
#include "tests/path/peer.h"

#include <netinet/in.h>
#include <string.h>

enum { ETH = 14, HEAD_MAX = 14 + 40 + 60 };

static uint8_t out[FRAME_LEN_MAX];

static uint32_t be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
	return be16(p) << 16 | be16(p + 2);
}

static void to16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void to32(uint8_t *p, uint32_t v)
{
	to16(p, v >> 16);
	to16(p + 2, v);
}

static const struct addr *far_addr(void)
{
	static struct addr a4, a6;

	assert_int_equal(addr_parse("192.0.2.80", &a4), 0);
	assert_int_equal(addr_parse("2001:db8::80", &a6), 0);
	return lab.opt.v6 ? &a6 : &a4;
}

/* ---- sending ------------------------------------------------------------------------------------------------ */

/* Ethernet and IP headers at out; returns where TCP goes. */
static uint8_t *ip_head(size_t l4_len)
{
	const struct proto_stack_config *c = &lab.s.cfg;
	uint8_t *ip = out + ETH;
	uint16_t sum;

	memcpy(out, c->gw_mac, 6);
	memcpy(out + 6, c->sb_mac, 6);
	if (lab.opt.v6) {
		to16(out + 12, 0x86dd);
		memset(ip, 0, 8);
		ip[0] = 0x60;
		to16(ip + 4, (uint32_t)l4_len);
		ip[6] = IPPROTO_TCP;
		ip[7] = 64;
		memcpy(ip + 8, c->sb6.b, 16);
		memcpy(ip + 24, far_addr()->b, 16);
		return ip + 40;
	}
	to16(out + 12, 0x0800);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	to16(ip + 2, (uint32_t)(20 + l4_len));
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 12, c->sb4.b + 12, 4);
	memcpy(ip + 16, far_addr()->b + 12, 4);
	sum = csum_fold(csum_add(0, ip, 20));
	memcpy(ip + 10, &sum, 2);
	return ip + 20;
}

static void push_frame(size_t len)
{
	while (port_mem_push(lab.port, out, len) != 0)
		lab_step();		/* the port's ring is full: let the worker drain it */
}

/* Bytes [off, off + len) of l4 as a fragment. */
static void fragment(const uint8_t *l4, size_t off, size_t len, bool more)
{
	static uint16_t id;
	uint8_t *to;

	if (lab.opt.v6) {
		to = ip_head(8 + len);
		out[ETH + 6] = IPPROTO_FRAGMENT;
		memset(to, 0, 8);
		to[0] = IPPROTO_TCP;
		to16(to + 2, (uint32_t)off | more);
		to16(to + 6, more ? ++id : id);
		to += 8;
	} else {
		to = ip_head(len);
		to16(out + ETH + 4, more ? ++id : id);
		to16(out + ETH + 6, (uint32_t)(off / 8) | (more ? 0x2000 : 0));
	}
	memcpy(to, l4 + off, len);
	push_frame((size_t)(to + len - out));
}

void peer_fragments(struct peer *p, uint32_t seq, uint32_t len)
{
	static uint8_t l4[8192];
	size_t first = (20 + len / 2) & ~7u;

	memset(l4, 0, 20);
	to16(l4, p->sport);
	to16(l4 + 2, p->dport);
	to32(l4 + 4, seq);
	to32(l4 + 8, p->rcv_nxt);
	l4[12] = 0x50;
	l4[13] = TH_ACK;
	to16(l4 + 14, peer_wnd_field(p));
	for (uint32_t i = 0; i < len; i++)
		l4[20 + i] = lab_byte(seq - p->iss - 1 + i);
	fragment(l4, 0, first, true);
	fragment(l4, first, 20 + len - first, false);
}

void peer_form(struct peer *p, const struct tcp_form *f)
{
	size_t head = 20 + f->n_opt;
	uint8_t *t = ip_head(head + f->len);

	memset(t, 0, 20);
	to16(t, p->sport);
	to16(t + 2, p->dport);
	to32(t + 4, f->seq);
	to32(t + 8, f->ack);
	t[12] = (uint8_t)((f->off ? f->off : head / 4) << 4);
	t[13] = f->flags;
	to16(t + 14, f->wnd);
	to16(t + 18, f->urgp);
	if (f->n_opt)
		memcpy(t + 20, f->opt, f->n_opt);
	if (f->len && f->payload != t + head)
		memcpy(t + head, f->payload, f->len);
	push_frame((size_t)(t + head + f->len - out));
}

uint16_t peer_wnd_field(const struct peer *p)
{
	uint32_t w = p->rcv_wnd;

	if (p->established && p->wscale >= 0 && p->peer_has_ws)
		w >>= p->wscale < 14 ? p->wscale : 14;
	return (uint16_t)(w < 65535 ? w : 65535);
}

void peer_segment(struct peer *p, uint32_t seq, uint8_t flags, uint32_t len)
{
	static uint8_t payload[FRAME_LEN_MAX];
	struct tcp_form f = { .seq = seq, .ack = flags & TH_ACK ? p->rcv_nxt : 0, .flags = flags,
			      .wnd = peer_wnd_field(p), .payload = payload, .len = len };

	for (uint32_t i = 0; i < len; i++)
		payload[i] = lab_byte(seq - p->iss - 1 + i);
	peer_form(p, &f);
	p->want_ack = false;
}

void peer_init(struct peer *p, uint16_t sport, uint16_t dport)
{
	*p = (struct peer){ .sport = sport, .dport = dport, .mss = 1460, .wscale = 7, .sack_ok = true,
			    .auto_ack = true, .rcv_wnd = 1 << 20, .iss = 0x10000000u + sport * 7919u };
	if (lab.opt.v6)
		p->mss = 1440;
	p->snd_nxt = p->snd_una = p->iss;
	assert_true(lab.n_peers < LAB_PEERS);
	lab.peers[lab.n_peers++] = p;
}

void peer_syn(struct peer *p)
{
	uint8_t opt[12];
	size_t n = 0;
	struct tcp_form f = { .seq = p->iss, .flags = TH_SYN, .opt = opt };

	if (p->mss) {
		opt[n++] = 2, opt[n++] = 4;
		to16(opt + n, p->mss);
		n += 2;
	}
	if (p->sack_ok)
		opt[n++] = 4, opt[n++] = 2;
	if (p->wscale >= 0)
		opt[n++] = 3, opt[n++] = 3, opt[n++] = (uint8_t)p->wscale;
	while (n % 4)
		opt[n++] = 1;
	f.n_opt = n;
	f.wnd = (uint16_t)(p->rcv_wnd < 65535 ? p->rcv_wnd : 65535);
	peer_form(p, &f);
	p->snd_nxt = p->iss + 1;
}

void peer_ack(struct peer *p)
{
	peer_segment(p, p->snd_nxt, TH_ACK, 0);
}

void peer_connect(struct peer *p)
{
	peer_syn(p);
	lab_run();
	assert_true(p->synack);
	assert_true(p->established);
}

uint32_t peer_push(struct peer *p, uint32_t len, uint32_t seg)
{
	uint32_t done = 0;

	while (done < len) {
		uint32_t room = p->snd_una + p->snd_wnd - p->snd_nxt;
		uint32_t n = len - done < seg ? len - done : seg;

		if ((int32_t)room <= 0)
			break;
		n = n < room ? n : room;
		peer_segment(p, p->snd_nxt, TH_ACK | TH_PSH, n);
		p->snd_nxt += n;
		p->tx_bytes += n;
		done += n;
	}
	return done;
}

void peer_push_all(struct peer *p, uint64_t len, uint32_t seg, int host, uint64_t *host_got)
{
	uint64_t target = p->tx_bytes + len, got = *host_got;

	for (int idle = 0; *host_got < target; idle = *host_got == got ? idle + 1 : 0) {
		uint64_t left = target - p->tx_bytes;

		got = *host_got;
		assert_true(idle < 100);
		if (idle > 4) {
			lab_pass(50, 25);
			peer_rewind(p);
		}
		peer_push(p, left < (1 << 20) ? (uint32_t)left : 1 << 20, seg);
		lab_run();
		assert_int_equal(host_read(host, host_got), 1);
		lab_run();
	}
	assert_int_equal(*host_got, target);
}

void peer_rewind(struct peer *p)
{
	p->tx_bytes -= p->snd_nxt - p->snd_una;
	p->snd_nxt = p->snd_una;
}

void peer_fin(struct peer *p)
{
	peer_segment(p, p->snd_nxt, TH_FIN | TH_ACK, 0);
	p->snd_nxt++;
}

void peer_rst(struct peer *p)
{
	peer_segment(p, p->snd_nxt, TH_RST, 0);
}

bool peer_acks(void)
{
	bool any = false;

	for (uint32_t i = 0; i < lab.n_peers; i++) {
		struct peer *p = lab.peers[i];

		if (p->want_ack && p->auto_ack) {
			peer_ack(p);
			any = true;
		}
		p->want_ack = false;
	}
	return any;
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

static void options(struct peer *p, const uint8_t *o, size_t len, bool syn)
{
	p->sacks = 0;
	for (size_t i = 0; i < len;) {
		if (o[i] == 0)
			return;
		if (o[i] == 1) {
			i++;
			continue;
		}
		assert_true(i + 1 < len && o[i + 1] >= 2 && i + o[i + 1] <= len);
		if (o[i] == 2)
			p->peer_mss = (uint16_t)be16(o + i + 2);
		if (o[i] == 3)
			p->peer_wscale = o[i + 2], p->peer_has_ws = true;
		if (o[i] == 4)
			p->peer_sack_ok = true;
		if (o[i] == 5)
			p->sacks = (uint8_t)((o[i + 1] - 2) / 8);
		assert_true(syn || o[i] == 5);
		i += o[i + 1];
	}
}

static void payload(struct peer *p, uint32_t seq, const uint8_t *b, uint32_t len, bool fin)
{
	int32_t old = (int32_t)(p->rcv_nxt - seq);

	p->want_ack = true;
	if (old < 0 || old > (int32_t)len) {
		p->rx_dups++;		/* a hole never happens: the link loses nothing */
		assert_true(old >= 0);
		return;
	}
	if (len && old == (int32_t)len)
		p->rx_dups++;
	for (uint32_t i = (uint32_t)old; i < len; i++) {
		if (p->raw) {
			if (p->rx_bytes + i - (uint32_t)old < p->raw_cap)
				p->raw[p->rx_bytes + i - (uint32_t)old] = b[i];
		} else if (b[i] != lab_byte(p->rx_bytes + i - (uint32_t)old))
			fail_msg("sandbox: byte %llu is wrong",
				 (unsigned long long)(p->rx_bytes + i - (uint32_t)old));
	}
	p->rx_bytes += len - (uint32_t)old;
	p->rcv_nxt = seq + len;
	if (len > (uint32_t)old) {
		p->rx_segs++;
		p->last_seg = len;
		p->rcv_wnd -= p->auto_ack ? 0 : len - (uint32_t)old < p->rcv_wnd ?
				     len - (uint32_t)old : p->rcv_wnd;
	}
	if (fin) {
		assert_false(p->fin);
		p->fin = true;
		p->rcv_nxt++;
	}
}

static void take_ack(struct peer *p, const uint8_t *t, bool syn)
{
	uint32_t ack = be32(t + 8), wnd = be16(t + 14);

	if ((int32_t)(ack - p->snd_una) >= 0 && (int32_t)(p->snd_nxt - ack) >= 0)
		p->snd_una = ack;
	p->snd_wnd = wnd << (!syn && p->peer_has_ws && p->wscale >= 0 ? p->peer_wscale : 0);
}

static void peer_input(struct peer *p, const uint8_t *t, size_t head, uint32_t len)
{
	uint8_t flags = t[13];
	uint32_t seq = be32(t + 4);

	p->last_flags = flags;
	p->last_seq = seq;
	p->last_ack = be32(t + 8);
	if (flags & TH_RST) {
		p->reset = true;
		p->resets++;
		return;
	}
	options(p, t + 20, head - 20, flags & TH_SYN);
	if (flags & TH_ACK)
		take_ack(p, t, flags & TH_SYN);
	if (flags & TH_SYN) {
		assert_true(flags & TH_ACK);
		assert_int_equal(p->last_ack, p->iss + 1);
		p->irs = seq;
		p->rcv_nxt = seq + 1;
		p->synack = p->established = true;
		p->want_ack = true;
		return;
	}
	if (len || flags & TH_FIN)
		payload(p, seq, t + head, len, flags & TH_FIN && !p->fin);
	else
		p->rx_acks++;
}

/* A partial checksum is the pseudo-header's sum; a whole one makes all of it zero. */
static void check_sum(const uint8_t *t, size_t len, const struct addr *src, const struct addr *dst,
		      const struct tx_frame *meta, size_t l4_off)
{
	uint32_t pseudo = csum_pseudo(src, dst, IPPROTO_TCP, (uint32_t)len);
	uint16_t want = (uint16_t)~csum_fold(pseudo), have;

	memcpy(&have, t + 16, 2);
	if (meta->csum_start) {
		assert_int_equal(meta->csum_start, l4_off);
		assert_int_equal(meta->csum_offset, 16);
		assert_int_equal(have, want);
	} else {
		assert_int_equal(csum_fold(csum_add(pseudo, t, len)), 0);
	}
}

static void check_gso(size_t frame_len, size_t l4_off, size_t head, uint32_t len,
		      const struct tx_frame *meta, const struct peer *p)
{
	if (!meta->gso) {
		assert_true(frame_len <= lab.port->mtu + 14);
		return;
	}
	assert_true(lab.port->gso);
	assert_int_equal(meta->gso, lab.opt.v6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4);
	assert_int_equal(meta->hdr_len, l4_off + head);
	assert_true(meta->gso_size + head + l4_off <= lab.port->mtu + 14);
	assert_true(len > meta->gso_size);
	if (p && p->mss >= 88)
		assert_true(meta->gso_size <= p->mss);
}

static void tcp_frame(const uint8_t *f, size_t frame_len, size_t l4_off, size_t l4_len,
		      const struct addr *src, const struct addr *dst, const struct tx_frame *meta)
{
	const uint8_t *t = f + l4_off;
	size_t head = (size_t)(t[12] >> 4) * 4;
	struct peer *p = NULL;

	assert_true(addr_eq(src, far_addr()));
	assert_true(addr_eq(dst, lab.opt.v6 ? &lab.s.cfg.sb6 : &lab.s.cfg.sb4));
	assert_true(head >= 20 && head <= l4_len);
	for (uint32_t i = lab.n_peers; i-- > 0 && !p;) {
		if (lab.peers[i]->sport == be16(t + 2) && lab.peers[i]->dport == be16(t))
			p = lab.peers[i];
	}
	check_sum(t, l4_len, src, dst, meta, l4_off);
	check_gso(frame_len, l4_off, head, (uint32_t)(l4_len - head), meta, p);
	if (p)
		peer_input(p, t, head, (uint32_t)(l4_len - head));
	else
		lab.strays++;
}

static void icmp_frame(const uint8_t *icmp, size_t len)
{
	const uint8_t *quoted = icmp + 8;

	assert_true(len >= 8 + 20 + 8);
	lab.icmp_errors++;
	lab.icmp_type = icmp[0];
	lab.icmp_code = icmp[1];
	quoted += lab.opt.v6 ? 40 : 20;
	lab.icmp_dport = (uint16_t)be16(quoted + 2);
}

void peer_frame(const uint8_t *f, size_t len, const struct tx_frame *meta)
{
	const uint8_t *ip = f + ETH;
	struct addr src, dst;
	size_t hlen, l4_len;
	uint8_t proto;

	assert_true(len >= ETH + 20);
	assert_memory_equal(f, lab.s.cfg.sb_mac, 6);
	assert_memory_equal(f + 6, lab.s.cfg.gw_mac, 6);
	if (lab.opt.v6) {
		assert_int_equal(be16(f + 12), 0x86dd);
		hlen = 40;
		l4_len = be16(ip + 4);
		proto = ip[6];
		src = addr_from_v6(ip + 8);
		dst = addr_from_v6(ip + 24);
	} else {
		assert_int_equal(be16(f + 12), 0x0800);
		assert_int_equal(ip[0], 0x45);
		assert_int_equal(csum_fold(csum_add(0, ip, 20)), 0);
		hlen = 20;
		l4_len = be16(ip + 2) - 20u;
		proto = ip[9];
		src = addr_from_v4(ip + 12);
		dst = addr_from_v4(ip + 16);
	}
	assert_int_equal(ETH + hlen + l4_len, len);
	if (proto == IPPROTO_TCP)
		tcp_frame(f, len, ETH + hlen, l4_len, &src, &dst, meta);
	else
		icmp_frame(ip + hlen, l4_len);
}
