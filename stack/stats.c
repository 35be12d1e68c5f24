/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: what this worker has counted, for `sluice stats` and `sluice top`. Comes in: an order of netd's. Goes out:
 * numbers in one message. Nothing is computed, and nobody is woken, unless somebody asks.
 */
#include <string.h>

#include "stack/path.h"

void stats_fill(struct stack *s, struct proto_stats *m)
{
	struct proto_counters *c = &m->counters;
	struct port_stats port = { 0 };
	size_t n = 0;

	port_stats(s->port, &port);
	*c = s->counters;
	c->flows = s->flows.used;
	c->rx_frames = port.rx_frames;
	c->rx_bytes = port.rx_bytes;
	c->tx_frames = port.tx_frames;
	c->tx_bytes = port.tx_bytes;
	c->rx_lost = port.rx_dropped;
	c->tx_errors = port.tx_errors;
	c->tx_stalls = port.tx_again;
	/* Of flows that are over those were added at their end. */
	for (uint32_t i = 0; i < s->flows.peak; i++) {
		const struct flow *f = &s->flows.flows[i];

		if (f->state == FLOW_FREE || !f->asked)
			continue;
		c->up_bytes += f->up_bytes;
		c->down_bytes += f->down_bytes;
	}
	memset(m->drops, 0, sizeof(m->drops));
	for (unsigned int reason = 1; reason < DROP_REASON_MAX && n < PROTO_DROP_COUNTS; reason++) {
		if (!s->drops[reason])
			continue;
		m->drops[n].reason = (uint16_t)reason;
		m->drops[n++].count = s->drops[reason];
	}
}
