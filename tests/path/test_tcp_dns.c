/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_dns: DNS over TCP to port 53 of any address ends in the worker: no question about the flow, no socket. */
#include "tests/path/lab.h"

#include <string.h>

#include "stack/ip/tcp_rx.h"
#include "tests/path/both.h"

static struct peer peer;
static uint8_t answer[4096];

/* Length, header, "www.example.test A IN". */
static const uint8_t question[] = {
	0, 34, 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'w', 'w', 'w', 7, 'e', 'x', 'a', 'm', 'p', 'l',
	'e', 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1,
};

static void open_both(void **state)
{
	lab_open(&(struct lab_options){ .v6 = *(const bool *)*state });
	peer_init(&peer, 40000, 53);
	peer.raw = answer;
	peer.raw_cap = sizeof(answer);
	peer_connect(&peer);
	assert_int_equal(lab.n_asks, 0);
}

static void send_bytes(const void *buf, size_t len)
{
	struct tcp_form f = { .seq = peer.snd_nxt, .ack = peer.rcv_nxt, .flags = TH_ACK | TH_PSH,
			      .wnd = peer_wnd_field(&peer), .payload = buf, .len = len };

	peer_form(&peer, &f);
	peer.snd_nxt += (uint32_t)len;
}

static void expect_answers(unsigned int n)
{
	size_t at = 0;

	for (unsigned int i = 0; i < n; i++) {
		size_t len = (size_t)answer[at] << 8 | answer[at + 1];

		assert_true(at + 2 + len <= peer.rx_bytes);
		assert_int_equal(answer[at + 2], 0x12);
		assert_int_equal(answer[at + 4] & 0x80, 0x80);
		assert_int_equal(answer[at + 9], 1);	/* one answer, and its address at the end */
		at += 2 + len;
	}
	assert_int_equal(at, peer.rx_bytes);
}

static void a_question_is_answered(void **state)
{
	open_both(state);
	send_bytes(question, sizeof(question));
	lab_run();
	assert_int_equal(lab.n_names, 1);
	expect_answers(1);
	peer_fin(&peer);
	lab_run();
	assert_true(peer.fin);
	assert_int_equal(lab.s.flows.used, 0);
	assert_int_equal(lab.n_ends, 0);
	lab_close();
}

static void questions_may_come_in_pieces_and_in_one(void **state)
{
	uint8_t three[3 * sizeof(question)];

	open_both(state);
	for (size_t i = 0; i < sizeof(question); i++) {
		send_bytes(question + i, 1);
		lab_run();
	}
	for (int i = 0; i < 3; i++)
		memcpy(three + (size_t)i * sizeof(question), question, sizeof(question));
	send_bytes(three, sizeof(three));
	lab_run();
	expect_answers(4);
	peer_rst(&peer);
	lab_run();
	assert_int_equal(lab.s.flows.used, 0);
	lab_close();
}

/* Finished asking, not listening: the answer still comes, then the end. */
static void an_answer_that_is_owed_comes_after_the_fin(void **state)
{
	struct proto_answer a;

	open_both(state);
	lab.answer = LAB_HOLD;
	send_bytes(question, sizeof(question));
	peer_fin(&peer);
	lab_run();
	assert_int_equal(lab.n_names, 1);
	assert_false(peer.fin);
	PROTO_INIT(&a, PROTO_ANSWER);
	a.id = lab.name_id;
	a.ede = 0xffff;
	a.ttl = 5;
	a.n_addrs = 1;
	assert_int_equal(addr_parse("192.0.2.7", &a.addrs[0]), 0);
	lab_answer_name(&a);
	lab_run();
	expect_answers(1);
	assert_true(peer.fin);
	assert_int_equal(lab.s.flows.used, 0);
	lab_close();
}

static void nonsense_is_reset(void **state)
{
	uint8_t junk[600];

	memset(junk, 0xff, sizeof(junk));
	open_both(state);
	send_bytes(junk, sizeof(junk));
	lab_run();
	assert_true(peer.reset);
	assert_int_equal(lab.s.flows.used, 0);
	assert_int_equal(rxbuf_used(), 0);
	lab_close();
}

static void an_idle_connection_ends(void **state)
{
	open_both(state);
	lab_pass(29000, 1000);
	assert_int_equal(lab.s.flows.used, 1);
	lab_pass(3000, 1000);
	assert_true(peer.reset);
	assert_int_equal(lab.s.flows.used, 0);
	lab_close();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(a_question_is_answered),
		BOTH(questions_may_come_in_pieces_and_in_one),
		BOTH(an_answer_that_is_owed_comes_after_the_fin),
		BOTH(nonsense_is_reset),
		BOTH(an_idle_connection_ends),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
