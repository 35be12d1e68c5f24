/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quic_packet: takes datagrams apart into packets, and opens Initial packets.
 *
 * Comes in: bytes of the sandbox. Goes out: what they say, or an error. Every number that is read
 * bounds what is read next. Runs in the worker; libnettle has the ciphers, and needs no system call
 * for them. Keys of Initial packets are no secret: whoever sees the packet can make them, so nothing here
 * is in constant time.
 */
#include "stack/inspect/quic_packet.h"

#include <errno.h>
#include <string.h>

#include <nettle/aes.h>
#include <nettle/gcm.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>

enum {
	SALT_LEN = 20,
	SECRET_LEN = 32,		/* SHA-256 */
	PN_MAX = 4,			/* bytes of a packet number in a header */
	SAMPLE_LEN = 16,		/* RFC 9001 s. 5.4.2 */
	LABEL_MAX = 32,
};

/* RFC 9001 s. 5.1, 5.2; RFC 9369 s. 3.3. */
static const struct {
	uint32_t number;
	uint8_t first_type;		/* type bits of Initial; the others follow, modulo four */
	uint8_t salt[SALT_LEN];
	const char *key, *iv, *hp;
} versions[QUIC_VERSIONS] = {
	[QUIC_V1] = {
		.number = 1, .first_type = 0,
		.salt = { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
			  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a },
		.key = "quic key", .iv = "quic iv", .hp = "quic hp",
	},
	[QUIC_V2] = {
		.number = 0x6b3343cf, .first_type = 1,
		.salt = { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
			  0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 },
		.key = "quicv2 key", .iv = "quicv2 iv", .hp = "quicv2 hp",
	},
};

/* ---- headers ----------------------------------------------------------------------------------- */

bool quic_varint(struct rd *r, uint64_t *ret_v)
{
	const uint8_t *p = rd_bytes(r, 1);
	uint64_t v;

	if (!p)
		return false;
	v = p[0] & 0x3fu;
	for (int more = (1 << (p[0] >> 6)) - 1; more > 0; more--) {
		p = rd_bytes(r, 1);
		if (!p)
			return false;
		v = v << 8 | p[0];
	}
	*ret_v = v;
	return true;
}

/* Skips as many bytes as the integer in front of them says. */
static bool skip_counted(struct rd *r)
{
	uint64_t n = 0;

	return quic_varint(r, &n) && n <= rd_left(r) && rd_skip(r, (size_t)n);
}

static bool read_cid(struct rd *r, struct quic_cid *ret_cid)
{
	if (!rd_u8(r, &ret_cid->len) || ret_cid->len > QUIC_CID_MAX)
		return false;
	memset(ret_cid->b, 0, sizeof(ret_cid->b));
	return rd_copy(r, ret_cid->b, ret_cid->len);
}

static int read_version(uint32_t number, enum quic_version *ret_v)
{
	for (enum quic_version v = 0; v < QUIC_VERSIONS; v++) {
		if (versions[v].number == number) {
			*ret_v = v;
			return 0;
		}
	}
	return -EPROTONOSUPPORT;
}

int quic_long_read(struct rd *r, struct quic_long *ret)
{
	struct quic_long l = { .p = r->p };
	uint32_t number = 0;
	uint64_t len = 0;
	struct quic_cid scid;
	uint8_t first = 0;
	int err;

	rd_u8(r, &first);
	if (!rd_be32(r, &number) || !(first & QUIC_LONG_FORM))
		return -EBADMSG;
	err = read_version(number, &l.version);
	if (err)
		return err;
	l.kind = (enum quic_kind)(((first >> 4) - versions[l.version].first_type) & 3);
	if (!read_cid(r, &l.dcid) || !read_cid(r, &scid))
		return -EBADMSG;
	if (l.kind == QUIC_RETRY) {
		rd_skip(r, rd_left(r));
		l.len = (size_t)(r->p - l.p);
		*ret = l;
		return 0;
	}
	if (l.kind == QUIC_INITIAL && !skip_counted(r))
		return -EBADMSG;
	if (!quic_varint(r, &len))
		return -EBADMSG;
	l.pn_at = (size_t)(r->p - l.p);
	if (len > rd_left(r) || l.pn_at + len > QUIC_PACKET_MAX)
		return -EBADMSG;
	rd_skip(r, (size_t)len);
	l.len = l.pn_at + (size_t)len;
	*ret = l;
	return 0;
}

/* ---- keys -------------------------------------------------------------------------------------- */

/* HKDF-Expand-Label of RFC 8446 s. 7.1 with an empty context. */
static void expand_label(const uint8_t secret[SECRET_LEN], const char *label, uint8_t *ret_key,
			 size_t len)
{
	uint8_t info[4 + LABEL_MAX] = { 0, (uint8_t)len };
	size_t n = strlen(label);
	struct hmac_sha256_ctx mac;

	info[2] = (uint8_t)(6 + n);
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, n);
	hmac_sha256_set_key(&mac, SECRET_LEN, secret);
	hkdf_expand(&mac, (nettle_hash_update_func *)hmac_sha256_update,
		    (nettle_hash_digest_func *)hmac_sha256_digest, SHA256_DIGEST_SIZE, 10 + n, info, len,
		    ret_key);
}

void quic_initial_keys(enum quic_version v, const struct quic_cid *dcid, struct quic_keys *ret)
{
	uint8_t initial[SECRET_LEN], client[SECRET_LEN];
	struct hmac_sha256_ctx mac;

	hmac_sha256_set_key(&mac, SALT_LEN, versions[v].salt);
	hkdf_extract(&mac, (nettle_hash_update_func *)hmac_sha256_update,
		     (nettle_hash_digest_func *)hmac_sha256_digest, SHA256_DIGEST_SIZE, dcid->len, dcid->b,
		     initial);
	expand_label(initial, "client in", client, sizeof(client));
	expand_label(client, versions[v].key, ret->key, sizeof(ret->key));
	expand_label(client, versions[v].iv, ret->iv, sizeof(ret->iv));
	expand_label(client, versions[v].hp, ret->hp, sizeof(ret->hp));
}

/* ---- packets ----------------------------------------------------------------------------------- */

/* RFC 9000 A.3: the number that ends in these `bytes` bytes and is closest to the one expected. */
static uint64_t whole_pn(uint64_t next, uint64_t cut, size_t bytes)
{
	uint64_t window = 1ull << 8 * bytes, half = window / 2;
	uint64_t pn = (next & ~(window - 1)) | cut;

	if (pn + half <= next && pn < (1ull << 62) - window)
		return pn + window;
	if (pn > next + half && pn >= window)
		return pn - window;
	return pn;
}

/* Removes header protection (RFC 9001 s. 5.4): the header in clear goes to head. Its length. */
static size_t open_header(const uint8_t hp[16], const struct quic_long *l, uint8_t *head,
			  uint64_t *ret_cut_pn)
{
	uint8_t mask[SAMPLE_LEN];
	struct aes128_ctx aes;
	uint64_t pn = 0;
	size_t n;

	aes128_set_encrypt_key(&aes, hp);
	aes128_encrypt(&aes, SAMPLE_LEN, mask, l->p + l->pn_at + PN_MAX);
	memcpy(head, l->p, l->pn_at + PN_MAX);
	head[0] ^= mask[0] & 0x0f;
	n = (head[0] & 3u) + 1;
	for (size_t i = 0; i < n; i++) {
		head[l->pn_at + i] ^= mask[1 + i];
		pn = pn << 8 | head[l->pn_at + i];
	}
	*ret_cut_pn = pn;
	return l->pn_at + n;
}

ssize_t quic_initial_open(const struct quic_keys *k, const struct quic_long *l, uint64_t next_pn,
			  uint8_t *buf, uint64_t *ret_pn)
{
	static uint8_t head[QUIC_PACKET_MAX];
	uint8_t nonce[sizeof(k->iv)], tag[GCM_DIGEST_SIZE];
	static struct gcm_aes128_ctx gcm;	/* 4 KiB of tables */
	size_t head_len, len;
	uint64_t pn;

	if (l->len < l->pn_at + PN_MAX + SAMPLE_LEN)
		return -EBADMSG;
	head_len = open_header(k->hp, l, head, &pn);
	pn = whole_pn(next_pn, pn, head_len - l->pn_at);
	len = l->len - head_len - sizeof(tag);
	memcpy(nonce, k->iv, sizeof(nonce));
	for (size_t i = 0; i < 8; i++)
		nonce[sizeof(nonce) - 1 - i] ^= (uint8_t)(pn >> 8 * i);
	gcm_aes128_set_key(&gcm, k->key);
	gcm_aes128_set_iv(&gcm, sizeof(nonce), nonce);
	gcm_aes128_update(&gcm, head_len, head);
	gcm_aes128_decrypt(&gcm, len, buf, l->p + head_len);
	gcm_aes128_digest(&gcm, sizeof(tag), tag);
	if (memcmp(tag, l->p + l->len - sizeof(tag), sizeof(tag)) != 0)
		return -EBADMSG;
	/* RFC 9000 s. 17.2: reserved bits other than 0 end the connection at the server. */
	if (head[0] & 0x0c)
		return -EPROTO;
	*ret_pn = pn;
	return (ssize_t)len;
}
