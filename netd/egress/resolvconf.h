/* SPDX-License-Identifier: Apache-2.0 */
/* resolvconf: which resolvers the host uses (resolv.conf(5)). */
#ifndef EGRESS_RESOLVCONF_H
#define EGRESS_RESOLVCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/proto.h"

enum {
	RESOLVCONF_FILE_MAX = 1 << 20,
	RESOLVCONF_SERVERS_MAX = PROTO_RESOLVERS_MAX,
};

struct resolvconf {
	struct addr servers[RESOLVCONF_SERVERS_MAX];
	uint8_t n;
	uint8_t skipped;		/* nameserver lines that we cannot use (scoped addresses) */
	uint8_t timeout_s, attempts;	/* options; 0: not said */
	bool rotate, use_vc;
};

/*
 * Nameserver lines, and of the options timeout, attempts, rotate and use-vc: we never search, and always
 * use EDNS. No server: the local host's.
 */
void resolvconf_parse(const char *text, size_t len, struct resolvconf *ret_conf);

#endif
