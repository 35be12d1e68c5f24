/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: what the keys `tls` and `http` of a rule mean for a flow: which of them speaks about which
 * port, what is read then, and which combinations make no sense. Pure. Process: egress and sluice.
 *
 * Port 80 belongs to HTTP and port 443 to TLS: the other key says nothing there until the port's own
 * key is `any`. Every other port follows whichever key wants something. Over UDP `tls` means QUIC.
 */
#include "lib/policy/policy_internal.h"

#include <errno.h>
#include <string.h>

enum { PORT_HTTP = 80, PORT_TLS = 443 };

static const char *const words[] = { NULL, "any", "opaque", "require" };

const char *demand_word(uint8_t demand)
{
	return words[demand];
}

int demand_parse(const char *key, const char *text, size_t len, uint8_t *ret_demand, struct policy_error *e)
{
	bool is_tls = strcmp(key, "tls") == 0;
	char q[POLICY_QUOTE_CAP];

	for (uint8_t i = DEMAND_ANY; i <= DEMAND_REQUIRE; i++) {
		if (strlen(words[i]) != len || memcmp(words[i], text, len) != 0 || (i == DEMAND_OPAQUE && !is_tls))
			continue;
		*ret_demand = i;
		return 0;
	}
	return policy_fail(e, "unknown %s \"%s\"; write %s", key, policy_quote(text, len, q),
			   is_tls ? "require, opaque or any" : "require or any");
}

/* ---- what is read ------------------------------------------------------------------------------------- */

static enum proto_inspect of_udp(uint8_t tls, uint16_t port)
{
	switch ((enum demand)tls) {
	case DEMAND_REQUIRE: return PROTO_INSPECT_QUIC;
	case DEMAND_OPAQUE: return PROTO_INSPECT_QUIC_OPAQUE;
	case DEMAND_ANY: return PROTO_INSPECT_NONE;
	case DEMAND_UNSET: break;
	}
	return port == PORT_TLS ? PROTO_INSPECT_QUIC : PROTO_INSPECT_NONE;
}

/* What tls wants on a TCP port, or otherwise when it wants nothing. */
static enum proto_inspect of_tls(uint8_t tls, enum proto_inspect otherwise)
{
	switch ((enum demand)tls) {
	case DEMAND_REQUIRE: return PROTO_INSPECT_TLS;
	case DEMAND_OPAQUE: return PROTO_INSPECT_TLS_OPAQUE;
	case DEMAND_ANY:
	case DEMAND_UNSET: break;
	}
	return otherwise;
}

static enum proto_inspect of_other(const struct rule *r)
{
	if (r->http == DEMAND_REQUIRE)
		return PROTO_INSPECT_HTTP;
	return of_tls(r->tls, r->tls == DEMAND_ANY ? PROTO_INSPECT_NONE : PROTO_INSPECT_TLS_IF);
}

enum proto_inspect inspect_of(const struct rule *r, enum proto_bit bit, uint16_t port, bool *ret_said)
{
	*ret_said = false;
	if (r->kind == HOST_RANGE || !r->allow || bit == PROTO_BIT_ICMP)
		return PROTO_INSPECT_NONE;
	if (bit == PROTO_BIT_UDP) {
		*ret_said = r->tls != DEMAND_UNSET;
		return of_udp(r->tls, port);
	}
	if (port == PORT_HTTP) {
		*ret_said = r->http != DEMAND_UNSET;
		return r->http == DEMAND_ANY ? of_tls(r->tls, PROTO_INSPECT_NONE) : PROTO_INSPECT_HTTP;
	}
	if (port == PORT_TLS) {
		*ret_said = r->tls != DEMAND_UNSET;
		if (r->tls == DEMAND_ANY)
			return r->http == DEMAND_REQUIRE ? PROTO_INSPECT_HTTP : PROTO_INSPECT_NONE;
		return of_tls(r->tls, PROTO_INSPECT_TLS);
	}
	*ret_said = r->tls != DEMAND_UNSET || r->http == DEMAND_REQUIRE;
	return of_other(r);
}

/* ---- what makes no sense ------------------------------------------------------------------------------ */

/* A port of the rule that belongs to neither key; 0 when there is none. */
static unsigned int other_port(const struct rule *r)
{
	for (size_t i = 0; i < r->n_ports; i++) {
		for (unsigned int p = r->ports[i].lo; p <= r->ports[i].hi; p++) {
			if (p != PORT_HTTP && p != PORT_TLS)
				return p;
		}
	}
	return 0;
}

static bool is_only_port(const struct rule *r, uint16_t port)
{
	return r->n_ports == 1 && r->ports[0].lo == port && r->ports[0].hi == port;
}

static int check_shape(const struct rule *r, const char *key, struct policy_error *e)
{
	if (!r->allow)
		return policy_fail(e, "\"%s\" says what is read of an allowed flow, and a denial allows none; "
				   "remove it", key);
	if (r->kind == HOST_RANGE)
		return policy_fail(e, "\"%s\" compares what is read with a name, and an address has none; "
				   "remove it, or allow the name", key);
	if (!(r->protos & (PROTO_BIT_TCP | PROTO_BIT_UDP)))
		return policy_fail(e, "\"%s\" says nothing about icmp; remove it", key);
	return 0;
}

static int check_tls(const struct rule *r, struct policy_error *e)
{
	int err = check_shape(r, "tls", e);

	if (err < 0)
		return err;
	if (!(r->protos & PROTO_BIT_UDP) && is_only_port(r, PORT_HTTP) && r->http != DEMAND_ANY)
		return policy_fail(e, "\"tls\" says nothing about port 80, where HTTP is read; remove it, or add "
				   "http: any");
	return 0;
}

static int check_http(const struct rule *r, struct policy_error *e)
{
	unsigned int port = other_port(r);
	int err = check_shape(r, "http", e);

	if (err < 0)
		return err;
	if (!(r->protos & PROTO_BIT_TCP))
		return policy_fail(e, "\"http\" says nothing about udp; remove it");
	if (is_only_port(r, PORT_TLS) && r->tls != DEMAND_ANY)
		return policy_fail(e, "\"http\" says nothing about port 443, where TLS is read; remove it, or add "
				   "tls: any");
	if (r->http == DEMAND_REQUIRE && r->tls >= DEMAND_OPAQUE && port)
		return policy_fail(e, "http: require and tls: %s cannot both be had on port %u; write two rules, "
				   "each with its ports", demand_word(r->tls), port);
	return 0;
}

int inspect_check(const struct rule *r, enum draft_part *ret_part, struct policy_error *e)
{
	*ret_part = PART_TLS;
	if (r->tls && check_tls(r, e) < 0)
		return -EINVAL;
	*ret_part = PART_HTTP;
	return r->http ? check_http(r, e) : 0;
}
