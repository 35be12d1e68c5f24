/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csum: the Internet checksum (RFC 1071), for what the worker itself sends.
 *
 * Nothing is ever verified here: the link is memory, and frames from a veth or a TAP carry partial
 * checksums by design. Sums are over 16-bit words in memory order, which RFC 1071 s. 2 (B) shows to
 * give the right bytes on any machine as long as the result is stored the same way.
 */
#include <string.h>

#include "stack/path.h"

uint32_t csum_add(uint32_t sum, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	uint64_t acc = 0;
	uint64_t v;

	/* Eight bytes at a time with end-around carry: a sum of 64-bit words folds to the same value. */
	while (len >= 8) {
		memcpy(&v, p, 8);
		acc += v;
		acc += acc < v;
		p += 8;
		len -= 8;
	}
	if (len) {
		v = 0;
		memcpy(&v, p, len);	/* an odd last byte is padded with zero, RFC 1071 s. 1 */
		acc += v;
		acc += acc < v;
	}
	acc = (acc & 0xffffffffu) + (acc >> 32);
	acc = (acc & 0xffffu) + (acc >> 16);
	acc += sum;
	acc = (acc & 0xffffffffu) + (acc >> 32);
	return (uint32_t)acc;
}

uint16_t csum_fold(uint32_t sum)
{
	sum = (sum & 0xffffu) + (sum >> 16);
	sum = (sum & 0xffffu) + (sum >> 16);
	return (uint16_t)~sum;
}

uint32_t csum_pseudo(const struct addr *src, const struct addr *dst, uint8_t proto, uint32_t l4_len)
{
	/* RFC 8200 s. 8.1; RFC 768's IPv4 form sums to the same words without the leading zeroes. */
	uint8_t tail[8] = { (uint8_t)(l4_len >> 24), (uint8_t)(l4_len >> 16), (uint8_t)(l4_len >> 8),
			    (uint8_t)l4_len, 0, 0, 0, proto };
	uint32_t sum;

	if (addr_is_v4(src)) {
		sum = csum_add(0, src->b + 12, 4);
		sum = csum_add(sum, dst->b + 12, 4);
	} else {
		sum = csum_add(0, src->b, 16);
		sum = csum_add(sum, dst->b, 16);
	}
	return csum_add(sum, tail, sizeof(tail));
}
