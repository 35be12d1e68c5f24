/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach: where would a flow to this name go now? For `explain --resolve`. Process: sluice, as the caller.
 *
 * The addresses are what this host's resolver says, which a sandbox's need not be. The questions are those
 * that egress asks before it dials (netd/egress/judge.c), in its order.
 */
#include "lib/policy/policy_internal.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <string.h>

/* Never dialled, whatever a rule says: no peer, or an address that means something inside a sandbox only. */
static bool is_never(const struct addr *a)
{
	static const char *const inside[] = { LINK_GW4,	     LINK_GW6,	    LEASE_SHARED4,
					      LEASE_DENIED4, LEASE_SHARED6, LEASE_DENIED6 };
	enum addr_class class = addr_classify(a);

	if (class == ADDR_UNSPECIFIED || class == ADDR_MULTICAST)
		return true;
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		struct cidr c;

		if (cidr_parse(inside[i], &c) == 0 && cidr_contains(&c, a))
			return true;
	}
	return false;
}

static bool is_own(const struct addr *a)
{
	struct ifaddrs *list, *i;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (i = list; i && !found; i = i->ifa_next) {
		struct addr own;

		found = i->ifa_addr && addr_from_sockaddr(i->ifa_addr, &own, NULL) == 0 && addr_eq(&own, a);
	}
	freeifaddrs(list);
	return found;
}

static void print_one(const struct policy *p, const struct addr *a, uint8_t proto, uint16_t port, FILE *out)
{
	struct policy_verdict v = policy_judge_addr(p, a, proto, port);
	bool own = is_own(a), special = addr_is_refused(a) || own;
	const char *what = own ? "one of this host's own" : addr_class_text(addr_classify(a));
	char text[ADDR_STRLEN];

	fprintf(out, "  now     %s: ", addr_format(a, text));
	if (is_never(a))
		fprintf(out, "refused: nothing of the network\n");
	else if (v.reason == DROP_POLICY_DENY)
		fprintf(out, "refused: a rule denies the address (canonical line %u)\n", v.rule);
	else if (special && !(policy_names_range(p, a) && v.allow))
		fprintf(out, "refused: %s, and no rule names that range with this port\n", what);
	else
		fputs("would be dialled\n", out);
}

void reach_print(const struct policy *p, const char *name, uint8_t proto, uint16_t port, FILE *out)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *i;
	int err = getaddrinfo(name, NULL, &hints, &list);

	if (err != 0) {
		fprintf(out, "  now     no address: %s\n", gai_strerror(err));
		return;
	}
	for (i = list; i; i = i->ai_next) {
		struct addr a;

		if (addr_from_sockaddr(i->ai_addr, &a, NULL) == 0)
			print_one(p, &a, proto, port, out);
	}
	freeaddrinfo(list);
}
