/* SPDX-License-Identifier: Apache-2.0 */
/*
 * summary: collects egress's report and prints it. The names in it were chosen by the sandbox, so every
 * line goes through log_write(), which leaves no control byte.
 */
#include "cli/summary.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/log.h"
#include "lib/proto.h"
#include "lib/reason.h"

enum { LINES_MAX = 256 };

struct summary {
	struct proto_report_denied denied[LINES_MAX];
	size_t n_denied;
	uint64_t beyond;		/* denied destinations that found no room here */
	struct proto_report_end end;
	bool whole;			/* end was received */
};

struct summary *summary_new(void)
{
	return calloc(1, sizeof(struct summary));
}

void summary_add(struct summary *s, const void *m)
{
	if (proto_type(m) == PROTO_REPORT_END) {
		s->end = *(const struct proto_report_end *)m;
		s->whole = true;
	} else if (proto_type(m) == PROTO_REPORT_DENIED) {
		if (s->n_denied < LINES_MAX)
			s->denied[s->n_denied++] = *(const struct proto_report_denied *)m;
		else
			s->beyond++;
	}
}

/* "1.2 MB": three digits at most, decimal units. */
static char *bytes_text(uint64_t n, char *buf, size_t cap)
{
	static const char *const unit[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double v = (double)n;
	size_t u = 0;

	if (n < 1000) {
		snprintf(buf, cap, "%u B", (unsigned int)n);
		return buf;
	}
	for (v /= 1000; v >= 999.5 && u < sizeof(unit) / sizeof(unit[0]) - 1; u++)
		v /= 1000;
	snprintf(buf, cap, v < 10 ? "%.1f %s" : "%.0f %s", v, unit[u]);
	return buf;
}

static const char *proto_text(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP: return "tcp";
	case IPPROTO_UDP: return "udp";
	case IPPROTO_ICMP: return "icmp";
	default: return "looked up";
	}
}

/* The key of the rule that lets through what no --allow can. */
static const char *key_of(const struct proto_report_denied *d)
{
	switch (d->reason) {
	case DROP_TLS_NO_NAME:
	case DROP_TLS_ECH:
		return "; to allow it: `tls: opaque` in its rule";
	case DROP_TLS_BAD:
	case DROP_TLS_NOT:
	case DROP_QUIC_BAD:
		return "; to allow it: `tls: any` in its rule";
	case DROP_HTTP_BAD:
	case DROP_HTTP_TUNNEL:
		return "; to allow it: `http: any` in its rule";
	default:
		return "";
	}
}

static void print_denied(const struct proto_report_denied *d)
{
	char port[16] = "", seen[PROTO_NAME_CAP + 16] = "";

	if (d->dport)
		snprintf(port, sizeof(port), "/%u", d->dport);
	if (d->seen[0])
		snprintf(seen, sizeof(seen), " (seen: %s)", d->seen);
	log_info("denied: %s %s%s, %llu time%s: %s%s%s%s", d->host, proto_text(d->proto), port,
		 (unsigned long long)d->count, d->count == 1 ? "" : "s", reason_text(d->reason), seen,
		 d->spec[0] ? "; to allow it: --allow " : key_of(d), d->spec);
}

void summary_print(const struct summary *s)
{
	char up[32], down[32];

	if (!s->whole) {
		log_info("the gateway left no report");
	} else {
		log_info("%llu flow%s (%llu denied), %llu name%s (%llu denied), %s up, %s down, "
			 "%llu packet%s dropped", (unsigned long long)s->end.flows,
			 s->end.flows == 1 ? "" : "s", (unsigned long long)s->end.flows_denied,
			 (unsigned long long)s->end.names, s->end.names == 1 ? "" : "s",
			 (unsigned long long)s->end.names_denied,
			 bytes_text(s->end.up_bytes, up, sizeof(up)),
			 bytes_text(s->end.down_bytes, down, sizeof(down)),
			 (unsigned long long)s->end.dropped,
			 s->end.dropped == 1 ? "" : "s");
	}
	for (size_t i = 0; i < s->n_denied; i++)
		print_denied(&s->denied[i]);
	if (s->beyond + s->end.unlisted)
		log_info("denied: %llu more destinations, see --events",
			 (unsigned long long)(s->beyond + s->end.unlisted));
}
