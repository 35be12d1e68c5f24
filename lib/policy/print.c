/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print: the canonical text of a policy. Parsing it gives the same rules, printing those the same text.
 *
 *	version: 1
 *	egress:
 *	  - allow: pypi.org
 *	    proto: tcp
 *	    ports: [80, 443]
 *	denied_names: refused
 *	limits:
 *	  flows: 4096
 *
 * Every default is written out and every rule has its own lines, so a line number names a rule.
 */
#include "lib/policy/policy_internal.h"

#include <stdlib.h>
#include <string.h>

const char *print_protos(uint8_t protos)
{
	static const char *const words[] = {
		"",	"tcp",	       "udp",	      "[tcp, udp]",
		"icmp", "[tcp, icmp]", "[udp, icmp]", "any",
	};

	return words[protos & PROTO_BIT_ANY];
}

void print_ports(FILE *f, const struct rule *r, const char *sep, const char *quote)
{
	for (size_t i = 0; i < r->n_ports; i++) {
		const struct port_range *p = &r->ports[i];

		if (i)
			fputs(sep, f);
		if (p->lo == p->hi)
			fprintf(f, "%u", p->lo);
		else
			fprintf(f, "%s%u-%u%s", quote, p->lo, p->hi, quote);
	}
}

uint32_t print_rule_lines(const struct rule *r)
{
	return 2u + (r->n_ports ? 1u : 0u) + (r->tls ? 1u : 0u) + (r->http ? 1u : 0u) +
	       (r->any_tenant ? 1u : 0u) + (r->reason ? 1u : 0u);
}

/* Would every YAML reader take this for a string? Names with a dot and a letter first, for certain. */
static bool is_plain(const char *host)
{
	return host[0] >= 'a' && host[0] <= 'z' && strchr(host, '.') && !strchr(host, ':');
}

static void print_quoted(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('"', f);
}

static void print_rule(FILE *f, const struct rule *r)
{
	char buf[PROTO_NAME_CAP + 2];
	const char *host = rule_host(r, buf);

	fprintf(f, "  - %s: ", r->allow ? "allow" : "deny");
	if (is_plain(host))
		fputs(host, f);
	else
		print_quoted(f, host);
	fprintf(f, "\n    proto: %s\n", print_protos(r->protos));
	if (r->n_ports) {
		fputs("    ports: [", f);
		print_ports(f, r, ", ", "\"");
		fputs("]\n", f);
	}
	if (r->tls)
		fprintf(f, "    tls: %s\n", demand_word(r->tls));
	if (r->http)
		fprintf(f, "    http: %s\n", demand_word(r->http));
	if (r->any_tenant)
		fputs("    tenants: any\n", f);
	if (r->reason) {
		fputs("    reason: ", f);
		print_quoted(f, r->reason);
		fputc('\n', f);
	}
}

/* In the unit that gives the smallest whole number. */
static void print_size(FILE *f, const char *key, uint64_t v)
{
	static const struct {
		const char *word;
		uint64_t factor;
	} units[] = {
		{ "", 1 },
		{ "kB", 1000 },
		{ "KiB", 1ull << 10 },
		{ "MB", 1000000 },
		{ "MiB", 1ull << 20 },
		{ "GB", 1000000000 },
		{ "GiB", 1ull << 30 },
		{ "TB", 1000000000000 },
		{ "TiB", 1ull << 40 },
	};
	size_t best = 0;

	if (!v)
		return;
	for (size_t i = 1; i < sizeof(units) / sizeof(units[0]); i++) {
		if (v % units[i].factor == 0)
			best = i;
	}
	fprintf(f, "  %s: %llu%s\n", key, (unsigned long long)(v / units[best].factor), units[best].word);
}

static void print_limits(FILE *f, const struct policy_limits *l)
{
	if (!l->flows && !l->new_flows_per_s && !l->up_bytes && !l->down_bytes && !l->names &&
	    !l->queries_per_s)
		return;
	fputs("limits:\n", f);
	if (l->flows)
		fprintf(f, "  flows: %llu\n", (unsigned long long)l->flows);
	if (l->new_flows_per_s)
		fprintf(f, "  new_flows_per_s: %llu\n", (unsigned long long)l->new_flows_per_s);
	print_size(f, "up_bytes", l->up_bytes);
	print_size(f, "down_bytes", l->down_bytes);
	if (l->names)
		fprintf(f, "  names: %llu\n", (unsigned long long)l->names);
	if (l->queries_per_s)
		fprintf(f, "  queries_per_s: %llu\n", (unsigned long long)l->queries_per_s);
}

const char *print_denied_names(enum policy_denied_names how)
{
	static const char *const words[] = {
		[POLICY_NAMES_ANSWER] = "answer",
		[POLICY_NAMES_NXDOMAIN] = "nxdomain",
		[POLICY_NAMES_REFUSED] = "refused",
	};

	return words[how];
}

char *policy_print(const struct policy *p, size_t *ret_len)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool failed;

	if (!f)
		return NULL;
	fputs(p->n_rules ? "version: 1\negress:\n" : "version: 1\negress: []\n", f);
	for (size_t i = 0; i < p->n_rules; i++)
		print_rule(f, &p->rules[i]);
	if (p->denied_names != POLICY_NAMES_ANSWER)
		fprintf(f, "denied_names: %s\n", print_denied_names(p->denied_names));
	print_limits(f, &p->limits);
	failed = ferror(f);
	if (fclose(f) != 0 || failed) {
		free(text);
		return NULL;
	}
	if (ret_len)
		*ret_len = len;
	return text;
}
