/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as /etc/hosts and as /etc/resolv.conf: parsed in bounds, and what is found is in normal form. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/proto.h"
#include "netd/egress/hosts.h"
#include "netd/egress/resolvconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr got[PROTO_ADDRS_MAX];
	struct resolvconf conf;
	struct hosts *h = hosts_parse((const char *)data, size);
	uint8_t n = 0;

	assert(h);
	if (hosts_find(h, "web.test", size & 1, got, &n))
		assert(n <= PROTO_ADDRS_MAX);
	hosts_free(h);
	resolvconf_parse((const char *)data, size, &conf);
	assert(conf.n >= 1 && conf.n <= RESOLVCONF_SERVERS_MAX);
	return 0;
}
