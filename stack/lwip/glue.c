/* SPDX-License-Identifier: Apache-2.0 */
/*
 * glue: the symbols that lwIP's TCP expects from the rest of a stack, and its heap.
 *
 * Only lwIP's TCP, pbufs and address helpers are linked. The IP layer that TCP calls is here: output
 * goes to stack/ip/tcp_tx.c with addresses converted, every route leads to the one interface, and what
 * TCP never calls in this build but names is refused.
 */
#include "stack/lwip/glue.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/log.h"
#include "lwip/ip4.h"
#include "lwip/ip6.h"
#include "lwip/netif.h"

struct ip_globals ip_data;
const ip_addr_t ip_addr_any_type = IPADDR_ANY_TYPE_INIT;
struct netif lwip_netif;

static size_t heap_used;

/* ---- heap -------------------------------------------------------------------------------------- */

void *lwip_heap_malloc(size_t size)
{
	void *p;

	if (heap_used + size > LWIP_HEAP_MAX)
		return NULL;
	p = malloc(size);
	if (p)
		heap_used += malloc_usable_size(p);
	return p;
}

void *lwip_heap_calloc(size_t n, size_t size)
{
	void *p;

	if (size && n > LWIP_HEAP_MAX / size)
		return NULL;
	p = lwip_heap_malloc(n * size);
	if (p)
		memset(p, 0, n * size);
	return p;
}

void lwip_heap_free(void *p)
{
	if (p)
		heap_used -= malloc_usable_size(p);
	free(p);
}

size_t lwip_heap_used(void)
{
	return heap_used;
}

void lwip_assert_failed(const char *what, const char *file, int line)
{
	log_err("lwIP: %s (%s:%d); ending", what, file, line);
	abort();
}

/* ---- addresses ---------------------------------------------------------------------------------- */

void lwip_ip_from_addr(ip_addr_t *ip, const struct addr *a)
{
	memset(ip, 0, sizeof(*ip));
	if (addr_is_v4(a)) {
		IP_SET_TYPE_VAL(*ip, IPADDR_TYPE_V4);
		memcpy(&ip_2_ip4(ip)->addr, a->b + 12, 4);
	} else {
		IP_SET_TYPE_VAL(*ip, IPADDR_TYPE_V6);
		memcpy(ip_2_ip6(ip)->addr, a->b, 16);
	}
}

void lwip_ip_to_addr(const ip_addr_t *ip, struct addr *ret_addr)
{
	if (IP_IS_V4(ip))
		*ret_addr = addr_from_v4((const uint8_t *)&ip_2_ip4(ip)->addr);
	else
		*ret_addr = addr_from_v6((const uint8_t *)ip_2_ip6(ip)->addr);
}

/* ---- the IP layer as TCP sees it ------------------------------------------------------------------ */

struct netif *ip4_route(const ip4_addr_t *dest)
{
	(void)dest;
	return &lwip_netif;
}

struct netif *ip6_route(const ip6_addr_t *src, const ip6_addr_t *dest)
{
	(void)src;
	(void)dest;
	return &lwip_netif;
}

err_t ip4_output_if(struct pbuf *p, const ip4_addr_t *src, const ip4_addr_t *dest, u8_t ttl, u8_t tos,
		    u8_t proto, struct netif *netif)
{
	struct addr s = addr_from_v4((const uint8_t *)&src->addr);
	struct addr d = addr_from_v4((const uint8_t *)&dest->addr);

	(void)ttl;
	(void)tos;
	(void)proto;
	(void)netif;
	return tcp_segment_output(p, &s, &d);
}

err_t ip6_output_if(struct pbuf *p, const ip6_addr_t *src, const ip6_addr_t *dest, u8_t hl, u8_t tc,
		    u8_t nexth, struct netif *netif)
{
	struct addr s = addr_from_v6((const uint8_t *)src->addr);
	struct addr d = addr_from_v6((const uint8_t *)dest->addr);

	(void)hl;
	(void)tc;
	(void)nexth;
	(void)netif;
	return tcp_segment_output(p, &s, &d);
}

/* Asked for only when a connection is opened from here, or has no local address: never. */
const ip_addr_t *ip6_select_source_address(struct netif *netif, const ip6_addr_t *dest)
{
	(void)netif;
	(void)dest;
	return NULL;
}

struct netif *netif_get_by_index(u8_t idx)
{
	(void)idx;
	return &lwip_netif;
}

/* The timer runs while stack/ip/tcp_world.c knows of a connection that needs it. */
void tcp_timer_needed(void)
{
}
