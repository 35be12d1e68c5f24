/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: one flow's inspection: finds its reader, keeps its verdict and what is told about it.
 *
 * In: the first bytes of flows that egress has allowed, from nat/. Out: how many of them may go on, or
 * why none may. The readers are tls.c, http.c and quic.c; whatever has none is not inspected by
 * accident: inspect_new() fails, and so does the flow. Runs in the worker.
 */
#include "stack/inspect/inspect_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_FIRST = 512 };		/* a hello without post-quantum key shares fits */

static size_t bytes_all;		/* capacity of all struct inspect_bytes */

static const struct inspect_ops *ops_of(enum proto_inspect kind)
{
	switch (kind) {
	case PROTO_INSPECT_TLS:
	case PROTO_INSPECT_TLS_OPAQUE:
	case PROTO_INSPECT_TLS_IF:
		return &inspect_tls_ops;
	case PROTO_INSPECT_HTTP:
		return &inspect_http_ops;
	case PROTO_INSPECT_QUIC:
	case PROTO_INSPECT_QUIC_OPAQUE:
		return &inspect_quic_ops;
	case PROTO_INSPECT_NONE:
	default:
		return NULL;
	}
}

struct inspect *inspect_new(const struct inspect_spec *spec)
{
	const struct inspect_ops *ops = ops_of(spec->kind);
	struct inspect *i;

	if (!ops)
		return NULL;
	i = calloc(1, sizeof(*i) + ops->own_size);
	if (!i)
		return NULL;
	i->ops = ops;
	i->kind = spec->kind;
	i->port = spec->port;
	i->state = INSPECT_HOLD;
	snprintf(i->name, sizeof(i->name), "%s", spec->name);
	snprintf(i->note, sizeof(i->note), "%s", spec->note ? spec->note : "");
	return i;
}

void inspect_free(struct inspect *i)
{
	if (!i)
		return;
	if (i->ops->done)
		i->ops->done(i);
	free(i);
}

enum inspect_state inspect_up(struct inspect *i, const uint8_t *buf, size_t len)
{
	assert(i->ops->up && !inspect_is_final(i));
	i->ops->up(i, buf, len);
	return i->state;
}

enum inspect_state inspect_down(struct inspect *i, const uint8_t *buf, size_t len)
{
	assert(i->ops->down && !inspect_is_final(i));
	i->ops->down(i, buf, len);
	return i->state;
}

enum inspect_state inspect_datagram(struct inspect *i, const uint8_t *buf, size_t len)
{
	assert(i->ops->datagram && !inspect_is_final(i));
	i->ops->datagram(i, buf, len);
	return i->state;
}

bool inspect_wants_down(const struct inspect *i)
{
	return i->wants_down && !inspect_is_final(i);
}

uint64_t inspect_cleared(const struct inspect *i)
{
	return i->cleared;
}

enum drop_reason inspect_reason(const struct inspect *i)
{
	return i->reason;
}

void inspect_give_up(struct inspect *i, enum drop_reason why)
{
	assert(!inspect_is_final(i));
	if (why == DROP_NONE)
		why = i->kind == PROTO_INSPECT_HTTP ? DROP_HTTP_BAD : DROP_TLS_BAD;
	inspect_refuse(i, why);
}

bool inspect_report(struct inspect *i, struct proto_inspected *m)
{
	if (i->ops->report)
		return i->ops->report(i, m);
	if (!i->is_fresh)
		return false;
	i->is_fresh = false;
	m->reason = (uint16_t)i->reason;
	m->inspect = (uint8_t)i->read;
	snprintf(m->host, sizeof(m->host), "%s", i->host);
	snprintf(m->detail, sizeof(m->detail), "%s", i->detail);
	return true;
}

/* ---- for the readers -------------------------------------------------------------------------------------- */

void inspect_hold(struct inspect *i)
{
	assert(!inspect_is_final(i));
	i->state = INSPECT_HOLD;
}

void inspect_watch(struct inspect *i)
{
	assert(!inspect_is_final(i));
	i->state = INSPECT_WATCH;
}

void inspect_pass(struct inspect *i)
{
	assert(!inspect_is_final(i));
	i->state = INSPECT_PASS;
}

void inspect_refuse(struct inspect *i, enum drop_reason reason)
{
	assert(!inspect_is_final(i) && reason != DROP_NONE);
	i->state = INSPECT_REFUSE;
	i->reason = reason;
	i->is_fresh = true;
}

int inspect_bytes_add(struct inspect_bytes *b, const uint8_t *buf, size_t len, size_t max)
{
	if (len > max || b->len > max - len)
		return -ENOMEM;
	if (b->len + len > b->cap) {
		size_t cap = b->cap ? b->cap * 2 : BYTES_FIRST;
		uint8_t *p;

		if (cap < b->len + len)
			cap = b->len + len;
		if (cap > max)
			cap = max;
		if (cap - b->cap > INSPECT_BYTES_ALL_MAX - bytes_all)
			return -ENOMEM;
		p = realloc(b->p, cap);
		if (!p)
			return -ENOMEM;
		bytes_all += cap - b->cap;
		b->p = p;
		b->cap = cap;
	}
	memcpy(b->p + b->len, buf, len);
	b->len += len;
	return 0;
}

void inspect_bytes_done(struct inspect_bytes *b)
{
	free(b->p);
	bytes_all -= b->cap;
	*b = (struct inspect_bytes){ 0 };
}
