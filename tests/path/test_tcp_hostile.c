/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_hostile: segments that no honest TCP sends. None may end the worker (lwIP's assertions are on),
 * take more memory than its share, or disturb the bytes of a connection that goes on.
 */
#include "tests/path/lab.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/ip/tcp_rx.h"
#include "stack/nat/chunk.h"
#include "stack/nat/tcp_conn.h"
#include "tests/path/both.h"

enum { MB = 1 << 20 };

static struct peer peer;
static uint64_t got, sent;

static void open_both(void **state)
{
	lab_open(&(struct lab_options){ .v6 = *(const bool *)*state });
	got = sent = 0;
	peer_init(&peer, 40000, 80);
}

static int host(void)
{
	return lab_last()->host;
}

/* Bytes still flow both ways, and nothing was kept. */
static void expect_alive(void)
{
	uint64_t before = peer.rx_bytes;

	assert_false(peer.reset);
	peer_push_all(&peer, 10000, 5000, host(), &got);
	host_write(host(), &sent, 10000);
	lab_run();
	assert_int_equal(peer.rx_bytes, before + 10000);
	lab_pass(100, 25);
	assert_int_equal(rxbuf_used(), 0);
	assert_int_equal(chunk_used(), 0);
	lab_close();
}

static const struct {
	const char *what;
	uint8_t b[8];
	size_t n;
	bool ok;
} options[] = {
	/*  1 */ { "kind without a length at the end", { 1, 1, 1, 2 }, 4, false },
	/*  2 */ { "length 0", { 254, 0, 1, 1 }, 4, false },
	/*  3 */ { "length 1", { 254, 1, 1, 1 }, 4, false },
	/*  4 */ { "length past the end", { 254, 5, 1, 1 }, 4, false },
	/*  5 */ { "length far past the end", { 5, 255, 1, 1 }, 4, false },
	/*  6 */ { "MSS of length 3", { 2, 3, 1, 1 }, 4, false },
	/*  7 */ { "MSS cut by the end", { 1, 2, 4, 5 }, 4, false },
	/*  8 */ { "window scale of length 4", { 3, 4, 1, 1 }, 4, false },
	/*  9 */ { "SACK-permitted of length 3", { 4, 3, 1, 1 }, 4, false },
	/* 10 */ { "SACK of length 9", { 5, 9, 0, 0, 0, 0, 0, 0 }, 8, false },
	/* 11 */ { "timestamps of length 8", { 8, 8, 0, 0, 0, 0, 0, 0 }, 8, false },
	/* 12 */ { "an unknown one", { 254, 4, 9, 9 }, 4, true },
	/* 13 */ { "an end, then nonsense", { 0, 254, 0, 2 }, 4, true },
	/* 14 */ { "only NOPs", { 1, 1, 1, 1 }, 4, true },
	/* 15 */ { "two MSS", { 2, 4, 2, 0, 2, 4, 0, 1 }, 8, true },
};

static void malformed_options_are_dropped(void **state)
{
	uint64_t bad = 0;

	open_both(state);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct tcp_form f = { .seq = 77, .flags = TH_SYN, .opt = options[i].b,
				      .n_opt = options[i].n, .wnd = 1000 };

		bad += !options[i].ok;
		peer.sport = (uint16_t)(50000 + i);
		peer_form(&peer, &f);
		lab.answer = LAB_HOLD;
		lab_run();
		assert_int_equal(lab.s.drops[DROP_TCP_OPTIONS], bad);
	}
	assert_int_equal(lab.n_asks, sizeof(options) / sizeof(options[0]) - bad);
	lab.answer = LAB_ALLOW;
	peer.sport = 40000;
	peer_connect(&peer);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct tcp_form f = { .seq = peer.snd_nxt, .ack = peer.rcv_nxt, .flags = TH_ACK,
				      .opt = options[i].b, .n_opt = options[i].n,
				      .wnd = peer_wnd_field(&peer) };

		bad += !options[i].ok;
		peer_form(&peer, &f);
		lab_run();
		assert_int_equal(lab.s.drops[DROP_TCP_OPTIONS], bad);
	}
	expect_alive();
}

/* lwIP takes an MSS anywhere; the next write then counted below zero. */
static void an_mss_in_the_middle_changes_nothing(void **state)
{
	static const uint8_t tiny[] = { 2, 4, 0, 1 }, scale[] = { 3, 3, 14, 1 };
	struct tcp_form f = { .flags = TH_ACK, .opt = tiny, .n_opt = 4 };

	open_both(state);
	peer_connect(&peer);
	peer.auto_ack = false;
	host_write(host(), &sent, 150000);
	lab_run();
	f.seq = peer.snd_nxt;
	f.ack = peer.rcv_nxt;
	f.wnd = peer_wnd_field(&peer);
	peer_form(&peer, &f);
	f.opt = scale;
	peer_form(&peer, &f);
	/* With SYN as well: a challenge, no new options. */
	f.opt = tiny;
	f.flags = TH_SYN;
	peer_form(&peer, &f);
	f.flags = TH_SYN | TH_ACK;
	peer_form(&peer, &f);
	lab_run();
	host_write(host(), &sent, 150000);
	lab_run();
	peer.auto_ack = true;
	peer_ack(&peer);
	lab_run();
	for (int i = 0; i < 50; i++) {
		host_write(host(), &sent, 100000);
		lab_run();
	}
	assert_int_equal(peer.rx_bytes, sent);
	assert_true(peer.last_seg > 20000);
	expect_alive();
}

static void impossible_flags_are_dropped(void **state)
{
	static const uint8_t bad[] = {
		0, TH_FIN, TH_PSH, TH_URG, TH_PSH | TH_URG, TH_SYN | TH_FIN, TH_SYN | TH_RST,
		TH_RST | TH_FIN, TH_SYN | TH_FIN | TH_ACK, TH_SYN | TH_RST | TH_ACK,
		TH_FIN | TH_PSH | TH_URG, 0x3f, TH_RST | TH_FIN | TH_ACK,
	};

	open_both(state);
	peer_connect(&peer);
	for (size_t i = 0; i < sizeof(bad); i++) {
		peer_segment(&peer, peer.snd_nxt, bad[i], 10);
		lab_run();
		assert_int_equal(lab.s.drops[DROP_TCP_FLAGS], i + 1);
	}
	expect_alive();
}

static void bad_lengths_and_ports_are_dropped(void **state)
{
	struct tcp_form f = { .flags = TH_ACK };

	open_both(state);
	peer_connect(&peer);
	f.seq = peer.snd_nxt;
	f.ack = peer.rcv_nxt;
	for (uint8_t off = 1; off < 16; off++) {
		if (off == 5)
			continue;
		f.off = off;		/* 20 bytes are there */
		peer_form(&peer, &f);
	}
	lab_run();
	assert_int_equal(lab.s.drops[DROP_TCP_SHORT], 14);
	f.off = 0;
	peer.dport = 0;
	peer_form(&peer, &f);
	peer.dport = 80;
	peer.sport = 0;
	peer_form(&peer, &f);
	lab_run();
	assert_int_equal(lab.s.drops[DROP_PORT_ZERO], 2);
	peer.sport = 40000;
	expect_alive();
}

static void a_tiny_mss_is_raised(void **state)
{
	static const uint16_t offers[] = { 0, 1, 12, 87, 88, 1460, 65535 };

	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		uint8_t opt[4] = { 2, 4, (uint8_t)(offers[i] >> 8), (uint8_t)offers[i] };
		struct tcp_form f = { .flags = TH_SYN, .opt = opt, .n_opt = 4, .wnd = 65535 };

		open_both(state);
		peer.wscale = -1;
		f.seq = peer.iss;
		peer_form(&peer, &f);
		peer.snd_nxt++;
		lab_run();
		assert_true(peer.established);
		host_write(host(), &sent, 30000);
		lab_run();
		assert_int_equal(peer.rx_bytes, 30000);
		assert_true(peer.rx_segs <= 30000 / 88 + 1);
		expect_alive();
	}
}

static void a_window_scale_beyond_14_counts_as_14(void **state)
{
	open_both(state);
	peer.wscale = 127;
	peer_syn(&peer);
	lab_run();
	assert_true(peer.synack);
	assert_int_equal(lab.s.flows.flows[0].tcp->pcb->snd_scale, 14);
	lab_close();
}

static void payload_of_a_syn_is_not_taken(void **state)
{
	struct tcp_form f = { .flags = TH_SYN, .payload = (const uint8_t *)"early", .len = 5, .wnd = 5000 };

	open_both(state);
	f.seq = peer.iss;
	peer.wscale = -1;
	peer_form(&peer, &f);
	peer.snd_nxt++;
	lab_run();
	assert_true(peer.established);	/* and the SYN alone is acknowledged */
	assert_int_equal(host_read(host(), &got), 1);
	assert_int_equal(got, 0);
	expect_alive();
}

static void data_out_of_order_waits_for_the_rest(void **state)
{
	open_both(state);
	peer_connect(&peer);
	for (int round = 0; round < 20; round++) {
		uint32_t at = peer.snd_nxt;

		/* 3, 2, 4, 2 again, then 1 */
		peer_segment(&peer, at + 2000, TH_ACK, 1000);
		lab_run();
		assert_int_equal(peer.sacks, 1);
		peer_segment(&peer, at + 1000, TH_ACK, 1000);
		peer_segment(&peer, at + 3000, TH_ACK, 1000);
		peer_segment(&peer, at + 1000, TH_ACK, 700);
		lab_run();
		assert_int_equal(host_read(host(), &got), 1);
		assert_int_equal(got, (uint64_t)round * 4000);
		peer_segment(&peer, at, TH_ACK, 1000);
		peer.snd_nxt += 4000;
		peer.tx_bytes += 4000;
		lab_run();
		assert_int_equal(host_read(host(), &got), 1);
		assert_int_equal(got, peer.tx_bytes);
		assert_int_equal(peer.snd_una, peer.snd_nxt);
	}
	expect_alive();
}

/* The same when a segment comes in several pieces, which are copied into one. */
static void pieces_out_of_order_wait_as_well(void **state)
{
	lab_open(&(struct lab_options){ .v6 = *(const bool *)*state, .multibuf = true });
	got = sent = 0;
	peer_init(&peer, 40000, 80);
	peer_connect(&peer);
	for (int round = 0; round < 5; round++) {
		uint32_t at = peer.snd_nxt;

		peer_segment(&peer, at + 20000, TH_ACK, 30000);
		peer_segment(&peer, at + 10000, TH_ACK, 10000);
		lab_run();
		assert_int_equal(lab.port->ops->rx_free(lab.port), 256);
		peer_segment(&peer, at, TH_ACK, 10000);
		peer.snd_nxt += 50000;
		peer.tx_bytes += 50000;
		lab_run();
		for (int i = 0; i < 20; i++) {
			assert_int_equal(host_read(host(), &got), 1);
			lab_run();
		}
		assert_int_equal(got, peer.tx_bytes);
	}
	expect_alive();
}

static void data_out_of_order_is_bounded(void **state)
{
	open_both(state);
	peer_connect(&peer);
	for (uint32_t i = 1; i < 2000; i++)
		peer_segment(&peer, peer.snd_nxt + 2 * i, TH_ACK, 1);
	lab_run();
	assert_true(rxbuf_used() <= 128);
	assert_int_equal(lab.port->ops->rx_free(lab.port), 256);	/* no frame is held by it */
	for (uint32_t i = 1; i < 40; i++)
		peer_segment(&peer, peer.snd_nxt + i * 50000, TH_ACK, 40000);
	lab_run();
	assert_true(rxbuf_used() <= 128);
	/* It is given up when nothing comes of it. */
	lab_pass(60000, 25);
	assert_int_equal(rxbuf_used(), 0);
	expect_alive();
}

/* lwIP queues the first such segment untrimmed, and its window wraps when the hole is filled. */
static void data_beyond_the_window_is_dropped(void **state)
{
	open_both(state);
	peer_connect(&peer);
	peer_segment(&peer, peer.snd_nxt + 2 * MB - 100, TH_ACK, 5000);
	peer_segment(&peer, peer.snd_nxt + 2 * MB - 100, TH_ACK | TH_FIN, 101);
	lab_run();
	assert_int_equal(lab.s.drops[DROP_TCP_WINDOW], 2);
	peer_segment(&peer, peer.snd_nxt + 2 * MB - 100, TH_ACK, 100);
	lab_run();
	assert_int_equal(lab.s.drops[DROP_TCP_WINDOW], 2);
	/* The hole is filled while the host does not read: the window only shrinks. */
	while (peer_push(&peer, LAB_SEG_MAX, LAB_SEG_MAX))
		lab_run();
	peer_push_all(&peer, MB, LAB_SEG_MAX, host(), &got);
	expect_alive();
}

static void a_fin_out_of_order_ends_nothing(void **state)
{
	open_both(state);
	peer_connect(&peer);
	peer_segment(&peer, peer.snd_nxt + 100, TH_ACK | TH_FIN, 50);
	peer_segment(&peer, peer.snd_nxt + 500, TH_ACK | TH_FIN, 0);
	lab_run();
	peer_push(&peer, 100, 100);
	lab_run();
	/* The 50 bytes were kept, the FIN was not: it has to come again. */
	assert_int_equal(host_read(host(), &got), 1);
	assert_int_equal(got, 150);
	peer.tx_bytes += 50;
	peer.snd_nxt += 50;
	lab_pass(1000, 25);
	expect_alive();
}

static void overlaps_are_cut(void **state)
{
	uint32_t at;

	open_both(state);
	peer_connect(&peer);
	for (int i = 0; i < 200; i++) {
		at = peer.snd_nxt;
		peer_segment(&peer, at + 100, TH_ACK, 300);
		peer_segment(&peer, at + 50, TH_ACK, 100);
		peer_segment(&peer, at + 350, TH_ACK, 200);
		peer_segment(&peer, at - 20 - (uint32_t)i % 7, TH_ACK, 130);
		peer_segment(&peer, at, TH_ACK, 600);
		peer.snd_nxt = at + 600;
		peer.tx_bytes += 600;
		lab_run();
		assert_int_equal(peer.snd_una, peer.snd_nxt);
		assert_int_equal(host_read(host(), &got), 1);
		assert_int_equal(got, peer.tx_bytes);
	}
	expect_alive();
}

static void acknowledgements_that_lie(void **state)
{
	struct tcp_form f = { .flags = TH_ACK };

	open_both(state);
	peer_connect(&peer);
	peer.auto_ack = false;
	host_write(host(), &sent, 200000);
	lab_run();
	f.seq = peer.snd_nxt;
	f.wnd = peer_wnd_field(&peer);
	for (uint32_t i = 0; i < 300; i++) {
		f.ack = peer.rcv_nxt + 1000000 + i;	/* of data never sent */
		peer_form(&peer, &f);
		f.ack = peer.irs - i;			/* long before */
		peer_form(&peer, &f);
		f.ack = peer.irs + 1;			/* duplicates: fast retransmit */
		peer_form(&peer, &f);
		f.wnd = (uint16_t)(i * 211);		/* and windows that jump */
		lab_run();
	}
	peer.auto_ack = true;
	peer_ack(&peer);
	for (int i = 0; i < 400 && peer.rx_bytes < sent; i++)
		lab_pass(100, 25);
	assert_int_equal(peer.rx_bytes, sent);
	expect_alive();
}

static void the_largest_segment_is_taken(void **state)
{
	uint32_t most;

	open_both(state);
	most = 65535 - (lab.opt.v6 ? 60 : 40);
	peer_connect(&peer);
	peer_push_all(&peer, (uint64_t)most * 5, most, host(), &got);
	peer_segment(&peer, peer.snd_nxt, TH_ACK | TH_FIN, most);
	lab_run();
	(void)host_read(host(), &got);
	lab_close();
}

static void segments_in_fragments_are_refused(void **state)
{
	open_both(state);
	peer_connect(&peer);
	peer_fragments(&peer, peer.snd_nxt, 3000);
	lab_run();
	assert_int_equal(lab.s.drops[DROP_FRAG_BAD], 2);
	assert_int_equal(host_read(host(), &got), 1);
	assert_int_equal(got, 0);
	expect_alive();
}

/* Whatever comes, in whatever state: no assertion, no memory kept. */
static void random_segments(void **state)
{
	uint32_t seed = *(const bool *)*state ? 7 : 8;

	for (int round = 0; round < 60; round++) {
		open_both(state);
		if (round % 3)
			peer_connect(&peer);
		else
			peer_syn(&peer);
		for (int i = 0; i < 400; i++) {
			uint8_t opt[8];
			struct tcp_form f = { .opt = opt };
			static const uint8_t zeroes[4096];

			seed = seed * 1664525 + 1013904223;
			f.flags = (uint8_t)(seed >> 8 & (seed & 1 ? 0x3f : 0x10));
			f.seq = peer.snd_nxt + (seed & 2 ? (seed >> 9) % 5000 - 2500 : seed >> 20);
			f.ack = peer.irs + (seed & 4 ? (seed >> 7) % 3000 : seed >> 10);
			f.wnd = (uint16_t)(seed >> 13);
			f.len = seed & 8 ? (seed >> 14) % 4000 : 0;
			f.payload = zeroes;
			f.n_opt = seed & 16 ? (seed >> 12 & 1) * 4 + 4 : 0;
			for (size_t k = 0; k < f.n_opt; k++)
				opt[k] = (uint8_t)((seed * (k + 3)) >> 24) % 10;
			peer_form(&peer, &f);
			if (i % 16 == 0) {
				if (lab.n_asks && lab_last()->host >= 0 && !peer.reset)
					host_write(host(), &sent, 5000);
				lab.now += 10 * LAB_MS;
				lab_step();
				lab_discard();
			}
		}
		lab_step();
		lab_discard();
		for (uint32_t k = 0; k < lab.n_asks; k++) {
			if (lab.asks[k].host >= 0)
				shutdown(lab.asks[k].host, SHUT_RDWR);
		}
		for (int k = 0; k < 700 && lab.s.flows.used; k++) {
			lab.now += 1000ull * LAB_MS;
			lab_step();
			lab_discard();
		}
		assert_int_equal(lab.s.flows.used, 0);
		assert_int_equal(rxbuf_used(), 0);
		assert_int_equal(chunk_used(), 0);
		lab_close();
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(malformed_options_are_dropped),
		BOTH(an_mss_in_the_middle_changes_nothing),
		BOTH(impossible_flags_are_dropped),
		BOTH(bad_lengths_and_ports_are_dropped),
		BOTH(a_tiny_mss_is_raised),
		BOTH(a_window_scale_beyond_14_counts_as_14),
		BOTH(payload_of_a_syn_is_not_taken),
		BOTH(data_out_of_order_waits_for_the_rest),
		BOTH(pieces_out_of_order_wait_as_well),
		BOTH(data_out_of_order_is_bounded),
		BOTH(data_beyond_the_window_is_dropped),
		BOTH(a_fin_out_of_order_ends_nothing),
		BOTH(overlaps_are_cut),
		BOTH(acknowledgements_that_lie),
		BOTH(the_largest_segment_is_taken),
		BOTH(segments_in_fragments_are_refused),
		BOTH(random_segments),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
