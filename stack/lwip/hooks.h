/* SPDX-License-Identifier: Apache-2.0 */
/* hooks: functions of ours that lwIP calls by name. */
#ifndef STACK_LWIP_HOOKS_H
#define STACK_LWIP_HOOKS_H

#include "lwip/ip_addr.h"

/* Initial sequence number, RFC 6528. */
u32_t lwip_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
	       u16_t remote_port);

#endif
