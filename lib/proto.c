/* SPDX-License-Identifier: Apache-2.0 */
/* proto: is a received message well formed? Meaning is the receiver's business, shape is checked here. */
#include "lib/proto.h"

#include <errno.h>
#include <string.h>

static bool text_ok(const char *s, size_t cap)
{
	return memchr(s, '\0', cap) != NULL;
}

/* The size a message of this type has, or 0 for an unknown type. */
static size_t size_of(uint16_t type)
{
	switch ((enum proto_type)type) {
	case PROTO_ASK_FLOW: return sizeof(struct proto_ask_flow);
	case PROTO_ASK_NAME: return sizeof(struct proto_ask_name);
	case PROTO_FLOW_END: return sizeof(struct proto_flow_end);
	case PROTO_DROPS: return sizeof(struct proto_drops);
	case PROTO_INSPECTED: return sizeof(struct proto_inspected);
	case PROTO_VERDICT: return sizeof(struct proto_verdict_msg);
	case PROTO_ANSWER: return sizeof(struct proto_answer);
	case PROTO_CUT: return sizeof(struct proto_cut);
	case PROTO_SANDBOX_ADD: return sizeof(struct proto_sandbox_add);
	case PROTO_SANDBOX_END: return sizeof(struct proto_sandbox_end);
	case PROTO_SANDBOX_STATE: return sizeof(struct proto_sandbox_state);
	case PROTO_POLICY_SET: return sizeof(struct proto_policy_set);
	case PROTO_POLICY_STATE: return sizeof(struct proto_policy_state);
	case PROTO_STACK_CONFIG: return sizeof(struct proto_stack_config);
	case PROTO_STACK_STOP: return sizeof(struct proto_stack_stop);
	case PROTO_STACK_STATE: return sizeof(struct proto_stack_state);
	case PROTO_STATS_GET: return sizeof(struct proto_stats_get);
	case PROTO_STATS: return sizeof(struct proto_stats);
	case PROTO_CREATE: return sizeof(struct proto_create);
	case PROTO_END: return sizeof(struct proto_end);
	case PROTO_CREATED: return sizeof(struct proto_created);
	case PROTO_ENDED: return sizeof(struct proto_ended);
	case PROTO_ERROR: return sizeof(struct proto_error);
	case PROTO_REPORT_DENIED: return sizeof(struct proto_report_denied);
	case PROTO_REPORT_END: return sizeof(struct proto_report_end);
	case PROTO_ADOPT: return sizeof(struct proto_adopt);
	}
	return 0;
}

static bool texts_ok(const void *buf, enum proto_type type)
{
	switch (type) {
	case PROTO_VERDICT: {
		const struct proto_verdict_msg *m = buf;

		return text_ok(m->name, sizeof(m->name)) && text_ok(m->note, sizeof(m->note)) &&
		       m->verdict >= PROTO_ALLOW && m->verdict <= PROTO_FAIL &&
		       m->inspect <= PROTO_INSPECT_QUIC_OPAQUE;
	}
	case PROTO_INSPECTED: {
		const struct proto_inspected *m = buf;

		return text_ok(m->host, sizeof(m->host)) && text_ok(m->detail, sizeof(m->detail)) &&
		       m->inspect <= PROTO_INSPECT_QUIC_OPAQUE;
	}
	case PROTO_POLICY_STATE: {
		const struct proto_policy_state *m = buf;

		return text_ok(m->text, sizeof(m->text)) && m->state >= PROTO_READY &&
		       m->state <= PROTO_FAILED;
	}
	case PROTO_ASK_NAME: {
		const struct proto_ask_name *m = buf;

		return text_ok(m->name, sizeof(m->name));
	}
	case PROTO_ANSWER: {
		const struct proto_answer *m = buf;

		return m->n_addrs <= PROTO_ADDRS_MAX && m->denied <= 1 && m->rcode <= 15;
	}
	case PROTO_SANDBOX_ADD: {
		const struct proto_sandbox_add *m = buf;

		return text_ok(m->label, sizeof(m->label));
	}
	case PROTO_SANDBOX_STATE: {
		const struct proto_sandbox_state *m = buf;

		return text_ok(m->text, sizeof(m->text)) && m->state >= PROTO_READY &&
		       m->state <= PROTO_FAILED;
	}
	case PROTO_STACK_CONFIG: {
		const struct proto_stack_config *m = buf;

		return text_ok(m->label, sizeof(m->label)) && m->port <= PROTO_PORT_MEM;
	}
	case PROTO_STACK_STATE: {
		const struct proto_stack_state *m = buf;

		return text_ok(m->text, sizeof(m->text)) && m->state >= PROTO_READY &&
		       m->state <= PROTO_FAILED;
	}
	case PROTO_CREATE: {
		const struct proto_create *m = buf;

		return text_ok(m->label, sizeof(m->label)) && m->port <= PROTO_PORT_TAP &&
		       m->xdp_mode <= 2;
	}
	case PROTO_CREATED: {
		const struct proto_created *m = buf;

		return text_ok(m->text, sizeof(m->text));
	}
	case PROTO_ENDED: {
		const struct proto_ended *m = buf;

		return text_ok(m->text, sizeof(m->text));
	}
	case PROTO_ERROR: {
		const struct proto_error *m = buf;

		return text_ok(m->text, sizeof(m->text));
	}
	case PROTO_REPORT_DENIED: {
		const struct proto_report_denied *m = buf;

		return text_ok(m->host, sizeof(m->host)) && text_ok(m->seen, sizeof(m->seen)) &&
		       text_ok(m->spec, sizeof(m->spec));
	}
	case PROTO_ASK_FLOW:
	case PROTO_FLOW_END:
	case PROTO_DROPS:
	case PROTO_CUT:
	case PROTO_SANDBOX_END:
	case PROTO_STATS_GET:
	case PROTO_STATS:
	case PROTO_POLICY_SET:
	case PROTO_STACK_STOP:
	case PROTO_END:
	case PROTO_REPORT_END:
	case PROTO_ADOPT:
		return true;
	}
	return false;
}

int proto_check(const void *buf, size_t len)
{
	const struct proto_head *h = buf;

	if (len < sizeof(*h) || h->zero != 0 || h->size != len || size_of(h->type) != len)
		return -EBADMSG;
	return texts_ok(buf, (enum proto_type)h->type) ? 0 : -EBADMSG;
}

void proto_stats_drop(struct proto_stats *m, uint16_t reason, uint64_t count)
{
	size_t at = 0;

	while (at < PROTO_DROP_COUNTS - 1 && m->drops[at].reason != 0 && m->drops[at].reason != reason)
		at++;
	memmove(&m->drops[1], &m->drops[0], at * sizeof(m->drops[0]));
	m->drops[0] = (struct proto_drop_count){ .count = count, .reason = reason };
}
