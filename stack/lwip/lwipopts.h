/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lwipopts: how lwIP 2.2.1 is built here: TCP and nothing else, one thread, no checksums.
 *
 * A value that is not upstream's default has its reason beside it; the theory of operation is in
 * stack/ip/tcp.c. What is left out needs no include and cannot be reached by a frame.
 */
#ifndef STACK_LWIP_LWIPOPTS_H
#define STACK_LWIP_LWIPOPTS_H

/* Names that upstream exports and the worker uses for itself (stack/path.h). */
#define tcp_init lwip_tcp_init
#define ip_input lwip_ip_input
#define ip_output lwip_ip_output

/* ---- one thread, no sockets, no protocol but TCP ------------------------------------------------ */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_TIMERS 0			/* tcp_tmr() is called by stack/ip/tcp_world.c */
#define LWIP_STATS 0
#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_IPV6_SCOPES 0		/* link-local addresses never come here */
#define LWIP_SINGLE_NETIF 1
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_ICMP 0
#define LWIP_ICMP6 0
#define LWIP_IPV6_MLD 0
#define LWIP_IPV6_AUTOCONFIG 0
#define LWIP_IPV6_REASS 0
#define LWIP_IPV6_FRAG 0
#define LWIP_ND6_TCP_REACHABILITY_HINTS 0
#define LWIP_RAW 0
#define LWIP_UDP 0
#define LWIP_DHCP 0
#define LWIP_DNS 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define LWIP_NETIF_TX_SINGLE_PBUF 0

/* The link is memory, frames carry partial checksums, and ports complete what they must. */
#define CHECKSUM_GEN_IP 0
#define CHECKSUM_GEN_TCP 0
#define CHECKSUM_GEN_UDP 0
#define CHECKSUM_GEN_ICMP 0
#define CHECKSUM_GEN_ICMP6 0
#define CHECKSUM_CHECK_IP 0
#define CHECKSUM_CHECK_TCP 0
#define CHECKSUM_CHECK_UDP 0
#define CHECKSUM_CHECK_ICMP 0
#define CHECKSUM_CHECK_ICMP6 0

/* ---- memory: malloc behind a cap (stack/lwip/glue.c), never more than LWIP_HEAP_MAX --------------- */
#define MEM_CUSTOM_ALLOCATOR 1
#define MEM_CUSTOM_MALLOC lwip_heap_malloc
#define MEM_CUSTOM_CALLOC lwip_heap_calloc
#define MEM_CUSTOM_FREE lwip_heap_free
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 8
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define LWIP_PBUF_REF_T u16_t
#define PBUF_LINK_HLEN 14
#define PBUF_LINK_ENCAPSULATION_HLEN 0	/* the virtio-net header is the port's */
#define PBUF_POOL_BUFSIZE 2048		/* unused; its default overflows memp's u16 with a large MSS */
#define PBUF_POOL_SIZE 2

/* ---- TCP ---------------------------------------------------------------------------------------- */
#define LWIP_TCP 1
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1	/* they forbid an MSS over 16382; see init.c:315 */
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 7
#define TCP_WND (2 * 1024 * 1024)	/* measured: under 1 MB costs, over 2 MB brings nothing */
#define TCP_SND_BUF (2 * 1024 * 1024)
#define TCP_MSS 65480			/* whole super-frames; the wire's own MSS is in struct tcp_conn */
#define TCP_CALCULATE_EFF_SEND_MSS 0	/* our netif has no MTU to speak of */
#define TCP_OVERSIZE 0			/* data is written by reference */
#define TCP_SND_QUEUELEN 16000		/* tcp_conn.c stops long before */
#define TCP_SNDLOWAT 65535
#define TCP_SNDQUEUELOWAT 8000
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_BYTES (256 * 1024)	/* unbounded by default */
#define TCP_OOSEQ_MAX_PBUFS 128
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_MAX_SACK_NUM 4
#define LWIP_TCP_TIMESTAMPS 0
#define TCP_LISTEN_BACKLOG 0
#define TCP_TMR_INTERVAL 25		/* delayed ACK 25 ms, RTO from 150 ms on; TCP_MSL must stay 60000 */
#define LWIP_CALLBACK_API 1
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1	/* the only notice of a silent tcp_free() */
#define LWIP_HOOK_FILENAME "hooks.h"
#define LWIP_HOOK_TCP_ISN lwip_isn

#endif
