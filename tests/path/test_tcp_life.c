/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_life: how a connection begins and ends, as both sides see it. Each sentence for IPv4 and IPv6.
 */
#include "tests/path/lab.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/path/both.h"

static struct peer peer;

static void open_both(void **state)
{
	lab_open(&(struct lab_options){ .v6 = *(const bool *)*state });
	peer_init(&peer, 40000, 80);
}

/* The connection is through on both sides and egress heard why. */
static void expect_end(enum drop_reason reason)
{
	assert_true(lab_last()->ended);
	assert_int_equal(lab_last()->end.reason, reason);
	assert_int_equal(lab.s.flows.used, 0);
}

static void no_syn_ack_before_the_verdict(void **state)
{
	open_both(state);
	lab.answer = LAB_HOLD;
	peer_syn(&peer);
	lab_run();
	assert_int_equal(lab.n_asks, 1);
	assert_int_equal(lab_last()->q.dport, 80);
	assert_int_equal(lab_last()->q.sport, 40000);
	assert_int_equal(lab.frames, 0);
	/* Its retransmissions are no new question, and no drops either. */
	peer_syn(&peer);
	peer_syn(&peer);
	lab_pass(3000, 100);
	assert_int_equal(lab.n_asks, 1);
	assert_int_equal(lab.frames, 0);
	for (int i = 0; i < DROP_REASON_MAX; i++)
		assert_int_equal(lab.s.drops[i], 0);
	lab_answer(lab_last(), LAB_ALLOW);
	lab_run();
	assert_true(peer.synack);
	assert_int_equal(peer.peer_mss, lab.opt.v6 ? 1440 : 1460);
	assert_true(peer.peer_has_ws && peer.peer_sack_ok);
	lab_close();
}

static void denied_is_prohibited(void **state)
{
	open_both(state);
	lab.answer = LAB_DENY;
	peer_syn(&peer);
	lab_run();
	assert_int_equal(lab.icmp_type, lab.opt.v6 ? 1 : 3);
	assert_int_equal(lab.icmp_code, lab.opt.v6 ? 1 : 13);
	assert_int_equal(lab.icmp_dport, 80);
	assert_false(peer.synack || peer.reset);
	expect_end(DROP_POLICY_DEFAULT);
	lab_close();
}

static void denied_is_reset_when_icmp_is_rate_limited(void **state)
{
	static struct peer many[64];
	unsigned int resets = 0;

	open_both(state);
	lab.answer = LAB_DENY;
	for (int i = 0; i < 64; i++) {
		peer_init(&many[i], (uint16_t)(41000 + i), 81);
		peer_syn(&many[i]);
		lab_run();
		resets += many[i].reset;
	}
	assert_true(lab.icmp_errors > 0 && resets > 0);
	assert_int_equal(lab.icmp_errors + resets, 64);
	lab_close();
}

static void refused_is_reset(void **state)
{
	open_both(state);
	lab.answer = LAB_REFUSE;
	peer_syn(&peer);
	lab_run();
	assert_true(peer.reset);
	assert_int_equal(peer.last_ack, peer.iss + 1);
	assert_int_equal(peer.last_flags, TH_RST | TH_ACK);
	expect_end(DROP_DIAL_REFUSED);
	lab_close();
}

static void unreachable_is_unreachable(void **state)
{
	open_both(state);
	lab.answer = LAB_UNREACH;
	peer_syn(&peer);
	lab_run();
	assert_int_equal(lab.icmp_type, lab.opt.v6 ? 1 : 3);
	assert_int_equal(lab.icmp_code, lab.opt.v6 ? 3 : 1);
	assert_false(peer.reset);
	expect_end(DROP_DIAL_UNREACH);
	lab_close();
}

static void an_unanswered_question_ends_as_unreachable(void **state)
{
	open_both(state);
	lab.answer = LAB_HOLD;
	peer_syn(&peer);
	lab_run();
	lab_pass(129000, 1000);
	assert_int_equal(lab.frames, 0);
	lab_pass(3000, 1000);
	assert_int_equal(lab.icmp_errors, 1);
	expect_end(DROP_DIAL_TIMEOUT);
	/* The verdict comes after all: its socket is closed, nothing else happens. */
	lab_answer(lab_last(), LAB_ALLOW);
	lab_run();
	assert_int_equal(host_read(lab_last()->host, &(uint64_t){ 0 }), 0);
	lab_close();
}

static void a_reset_while_asked_cancels_the_question(void **state)
{
	open_both(state);
	lab.answer = LAB_HOLD;
	peer_syn(&peer);
	lab_run();
	peer_segment(&peer, peer.iss + 5000, TH_RST, 0);	/* a guess: nothing happens */
	lab_run();
	assert_false(lab_last()->ended);
	peer_rst(&peer);
	lab_run();
	expect_end(DROP_END_RESET_SANDBOX);
	lab_answer(lab_last(), LAB_ALLOW);
	lab_run();
	assert_int_equal(host_read(lab_last()->host, &(uint64_t){ 0 }), 0);
	assert_int_equal(lab.frames, 0);
	lab_close();
}

static void a_new_syn_while_asked_takes_the_old_ones_place(void **state)
{
	open_both(state);
	lab.answer = LAB_HOLD;
	peer_syn(&peer);
	lab_run();
	peer.iss += 100000;
	peer_syn(&peer);
	lab_run();
	assert_int_equal(lab.n_asks, 1);
	lab_answer(lab_last(), LAB_ALLOW);
	lab_run();
	assert_true(peer.established);	/* peer.c compares the acknowledged number */
	lab_close();
}

static void the_sandbox_closes_first(void **state)
{
	uint64_t got = 0, sent = 0;

	open_both(state);
	peer_connect(&peer);
	peer_push_all(&peer, 1000, 1000, lab_last()->host, &got);
	peer_fin(&peer);
	lab_run();
	assert_int_equal(host_read(lab_last()->host, &got), 0);
	assert_int_equal(got, 1000);
	assert_false(peer.fin);
	host_write(lab_last()->host, &sent, 2000);
	shutdown(lab_last()->host, SHUT_WR);
	lab_run();
	assert_true(peer.fin);
	assert_int_equal(peer.rx_bytes, 2000);
	expect_end(DROP_END_CLOSED);
	assert_int_equal(lab_last()->end.up_bytes, 1000);
	assert_int_equal(lab_last()->end.down_bytes, 2000);
	assert_true(lab_last()->end.up_pkts > 0 && lab_last()->end.down_pkts > 0);
	assert_false(peer.reset);
	lab_close();
}

static void the_host_closes_first(void **state)
{
	uint64_t got = 0, sent = 0;

	open_both(state);
	peer_connect(&peer);
	host_write(lab_last()->host, &sent, 3000);
	shutdown(lab_last()->host, SHUT_WR);
	lab_run();
	assert_true(peer.fin);
	assert_int_equal(peer.rx_bytes, 3000);
	peer_push_all(&peer, 4000, 1460, lab_last()->host, &got);
	peer_fin(&peer);
	lab_run();
	assert_int_equal(host_read(lab_last()->host, &got), 0);
	assert_int_equal(got, 4000);
	/* TIME-WAIT: the flow is closing for a second; a retransmitted FIN is acknowledged. */
	assert_int_equal(lab.s.flows.used, 1);
	assert_int_equal(peer.last_ack, peer.snd_nxt);
	peer.rx_acks = 0;
	peer_segment(&peer, peer.snd_nxt - 1, TH_FIN | TH_ACK, 0);
	lab_run();
	assert_int_equal(peer.rx_acks, 1);
	lab_pass(3000, 100);
	expect_end(DROP_END_CLOSED);
	assert_false(peer.reset);
	lab_close();
}

/* lwIP with a short TCP_MSL cut this off after 125,310 bytes. */
static void half_closed_for_minutes_loses_nothing(void **state)
{
	uint64_t sent = 0, got = 0;

	open_both(state);
	peer_connect(&peer);
	peer_push_all(&peer, 500, 500, lab_last()->host, &got);
	peer_fin(&peer);
	lab_run();
	assert_int_equal(host_read(lab_last()->host, &got), 0);
	lab_pass(300000, 1000);
	while (sent < 1500000) {
		host_write(lab_last()->host, &sent, 1500000 - sent);
		lab_run();
		if (sent > 700000 && sent < 900000)
			lab_pass(240000, 1000);
	}
	shutdown(lab_last()->host, SHUT_WR);
	lab_run();
	assert_int_equal(peer.rx_bytes, 1500000);
	assert_true(peer.fin);
	expect_end(DROP_END_CLOSED);
	lab_close();
}

static void half_closed_and_silent_ends_some_time(void **state)
{
	open_both(state);
	peer_connect(&peer);
	peer_fin(&peer);
	lab_run();
	lab_pass(598000, 1000);
	assert_false(lab_last()->ended);
	lab_pass(4000, 1000);
	expect_end(DROP_END_IDLE);
	assert_true(peer.reset);
	lab_close();
}

static void idle_for_two_hours_ends_and_not_before(void **state)
{
	open_both(state);
	peer_connect(&peer);
	lab_pass(7100 * 1000u, 10000);
	assert_false(lab_last()->ended);
	assert_int_equal(peer.rx_acks, 0);	/* and nothing was sent all that time */
	/* A keep-alive probe is answered, and counts. */
	peer_segment(&peer, peer.snd_nxt - 1, TH_ACK, 0);
	lab_run();
	assert_int_equal(peer.rx_acks, 1);
	lab_pass(7100 * 1000u, 10000);
	assert_false(lab_last()->ended);
	lab_pass(200 * 1000u, 10000);
	expect_end(DROP_END_IDLE);
	assert_true(peer.reset);
	lab_close();
}

static void a_reset_of_the_sandbox_reaches_the_host(void **state)
{
	uint64_t got = 0;

	open_both(state);
	peer_connect(&peer);
	peer_push_all(&peer, 100, 100, lab_last()->host, &got);
	peer_rst(&peer);
	lab_run();
	expect_end(DROP_END_RESET_SANDBOX);
	assert_true(host_read(lab_last()->host, &got) <= 0);
	lab_close();
}

/* RFC 5961 s. 3.2: a reset in the window but not at its edge is challenged. */
static void a_guessed_reset_is_challenged(void **state)
{
	open_both(state);
	peer_connect(&peer);
	peer.rx_acks = 0;
	for (uint32_t off = 1; off < 60000; off += 997)
		peer_segment(&peer, peer.snd_nxt + off, TH_RST, 0);
	lab_run();
	assert_false(lab_last()->ended);
	assert_true(peer.rx_acks > 0);
	peer_segment(&peer, peer.snd_nxt - 70000, TH_RST, 0);
	peer_segment(&peer, peer.snd_nxt + 50 * 1000 * 1000, TH_RST, 0);
	lab_run();
	assert_false(lab_last()->ended);
	peer_rst(&peer);
	lab_run();
	expect_end(DROP_END_RESET_SANDBOX);
	lab_close();
}

static void a_reset_of_the_host_comes_after_its_data(void **state)
{
	uint64_t sent = 0, got = 0;
	int host;

	open_both(state);
	peer_connect(&peer);
	host = lab_last()->host;
	/* An AF_UNIX socket that is closed with unread data gives its peer ECONNRESET, as TCP does. */
	peer_push(&peer, 1000, 1000);
	lab_run();
	(void)got;
	host_write(host, &sent, 50000);
	close(host);
	lab_last()->host = -1;
	lab_run();
	assert_int_equal(peer.rx_bytes, 50000);
	assert_true(peer.reset);
	assert_false(peer.fin);
	expect_end(DROP_END_RESET_FAR);
	lab_close();
}

/* The error is reported once; who reads again gets 0. */
static void a_reset_of_the_host_is_never_taken_for_its_end(void **state)
{
	uint64_t sent = 0;

	open_both(state);
	peer_connect(&peer);
	peer_push(&peer, 1000, 1000);
	lab_run();
	peer.auto_ack = false;
	host_write(lab_last()->host, &sent, 50000);
	close(lab_last()->host);
	lab_last()->host = -1;
	lab_run();
	for (int i = 0; i < 3; i++) {
		tcp_event(&lab.s, &lab.s.flows.flows[0], EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
		lab_run();
	}
	assert_false(peer.fin || peer.reset);
	peer.auto_ack = true;
	peer_ack(&peer);
	lab_run();
	assert_int_equal(peer.rx_bytes, 50000);
	assert_true(peer.reset);
	assert_false(peer.fin);
	expect_end(DROP_END_RESET_FAR);
	lab_close();
}

static void a_host_that_is_gone_resets_who_goes_on_sending(void **state)
{
	open_both(state);
	peer_connect(&peer);
	close(lab_last()->host);
	lab_last()->host = -1;
	lab_run();
	assert_true(peer.fin);		/* its end was orderly so far */
	peer_push(&peer, 1000, 1000);
	lab_run();
	assert_true(peer.reset);
	expect_end(DROP_END_RESET_FAR);
	lab_close();
}

static void time_wait_gives_way_to_a_new_syn(void **state)
{
	open_both(state);
	for (int i = 0; i < 20; i++) {
		peer_connect(&peer);
		shutdown(lab_last()->host, SHUT_WR);
		lab_run();
		assert_true(peer.fin);
		peer_fin(&peer);
		lab_run();
		assert_int_equal(lab.s.flows.used, 1);
		/* The same port again, at once. */
		peer = (struct peer){ .sport = 40000, .dport = 80, .mss = 1460, .wscale = 7,
				      .auto_ack = true, .rcv_wnd = 1 << 20,
				      .iss = peer.snd_nxt + 1000 };
	}
	assert_int_equal(lab.n_asks, 20);
	/* TIME-WAIT is between lwIP and the sandbox: egress hears of the end when it begins. */
	assert_int_equal(lab.n_ends, 20);
	lab_close();
}

static void segments_of_no_flow_are_reset(void **state)
{
	open_both(state);
	peer.rcv_nxt = 12345;
	peer_segment(&peer, 999, TH_ACK, 100);
	lab_run();
	assert_true(peer.reset);
	assert_int_equal(peer.last_seq, 12345);
	assert_int_equal(peer.last_flags & TH_RST, TH_RST);
	assert_int_equal(lab.s.drops[DROP_TCP_NO_FLOW], 1);
	/* A reset is never answered by a reset. */
	peer.reset = false;
	peer_segment(&peer, 999, TH_RST | TH_ACK, 0);
	lab_run();
	assert_false(peer.reset);
	assert_int_equal(lab.n_asks, 0);
	lab_close();
}

static void a_cut_flow_is_reset_on_both_sides(void **state)
{
	struct proto_cut m;

	open_both(state);
	peer_connect(&peer);
	PROTO_INIT(&m, PROTO_CUT);
	m.id = lab_last()->q.id;
	m.reason = DROP_POLICY_CUT;
	assert_int_equal(send(lab.egress, &m, sizeof(m), 0), sizeof(m));
	lab_run();
	assert_true(peer.reset);
	assert_true(host_read(lab_last()->host, &(uint64_t){ 0 }) <= 0);
	expect_end(DROP_POLICY_CUT);
	lab_close();
}

static void sequence_numbers_cannot_be_predicted(void **state)
{
	uint32_t first;

	open_both(state);
	peer_connect(&peer);
	first = peer.irs;
	lab_close();
	open_both(state);
	peer_connect(&peer);
	assert_int_not_equal(first, peer.irs);	/* another secret */
	assert_true(peer.irs > 100000 || first > 100000);
	lab_close();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(no_syn_ack_before_the_verdict),
		BOTH(denied_is_prohibited),
		BOTH(denied_is_reset_when_icmp_is_rate_limited),
		BOTH(refused_is_reset),
		BOTH(unreachable_is_unreachable),
		BOTH(an_unanswered_question_ends_as_unreachable),
		BOTH(a_reset_while_asked_cancels_the_question),
		BOTH(a_new_syn_while_asked_takes_the_old_ones_place),
		BOTH(the_sandbox_closes_first),
		BOTH(the_host_closes_first),
		BOTH(half_closed_for_minutes_loses_nothing),
		BOTH(half_closed_and_silent_ends_some_time),
		BOTH(idle_for_two_hours_ends_and_not_before),
		BOTH(a_reset_of_the_sandbox_reaches_the_host),
		BOTH(a_guessed_reset_is_challenged),
		BOTH(a_reset_of_the_host_comes_after_its_data),
		BOTH(a_reset_of_the_host_is_never_taken_for_its_end),
		BOTH(a_host_that_is_gone_resets_who_goes_on_sending),
		BOTH(time_wait_gives_way_to_a_new_syn),
		BOTH(segments_of_no_flow_are_reset),
		BOTH(a_cut_flow_is_reset_on_both_sides),
		BOTH(sequence_numbers_cannot_be_predicted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
