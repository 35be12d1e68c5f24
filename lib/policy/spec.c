/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec: rules of the command line, SPEC = [tcp://|udp://|icmp://]HOST[:PORTS], and the way back
 * from a refused flow to the SPEC that would let it through.
 *
 * Only the outer shape is read here; what host and ports mean is rule.c's business.
 */
#include "lib/policy/policy_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { SPEC_MAX = 2048 };	/* a name's UTF-8 and 64 port ranges */

static int parse_scheme(const char **s, struct rule_draft *d, struct policy_error *e)
{
	const char *end = strstr(*s, "://");
	char q[POLICY_QUOTE_CAP];
	size_t n;

	if (!end)
		return 0;
	n = (size_t)(end - *s);
	if ((n == 3 && (memcmp(*s, "tcp", 3) == 0 || memcmp(*s, "udp", 3) == 0)) ||
	    (n == 4 && memcmp(*s, "icmp", 4) == 0)) {
		*s = end + 3;
		return draft_add_proto(d, end - n, n, e);
	}
	return policy_fail(e, "\"%s://\" is not tcp://, udp:// or icmp://; write HOST or HOST:PORT",
			   policy_quote(*s, n, q));
}

static int parse_ports(const char *s, struct rule_draft *d, struct policy_error *e)
{
	for (;;) {
		size_t n = strcspn(s, ",");
		int r = draft_add_ports(d, s, n, e);

		if (r < 0)
			return r;
		if (!s[n])
			return 0;
		s += n + 1;
	}
}

/* Sets d->host and returns what follows it: "" or ":PORTS"; NULL with e filled. */
static const char *parse_host(const char *s, struct rule_draft *d, struct policy_error *e)
{
	const char *colon = strchr(s, ':');
	char q[POLICY_QUOTE_CAP];

	d->host = s;
	if (*s == '[') {
		const char *end = strchr(s, ']');

		d->host = s + 1;
		if (!end || !memchr(s, ':', (size_t)(end - s)) || (end[1] && end[1] != ':')) {
			policy_fail(e, "\"%s\" is not [IPV6-ADDRESS] or [IPV6-PREFIX], then :PORTS",
				    policy_quote(s, strlen(s), q));
			return NULL;
		}
		d->host_len = (size_t)(end - s - 1);
		return end + 1;
	}
	if (colon && !strchr(colon + 1, ':')) {
		d->host_len = (size_t)(colon - s);
		return colon;
	}
	/* More than one colon: an IPv6 address as it stands, so it has no ports. */
	d->host_len = strlen(s);
	return s + d->host_len;
}

int spec_parse(const char *spec, bool allow, struct rule_draft *ret_draft, struct policy_error *e)
{
	struct rule_draft d = { .allow = allow };
	const char *rest;
	int r;

	if (strnlen(spec, SPEC_MAX + 1) > SPEC_MAX)
		return policy_fail(e, "a rule of more than %d bytes; write a policy file", SPEC_MAX);
	r = parse_scheme(&spec, &d, e);
	if (r < 0)
		return r;
	rest = parse_host(spec, &d, e);
	if (!rest)
		return -EINVAL;
	if (*rest) {
		r = parse_ports(rest + 1, &d, e);
		if (r < 0)
			return r;
	}
	*ret_draft = d;
	return 0;
}

int policy_add_spec(struct policy *p, bool allow, const char *spec, struct policy_error *ret_err)
{
	struct rule_draft d;
	enum draft_part part;
	struct rule r;
	int err, origin;

	memset(ret_err, 0, sizeof(*ret_err));
	err = spec_parse(spec, allow, &d, ret_err);
	if (err < 0)
		return err;
	err = rule_finish(&d, &r, &part, ret_err);
	if (err < 0)
		return err;
	origin = policy_add_origin(p, allow ? "--allow" : "--deny");
	if (origin < 0) {
		rule_done(&r);
		return origin;
	}
	r.origin = (uint16_t)origin;
	return policy_add_rule(p, &r, ret_err);
}

void policy_spec_for(const char *host, uint8_t proto, uint16_t port, char *buf, size_t cap)
{
	const char *scheme = proto == IPPROTO_UDP ? "udp://" : proto == IPPROTO_ICMP ? "icmp://" : "";
	char norm[PROTO_NAME_CAP], text[ADDR_STRLEN];
	bool v6 = false, is_addr = false;
	struct addr a;
	int n;

	if (!cap)
		return;
	buf[0] = '\0';
	if (addr_parse(host, &a) == 0) {
		is_addr = true;
		v6 = !addr_is_v4(&a);
		host = addr_format(&a, text);
	} else if (policy_name(host, norm) == 0) {
		host = norm;
	} else {
		return;
	}
	if (proto == IPPROTO_ICMP)
		port = 0;
	else if (!port && (is_addr || proto == IPPROTO_UDP))
		return;
	n = snprintf(buf, cap, "%s%s%s%s", scheme, v6 ? "[" : "", host, v6 ? "]" : "");
	if (port && n > 0 && (size_t)n < cap)
		n += snprintf(buf + n, cap - (size_t)n, ":%u", port);
	if (n < 0 || (size_t)n >= cap)
		buf[0] = '\0';
}
