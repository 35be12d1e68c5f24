/* SPDX-License-Identifier: Apache-2.0 */
/* glue: lwIP's headers as the worker uses them, and what stack/lwip/glue.c gives to both sides. */
#ifndef STACK_LWIP_GLUE_H
#define STACK_LWIP_GLUE_H

#include "lwip/opt.h"

#include "lwip/ip.h"
#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

/* From here on these names are the worker's own again (stack/path.h). */
#undef tcp_init
#undef ip_input
#undef ip_output

struct addr;

enum { LWIP_HEAP_MAX = 64 << 20 };	/* bytes: control blocks, segments, headers */

/* The one interface lwIP knows. It has no address, no MTU and no output function: see ip4_output_if(). */
extern struct netif lwip_netif;

void lwip_ip_from_addr(ip_addr_t *ip, const struct addr *a);
void lwip_ip_to_addr(const ip_addr_t *ip, struct addr *ret_addr);
size_t lwip_heap_used(void);

/*
 * Where every segment of lwIP goes: p->payload is the TCP header. The pbuf stays lwIP's; who keeps it
 * takes a reference. In stack/ip/tcp_tx.c.
 */
err_t tcp_segment_output(struct pbuf *p, const struct addr *src, const struct addr *dst);

#endif
