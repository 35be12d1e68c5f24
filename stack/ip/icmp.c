/* SPDX-License-Identifier: Apache-2.0 */
/*
 * icmp: ICMP and ICMPv6 from the sandbox.
 *
 * Served: echo requests (the gateway's own address answers here, everything else goes to nat/ping) and
 * neighbour discovery (nd.c). Errors that the sandbox sends about our packets are read by nobody: a
 * flow ends by its own protocol or by time, so a forged error changes nothing. They and everything
 * else are dropped with ICMP_TYPE.
 */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "lib/rd.h"
#include "stack/ip/output.h"

enum { ICMP_HLEN = 8 };

static void echo_reply(struct stack *s, const struct packet *p)
{
	bool v4 = addr_is_v4(&p->dst);
	uint8_t head[ICMP_HLEN];
	struct iovec iov[2] = {
		{ head, sizeof(head) },
		{ p->l4 + ICMP_HLEN, p->l4_len - ICMP_HLEN },
	};

	memcpy(head, p->l4, sizeof(head));
	head[0] = v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
	ip_output(s, &p->dst, &p->src, p->proto, iov, 2, NULL, DROP_NONE);
}

static void echo_request(struct stack *s, struct packet *p)
{
	bool v4 = addr_is_v4(&p->dst);

	if (addr_eq(&p->dst, v4 ? &s->cfg.gw4 : &s->cfg.gw6)) {
		path_accept(s, p, NULL);
		echo_reply(s, p);
		return;
	}
	ping_input(s, p);
}

void icmp_input(struct stack *s, struct packet *p)
{
	bool v4 = addr_is_v4(&p->dst);
	struct rd r = rd_init(p->l4, p->l4_contig);
	uint8_t type = 0, code = 0;

	rd_u8(&r, &type);
	rd_u8(&r, &code);
	if (!rd_skip(&r, 6) || p->l4_contig != p->l4_len) {
		path_drop(s, p, DROP_ICMP_BAD);
		return;
	}
	if (!v4 && type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT) {
		nd_input(s, p);
		return;
	}
	if (!v4 && p->dst.b[0] == 0xff) {
		path_drop(s, p, DROP_MULTICAST);
		return;
	}
	/* ip_input() let link-local sources through for neighbour discovery only. */
	if (!v4 && !addr_eq(&p->src, &s->cfg.sb6)) {
		path_drop(s, p, DROP_IP_SOURCE);
		return;
	}
	if (type != (v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST)) {
		path_drop(s, p, DROP_ICMP_TYPE);
		return;
	}
	if (code != 0) {
		path_drop(s, p, DROP_ICMP_BAD);
		return;
	}
	echo_request(s, p);
}
