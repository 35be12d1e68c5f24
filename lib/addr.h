/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr: one address type for both families.
 *
 * An IPv4 address is held in its IPv4-mapped form (::ffff:a.b.c.d, RFC 4291 s. 2.5.5.2), so tables,
 * prefixes and messages need one shape only. Real IPv4-mapped IPv6 addresses seen on the wire must
 * therefore be refused before they become a struct addr (stack/ip does; see DROP_BAD_ADDR).
 */
#ifndef LIB_ADDR_H
#define LIB_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	ADDR_STRLEN = 48,	/* longest text of an address, NUL included */
	CIDR_STRLEN = 52,	/* longest text of an address and "/128", NUL included */
};

struct addr {
	uint8_t b[16];		/* network order */
};

/* A prefix in the mapped space: an IPv4 /8 has bits = 104. */
struct cidr {
	struct addr net;	/* host bits are zero */
	uint8_t bits;		/* 0..128 */
};

/* What an address is good for; addr_is_refused() says which of these need a rule that names the range. */
enum addr_class {
	ADDR_GLOBAL = 0,
	ADDR_UNSPECIFIED,	/* 0.0.0.0/8, :: */
	ADDR_LOOPBACK,		/* 127/8, ::1 */
	ADDR_PRIVATE,		/* RFC 1918, RFC 6598, fc00::/7 */
	ADDR_LINK_LOCAL,	/* 169.254/16, fe80::/10 */
	ADDR_METADATA,		/* cloud instance metadata services */
	ADDR_MULTICAST,		/* 224/4, ff00::/8, 255.255.255.255 */
	ADDR_RESERVED,		/* benchmark, 240/4, discard-only, IPv6 outside of 2000::/3 */
	ADDR_TRANSLATED,	/* carries an IPv4 address: 6to4, NAT64, Teredo, ISATAP, v4-compatible, v4-translated */
	ADDR_DOCUMENTATION,	/* RFC 5737, RFC 3849, RFC 9637: routed nowhere, so harmless */
};

struct addr addr_from_v4(const uint8_t b[4]);
struct addr addr_from_v6(const uint8_t b[16]);
bool addr_is_v4(const struct addr *a);
bool addr_eq(const struct addr *a, const struct addr *b);

/* Strict text form only ("1.2.3.4", "2001:db8::1"); an IPv4-mapped text is refused. 0 or -EINVAL. */
int addr_parse(const char *s, struct addr *ret_addr);
/* Canonical text (RFC 5952). Returns buf, which holds ADDR_STRLEN bytes. */
char *addr_format(const struct addr *a, char *buf);

/* Fills ret_sa with AF_INET or AF_INET6 and returns its length. port in host order. */
socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ret_sa);
/* 0 or -EAFNOSUPPORT. ret_port (host order) may be NULL. */
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret_addr, uint16_t *ret_port);

enum addr_class addr_classify(const struct addr *a);
/* May a name lead there only when a rule names the range? (all but global and documentation) */
bool addr_is_refused(const struct addr *a);
/* "private", "metadata", ...: a word for messages and events. */
const char *addr_class_text(enum addr_class c);

/* "10.0.0.0/8", "2001:db8::/32", or a bare address (= host prefix). Host bits set: -EINVAL. */
int cidr_parse(const char *s, struct cidr *ret_cidr);
bool cidr_contains(const struct cidr *c, const struct addr *a);
/* Canonical text; a host prefix prints as a bare address. buf holds CIDR_STRLEN bytes. */
char *cidr_format(const struct cidr *c, char *buf);

#endif
