/* SPDX-License-Identifier: Apache-2.0 */
/* output: what the other files of stack/ip need of output.c besides stack/path.h. */
#ifndef STACK_IP_OUTPUT_H
#define STACK_IP_OUTPUT_H

#include "stack/path.h"

enum {
	ETH_HEAD = 14,
	IP4_HLEN = 20,
	IP6_HLEN = 40,
	IP6_FRAG_HLEN = 8,
	ETH_TYPE_IP4 = 0x0800,
	ETH_TYPE_ARP = 0x0806,
	ETH_TYPE_IP6 = 0x86dd,
	IP_TTL_DEFAULT = 64,
};

/*
 * Sends one whole Ethernet frame towards the sandbox, copying; queues it when the port has no room.
 * 0 or -ENOBUFS.
 */
int output_frame(struct stack *s, const struct iovec *iov, int n_iov, const struct flow *f,
		 enum drop_reason why);
/* Writes the 14 bytes of an Ethernet header from the gateway to the sandbox. */
void output_eth_header(const struct stack *s, uint8_t *eth, uint16_t ethertype);
/*
 * ip_output() with a hop limit of its own and no fragmentation; for neighbour discovery, whose
 * receivers insist on 255. src and dst need not be the flow's. 0 or -ENOBUFS or -EMSGSIZE.
 */
int output_icmp6(struct stack *s, const struct addr *src, const struct addr *dst, const void *icmp,
		 size_t len, uint8_t ttl);

static inline void put_be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#endif
