/* SPDX-License-Identifier: Apache-2.0 */
/* quic_make: see quic_make.h. Keys come from the code under test, which the RFCs' vectors pin. */
#include "tests/unit/quic_make.h"

#include <assert.h>
#include <string.h>

#include <nettle/aes.h>
#include <nettle/gcm.h>

static size_t be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return 2;
}

static size_t extension(uint8_t *p, uint16_t type, const void *body, size_t len)
{
	be16(p, type);
	be16(p + 2, len);
	memcpy(p + 4, body, len);
	return 4 + len;
}

size_t make_hello(uint8_t *buf, const char *name, size_t size, int flags)
{
	static const uint8_t zeros[65536];
	uint8_t *p = buf + 4, *exts;

	p += be16(p, 0x0303);
	for (uint8_t i = 0; i < 32; i++)
		*p++ = (uint8_t)(i * 37 + 11);
	*p++ = 0;
	memcpy(p, "\0\2\x13\x01\1\0", 6);
	p += 6;
	exts = p;
	p += 2;
	if (name) {
		uint8_t sni[300];
		size_t n = strlen(name);

		be16(sni, n + 3);
		sni[2] = 0;
		be16(sni + 3, n);
		memcpy(sni + 5, name, n);
		p += extension(p, 0, sni, n + 5);
	}
	if (flags & MAKE_ECH)
		p += extension(p, 0xfe0d, "\0\0\1\0\1\0\0\0\0\0", 10);
	p += extension(p, 43, "\2\3\4", 3);
	p += extension(p, 16, "\0\3\2h3", 5);
	if (size > (size_t)(p - buf) + 4)
		p += extension(p, 21, zeros, size - (size_t)(p - buf) - 4);
	be16(exts, (size_t)(p - exts) - 2);
	buf[0] = 1;
	buf[1] = 0;
	be16(buf + 2, (size_t)(p - buf) - 4);
	return (size_t)(p - buf);
}

struct make make_of(enum quic_version v, const char *id)
{
	struct make m = { .version = v, .pn_len = 1 };

	m.keys_from.len = (uint8_t)strlen(id);
	assert(m.keys_from.len <= QUIC_CID_MAX);
	memcpy(m.keys_from.b, id, m.keys_from.len);
	m.dcid = m.keys_from;
	return m;
}

size_t make_varint(uint8_t *out, uint64_t v)
{
	int log = v < 1 << 6 ? 0 : v < 1 << 14 ? 1 : v < 1 << 30 ? 2 : 3;
	size_t n = (size_t)1 << log;

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	out[0] |= (uint8_t)(log << 6);
	return n;
}

size_t make_crypto(uint8_t *out, uint64_t offset, const uint8_t *p, size_t len)
{
	size_t n = 1;

	out[0] = 0x06;
	n += make_varint(out + n, offset);
	n += make_varint(out + n, len);
	memcpy(out + n, p, len);
	return n + len;
}

/* Up to the token and without the Length. */
static size_t header(uint8_t *out, const struct make *m, enum quic_kind kind)
{
	static const uint8_t number[QUIC_VERSIONS][4] = {
		{ 0, 0, 0, 1 }, { 0x6b, 0x33, 0x43, 0xcf },
	};
	unsigned int type = (unsigned int)kind + (m->version == QUIC_V2);
	uint8_t *p = out;

	*p++ = (uint8_t)(0xc0 | (type & 3) << 4 | m->reserved | (m->pn_len - 1));
	memcpy(p, number[m->version], 4);
	p += 4;
	*p++ = m->dcid.len;
	memcpy(p, m->dcid.b, m->dcid.len);
	p += m->dcid.len;
	*p++ = 0;
	if (kind == QUIC_INITIAL) {
		size_t n = m->token ? strlen(m->token) : 0;

		p += make_varint(p, n);
		if (n)
			memcpy(p, m->token, n);
		p += n;
	}
	return (size_t)(p - out);
}

static size_t long_length(uint8_t *out, size_t len)
{
	if (len < 1 << 14) {
		be16(out, len | 0x4000);
		return 2;
	}
	return make_varint(out, len);
}

size_t make_long(uint8_t *out, const struct make *m, enum quic_kind kind, size_t len)
{
	size_t n = header(out, m, kind);

	if (kind != QUIC_RETRY)
		n += long_length(out + n, len);
	for (size_t i = 0; i < len; i++)
		out[n + i] = (uint8_t)(i * 7 + 3);
	return n + len;
}

size_t make_initial(uint8_t *out, const struct make *m, const uint8_t *payload, size_t len, size_t size)
{
	static uint8_t plain[65536];
	static struct gcm_aes128_ctx gcm;
	size_t n = header(out, m, QUIC_INITIAL), pn_at;
	uint8_t mask[16], nonce[12];
	struct quic_keys k;
	struct aes128_ctx aes;

	memcpy(plain, payload, len);
	if (size > n + 2 + m->pn_len + len + 16) {
		size_t more = size - (n + 2 + m->pn_len + len + 16);

		memset(plain + len, 0, more);
		len += more;
	}
	n += long_length(out + n, m->pn_len + len + 16);
	pn_at = n;
	for (int i = m->pn_len - 1; i >= 0; i--)
		out[n++] = (uint8_t)(m->pn >> 8 * i);
	quic_initial_keys(m->version, &m->keys_from, &k);
	memcpy(nonce, k.iv, 12);
	for (int i = 0; i < 8; i++)
		nonce[11 - i] ^= (uint8_t)(m->pn >> 8 * i);
	gcm_aes128_set_key(&gcm, k.key);
	gcm_aes128_set_iv(&gcm, 12, nonce);
	gcm_aes128_update(&gcm, n, out);
	gcm_aes128_encrypt(&gcm, len, out + n, plain);
	gcm_aes128_digest(&gcm, 16, out + n + len);
	aes128_set_encrypt_key(&aes, k.hp);
	aes128_encrypt(&aes, 16, mask, out + pn_at + 4);
	out[0] ^= mask[0] & 0x0f;
	for (int i = 0; i < m->pn_len; i++)
		out[pn_at + (size_t)i] ^= mask[1 + i];
	return n + len + 16;
}

size_t make_first(uint8_t *out, const struct make *m, const char *name)
{
	uint8_t hello[1024], frames[1100];
	size_t n = make_hello(hello, name, 0, 0);

	n = make_crypto(frames, 0, hello, n);
	return make_initial(out, m, frames, n, MAKE_MIN);
}
