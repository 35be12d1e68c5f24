/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a name server's reply to a question of ours: read in bounds, and believed only when the
 * question is ours. The first byte says whether id and question are put right, so that what is behind them is
 * reached.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "netd/egress/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resolved a, b;
	enum query_verdict v;
	struct query q;
	uint8_t *m;

	if (size < 2)
		return 0;
	query_make(&q, "www.web.test", data[0] & 1, data[0] & 2);
	m = malloc(size - 1);
	assert(m);
	memcpy(m, data + 1, size - 1);
	if ((data[0] & 4) && size - 1 >= 12u + q.question_len) {
		memcpy(m, q.buf + QUERY_FRAME, 2);
		memcpy(m + 12, q.buf + QUERY_FRAME + 12, q.question_len);
		m[2] = (uint8_t)((m[2] & ~0x78) | 0x80);
		m[4] = 0;
		m[5] = 1;
	}
	v = query_read(&q, m, size - 1, data[0] & 8, &a);
	assert(v >= QUERY_FOREIGN && v <= QUERY_ANSWERED);
	assert(a.n <= PROTO_ADDRS_MAX);
	if (v == QUERY_ANSWERED) {
		assert(memcmp(m, q.buf + QUERY_FRAME, 2) == 0);
		assert((data[0] & 8) || memcmp(m + 12, q.buf + QUERY_FRAME + 12, q.question_len) == 0);
		assert(a.status == ANSWER_OK || (a.status == ANSWER_NXDOMAIN && a.n == 0));
		for (uint8_t i = 0; i < a.n; i++)
			assert(addr_is_v4(&a.addrs[i]) == !(data[0] & 1));
	}
	/* The same bytes mean the same the next time. */
	assert(query_read(&q, m, size - 1, data[0] & 8, &b) == v);
	assert(a.n == b.n && memcmp(a.addrs, b.addrs, a.n * sizeof(a.addrs[0])) == 0);
	free(m);
	return 0;
}
