/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_bytes: what is sent arrives, once and in order, at any pace of either side. The pattern of lab.h
 * shows every byte that is lost, doubled or swapped.
 */
#include "tests/path/lab.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stack/ip/tcp_rx.h"
#include "stack/nat/chunk.h"
#include "tests/path/both.h"

enum { MB = 1 << 20 };

static struct peer peer;
static uint64_t got, sent;

static void open_with(const struct lab_options *opt)
{
	lab_open(opt);
	got = sent = 0;
	peer_init(&peer, 40000, 80);
}

static void open_both(void **state)
{
	open_with(&(struct lab_options){ .v6 = *(const bool *)*state });
}

static int host(void)
{
	return lab_last()->host;
}

/* Nothing is kept anywhere once all is delivered. */
static void close_clean(void)
{
	assert_int_equal(chunk_used(), 0);
	assert_int_equal(rxbuf_used(), 0);
	assert_int_equal(lab.port->ops->rx_free(lab.port), 256);
	assert_false(peer.reset);
	lab_close();
}

static void up_in_super_frames(void **state)
{
	open_both(state);
	peer_connect(&peer);
	peer_push_all(&peer, 20 * MB, LAB_SEG_MAX, host(), &got);
	assert_int_equal(got, 20 * MB);
	close_clean();
}

static void up_in_small_segments_of_several_pieces(void **state)
{
	open_with(&(struct lab_options){ .v6 = *(const bool *)*state, .multibuf = true });
	peer_connect(&peer);
	peer_push_all(&peer, 300000, 1400, host(), &got);
	peer_push_all(&peer, 2 * MB, 30001, host(), &got);
	assert_int_equal(got, 300000 + 2 * MB);
	close_clean();
}

static void up_byte_by_byte(void **state)
{
	open_both(state);
	peer_connect(&peer);
	peer_push_all(&peer, 3000, 1, host(), &got);
	assert_int_equal(got, 3000);
	close_clean();
}

static void down_all(uint64_t len, uint64_t step)
{
	for (int idle = 0; sent < len;) {
		uint64_t before = sent;

		host_write(host(), &sent, len - sent < step ? len - sent : step);
		lab_run();
		idle = sent == before ? idle + 1 : 0;
		if (idle)
			lab_pass(50, 25);
		assert_true(idle < 100);
	}
	assert_int_equal(peer.rx_bytes, len);
	assert_int_equal(peer.rx_dups, 0);
}

static void down_in_super_frames(void **state)
{
	open_both(state);
	peer_connect(&peer);
	down_all(20 * MB, MB);
	/* Whole segments only, many to a frame: that is where the speed is. */
	assert_true(peer.rx_segs < 20 * MB / 20000);
	close_clean();
}

/* lwIP's memory ends in the middle of a large read, and comes back. */
static void down_while_memory_comes_and_goes(void **state)
{
	open_both(state);
	peer_connect(&peer);
	down_all(4 * MB, MB);
	for (size_t i = 0; i < 100; i++) {
		void *hog = lwip_heap_malloc(LWIP_HEAP_MAX - lwip_heap_used() - 100 * i);

		assert_non_null(hog);
		host_write(host(), &sent, MB);
		lab_run();
		lwip_heap_free(hog);
		lab_run();
		lab_pass(50, 25);
		assert_int_equal(peer.rx_bytes, sent);
	}
	assert_int_equal(peer.rx_dups, 0);
	close_clean();
}

static void down_without_gso(void **state)
{
	open_with(&(struct lab_options){ .v6 = *(const bool *)*state, .no_gso = true });
	peer_connect(&peer);
	down_all(3 * MB, 200000);
	close_clean();
}

static void down_with_a_jumbo_link(void **state)
{
	open_with(&(struct lab_options){ .v6 = *(const bool *)*state, .mtu = 65535 });
	peer.mss = 65475;
	peer_connect(&peer);
	down_all(5 * MB, 200000);
	close_clean();
}

static void down_byte_by_byte(void **state)
{
	open_both(state);
	peer_connect(&peer);
	down_all(3000, 1);
	close_clean();
}

static void both_ways_at_once(void **state)
{
	open_both(state);
	peer_connect(&peer);
	for (int i = 0; i < 60; i++) {
		peer_push(&peer, 100000, 50000);
		host_write(host(), &sent, 90000);
		lab_run();
		assert_int_equal(host_read(host(), &got), 1);
	}
	lab_pass(200, 25);
	assert_int_equal(host_read(host(), &got), 1);
	lab_run();
	assert_int_equal(host_read(host(), &got), 1);
	assert_int_equal(got, peer.tx_bytes);
	assert_int_equal(peer.rx_bytes, sent);
	close_clean();
}

/* The host does not read: the window closes, and opens again when it does. */
static void the_window_closes_and_opens_upwards(void **state)
{
	open_both(state);
	peer_connect(&peer);
	for (int i = 0; i < 100; i++) {
		if (!peer_push(&peer, LAB_SEG_MAX, LAB_SEG_MAX))
			break;
		lab_run();
	}
	/* Never more in the worker than a window; and some is in the socket. */
	assert_true(peer.snd_una + peer.snd_wnd - peer.snd_nxt < 1460);
	assert_true(peer.tx_bytes >= 2 * MB && peer.tx_bytes < 3 * MB);
	assert_true(chunk_used() <= CHUNK_FLOW_MAX);
	lab_pass(5000, 100);
	/* A probe of one byte beyond the window is answered with the same window, and dropped. */
	peer.rx_acks = 0;
	peer_segment(&peer, peer.snd_nxt, TH_ACK, 1);
	lab_run();
	assert_true(peer.rx_acks > 0);
	/* The host reads: an update comes unasked. */
	peer.rx_acks = 0;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(host_read(host(), &got), 1);
		lab_run();
	}
	assert_true(peer.rx_acks > 0);
	assert_true(peer.snd_una + peer.snd_wnd - peer.snd_nxt >= MB);
	peer_push_all(&peer, 3 * MB, LAB_SEG_MAX, host(), &got);
	assert_int_equal(got, peer.tx_bytes);
	close_clean();
}

/* The same for a sandbox without window scaling: 64 KB, and updates all the same. */
static void the_window_opens_without_scaling(void **state)
{
	open_both(state);
	peer.wscale = -1;
	peer_connect(&peer);
	assert_false(peer.peer_has_ws);
	while (peer_push(&peer, 10000, 10000))
		lab_run();
	lab_pass(1000, 100);
	peer.rx_acks = 0;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(host_read(host(), &got), 1);
		lab_run();
	}
	assert_true(peer.rx_acks > 0);
	assert_true(peer.snd_wnd >= 16384);
	peer_push_all(&peer, MB, 30000, host(), &got);
	down_all(MB, 100000);
	close_clean();
}

/* The sandbox does not read: what was offered is filled and not a byte more; probes; then it goes on. */
static void the_window_closes_and_opens_downwards(void **state)
{
	uint32_t offered = 200000;

	open_both(state);
	peer_connect(&peer);
	peer.auto_ack = false;
	peer.rcv_wnd = offered;
	peer_ack(&peer);
	for (int i = 0; i < 50; i++) {
		host_write(host(), &sent, MB);
		lab_run();
		if (peer.want_ack || peer.rx_bytes < offered)
			peer_ack(&peer);
		lab_run();
	}
	assert_in_range(peer.rx_bytes, offered - 65536, offered);
	assert_true(chunk_used() <= CHUNK_FLOW_MAX);
	/* Hours later the connection is still there, as long as probes are answered. */
	for (int i = 0; i < 600; i++) {
		lab_pass(6000, 100);
		peer.rcv_wnd = 0;
		peer_ack(&peer);
	}
	assert_false(peer.reset);
	assert_false(lab_last()->ended);
	peer.rx_dups = 0;		/* those were the probes */
	peer.rcv_wnd = MB;
	peer.auto_ack = true;
	peer_ack(&peer);
	lab_run();
	down_all(sent + 3 * MB, MB);
	close_clean();
}

/* lwIP's persist timer outlives a queue that a probe emptied, and then asserts. */
static void a_probe_may_carry_the_last_byte(void **state)
{
	open_both(state);
	peer_connect(&peer);
	for (int i = 0; i < 5; i++) {
		/* A window shrinks only with new data acknowledged. */
		peer.auto_ack = false;
		host_write(host(), &sent, 1);
		lab_run();
		peer.rcv_wnd = 0;
		peer_ack(&peer);
		lab_run();
		host_write(host(), &sent, 1);
		lab_run();
		assert_int_equal(peer.rx_bytes, sent - 1);
		lab_pass(1000, 25);
		assert_int_equal(peer.rx_bytes, sent);	/* the probe brought it */
		/* Acknowledged, the window still shut; and data with a hole before it keeps the timer on. */
		peer.rcv_wnd = i % 2 ? 0 : 5000;
		peer_segment(&peer, peer.snd_nxt + 100, TH_ACK, 10);
		lab_run();
		lab_pass(10000, 25);
		peer.rcv_wnd = 65535;
		peer_ack(&peer);
		lab_run();
	}
	peer.auto_ack = true;
	peer.rx_dups = 0;
	down_all(100000, 50000);
	close_clean();
}

static void a_tiny_window_gets_tiny_segments(void **state)
{
	open_both(state);
	peer.wscale = -1;
	peer.rcv_wnd = 300;
	peer_connect(&peer);
	host_write(host(), &sent, 20000);
	for (int i = 0; i < 2000 && peer.rx_bytes < sent; i++)
		lab_pass(25, 25);
	assert_int_equal(peer.rx_bytes, sent);
	assert_true(peer.last_seg <= 300);
	close_clean();
}

static void a_window_that_grows_from_nothing(void **state)
{
	static const uint32_t windows[] = { 0, 1, 2, 3, 5, 9, 100, 1000, 65535 };

	open_both(state);
	peer.wscale = -1;
	peer.rcv_wnd = 0;
	peer.auto_ack = false;
	peer_syn(&peer);
	lab_run();
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		peer.rcv_wnd = windows[i];
		peer_ack(&peer);
		lab_run();
		host_write(host(), &sent, i < 5 ? 100 : 70000);
		lab_run();
		lab_pass(400, 25);
	}
	peer.auto_ack = true;
	peer.rcv_wnd = 65535;
	peer_ack(&peer);
	lab_run();
	for (int i = 0; i < 4000 && peer.rx_bytes < sent; i++)
		lab_pass(25, 25);
	assert_int_equal(peer.rx_bytes, sent);
	close_clean();
}

static void a_small_mss_is_kept_to(void **state)
{
	open_both(state);
	peer.mss = 536;
	peer_connect(&peer);
	down_all(MB, 100000);		/* peer.c checks gso_size against it */
	close_clean();
}

static void urgent_data_comes_in_band(void **state)
{
	uint8_t five[5];
	struct tcp_form f = { .flags = TH_ACK | TH_URG | TH_PSH, .payload = five, .len = 5 };
	static const uint16_t urgp[] = { 0, 1, 5, 6, 1000, 65535 };

	open_both(state);
	peer_connect(&peer);
	for (size_t i = 0; i < sizeof(urgp) / sizeof(urgp[0]); i++) {
		for (size_t k = 0; k < 5; k++)
			five[k] = lab_byte(peer.tx_bytes + k);
		f.seq = peer.snd_nxt;
		f.ack = peer.rcv_nxt;
		f.wnd = peer_wnd_field(&peer);
		f.urgp = urgp[i];
		peer_form(&peer, &f);
		peer.snd_nxt += 5;
		peer.tx_bytes += 5;
		lab_run();
	}
	assert_int_equal(host_read(host(), &got), 1);
	assert_int_equal(got, 30);
	close_clean();
}

/* Every port that refuses now and then: not a byte is lost, nothing is sent twice but by order of time. */
static void a_full_port_loses_nothing(void **state)
{
	uint32_t seed = 12345;

	open_both(state);
	peer_connect(&peer);
	for (int i = 0; i < 400; i++) {
		seed = seed * 1103515245 + 12345;
		port_mem_set_room(lab.port, seed >> 16 & 3);
		peer_push(&peer, 20000, 9000);
		host_write(host(), &sent, 30000);
		lab_step();
		lab_take();
		lab_step();
		lab_take();
		assert_int_equal(host_read(host(), &got), 1);
	}
	port_mem_set_room(lab.port, UINT32_MAX);
	lab_run();
	lab_pass(200, 25);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(host_read(host(), &got), 1);
		lab_run();
	}
	assert_int_equal(got, peer.tx_bytes);
	assert_int_equal(peer.rx_bytes, sent);
	assert_int_equal(peer.rx_dups, 0);
	shutdown(host(), SHUT_WR);
	peer_fin(&peer);
	port_mem_set_room(lab.port, 0);
	lab_run();
	port_mem_set_room(lab.port, UINT32_MAX);
	lab_pass(3000, 25);
	assert_true(peer.fin);
	assert_true(lab_last()->ended);
	close_clean();
}

/* A socket tells of room when a good part of it is free (EPOLLOUT); what is free sooner is found by the clock. */
static void room_that_is_not_told_of_is_used(void **state)
{
	static uint8_t buf[70000];
	const struct flow *f;
	uint64_t full;
	ssize_t n;

	open_both(state);
	peer_connect(&peer);
	f = &lab.s.flows.flows[0];
	for (int i = 0; i < 40; i++) {
		peer_push(&peer, MB, LAB_SEG_MAX);
		lab_run();
	}
	full = f->up_bytes;
	assert_true(full > 0 && full < peer.tx_bytes);
	n = read(host(), buf, sizeof(buf));
	assert_true(n > 0);
	got += (uint64_t)n;
	lab_run();
	assert_int_equal(f->up_bytes, full);
	lab_pass(50, 25);
	assert_true(f->up_bytes > full);
	/* Who takes nothing for long is waited for without a clock. */
	assert_true(tcp_busy());
	lab_pass(2000, 25);
	assert_false(tcp_busy());
	for (int i = 0; i < 100; i++) {
		assert_int_equal(host_read(host(), &got), 1);
		lab_run();
	}
	assert_int_equal(got, peer.tx_bytes);
	close_clean();
}

static void a_syn_ack_and_a_reset_wait_for_room(void **state)
{
	open_both(state);
	port_mem_set_room(lab.port, 0);
	peer_syn(&peer);
	lab_run();
	assert_false(peer.synack);
	port_mem_set_room(lab.port, UINT32_MAX);
	lab_run();
	assert_true(peer.established);
	port_mem_set_room(lab.port, 0);
	peer_segment(&peer, peer.snd_nxt, TH_ACK, 100);
	close(host());
	lab_last()->host = -1;
	lab_run();
	assert_false(peer.reset);
	port_mem_set_room(lab.port, UINT32_MAX);
	lab_run();
	assert_true(peer.reset);
	peer.reset = false;
	close_clean();
}

/* The sandbox has finished and gone; the host is slow: everything still arrives there. */
static void what_the_sandbox_sent_outlives_it(void **state)
{
	open_both(state);
	peer_connect(&peer);
	shutdown(host(), SHUT_WR);
	lab_run();
	while (peer_push(&peer, LAB_SEG_MAX, LAB_SEG_MAX))
		lab_run();
	peer_fin(&peer);
	lab_run();
	lab_pass(5000, 100);		/* the connection towards the sandbox is long over */
	assert_false(lab_last()->ended);
	for (int i = 0; i < 100; i++) {
		if (host_read(host(), &got) == 0)
			break;
		lab_run();
	}
	assert_int_equal(got, peer.tx_bytes);
	assert_int_equal(host_read(host(), &got), 0);
	lab_pass(2000, 100);
	assert_true(lab_last()->ended);
	assert_int_equal(lab_last()->end.reason, DROP_END_CLOSED);
	assert_int_equal(lab_last()->end.up_bytes, got);
	close_clean();
}

static void acknowledgements_do_not_keep_small_writers_waiting(void **state)
{
	int stalls = 0;

	open_both(state);
	peer_connect(&peer);
	/* Header, wait for its ACK (the sandbox's Nagle algorithm), body, response: 100 times. */
	for (int i = 0; i < 100; i++) {
		uint32_t before = peer.snd_nxt;

		peer_push(&peer, 100, 100);
		lab_run();
		if (peer.snd_una == before) {
			stalls++;
			lab_pass(30, 5);
			assert_true(peer.snd_una != before);
		}
		peer_push(&peer, 200, 200);
		lab_run();
		assert_int_equal(host_read(host(), &got), 1);
		host_write(host(), &sent, 500);
		lab_run();
	}
	assert_true(stalls <= 10);
	close_clean();
}

static void requests_and_responses_need_no_extra_acknowledgements(void **state)
{
	open_both(state);
	peer_connect(&peer);
	for (int i = 0; i < 100; i++) {
		peer_push(&peer, 100, 100);
		lab_run();
		host_write(host(), &sent, 500);
		lab_run();
		if (i == 0)
			peer.rx_acks = 0;
	}
	assert_in_range(peer.rx_acks, 0, 2);
	assert_int_equal(host_read(host(), &got), 1);
	lab_pass(100, 25);
	close_clean();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(up_in_super_frames),
		BOTH(up_in_small_segments_of_several_pieces),
		BOTH(up_byte_by_byte),
		BOTH(down_in_super_frames),
		BOTH(down_while_memory_comes_and_goes),
		BOTH(down_without_gso),
		BOTH(down_with_a_jumbo_link),
		BOTH(down_byte_by_byte),
		BOTH(both_ways_at_once),
		BOTH(the_window_closes_and_opens_upwards),
		BOTH(the_window_opens_without_scaling),
		BOTH(the_window_closes_and_opens_downwards),
		BOTH(a_probe_may_carry_the_last_byte),
		BOTH(a_tiny_window_gets_tiny_segments),
		BOTH(a_window_that_grows_from_nothing),
		BOTH(a_small_mss_is_kept_to),
		BOTH(urgent_data_comes_in_band),
		BOTH(a_full_port_loses_nothing),
		BOTH(room_that_is_not_told_of_is_used),
		BOTH(a_syn_ack_and_a_reset_wait_for_room),
		BOTH(what_the_sandbox_sent_outlives_it),
		BOTH(acknowledgements_do_not_keep_small_writers_waiting),
		BOTH(requests_and_responses_need_no_extra_acknowledgements),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
