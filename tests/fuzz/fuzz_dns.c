/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS questions: what the parser lets through is a name egress may be asked about, and every answer
 * fits its bound. The same bytes as a TCP stream must never make it fall over either.
 */
#include <netinet/in.h>
#include <string.h>

#include "stack/dns/dns_msg.h"
#include "tests/unit/world.h"

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static void check_name(const struct dns_question *q)
{
	size_t n = strlen(q->name);

	check(n >= 1 && n <= 253 && q->qname_len == n + 2);
	for (size_t i = 0; i < n; i++) {
		char c = q->name[i];

		check((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		      (c == '.' && i && i + 1 < n && q->name[i - 1] != '.'));
	}
}

static void check_message(const uint8_t *data, size_t size)
{
	static uint8_t buf[DNS_UDP_MAX];
	struct addr a[PROTO_ADDRS_MAX];
	struct dns_reply r = { .ede = DNS_EDE_PROHIBITED, .ede_text = "the name is not allowed",
			       .addrs = a, .n_addrs = PROTO_ADDRS_MAX };
	struct dns_question q, again;
	enum dns_rcode rcode = DNS_NOERROR;
	enum dns_verdict v = dns_parse(data, size, &q, &rcode);
	size_t n;

	memset(a, 0x20, sizeof(a));
	if (v == DNS_DROP)
		return;
	if (v == DNS_ASK)
		check_name(&q);
	r.rcode = rcode;
	n = dns_build(&q, &r, buf, q.udp_size);
	check(n >= DNS_HEAD_LEN && n <= q.udp_size);
	/* An answer is never taken for a question; with the flag cleared and nothing in it, it is one. */
	check(dns_parse(buf, n, &again, &rcode) == DNS_DROP);
	if (v != DNS_ASK)
		return;
	r.n_addrs = 0;
	r.rcode = DNS_NOERROR;
	n = dns_build(&q, &r, buf, q.udp_size);
	buf[2] &= 0x7f;
	check(dns_parse(buf, n, &again, &rcode) == DNS_ASK);
	check(strcmp(again.name, q.name) == 0 && again.qtype == q.qtype && again.id == q.id);
}

static void check_stream(const uint8_t *data, size_t size)
{
	struct flow_key k;
	struct flow *f;

	memset(&k, 0, sizeof(k));
	world_open(1500, false);
	k.src = w.s.cfg.sb4;
	k.dst = w.s.cfg.gw4;
	k.sport = 1;
	k.dport = 53;
	k.proto = IPPROTO_TCP;
	f = flow_new(&w.s.flows, &k, w.now);
	flow_set_state(&w.s.flows, f, FLOW_OPEN);
	dns_tcp_open(&w.s, f);
	for (size_t off = 0; off < size;) {
		size_t n = 1 + data[off] % 64u;

		if (n > size - off)
			n = size - off;
		if (!dns_tcp_input(&w.s, f, data + off, n))
			break;
		off += n;
	}
	dns_tcp_closed(&w.s, f);
	world_pass_ms(11000);
	world_close();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 0x80)
		check_stream(data + 1, size - 1);
	else
		check_message(data + 1, size - 1);
	return 0;
}
