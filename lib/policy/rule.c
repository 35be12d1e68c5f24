/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule: a rule as written becomes a rule that means something, or a sentence that says why not.
 *
 * In: struct rule_draft, the pieces of a YAML stanza or of a SPEC. Out: struct rule with a host in
 * normal form, the protocols spelled out and sorted, joined port ranges. All defaults are applied
 * here, so the tables, the canonical text and explain know no defaults.
 */
#include "lib/policy/policy_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int draft_add_proto(struct rule_draft *d, const char *text, size_t len, struct policy_error *e)
{
	static const struct {
		const char *word;
		uint8_t bits;
	} words[] = {
		{ "tcp", PROTO_BIT_TCP },
		{ "udp", PROTO_BIT_UDP },
		{ "icmp", PROTO_BIT_ICMP },
		{ "any", PROTO_BIT_ANY },
	};
	char q[POLICY_QUOTE_CAP];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) == len && memcmp(words[i].word, text, len) == 0) {
			d->has_proto = true;
			d->protos |= words[i].bits;
			return 0;
		}
	}
	return policy_fail(e, "unknown protocol \"%s\"; write tcp, udp, icmp or any",
			   policy_quote(text, len, q));
}

/* Decimal 1..65535 without sign, space or leading zero; the number of bytes used, 0 when it is none. */
static size_t read_port(const char *s, size_t len, uint16_t *ret_port)
{
	unsigned int v = 0;
	size_t i = 0;

	while (i < len && i < 6 && s[i] >= '0' && s[i] <= '9')
		v = v * 10 + (unsigned int)(s[i++] - '0');
	if (!i || s[0] == '0' || v > 65535)
		return 0;
	*ret_port = (uint16_t)v;
	return i;
}

int draft_add_ports(struct rule_draft *d, const char *text, size_t len, struct policy_error *e)
{
	struct port_range r = { 0 };
	char q[POLICY_QUOTE_CAP];
	size_t n = read_port(text, len, &r.lo);

	r.hi = r.lo;
	if (n && n < len && text[n] == '-') {
		size_t m = read_port(text + n + 1, len - n - 1, &r.hi);

		n = m ? n + 1 + m : 0;
	}
	if (!n || n != len)
		return policy_fail(e, "bad port \"%s\"; write a number from 1 to 65535 or a range like 8000-8010",
				   policy_quote(text, len, q));
	if (r.lo > r.hi)
		return policy_fail(e, "port range %u-%u runs backwards; write %u-%u", r.lo, r.hi, r.hi, r.lo);
	if (d->n_ports == POLICY_PORTS_MAX)
		return policy_fail(e, "more than %d ports in one rule; use ranges or write a second rule",
				   POLICY_PORTS_MAX);
	d->has_ports = true;
	d->ports[d->n_ports++] = r;
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct port_range *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return (x->hi > y->hi) - (x->hi < y->hi);
}

/* Sorts and joins what overlaps or touches. */
static int copy_ports(const struct port_range *ports, size_t n, struct rule *r)
{
	struct port_range *out = malloc(n * sizeof(*out));
	size_t m = 0;

	if (!out)
		return -ENOMEM;
	memcpy(out, ports, n * sizeof(*out));
	qsort(out, n, sizeof(*out), compare_ranges);
	for (size_t i = 1; i < n; i++) {
		if (out[i].lo <= (unsigned int)out[m].hi + 1) {
			if (out[i].hi > out[m].hi)
				out[m].hi = out[i].hi;
		} else {
			out[++m] = out[i];
		}
	}
	r->ports = out;
	r->n_ports = (uint8_t)(m + 1);
	return 0;
}

static bool is_mapped(const char *s)
{
	struct in6_addr a;

	return inet_pton(AF_INET6, s, &a) == 1 && IN6_IS_ADDR_V4MAPPED(&a);
}

/* "10.0.0.1/8" with a good address and a good length has only host bits left to be wrong. */
static int host_bits(const char *text, const struct addr *a, unsigned int bits, struct policy_error *e)
{
	struct cidr c = { .net = *a, .bits = (uint8_t)bits };
	char buf[CIDR_STRLEN];

	for (unsigned int i = bits; i < 128; i++)
		c.net.b[i / 8] &= (uint8_t)~(0x80u >> (i % 8));
	return policy_fail(e, "\"%s\" has bits set beyond the prefix length; write %s", text,
			   cidr_format(&c, buf));
}

static int host_prefix(const char *text, struct rule *r, struct policy_error *e)
{
	const char *slash = strchr(text, '/');
	char host[ADDR_STRLEN];
	struct addr a;
	unsigned int max, bits = 0;
	size_t n = (size_t)(slash - text), digits = strlen(slash + 1);

	if (n >= sizeof(host))
		return policy_fail(e, "\"%s\" is neither a name nor a prefix; write a host without a path", text);
	memcpy(host, text, n);
	host[n] = '\0';
	if (is_mapped(host))
		return policy_fail(e, "\"%s\" is an IPv4-mapped prefix; write it as an IPv4 prefix", text);
	if (addr_parse(host, &a) < 0)
		return policy_fail(e, "\"%s\" is neither a name nor a prefix; write a host without a path, or "
				   "an address and a length like 192.0.2.0/24", text);
	max = addr_is_v4(&a) ? 32 : 128;
	if (digits < 1 || digits > 3 || strspn(slash + 1, "0123456789") != digits ||
	    (slash[1] == '0' && digits > 1) || (bits = (unsigned int)atoi(slash + 1)) > max)
		return policy_fail(e, "bad prefix length in \"%s\"; write a number from 0 to %u", text, max);
	if (cidr_parse(text, &r->range) < 0)
		return host_bits(text, &a, 128 - max + bits, e);
	r->kind = HOST_RANGE;
	return 0;
}

static int host_address(const char *text, struct rule *r, struct policy_error *e)
{
	if (addr_parse(text, &r->range.net) == 0) {
		r->range.bits = 128;
		r->kind = HOST_RANGE;
		return 0;
	}
	if (is_mapped(text))
		return policy_fail(e, "\"%s\" is an IPv4-mapped address; write the IPv4 address", text);
	if (strstr(text, "://"))
		return policy_fail(e, "\"%s\" is a URL; write the host alone", text);
	if (strchr(text, '%'))
		return policy_fail(e, "\"%s\" has a zone; write an address without one", text);
	if (text[0] == '[')
		return policy_fail(e, "\"%s\" has brackets; write the address alone, ports separately", text);
	return policy_fail(e, "\"%s\" holds a colon but is no IPv6 address; write the host alone, ports separately",
			   text);
}

/* text is what stands after "*." if below. */
static int host_name(const char *text, size_t len, bool below, struct rule *r, struct policy_error *e)
{
	char name[PROTO_NAME_CAP], q[POLICY_QUOTE_CAP];
	const char *why;

	if (memchr(text, '*', len))
		return policy_fail(e, "\"%s\" has a * that is not the whole first part; write *.example.test",
				   policy_quote(text, len, q));
	if (name_normalise(text, len, name, &why) < 0)
		return policy_fail(e, "\"%s\" is not a host: %s; write a name, an address or a prefix",
				   policy_quote(text, len, q), why);
	r->name = strdup(name);
	if (!r->name)
		return -ENOMEM;
	r->kind = below ? HOST_BELOW : HOST_NAME;
	return 0;
}

static int host_parse(const char *text, size_t len, struct rule *r, struct policy_error *e)
{
	char shown[POLICY_QUOTE_CAP];

	policy_quote(text, len, shown);
	if (!len)
		return policy_fail(e, "the host is empty; write a name, an address or a prefix");
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
			return policy_fail(e, "the host \"%s\" holds a space or a control character; remove it",
					   shown);
	}
	if (len == 1 && text[0] == '*')
		return policy_fail(e, "* would allow every name there is; write *.example.test for a domain");
	if (len >= 2 && text[0] == '*' && text[1] == '.')
		return host_name(text + 2, len - 2, true, r, e);
	/* Addresses and prefixes are short, so the quoted form is the whole text when it can be one. */
	if (len < sizeof(shown) && (memchr(text, ':', len) || text[0] == '[')) {
		if (memchr(text, '/', len) && !strstr(shown, "://"))
			return host_prefix(shown, r, e);
		return host_address(shown, r, e);
	}
	if (len < sizeof(shown) && memchr(text, '/', len))
		return host_prefix(shown, r, e);
	if (len < sizeof(shown) && addr_parse(shown, &r->range.net) == 0) {
		r->range.bits = 128;
		r->kind = HOST_RANGE;
		return 0;
	}
	return host_name(text, len, false, r, e);
}

/* Protocols when none are written: see sluice-policy(5), DEFAULTS. */
static uint8_t default_protos(const struct rule_draft *d)
{
	if (d->allow)
		return PROTO_BIT_TCP;
	return d->has_ports ? PROTO_BIT_TCP | PROTO_BIT_UDP : PROTO_BIT_ANY;
}

/* Ports, given or by default. A denial without ports takes them all; an allowance never guesses. */
static int finish_ports(const struct rule_draft *d, struct rule *r, enum draft_part *ret_part,
			struct policy_error *e)
{
	static const struct port_range web[] = { { 80, 80 }, { 443, 443 } };
	static const struct port_range every = { 1, 65535 };

	if (!(r->protos & (PROTO_BIT_TCP | PROTO_BIT_UDP))) {
		if (!d->has_ports)
			return 0;
		*ret_part = PART_PORTS;
		return policy_fail(e, "icmp has no ports; remove them, or name tcp or udp as well");
	}
	if (d->has_ports)
		return copy_ports(d->ports, d->n_ports, r);
	if (!d->allow)
		return copy_ports(&every, 1, r);
	*ret_part = PART_HOST;
	if (r->kind == HOST_RANGE)
		return policy_fail(e, "an address or prefix needs ports; add them, 443 or 1-65535 for instance%s",
				   addr_is_v4(&r->range.net) ? "" : " (on the command line: [ADDRESS]:443)");
	if (r->protos & PROTO_BIT_UDP) {
		*ret_part = PART_PROTO;
		return policy_fail(e, "udp has no usual ports; add them, 443 for instance");
	}
	return copy_ports(web, 2, r);
}

/* Printable UTF-8 on one line, without characters that reorder or hide what a person reads. */
static bool reason_is_fine(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < ' ' || c == 0x7f)
			return false;
		if (c == 0xc2 && i + 1 < n && (unsigned char)s[i + 1] < 0xa0)
			return false;	/* C1 controls */
		if (c == 0xe2 && i + 2 < n) {
			unsigned int u = ((unsigned char)s[i + 1] & 0x3fu) << 6 | ((unsigned char)s[i + 2] & 0x3fu);

			/* U+200B..200F, U+2028..202E, U+2060..206F, less 0x2000 */
			if ((u >= 0x0b && u <= 0x0f) || (u >= 0x28 && u <= 0x2e) || (u >= 0x60 && u <= 0x6f))
				return false;
		}
		if (c == 0xef && i + 2 < n && memcmp(s + i, "\xef\xbb\xbf", 3) == 0)
			return false;
	}
	return true;
}

static int finish_reason(const struct rule_draft *d, struct rule *r, struct policy_error *e)
{
	if (!d->reason)
		return 0;
	if (!d->reason_len || d->reason_len > POLICY_REASON_MAX)
		return policy_fail(e, "a reason has 1 to %d bytes; this one has %zu", POLICY_REASON_MAX,
				   d->reason_len);
	if (!reason_is_fine(d->reason, d->reason_len))
		return policy_fail(e, "the reason holds a line break or an invisible character; remove it");
	r->reason = strndup(d->reason, d->reason_len);
	return r->reason ? 0 : -ENOMEM;
}

int rule_finish(const struct rule_draft *d, struct rule *ret_rule, enum draft_part *ret_part,
		struct policy_error *e)
{
	struct rule r = { .allow = d->allow };
	int err;

	*ret_part = PART_HOST;
	err = host_parse(d->host, d->host_len, &r, e);
	if (err < 0)
		goto err_rule;
	r.protos = d->has_proto ? d->protos : default_protos(d);
	err = finish_ports(d, &r, ret_part, e);
	if (err < 0)
		goto err_rule;
	r.tls = d->tls;
	r.http = d->http;
	err = inspect_check(&r, ret_part, e);
	if (err < 0)
		goto err_rule;
	r.any_tenant = d->any_tenant;
	*ret_part = PART_TENANTS;
	if (r.any_tenant && (!r.allow || r.kind == HOST_RANGE)) {
		err = policy_fail(e, "\"tenants\" is about who shares an allowed name; remove it");
		goto err_rule;
	}
	*ret_part = PART_REASON;
	err = finish_reason(d, &r, e);
	if (err < 0)
		goto err_rule;
	*ret_rule = r;
	return 0;

err_rule:
	rule_done(&r);
	return err;
}

void rule_done(struct rule *r)
{
	free(r->name);
	free(r->reason);
	free(r->ports);
	memset(r, 0, sizeof(*r));
}

const char *rule_host(const struct rule *r, char *buf)
{
	if (r->kind == HOST_RANGE)
		return cidr_format(&r->range, buf);
	memcpy(buf, "*.", 2);
	strcpy(buf + (r->kind == HOST_BELOW ? 2 : 0), r->name);
	return buf;
}
