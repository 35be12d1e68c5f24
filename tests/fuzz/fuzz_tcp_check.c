/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP header check alone: what passed it is within bounds, and scrubbing leaves only what it says. */
#include <stdlib.h>
#include <string.h>

#include "stack/ip/tcp_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcp_seen seen, again;
	uint8_t *b;
	uint32_t len, contig;

	if (size < 3)
		return 0;
	contig = (uint32_t)size - 3;
	len = (uint32_t)data[0] << 8 | data[1];
	b = malloc(contig ? contig : 1);	/* exact, so that a byte too far shows */
	if (!b)
		return 0;
	if (contig)
		memcpy(b, data + 3, contig);
	if (tcp_check(b, len, contig, &seen) == DROP_NONE) {
		if (seen.hlen < TCP_HEAD || seen.hlen > contig || seen.hlen > len ||
		    seen.payload != len - seen.hlen)
			abort();
		tcp_scrub(b, &seen, data[2] & 1);
		if (tcp_check(b, len, contig, &again) != DROP_NONE ||
		    memcmp(&seen, &again, sizeof(seen)) != 0)
			abort();
		for (int i = TCP_HEAD; !(data[2] & 1) && i < seen.hlen; i++) {
			if (b[i] != 1)
				abort();
		}
	}
	free(b);
	return 0;
}
