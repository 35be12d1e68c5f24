/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: what the sandbox's stream must say before a byte of it reaches the host socket, and what becomes
 * of one that says something else. The readers have tests of their own; this is what is done with them.
 */
#include "tests/path/lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stack/inspect/inspect.h"
#include "stack/ip/tcp_rx.h"
#include "stack/nat/chunk.h"
#include "stack/nat/tcp_inspect.h"
#include "tests/path/both.h"

enum { RECORD_MAX = 16384 };

static struct peer peer;
static struct lab_ask *flow;
static uint8_t said[8192];		/* to the sandbox */
static uint8_t hello[INSPECT_HELD_MAX + 4096];

static const uint8_t alert_denied[] = { 0x15, 3, 3, 0, 2, 2, 49 };
/* Record, ServerHello head, version and a random that is no retry's. */
static const uint8_t server_hello[] = {
	22, 3, 3, 0, 44, 2, 0, 0, 40, 3, 3,
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
	28, 29, 30, 31, 32, 0, 0x13, 0x01, 0, 0, 0,
};

/* ---- bytes -------------------------------------------------------------------------------------------- */

static size_t put16(uint8_t *to, size_t v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
	return 2;
}

/* A ClientHello for sni, padded to a message of `size` bytes (0: as it comes), in records. */
static size_t make_hello(const char *sni, size_t size)
{
	static uint8_t m[INSPECT_HELD_MAX];
	size_t n = 4, exts, len = strlen(sni), at = 0;

	memset(m, 0, sizeof(m));
	n += put16(m + n, 0x0303);
	n += 32 + 1;			/* random, no session */
	n += put16(m + n, 2);
	n += put16(m + n, 0x1301);
	m[n++] = 1;
	m[n++] = 0;
	exts = n;
	n += 2;
	n += put16(m + n, 0);
	n += put16(m + n, len + 5);
	n += put16(m + n, len + 3);
	m[n++] = 0;
	n += put16(m + n, len);
	memcpy(m + n, sni, len);
	n += len;
	if (size) {
		n += put16(m + n, 21);	/* padding, RFC 7685 */
		n += put16(m + n, size - n - 2);
		n = size;
	}
	put16(m + exts, n - exts - 2);
	m[0] = 1;
	m[1] = (uint8_t)((n - 4) >> 16);
	put16(m + 2, (n - 4) & 0xffff);
	for (size_t off = 0; off < n; off += RECORD_MAX) {
		size_t k = n - off < RECORD_MAX ? n - off : RECORD_MAX;

		hello[at] = 22, hello[at + 1] = 3, hello[at + 2] = 1;
		put16(hello + at + 3, k);
		memcpy(hello + at + 5, m + off, k);
		at += 5 + k;
	}
	return at;
}

static void send_bytes(const void *buf, size_t len)
{
	struct tcp_form f = { .seq = peer.snd_nxt, .ack = peer.rcv_nxt, .flags = TH_ACK | TH_PSH,
			      .wnd = peer_wnd_field(&peer), .payload = buf, .len = len };

	peer_form(&peer, &f);
	peer.snd_nxt += (uint32_t)len;
}

/* In segments, within the window, running the worker when it is full. */
static void send_all(const uint8_t *buf, size_t len, size_t seg)
{
	for (int idle = 0; len && idle < 10; idle++) {
		uint32_t room = peer.snd_una + peer.snd_wnd - peer.snd_nxt;
		size_t n = len < seg ? len : seg;

		if ((int32_t)room <= 0) {
			lab_run();
			continue;
		}
		n = n < room ? n : room;
		send_bytes(buf, n);
		buf += n;
		len -= n;
		idle = 0;
	}
	assert_int_equal(len, 0);
	lab_run();
}

static void send_text(const char *text)
{
	send_bytes(text, strlen(text));
	lab_run();
}

/* The host socket has got exactly this since the last time. */
static void expect_host(const void *want, size_t len)
{
	static uint8_t got[sizeof(hello)];
	size_t n = 0;

	for (;;) {
		ssize_t r = read(flow->host, got + n, sizeof(got) - n);

		if (r <= 0)
			break;
		n += (size_t)r;
	}
	assert_int_equal(n, len);
	if (len)
		assert_memory_equal(got, want, len);
	lab_run();
}

/* Nothing since the last time, and nothing will come: the far side sees a reset or an end. */
static void expect_host_dead(void)
{
	uint8_t b;
	ssize_t n = read(flow->host, &b, 1);

	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
}

static void host_says(const void *buf, size_t len)
{
	assert_int_equal(write(flow->host, buf, len), (ssize_t)len);
	lab_run();
}

static void expect_said(const void *want, size_t len)
{
	assert_int_equal(peer.rx_bytes, len);
	assert_memory_equal(said, want, len);
}

/* ---- openings and ends ---------------------------------------------------------------------------------- */

static void open_flow(void **state, enum proto_inspect kind, uint16_t port, bool scaled)
{
	lab_open(&(struct lab_options){ .v6 = *(const bool *)*state, .events = true });
	lab.inspect = kind;
	lab.name = "ok.test";
	lab.note = "";
	peer_init(&peer, 40000, port);
	peer.raw = said;
	peer.raw_cap = sizeof(said);
	if (!scaled)
		peer.wscale = -1;
	peer_connect(&peer);
	flow = lab_last();
}

static void open_tls(void **state)
{
	open_flow(state, PROTO_INSPECT_TLS, 443, true);
}

/* Refused: told so, the sandbox leaves, nothing stays. */
static void expect_refused(enum drop_reason why)
{
	assert_true(peer.fin);
	assert_false(peer.reset);
	expect_host_dead();
	assert_false(flow->ended);
	peer_fin(&peer);
	lab_run();
	lab_pass(2000, 100);
	assert_true(flow->ended);
	assert_int_equal(flow->end.reason, why);
	assert_int_equal(lab.s.flows.used, 0);
	assert_int_equal(rxbuf_used(), 0);
	assert_int_equal(chunk_used(), 0);
}

static void close_all(void)
{
	peer_rst(&peer);
	lab_run();
	assert_int_equal(lab.s.flows.used, 0);
	assert_int_equal(rxbuf_used(), 0);
	assert_int_equal(chunk_used(), 0);
	lab_close();
}

/* ---- TLS ------------------------------------------------------------------------------------------------- */

static void a_hello_in_single_bytes_goes_on_whole(void **state)
{
	size_t n = make_hello("ok.test", 0);
	uint64_t got = 0;

	open_tls(state);
	send_all(hello, n - 1, 1);
	expect_host(NULL, 0);
	lab_pass(100, 25);
	assert_int_equal(peer.snd_una, peer.snd_nxt);	/* held is acknowledged */
	assert_int_equal(flow->n_inspected, 0);
	send_bytes(hello + n - 1, 1);
	lab_run();
	expect_host(hello, n);
	assert_int_equal(flow->n_inspected, 1);
	assert_int_equal(flow->inspected.reason, DROP_NONE);
	assert_string_equal(flow->inspected.host, "ok.test");
	/* The server's answer ends it; from then on it is as any other flow. */
	host_says(server_hello, sizeof(server_hello));
	expect_said(server_hello, sizeof(server_hello));
	assert_null(lab.s.flows.flows[0].tcp->inspect);
	peer.iss = peer.snd_nxt - 1;
	peer_push_all(&peer, 100000, 1400, flow->host, &got);
	close_all();
}

static void another_name_is_refused(void **state)
{
	size_t n = make_hello("sib.test", 0);

	open_tls(state);
	send_all(hello, n, 100);
	expect_said(alert_denied, sizeof(alert_denied));
	assert_int_equal(flow->n_inspected, 1);
	assert_int_equal(flow->inspected.reason, DROP_TLS_NAME);
	assert_string_equal(flow->inspected.host, "sib.test");
	/* What comes now is swallowed. */
	send_all(hello, n, 100);
	lab_pass(100, 25);
	assert_int_equal(peer.snd_una, peer.snd_nxt);
	expect_refused(DROP_TLS_NAME);
	assert_int_equal(flow->end.up_bytes, 0);
	lab_close();
}

static void who_stays_after_a_refusal_is_reset(void **state)
{
	open_tls(state);
	send_text("SSH-2.0-OpenSSH_9.2p1\r\n");
	expect_said(alert_denied, sizeof(alert_denied));
	assert_true(peer.fin);
	for (int i = 0; i < TCP_REFUSED_S + 1; i++) {
		if (!peer.reset)
			send_text("are you there?\r\n");
		lab_pass(1000, 100);
	}
	assert_true(peer.reset);
	assert_true(flow->ended);
	assert_int_equal(flow->end.reason, DROP_TLS_NOT);
	assert_int_equal(lab.s.flows.used, 0);
	lab_close();
}

static void the_largest_hello_fits(void **state, bool scaled)
{
	size_t n = make_hello("ok.test", 65536);

	open_flow(state, PROTO_INSPECT_TLS, 443, scaled);
	send_all(hello, n - 1, 1400);
	expect_host(NULL, 0);
	send_bytes(hello + n - 1, 1);
	lab_run();
	expect_host(hello, n);
	close_all();
}

static void the_largest_hello_fits_a_scaled_window(void **state)
{
	the_largest_hello_fits(state, true);
}

static void the_largest_hello_fits_an_unscaled_window(void **state)
{
	the_largest_hello_fits(state, false);
}

/* The window that was opened for held bytes is not opened a second time when they go. */
static void a_slow_far_side_still_closes_the_window(void **state)
{
	size_t n = make_hello("ok.test", 30000);
	int small = 4096;
	uint64_t sent = 0, got = 0;
	static uint8_t drain[65536];
	ssize_t r;

	open_tls(state);
	(void)setsockopt(flow->host, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	send_all(hello, n, 1400);
	host_says(server_hello, sizeof(server_hello));
	for (int i = 0; i < 4000; i++) {
		if ((int32_t)(peer.snd_una + peer.snd_wnd - peer.snd_nxt) < 1400)
			break;
		send_bytes(hello, 1400);
		sent += 1400;
		lab_run();
	}
	assert_true(sent > 0 && sent < (4 << 20));
	for (int i = 0; i < 4000; i++) {
		r = read(flow->host, drain, sizeof(drain));
		if (r > 0)
			got += (uint64_t)r;
		lab_run();
	}
	assert_int_equal(got, n + sent);
	assert_true(peer.snd_wnd <= 2 << 20);
	close_all();
}

static void time_runs_from_the_first_held_byte(void **state)
{
	size_t n = make_hello("ok.test", 0);

	open_tls(state);
	lab_pass(60000, 1000);		/* who says nothing has all the time */
	assert_false(peer.reset || peer.fin);
	send_all(hello, n / 2, 100);
	lab_pass(INSPECT_FIRST_S * 1000 - 1000, 500);
	send_bytes(hello + n / 2, 1);	/* a trickle does not help */
	lab_run();
	assert_false(peer.fin);
	lab_pass(2000, 500);
	assert_int_equal(flow->inspected.reason, DROP_INSPECT_TIMEOUT);
	expect_said(alert_denied, sizeof(alert_denied));
	expect_refused(DROP_INSPECT_TIMEOUT);
	lab_close();
}

static void an_end_inside_a_hello_is_refused(void **state)
{
	size_t n = make_hello("ok.test", 0);

	open_tls(state);
	send_all(hello, n - 1, 100);
	peer_fin(&peer);
	lab_run();
	expect_said(alert_denied, sizeof(alert_denied));
	assert_true(peer.fin);
	expect_host_dead();
	lab_pass(2000, 100);
	assert_true(flow->ended);
	assert_int_equal(flow->end.reason, DROP_TLS_BAD);
	assert_int_equal(lab.s.flows.used, 0);
	lab_close();
}

/* Both sides have ended by then: lwIP is in TIME-WAIT when it is found out. */
static void an_end_inside_a_hello_after_the_far_sides(void **state)
{
	size_t n = make_hello("ok.test", 0);

	open_tls(state);
	shutdown(flow->host, SHUT_WR);
	lab_run();
	assert_true(peer.fin);
	send_bytes(hello, n - 1);
	peer_fin(&peer);
	lab_run();
	expect_host_dead();
	lab_pass(2000, 100);
	assert_true(flow->ended);
	assert_int_equal(flow->end.reason, DROP_TLS_BAD);
	assert_int_equal(lab.s.flows.used, 0);
	lab_close();
}

static void an_end_with_nothing_held_goes_on(void **state)
{
	uint8_t b;

	open_tls(state);
	peer_fin(&peer);
	lab_run();
	assert_int_equal(read(flow->host, &b, 1), 0);
	host_says("late", 4);
	expect_said("late", 4);
	shutdown(flow->host, SHUT_WR);
	lab_run();
	assert_true(peer.fin);
	lab_pass(2000, 100);
	assert_int_equal(flow->end.reason, DROP_END_CLOSED);
	lab_close();
}

static void a_cut_while_held(void **state)
{
	size_t n = make_hello("ok.test", 0);

	open_tls(state);
	send_all(hello, n - 1, 100);
	flow_cut(&lab.s, &lab.s.flows.flows[0], DROP_POLICY_CUT);
	lab_run();
	assert_true(peer.reset);
	expect_host_dead();
	assert_int_equal(flow->end.reason, DROP_POLICY_CUT);
	assert_int_equal(lab.s.flows.used, 0);
	assert_int_equal(rxbuf_used(), 0);
	assert_int_equal(chunk_used(), 0);
	lab_close();
}

static void the_end_of_the_worker_while_held(void **state)
{
	size_t n = make_hello("ok.test", 0);

	open_tls(state);
	send_all(hello, n - 1, 100);
	lab_close();
}

/* ---- other ports ---------------------------------------------------------------------------------------- */

static void a_server_that_speaks_first_is_heard_at_once(void **state)
{
	static const char banner[] = "220 ok.test ESMTP\r\n";

	open_flow(state, PROTO_INSPECT_TLS_IF, 25, true);
	host_says(banner, strlen(banner));
	expect_said(banner, strlen(banner));
	send_text("EHLO me\r\n");
	expect_host("EHLO me\r\n", 9);
	assert_null(lab.s.flows.flows[0].tcp->inspect);
	assert_int_equal(flow->n_inspected, 0);
	close_all();
}

static void tls_on_another_port_is_read(void **state)
{
	size_t n = make_hello("sib.test", 0);

	open_flow(state, PROTO_INSPECT_TLS_IF, 8443, true);
	send_all(hello, 1, 1);
	expect_host(NULL, 0);
	send_all(hello + 1, n - 1, 100);
	expect_said(alert_denied, sizeof(alert_denied));
	expect_refused(DROP_TLS_NAME);
	lab_close();
}

static void quic_on_tcp_is_nothing(void **state)
{
	lab_open(&(struct lab_options){ .v6 = *(const bool *)*state });
	lab.inspect = PROTO_INSPECT_QUIC;
	lab.name = "ok.test";
	peer_init(&peer, 40000, 443);
	peer_syn(&peer);
	lab_run();
	assert_true(peer.reset);
	assert_int_equal(lab.s.flows.used, 0);
	lab_close();
}

/* ---- HTTP ------------------------------------------------------------------------------------------------ */

static const char good[] = "GET /a HTTP/1.1\r\nHost: ok.test\r\n\r\n";
static const char bad[] = "GET /b HTTP/1.1\r\nHost: sib.test\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

static void each_request_is_read(void **state)
{
	open_flow(state, PROTO_INSPECT_HTTP, 80, true);
	send_text(good);
	expect_host(good, strlen(good));
	host_says(answer, strlen(answer));
	expect_said(answer, strlen(answer));
	assert_int_equal(flow->n_inspected, 1);
	assert_string_equal(flow->inspected.host, "ok.test");
	assert_string_equal(flow->inspected.detail, "GET /a");
	lab_pass(60000, 1000);
	send_text(bad);
	assert_int_equal(flow->n_inspected, 2);
	assert_int_equal(flow->inspected.reason, DROP_HTTP_HOST);
	assert_string_equal(flow->inspected.host, "sib.test");
	assert_memory_equal(said, answer, strlen(answer));
	assert_memory_equal(said + strlen(answer), "HTTP/1.1 421 ", 13);
	expect_refused(DROP_HTTP_HOST);
	lab_close();
}

/* Nothing of a request reaches the far side before its Host was read. */
static void a_request_in_single_bytes(void **state)
{
	open_flow(state, PROTO_INSPECT_HTTP, 80, true);
	send_all((const uint8_t *)good, strlen(good) - 1, 1);
	expect_host(NULL, 0);
	send_text("\n");
	expect_host(good, strlen(good));
	close_all();
}

static void a_long_body_goes_on_as_it_comes(void **state)
{
	static const char head[] = "POST /up HTTP/1.1\r\nHost: ok.test\r\nContent-Length: 1000000\r\n\r\n";
	static uint8_t body[1000000], got[65536];
	size_t n = 0;

	open_flow(state, PROTO_INSPECT_HTTP, 80, true);
	send_text(head);
	expect_host(head, strlen(head));
	memset(body, 'G', sizeof(body));
	for (size_t off = 0; off < sizeof(body); off += 50000) {
		ssize_t r;

		send_all(body + off, 50000, 1400);
		while ((r = read(flow->host, got, sizeof(got))) > 0)
			n += (size_t)r;
		lab_run();
	}
	assert_int_equal(n, sizeof(body));
	send_text(good);
	expect_host(good, strlen(good));
	assert_int_equal(flow->n_inspected, 2);
	close_all();
}

/* egress is slow: reports of requests are lost and counted, that of the refusal and the end are not. */
static void reports_give_way(void **state)
{
	enum { REQUESTS = 1000 };
	uint64_t lost;

	open_flow(state, PROTO_INSPECT_HTTP, 80, true);
	for (int i = 0; i < REQUESTS; i++) {
		send_bytes(good, strlen(good));
		if (i % 8 == 7)
			lab_step();	/* nobody reads what egress is told, and nothing waits for it */
	}
	send_bytes(bad, strlen(bad));
	lab_step();
	lost = lab.s.drops[DROP_NO_MEMORY];
	lab_run();
	assert_int_equal(flow->n_inspected + lost, REQUESTS + 1);
	assert_true(lost > 0);
	assert_int_equal(flow->inspected.reason, DROP_HTTP_HOST);
	while (read(flow->host, said, sizeof(said)) > 0)
		continue;
	expect_refused(DROP_HTTP_HOST);
	lab_close();
}

static void reports_are_for_an_event_log(void **state)
{
	open_flow(state, PROTO_INSPECT_HTTP, 80, true);
	lab.s.cfg.flags = 0;
	send_text(good);
	expect_host(good, strlen(good));
	assert_int_equal(flow->n_inspected, 0);
	send_text(bad);
	assert_int_equal(flow->n_inspected, 1);
	expect_refused(DROP_HTTP_HOST);
	lab_close();
}

/* ---- denied ---------------------------------------------------------------------------------------------- */

static void open_denied(void **state, enum proto_inspect kind, uint16_t port)
{
	lab_open(&(struct lab_options){ .v6 = *(const bool *)*state });
	lab.answer = LAB_DENY;
	lab.deny = DROP_POLICY_NAME;
	lab.inspect = kind;
	lab.name = "no.test";
	lab.note = "ask the build team";
	peer_init(&peer, 40000, port);
	peer.raw = said;
	peer.raw_cap = sizeof(said);
	peer_connect(&peer);
	flow = lab_last();
}

static void expect_denied(void)
{
	assert_true(peer.fin);
	assert_int_equal(flow->n_inspected, 0);
	peer_fin(&peer);
	lab_run();
	lab_pass(2000, 100);
	assert_true(flow->ended);
	assert_int_equal(flow->end.reason, DROP_POLICY_NAME);
	assert_int_equal(lab.s.flows.used, 0);
	assert_int_equal(chunk_used(), 0);
	assert_int_equal(lab.icmp_errors, 0);
	lab_close();
}

static void expect_page(void)
{
	said[peer.rx_bytes] = '\0';
	assert_memory_equal(said, "HTTP/1.1 403 ", 13);
	assert_non_null(strstr((char *)said, "no.test"));
	assert_non_null(strstr((char *)said, "ask the build team"));
}

static void a_denied_request_gets_a_page(void **state)
{
	open_denied(state, PROTO_INSPECT_HTTP, 80);
	send_text("GET / HTTP/1.1\r\nHost: no.test\r\n");
	assert_int_equal(peer.rx_bytes, 0);
	send_text("\r\n");
	expect_page();
	expect_denied();
}

static void a_denied_upload_gets_a_page(void **state)
{
	static uint8_t body[200000];

	open_denied(state, PROTO_INSPECT_HTTP, 80);
	send_text("POST / HTTP/1.1\r\nHost: no.test\r\nContent-Length: 200000\r\n\r\n");
	send_all(body, sizeof(body), 1400);
	lab_pass(100, 25);
	assert_int_equal(peer.snd_una, peer.snd_nxt);
	expect_page();
	expect_denied();
}

static void a_denied_hello_gets_an_alert(void **state)
{
	size_t n = make_hello("no.test", 0);

	open_denied(state, PROTO_INSPECT_TLS, 443);
	send_all(hello, n, 1);
	expect_said(alert_denied, sizeof(alert_denied));
	expect_denied();
}

/* The port says one thing, the client another: it hears its own language. */
static void a_denied_hello_on_the_port_of_http(void **state)
{
	size_t n = make_hello("no.test", 0);

	open_denied(state, PROTO_INSPECT_HTTP, 80);
	send_all(hello, n, 1400);
	expect_said(alert_denied, sizeof(alert_denied));
	expect_denied();
}

static void a_denied_client_of_no_known_language_is_reset(void **state)
{
	open_denied(state, PROTO_INSPECT_TLS, 443);
	send_text("\x7f" "ELF");
	assert_true(peer.reset);
	assert_int_equal(flow->end.reason, DROP_POLICY_NAME);
	assert_int_equal(lab.s.flows.used, 0);
	lab_close();
}

static void a_denied_client_that_waits_is_reset(void **state)
{
	open_denied(state, PROTO_INSPECT_TLS, 443);
	lab_pass(TCP_REFUSED_S * 1000 - 500, 500);
	assert_false(peer.reset);
	lab_pass(1000, 500);
	assert_true(peer.reset);
	assert_int_equal(flow->end.reason, DROP_POLICY_NAME);
	assert_int_equal(lab.s.flows.used, 0);
	lab_close();
}

/* A table that fills up is for flows that go somewhere. */
static void a_full_table_is_not_for_the_denied(void **state)
{
	static struct peer many[8];
	unsigned int open = 0;

	lab_open(&(struct lab_options){ .v6 = *(const bool *)*state, .flows_max = 8 });
	lab.answer = LAB_DENY;
	lab.inspect = PROTO_INSPECT_TLS;
	lab.name = "no.test";
	for (unsigned int i = 0; i < 8; i++) {
		peer_init(&many[i], (uint16_t)(40000 + i), 443);
		peer_syn(&many[i]);
		lab_run();
		open += many[i].established;
	}
	assert_int_equal(open, 6);
	assert_int_equal(lab.s.flows.used, 6);
	lab_pass(7000, 500);
	assert_int_equal(lab.s.flows.used, 0);
	lab_close();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(a_hello_in_single_bytes_goes_on_whole),
		BOTH(another_name_is_refused),
		BOTH(who_stays_after_a_refusal_is_reset),
		BOTH(the_largest_hello_fits_a_scaled_window),
		BOTH(the_largest_hello_fits_an_unscaled_window),
		BOTH(a_slow_far_side_still_closes_the_window),
		BOTH(time_runs_from_the_first_held_byte),
		BOTH(an_end_inside_a_hello_is_refused),
		BOTH(an_end_inside_a_hello_after_the_far_sides),
		BOTH(an_end_with_nothing_held_goes_on),
		BOTH(a_cut_while_held),
		BOTH(the_end_of_the_worker_while_held),
		BOTH(a_server_that_speaks_first_is_heard_at_once),
		BOTH(tls_on_another_port_is_read),
		BOTH(quic_on_tcp_is_nothing),
		BOTH(each_request_is_read),
		BOTH(a_request_in_single_bytes),
		BOTH(a_long_body_goes_on_as_it_comes),
		BOTH(reports_give_way),
		BOTH(reports_are_for_an_event_log),
		BOTH(a_denied_request_gets_a_page),
		BOTH(a_denied_upload_gets_a_page),
		BOTH(a_denied_hello_gets_an_alert),
		BOTH(a_denied_hello_on_the_port_of_http),
		BOTH(a_denied_client_of_no_known_language_is_reset),
		BOTH(a_denied_client_that_waits_is_reset),
		BOTH(a_full_table_is_not_for_the_denied),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
