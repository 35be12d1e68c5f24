/* SPDX-License-Identifier: Apache-2.0 */
/* world: see world.h. */
#include "tests/unit/world.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/msg.h"
#include "stack/loop.h"

struct world w;
uint8_t frame[WORLD_FRAME_MAX + 64];
uint8_t out[WORLD_FRAME_MAX + 64];

static const uint8_t sb_mac[6] = LINK_SB_MAC;
static const uint8_t gw_mac[6] = LINK_GW_MAC;

/* ---- the stage that is not under test ---------------------------------------------------------- */

int tcp_init(struct stack *s) { (void)s; return 0; }
void tcp_done(void) { }
void tcp_release(struct stack *s) { (void)s; }
void tcp_tick(struct stack *s) { (void)s; }
void tcp_port_writable(struct stack *s) { (void)s; }
bool tcp_busy(void) { return false; }
bool tcp_port_blocked(void) { return false; }
bool tcp_batch_end(struct stack *s) { (void)s; return false; }
void tcp_expired(struct stack *s, struct flow *f) { flow_end(s, f, DROP_END_IDLE); }

void tcp_verdict(struct stack *s, struct flow *f, const struct proto_verdict_msg *v, int fd)
{
	(void)s, (void)f, (void)v, (void)fd;
}

void tcp_event(struct stack *s, struct flow *f, uint32_t events)
{
	(void)s, (void)f, (void)events;
}

void tcp_cut(struct stack *s, struct flow *f, enum drop_reason reason)
{
	w.tcp_cuts++;
	dns_tcp_closed(s, f);
	flow_end(s, f, reason);
}

void tcp_input_frame(struct stack *s, struct packet *p)
{
	(void)s;
	w.tcp_frames++;
	w.tcp_l4_len = p->l4_len;
	w.tcp_l4_contig = p->l4_contig;
}

int tcp_local_send(struct stack *s, struct flow *f, const void *buf, size_t len)
{
	(void)s, (void)f;
	if (w.local_full || w.local_len + len > sizeof(w.local))
		return -ENOBUFS;
	memcpy(w.local + w.local_len, buf, len);
	w.local_len += len;
	return 0;
}

/* ---- life ---------------------------------------------------------------------------------------- */

static void open_world(uint32_t mtu, bool multibuf, int rec_fd, uint64_t rec_max)
{
	struct proto_stack_config cfg;
	struct record *rec = NULL;
	int p[2];

	memset(&w, 0, sizeof(w));
	PROTO_INIT(&cfg, PROTO_STACK_CONFIG);
	cfg.port = PROTO_PORT_MEM;
	cfg.xdp_multibuf = multibuf;
	cfg.mtu = mtu;
	cfg.flows_max = 64;
	memcpy(cfg.sb_mac, sb_mac, 6);
	memcpy(cfg.gw_mac, gw_mac, 6);
	assert_int_equal(addr_parse(LINK_SB4, &cfg.sb4), 0);
	assert_int_equal(addr_parse(LINK_GW4, &cfg.gw4), 0);
	assert_int_equal(addr_parse(LINK_SB6, &cfg.sb6), 0);
	assert_int_equal(addr_parse(LINK_GW6, &cfg.gw6), 0);
	assert_int_equal(port_mem_open(&cfg, &w.port), 0);
	assert_int_equal(msg_pair(p), 0);
	assert_int_equal(fcntl(p[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
	if (rec_fd >= 0) {
		rec = record_new(rec_fd, rec_max, "test");
		assert_non_null(rec);
	}
	w.egress = p[1];
	assert_int_equal(stack_init(&w.s, &cfg, w.port, rec, p[0], -1, epoll_create1(0), -1), 0);
	w.now = clock_mono_ns();
	w.s.now = w.now;
	icmp_init(&w.s);
}

void world_open(uint32_t mtu, bool multibuf)
{
	open_world(mtu, multibuf, -1, 0);
}

void world_open_record(uint32_t mtu, int fd, uint64_t max_bytes)
{
	open_world(mtu, false, fd, max_bytes);
}

void world_close(void)
{
	stack_done(&w.s);
	close(w.egress);
}

void world_step(void)
{
	assert_true(stack_step(&w.s, 0, w.now) >= 0);
}

void world_pass_ms(uint64_t ms)
{
	while (ms) {
		uint64_t n = ms < 1000 ? ms : 1000;

		w.now += n * NS_PER_MS;
		ms -= n;
		world_step();
	}
}

void world_in(const void *f, size_t len)
{
	assert_int_equal(port_mem_push(w.port, f, len), 0);
	world_step();
}

size_t world_out(void)
{
	return port_mem_pop(w.port, out, sizeof(out), NULL);
}

void world_expect_drop(const void *f, size_t len, enum drop_reason reason)
{
	uint64_t before = w.s.drops[reason];

	world_in(f, len);
	assert_int_equal(w.s.drops[reason], before + 1);
	assert_int_equal(world_out(), 0);
}

/* ---- builders -------------------------------------------------------------------------------------- */

static void be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

size_t make_eth(uint16_t ethertype, const void *payload, size_t len)
{
	memcpy(frame, gw_mac, 6);
	memcpy(frame + 6, sb_mac, 6);
	be16(frame + 12, ethertype);
	if (len)
		memmove(frame + 14, payload, len);
	return 14 + len;
}

/* Header for len bytes behind it; where those go is returned. */
static size_t ip_header(const char *src, const char *dst, uint8_t proto, size_t len)
{
	struct addr s, d;
	uint8_t *h = frame + 14;

	assert_int_equal(addr_parse(dst ? dst : "192.0.2.1", &d), 0);
	s = addr_is_v4(&d) ? w.s.cfg.sb4 : w.s.cfg.sb6;
	if (src)
		assert_int_equal(addr_parse(src, &s), 0);
	memset(h, 0, 40);
	if (addr_is_v4(&d)) {
		make_eth(0x0800, NULL, 0);
		h[0] = 0x45;
		be16(h + 2, 20 + len);
		h[8] = 64;
		h[9] = proto;
		memcpy(h + 12, s.b + 12, 4);
		memcpy(h + 16, d.b + 12, 4);
		return 34;
	}
	make_eth(0x86dd, NULL, 0);
	h[0] = 0x60;
	be16(h + 4, len);
	h[6] = proto;
	h[7] = 64;
	memcpy(h + 8, s.b, 16);
	memcpy(h + 24, d.b, 16);
	return 54;
}

size_t make_ip(const char *src, const char *dst, uint8_t proto, const void *l4, size_t len)
{
	size_t at = ip_header(src, dst, proto, len);

	if (len)
		memcpy(frame + at, l4, len);
	return at + len;
}

size_t make_udp(const char *dst, uint16_t sport, uint16_t dport, const void *payload, size_t len)
{
	size_t at = ip_header(NULL, dst, IPPROTO_UDP, 8 + len);
	uint8_t *u = frame + at;

	be16(u, sport);
	be16(u + 2, dport);
	be16(u + 4, 8 + len);
	be16(u + 6, 0);
	if (len)
		memcpy(u + 8, payload, len);
	return at + 8 + len;
}

size_t make_echo(const char *dst, uint16_t id, uint16_t seq, const void *payload, size_t len)
{
	bool v6 = strchr(dst, ':');
	size_t at = ip_header(NULL, dst, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 8 + len);
	uint8_t *i = frame + at;

	memset(i, 0, 8);
	i[0] = v6 ? 128 : 8;
	be16(i + 4, id);
	be16(i + 6, seq);
	if (len)
		memcpy(i + 8, payload, len);
	return at + 8 + len;
}

size_t make_fragment(const char *dst, uint8_t proto, uint32_t id, const uint8_t *l4, size_t off,
		     size_t len, bool more)
{
	bool v6 = strchr(dst, ':');
	size_t at = ip_header(NULL, dst, v6 ? IPPROTO_FRAGMENT : proto, v6 ? 8 + len : len);
	uint8_t *h = frame + 14;

	if (v6) {
		uint8_t *f = frame + at;

		f[0] = proto;
		f[1] = 0;
		be16(f + 2, off | (more ? 1 : 0));
		be16(f + 4, id >> 16);
		be16(f + 6, id & 0xffff);
		at += 8;
	} else {
		be16(h + 4, id & 0xffff);
		be16(h + 6, off / 8 | (more ? 0x2000 : 0));
	}
	if (len)
		memcpy(frame + at, l4, len);
	return at + len;
}

/* ---- egress ----------------------------------------------------------------------------------------- */

/* Ends and reports wait for company; here is none to come. */
static void hurry(void)
{
	ask_hurry();
	ask_flush(&w.s);
}

void egress_expect(enum proto_type type, void *ret_msg, size_t size)
{
	_Alignas(8) uint8_t buf[PROTO_MSG_MAX];
	ssize_t n;

	hurry();
	/* Reports of drops come when they come. */
	do {
		n = msg_recv(w.egress, buf, sizeof(buf), NULL, NULL);
		assert_true(n > 0);
		assert_int_equal(proto_check(buf, (size_t)n), 0);
	} while (proto_type(buf) == PROTO_DROPS && type != PROTO_DROPS);
	assert_int_equal(proto_type(buf), type);
	assert_int_equal(n, size);
	memcpy(ret_msg, buf, size);
}

bool egress_is_quiet(void)
{
	_Alignas(8) uint8_t buf[PROTO_MSG_MAX];
	ssize_t n;

	hurry();
	do {
		n = msg_recv(w.egress, buf, sizeof(buf), NULL, NULL);
	} while (n > 0 && proto_type(buf) == PROTO_DROPS);
	return n < 0;
}

void egress_send(const void *msg, size_t size, int fd)
{
	assert_int_equal(msg_send(w.egress, msg, size, fd >= 0 ? &fd : NULL, fd >= 0), 0);
	if (fd >= 0)
		close(fd);
	world_step();
}

void egress_verdict(uint64_t id, enum proto_verdict v, enum drop_reason reason, int err, int fd)
{
	struct proto_verdict_msg m;

	PROTO_INIT(&m, PROTO_VERDICT);
	m.id = id;
	m.verdict = (uint8_t)v;
	m.reason = (uint16_t)reason;
	m.err = err;
	egress_send(&m, sizeof(m), fd);
}

/* ---- what came out ------------------------------------------------------------------------------- */

size_t check_out(size_t len)
{
	const uint8_t *h = out + 14;
	struct addr src, dst;
	size_t at, l4_len, frag = 0;
	uint8_t proto;
	uint32_t sum;

	assert_true(len >= 34);
	assert_memory_equal(out, sb_mac, 6);
	assert_memory_equal(out + 6, gw_mac, 6);
	assert_true(len <= 14 + w.s.cfg.mtu);
	if (h[0] >> 4 == 4) {
		assert_int_equal(out[12] << 8 | out[13], 0x0800);
		assert_int_equal(h[0], 0x45);
		assert_int_equal(h[2] << 8 | h[3], len - 14);
		assert_int_equal(csum_fold(csum_add(0, h, 20)), 0);
		src = addr_from_v4(h + 12);
		dst = addr_from_v4(h + 16);
		proto = h[9];
		at = 34;
		frag = (size_t)(h[6] << 8 | h[7]) & 0x3fff;
	} else {
		assert_int_equal(out[12] << 8 | out[13], 0x86dd);
		assert_int_equal(h[4] << 8 | h[5], len - 54);
		src = addr_from_v6(h + 8);
		dst = addr_from_v6(h + 24);
		proto = h[6];
		at = 54;
		frag = proto == IPPROTO_FRAGMENT;
	}
	l4_len = len - at;
	if (frag || l4_len < 8)
		return at;
	sum = proto == IPPROTO_ICMP ? 0 : csum_pseudo(&src, &dst, proto, (uint32_t)l4_len);
	assert_int_equal(csum_fold(csum_add(sum, out + at, l4_len)), 0);
	return at;
}

size_t world_collect(uint8_t *buf)
{
	size_t total = 0, n;

	while ((n = world_out()) > 0) {
		size_t at = check_out(n), off = 0;

		if (at == 34) {
			off = (size_t)((out[20] & 0x1f) << 8 | out[21]) * 8;
		} else if (out[20] == IPPROTO_FRAGMENT) {
			off = (size_t)(out[at + 2] << 8 | out[at + 3]) & 0xfff8;
			at += 8;
		}
		memcpy(buf + off, out + at, n - at);
		total += n - at;
	}
	return total;
}
