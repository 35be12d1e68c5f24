/* SPDX-License-Identifier: Apache-2.0 */
/* bucket: a token bucket. Holds `burst` tokens when full, and gains `rate` of them per second. */
#ifndef EGRESS_BUCKET_H
#define EGRESS_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/clock.h"

struct bucket {
	uint64_t rate;		/* 0 = never refuses */
	uint64_t burst;
	uint64_t credit_ns;
	uint64_t last_ns;
};

static inline void bucket_init(struct bucket *b, uint64_t rate, uint64_t burst, uint64_t now)
{
	/* Above one token per nanosecond there is nothing left to ration. */
	if (rate > NS_PER_S)
		rate = 0;
	b->rate = rate;
	b->burst = burst;
	b->credit_ns = rate ? burst * (NS_PER_S / rate) : 0;
	b->last_ns = now;
}

static inline bool bucket_take(struct bucket *b, uint64_t now)
{
	uint64_t cost, full, gained;

	if (!b->rate)
		return true;
	cost = NS_PER_S / b->rate;
	full = b->burst * cost;
	gained = now > b->last_ns ? now - b->last_ns : 0;
	b->last_ns = now;
	b->credit_ns = gained >= full - b->credit_ns ? full : b->credit_ns + gained;
	if (b->credit_ns < cost)
		return false;
	b->credit_ns -= cost;
	return true;
}

#endif
