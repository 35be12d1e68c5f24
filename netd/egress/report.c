/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: counts denials by destination while a sandbox lives, and writes them to sluice(1) when netd ends
 * it. Runs in egress. The table is bounded; what finds no place in it is counted as `unlisted`.
 */
#include "netd/egress/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/msg.h"
#include "lib/policy/policy.h"

int report_init(struct report *r)
{
	memset(r, 0, sizeof(*r));
	r->denied = calloc(REPORT_DENIED_MAX, sizeof(*r->denied));
	return r->denied ? 0 : -ENOMEM;
}

void report_done(struct report *r)
{
	free(r->denied);
	memset(r, 0, sizeof(*r));
}

static bool is_same(const struct report_denied *d, const struct report_what *what)
{
	return d->proto == what->proto && d->port == what->port && strcmp(d->host, what->host) == 0 &&
	       strcmp(d->seen, what->seen ? what->seen : "") == 0;
}

void report_denied(struct report *r, const struct report_what *what)
{
	struct report_denied *d;

	/* 256 entries: a walk over the small keys is cheaper than a second table is to keep. */
	for (uint32_t i = 0; i < r->n_denied; i++) {
		d = &r->denied[i];
		if (is_same(d, what)) {
			d->count++;
			return;
		}
	}
	if (r->n_denied == REPORT_DENIED_MAX) {
		r->unlisted++;
		return;
	}
	d = &r->denied[r->n_denied++];
	d->count = 1;
	d->reason = (uint16_t)what->reason;
	d->port = what->port;
	d->proto = what->proto;
	snprintf(d->host, sizeof(d->host), "%s", what->host);
	snprintf(d->seen, sizeof(d->seen), "%s", what->seen ? what->seen : "");
	snprintf(d->lift, sizeof(d->lift), "%s", what->lift ? what->lift : "");
}

/* A name that was looked up and then dialled is told once, with the port. */
static bool is_shadowed(const struct report *r, const struct report_denied *d)
{
	if (d->proto != 0)
		return false;
	for (uint32_t i = 0; i < r->n_denied; i++) {
		if (r->denied[i].proto != 0 && strcmp(r->denied[i].host, d->host) == 0)
			return true;
	}
	return false;
}

static int write_denied(const struct report_denied *d, int fd)
{
	struct proto_report_denied m;

	PROTO_INIT(&m, PROTO_REPORT_DENIED);
	m.count = d->count;
	m.reason = d->reason;
	m.dport = d->port;
	m.proto = d->proto;
	memcpy(m.host, d->host, sizeof(m.host));
	memcpy(m.seen, d->seen, sizeof(m.seen));
	if (*d->lift)
		policy_spec_for(d->lift, d->proto, d->port, m.spec, sizeof(m.spec));
	return msg_send(fd, &m, sizeof(m), NULL, 0);
}

int report_write(struct report *r, int fd, uint64_t up_bytes, uint64_t down_bytes)
{
	struct proto_report_end end;
	int e;

	for (; r->sent < r->n_denied; r->sent++) {
		const struct report_denied *d = &r->denied[r->sent];

		if (is_shadowed(r, d))
			continue;
		e = write_denied(d, fd);
		if (e < 0)
			return e == -EAGAIN ? 0 : e;
	}
	PROTO_INIT(&end, PROTO_REPORT_END);
	end.flows = r->flows;
	end.flows_denied = r->flows_denied;
	end.names = r->names;
	end.names_denied = r->names_denied;
	end.up_bytes = up_bytes;
	end.down_bytes = down_bytes;
	end.dropped = r->dropped;
	end.unlisted = r->unlisted;
	e = msg_send(fd, &end, sizeof(end), NULL, 0);
	if (e < 0)
		return e == -EAGAIN ? 0 : e;
	return 1;
}
