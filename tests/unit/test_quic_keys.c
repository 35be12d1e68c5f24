/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One QUIC packet that opens with two keys. AES-GCM does not bind a ciphertext to its key, and the keys of
 * Initial packets are everybody's, so a sandbox can make it: harmless under the keys of a connection that has been
 * judged, something else under those that a server derives from the packet's own header.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <nettle/aes.h>
#include <nettle/gcm.h>

#include "stack/inspect/inspect.h"
#include "tests/unit/quic_make.h"

#define NAME "example.com"

enum {
	BODY = 1200,			/* bytes of ciphertext without tag */
	FREE_AT = 512,			/* the block that makes both tags equal */
	HEAD = 24,			/* of this packet, with a packet number of one byte */
	PN_AT = HEAD - 1,
};

struct side {
	struct quic_keys keys;
	uint8_t head[HEAD];		/* in clear, as this key sees it */
	uint64_t pn;
};

static uint8_t packet[HEAD + BODY + 16];

/* What the tag would have to be, and the plaintext. */
static void tag_of(const struct side *s, const uint8_t body[BODY], uint8_t plain[BODY], uint8_t tag[16])
{
	static struct gcm_aes128_ctx gcm;
	uint8_t nonce[12];

	memcpy(nonce, s->keys.iv, 12);
	nonce[11] ^= (uint8_t)s->pn;
	gcm_aes128_set_key(&gcm, s->keys.key);
	gcm_aes128_set_iv(&gcm, 12, nonce);
	gcm_aes128_update(&gcm, HEAD, s->head);
	gcm_aes128_decrypt(&gcm, BODY, plain, body);
	gcm_aes128_digest(&gcm, 16, tag);
}

static void mask_of(const struct side *s, uint8_t mask[16])
{
	struct aes128_ctx aes;

	aes128_set_encrypt_key(&aes, s->keys.hp);
	aes128_encrypt(&aes, 16, mask, packet + PN_AT + 4);
}

/* Bits of the sample are tried until the second key, too, sees a header that a server accepts. */
static void find_header(struct side *a, struct side *b)
{
	uint8_t *body = packet + HEAD, ma[16], mb[16];

	for (unsigned int n = 0; n < 65536; n++) {
		body[8] = (uint8_t)n;
		body[9] = (uint8_t)(n >> 8);
		mask_of(a, ma);
		mask_of(b, mb);
		if (((ma[0] ^ mb[0]) & 0x0f) != 0)
			continue;
		packet[0] = a->head[0] ^ (ma[0] & 0x0f);
		packet[PN_AT] = (uint8_t)(a->pn ^ ma[1]);
		memcpy(b->head, a->head, HEAD);
		b->pn = packet[PN_AT] ^ mb[1];
		b->head[PN_AT] = (uint8_t)b->pn;
		return;
	}
	fail();
}

/* The difference of both tags is affine in the free block: 128 equations. */
static void find_block(const struct side *a, const struct side *b)
{
	static uint8_t m[128][17];		/* one row per bit of the tag: 128 unknowns, right side */
	uint8_t *body = packet + HEAD, *block = body + FREE_AT, plain[BODY];
	uint8_t ta[16], tb[16], zero[16];

	memset(m, 0, sizeof(m));
	for (int k = -1; k < 128; k++) {
		memset(block, 0, 16);
		if (k >= 0)
			block[k / 8] = (uint8_t)(1 << k % 8);
		tag_of(a, body, plain, ta);
		tag_of(b, body, plain, tb);
		for (int i = 0; i < 16; i++)
			ta[i] ^= tb[i];
		if (k < 0)
			memcpy(zero, ta, 16);
		for (int i = 0; i < 128; i++) {
			uint8_t bit = (ta[i / 8] ^ (k < 0 ? 0 : zero[i / 8])) >> i % 8 & 1;

			if (k < 0)
				m[i][16] = bit;
			else
				m[i][k / 8] |= (uint8_t)(bit << k % 8);
		}
	}
	for (int c = 0; c < 128; c++) {
		uint8_t row[17];
		int p = c;

		while (p < 128 && !(m[p][c / 8] >> c % 8 & 1))
			p++;
		assert_true(p < 128);
		memcpy(row, m[p], 17);
		memcpy(m[p], m[c], 17);
		memcpy(m[c], row, 17);
		for (int i = 0; i < 128; i++) {
			if (i == c || !(m[i][c / 8] >> c % 8 & 1))
				continue;
			for (int j = 0; j < 17; j++)
				m[i][j] ^= row[j];
		}
	}
	memset(block, 0, 16);
	for (int c = 0; c < 128; c++)
		block[c / 8] |= (uint8_t)(m[c][16] << c % 8);
}

/* A packet with the id `to` that reads as CONNECTION_CLOSE under the keys of `judged`. */
static void make_two_keys(const struct make *judged, const struct make *to)
{
	static const uint8_t close[] = { 0x1c, 0, 0, 0x44, 0xab };	/* a reason of 1,195 bytes */
	struct side a = { .pn = 1 }, b = { 0 };
	uint8_t *body = packet + HEAD, plain[BODY], tag[16], again[16];

	quic_initial_keys(judged->version, &judged->keys_from, &a.keys);
	quic_initial_keys(to->version, &to->dcid, &b.keys);
	memset(packet, 0, sizeof(packet));
	packet[0] = 0xc0;
	packet[4] = 1;
	packet[5] = to->dcid.len;
	memcpy(packet + 6, to->dcid.b, to->dcid.len);
	/* source id and token: none */
	packet[PN_AT - 2] = (uint8_t)(0x40 | (1 + BODY + 16) >> 8);
	packet[PN_AT - 1] = (uint8_t)(1 + BODY + 16);
	assert_int_equal(6 + to->dcid.len + 2, PN_AT - 2);
	memcpy(a.head, packet, HEAD);
	a.head[PN_AT] = 1;
	tag_of(&a, body, plain, tag);		/* of zeros: the key stream */
	for (size_t i = 0; i < sizeof(close); i++)
		body[i] = plain[i] ^ close[i];
	find_header(&a, &b);
	find_block(&a, &b);
	tag_of(&a, body, plain, tag);
	assert_memory_equal(plain, close, sizeof(close));
	tag_of(&b, body, plain, again);
	assert_memory_equal(tag, again, 16);
	memcpy(body + BODY, tag, 16);
}

static void test_two_keys(void **state)
{
	struct inspect_spec spec = { .kind = PROTO_INSPECT_QUIC, .name = NAME, .port = 443, .note = "" };
	struct make judged = make_of(QUIC_V1, "8 bytes!"), to = make_of(QUIC_V1, "thirteen by..");
	static uint8_t dg[2048], plain[QUIC_PACKET_MAX];
	struct inspect *i;
	struct quic_keys k;
	struct quic_long l;
	struct rd rd;
	uint64_t pn;

	(void)state;
	make_two_keys(&judged, &to);
	/* It does open with either. */
	rd = rd_init(packet, sizeof(packet));
	assert_int_equal(quic_long_read(&rd, &l), 0);
	assert_true(rd_done(&rd));
	quic_initial_keys(QUIC_V1, &judged.dcid, &k);
	assert_int_equal(quic_initial_open(&k, &l, 1, plain, &pn), BODY);
	quic_initial_keys(QUIC_V1, &to.dcid, &k);
	assert_int_equal(quic_initial_open(&k, &l, 0, plain, &pn), BODY);
	/* So nobody knows what the server will read. */
	i = inspect_new(&spec);
	assert_non_null(i);
	assert_int_equal(inspect_datagram(i, dg, make_first(dg, &judged, NAME)), INSPECT_WATCH);
	assert_int_equal(inspect_datagram(i, packet, sizeof(packet)), INSPECT_REFUSE);
	assert_int_equal(inspect_reason(i), DROP_QUIC_BAD);
	inspect_free(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_two_keys) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
